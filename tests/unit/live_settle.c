/* SPDX-License-Identifier: MIT */
/*
 * A daemon that is killed within an operation, and what the next one makes of it: before
 * the staging tree was touched, between staging tree and commit, after the commit, and
 * long after it. The calls that touch the staging tree are replaced here, so that the
 * process can end right before or behind them.
 */
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "fs/acl.h"
#include "fs/live/intent.h"
#include "fs/xattr.h"
#include "labeler/labeler.h"
#include "tests/unit/live_util.h"

static enum {
	NEVER,
	BEFORE,
	AFTER
} deadly;
static bool armed;  /* the next call is the operation's own */
static int skipped; /* calls of the operation before that */

static void before_call(void)
{
	if (armed && !skipped && deadly == BEFORE)
		kill(getpid(), SIGKILL);
}

/* The intent as it was then is kept. */
static long after_call(long rc)
{
	char *text;
	size_t len;

	if (!armed || rc < 0)
		return rc;
	if (skipped-- > 0)
		return rc;
	armed = false;
	text = get_file(INTENT, &len);
	put_file("saved", text, len);
	free(text);
	if (deadly == AFTER)
		kill(getpid(), SIGKILL);
	return rc;
}

int mkdirat(int fd, const char *name, mode_t mode)
{
	before_call();
	return (int)after_call(syscall(SYS_mkdirat, fd, name, mode));
}

int mknodat(int fd, const char *name, mode_t mode, dev_t dev)
{
	before_call();
	return (int)after_call(syscall(SYS_mknodat, fd, name, mode, dev));
}

int openat(int fd, const char *name, int flags, ...)
{
	bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
	mode_t mode = 0;
	va_list ap;

	if (!(flags & O_CREAT) && !unnamed)
		return (int)syscall(SYS_openat, fd, name, flags, 0);
	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	if (unnamed)
		return (int)syscall(SYS_openat, fd, name, flags, mode);
	before_call();
	return (int)after_call(syscall(SYS_openat, fd, name, flags, mode));
}

int symlinkat(const char *target, int fd, const char *name)
{
	before_call();
	return (int)after_call(syscall(SYS_symlinkat, target, fd, name));
}

int linkat(int fd, const char *name, int to_fd, const char *to_name, int flags)
{
	before_call();
	return (int)after_call(syscall(SYS_linkat, fd, name, to_fd, to_name, flags));
}

int unlinkat(int fd, const char *name, int flags)
{
	before_call();
	return (int)after_call(syscall(SYS_unlinkat, fd, name, flags));
}

int renameat2(
	int fd, const char *name, int to_fd, const char *to_name, unsigned int flags)
{
	before_call();
	return (int)after_call(syscall(SYS_renameat2, fd, name, to_fd, to_name, flags));
}

enum verb {
	MAKE,
	LINK,
	NAME, /* of a file that was made without one */
	REMOVE,
	RENAME
};

