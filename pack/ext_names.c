/* SPDX-License-Identifier: MIT */
/* Directory entries of an image: removed, or led to another inode, or given a type. */
#include <string.h>

#include "pack/ext_parts.h"

struct renaming {
	struct finish *f;
	struct buf path;
	size_t prefix; /* bytes of path that are the directory's */
	bool failed;
	/* The entry before, which takes over the room of one that is removed. */
	char *buf;
	int offset;
};

static void remove_entry(
	struct renaming *r, struct ext2_dir_entry *at, int offset, char *buf)
{
	ext2_filsys fs = r->f->x.fs;
	unsigned int len, before;
	struct ext2_dir_entry *prev = (struct ext2_dir_entry *)(void *)(buf + r->offset);

	ext2fs_get_rec_len(fs, at, &len);
	at->inode = 0;
	at->name_len = 0;
	memset(at->name, 0, len - EXT2_DIR_ENTRY_HEADER_LEN);
	if (r->buf != buf || r->offset >= offset)
		return;
	ext2fs_get_rec_len(fs, prev, &before);
	if (r->offset + (int)before == offset)
		ext2fs_set_rec_len(fs, before + len, prev);
}

static int visit(ext2_ino_t dir, int kind, struct ext2_dir_entry *at, int offset,
	int block_size, char *buf, void *arg)
{
	struct renaming *r = arg;
	struct finish *f = r->f;
	const struct listing_entry *have;
	uint32_t goal;

	(void)dir;
	(void)block_size;
	if (kind != DIRENT_OTHER_FILE)
		goto next;
	r->path.len = r->prefix;
	if (buf_add(&r->path, at->name, (size_t)ext2fs_dirent_name_len(at)) < 0) {
		r->failed = true;
		return DIRENT_ABORT;
	}
	have = listing_find(&f->have, r->path.data);
	if (!have) /* nothing that was listed */
		goto next;
	goal = f->goal[have - f->have.entries];
	if (!goal) {
		remove_entry(r, at, offset, buf);
		return DIRENT_CHANGED;
	}
	at->inode = goal;
	if (ext2fs_has_feature_filetype(f->x.fs->super))
		ext2fs_dirent_set_file_type(at, (int)ext_file_type(f->want[goal]->mode));
	r->buf = buf;
	r->offset = offset;
	return DIRENT_CHANGED;
next:
	r->buf = buf;
	r->offset = offset;
	return 0;
}

static int rename_in(struct finish *f, size_t i, struct err *e)
{
	struct renaming r = {.f = f};
	const char *path = f->have.entries[i].path;
	errcode_t rc = 0;

	if (buf_adds(&r.path, path) < 0 || (*path && buf_addc(&r.path, '/') < 0))
		r.failed = true;
	r.prefix = r.path.len;
	if (!r.failed)
		rc = ext2fs_dir_iterate2(f->x.fs, f->x.places[i].ino, 0, NULL, visit, &r);
	buf_free(&r.path);
	if (rc)
		return ext_error(&f->x, rc, e, "directory /%s", path);
	return r.failed ? err_sys(e, f->x.name, "cannot finish") : 0;
}

int ext_rename(struct finish *f, struct err *e)
{
	for (size_t i = 0; i < f->have.count; i++)
		if (f->goal[i] && f->edit[f->x.places[i].ino] && rename_in(f, i, e) < 0)
			return -1;
	return 0;
}
