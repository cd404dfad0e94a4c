/* SPDX-License-Identifier: MIT */
/* For tests that look at the database as a file, or spoil it behind livery's back. */
#ifndef TESTS_UNIT_DB_UTIL_H
#define TESTS_UNIT_DB_UTIL_H

#include <sqlite3.h>

#include "tests/unit/tree.h"

/* Runs SQL on a file with none of livery's safeguards. */
static inline void spoil(const char *path, const char *sql)
{
	sqlite3 *raw;
	char *why = NULL;

	if (sqlite3_open(path, &raw) != SQLITE_OK ||
		sqlite3_exec(raw, sql, NULL, NULL, &why) != SQLITE_OK)
		errx(1, "%s: %s", sql, why ? why : sqlite3_errmsg(raw));
	sqlite3_close(raw);
}

struct bytes {
	char *data;
	size_t len;
};

static inline struct bytes read_bytes(const char *path)
{
	struct bytes b;

	b.data = get_file(path, &b.len);
	return b;
}

static inline bool same_bytes(const char *path, const struct bytes *b)
{
	size_t len;
	char *now = get_file(path, &len);
	bool same = len == b->len && memcmp(now, b->data, len) == 0;

	free(now);
	return same;
}

/* A small tree with one of everything: a labeled directory, links, a device, attributes.
 */
static inline void make_sample(const char *path)
{
	struct db *db = must_open(path, DB_CREATE);
	struct db_record r = db_record_new(S_IFCHR);
	struct err e;
	int64_t dir;

	r.rdev = 0x501;
	r.mode = 0600;
	r.uid = r.gid = 0;
	if (db_begin(db, &e) < 0)
		errx(1, "%s", e.msg);
	dir = must_add(db, DB_ROOT, "dir", S_IFDIR);
	must_add(db, dir, "file", S_IFREG);
	must_link(db, dir, "link", must_add(db, DB_ROOT, "first", S_IFREG));
	r.label = db_label_intern(db, "u:r:device_t:s0", 15, &e);
	if (r.label < 0 || db_record_put(db, &r, &e) < 0 ||
		db_name_put(db, dir, "tty", 3, r.id, &e) < 0 ||
		db_record_set_label(db, dir, r.label, &e) < 0 ||
		db_xattr_put(db, dir, "user.a", "value", 5, &e) < 0 ||
		db_note_put(db, "key", "value", &e) < 0 || db_commit(db, &e) < 0)
		errx(1, "%s", e.msg);
	db_close(db);
}

#endif
