/* SPDX-License-Identifier: MIT */
/*
 * Parts of the EROFS reader that its files share; list_erofs() in source.h is what others
 * call. On-disk format: fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst of
 * Linux; what its comments leave open is as Linux's fs/erofs does it.
 *
 * Nothing in an image is trusted: each position and length is checked against the end of
 * the filesystem, which lies within the file.
 */
#ifndef IMAGE_EROFS_H
#define IMAGE_EROFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "image/listing.h"

#define EROFS_ZERO_PADDING 0x00000001u /* features that a reader must know */
#define EROFS_DEVICE_TABLE 0x00000008u /* the same bit as a second algorithm */
#define EROFS_FRAGMENTS    0x00000020u
#define EROFS_KNOWN        0x0000007fu

#define EROFS_HOLE UINT32_MAX /* the address of a block that is all zero */

#define EROFS_CACHE_SLOTS 32
#define EROFS_CACHE_SIZE  8192

struct erofs_data;

/* What the start of a long attribute name is kept as. */
struct erofs_prefix {
	uint8_t base;
	uint8_t len;
	char infix[256];
};

struct erofs {
	struct listing *l;
	int fd;
	uint64_t end;     /* bytes of the filesystem; the file may be longer */
	const char *path; /* what is being read, for messages; NULL: the image itself */

	unsigned int bits; /* of a block's size */
	uint32_t block;
	uint32_t compat, incompat;
	uint64_t root, packed_nid;
	uint64_t meta, shared; /* where inodes and shared attributes start, in bytes */
	int64_t epoch;         /* the time of compact inodes */
	uint32_t nsec;
	uint32_t prefixes_at;
	unsigned int prefix_count;
	struct erofs_prefix *prefixes;

	struct erofs_data *packed; /* tails of many files in one inode; NULL: not open */
	uint64_t dir_bytes;        /* read so far */
	uint64_t xattr_bytes;

	struct erofs_slot {
		uint64_t at;
		size_t len; /* 0: free */
		unsigned char *bytes;
	} cache[EROFS_CACHE_SLOTS];
};

enum erofs_layout {
	EROFS_PLAIN = 0,
	EROFS_FULL = 1, /* compressed, an index of 8 bytes a block */
	EROFS_INLINE = 2,
	EROFS_COMPACT = 3, /* compressed, an index of 2 or 4 bytes a block */
	EROFS_CHUNKS = 4,
};

struct erofs_inode {
	uint64_t nid;
	uint64_t xattrs;      /* where they are, in bytes from the start */
	uint32_t xattrs_size; /* of them */
	uint64_t tail;        /* what follows them: inline data or an index */
	enum erofs_layout layout;
	uint32_t mode, uid, gid;
	uint32_t where; /* block address, device number or chunk format */
	uint64_t size;
	int64_t mtime;
	uint32_t mtime_ns, links;
};

/* Sets "NAME: /PATH: …" as ERR_INPUT. Always -1. */
int erofs_bad(const struct erofs *fs, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int erofs_no_memory(const struct erofs *fs, struct err *e);

/* erofs_super.c */
int erofs_open(struct erofs *fs, struct err *e);
void erofs_close(struct erofs *fs);

/* Bytes of the filesystem; an error where they are not all within it. */
int erofs_read(const struct erofs *fs, uint64_t at, void *buf, size_t len, struct err *e);
/* The same through a cache, for the many small pieces of metadata. */
int erofs_read_meta(struct erofs *fs, uint64_t at, void *buf, size_t len, struct err *e);

/* erofs_inode.c */
int erofs_load_inode(
	struct erofs *fs, uint64_t nid, struct erofs_inode *in, struct err *e);

/* erofs_xattr.c */
int erofs_load_prefixes(struct erofs *fs, struct err *e);
int erofs_add_xattrs(struct erofs *fs, const struct erofs_inode *in,
	struct listing_inode *to, struct err *e);

static inline uint32_t erofs_le16(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t erofs_le32(const unsigned char *p)
{
	return erofs_le16(p) | erofs_le16(p + 2) << 16;
}

static inline uint64_t erofs_le64(const unsigned char *p)
{
	return erofs_le32(p) | (uint64_t)erofs_le32(p + 4) << 32;
}

static inline uint64_t erofs_align(uint64_t at, uint64_t to)
{
	return (at + to - 1) / to * to;
}

#endif
