/* SPDX-License-Identifier: MIT */
/* For tests that look at the database as a file, or spoil it behind livery's back. */
#ifndef TESTS_UNIT_DB_UTIL_H
#define TESTS_UNIT_DB_UTIL_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

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

/* Another process, which does what one letter says and answers with one. */
struct peer {
	pid_t pid;
	int to, from;
};

typedef char peer_fn(char what);

static inline struct peer peer_start(peer_fn *fn)
{
	int to[2], from[2];
	struct peer p;
	char c;

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		err(1, "pipe");
	p.pid = fork();
	if (p.pid < 0)
		err(1, "fork");
	if (p.pid == 0) {
		close(to[1]);
		while (read(to[0], &c, 1) == 1) {
			c = fn(c);
			if (write(from[1], &c, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	p.to = to[1];
	p.from = from[0];
	return p;
}

static inline void peer_tell(const struct peer *p, char what)
{
	if (write(p->to, &what, 1) != 1)
		err(1, "write");
}

static inline char peer_hear(const struct peer *p)
{
	char c;

	return read(p->from, &c, 1) == 1 ? c : 0;
}

static inline char peer_ask(const struct peer *p, char what)
{
	peer_tell(p, what);
	return peer_hear(p);
}

/* Whether it answers in that time. */
static inline bool peer_answers(const struct peer *p, int milliseconds)
{
	struct pollfd fd = {.fd = p->from, .events = POLLIN};

	return poll(&fd, 1, milliseconds) == 1;
}

static inline void peer_kill(struct peer *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->to);
	close(p->from);
}

/* At rest: one file, in rollback-journal mode. */
static inline bool at_rest(const char *path)
{
	static const char *const others[] = {"-wal", "-shm", "-journal"};
	struct bytes b = read_bytes(path);
	bool rest = b.len >= 100 && b.data[18] == 1 && b.data[19] == 1;
	char other[300];

	free(b.data);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(other, sizeof(other), "%s%s", path, others[i]);
		rest = rest && !exists(other);
	}
	return rest;
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
