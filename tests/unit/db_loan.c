/* SPDX-License-Identifier: MIT */
/* A view that writes lends its database to commands, and takes it back. */
#include "db/internal.h"
#include "tests/unit/db_util.h"

#define LONG_ENOUGH 5000 /* milliseconds, for what must come */
#define A_WHILE     200  /* for what must not */

static struct err e;
static struct db *db; /* each process has its own */
static struct db_loan *loan;
static const char *kept_text;

static int keep_label(void)
{
	int64_t id = db_label_intern(db, "kept", 4, &e);

	kept_text = id < 0 ? NULL : db_label_text(db, id, &e);
	return kept_text ? 0 : -1;
}

/* '1' as it should be, '0' not. */
static int sees_change(void)
{
	const char *text;
	char *note;
	int rc = db_note_get(db, "k", &note, &e);
	bool right = note && strcmp(note, "changed") == 0;

	free(note);
	text = rc < 0 ? NULL : db_label_text(db, 2, &e);
	return right && text && strcmp(text, "borrower's") == 0 &&
	       strcmp(kept_text, "kept") == 0;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Waits until a signal says that it should not. */
static int wait_alarm(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};

	if (under_valgrind()) /* which would wait on */
		return true;
	sigaction(SIGALRM, &sa, NULL);
	alarm(1);
	return db_wait_back(db, &e) == -1 && e.sys == EINTR;
}

/* Letters of a view's daemon. */
static char view(char what)
{
	int rc = -1;

	switch (what) {
	case 'o':
		rc = db_open(&db, "t.livery", DB_LIVE, &e) < 0 ? -1 : keep_label();
		break;
	case 'l':
		rc = db_lend(db, &e);
		break;
	case 'L': /* in a transaction */
		rc = db_begin(db, &e) < 0 ? -1 : db_lend(db, &e);
		db_rollback(db);
		break;
	case 'w':
		rc = db_wait_back(db, &e);
		break;
	case 'i':
		return (char)('0' + wait_alarm());
	case 'f':
		rc = db_refresh(db, &e);
		return (char)(rc < 0 ? '!' : '0' + rc);
	case 's':
		return (char)('0' + sees_change());
	case 'n':
		rc = db_note_put(db, "k", "the view's", &e);
		break;
	case 't':
		rc = db_begin(db, &e) < 0 ? -1 : db_commit(db, &e);
		break;
	case 'c':
		db_close(db);
		rc = 0;
		break;
	}
	return rc < 0 ? '!' : what;
}

/* Letters of a command. */
static char command(char what)
{
	int rc = -1;

	switch (what) {
	case 'b':
		rc = db_borrow(&loan, "t.livery", &e);
		return (char)(rc < 0 ? '!' : '0' + rc);
	case 'o':
		rc = db_open(&db, "t.livery", DB_WRITE, &e);
		break;
	case 'n':
		rc = db_begin(db, &e) < 0 ||
				     db_label_intern(db, "borrower's", 10, &e) < 0 ||
				     db_note_put(db, "k", "changed", &e) < 0
			     ? -1
			     : db_commit(db, &e);
		break;
	case 'u': /* not committed */
		rc = db_begin(db, &e) < 0 ? -1 : db_note_put(db, "k", "half", &e);
		break;
	case 'c':
		db_close(db);
		rc = 0;
		break;
	case 'e':
		db_loan_end(loan);
		loan = NULL;
		rc = 0;
		break;
	}
	if (rc < 0)
		printf("# %c: %s\n", what, e.msg);
	return rc < 0 ? '!' : what;
}

static void says(const struct peer *p, char what, char want, const char *text)
{
	char got = peer_ask(p, what);

	if (!ok(got == want, "%s", text))
		printf("#   got '%c', wanted '%c'\n", got, want);
}

static void hears(const struct peer *p, char want, const char *text)
{
	char got = peer_answers(p, LONG_ENOUGH) ? peer_hear(p) : '-';

	if (!ok(got == want, "%s", text))
		printf("#   got '%c', wanted '%c'\n", got, want);
}

static struct peer start_view(void)
{
	struct peer p = peer_start(view);

	says(&p, 'o', 'o', "a view is up");
	return p;
}

static void remove_all(void)
{
	ok(at_rest("t.livery"), "at rest in the end");
	unlink("t.livery");
}

