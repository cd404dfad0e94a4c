/* SPDX-License-Identifier: MIT */
/* The parts of ext_finish(); each returns 0, or -1 with a message. */
#ifndef PACK_EXT_PARTS_H
#define PACK_EXT_PARTS_H

#include "image/ext.h"

struct finish {
	struct ext x;
	const struct listing *l; /* what is to be */
	struct listing have;     /* names, types, sizes and targets in the image */
	int64_t now;
	/* By place in have: the inode that the name is to lead to; 0: none. */
	uint32_t *goal;
	/* By inode number. */
	const struct listing_inode *
		*want; /* what it becomes; NULL: nothing of the tree */
	uint32_t *links;
	bool *edit; /* a directory with names to change */
};

/* Finds out what is to be done; refuses trees that differ in more than can be mended. */
int ext_plan(struct finish *f, struct err *e);

/* Brings the directories in line with the plan. */
int ext_rename(struct finish *f, struct err *e);

/* Frees an inode, its blocks and its attributes, and leaves zeros. */
int ext_free_inode(struct finish *f, uint32_t ino, struct err *e);

/* Frees what attributes x.inode has outside of itself, and clears those in it. */
int ext_strip(struct finish *f, uint32_t ino, struct err *e);

/* Writes x.inode. */
int ext_write_inode(struct finish *f, uint32_t ino, struct err *e);

/* Everything of a file's inode but its attributes; those that it had are gone. */
int ext_dress(struct finish *f, uint32_t ino, struct err *e);
int ext_set_xattrs(struct finish *f, uint32_t ino, struct err *e);

/* Times of inodes that are no file's: the journal's and the like. */
int ext_dress_reserved(struct finish *f, struct err *e);

/* Times in all copies of the superblock. Everything must have been written before. */
int ext_stamp(struct finish *f, struct err *e);

#endif
