/* SPDX-License-Identifier: MIT */
/* Listing an EROFS image: the walk through its directories. */
#include "image/erofs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "image/digest.h"
#include "image/erofs_data.h"
#include "image/source.h"

#define DIRENT   12 /* struct erofs_dirent: nid, offset of the name, type, a zero */
#define NAME_LEN 255

/* A directory that was added and is still to be read. */
struct pending {
	struct erofs_inode in;
	uint64_t parent;
	const char *path;
};

struct walk {
	char name[NAME_LEN + 1], last[NAME_LEN + 1]; /* of the directory that is read */
	struct erofs fs;
	struct erofs_data data, packed;
	struct pending *pending;
	size_t count, room;
	struct buf path;
	unsigned char *block; /* of a directory */
	bool dot, dotdot;     /* were in the directory that is being read */
};

/* By file_type of a directory entry; 0 is "unknown". */
static const uint32_t types[] = {
	0, S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK};

static int push(struct walk *w, const struct erofs_inode *in, uint64_t parent,
	const char *path, struct err *e)
{
	if (w->count == w->room) {
		size_t room = w->room ? w->room * 2 : 64;
		struct pending *p = reallocarray(w->pending, room, sizeof(*p));

		if (!p)
			return erofs_no_memory(&w->fs, e);
		w->pending = p;
		w->room = room;
	}
	w->pending[w->count++] = (struct pending){*in, parent, path};
	return 0;
}

/* The inode with the tails of others, when the first file is read. */
static int open_packed(struct walk *w, struct err *e)
{
	struct erofs_inode in;

	if (w->fs.packed || !(w->fs.incompat & EROFS_FRAGMENTS) || !w->fs.packed_nid)
		return 0;
	if (erofs_load_inode(&w->fs, w->fs.packed_nid, &in, e) < 0)
		return -1;
	if (!S_ISREG(in.mode))
		return erofs_bad(&w->fs, e, "the last bytes of its files are nowhere");
	if (erofs_data_open(&w->packed, &w->fs, &in, e) < 0)
		return -1;
	w->fs.packed = &w->packed;
	return 0;
}

static int open_data(struct walk *w, const struct erofs_inode *in, struct err *e)
{
	if (open_packed(w, e) < 0)
		return -1;
	return erofs_data_open(&w->data, &w->fs, in, e);
}

static int add_content(struct walk *w, const struct erofs_inode *in,
	struct listing_inode *to, struct err *e)
{
	struct digest digest;

	if (open_data(w, in, e) < 0)
		return -1;
	digest_start(&digest);
	while (digest.size < in->size) {
		const unsigned char *bytes;
		uint64_t len;

		if (erofs_data_part(&w->data, digest.size, &bytes, &len, e) < 0)
			return -1;
		if (bytes)
			digest_add(&digest, bytes, (size_t)len);
		else
			digest_add_zeros(&digest, len);
	}
	digest_finish(&digest, to);
	return 0;
}

static int add_target(struct walk *w, const struct erofs_inode *in,
	struct listing_inode *to, struct err *e)
{
	char target[LISTING_TARGET_MAX];

	if (in->size == 0 || in->size > sizeof(target))
		return erofs_bad(&w->fs, e, "no symbolic link could have its target");
	if (open_data(w, in, e) < 0 ||
		erofs_data_read(&w->data, 0, target, (size_t)in->size, e) < 0)
		return -1;
	return listing_set_target(w->fs.l, to, target, (size_t)in->size, e);
}

static int fill(struct walk *w, const struct erofs_inode *in, const char *path,
	struct listing_inode *to, struct err *e)
{
	to->mode = in->mode;
	to->uid = in->uid;
	to->gid = in->gid;
	to->mtime = in->mtime;
	to->mtime_ns = in->mtime_ns;
	to->links = in->links;
	if (S_ISCHR(in->mode) || S_ISBLK(in->mode)) {
		/* As Linux's new_decode_dev(). */
		to->major = in->where >> 8 & 0xfff;
		to->minor = (in->where & 0xff) | (in->where >> 12 & 0xfff00);
	}
	if (erofs_add_xattrs(&w->fs, in, to, e) < 0)
		return -1;
	if (S_ISLNK(in->mode))
		return add_target(w, in, to, e);
	if (S_ISREG(in->mode))
		to->size = in->size;
	if (listing_wants_content(w->fs.l, path, to))
		return add_content(w, in, to, e);
	return 0;
}

/* Adds what a nid is under a path; type is what the directory says of it, or 0. */
static int add(struct walk *w, uint64_t nid, uint64_t parent, const char *path,
	uint32_t type, struct err *e)
{
	struct listing *l = w->fs.l;
	struct listing_inode *to;
	struct erofs_inode in;
	int rc;

	w->fs.path = path;
	/* 0 is no id in a listing, and a nid here. */
	rc = listing_add(l, path, nid + 1, &to, e);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		if (erofs_load_inode(&w->fs, nid, &in, e) < 0 ||
			fill(w, &in, path, to, e) < 0)
			return -1;
	} else if (S_ISDIR(to->mode)) {
		return erofs_bad(&w->fs, e, "a directory has two names");
	}
	if (type && (to->mode & S_IFMT) != type)
		return erofs_bad(&w->fs, e,
			"its directory has another type for it than its inode");
	if (!S_ISDIR(to->mode))
		return 0;
	return push(w, &in, parent, l->entries[l->count - 1].path, e);
}

