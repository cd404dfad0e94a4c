/* SPDX-License-Identifier: MIT */
/*
 * ext2, ext3 and ext4 filesystems in a file, for list_ext() and ext_finish(). libext2fs
 * opens them, reads inodes and checks checksums; block maps, directories and attributes
 * are parsed here, because the library's own code trusts them further than an image from
 * outside deserves.
 *
 * All functions return 0, or -1 with a message that names the image.
 */
#ifndef IMAGE_EXT_H
#define IMAGE_EXT_H

#include <ext2fs/ext2fs.h>

#include "common/buf.h"
#include "image/listing.h"

/* Where a name was found; of the entry with the same index in the listing. */
struct ext_place {
	uint32_t dir, ino; /* inode numbers */
};

struct digest_queue; /* image/digest_queue.h */

struct ext {
	const char *name; /* of the image, for messages */
	int fd;           /* the caller's */
	ext2_filsys fs;
	uint64_t blocks; /* of the filesystem */
	uint64_t used;   /* blocks that were met in block maps */
	bool names_only; /* no content and no attributes are read */
	struct digest_queue
		*digests;   /* between ext_digest_begin() and ext_digest_end() */
	size_t inode_bytes; /* of inode, at least a whole struct ext2_inode_large */
	struct ext2_inode_large *inode; /* the one that ext_inode() read last */
	struct ext_place *places;
	size_t room; /* of places */
};

#define cleanup_ext __attribute__((cleanup(ext_close)))

/* x is zeroed before. flags: 0 or EXT2_FLAG_RW. */
int ext_open(struct ext *x, const char *name, int fd, int flags, struct err *e);
void ext_close(struct ext *x);

/* "NAME: WHAT: what libext2fs says". Always -1. */
int ext_error(const struct ext *x, errcode_t rc, struct err *e, const char *what, ...)
	__attribute__((format(printf, 4, 5)));

/* Reads an inode into x->inode; what lies behind the inode on disk is zero. */
int ext_inode(struct ext *x, uint32_t ino, struct err *e);

/* Fills a listing, which stays unfinished, and x->places beside its entries. */
int ext_tree(struct ext *x, struct listing *l, struct err *e);

/*
 * Blocks of an inode in the order of the file, as far as it has any. The same block map
 * is never longer than the filesystem.
 */
struct ext_map {
	void *arg;
	/* count blocks of content; unwritten: room for it, which reads as zeros */
	int (*run)(void *arg, uint64_t logical, uint64_t physical, uint64_t count,
		bool unwritten, struct err *e);
	int (*meta)(void *arg, uint64_t block, struct err *e); /* of the map; or NULL */
};

int ext_map(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	const struct ext_map *m, struct err *e);

/* The content of an inode, in order. bytes NULL: len zeros. */
typedef int ext_sink(void *arg, const void *bytes, uint64_t len, struct err *e);

uint64_t ext_size(const struct ext *x, const struct ext2_inode_large *in);
int ext_content(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	ext_sink *sink, void *arg, struct err *e);

/* Runs of blocks, as struct ext_map has them, with which a file's content can be read. */
struct ext_run {
	uint64_t logical, physical, count;
	bool unwritten;
};

/*
 * The content of size bytes by its runs, in order; reads by chunks of that many bytes. Of
 * x it only looks at what stays as it is: several threads may call this.
 */
int ext_read_runs(const struct ext *x, uint64_t size, const struct ext_run *runs,
	size_t count, char *chunk, size_t chunk_size, ext_sink *sink, void *arg,
	struct err *e);

/*
 * Content of regular files, digested by l->threads (image/digest_queue.h). What is added
 * is mapped at once, and in l at the time of ext_digest_end(), which takes and returns
 * what digest_queue_end() does.
 */
int ext_digest_begin(struct ext *x, const struct listing *l, struct err *e);
int ext_digest_add(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	struct listing_inode *to, const char *path, struct err *e);
int ext_digest_end(struct ext *x, int rc, struct err *e);

/* Inline data; empty when the inode has none. */
int ext_inline(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	struct buf *b, struct err *e);

/* Names in a directory, without "." and "..", which are checked. Stops where add != 0. */
typedef int ext_name(
	void *arg, const char *name, uint32_t ino, unsigned int type, struct err *e);
int ext_directory(struct ext *x, uint32_t ino, uint32_t parent,
	const struct ext2_inode_large *in, ext_name *add, void *arg, struct err *e);

/* The file type that a directory's entry has for a mode; 0: there is no such mode. */
unsigned int ext_file_type(uint32_t mode);

/* Attributes as they are on disk. */
struct ext_xattr {
	unsigned int index; /* stands for the name's prefix */
	char name[256];     /* without it */
	const void *value;  /* valid during the call */
	size_t len;
	uint32_t ea_inode; /* which the value is in; or 0 */
	bool in_block;     /* of attributes, not in the inode */
};

typedef int ext_xattr_fn(void *arg, const struct ext_xattr *a, struct err *e);
int ext_xattrs(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	ext_xattr_fn *fn, void *arg, struct err *e);

/* Puts them into the listing as getxattr() would give them. */
int ext_list_xattrs(struct ext *x, struct listing *l, struct listing_inode *to,
	uint32_t ino, const struct ext2_inode_large *in, struct err *e);

#define EXT_INDEX_SYSTEM 7 /* with the name "data": inline data */

#define EXT_EXTRA (sizeof(struct ext2_inode_large) - EXT2_GOOD_OLD_INODE_SIZE)

/*
 * Whether the inode's fields reach to the end of this one. Where it does not say how many
 * there are, the kernel takes all (__ext4_iget()).
 */
#define EXT_HAS(x, in, field)                                                            \
	(EXT2_INODE_SIZE((x)->fs->super) > EXT2_GOOD_OLD_INODE_SIZE &&                   \
		EXT2_GOOD_OLD_INODE_SIZE + (size_t)((in)->i_extra_isize                  \
							    ? (in)->i_extra_isize        \
							    : EXT_EXTRA) >=              \
			offsetof(struct ext2_inode_large, field) + sizeof((in)->field))

#endif