static const struct op {
	enum verb verb;
	const char *from, *to;
	uint32_t mode; /* of RENAME: flags; of REMOVE: whether it is a directory */
	const char *what;
} ops[] = {
	{MAKE, NULL, "d/new", S_IFREG | 0640, "a file"},
	{MAKE, NULL, "d/new", S_IFREG | 06755, "a file with setuid"},
	{MAKE, NULL, "d/new", S_IFDIR | 01777, "a directory"},
	{MAKE, NULL, "d/new", S_IFLNK | 0777, "a symbolic link"},
	{MAKE, NULL, "d/new", S_IFIFO | 0600, "a fifo"},
	{MAKE, NULL, "d/new", S_IFSOCK | 0777, "a socket"},
	{MAKE, NULL, "d/new", S_IFCHR | 0620, "a character device"},
	{MAKE, NULL, "d/new", S_IFBLK | 0660, "a block device"},
	{MAKE, NULL, "d/labelled", S_IFREG | 0644, "a file with a label"},
	{MAKE, NULL, "d/labelled", S_IFCHR | 0644, "a device with a label"},
	{MAKE, NULL, "d/labelled", S_IFLNK | 0777, "a symbolic link with a label"},
	{MAKE, NULL, "acl/new", S_IFREG | 0664, "a file below a default ACL"},
	{MAKE, NULL, "acl/new", S_IFDIR | 0775, "a directory below a default ACL"},
	{MAKE, NULL, "acl/new", S_IFLNK | 0777, "a symbolic link below a default ACL"},
	{MAKE, NULL, "acl/new", S_IFCHR | 0666, "a device below a default ACL"},
	{MAKE, NULL, "mask/new", S_IFREG | 0666, "a file below one without names"},
	{MAKE, NULL, "sgid/new", S_IFDIR | 0755, "a directory below one with setgid"},
	{MAKE, NULL, "plaindir/new", S_IFREG | 0600, "a file in an unrecorded one"},
	{MAKE, NULL, "plaindir/sub/new", S_IFDIR | 0700, "a directory deeper in it"},
	{MAKE, NULL, "stale", S_IFREG | 0604, "a file whose name is another's record"},
	{MAKE, NULL, "stale", S_IFCHR | 0604, "a device under such a name"},
	{LINK, "f", "d/new", 0, "a link"},
	{LINK, "dev", "new", 0, "a link to a device"},
	{LINK, "sym", "new", 0, "a link to a symbolic link"},
	{LINK, "h", "plaindir/new", 0, "a third name, in an unrecorded directory"},
	{LINK, "plain", "d/new", 0, "a link to an unrecorded file"},
	{LINK, "f", "stale", 0, "a link whose name is another's record"},
	{NAME, NULL, "new", S_IFREG | 0640, "a first name"},
	{NAME, NULL, "d/labelled", S_IFREG | 04755, "a first name, with a label"},
	{NAME, NULL, "plaindir/new", S_IFREG | 0600, "one in an unrecorded directory"},
	{NAME, NULL, "stale", S_IFREG | 0604, "one that is another's record"},
	{REMOVE, "f", NULL, 0, "removing a file"},
	{REMOVE, "h", NULL, 0, "removing one of two names"},
	{REMOVE, "empty", NULL, 1, "removing a directory"},
	{REMOVE, "dev", NULL, 0, "removing a device"},
	{REMOVE, "sym", NULL, 0, "removing a symbolic link"},
	{REMOVE, "plain", NULL, 0, "removing an unrecorded file"},
	{REMOVE, "plaindir/inner", NULL, 0, "removing one in such a directory"},
	{RENAME, "f", "new", 0, "a rename"},
	{RENAME, "f", "d/new", 0, "a rename into another directory"},
	{RENAME, "f", "g", 0, "a rename over another file"},
	{RENAME, "f", "dev", 0, "a rename over a device"},
	{RENAME, "dev", "f", 0, "a device over a file"},
	{RENAME, "h", "f", 0, "one of two names over a file"},
	{RENAME, "f", "h", 0, "a file over one of two names"},
	{RENAME, "d", "plaindir/new", 0, "a directory into an unrecorded one"},
	{RENAME, "d", "empty", 0, "a directory over an empty one"},
	{RENAME, "d/in", "f", 0, "a rename from below over a file"},
	{RENAME, "plain", "new", 0, "a rename of an unrecorded file"},
	{RENAME, "plain", "f", 0, "of an unrecorded one over a file"},
	{RENAME, "plain", "plaindir/inner", 0, "of one unrecorded over another"},
	{RENAME, "plaindir/inner", "d/in", 0, "of one from an unrecorded directory"},
	{RENAME, "f", "plain", 0, "of a file over an unrecorded one"},
	{RENAME, "f", "plaindir/sub/new", 0, "into an unrecorded directory"},
	{RENAME, "plaindir", "new", 0, "of an unrecorded directory"},
	{RENAME, "f", "stale", 0, "to a name that is another's record"},
	{RENAME, "plain", "stale", 0, "of an unrecorded file to such a name"},
	{RENAME, "f", "g", RENAME_EXCHANGE, "an exchange"},
	{RENAME, "f", "d", RENAME_EXCHANGE, "an exchange of file and directory"},
	{RENAME, "d/in", "empty", RENAME_EXCHANGE, "an exchange across directories"},
	{RENAME, "f", "plain", RENAME_EXCHANGE, "an exchange with an unrecorded file"},
	{RENAME, "plain", "f", RENAME_EXCHANGE, "the same from the other side"},
	{RENAME, "plain", "plaindir/inner", RENAME_EXCHANGE, "of two unrecorded ones"},
	{RENAME, "h", "h2", RENAME_EXCHANGE, "an exchange of two names of one file"},
	{RENAME, "h", "dev", RENAME_EXCHANGE, "an exchange with a device"},
	{RENAME, "plaindir", "d", RENAME_EXCHANGE, "of an unrecorded directory"},
	{RENAME, "f", "new", RENAME_WHITEOUT, "a whiteout"},
	{RENAME, "f", "d/new", RENAME_WHITEOUT, "one of a file that goes elsewhere"},
	{RENAME, "f", "g", RENAME_WHITEOUT, "one of a file that replaces another"},
	{RENAME, "h", "f", RENAME_WHITEOUT, "one of one of two names"},
	{RENAME, "d", "empty", RENAME_WHITEOUT, "one of a directory"},
	{RENAME, "d/in", "new", RENAME_WHITEOUT, "one with a label"},
	{RENAME, "acl/in", "new", RENAME_WHITEOUT, "one below a default ACL"},
	{RENAME, "dev", "sym", RENAME_WHITEOUT, "one of a device"},
	{RENAME, "plain", "new", RENAME_WHITEOUT, "one of an unrecorded file"},
	{RENAME, "plaindir/inner", "f", RENAME_WHITEOUT, "one in such a directory"},
	{RENAME, "f", "stale", RENAME_WHITEOUT, "one beside another's record"},
};

