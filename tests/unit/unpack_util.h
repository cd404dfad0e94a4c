/* SPDX-License-Identifier: MIT */
/* An archive in memory, unpacked into a fresh tree "s" beside an empty directory "out".
 */
#ifndef TESTS_UNIT_UNPACK_UTIL_H
#define TESTS_UNIT_UNPACK_UTIL_H

#include <archive.h>
#include <archive_entry.h>

#include "tests/unit/tar_util.h"
#include "tests/unit/tree.h"
#include "tools/unpack.h"

static struct stage *stage;
static struct db *db;
static struct unpack u;
static struct err e;
static char warnings[4096];

static inline void collect_warning(void *arg, const char *text)
{
	size_t used = strlen(warnings);

	(void)arg;
	if (!one_line(text))
		printf("# not one line: %s\n", text);
	snprintf(warnings + used, sizeof(warnings) - used, "%s\n", text);
}

static inline void unpack_end(void)
{
	db_close(db);
	stage_close(stage);
	db = NULL;
	stage = NULL;
	if (rmdir("out") < 0 && errno != ENOENT)
		err(1, "something was made outside of the tree");
}

/* Of the formats that unpack reads. */
static inline struct archive *unpack_reader(void)
{
	struct archive *a = archive_read_new();

	if (!a)
		errx(1, "out of memory");
	archive_read_support_filter_all(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_cpio(a);
	return a;
}

/* What unpack_archive() returns; the database stays open for record_at(). */
static inline int unpack_bytes(const void *data, size_t len)
{
	struct archive *a = unpack_reader();
	int rc;

	unpack_end();
	scratch_clear("s");
	unlink("s.livery");
	put_dir("s");
	put_dir("out");
	warnings[0] = '\0';
	e = (struct err){0};
	u = (struct unpack){.warn = collect_warning};
	stage = must_stage("s");
	db = must_open("s.livery", DB_CREATE);
	u.stage = stage;
	if (archive_read_open_memory(a, data, len) != ARCHIVE_OK) {
		rc = err_set(&e, ERR_INPUT, "%s", archive_error_string(a));
	} else {
		if (db_begin(db, &e) < 0 || writer_open(&u.writer, stage, db, &e) < 0)
			errx(1, "%s", e.msg);
		rc = unpack_begin(&u, a, &e);
		if (rc == 0)
			rc = unpack_archive(&u, a, &e);
		writer_close(u.writer);
		if (rc == 0)
			rc = db_commit(db, &e);
	}
	archive_read_free(a);
	return rc;
}

static inline int unpack_buf(struct buf *b)
{
	return unpack_bytes(b->data, b->len);
}

static inline struct db_record record_at(const char *path)
{
	struct db_record r = {.id = DB_ROOT};
	int rc = 1;

	while (*path && rc == 1) {
		size_t len = strcspn(path, "/");

		rc = db_name_get(db, r.id, path, len, &r, &e);
		path += len;
		path += *path == '/';
	}
	return rc == 1 ? r : (struct db_record){0};
}

static inline int add_attribute(
	void *arg, const char *name, const void *value, size_t len)
{
	struct buf *b = arg;
	const unsigned char *v = value;

	buf_addf(b, "%s=", name);
	for (size_t i = 0; i < len; i++)
		buf_addf(b, "%02x", v[i]);
	return buf_addc(b, ';');
}

/* "name=hex;…" of a path's record, in buf. */
static inline const char *attributes_at(const char *path, struct buf *b)
{
	buf_free(b);
	buf_adds(b, "");
	if (db_xattr_each(db, record_at(path).id, add_attribute, b, &e) != 0)
		return "(error)";
	return b->data;
}

#endif
