/* SPDX-License-Identifier: MIT */
/*
 * All attributes are taken away before the first one is set, and what is freed is freed
 * before anything is allocated: so the blocks that are used do not depend on what was
 * there, and doing it again changes nothing.
 */
#include "pack/ext.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "pack/ext_parts.h"

/* What this code does not keep right when inodes and owners change. */
static int check_features(struct finish *f, struct err *e)
{
	static const struct {
		bool incompat;
		uint32_t bit;
		const char *name;
	} features[] = {
		{false, EXT4_FEATURE_RO_COMPAT_QUOTA, "quota"},
		{false, EXT4_FEATURE_RO_COMPAT_BIGALLOC, "bigalloc"},
		{false, EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS, "shared_blocks"},
		{false, EXT4_FEATURE_RO_COMPAT_VERITY, "verity"},
		{true, EXT4_FEATURE_INCOMPAT_MMP, "mmp"},
		{true, EXT4_FEATURE_INCOMPAT_CASEFOLD, "casefold"},
		{true, EXT4_FEATURE_INCOMPAT_ENCRYPT, "encrypt"},
		/* e2fsck does not count the attribute block of an inline link. */
		{true, EXT4_FEATURE_INCOMPAT_INLINE_DATA, "inline_data"},
	};
	const struct ext2_super_block *s = f->x.fs->super;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if ((features[i].incompat ? s->s_feature_incompat
					  : s->s_feature_ro_compat) &
			features[i].bit)
			return err_set(e, ERR_REFUSED,
				"%s: a filesystem with the feature %s cannot be finished",
				f->x.name, features[i].name);
	return 0;
}

static int open_image(struct finish *f, int fd, const char *image, struct err *e)
{
	errcode_t rc;

	if (f->now < 0 || f->now >= (int64_t)1 << 34)
		return err_set(e, ERR_REFUSED,
			"%s: a filesystem cannot be said to be made %lld seconds from "
			"1970",
			image, (long long)f->now);
	f->x.names_only = true;
	if (listing_init(&f->have, image, e) < 0 ||
		ext_open(&f->x, image, fd, EXT2_FLAG_RW, e) < 0 ||
		check_features(f, e) < 0 || ext_tree(&f->x, &f->have, e) < 0)
		return -1;
	f->x.fs->now = (time_t)f->now;
	f->x.fs->flags &= ~EXT2_FLAG_MASTER_SB_ONLY;
	rc = ext2fs_read_bitmaps(f->x.fs);
	return rc ? ext_error(&f->x, rc, e, "bitmaps") : 0;
}

/* Inodes that no name leads to any more. */
static int free_inodes(struct finish *f, struct err *e)
{
	for (size_t i = 0; i < f->have.count; i++) {
		uint32_t ino = f->x.places[i].ino;

		if (f->want[ino] || !f->x.places[i].dir)
			continue;
		if (ext_free_inode(f, ino, e) < 0)
			return -1;
		/* It may have had several names. */
		for (size_t j = i; j < f->have.count; j++)
			if (f->x.places[j].ino == ino)
				f->x.places[j].dir = 0;
	}
	return 0;
}

/* fn for every inode of the tree, in the order of the listing. */
static int each(struct finish *f, int (*fn)(struct finish *, uint32_t, struct err *),
	struct err *e)
{
	for (size_t i = 0; i < f->l->count; i++) {
		const struct listing_entry *at = &f->l->entries[i];
		const struct listing_entry *have;

		if (strcmp(at->path, at->inode->first) != 0)
			continue;
		have = listing_find(&f->have, at->path);
		if (fn(f, f->goal[have - f->have.entries], e) < 0)
			return -1;
	}
	return 0;
}

static int write_all(struct finish *f, struct err *e)
{
	errcode_t rc;

	ext2fs_mark_super_dirty(f->x.fs);
	rc = ext2fs_flush(f->x.fs);
	return rc ? ext_error(&f->x, rc, e, "cannot write") : ext_stamp(f, e);
}

int ext_finish(const char *image, const struct listing *l, int64_t now, struct err *e)
{
	cleanup_close int fd = open(image, O_RDWR | O_CLOEXEC);
	struct finish f = {.l = l, .now = now};
	int rc = -1;

	if (fd < 0)
		return err_sys(e, image, "cannot open");
	if (open_image(&f, fd, image, e) == 0 && ext_plan(&f, e) == 0 &&
		ext_rename(&f, e) == 0 && free_inodes(&f, e) == 0 &&
		each(&f, ext_dress, e) == 0 && each(&f, ext_set_xattrs, e) == 0 &&
		ext_dress_reserved(&f, e) == 0)
		rc = write_all(&f, e);
	ext_close(&f.x);
	listing_free(&f.have);
	free(f.goal);
	free(f.want);
	free(f.links);
	free(f.edit);
	return rc;
}