static int bad_directory(struct walk *w, const struct pending *dir, struct err *e)
{
	w->fs.path = dir->path;
	return erofs_bad(&w->fs, e, "the directory is damaged");
}

static int add_entry(struct walk *w, const struct pending *dir, uint64_t nid,
	unsigned int kind, const char *name, size_t len, struct err *e)
{
	if (len == 0 || len > NAME_LEN || memchr(name, '/', len) ||
		memchr(name, 0, len) || kind >= sizeof(types) / sizeof(types[0]))
		return bad_directory(w, dir, e);
	/* Sorted, through all blocks: the kernel looks names up by halves. */
	memcpy(w->name, name, len);
	w->name[len] = 0;
	if (strcmp(w->name, w->last) <= 0)
		return erofs_bad(&w->fs, e, "the names of the directory are not sorted");
	memcpy(w->last, w->name, len + 1);
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))) {
		bool *seen = len == 1 ? &w->dot : &w->dotdot;

		if (*seen || nid != (len == 1 ? dir->in.nid : dir->parent))
			return bad_directory(w, dir, e);
		*seen = true;
		return 0;
	}
	w->path.len = 0;
	if ((*dir->path &&
		    (buf_adds(&w->path, dir->path) < 0 || buf_addc(&w->path, '/') < 0)) ||
		buf_add(&w->path, name, len) < 0)
		return erofs_no_memory(&w->fs, e);
	return add(w, nid, dir->in.nid, w->path.data, types[kind], e);
}

/*
 * Entries, then their names, of which each ends where the next one starts; the last one
 * ends with the block or before a NUL. The first name tells how many entries there are.
 */
static int add_block(
	struct walk *w, const struct pending *dir, size_t size, struct err *e)
{
	const unsigned char *block = w->block;
	size_t names, at, end;

	if (size < DIRENT)
		return bad_directory(w, dir, e);
	names = erofs_le16(block + 8);
	if (names < DIRENT || names % DIRENT || names > size)
		return bad_directory(w, dir, e);
	at = names;
	for (size_t i = 0; i < names; i += DIRENT, at = end) {
		const char *name = (const char *)block + at;

		end = size;
		if (i + DIRENT < names)
			end = erofs_le16(block + i + DIRENT + 8);
		if (end <= at || end > size)
			return bad_directory(w, dir, e);
		if (add_entry(w, dir, erofs_le64(block + i), block[i + 10], name,
			    i + DIRENT < names ? end - at : strnlen(name, end - at),
			    e) < 0)
			return -1;
	}
	return 0;
}

static int add_directory(struct walk *w, const struct pending *dir, struct err *e)
{
	cleanup_erofs_data struct erofs_data data = {0};
	uint64_t off, block = w->fs.block;

	w->fs.path = dir->path;
	w->dot = w->dotdot = false;
	w->last[0] = 0;
	/* No two directories have the same blocks: there is no end to such a tree. */
	if (dir->in.size > w->fs.end - w->fs.dir_bytes)
		return erofs_bad(
			&w->fs, e, "the directories claim to be larger than the image");
	w->fs.dir_bytes += dir->in.size;
	if (open_packed(w, e) < 0 || erofs_data_open(&data, &w->fs, &dir->in, e) < 0)
		return -1;
	for (off = 0; off < dir->in.size; off += block) {
		uint64_t left = dir->in.size - off;
		size_t size = (size_t)(left < block ? left : block);

		w->fs.path = dir->path;
		if (erofs_data_read(&data, off, w->block, size, e) < 0 ||
			add_block(w, dir, size, e) < 0)
			return -1;
	}
	return w->dot && w->dotdot ? 0 : bad_directory(w, dir, e);
}

static int walk(struct walk *w, struct err *e)
{
	if (erofs_open(&w->fs, e) < 0 || erofs_load_prefixes(&w->fs, e) < 0)
		return -1;
	w->block = malloc(w->fs.block);
	if (!w->block)
		return erofs_no_memory(&w->fs, e);
	if (add(w, w->fs.root, w->fs.root, "", S_IFDIR, e) < 0)
		return -1;
	while (w->count > 0) {
		struct pending dir = w->pending[--w->count];

		if (add_directory(w, &dir, e) < 0)
			return -1;
	}
	return listing_finish(w->fs.l, e);
}

int list_erofs(struct listing *l, int fd, struct err *e)
{
	struct walk w = {.fs = {.l = l, .fd = fd}};
	int rc = walk(&w, e);

	erofs_close(&w.fs);
	erofs_data_free(&w.data);
	erofs_data_free(&w.packed);
	buf_free(&w.path);
	free(w.pending);
	free(w.block);
	return rc;
}