static void test_no_view(void)
{
	is_int(db_borrow(&loan, "t.livery", &e), 0, "no database");
	ok(!loan && !exists("t.livery"), "none is made, and no loan");
	make_sample("t.livery");
	is_int(db_borrow(&loan, "t.livery", &e), 0, "no view");
	ok(!loan, "no loan");
	db_loan_end(NULL);
	put_dir("dir");
	is_int(db_borrow(&loan, "dir", &e), -1, "a directory");
	ok(one_line(e.msg) && strstr(e.msg, "dir"), "%s", e.msg);
	db = must_open("t.livery", DB_WRITE);
	is_int(db_lend(db, &e), -1, "only a view that writes lends");
	db_close(db);
	unlink("t.livery");
}

static char opener(char mode)
{
	enum db_mode modes[] = {DB_READ, DB_SEALED, DB_WRITE, DB_CREATE, DB_LIVE};
	struct db *other;

	if (db_open(&other, "t.livery", modes[mode - '0'], &e) < 0) {
		printf("# %s\n", e.msg);
		return strstr(e.msg, "a view that writes")           ? 'v'
		       : strstr(e.msg, "another command is writing") ? 'w'
								     : '!';
	}
	db_close(other);
	return 'y';
}

static void test_loan(void)
{
	struct peer v = start_view(), c = peer_start(command), x = peer_start(opener);

	says(&c, 'b', '1', "a command borrows");
	says(&c, 'o', '!', "and has to wait for the view");
	says(&v, 'L', '!', "which does not lend in a transaction");
	says(&v, 'l', 'l', "and lends");
	says(&v, 'l', 'l', "if asked again it has done so");
	says(&v, 'n', '!', "then it cannot write");
	says(&v, 't', '!', "nor begin to");
	says(&x, '1', 'v', "no sealed view comes between");
	says(&x, '4', 'v', "nor another that writes");
	says(&c, 'o', 'o', "the command opens the database");
	says(&x, '0', 'y', "readers too");
	says(&x, '1', 'v', "no sealed view still");
	says(&x, '2', 'w', "another command is told of the command");
	says(&x, '4', 'v', "another view of the view");
	peer_tell(&v, 'w');
	says(&c, 'n', 'n', "the command changes things");
	says(&c, 'c', 'c', "and closes");
	ok(!peer_answers(&v, A_WHILE), "the view waits");
	ok(exists("t.livery-wal"), "its log is still in use");
	says(&c, 'e', 'e', "the loan ends");
	hears(&v, 'w', "the view is back");
	says(&v, 'n', '!', "but has to look first");
	says(&v, 'f', '1', "at what was changed");
	says(&v, 's', '1', "it sees it, and texts it had are still good");
	says(&v, 'n', 'n', "and can write");
	says(&v, 'f', '0', "its own changes are no news");
	says(&x, '2', 'v', "a command that does not borrow is told");
	says(&c, 'b', '1', "a second loan");
	says(&v, 'l', 'l', "is given");
	says(&c, 'o', 'o', "opened");
	says(&c, 'c', 'c', "and closed");
	says(&c, 'e', 'e', "it ends");
	says(&v, 'w', 'w', "the view is back");
	says(&v, 'f', '0', "nothing was changed");
	says(&v, 'c', 'c', "it ends");
	peer_kill(&v);
	peer_kill(&c);
	peer_kill(&x);
	remove_all();
}

static void test_borrower_killed(void)
{
	struct peer v = start_view(), c = peer_start(command);
	char *note;

	says(&v, 'n', 'n', "it writes");
	says(&c, 'b', '1', "a command borrows");
	says(&v, 'l', 'l', "lent");
	says(&c, 'o', 'o', "opened");
	says(&c, 'u', 'u', "half a change");
	peer_tell(&v, 'w');
	ok(!peer_answers(&v, A_WHILE), "the view waits");
	peer_kill(&c);
	hears(&v, 'w', "a command that is killed gives it back");
	says(&v, 'f', '0', "and has changed nothing");
	says(&v, 't', 't', "the view can write");
	c = peer_start(command);
	says(&c, 'b', '1', "a command borrows");
	says(&v, 'l', 'l', "lent");
	peer_kill(&c);
	says(&v, 'w', 'w', "killed before it opened it");
	says(&v, 'f', '0', "no change");
	says(&v, 'c', 'c', "the view ends");
	peer_kill(&v);
	db = must_open("t.livery", DB_READ);
	is_int(db_note_get(db, "k", &note, &e), 0, "read");
	is_str(note, "the view's", "what was half done is not there");
	free(note);
	db_close(db);
	remove_all();
}

