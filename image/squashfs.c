/* SPDX-License-Identifier: MIT */
#include "image/squashfs.h"

#include <endian.h>
#include <errno.h>
#include <sqfs/compressor.h>
#include <sqfs/dir.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/source.h"

/* linux: fs/squashfs/squashfs_fs.h, SQUASHFS_DIR_COUNT and SQUASHFS_NAME_LEN */
#define DIR_ENTRIES_MAX 256
#define NAME_MAX_BYTES  256

/* A directory's length counts "." and "..", which are not stored, as 3 bytes. */
#define DIR_EMPTY 3

/* A directory whose names are still to be read. */
struct pending {
	const char *path;
	struct squashfs_place names;
	uint64_t len;
};

struct walk {
	struct squashfs *s;
	struct pending *dirs;
	size_t count, room;
	char *path; /* of the name that is read: LISTING_PATH_MAX and more */
};

static int no_memory(const struct squashfs *s, struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, s->l->name, "cannot list");
}

static int open_compressor(struct squashfs *s, struct err *e)
{
	struct sqfs_compressor_config_t c;
	const char *name = NULL;
	uint16_t id = s->super.compression_id;
	int rc = SQFS_ERROR_UNSUPPORTED;

	if (id >= SQFS_COMP_MIN && id <= SQFS_COMP_MAX) {
		name = sqfs_compressor_name_from_id((SQFS_COMPRESSOR)id);
		rc = sqfs_compressor_config_init(&c, (SQFS_COMPRESSOR)id,
			s->super.block_size, SQFS_COMP_FLAG_UNCOMPRESS);
	}
	if (rc == 0)
		rc = sqfs_compressor_create(&c, &s->compressor);
	if (rc == SQFS_ERROR_ALLOC)
		return no_memory(s, e);
	if (rc == 0)
		return 0;
	if (!name)
		return err_set(e, ERR_INPUT,
			"%s: the squashfs image is compressed in an unknown way (%u)",
			s->l->name, id);
	return err_set(e, ERR_INPUT,
		"%s: the squashfs image is compressed with %s, which libsquashfs was "
		"built without",
		s->l->name, name);
}

static int open_image(struct squashfs *s, struct err *e)
{
	uint64_t size;

	if (image_size(s->fd, s->l->name, &size, e) < 0)
		return -1;
	if (squashfs_super(s, size, e) < 0 || open_compressor(s, e) < 0)
		return -1;
	s->inodes = (struct squashfs_area){.what = "its inodes cannot be read",
		.start = s->super.inode_table_start,
		.end = s->super.directory_table_start};
	s->dirs = (struct squashfs_area){.what = "its directories cannot be read",
		.start = s->super.directory_table_start,
		.end = squashfs_dirs_end(s)};
	s->rest = (struct squashfs_area){.what = "its tables cannot be read",
		.start = sizeof(s->super),
		.end = s->super.bytes_used};
	s->fragment_index = UINT64_MAX;
	s->cache = calloc(SQUASHFS_CACHED, sizeof(*s->cache));
	s->raw = malloc(s->super.block_size);
	s->block = malloc(s->super.block_size);
	s->fragment = malloc(s->super.block_size);
	if (!s->cache || !s->raw || !s->block || !s->fragment)
		return no_memory(s, e);
	return squashfs_xattrs_open(s, e) < 0 ? -1 : squashfs_tables(s, e);
}

static void close_image(struct squashfs *s)
{
	sqfs_destroy(s->compressor);
	free(s->cache);
	free(s->raw);
	free(s->block);
	free(s->fragment);
	table_free(&s->inodes.seen);
	table_free(&s->dirs.seen);
	table_free(&s->rest.seen);
	table_free(&s->numbers);
	table_free(&s->attrs);
}

/* Which type an inode has; its mode should say nothing else. */
static const uint32_t modes[] = {
	[SQFS_INODE_DIR] = S_IFDIR,
	[SQFS_INODE_FILE] = S_IFREG,
	[SQFS_INODE_SLINK] = S_IFLNK,
	[SQFS_INODE_BDEV] = S_IFBLK,
	[SQFS_INODE_CDEV] = S_IFCHR,
	[SQFS_INODE_FIFO] = S_IFIFO,
	[SQFS_INODE_SOCKET] = S_IFSOCK,
};

