/* SPDX-License-Identifier: MIT */
/*
 * What is synced and when, no space, and places where a log cannot be written: with
 * DB_LIVE and after a view was killed.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "db/internal.h"
#include "tests/unit/db_util.h"

static const enum db_mode modes[] = {DB_READ, DB_SEALED, DB_WRITE, DB_CREATE, DB_LIVE};
#define MODES ((int)(sizeof(modes) / sizeof(modes[0])))

static struct err e;
static int syncs, sync_error;
static char synced[4096]; /* their names, one after the other */

static int note_sync(int fd)
{
	char proc[64], name[512];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, name, sizeof(name) - 1);
	if (n > 0 && strlen(synced) + (size_t)n + 2 < sizeof(synced)) {
		name[n] = '\0';
		strcat(synced, name);
		strcat(synced, "\n");
	}
	syncs++;
	errno = sync_error;
	return sync_error ? -1 : 0;
}

/* In place of the C library's, for SQLite too. */
int fsync(int fd)
{
	return note_sync(fd);
}

int fdatasync(int fd)
{
	return note_sync(fd);
}

static void reset_syncs(void)
{
	syncs = 0;
	synced[0] = '\0';
}

static bool was_synced(const char *end)
{
	char line[64];

	snprintf(line, sizeof(line), "%s\n", end);
	return strstr(synced, line) != NULL;
}

static int change(struct db *db, const char *value)
{
	return db_begin(db, &e) < 0 || db_note_put(db, "k", value, &e) < 0
		       ? -1
		       : db_commit(db, &e);
}

static void test_sync(void)
{
	struct db *db = must_open("t.livery", DB_LIVE);
	char here[600];

	reset_syncs();
	is_int(db_sync(db, &e), 0, "nothing to sync is no error");
	is_int(change(db, "1"), 0, "a change");
	is_int(change(db, "2"), 0, "and another");
	reset_syncs();
	is_int(change(db, "3"), 0, "and another");
	is_int(syncs, 0, "a commit of a view syncs nothing");
	is_int(db_sync(db, &e), 0, "db_sync");
	ok(was_synced("/t.livery-wal"), "syncs the log");
	sync_error = EIO;
	is_int(db_sync(db, &e), -1, "a disk that fails");
	sync_error = 0;
	is_int(e.sys, EIO, "is told");
	ok(one_line(e.msg) && strstr(e.msg, "t.livery"), "%s", e.msg);
	reset_syncs();
	db_close(db);
	ok(was_synced("/t.livery"), "closing syncs the file");
	ok(was_synced("/t.livery-wal"), "and the log before");
	ok(at_rest("t.livery"), "at rest");
	db = must_open("t.livery", DB_LIVE);
	reset_syncs();
	is_int(change(db, "4"), 0, "a log that is new");
	is_int(db_sync(db, &e), 0, "is synced");
	snprintf(here, sizeof(here), "%s", strrchr(scratch_dir, '/'));
	ok(was_synced(here), "its directory is synced");
	db_close(db);
	db = must_open("t.livery", DB_WRITE);
	reset_syncs();
	is_int(change(db, "5"), 0, "a command's commit");
	ok(was_synced("/t.livery"), "is synced");
	is_int(db_sync(db, &e), 0, "as it is already");
	db_close(db);
}

static char borrower(char what)
{
	struct db *db;
	bool right;

	(void)what;
	if (db_open(&db, "t.livery", DB_WRITE, &e) < 0)
		return '!';
	reset_syncs();
	right = change(db, "6") == 0 && was_synced("/t.livery-wal");
	db_close(db);
	return right ? 'y' : 'n';
}