static struct labeler *labeler;

static void open_labeler(void)
{
	struct labeler_source src = {AT_FDCWD, "file_contexts", "POLICY", false};
	struct err e = {0};

	put_text("file_contexts", "/d/labelled.*\tu:object_r:new_t:s0\n"
				  "/d/in\tu:object_r:left_t:s0\n");
	if (labeler_open(&labeler, &src, NULL, &e) < 0)
		errx(1, "%s", e.msg);
}

static void put_acl(struct live *l, const char *path, bool names)
{
	struct buf b = {0};

	acl_start(&b);
	acl_add(&b, ACL_TAG_USER_OBJ, 7, ACL_NO_ID);
	if (names)
		acl_add(&b, ACL_TAG_USER, 6, 77);
	acl_add(&b, ACL_TAG_GROUP_OBJ, 5, ACL_NO_ID);
	if (names)
		acl_add(&b, ACL_TAG_MASK, 7, ACL_NO_ID);
	acl_add(&b, ACL_TAG_OTHER, 1, ACL_NO_ID);
	must(live_setxattr(
		     l, must_at(l, path), XATTR_ACL_DEFAULT, b.data, b.len, 0, true),
		"default ACL");
	buf_free(&b);
}

static void build(const struct op *op)
{
	struct live *l;
	bool stale = op->to && strcmp(op->to, "stale") == 0;

	start_over();
	put_text("s/plain", "plain");
	put_dir("s/plaindir");
	put_text("s/plaindir/inner", "inner one");
	put_dir("s/plaindir/sub");
	l = must_live(NULL);
	must(make_at(l, "d", S_IFDIR | 0751, 0), "d");
	must(make_at(l, "d/in", S_IFREG | 0444, 0), "d/in");
	must(make_at(l, "f", S_IFREG | 0640, 0), "f");
	must(chown_node(l, must_at(l, "f"), 5, 6), "chown");
	must(live_setxattr(l, must_at(l, "f"), "user.x", "abc", 3, 0, false), "user.x");
	must(live_setxattr(l, must_at(l, "f"), XATTR_LABEL, "u:r:f", 5, 0, true), "f");
	must(make_at(l, "g", S_IFREG | 0600, 0), "g");
	must(chown_node(l, must_at(l, "g"), 9, 9), "chown");
	must(make_at(l, "h", S_IFREG | 0666, 0), "h");
	must(link_at(l, "h", "h2"), "h2");
	must(make_at(l, "dev", S_IFCHR | 0600, makedev(1, 3)), "dev");
	must(make_at(l, "sym", S_IFLNK | 0777, 0), "sym");
	must(make_at(l, "empty", S_IFDIR | 0700, 0), "empty");
	must(make_at(l, "acl", S_IFDIR | 0755, 0), "acl");
	must(make_at(l, "mask", S_IFDIR | 0755, 0), "mask");
	put_acl(l, "acl", true);
	put_acl(l, "mask", false);
	must(make_at(l, "acl/in", S_IFREG | 0640, 0), "acl/in");
	must(make_at(l, "sgid", S_IFDIR | 0755, 0), "sgid");
	must(chown_node(l, must_at(l, "sgid"), 3, 33), "chown");
	must(chmod_node(l, must_at(l, "sgid"), 02755), "chmod");
	if (stale) {
		must(make_at(l, "stale", S_IFREG | 0700, 0), "stale");
		must(chown_node(l, must_at(l, "stale"), 1234, 4321), "stale");
		if (rename("s/stale", "away") < 0)
			err(1, "stale");
	}
	must_close(l);
}

static int name_at(struct live *l, uint32_t mode, const char *to)
{
	struct live_new what = {mode, 022, 0, NULL};
	struct live_entry made;
	const char *name;
	struct live_node *dir = above(l, to, &name);
	int rc = live_make_unnamed(l, live_root(l), &what, true, &made);

	if (rc == 0)
		rc = live_link(l, made.node, dir, name, &made);
	return rc;
}

static int run(struct live *l, const struct op *op)
{
	int64_t dev = S_ISCHR(op->mode) || S_ISBLK(op->mode) ? makedev(4, 65) : 0;

	switch (op->verb) {
	case MAKE:
		return make_at(l, op->to, op->mode, (uint64_t)dev);
	case LINK:
		return link_at(l, op->from, op->to);
	case NAME:
		return name_at(l, op->mode, op->to);
	case REMOVE:
		return remove_at(l, op->from, op->mode);
	default:
		return rename_at(l, op->from, op->to, op->mode);
	}
}