static void test_two(void)
{
	struct peer v = start_view();
	struct peer a = peer_start(command), b = peer_start(command);

	says(&a, 'b', '1', "one borrows");
	says(&v, 'l', 'l', "lent");
	peer_tell(&b, 'b');
	ok(!peer_answers(&b, A_WHILE), "another waits");
	says(&a, 'o', 'o', "opened");
	says(&a, 'c', 'c', "closed");
	says(&a, 'e', 'e', "and given back");
	hears(&b, '1', "now the other has it");
	peer_tell(&v, 'w');
	ok(!peer_answers(&v, A_WHILE), "the view waits for both");
	says(&b, 'o', 'o', "opened");
	peer_tell(&a, 'b');
	says(&b, 'c', 'c', "closed");
	peer_kill(&b);
	/* Who of the two comes first is not said. */
	if (peer_answers(&v, A_WHILE)) {
		hears(&v, 'w', "the view is back");
		ok(!peer_answers(&a, A_WHILE), "nobody borrows until it has looked");
		says(&v, 'f', '0', "it looks");
		hears(&a, '1', "then one does");
		says(&a, 'o', '!', "which the view has to allow");
		says(&v, 'l', 'l', "as it does");
		says(&a, 'o', 'o', "opened");
		says(&a, 'c', 'c', "closed");
		says(&a, 'e', 'e', "and given back");
		says(&v, 'w', 'w', "the view is back");
	} else {
		hears(&a, '1', "one borrows right away");
		says(&a, 'o', 'o', "opened");
		says(&a, 'c', 'c', "closed");
		says(&a, 'e', 'e', "and given back");
		hears(&v, 'w', "the view is back");
	}
	says(&v, 'f', '0', "nothing was changed");
	says(&v, 'c', 'c', "the view ends");
	peer_kill(&v);
	peer_kill(&a);
	remove_all();
}

/* The view's place is taken back before the next may borrow. */
static void test_back_first(void)
{
	struct peer v = start_view(), c = peer_start(command);

	says(&c, 'b', '1', "a command borrows");
	says(&v, 'l', 'l', "lent");
	says(&c, 'e', 'e', "given back unused");
	says(&v, 'w', 'w', "the view is back");
	peer_tell(&c, 'b');
	ok(!peer_answers(&c, A_WHILE), "nobody borrows until it has looked");
	says(&v, 'f', '0', "it looks");
	hears(&c, '1', "then one does");
	says(&c, 'o', '!', "which the view has to allow");
	says(&v, 'l', 'l', "as it does");
	says(&v, 'i', '1', "a signal ends the wait");
	says(&c, 'o', 'o', "the loan goes on");
	says(&c, 'n', 'n', "a change");
	says(&v, 'f', '1', "may be looked at meanwhile");
	says(&v, 't', '!', "but the view is not back");
	says(&v, 'c', 'c', "it may even end");
	says(&c, 'n', 'n', "the command goes on");
	says(&c, 'c', 'c', "and closes");
	says(&c, 'e', 'e', "and gives back");
	peer_kill(&v);
	peer_kill(&c);
	remove_all();
}

static void test_view_gone(void)
{
	struct peer v = start_view();
	struct peer a = peer_start(command), b = peer_start(command);
	char *note;

	says(&a, 'b', '1', "one borrows");
	says(&v, 'l', 'l', "lent");
	says(&a, 'o', 'o', "opened");
	peer_tell(&b, 'b');
	ok(!peer_answers(&b, A_WHILE), "another waits");
	peer_kill(&v);
	says(&a, 'n', 'n', "the view is killed, the command goes on");
	ok(!peer_answers(&b, A_WHILE), "the other waits still");
	says(&a, 'c', 'c', "closed");
	ok(at_rest("t.livery"), "and has put it at rest");
	says(&a, 'e', 'e', "and given back");
	hears(&b, '0', "there is no view to borrow from any more");
	peer_kill(&a);
	peer_kill(&b);
	db = must_open("t.livery", DB_READ);
	is_int(db_note_get(db, "k", &note, &e), 0, "read");
	is_str(note, "changed", "the change is there");
	free(note);
	db_close(db);
	remove_all();
}

int main(void)
{
	scratch_make();
	test_no_view();
	test_loan();
	test_borrower_killed();
	test_two();
	test_back_first();
	test_view_gone();
	return done_testing();
}
