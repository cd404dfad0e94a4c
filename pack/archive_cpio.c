/* SPDX-License-Identifier: MIT */
/*
 * cpio in the format of an initramfs (linux: Documentation/driver-api/early-userspace/
 * buffer-format.rst, "newc"), by libarchive. As GNU cpio does, the content of a file with
 * several names comes with the last one.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/table.h"
#include "pack/archive_out.h"

#define TRAILER "TRAILER!!!"
#define NAME_MAX_CPIO                                                                    \
	4096 /* with its NUL; linux: init/initramfs.c leaves out longer ones */

static int no_memory(struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, NULL, "cannot write the archive");
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

/* Names of one inode written so far, in the order of the inodes. */
static uint32_t *seen_names(struct table *seen, uint32_t *counts, const void *inode)
{
	uint64_t at = seen->count;

	if (!table_find(seen, (uintptr_t)inode, NULL, NULL, NULL, &at) &&
		table_add(seen, (uintptr_t)inode, at) < 0)
		return NULL;
	return &counts[at];
}

static int failed(struct archive *a, struct err *e)
{
	const char *why = archive_error_string(a);

	errno = archive_errno(a);
	return why ? err_set(e, ERR_SYS, "cannot write the archive: %s", why)
		   : err_sys(e, NULL, "cannot write the archive");
}

/*
 * Errors are kept here and libarchive is told that all is well: after a failure it would
 * not free what it holds (3.6).
 */
struct sink {
	int fd, error;
};

static la_ssize_t put_out(struct archive *a, void *arg, const void *bytes, size_t len)
{
	struct sink *s = arg;
	const char *p = bytes;
	size_t left = len;

	(void)a;
	while (left && !s->error) {
		ssize_t n = write(s->fd, p, left);

		if (n < 0 && errno != EINTR)
			s->error = errno;
		if (n > 0) {
			p += n;
			left -= (size_t)n;
		}
	}
	return (la_ssize_t)len;
}

static int put_bytes(void *arg, const void *bytes, size_t len, struct err *e)
{
	return archive_write_data(arg, bytes, len) == (la_ssize_t)len ? 0
								      : failed(arg, e);
}

static void fill(struct archive_entry *to, const struct listing_entry *at, uint32_t ino)
{
	const struct listing_inode *in = at->inode;

	archive_entry_clear(to);
	archive_entry_set_pathname(to, *at->path ? at->path : ".");
	archive_entry_set_mode(to, in->mode);
	archive_entry_set_uid(to, in->uid);
	archive_entry_set_gid(to, in->gid);
	archive_entry_set_mtime(to, in->mtime, 0);
	archive_entry_set_nlink(to, in->names);
	archive_entry_set_ino64(to, ino);
	archive_entry_set_dev(to, 0);
	archive_entry_set_size(to, 0);
	if (S_ISCHR(in->mode) || S_ISBLK(in->mode)) {
		archive_entry_set_rdevmajor(to, in->major);
		archive_entry_set_rdevminor(to, in->minor);
	}
	if (S_ISLNK(in->mode))
		archive_entry_set_symlink(to, in->target);
}

struct writer {
	struct sink sink;
	struct archive *a;
	struct archive_entry *entry;
	struct engine *en;
	struct table seen;
	uint32_t *names;
};

static int put_entry(struct writer *w, const struct listing_entry *at, struct err *e)
{
	const struct listing_inode *in = at->inode;
	uint32_t *names = seen_names(&w->seen, w->names, in);
	bool content = S_ISREG(in->mode) && names && ++*names == in->names;

	if (!names)
		return no_memory(e);
	if (check_entry(at, e) < 0)
		return -1;
	fill(w->entry, at, (uint32_t)(names - w->names) + 1);
	if (content)
		archive_entry_set_size(w->entry, (int64_t)in->size);
	if (archive_write_header(w->a, w->entry) != ARCHIVE_OK)
		return failed(w->a, e);
	return content ? out_content(w->en, in, put_bytes, w->a, e) : 0;
}

static int check_sink(const struct sink *s, struct err *e)
{
	errno = s->error;
	return errno ? err_sys(e, NULL, "cannot write the archive") : 0;
}

static int put_all(struct writer *w, const struct listing *l, struct err *e)
{
	if (!w->a || !w->entry || !w->names)
		return no_memory(e);
	if (archive_write_set_format_cpio_newc(w->a) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(w->a, 512) != ARCHIVE_OK ||
		archive_write_open(w->a, &w->sink, NULL, put_out, NULL) != ARCHIVE_OK)
		return failed(w->a, e);
	for (size_t i = 0; i < l->count; i++)
		if (put_entry(w, &l->entries[i], e) < 0 || check_sink(&w->sink, e) < 0)
			return -1;
	if (archive_write_close(w->a) != ARCHIVE_OK)
		return failed(w->a, e);
	return check_sink(&w->sink, e);
}

int out_cpio(int fd, struct engine *en, const struct listing *l, struct err *e)
{
	struct writer w = {
		.a = archive_write_new(),
		.entry = archive_entry_new(),
		.en = en,
		.names = calloc(l->count, sizeof(*w.names)),
	};
	int rc;

	w.sink.fd = fd;
	rc = put_all(&w, l, e);
	archive_entry_free(w.entry);
	archive_write_free(w.a);
	table_free(&w.seen);
	free(w.names);
	return rc;
}