static char *view_text(void)
{
	struct live *l = must_live(NULL);
	struct buf b = {0};

	describe(l, live_root(l), "", &b);
	must_close(l);
	return b.data;
}

/* Later changes to names, also those of the operation. */
static void go_on(struct live *l, const struct op *op)
{
	struct buf b = {0};
	const char *name = op->verb == REMOVE ? op->from : op->to;

	if (op->verb == REMOVE)
		must(make_at(l, name, S_IFREG | 0707, 0), "again");
	else
		must(rename_at(l, name, "later", 0), "later");
	if (op->verb == RENAME && !op->mode)
		must(make_at(l, op->from, S_IFREG | 0717, 0), "its old name");
	must(make_at(l, "unheard-of", S_IFDIR | 0700, 0), "unheard-of");
	must(rename_at(l, "acl", "unheard-of/acl", 0), "acl");
	describe(l, live_root(l), "", &b);
	put_file("text", b.data, b.len);
	buf_free(&b);
}

/* In a process of its own, which is killed; late: with the intent as it was. */
static void child(const struct op *op, int when, bool late, bool later)
{
	struct live *l = must_live(labeler);
	size_t len;
	char *text;

	deadly = when;
	armed = true;
	must(run(l, op), op->what);
	if (!late)
		_exit(3);
	if (later)
		go_on(l, op);
	text = get_file("saved", &len);
	/* It stays the same file, which is mapped. */
	put_file(INTENT, text, len);
	kill(getpid(), SIGKILL);
}

static void die_in(const struct op *op, int when, bool late, bool later)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		child(op, when, late, later);
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		errx(1, "%s: it was not killed there", op->what);
}

static void settled(const struct op *op, const char *want, const char *when)
{
	struct stage *stage = must_stage("s");
	struct db *db = must_open(DB, DB_LIVE);
	struct err e = {0};
	char what[200];
	char *got;

	snprintf(what, sizeof(what), "%s, killed %s", op->what, when);
	ok(exists(INTENT), "%s: an intent is there", what);
	is_int(intent_settle(stage, db, &e), 0, "%s: settled %s", what, e.msg);
	is_int(disagreements(db),
		op->to && strcmp(op->to, "stale") == 0 && strcmp(when, "before") == 0,
		"%s: database and tree agree", what);
	ok(!exists(INTENT), "%s: no intent is left", what);
	db_close(db);
	stage_close(stage);
	got = view_text();
	is_str(got, want, "%s: the view", what);
	free(got);
}

/* A whiteout is made, the file moves, and what was made takes its place. */
static int calls_of(const struct op *op)
{
	return op->verb == RENAME && op->mode == RENAME_WHITEOUT ? 3 : 1;
}

static void test_op(const struct op *op)
{
	int calls = calls_of(op);
	char *before, *text, *want;
	struct live *l;

	build(op);
	before = view_text();
	die_in(op, BEFORE, false, false);
	settled(op, before, "before");

	build(op);
	l = must_live(labeler);
	is_int(run(l, op), 0, "%s", op->what);
	must_close(l);
	agrees(op->what);
	want = view_text();

	for (int i = 0; i < calls; i++) {
		build(op);
		skipped = i;
		die_in(op, AFTER, false, false);
		skipped = 0;
		if (i == 0 && calls > 1)
			settled(op, before, "before");
		else
			settled(op, want, "before the commit");
	}
	free(before);
	build(op);
	die_in(op, NEVER, true, false);
	settled(op, want, "after the commit");
	free(want);

	build(op);
	die_in(op, NEVER, true, true);
	text = get_file("text", NULL);
	settled(op, text, "long after it");
	free(text);
}

/* Hints are of another time where the tree was copied. */
static void test_copied(const struct op *op)
{
	static const char copy[] = "cp -a s copy && rm -rf s && mv copy s";
	char *want;
	struct live *l;

	hints_hold = false;
	build(op);
	if (system(copy) != 0)
		errx(1, "%s", copy);
	l = must_live(labeler);
	must(run(l, op), op->what);
	must_close(l);
	want = view_text();
	build(op);
	if (system(copy) != 0)
		errx(1, "%s", copy);
	skipped = calls_of(op) - 1;
	die_in(op, AFTER, false, false);
	skipped = 0;
	settled(op, want, "before the commit, in a copied tree");
	hints_hold = true;
	free(want);
}

int main(void)
{
	size_t step = under_valgrind() ? 5 : 1;

	scratch_make();
	open_labeler();
	/* Under valgrind each of hundreds of processes takes long. */
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i += step)
		test_op(&ops[i]);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i += step)
		test_copied(&ops[i]);
	labeler_close(labeler);
	buf_free(&said);
	return done_testing();
}
