/* SPDX-License-Identifier: MIT */
/*
 * The times in an image's superblocks. Written past libext2fs, which puts the clock's
 * time in whatever it is told, and cannot be told 0.
 */
#include <endian.h>
#include <errno.h>
#include <unistd.h>

#include "pack/ext_parts.h"

static int stamp(struct finish *f, uint64_t offset, struct err *e)
{
	struct ext2_super_block s;
	uint32_t low = htole32((uint32_t)f->now);
	uint8_t high = (uint8_t)(f->now >> 32);

	if (pread(f->x.fd, &s, sizeof(s), (off_t)offset) != (ssize_t)sizeof(s))
		return err_sys(e, f->x.name, "cannot read");
	if (le16toh(s.s_magic) != EXT2_SUPER_MAGIC)
		return err_set(e, ERR_INPUT, "%s: there is no superblock at %llu",
			f->x.name, (unsigned long long)offset);
	s.s_wtime = s.s_mkfs_time = s.s_lastcheck = low;
	s.s_wtime_hi = s.s_mkfs_time_hi = s.s_lastcheck_hi = high;
	s.s_mtime = 0; /* never mounted */
	s.s_mtime_hi = 0;
	s.s_mnt_count = 0;
	s.s_kbytes_written = 0; /* depends on how it was written */
	if (ext2fs_superblock_csum_set(f->x.fs, &s) != 0)
		return err_set(
			e, ERR_INPUT, "%s: the superblock takes no checksum", f->x.name);
	if (pwrite(f->x.fd, &s, sizeof(s), (off_t)offset) != (ssize_t)sizeof(s))
		return err_sys(e, f->x.name, "cannot write");
	return 0;
}

int ext_stamp(struct finish *f, struct err *e)
{
	if (stamp(f, SUPERBLOCK_OFFSET, e) < 0)
		return -1;
	for (dgrp_t i = 1; i < f->x.fs->group_desc_count; i++) {
		blk64_t block = 0;

		ext2fs_super_and_bgd_loc2(f->x.fs, i, &block, NULL, NULL, NULL);
		if (block && stamp(f, block * f->x.fs->blocksize, e) < 0)
			return -1;
	}
	return 0;
}
