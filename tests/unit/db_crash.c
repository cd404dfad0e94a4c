/* SPDX-License-Identifier: MIT */
/* Transactions, writers that are killed in the middle of one, and no space to write to.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "db/internal.h"
#include "tests/unit/db_util.h"

#define MANY 800

static struct err e;

static int add_many(struct db *db)
{
	for (int i = 0; i < MANY; i++) {
		struct db_record r = db_record_new(S_IFREG);
		char name[200];

		snprintf(name, sizeof(name), "%0180d", i);
		if (db_record_put(db, &r, &e) < 0 ||
			db_name_put(db, DB_ROOT, name, strlen(name), r.id, &e) < 0)
			return -1;
	}
	return 0;
}

static int count_one(void *arg, const char *name, size_t len, const struct db_record *r)
{
	(void)name;
	(void)len;
	(void)r;
	++*(int *)arg;
	return 0;
}

static int count(struct db *db)
{
	int n = 0;

	return db_children(db, DB_ROOT, count_one, &n, &e) < 0 ? -1 : n;
}

static void no_finding(void *arg, const char *text)
{
	(void)arg;
	printf("# %s\n", text);
}

static void test_transactions(void)
{
	struct db *db;

	make_sample("t.livery");
	db = must_open("t.livery", DB_WRITE);
	is_int(count(db), 2, "two names");
	is_int(db_begin(db, &e), 0, "begin");
	must_add(db, DB_ROOT, "new", S_IFREG);
	is_int(db_name_drop(db, DB_ROOT, "dir", 3, &e), 0, "a tree dropped");
	is_int(count(db), 2, "one name more, one fewer");
	db_rollback(db);
	is_int(db_check(db, no_finding, NULL, &e), 0, "rolled back: sound");
	is_int(count(db), 2, "as before");
	is_int(db_commit(db, &e), -1, "nothing is left to commit");
	db_begin(db, &e);
	is_int(db_begin(db, &e), -1, "no transaction inside another");
	must_add(db, DB_ROOT, "lost", S_IFREG);
	db_close(db);
	db = must_open("t.livery", DB_WRITE);
	is_int(count(db), 2, "closing rolls back");
	db_begin(db, &e);
	must_add(db, DB_ROOT, "kept", S_IFREG);
	is_int(db_commit(db, &e), 0, "commit");
	db_close(db);
	db = must_open("t.livery", DB_READ);
	is_int(count(db), 3, "what was committed is there");
	db_close(db);
}

/* A writer killed when a part of its transaction is in the file already. */
static void kill_writer(const struct bytes *before)
{
	int ready[2];
	char c;
	pid_t pid;

	put_file("t.livery", before->data, before->len);
	if (pipe(ready) < 0)
		err(1, "pipe");
	pid = fork();
	if (pid == 0) {
		struct db *db = must_open("t.livery", DB_WRITE);

		if (db_exec(db, "PRAGMA cache_size = 10", &e) < 0 ||
			db_begin(db, &e) < 0 || add_many(db) < 0 ||
			write(ready[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		errx(1, "no child");
	close(ready[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(!same_bytes("t.livery", before), "the file was written to");
	ok(exists("t.livery-journal"), "and there is a journal");
}

static void test_killed(void)
{
	struct bytes before;
	struct db *db;

	make_sample("killed");
	before = read_bytes("killed");
	kill_writer(&before);
	db = must_open("t.livery", DB_READ);
	is_int(count(db), 2, "a reader sees the old state");
	is_int(db_check(db, no_finding, NULL, &e), 0, "which is sound");
	db_close(db);
	ok(same_bytes("t.livery", &before), "the journal was rolled back");
	ok(!exists("t.livery-journal"), "and is gone");
	kill_writer(&before);
	db = must_open("t.livery", DB_WRITE);
	is_int(count(db), 2, "a writer sees the old state");
	ok(db_begin(db, &e) == 0 && add_many(db) == 0 && db_commit(db, &e) == 0,
		"and can write");
	db_close(db);
	kill_writer(&before);
	db = must_open("t.livery", DB_SEALED);
	is_int(count(db), 2, "a sealed view sees the old state");
	ok(db_unchanged(db), "and counts the recovery as no change");
	db_close(db);
	free(before.data);
}

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
		err(1, "getrlimit");
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		err(1, "setrlimit");
}

/* As a disk that fills up: a file cannot grow beyond a limit. */
static void test_full(void)
{
	struct bytes before;
	struct db *db;
	int rc;

	make_sample("full.livery");
	before = read_bytes("full.livery");
	db = must_open("full.livery", DB_WRITE);
	limit_files(before.len + 8192);
	rc = db_begin(db, &e) < 0 || add_many(db) < 0 || db_commit(db, &e) < 0;
	limit_files(RLIM_INFINITY);
	ok(rc, "a transaction that does not fit fails");
	is_int(e.code, ERR_SYS, "as a system's error");
	ok(strstr(e.msg, "full.livery") && one_line(e.msg), "named: %s", e.msg);
	db_rollback(db);
	is_int(count(db), 2, "the old state is there");
	ok(db_begin(db, &e) == 0 && add_many(db) == 0 && db_commit(db, &e) == 0,
		"with space, it works again");
	db_close(db);
	put_file("full.livery", before.data, before.len);
	db = must_open("full.livery", DB_WRITE);
	limit_files(before.len + 8192);
	rc = db_begin(db, &e) < 0 || add_many(db) < 0 || db_commit(db, &e) < 0;
	db_close(db);
	limit_files(RLIM_INFINITY);
	ok(rc && same_bytes("full.livery", &before), "closed: byte for byte as before");
	limit_files(1000);
	rc = db_open(&db, "new.livery", DB_CREATE, &e);
	limit_files(RLIM_INFINITY);
	is_int(rc, -1, "no space for a new one");
	ok(strstr(e.msg, "new.livery") && one_line(e.msg), "named: %s", e.msg);
	db = must_open("new.livery", DB_CREATE);
	is_int(count(db), 0, "later it is made in the same place");
	db_close(db);
	free(before.data);
}

int main(void)
{
	scratch_make();
	signal(SIGXFSZ, SIG_IGN);
	test_transactions();
	test_killed();
	test_full();
	return done_testing();
}
