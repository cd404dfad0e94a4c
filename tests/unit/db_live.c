/* SPDX-License-Identifier: MIT */
/*
 * The database of a view that writes: readers beside it, its life in the write-ahead log,
 * and what the next one finds after it was killed.
 */
#include <sys/mman.h>

#include "db/internal.h"
#include "tests/unit/db_util.h"

static const enum db_mode modes[] = {DB_READ, DB_SEALED, DB_WRITE, DB_CREATE, DB_LIVE};
#define MODES ((int)(sizeof(modes) / sizeof(modes[0])))

static struct err e;
static struct db *live; /* in the peer */
static int added;

static int add_one(struct db *db, int n)
{
	struct db_record r = db_record_new(S_IFREG);
	char name[200], label[32];

	snprintf(name, sizeof(name), "%0180d", n);
	snprintf(label, sizeof(label), "label-%d", n);
	r.label = db_label_intern(db, label, strlen(label), &e);
	return r.label < 0 || db_record_put(db, &r, &e) < 0
		       ? -1
		       : db_name_put(db, DB_ROOT, name, strlen(name), r.id, &e);
}

static int add_committed(struct db *db)
{
	if (db_begin(db, &e) < 0 || add_one(db, added++) < 0)
		return -1;
	return db_commit(db, &e);
}

/* Letters of a view's daemon. */
static char view(char what)
{
	int rc = -1;

	switch (what) {
	case 'o':
		rc = db_open(&live, "t.livery", DB_LIVE, &e);
		break;
	case 'a': /* one more, committed */
		rc = add_committed(live);
		break;
	case 'u': /* and one that is not */
		rc = db_begin(live, &e) < 0 ? -1 : add_one(live, 9999);
		break;
	case 'p':
		rc = db_checkpoint(live, false, &e);
		break;
	case 'r': /* takes the log from its start again */
		rc = db_checkpoint(live, true, &e);
		break;
	case 'c':
		db_close(live);
		rc = 0;
		break;
	}
	if (rc < 0)
		printf("# %c: %s\n", what, e.msg);
	return rc < 0 ? '!' : what;
}

/* A view's daemon that has committed so many. */
static struct peer start_view(int count)
{
	struct peer p = peer_start(view);