static int get_id(struct squashfs *s, uint16_t index, uint32_t *id, struct err *e)
{
	if (squashfs_entry(s, s->super.id_table_start, index, s->super.id_count, id,
		    sizeof(*id), e) < 0)
		return -1;
	*id = le32toh(*id);
	return 0;
}

static int set_target(struct squashfs *s, struct listing_inode *out,
	const struct squashfs_inode *in, struct err *e)
{
	struct squashfs_place p = in->target;
	char target[LISTING_TARGET_MAX];

	if (squashfs_read(s, &p, target, (size_t)in->size, e) < 0)
		return -1;
	return listing_set_target(s->l, out, target, (size_t)in->size, e);
}

static int fill(struct squashfs *s, const char *path, struct listing_inode *out,
	const struct squashfs_inode *in, struct err *e)
{
	if ((in->mode & S_IFMT) && (in->mode & S_IFMT) != modes[in->type])
		return squashfs_bad(s, e, "an inode has two types");
	out->mode = modes[in->type] | (in->mode & 07777);
	out->mtime = in->mtime;
	out->links = in->links;
	out->whole_seconds = true;
	if (get_id(s, in->uid, &out->uid, e) < 0 || get_id(s, in->gid, &out->gid, e) < 0)
		return -1;
	/* linux/kdev_t.h, new_decode_dev() */
	out->major = in->devno >> 8 & 0xfff;
	out->minor = (in->devno & 0xff) | (in->devno >> 12 & 0xfff00);
	if (squashfs_xattrs(s, out, in->xattrs, e) < 0)
		return -1;
	if (in->type == SQFS_INODE_SLINK)
		return set_target(s, out, in, e);
	if (in->type != SQFS_INODE_FILE)
		return 0;
	out->size = in->size;
	if (!listing_wants_content(s->l, path, out))
		return 0;
	return squashfs_content(s, out, &in->file, e);
}

static int push(struct walk *w, const struct squashfs_inode *in, struct err *e)
{
	struct squashfs *s = w->s;
	uint64_t ref = (uint64_t)in->dir_block << 16 | in->dir_offset;

	if (in->size <= DIR_EMPTY)
		return 0;
	if (w->count == w->room) {
		size_t room = w->room ? w->room * 2 : 64;
		struct pending *p = reallocarray(w->dirs, room, sizeof(*p));

		if (!p)
			return no_memory(s, e);
		w->dirs = p;
		w->room = room;
	}
	w->dirs[w->count++] = (struct pending){
		.path = s->l->entries[s->l->count - 1].path,
		.names = squashfs_at(&s->dirs, s->super.directory_table_start, ref),
		.len = in->size - DIR_EMPTY,
	};
	return 0;
}

/*
 * Names of one file share a reference. The kernel tells inodes apart by number: with two
 * of one number it would show one of them twice.
 */
static int add_number(struct squashfs *s, uint64_t ref, uint32_t number, struct err *e)
{
	if (table_find(&s->numbers, number, NULL, NULL, NULL, &(uint64_t){0}))
		return squashfs_bad(s, e, "two inodes have one number");
	return table_add(&s->numbers, number, ref) < 0 ? no_memory(s, e) : 0;
}

/* What a directory says of an inode that was read before. */
static int check_again(struct squashfs *s, uint64_t ref, unsigned type, uint32_t number,
	const struct listing_inode *known, struct err *e)
{
	uint64_t other;

	if (S_ISDIR(known->mode))
		return squashfs_bad(s, e, "a directory is in two places");
	if ((known->mode & S_IFMT) != modes[type] ||
		!table_find(&s->numbers, number, NULL, NULL, NULL, &other) ||
		other != ref)
		return squashfs_bad(
			s, e, "a directory does not agree with what is in it");
	return 0;
}

/* The name in w->path of the inode at ref. type and number: what the directory says. */
static int add_name(struct walk *w, uint64_t ref, unsigned type, const uint32_t *number,
	struct err *e)
{
	struct squashfs *s = w->s;
	struct squashfs_inode in;
	struct listing_inode *out;
	int rc = listing_add(s->l, w->path, ref + 1, &out, e);

	if (rc < 0)
		return -1;
	if (rc == 1)
		return check_again(s, ref, type, *number, out, e);
	if (squashfs_inode(s, ref, &in, e) < 0)
		return -1;
	if (in.type != type || (number && in.number != *number))
		return squashfs_bad(
			s, e, "a directory does not agree with what is in it");
	if (add_number(s, ref, in.number, e) < 0 || fill(s, w->path, out, &in, e) < 0)
		return -1;
	return in.type == SQFS_INODE_DIR ? push(w, &in, e) : 0;
}