static void test_borrower_syncs(void)
{
	struct peer p = peer_start(borrower);
	struct db *db = must_open("t.livery", DB_LIVE);

	is_int(change(db, "4"), 0, "a view writes");
	is_int(db_lend(db, &e), 0, "and lends");
	is_int(peer_ask(&p, 'x'), 'y', "what a command writes then is synced");
	is_int(db_wait_back(db, &e), 0, "back");
	is_int(db_refresh(db, &e), 1, "changed");
	db_close(db);
	peer_kill(&p);
	ok(at_rest("t.livery"), "at rest");
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

static int add_many(struct db *db)
{
	char name[200];

	for (int i = 0; i < 500; i++) {
		struct db_record r = db_record_new(S_IFREG);

		snprintf(name, sizeof(name), "%0180d", i);
		if (db_record_put(db, &r, &e) < 0 ||
			db_name_put(db, DB_ROOT, name, strlen(name), r.id, &e) < 0)
			return -1;
	}
	return 0;
}

/* As a disk that fills up. */
static void test_full(void)
{
	struct db *db = must_open("t.livery", DB_LIVE);
	int64_t before;
	int rc;

	is_int(change(db, "kept"), 0, "a change");
	before = db_name_total(db, &e);
	limit_files(65536);
	rc = db_begin(db, &e) < 0 || add_many(db) < 0 || db_commit(db, &e) < 0;
	limit_files(RLIM_INFINITY);
	ok(rc, "a change that does not fit");
	is_int(e.code, ERR_SYS, "is a system's error");
	ok(one_line(e.msg) && strstr(e.msg, "t.livery"), "%s", e.msg);
	db_rollback(db);
	is_int(db_name_total(db, &e), before, "nothing of it is kept");
	ok(db_begin(db, &e) == 0 && add_many(db) == 0 && db_commit(db, &e) == 0,
		"with space, it works again");
	is_int(db_name_total(db, &e), before + 500, "all of it is kept");
	limit_files(1000);
	db_close(db);
	limit_files(RLIM_INFINITY);
	db = must_open("t.livery", DB_READ);
	is_int(db_name_total(db, &e), before + 500, "closed without space: all there");
	db_close(db);
	ok(at_rest("t.livery"), "at rest, with space");
}

/* Somebody who may read only; root is asked nothing. */
static void become_reader(void)
{
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		err(1, "setuid");
	/* Its own /proc/self/fd */
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		err(1, "prctl");
}

/* '1' it opens; '0' a clear error. */
static char try_reader(char mode)
{
	struct db *db;

	become_reader();
	e = (struct err){0};
	if (db_open(&db, "t.livery", modes[mode - '0'], &e) == 0) {
		char *note = NULL;
		bool right = db_note_get(db, "k", &note, &e) == 0 && note &&
			     strcmp(note, "new") == 0;

		free(note);
		db_close(db);
		return right ? '1' : '?';
	}
	if (e.code == ERR_SYS && one_line(e.msg) && strstr(e.msg, "t.livery") &&
		(strstr(e.msg, "Permission denied") ||
			strstr(e.msg, "directory has to be writable")))
		return '0';
	printf("# %s\n", e.msg);
	fflush(stdout);
	return '!';
}

static void reader(int mode, char want, const char *what)
{
	struct peer p = peer_start(try_reader);
	char got = peer_ask(&p, (char)('0' + mode));

	if (!ok(got == want, "%s: mode %d", what, modes[mode]))
		printf("#   got '%c', wanted '%c'\n", got, want);
	peer_kill(&p);
}

static char view(char what)
{
	static struct db *db;

	if (what == 'c')
		db_close(db);
	else if (db_open(&db, "t.livery", DB_LIVE, &e) < 0 || change(db, "new") < 0)
		return '!';
	return what;
}

/* A directory in which one may not make a file, and a file of somebody else. */
static void test_readers(void)
{
	struct peer p;

	if (chmod("t.livery", 0444) < 0 || chmod(scratch_dir, 0555) < 0)
		err(1, "chmod");
	for (int i = 0; i < MODES; i++)
		reader(i, i < 2 ? '?' : '0', "at rest");
	if (chmod("t.livery", 0644) < 0 || chmod(scratch_dir, 0755) < 0)
		err(1, "chmod");
	p = peer_start(view);
	is_int(peer_ask(&p, 'o'), 'o', "a view");
	if (chmod("t.livery", 0444) < 0 || chmod("t.livery-wal", 0444) < 0 ||
		chmod("t.livery-shm", 0444) < 0 || chmod(scratch_dir, 0555) < 0)
		err(1, "chmod");
	reader(0, '1', "beside a view");
	kill(p.pid, SIGKILL);
	waitpid(p.pid, NULL, 0);
	for (int i = 0; i < MODES; i++)
		reader(i, '0', "after a view was killed");
	if (chmod("t.livery", 0666) < 0 || chmod("t.livery-wal", 0666) < 0 ||
		chmod("t.livery-shm", 0666) < 0)
		err(1, "chmod");
	for (int i = 0; i < MODES; i++)
		reader(i, '0', "with a log that cannot be removed");
	if (chmod("t.livery", 0644) < 0 || chmod("t.livery-wal", 0644) < 0 ||
		chmod("t.livery-shm", 0644) < 0 || chmod(scratch_dir, 0755) < 0)
		err(1, "chmod");
	view('o');
	view('c');
	ok(at_rest("t.livery"), "who may write puts it at rest");
	if (chmod("t.livery", 0666) < 0 || chmod(scratch_dir, 0555) < 0)
		err(1, "chmod");
	reader(MODES - 1, '0', "no room for a log");
	if (chmod(scratch_dir, 0755) < 0)
		err(1, "chmod");
	ok(at_rest("t.livery"), "at rest");
}

int main(void)
{
	scratch_make();
	signal(SIGXFSZ, SIG_IGN);
	make_sample("t.livery");
	test_sync();
	test_borrower_syncs();
	test_full();
	test_readers();
	return done_testing();
}