	if (peer_ask(&p, 'o') != 'o')
		errx(1, "no view");
	while (count--)
		if (peer_ask(&p, 'a') != 'a')
			errx(1, "a view that cannot add");
	return p;
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

static void finding(void *arg, const char *text)
{
	(void)arg;
	printf("# %s\n", text);
}

/* What the file holds, opened in that mode and closed again: sound, and so many. */
static void holds(enum db_mode mode, int want, const char *what)
{
	struct db *db;
	int n = -1, found = -1;

	if (db_open(&db, "t.livery", mode, &e) == 0) {
		n = count(db);
		found = db_check(db, finding, NULL, &e);
		db_close(db);
	} else {
		printf("# %s\n", e.msg);
	}
	is_int(n, want, "%s (mode %d): what was committed", what, mode);
	is_int(found, 0, "%s (mode %d): sound", what, mode);
}

static void remove_all(void)
{
	unlink("t.livery");
	unlink("t.livery-wal");
	unlink("t.livery-shm");
}

static bool in_wal(void)
{
	struct bytes b = read_bytes("t.livery");
	bool wal = b.len > 20 && b.data[18] == 2 && exists("t.livery-wal");

	free(b.data);
	return wal;
}

static void test_life(void)
{
	struct peer p;

	p = start_view(3);
	ok(in_wal(), "made in the mode of the write-ahead log");
	is_int(peer_ask(&p, 'c'), 'c', "closed");
	ok(at_rest("t.livery"), "one file at rest");
	holds(DB_READ, 3, "at rest");
	is_int(peer_ask(&p, 'o'), 'o', "opened again");
	peer_ask(&p, 'a');
	peer_ask(&p, 'u');
	peer_ask(&p, 'c');
	ok(at_rest("t.livery"), "one file at rest again");
	holds(DB_READ, 4, "closing rolls back");
	peer_kill(&p);
	remove_all();
}

struct beside {
	struct peer *p;
	int seen, answered;
};

/* In the middle of a reader's statement the view goes on. */
static int go_on(void *arg, const char *name, size_t len, const struct db_record *r)
{
	struct beside *b = arg;

	(void)name;
	(void)len;
	(void)r;
	b->seen++;
	b->answered += peer_ask(b->p, 'a') == 'a' && peer_ask(b->p, 'p') == 'p';
	return 0;
}

static void test_reader_beside(void)
{
	struct peer p = start_view(4);
	struct beside b = {.p = &p};
	struct db_record r;
	struct db *db = must_open("t.livery", DB_READ);
	char name[200];
	const char *label;

	is_int(count(db), 4, "a reader sees what is in the log only");
	is_int(db_children(db, DB_ROOT, go_on, &b, &e), 0, "a reader reads");
	is_int(b.seen, 4, "what was there when it began");
	is_int(b.answered, 4, "and the view commits and checkpoints meanwhile");
	is_int(count(db), 8, "then it sees that too");
	snprintf(name, sizeof(name), "%0180d", 7);
	is_int(db_name_get(db, DB_ROOT, name, strlen(name), &r, &e), 1, "a new name");
	label = db_label_text(db, r.label, &e);
	is_str(label, "label-7", "whose label came after it was opened");
	is_int(peer_ask(&p, 'r'), 'r', "the log begins anew");
	is_int(peer_ask(&p, 'a'), 'a', "and is written to");
	is_int(count(db), 9, "the reader sees it");
	db_close(db);
	ok(in_wal(), "a reader that ends changes nothing");
	is_int(peer_ask(&p, 'a'), 'a', "and the view goes on");
	is_int(peer_ask(&p, 'c'), 'c', "until it ends");
	ok(at_rest("t.livery"), "at rest");
	holds(DB_READ, 10, "after the view");
	peer_kill(&p);
	remove_all();
}

/*
 * The view holds what it saw from one change to the next. That keeps neither the log from
 * being brought in, nor somebody who is not livery from writing.
 */
static void test_stays(void)
{
	struct peer p = start_view(2);
	sqlite3 *other;
	struct stat st;
	bool all = true;
	int n = 2;

	is_int(sqlite3_open("t.livery", &other), SQLITE_OK, "another program opens it");
	is_int(sqlite3_exec(
		       other, "INSERT INTO note VALUES ('a', 'b')", NULL, NULL, NULL),
		SQLITE_OK, "and writes");
	sqlite3_close(other);
	for (; all && n < 8000; n++)
		all = peer_ask(&p, 'a') == 'a';
	ok(all, "the view goes on writing");
	ok(stat("t.livery-wal", &st) == 0 && st.st_size < 80 << 20,
		"the log does not grow beyond 80 MiB");
	ok(stat("t.livery", &st) == 0 && st.st_size > 1 << 20, "it is brought in");
	is_int(peer_ask(&p, 'c'), 'c', "closed");
	holds(DB_READ, n, "afterwards");
	peer_kill(&p);
	remove_all();
}

/* Without an end, for as long as it takes to be killed; says what was committed. */
static void work(volatile int *committed)
{
	struct db *db = must_open("t.livery", DB_LIVE);

	for (;; added++) {
		if (db_begin(db, &e) < 0 || add_one(db, added) < 0 ||
			db_commit(db, &e) < 0)
			_exit(1);
		*committed = added + 1;
		if (added % 50 == 49 && db_checkpoint(db, false, &e) < 0)
			_exit(1);
	}
}

static int kill_in_work(useconds_t after)
{
	volatile int *committed;
	void *page = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int n, status;
	pid_t pid;

	if (page == MAP_FAILED)
		err(1, "mmap");
	committed = page;
	pid = fork();
	if (pid == 0)
		work(committed);
	while (*committed == 0)
		usleep(100);
	usleep(after);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	n = *committed;
	munmap(page, 4096);
	if (!WIFSIGNALED(status))
		errx(1, "it ended by itself");
	return n;
}

static void test_killed_in_work(void)
{
	for (int i = 0; i < 3 * MODES; i++) {
		int least = kill_in_work((useconds_t)(1000 + i * 3700));
		enum db_mode mode = modes[i % MODES];
		struct db *db = must_open("t.livery", mode);
		int n = count(db);

		/* One may have been committed and not counted. */
		ok(n == least || n == least + 1, "mode %d: killed: %d of %d", mode, n,
			least);
		is_int(db_check(db, finding, NULL, &e), 0, "sound");
		db_close(db);
		ok(at_rest("t.livery"), "at rest");
		remove_all();
	}
}

static void test_killed(void)
{
	for (int i = 0; i < MODES; i++) {
		struct peer p = start_view(5);

		peer_ask(&p, 'u');
		peer_kill(&p);
		ok(in_wal(), "killed: the log is there");
		holds(modes[i], 5, "killed");
		ok(at_rest("t.livery"), "at rest after it");
		holds(DB_READ, 5, "afterwards");
		remove_all();
	}
}

static char opener(char mode)
{
	struct db *db;
	char c = '!';

	if (db_open(&db, "t.livery", modes[mode - '0'], &e) < 0) {
		printf("# %s\n", e.msg);
		return c;
	}
	c = count(db) == 5 ? 'y' : 'n';
	db_close(db);
	return c;
}

/* A reader that stays holds the file in WAL mode, and nobody off. */
static void test_killed_beside_reader(void)
{
	struct peer p = start_view(5);
	struct db *db = must_open("t.livery", DB_READ);
	struct peer other;

	is_int(count(db), 5, "a reader");
	peer_kill(&p);
	other = peer_start(opener);
	for (int i = 0; i < MODES; i++)
		is_int(peer_ask(&other, (char)('0' + i)), 'y',
			"mode %d opens beside it, the view was killed", modes[i]);
	is_int(count(db), 5, "the reader reads on");
	ok(exists("t.livery-wal"), "the log stays as long as it does");
	db_close(db);
	ok(at_rest("t.livery"), "and no longer");
	peer_kill(&other);
	remove_all();
}

static int end_view(void *arg, const char *name, size_t len, const struct db_record *r)
{
	struct beside *b = arg;

	(void)name;
	(void)len;
	(void)r;
	if (b->seen++ == 0)
		b->answered = peer_ask(b->p, 'c') == 'c';
	return 0;
}

static void test_ends_beside_reader(void)
{
	struct peer p = start_view(5);
	struct beside b = {.p = &p};
	struct db *db = must_open("t.livery", DB_READ);

	is_int(db_children(db, DB_ROOT, end_view, &b, &e), 0, "a view ends");
	is_int(b.seen, 5, "while a reader reads");
	is_int(b.answered, 1, "and is not held");
	is_int(count(db), 5, "nor is the reader");
	db_close(db);
	ok(at_rest("t.livery"), "the last one puts it at rest");
	holds(DB_READ, 5, "then");
	peer_kill(&p);
	remove_all();
}

/* In every mode, and the files stay as they are. */
static void refused(const char *want, const char *what)
{
	struct bytes file = read_bytes("t.livery"), log = read_bytes("t.livery-wal");
	int bad = 0;

	for (int i = 0; i < MODES; i++) {
		struct db *db;

		e = (struct err){0};
		if (db_open(&db, "t.livery", modes[i], &e) == 0) {
			db_close(db);
			printf("# mode %d opens\n", modes[i]);
			bad++;
		} else if (!strstr(e.msg, want) || !one_line(e.msg)) {
			printf("# mode %d: %s\n", modes[i], e.msg);
			bad++;
		}
		bad += !same_bytes("t.livery", &file) ||
		       !same_bytes("t.livery-wal", &log);
	}
	is_int(bad, 0, "%s: refused, and nothing changes", what);
	free(file.data);
	free(log.data);
}

/* Pages that a checkpoint has not yet written are in the log, others are missing. */
static void test_cut_off(void)
{
	struct stat before, after;
	struct peer p;
	struct db *db;

	added = 0;
	make_sample("t.livery");
	if (stat("t.livery", &before) < 0)
		err(1, "stat");
	p = start_view(60);
	is_int(peer_ask(&p, 'p'), 'p', "a checkpoint");
	db = must_open("t.livery", DB_READ);
	is_int(count(db), 62, "a reader finds all");
	db_close(db);
	peer_kill(&p);
	if (stat("t.livery", &after) < 0)
		err(1, "stat");
	ok(after.st_size > before.st_size, "the file grew");
	if (truncate("t.livery", before.st_size + 100) < 0)
		err(1, "truncate");
	holds(DB_READ, 62, "a checkpoint that was killed half-way");
	ok(at_rest("t.livery"), "at rest");
	remove_all();
	make_sample("t.livery");
	added = 0;
	p = start_view(1);
	peer_kill(&p);
	if (truncate("t.livery", before.st_size - 1) < 0)
		err(1, "truncate");
	refused("cut off", "a page that is missing from file and log");
	remove_all();
}

/* Restored from a copy beside the log of another time. */
static void test_strange_log(void)
{
	struct peer p;

	make_sample("t.livery");
	make_sample("copy.livery");
	p = start_view(5);
	peer_kill(&p);
	if (rename("copy.livery", "t.livery") < 0)
		err(1, "rename");
	refused("a log that is not its own", "a copy beside another's log");
	unlink("t.livery-wal");
	unlink("t.livery-shm");
	holds(DB_READ, 2, "without it");
	remove_all();
}

static void busy(enum db_mode mode, const char *want, pid_t pid, const char *what)
{
	char process[64];
	struct db *db;

	e = (struct err){0};
	snprintf(process, sizeof(process), "(process %d: ", (int)pid);
	is_int(db_open(&db, "t.livery", mode, &e), -1, "%s", what);
	is_int(e.code, ERR_BUSY, "%s: ERR_BUSY", what);
	ok(strstr(e.msg, want) && strstr(e.msg, process) && one_line(e.msg), "%s: %s",
		what, e.msg);
}

static void test_excludes(void)
{
	struct peer p = start_view(1);

	busy(DB_LIVE, "shows this tree already", p.pid, "a second view that writes");
	busy(DB_SEALED, "there can be that one, or sealed views", p.pid, "a sealed view");
	busy(DB_WRITE, "commands reach it only where its mount point", p.pid, "a writer");
	busy(DB_CREATE, "livery umount", p.pid, "one that would create");
	peer_ask(&p, 'c');
	peer_kill(&p);
}

static struct db *held;

static char hold(char mode)
{
	if (mode == 'c')
		db_close(held);
	else
		held = must_open("t.livery", modes[mode - '0']);
	return mode;
}

static void test_excluded(void)
{
	struct peer p = peer_start(hold);

	peer_ask(&p, '1');
	busy(DB_LIVE, "there can be sealed views, or one that writes", p.pid,
		"beside a sealed view");
	peer_ask(&p, 'c');
	peer_ask(&p, '2');
	busy(DB_LIVE, "another command is writing", p.pid, "beside a command");
	peer_ask(&p, 'c');
	peer_ask(&p, '0');
	holds(DB_LIVE, 1, "beside a reader");
	peer_ask(&p, 'c');
	peer_kill(&p);
	ok(at_rest("t.livery"), "at rest");
	remove_all();
}

int main(void)
{
	scratch_make();
	test_life();
	test_reader_beside();
	test_stays();
	test_killed();
	test_killed_in_work();
	test_killed_beside_reader();
	test_ends_beside_reader();
	test_cut_off();
	test_strange_log();
	test_excludes();
	test_excluded();
	return done_testing();
}
