/* SPDX-License-Identifier: MIT */
/* A view that writes and commands that borrow its database. */
#include <pthread.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "fs/xattr.h"
#include "tests/unit/db_util.h"
#include "tests/unit/live_util.h"

#define LONG_ENOUGH 5000 /* milliseconds, for what must come */
#define A_WHILE     150  /* for what must not */

/* Under valgrind a thread that waits for a lock stops all others: it asks again then. */
int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;
	long rc;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (cmd != F_OFD_SETLKW || !under_valgrind())
		return (int)syscall(SYS_fcntl, fd, cmd, arg);
	while ((rc = syscall(SYS_fcntl, fd, F_OFD_SETLK, arg)) < 0 &&
		(errno == EAGAIN || errno == EACCES))
		usleep(1000);
	return (int)rc;
}

static struct live *l;

/* In the command's process. */
static struct err e;
static struct db *db;
static struct db_loan *loan;

/* f is somebody else's, d/x is called y, g has an attribute, h is dropped. */
static int change_all(void)
{
	struct db_record r, d;

	if (db_begin(db, &e) < 0 || db_name_get(db, DB_ROOT, "f", 1, &r, &e) != 1 ||
		db_name_get(db, DB_ROOT, "d", 1, &d, &e) != 1)
		return -1;
	r.uid = 66;
	r.label = db_label_intern(db, "u:r:borrowed", 12, &e);
	if (r.label < 0 || db_record_put(db, &r, &e) < 0 ||
		db_name_get(db, DB_ROOT, "g", 1, &r, &e) != 1 ||
		db_xattr_put(db, r.id, "user.loan", "v", 1, &e) < 0 ||
		db_name_move(db, d.id, "x", 1, d.id, "y", 1, &e) < 0 ||
		db_name_drop(db, DB_ROOT, "h", 1, &e) < 0)
		return -1;
	return db_commit(db, &e);
}

static char command(char what)
{
	int rc = -1;

	switch (what) {
	case 'b':
		rc = db_borrow(&loan, DB, &e);
		return (char)(rc < 0 ? '!' : '0' + rc);
	case 'o':
		rc = db_open(&db, DB, DB_WRITE, &e);
		break;
	case 'n':
		rc = change_all();
		break;
	case 'u': /* not committed */
		rc = db_begin(db, &e) < 0 ? -1 : db_name_drop(db, DB_ROOT, "f", 1, &e);
		break;
	case 'c':
		db_close(db);
		rc = 0;
		break;
	case 'e':
		db_loan_end(loan);
		rc = 0;
		break;
	}
	if (rc < 0)
		printf("# %c: %s\n", what, e.msg);
	return rc < 0 ? '!' : what;
}

/* What is called back once. */
struct call {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int done, rc;
};

static void done(void *arg, int rc)
{
	struct call *c = arg;

	pthread_mutex_lock(&c->lock);
	c->done++;
	c->rc = rc;
	pthread_cond_broadcast(&c->cond);
	pthread_mutex_unlock(&c->lock);
}

static bool called(struct call *c, int milliseconds)
{
	struct timespec until;
	int rc = 0;
	bool was;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&c->lock);
	while (!c->done && rc == 0)
		rc = pthread_cond_timedwait(&c->cond, &c->lock, &until);
	was = c->done;
	pthread_mutex_unlock(&c->lock);
	return was;
}

#define CALL                                                                             \
	{                                                                                \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0                \
	}

static void lend(const char *what)
{
	struct call c = CALL;

	live_lend(l, done, &c);
	ok(called(&c, LONG_ENOUGH), "%s: lent", what);
	is_int(c.rc, 0, "%s: without an error", what);
}

static void returned(const char *what)
{
	struct call c = CALL;

	live_returned(l, done, &c);
	ok(called(&c, LONG_ENOUGH), "%s: returned", what);
	is_int(c.rc, 0, "%s: without an error", what);
}

