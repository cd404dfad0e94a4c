/* SPDX-License-Identifier: MIT */
/* One writer, sealed views, and readers that nobody holds off. */
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/tree.h"

static struct err e;

struct holder {
	pid_t pid;
	int done; /* a byte lets the child end */
};

/* A child that has the database open in that mode; in a transaction if it writes. */
static struct holder hold(enum db_mode mode)
{
	int ready[2], done[2];
	struct holder h;
	char c = 0;

	if (pipe(ready) < 0 || pipe(done) < 0)
		err(1, "pipe");
	h.pid = fork();
	if (h.pid < 0)
		err(1, "fork");
	if (h.pid == 0) {
		struct db *db = must_open("t.livery", mode);

		close(done[1]);
		if (mode == DB_WRITE &&
			(db_begin(db, &e) < 0 ||
				db_note_put(db, "k", "uncommitted", &e) < 0))
			_exit(1);
		if (write(ready[1], "r", 1) != 1 || read(done[0], &c, 1) != 1)
			_exit(1);
		db_close(db);
		_exit(0);
	}
	close(ready[1]);
	close(done[0]);
	if (read(ready[0], &c, 1) != 1)
		errx(1, "the child did not start");
	close(ready[0]);
	h.done = done[1];
	return h;
}

static void end(struct holder h)
{
	int status;

	if (write(h.done, "d", 1) != 1)
		err(1, "write");
	close(h.done);
	waitpid(h.pid, &status, 0);
	is_int(status, 0, "the holder ended well");
}

static void opens(enum db_mode mode, const char *what)
{
	struct db *db = NULL;

	ok(db_open(&db, "t.livery", mode, &e) == 0, "%s", what);
	db_close(db);
}

static void busy(
	enum db_mode mode, const struct holder *h, const char *want, const char *what)
{
	char process[64];
	struct db *db;

	e = (struct err){0};
	is_int(db_open(&db, "t.livery", mode, &e), -1, "%s", what);
	is_int(e.code, ERR_BUSY, "%s: ERR_BUSY", what);
	snprintf(process, sizeof(process), "(process %d: ", (int)h->pid);
	ok(strstr(e.msg, want) && strstr(e.msg, process) && one_line(e.msg),
		"%s: who holds it: %s", what, e.msg);
}

static void test_writer_holds(void)
{
	struct holder h = hold(DB_WRITE);
	char *value;
	struct db *db;

	busy(DB_WRITE, &h, "another command is writing", "a second writer");
	busy(DB_CREATE, &h, "another command is writing", "one that would create");
	busy(DB_SEALED, &h, "another command is writing", "a sealed view");
	db = must_open("t.livery", DB_READ);
	is_int(db_note_get(db, "k", &value, &e), 0, "a reader is let in");
	is_str(value, "committed", "and sees what was committed");
	free(value);
	db_close(db);
	busy(DB_WRITE, &h, "another command is writing", "still, after the reader");
	end(h);
	opens(DB_WRITE, "a writer after it");
}

static void test_sealed_holds(void)
{
	struct holder h = hold(DB_SEALED);
	struct holder second;

	busy(DB_WRITE, &h, "a sealed view shows this database", "a writer");
	ok(strstr(e.msg, "livery umount") != NULL, "is told what to do");
	opens(DB_READ, "a reader beside a sealed view");
	second = hold(DB_SEALED);
	end(h);
	busy(DB_WRITE, &second, "a sealed view", "a writer, with the second view");
	end(second);
	opens(DB_SEALED, "a sealed view after them");
	opens(DB_WRITE, "a writer after them");
}

static void test_reader_holds_off_nobody(void)
{
	struct holder h = hold(DB_READ);
	struct db *db = must_open("t.livery", DB_WRITE);

	is_int(db_note_put(db, "k", "committed", &e), 0, "a writer beside a reader");
	db_close(db);
	opens(DB_SEALED, "a sealed view beside a reader");
	end(h);
}

static void test_killed(void)
{
	struct holder h = hold(DB_WRITE);
	struct db *db;
	char *value;

	kill(h.pid, SIGKILL);
	waitpid(h.pid, NULL, 0);
	close(h.done);
	db = must_open("t.livery", DB_WRITE);
	is_int(db_note_get(db, "k", &value, &e), 0, "no lock outlives its holder");
	is_str(value, "committed", "and nothing uncommitted is seen");
	free(value);
	db_close(db);
}

/* Both handles here, so only what does not lock. */
static void test_unchanged(void)
{
	struct db *db = must_open("t.livery", DB_SEALED);
	char *bytes;
	size_t len;

	ok(db_unchanged(db), "unchanged");
	if (rename("t.livery", "moved") < 0)
		err(1, "rename");
	ok(!db_unchanged(db), "moved away");
	if (rename("moved", "t.livery") < 0)
		err(1, "rename");
	ok(db_unchanged(db), "and back");
	bytes = get_file("t.livery", &len);
	put_file("copy", bytes, len);
	free(bytes);
	if (rename("t.livery", "moved") < 0 || rename("copy", "t.livery") < 0)
		err(1, "rename");
	ok(!db_unchanged(db), "a copy in its place is another file");
	unlink("t.livery");
	ok(!db_unchanged(db), "removed");
	db_close(db);
	if (rename("moved", "t.livery") < 0)
		err(1, "rename");
}

static void test_changed(void)
{
	struct db *db = must_open("t.livery", DB_READ);
	pid_t pid;

	ok(db_unchanged(db), "unchanged so far");
	pid = fork();
	if (pid == 0) {
		/* A connection of its own: the parent's is not touched. */
		struct db *writer = must_open("t.livery", DB_WRITE);

		_exit(db_note_put(writer, "k", "changed", &e) < 0);
	}
	waitpid(pid, NULL, 0);
	ok(!db_unchanged(db), "another process wrote to it");
	db_close(db);
}

int main(void)
{
	struct db *db;

	scratch_make();
	db = must_open("t.livery", DB_CREATE);
	if (db_note_put(db, "k", "committed", &e) < 0)
		errx(1, "%s", e.msg);
	is_str(db_path(db), "t.livery", "db_path");
	db_close(db);
	test_writer_holds();
	test_sealed_holds();
	test_reader_holds_off_nobody();
	test_killed();
	test_unchanged();
	test_changed();
	return done_testing();
}
