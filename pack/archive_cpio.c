/* SPDX-License-Identifier: MIT */
/*
 * cpio in the format of an initramfs (linux: Documentation/driver-api/early-userspace/
 * buffer-format.rst, "newc"): sorted, inode numbers in the order of names. As GNU cpio
 * does, the content of a file with several names comes with the last one.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "image/table.h"
#include "pack/archive_out.h"

#define TRAILER "TRAILER!!!"
#define NAME_MAX_CPIO                                                                    \
	4096 /* with its NUL; linux: init/initramfs.c leaves out longer ones */

struct number {
	uint32_t ino, nlink, names; /* names: how many there were so far */
};

struct numbers {
	struct number *list;
	uint32_t count;
	struct table of; /* inode, as a pointer → index in list */
};

static int no_memory(struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, NULL, "cannot write the archive");
}

static struct number *number_of(const struct numbers *n, const struct listing_inode *in)
{
	uint64_t at = 0;

	table_find(&n->of, (uintptr_t)in, NULL, NULL, NULL, &at);
	return &n->list[at];
}

/* A directory is linked from above, from itself, and from each directory in it. */
static void count_links(const struct listing *l, const struct numbers *n)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_entry *at = &l->entries[i];
		const char *slash = strrchr(at->path, '/');
		cleanup_free char *parent = NULL;
		const struct listing_entry *above;

		if (!S_ISDIR(at->inode->mode) || !*at->path)
			continue;
		parent = strndup(at->path, slash ? (size_t)(slash - at->path) : 0);
		above = parent ? listing_find(l, parent) : NULL;
		if (above)
			number_of(n, above->inode)->nlink++;
	}
}

static int make_numbers(struct numbers *n, const struct listing *l, struct err *e)
{
	n->list = calloc(l->count, sizeof(*n->list));
	if (!n->list)
		return no_memory(e);
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_inode *in = l->entries[i].inode;

		if (in->first != l->entries[i].path)
			continue;
		if (table_add(&n->of, (uintptr_t)in, n->count) < 0)
			return no_memory(e);
		n->list[n->count].nlink = S_ISDIR(in->mode) ? 2 : in->names;
		n->list[n->count].ino = n->count + 1;
		n->count++;
	}
	count_links(l, n);
	return 0;
}

static int check_entry(const struct listing_entry *at, struct err *e)
{
	const struct listing_inode *in = at->inode;

	if (in->xattr_count)
		return err_set(e, ERR_REFUSED,
			"/%s has the attribute %s, and cpio keeps no attributes; "
			"--drop=xattrs leaves them out",
			at->path, in->xattrs[0].name);
	if (in->mtime < 0 || in->mtime > UINT32_MAX)
		return out_refuse(at, e,
			"cpio cannot keep its modification time, only 1970 to 2106");
	if (S_ISREG(in->mode) && in->size > UINT32_MAX)
		return out_refuse(at, e, "cpio cannot keep a file of 4 GiB or more");
	if (strcmp(at->path, TRAILER) == 0)
		return out_refuse(at, e, "in cpio, this name ends the archive");
	if (strlen(at->path) >= NAME_MAX_CPIO)
		return out_refuse(at, e, "its path is longer than cpio's readers take");
	return 0;
}

/* size: of what follows the name. */
static int put_header(struct out *o, const char *name, const struct listing_inode *in,
	const struct number *n, uint32_t size, struct err *e)
{
	char h[111];

	snprintf(h, sizeof(h),
		"070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", n->ino,
		in->mode, in->uid, in->gid, n->nlink, (uint32_t)in->mtime, size, 0u, 0u,
		in->major, in->minor, (uint32_t)strlen(name) + 1, 0u);
	if (out_bytes(o, h, sizeof(h) - 1, e) < 0 ||
		out_bytes(o, name, strlen(name) + 1, e) < 0)
		return -1;
	return out_pad(o, 4, e);
}

static int put_entry(
	struct out *o, const struct listing_entry *at, struct number *n, struct err *e)
{
	const struct listing_inode *in = at->inode;
	bool content = S_ISREG(in->mode) && ++n->names == in->names;
	uint32_t size = content || S_ISLNK(in->mode) ? (uint32_t)in->size : 0;

	if (check_entry(at, e) < 0 ||
		put_header(o, *at->path ? at->path : ".", in, n, size, e) < 0)
		return -1;
	if (content && out_content(o, in, e) < 0)
		return -1;
	if (S_ISLNK(in->mode) && out_bytes(o, in->target, size, e) < 0)
		return -1;
	return out_pad(o, 4, e);
}

static int put_all(
	struct out *o, const struct listing *l, const struct numbers *n, struct err *e)
{
	static const struct listing_inode nothing;
	static const struct number none = {.nlink = 1};

	for (size_t i = 0; i < l->count; i++)
		if (put_entry(o, &l->entries[i], number_of(n, l->entries[i].inode), e) <
			0)
			return -1;
	if (put_header(o, TRAILER, &nothing, &none, 0, e) < 0)
		return -1;
	return out_pad(o, 512, e);
}

int out_cpio(struct out *o, const struct listing *l, struct err *e)
{
	struct numbers n = {0};
	int rc = make_numbers(&n, l, e);

	if (rc == 0)
		rc = put_all(o, l, &n, e);
	free(n.list);
	table_free(&n.of);
	return rc;
}
