/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "db/db.h"
#include "fs/mount_options.h"
#include "fs/session.h"
#include "run/run.h"
#include "tools/commands.h"
#include "tools/locate.h"
#include "tools/mount.h"

static struct mount_options options_given;
static bool options_ready, options_said, opt_ro;
static enum run_world opt_world = RUN_HERE;

/* The view of one run. */
struct used_view {
	char *mountpoint;
	bool ours;         /* mounted by a session, and to be ended by the last one */
	struct hold *hold; /* of this session, if that was it; or NULL */
	/* Of a view that writes: its database, and this session's place among those that
	 * use it. */
	char *db;
	struct db_session *session;
};

static void forget_view(struct used_view *v)
{
	free(v->mountpoint);
	free(v->db);
	db_session_end(v->session);
}

static int take_first(void *arg, const char *mountpoint)
{
	*(char **)arg = strdup(mountpoint);
	return 1;
}

#define MOUNTPOINT "livery-run." /* the beginning of a name that a session gives */

static bool made_by_session(const char *mountpoint)
{
	const char *slash = strrchr(mountpoint, '/');

	return slash && strncmp(slash + 1, MOUNTPOINT, strlen(MOUNTPOINT)) == 0;
}

/* For sessions to meet at, before there is a view: there at once, whoever else makes it.
 * True: it was not there. */
static bool make_db(const struct place *p)
{
	cleanup_free char *fresh = NULL;
	struct db *db = NULL;
	struct err ignored;
	struct stat st;
	mode_t mask;
	bool made;

	if (access(p->db, F_OK) == 0 || stat(p->staging, &st) < 0 ||
		!S_ISDIR(st.st_mode) || asprintf(&fresh, "%s.%d", p->db, getpid()) < 0)
		return false;
	mask = umask(022); /* as the view's daemon makes it */
	db_open(&db, fresh, DB_CREATE, &ignored);
	umask(mask);
	db_close(db);
	made = db && link(fresh, p->db) == 0;
	if (db)
		unlink(fresh);
	return made;
}

/*
 * Takes a place among the sessions of this tree, and the turn. What is in the way will be
 * in the view's way too. 1 where the database was made for that, 0, -1.
 */
static int begin_session(struct used_view *v, const char *staging,
	const struct mount_options *m, struct err *e)
{
	cleanup_place struct place p = {0};
	struct err ignored;
	bool made;

	if (locate_tree(&p, staging, *m->db ? m->db : NULL, &ignored) < 0)
		return 0;
	made = make_db(&p);
	v->db = strdup(p.db);
	if (!v->db)
		return err_set(e, ERR_SYS, "out of memory");
	if (db_session_begin(&v->session, p.db, &ignored) == 0)
		locate_writers(p.db, take_first, &v->mountpoint);
	return made;
}

/* Where views may be mounted everywhere (AppArmor keeps fusermount3 from elsewhere). */
static char *make_mountpoint(struct err *e)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char *path = NULL;

	if (!runtime || *runtime != '/' || access(runtime, W_OK | X_OK) < 0)
		runtime = "/tmp";
	if (asprintf(&path, "%s/" MOUNTPOINT "XXXXXX", runtime) < 0) {
		err_set(e, ERR_SYS, "out of memory");
		return NULL;
	}
	/* The umask counts for mkdtemp(3). */
	if (!mkdtemp(path) || chmod(path, 0700) < 0) {
		err_sys(e, path, "cannot make a mount point");
		free(path);
		return NULL;
	}
	return path;
}

/* One that is up keeps its options. */
static int use_view(struct used_view *v, struct err *e)
{
	if (options_said)
		return err_set(e, ERR_USAGE,
			"%s: a view of this tree is up already and keeps its options; "
			"leave out -o, or end that view",
			v->mountpoint);
	v->ours = made_by_session(v->mountpoint);
	return EXIT_FINE;
}

