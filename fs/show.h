/* SPDX-License-Identifier: MIT */
/* What both views show alike, the sealed one and the one that writes. */
#ifndef FS_SHOW_H
#define FS_SHOW_H

#include <stdint.h>

/* Inode numbers of files without a record: that of the staging file with this bit. */
#define NODE_UNRECORDED (UINT64_C(1) << 62)

/* The staging tree's filesystem has its own idea of how large a directory is. */
#define SHOW_DIR_SIZE   4096
#define SHOW_BLOCK_SIZE 4096

/*
 * Permissions of a staging file for a mode that is shown: readable and writable by its
 * owner whatever the mode says, and executable where anybody may execute it, so that
 * tools can run in the tree.
 */
static inline uint32_t show_staging_mode(uint32_t mode)
{
	return mode & 0111 ? 0755 : 0644;
}

#endif
