/* SPDX-License-Identifier: MIT */
/* Killed with files in use, and what records of files that are gone make of it. */
#include <signal.h>
#include <sys/wait.h>

#include "fs/live/intent_slot.h"
#include "tests/unit/live_util.h"

static struct err e;

/* d/c/x, f with hard link f2. */
static void build(void)
{
	struct live *l;

	start_over();
	l = must_live(NULL);
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "d/c", S_IFDIR | 0700, 0), "c");
	must(make_at(l, "d/c/x", S_IFREG | 0600, 0), "x");
	must(make_at(l, "f", S_IFREG | 0640, 0), "f");
	must(link_at(l, "f", "f2"), "f2");
	must_close(l);
}

static void settles(const char *what)
{
	struct stage *stage = must_stage("s");
	struct db *db = must_open(DB, DB_LIVE);

	e = (struct err){0};
	is_int(intent_settle(stage, db, &e), 0, "%s: settled %s", what, e.msg);
	db_close(db);
	stage_close(stage);
	agrees(what);
}

static void end_with(void (*fn)(struct live *l))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn(must_live(NULL));
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		errx(1, "it ended by itself");
}

/* Removed while the kernel knows it; records of what was in it are there still. */
static void remove_known(struct live *l)
{
	struct live_node *d = must_at(l, "d");

	if (unlink("s/d/c/x") < 0 || rmdir("s/d/c") < 0)
		err(1, "s/d/c");
	must(live_setxattr(l, d, "user.a", "b", 1, 0, false), "user.a");
	must(remove_at(l, "d", true), "d");
	must(remove_at(l, "f", false), "f");
	must(remove_at(l, "f2", false), "f2");
}

static void rename_over_known(struct live *l)
{
	if (unlink("s/d/c/x") < 0)
		err(1, "s/d/c/x");
	must(make_at(l, "q", S_IFDIR | 0711, 0), "q");
	must_at(l, "d/c");
	must(rename_at(l, "q", "d/c", 0), "q over d/c");
}

static void test_orphans(void)
{
	build();
	end_with(remove_known);
	settles("files that were open when their view was killed");
	build();
	end_with(rename_over_known);
	settles("a directory that another replaced");
}

/* A file that got the inode number of one that is gone has its own birth. */
static void test_number_again(void)
{
	struct intent_slot s;
	struct db_record r = db_record_new(S_IFREG);
	struct stat st;
	struct db *db;

	build();
	put_text("s/plain", "");
	db = must_open(DB, DB_WRITE);
	r.mode = 0777;
	r.uid = r.gid = 99;
	if (lstat("s/plain", &st) < 0)
		err(1, "s/plain");
	r.hint.ino = st.st_ino;
	r.hint.btime = 1;
	if (db_record_put(db, &r, &e) < 0 ||
		db_name_put(db, DB_ROOT, "plain", 5, r.id, &e) < 0)
		errx(1, "%s", e.msg);
	db_close(db);
	memset(&s, 0, sizeof(s));
	memcpy(s.magic, INTENT_MAGIC, sizeof(s.magic));
	s.kind = INTENT_MAKE;
	s.to_parent = DB_ROOT;
	strcpy(s.to, "plain");
	s.record = db_record_new(S_IFREG);
	s.record.mode = 0600;
	s.record.uid = s.record.gid = 7;
	put_file(INTENT, &s, sizeof(s));
	settles("an inode number that is used again");
	db = must_open(DB, DB_READ);
	is_int(db_name_get(db, DB_ROOT, "plain", 5, &r, &e), 1, "has a record");
	is_int(r.uid, 7, "that of the new file");
	is_int(r.mode, 0600, "and its mode");
	db_close(db);
}

int main(void)
{
	scratch_make();
	test_orphans();
	test_number_again();
	buf_free(&said);
	return done_testing();
}