static int make_view(struct used_view *v, const char *staging,
	const struct mount_options *m, struct err *e)
{
	int rc;

	v->mountpoint = make_mountpoint(e);
	if (!v->mountpoint)
		return -1;
	rc = mount_view(staging, v->mountpoint, false, m, e);
	v->ours = rc == EXIT_FINE;
	if (v->ours)
		v->hold = m->hold;
	else
		rmdir(v->mountpoint);
	/* What went wrong stands on standard error already. */
	return rc;
}

static int begin_view(struct used_view *v, const char *staging,
	const struct mount_options *m, struct err *e)
{
	int made = m->writable ? begin_session(v, staging, m, e) : 0;
	int rc;

	if (made < 0)
		return -1;
	rc = v->mountpoint ? use_view(v, e) : make_view(v, staging, m, e);
	if (made && rc != EXIT_FINE)
		unlink(v->db);
	db_session_began(v->session);
	return rc;
}

/* EXIT_FINE, EXIT_FINDINGS where a seal broke, -1. */
static int end_view(const struct used_view *v, struct err *e)
{
	int rc;

	if (!v->ours)
		return EXIT_FINE;
	if (v->session && !db_session_last(v->session)) {
		hold_never(v->hold); /* its programs are none of this session's */
		return EXIT_FINE;
	}
	rc = unmount_view(v->mountpoint, e);
	if (rc >= 0)
		rmdir(v->mountpoint);
	while (waitpid(-1, NULL, WNOHANG) > 0) /* its daemon */
		;
	return rc;
}

/* Who was killed may not have let go of the view yet. */
#define ORPHAN_TRIES 20

/* In the guard, which has none of the session's descriptors. */
static void on_orphaned(void *arg)
{
	struct used_view *v = arg;
	struct err e;
	int rc = -1;

	v->session = NULL;
	if (v->db)
		db_session_begin(&v->session, v->db, &e);
	for (int i = 0; rc < 0 && i < ORPHAN_TRIES; i++)
		rc = end_view(v, &e);
	if (rc < 0)
		err_print(&e);
}

/* "@" and "@/…", alone or behind a '=': the view. NULL: no memory. */
static char *expand(const char *word, const char *view)
{
	const char *at = word;

	while ((at = strchr(at, '@'))) {
		if ((at == word || at[-1] == '=') && (!at[1] || at[1] == '/'))
			break;
		at++;
	}
	if (!at)
		return strdup(word);
	char *out = NULL;
	const char *root = *view || at[1] ? view : "/";
	int n = asprintf(&out, "%.*s%s%s", (int)(at - word), word, root, at + 1);

	return n < 0 ? NULL : out;
}

static int expand_all(char **argv, int argc, const char *view, struct err *e)
{
	for (int i = 0; i < argc; i++) {
		argv[i] = expand(argv[i], view);
		if (!argv[i])
			return err_set(e, ERR_SYS, "out of memory");
	}
	return setenv("LIVERY_VIEW", *view ? view : "/", 1) < 0
		       ? err_set(e, ERR_SYS, "out of memory")
		       : 0;
}

/* As the program ended, so does this process. */
static int end_like(int status)
{
	struct rlimit none = {0, 0};
	sigset_t one;
	int sig;

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	return 128 + sig;
}

static int init_options(struct err *e)
{
	if (!options_ready && mount_options_init(&options_given, e) < 0)
		return -1;
	options_ready = true;
	return 0;
}

static int option(int key, const char *value, struct err *e)
{
	if (init_options(e) < 0)
		return -1;
	switch (key) {
	case OPT_RO:
		opt_ro = true;
		return 0;
	case OPT_CHROOT:
		opt_world = RUN_CHROOT;
		return 0;
	case OPT_USERNS:
		if (opt_world == RUN_HERE)
			opt_world = RUN_NAMESPACE;
		return 0;
	case 'o':
		options_said = true;
		return mount_options_parse(&options_given, value, false, e);
	}
	if (strlen(value) >= sizeof(options_given.db))
		return err_set(e, ERR_USAGE, "--db: the path is too long");
	strcpy(options_given.db, value);
	return 0;
}

