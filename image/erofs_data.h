/* SPDX-License-Identifier: MIT */
/*
 * The content of an inode of an EROFS image, wherever and however it is kept. One
 * erofs_data serves one inode after the other, and keeps its buffers.
 */
#ifndef IMAGE_EROFS_DATA_H
#define IMAGE_EROFS_DATA_H

#include "image/erofs.h"

/* erofs_fs.h: Z_EROFS_PCLUSTER_MAX_SIZE, Z_EROFS_PCLUSTER_MAX_DSIZE */
#define EROFS_STORED_MAX   (1u << 20)
#define EROFS_UNPACKED_MAX (12u << 20)

enum erofs_head {
	EROFS_HEAD_RAW = 0, /* stored as it is */
	EROFS_HEAD_FIRST = 1,
	EROFS_HEAD_NONE = 2, /* no extent starts in this block */
	EROFS_HEAD_SECOND = 3,
};

/* A run of content that is compressed in one go. It ends where the next one starts. */
struct erofs_extent {
	uint64_t start;  /* in the content */
	uint32_t block;  /* where it is stored */
	uint16_t blocks; /* how many; 0: not said */
	uint8_t head;
	bool partial; /* what is stored there unpacks to more than this run */
};

/* How a compressed file is laid out. */
struct erofs_zmap {
	struct erofs_extent *extents;
	size_t count, room;
	uint8_t algorithm[2]; /* of extents with the first and the second kind of head */
	bool interlaced;      /* raw extents are kept at their place in the block */
	bool tail_inline;     /* the last extent lies behind the index */
	bool tail_packed;     /* the last extent lies in the packed inode */
	uint64_t tail_at;     /* where, in bytes of the image or the packed inode */
	uint32_t tail_size;   /* of an inline one, as stored */
};

struct erofs_data {
	struct erofs *fs;
	struct erofs_inode in;
	struct erofs_zmap map;
	unsigned char *raw;    /* bytes as they are in the image */
	unsigned char *packed; /* an extent as stored */
	unsigned char *out;    /* and unpacked */
	size_t out_room;
	size_t out_extent; /* which one; SIZE_MAX: none */
};

int erofs_data_open(struct erofs_data *d, struct erofs *fs, const struct erofs_inode *in,
	struct err *e);
void erofs_data_free(struct erofs_data *d);

#define cleanup_erofs_data __attribute__((cleanup(erofs_data_free)))

/*
 * The content from off, below the inode's size, on: at least one byte. *bytes are good
 * until the next call, or NULL where all of *len is zero.
 */
int erofs_data_part(struct erofs_data *d, uint64_t off, const unsigned char **bytes,
	uint64_t *len, struct err *e);

/* All of len bytes; the caller keeps off + len within the size. */
int erofs_data_read(
	struct erofs_data *d, uint64_t off, void *buf, size_t len, struct err *e);

/* erofs_zmap.c: reads the index of a compressed inode. */
int erofs_zmap_load(struct erofs *fs, const struct erofs_inode *in, struct erofs_zmap *z,
	struct err *e);

/* erofs_unpack.c: erofs_data_part() for a compressed inode. */
int erofs_unpack_part(struct erofs_data *d, uint64_t off, const unsigned char **bytes,
	uint64_t *len, struct err *e);

#endif
