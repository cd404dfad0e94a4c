/* SPDX-License-Identifier: MIT */
/*
 * Squashfs 4.0 (linux: fs/squashfs/squashfs_fs.h, Documentation/filesystems/squashfs.rst)
 * in parts, for image/squashfs*.c only. libsquashfs has the layouts and the compressors;
 * blocks are looked up here, so that each offset and length is checked before it is used.
 */
#ifndef IMAGE_SQUASHFS_H
#define IMAGE_SQUASHFS_H

#include <sqfs/block.h>
#include <sqfs/super.h>

#include "image/listing.h"
#include "image/table.h"

#define SQUASHFS_NONE UINT32_MAX /* no fragment, no attributes */

/* One of the areas that are a row of compressed blocks of 8 KiB at most. */
struct squashfs_area {
	const char *what; /* for messages */
	uint64_t start, end;
	/*
	 * Inodes and directories lie side by side: all that are read are together no
	 * larger than the blocks that they were read from. An image where they overlap
	 * could hold any number.
	 */
	uint64_t held, used;
	struct table seen; /* blocks that are in held */
};

struct squashfs_block {
	uint64_t at, next; /* in the image; 0: this place is empty */
	uint64_t last_used;
	size_t len;
	uint8_t bytes[SQFS_META_BLOCK_SIZE];
};

#define SQUASHFS_CACHED 32

struct squashfs {
	int fd;
	struct listing *l;
	struct sqfs_super_t super; /* in this machine's byte order */
	struct sqfs_compressor_t *compressor;
	struct squashfs_area inodes, dirs, rest;
	struct squashfs_block *cache; /* SQUASHFS_CACHED */
	uint64_t clock;
	uint8_t *raw;   /* what a block is on disk, super.block_size bytes */
	uint8_t *block; /* a block of content */
	uint8_t *fragment;
	size_t fragment_len;
	uint64_t fragment_index; /* of what is in fragment; UINT64_MAX: nothing */
	struct table numbers;    /* inode number → where the inode is */
	struct table attrs;      /* index of attributes → inode that has them */
	uint64_t xattr_start;    /* where attributes are */
	uint32_t xattr_count;
	uint64_t xattr_bytes; /* copied so far */
};

/* A place in an area: a block and an offset in what it holds. */
struct squashfs_place {
	struct squashfs_area *area;
	uint64_t at;
	size_t offset;
};

/* ref: block << 16 | offset, the block from base. */
struct squashfs_place squashfs_at(
	struct squashfs_area *area, uint64_t base, uint64_t ref);

/* Reads len bytes and goes on behind them; bytes NULL: skips them. */
int squashfs_read(struct squashfs *s, struct squashfs_place *p, void *bytes, size_t len,
	struct err *e);

/* Reads bytes of the image. */
int squashfs_pread(
	struct squashfs *s, uint64_t at, void *bytes, size_t len, struct err *e);

/* A compressed block into out; its length into got. */
int squashfs_unpack(struct squashfs *s, const void *raw, size_t len, void *out,
	size_t room, size_t *got, struct err *e);

/*
 * An entry of a table that is stored as blocks with a list of where they are at start.
 * count: how many entries there are; size must divide 8192.
 */
int squashfs_entry(struct squashfs *s, uint64_t start, uint64_t index, uint64_t count,
	void *entry, size_t size, struct err *e);

/* What is wrong with the image. Always -1. */
int squashfs_bad(const struct squashfs *s, struct err *e, const char *what);

/* Where a file's content is. Block sizes follow each other at sizes. */
struct squashfs_file {
	uint64_t start;
	uint32_t fragment, offset;
	struct squashfs_place sizes;
};

/* How many sizes there are. */
uint64_t squashfs_blocks(const struct squashfs *s, uint64_t size, uint32_t fragment);
int squashfs_content(struct squashfs *s, struct listing_inode *in,
	const struct squashfs_file *f, struct err *e);

/* squashfs_super.c: the superblock; then, with xattrs opened, the tables. */
int squashfs_super(struct squashfs *s, uint64_t file_size, struct err *e);
int squashfs_tables(struct squashfs *s, struct err *e);

/* Directories end where the first of the tables behind them starts. */
uint64_t squashfs_dirs_end(const struct squashfs *s);

int squashfs_xattrs_open(struct squashfs *s, struct err *e);
int squashfs_xattrs(
	struct squashfs *s, struct listing_inode *in, uint32_t index, struct err *e);

/* squashfs_inode.c: what is at a place in the inode table. */
struct squashfs_inode {
	uint16_t type, mode, uid, gid; /* type: the basic one; uid and gid are indexes */
	uint32_t mtime, number, devno, xattrs, links;
	uint64_t size; /* of a file, a target or a directory's names */
	struct squashfs_file file;
	struct squashfs_place target;
	uint32_t dir_block; /* where a directory's names are */
	uint16_t dir_offset;
};
int squashfs_inode(
	struct squashfs *s, uint64_t ref, struct squashfs_inode *in, struct err *e);

#endif