static struct {
	pthread_mutex_t lock;
	int count, names;
	const struct live_node *nodes[100];
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void changed(
	void *arg, struct live_node *n, struct live_node *dir, const char *name)
{
	(void)arg;
	pthread_mutex_lock(&told.lock);
	if (told.count < 100)
		told.nodes[told.count++] = n;
	told.names += dir && name;
	pthread_mutex_unlock(&told.lock);
}

static bool was_told(const struct live_node *n)
{
	bool found = false;

	pthread_mutex_lock(&told.lock);
	for (int i = 0; i < told.count; i++)
		found = found || told.nodes[i] == n;
	pthread_mutex_unlock(&told.lock);
	return found;
}

static void begin(void)
{
	start_over();
	l = must_live(NULL);
	told.count = told.names = 0;
	live_on_change(l, changed, NULL);
	must(make_at(l, "d", S_IFDIR | 0755, 0), "d");
	must(make_at(l, "d/x", S_IFREG | 0604, 0), "x");
	must(make_at(l, "f", S_IFREG | 0644, 0), "f");
	must(make_at(l, "g", S_IFREG | 0644, 0), "g");
	must(make_at(l, "h", S_IFREG | 0600, 0), "h");
}

/* A change in a thread of its own. */
struct change {
	struct call call;
	pthread_t thread;
	const char *path;
};

static void *make_it(void *arg)
{
	struct change *c = arg;

	done(&c->call, make_at(l, c->path, S_IFREG | 0600, 0));
	return NULL;
}

static void start_change(struct change *c, const char *path)
{
	*c = (struct change){.call = CALL, .path = path};
	if (pthread_create(&c->thread, NULL, make_it, c) != 0)
		errx(1, "pthread_create");
}

static void finish_change(struct change *c, int want, const char *what)
{
	ok(called(&c->call, LONG_ENOUGH), "%s: the change goes on", what);
	is_int(c->call.rc, want, "%s: and is made", what);
	pthread_join(c->thread, NULL);
}

static void test_loan(struct peer *p)
{
	cleanup_buf struct buf value = {0};
	struct live_node *f, *g, *h;
	struct change c;
	struct stat st;

	begin();
	f = must_at(l, "f");
	g = must_at(l, "g");
	h = must_at(l, "h");
	is_int(peer_ask(p, 'b'), '1', "a command borrows");
	lend("a loan");
	lend("lent already");
	is_int(peer_ask(p, 'o'), 'o', "it opens the database");
	start_change(&c, "waits");
	is_int(live_stat(l, f, &st), 0, "reads go on");
	ok(look(l, live_root(l), "d", &st), "lookups too");
	ok(!called(&c.call, A_WHILE), "a change waits");
	is_int(peer_ask(p, 'n'), 'n', "the command changes records");
	is_int(peer_ask(p, 'c'), 'c', "closes");
	ok(!called(&c.call, A_WHILE), "it waits as long as the loan");
	is_int(live_stat(l, f, &st) + live_stat(l, g, &st) + live_stat(l, h, &st), 0,
		"all are shown once more");
	is_int(peer_ask(p, 'e'), 'e', "ends the loan");
	returned("a loan");
	finish_change(&c, 0, "a loan's end");
	is_int(live_stat(l, f, &st), 0, "a record that was changed");
	is_int(st.st_uid, 66, "is read again");
	is_int(live_getxattr(l, f, XATTR_LABEL, true, &value), 0, "with a new label");
	is_str(value.data, "u:r:borrowed", "of the command");
	value.len = 0;
	is_int(live_getxattr(l, g, "user.loan", false, &value), 0, "an attribute");
	is_int(live_stat(l, h, &st), 0, "one that was dropped");
	is_int(st.st_mode, S_IFREG | 0644, "shows its staging file");
	ok(was_told(f) && was_told(g) && was_told(h), "all that were shown are told");
	must(rename_at(l, "d/x", "d/y", 0), "d/x");
	must(chown_node(l, h, 0, 0), "h");
	must_close(l);
	agrees("after a loan");
}

static void test_killed(void)
{
	struct peer p = peer_start(command);
	struct live_node *f;
	struct change c;
	struct stat st;

	begin();
	f = must_at(l, "f");
	is_int(peer_ask(&p, 'b'), '1', "a command that will be killed borrows");
	lend("killed");
	is_int(peer_ask(&p, 'o'), 'o', "opens");
	is_int(peer_ask(&p, 'u'), 'u', "begins");
	start_change(&c, "waits");
	ok(!called(&c.call, A_WHILE), "a change waits");
	peer_kill(&p);
	returned("killed");
	finish_change(&c, 0, "killed");
	is_int(live_stat(l, f, &st), 0, "what it did not commit");
	is_int(st.st_uid, 0, "is not there");
	must_close(l);
	agrees("a killed borrower");
}

static void test_names_told(struct peer *p)
{
	struct live_node *f;

	begin();
	f = must_at(l, "f");
	is_int(peer_ask(p, 'b'), '1', "a command that replaces files");
	lend("replaced");
	put_text("s/new", "x");
	if (rename("s/new", "s/f") < 0)
		err(1, "rename");
	is_int(peer_ask(p, 'o'), 'o', "opens");
	is_int(peer_ask(p, 'n'), 'n', "changes");
	is_int(peer_ask(p, 'c'), 'c', "closes");
	is_int(peer_ask(p, 'e'), 'e', "ends");
	returned("replaced");
	ok(was_told(f), "the node is told");
	ok(told.names > 0, "and the name that is another file's");
	must_close(l);
}

/* The end waits for a loan, and lends no more. */
static void test_end(struct peer *p)
{
	struct call late = CALL;

	begin();
	returned("never lent");
	is_int(peer_ask(p, 'b'), '1', "borrowed when the view ends");
	lend("the end");
	peer_tell(p, 'e');
	live_end_loans(l);
	is_int(peer_hear(p), 'e', "the loan ends first");
	live_lend(l, done, &late);
	ok(called(&late, LONG_ENOUGH), "one that comes late is answered");
	is_int(late.rc, -ESHUTDOWN, "and refused");
	must_close(l);
	agrees("the end");
}

/* Many loans, with changes all the time. */
static void test_many(struct peer *p)
{
	struct change c[20];
	char names[20][16];
	int bad = 0;

	begin();
	for (int i = 0; i < 20; i++) {
		struct call lent = CALL;

		snprintf(names[i], sizeof(names[i]), "n%d", i);
		bad += peer_ask(p, 'b') != '1';
		live_lend(l, done, &lent);
		bad += !called(&lent, LONG_ENOUGH) || lent.rc < 0;
		start_change(&c[i], names[i]);
		bad += peer_ask(p, 'o') != 'o';
		bad += peer_ask(p, 'c') != 'c';
		bad += peer_ask(p, 'e') != 'e';
	}
	is_int(bad, 0, "twenty loans");
	returned("twenty loans");
	for (int i = 0; i < 20; i++)
		finish_change(&c[i], 0, names[i]);
	must_close(l);
	agrees("twenty loans");
}

int main(void)
{
	struct peer p;

	scratch_make();
	p = peer_start(command);
	test_loan(&p);
	test_killed();
	test_names_told(&p);
	test_end(&p);
	test_many(&p);
	peer_kill(&p);
	buf_free(&said);
	return done_testing();
}