/* Names are sorted: the kernel stops looking behind where one would be. */
static int check_name(
	struct squashfs *s, const char *name, size_t len, char *last, struct err *e)
{
	if (strlen(name) != len || strchr(name, '/'))
		return squashfs_bad(s, e, "a name has bytes that no name can have");
	if (strcmp(name, last) <= 0)
		return squashfs_bad(s, e, "the names of a directory are not sorted");
	memcpy(last, name, len + 1);
	return 0;
}

static int read_run(
	struct walk *w, struct pending *d, size_t base, char *last, struct err *e)
{
	struct squashfs *s = w->s;
	struct sqfs_dir_header_t header;
	uint64_t count;

	if (d->len < sizeof(header))
		return squashfs_bad(s, e, s->dirs.what);
	if (squashfs_read(s, &d->names, &header, sizeof(header), e) < 0)
		return -1;
	d->len -= sizeof(header);
	count = (uint64_t)le32toh(header.count) + 1;
	if (count > DIR_ENTRIES_MAX)
		return squashfs_bad(s, e, s->dirs.what);
	for (; count > 0; count--) {
		struct sqfs_dir_entry_t entry;
		uint32_t number = le32toh(header.inode_number);
		size_t len;

		if (d->len < sizeof(entry))
			return squashfs_bad(s, e, s->dirs.what);
		if (squashfs_read(s, &d->names, &entry, sizeof(entry), e) < 0)
			return -1;
		d->len -= sizeof(entry);
		len = (size_t)le16toh(entry.size) + 1;
		if (len > NAME_MAX_BYTES || d->len < len)
			return squashfs_bad(s, e, s->dirs.what);
		if (squashfs_read(s, &d->names, w->path + base, len, e) < 0)
			return -1;
		d->len -= len;
		w->path[base + len] = 0;
		if (check_name(s, w->path + base, len, last, e) < 0)
			return -1;
		if (le16toh(entry.type) < SQFS_INODE_DIR ||
			le16toh(entry.type) > SQFS_INODE_SOCKET)
			return squashfs_bad(s, e, s->dirs.what);
		/* A signed 16-bit difference, modulo 2^32. */
		number += (uint32_t)(int16_t)le16toh((uint16_t)entry.inode_diff);
		if (add_name(w,
			    (uint64_t)le32toh(header.start_block) << 16 |
				    le16toh(entry.offset),
			    le16toh(entry.type), &number, e) < 0)
			return -1;
	}
	return 0;
}

static int read_dir(struct walk *w, struct pending d, struct err *e)
{
	char last[NAME_MAX_BYTES + 1] = "";
	size_t base = strlen(d.path);

	if (base + 1 + NAME_MAX_BYTES > LISTING_PATH_MAX)
		return squashfs_bad(w->s, e, "its directories are too deep");
	memcpy(w->path, d.path, base);
	if (base)
		w->path[base++] = '/';
	w->s->dirs.used += d.len;
	while (d.len > 0)
		if (read_run(w, &d, base, last, e) < 0)
			return -1;
	if (w->s->dirs.used > w->s->dirs.held)
		return squashfs_bad(w->s, e, "directories overlap");
	return 0;
}

static int walk_tree(struct squashfs *s, struct err *e)
{
	struct walk w = {.s = s, .path = calloc(1, LISTING_PATH_MAX + 1)};
	int rc = w.path ? add_name(&w, s->super.root_inode_ref, SQFS_INODE_DIR, NULL, e)
			: no_memory(s, e);

	while (rc == 0 && w.count > 0)
		rc = read_dir(&w, w.dirs[--w.count], e);
	free(w.dirs);
	free(w.path);
	if (rc == 0 && s->numbers.count > s->super.inode_count)
		return squashfs_bad(s, e, "it has more inodes than it says");
	return rc;
}

int list_squashfs(struct listing *l, int fd, struct err *e)
{
	struct squashfs s = {.fd = fd, .l = l};
	int rc = open_image(&s, e);

	if (rc == 0)
		rc = walk_tree(&s, e);
	if (rc == 0)
		rc = listing_finish(l, e);
	close_image(&s);
	return rc;
}
