/* SPDX-License-Identifier: MIT */
#include "tools/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "image/archive_meta.h"
#include "tools/names.h"

static int archive_failed(struct archive *a, const char *path, struct err *e)
{
	char quoted[1024];

	return err_set(e, ERR_INPUT, "%s%s%s",
		path ? quote_path(quoted, sizeof(quoted), path) : "the archive", ": ",
		archive_why(a));
}

static void warn(struct unpack *u, const char *path, const char *text)
{
	char quoted[1024];
	char line[2048];

	snprintf(line, sizeof(line), "%s: %s", quote_path(quoted, sizeof(quoted), path),
		text);
	u->warned++;
	u->warn(u->arg, line);
}

static int write_all(int fd, const char *p, size_t len, off_t off)
{
	while (len) {
		ssize_t n = pwrite(fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
		off += n;
	}
	return 0;
}

/* Holes of the archive stay holes. */
static int copy_content(struct archive *a, struct archive_entry *entry, const char *path,
	int fd, struct err *e)
{
	const void *block;
	size_t len;
	la_int64_t off;
	int rc;

	while ((rc = archive_read_data_block(a, &block, &len, &off)) == ARCHIVE_OK)
		if (write_all(fd, block, len, off) < 0)
			return err_sys(e, path, "cannot write");
	if (rc != ARCHIVE_EOF)
		return archive_failed(a, path, e);
	if (archive_entry_size_is_set(entry) &&
		ftruncate(fd, archive_entry_size(entry)) < 0)
		return err_sys(e, path, "cannot set the size");
	return 0;
}

static int set_time(struct unpack *u, struct archive_entry *entry, const char *path,
	uint32_t mode, struct err *e)
{
	struct timespec t;
	int rc;

	if (!archive_mtime(entry, &t))
		return 0;
	rc = S_ISDIR(mode) ? writer_dir_time(u->writer, path, &t, e)
			   : writer_set_time(u->writer, path, &t, e);
	if (rc == 1)
		warn(u, path,
			"its time is one that the staging tree's filesystem cannot keep");
	return rc < 0 ? -1 : 0;
}

/* cpio's last link carries the content, and some tars repeat it. */
static int make_link(struct unpack *u, struct archive *a, struct archive_entry *entry,
	const char *path, const char *target, struct err *e)
{
	bool content = archive_entry_size_is_set(entry) && archive_entry_size(entry) > 0;
	cleanup_close int fd = -1;

	if (writer_link(u->writer, path, target, content ? &fd : NULL, e) < 0)
		return -1;
	if (fd < 0)
		return 0;
	if (copy_content(a, entry, path, fd, e) < 0)
		return -1;
	return set_time(u, entry, path, S_IFREG, e);
}

static int make_inode(struct unpack *u, struct archive *a, struct archive_entry *entry,
	const char *path, const struct unpack_meta *m, struct err *e)
{
	cleanup_close int fd = -1;
	int rc = writer_make(u->writer, path, &m->meta, &fd, e);

	if (rc < 0)
		return -1;
	if (rc == 1)
		return 0;
	if (fd >= 0 && copy_content(a, entry, path, fd, e) < 0)
		return -1;
	return set_time(u, entry, path, m->meta.mode, e);
}

static int make_entry(struct unpack *u, struct archive *a, struct archive_entry *entry,
	const char *path, struct err *e)
{
	const char *target = archive_entry_hardlink(entry);
	unsigned long set = 0, clear = 0;
	struct unpack_meta m;
	char quoted[1024];
	int rc;

	if (target)
		return make_link(u, a, entry, path, target, e);
	if (unpack_meta_read(&m, entry, u, e) < 0)
		return err_wrap(e, "%s", quote_path(quoted, sizeof(quoted), path));
	archive_entry_fflags(entry, &set, &clear);
	if (set)
		warn(u, path, "its file flags (chattr) are not kept");
	rc = make_inode(u, a, entry, path, &m, e);
	if (rc == 0 && m.hidden)
		warn(u, path,
			"it has attributes that are kept in the database, but that no "
			"view can show");
	unpack_meta_free(&m);
	return rc;
}

/* The name as the archive's bytes. */
static const char *entry_path(
	struct archive *a, struct archive_entry *entry, struct err *e)
{
	const char *path = archive_entry_pathname(entry);

	if (!path || !*path) {
		err_set(e, ERR_INPUT,
			"entry %d of the archive has no name that can be read",
			archive_file_count(a));
		return NULL;
	}
	return path;
}

/* 1: the entry that was read is to be made; 0: the end. */
static int next_entry(
	struct unpack *u, struct archive *a, struct archive_entry **entry, struct err *e)
{
	int rc = archive_read_next_header(a, entry);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return archive_failed(a, NULL, e);
	if (rc == ARCHIVE_WARN && archive_error_string(a) &&
		!archive_about_charset(archive_error_string(a)))
		warn(u,
			archive_entry_pathname(*entry) ? archive_entry_pathname(*entry)
						       : "?",
			archive_error_string(a));
	return 1;
}

int unpack_begin(struct unpack *u, struct archive *a, struct err *e)
{
	int rc = next_entry(u, a, &u->next, e);

	if (rc == 0)
		return err_set(e, ERR_INPUT, "the archive is empty");
	return rc < 0 ? -1 : 0;
}

static int make_all(struct unpack *u, struct archive *a, struct err *e)
{
	int rc;

	do {
		const char *path = entry_path(a, u->next, e);

		if (!path)
			return -1;
		if (make_entry(u, a, u->next, path, e) == 0) {
			u->entries++;
		} else if (e->code == ERR_REFUSED) {
			u->refused++;
			u->warn(u->arg, e->msg);
		} else {
			return -1;
		}
		if (u->step)
			u->step(u->arg);
		rc = next_entry(u, a, &u->next, e);
	} while (rc == 1);
	return rc < 0 ? -1 : writer_finish(u->writer, e);
}

int unpack_archive(struct unpack *u, struct archive *a, struct err *e)
{
	int rc = make_all(u, a, e);

	names_close(u->names);
	u->names = NULL;
	return rc;
}