/* 1 where the kernel gives a reader of this view all that root would see; 0, -1. */
static int reads_pass(const struct used_view *v, const char *staging,
	const struct mount_options *m, struct err *e)
{
	cleanup_place struct place p = {0};
	struct db *db = NULL;
	int rc;

	if (m->writable || opt_world != RUN_HERE)
		return 0;
	rc = session_labels_pass(v->mountpoint, e);
	if (rc <= 0)
		return rc;
	if (locate_tree(&p, staging, *m->db ? m->db : NULL, e) < 0 ||
		db_open(&db, p.db, DB_READ, e) < 0)
		return -1;
	rc = db_xattr_any(db, "trusted.", e);
	db_close(db);
	return rc < 0 ? -1 : !rc;
}

static int run_in_view(struct used_view *v, const char *staging, int argc, char **argv,
	int *status, struct err *e)
{
	/* What names the view from inside. */
	const char *view = opt_world == RUN_CHROOT ? "" : v->mountpoint;
	struct run_options o = {
		.world = opt_world,
		.mountpoint = v->mountpoint,
		.hold = v->hold,
		.argv = argv,
		.orphaned = on_orphaned,
		.arg = v,
	};

	int pass = reads_pass(v, staging, &options_given, e);

	if (pass < 0 || expand_all(argv, argc, view, e) < 0)
		return -1;
	o.reads_pass = pass;
	return run_program(&o, status, e);
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	__attribute__((cleanup(forget_view))) struct used_view v = {0};
	int status = 0, rc, end;
	struct err at_end;
	/* As getopt(3) has it behind options. */
	int skip = strcmp(argv[1], "--") == 0 ? 2 : 1;

	(void)c;
	if (argc == skip)
		return err_set(e, ERR_USAGE, "say which program to run");
	if (init_options(e) < 0 ||
		mount_options_parse(&options_given, opt_ro ? "ro" : "rw", false, e) < 0 ||
		mount_options_check(&options_given, e) < 0)
		return -1;
	options_given.supervised = true;
	options_given.hold = hold_new(getpid());
	run_hold_signals();
	rc = begin_view(&v, argv[0], &options_given, e);
	if (rc != 0)
		return rc;
	rc = run_in_view(&v, argv[0], argc - skip, argv + skip, &status, e);
	end = end_view(&v, &at_end);
	if (rc < 0)
		return -1;
	if (end < 0) {
		*e = at_end;
		return -1;
	}
	rc = end_like(status);
	return rc == EXIT_FINE ? end : rc;
}

static const struct command_option command_options[] = {
	{OPT_RO, "ro", NULL, "a sealed view, which the program cannot change"},
	{OPT_CHROOT, "chroot", NULL,
		"the view is the program's root directory, in a user namespace"},
	{OPT_USERNS, "userns", NULL,
		"a user namespace, for programs that call chroot themselves"},
	{'o', NULL, "OPTION,...", "options of the view, as for 'livery mount'"},
	OPTION_DB,
	{0},
};

const struct command cmd_run = {
	.name = "run",
	.synopsis = "STAGING COMMAND [ARG]...",
	.summary = "Run a program that sees itself, and the tree, as root would",
	.details = "Mounts the view (or uses one that is up), runs the program, and ends "
		   "the view.\n"
		   "An argument '@', or one that begins with '@/', stands for the view, "
		   "also behind\n"
		   "a '='; so does $LIVERY_VIEW. In the view, the program makes devices, "
		   "sets and\n"
		   "reads labels and all other attributes, and links what it likes. Any "
		   "program can\n"
		   "be run, statically linked ones too. The exit code is the program's.",
	.options = command_options,
	.min_args = 2,
	.max_args = -1,
	.run = run,
	.option = option,
};
