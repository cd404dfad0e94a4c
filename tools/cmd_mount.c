/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/descriptor.h"
#include "common/quote.h"
#include "fs/mount_options.h"
#include "fs/session.h"
#include "tools/commands.h"
#include "tools/labels/policy.h"
#include "tools/locate.h"
#include "tools/mount.h"

#define READY_FD 3

struct daemon {
	struct place place;
	char *mountpoint;
	const struct mount_options *options;
	struct labeler *labeler; /* of new files; NULL: none */
	struct stats *stats;     /* NULL: nothing is counted */
	bool foreground;
	bool served;           /* it was up */
	int ready;             /* written to once the view is up; -1 when done */
	_Atomic bool detached; /* set by the prober */
};

/* Messages go to the terminal as long as there is one, then to the system's log. */
static void say(const struct daemon *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct daemon *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (d->detached) {
		vsyslog(LOG_WARNING, fmt, ap);
	} else {
		fprintf(stderr, "livery: ");
		vfprintf(stderr, fmt, ap);
		fputc('\n', stderr);
	}
	va_end(ap);
}

static void on_finding(void *arg, const struct finding *f)
{
	struct daemon *d = arg;
	char quoted[1024];

	say(d, "%s: %s%s%s", d->mountpoint, quote_path(quoted, sizeof(quoted), f->path),
		*f->path ? ": " : "", f->text);
}

/* Leaves the caller's terminal and lets it go on. */
static void on_ready(void *arg)
{
	struct daemon *d = arg;
	char fine = EXIT_FINE;

	d->served = true;
	if (d->foreground)
		return;
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		fflush(stderr);
		openlog("livery", LOG_PID, LOG_USER);
		d->detached = true;
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
	if (write(d->ready, &fine, 1) != 1)
		say(d, "cannot tell the caller that the view is up");
	close(take_fd(&d->ready));
}

static void on_trouble(void *arg, const char *text)
{
	const struct daemon *d = arg;

	say(d, "%s: %s", d->mountpoint, text);
}

/* Two databases would each call drift what the other's view does. */
static int only_writer(const struct stage *stage, struct err *e)
{
	if (flock(stage_root(stage), LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_sys(e, stage_path(stage), "cannot lock the staging tree");
	return err_set(e, ERR_BUSY,
		"%s: another view writes to this tree, with a database of its own; end "
		"it "
		"with 'livery umount'",
		stage_path(stage));
}

/* A view that writes, from its database to its end. */
static int open_live(struct daemon *d, struct live **l, struct err *e)
{
	struct live_options o = {
		.uid = d->options->engine.uid,
		.gid = d->options->engine.gid,
		.no_labels = d->options->engine.no_labels,
		.labeler = d->labeler,
		.say = on_trouble,
		.say_arg = d,
	};
	struct stage *stage;
	struct db *db = NULL;

	if (stage_open(&stage, d->place.staging, e) < 0)
		return -1;
	if (db_open(&db, d->place.db, DB_LIVE, e) < 0 || only_writer(stage, e) < 0 ||
		place_check_finished(db, e) < 0) {
		db_close(db);
		stage_close(stage);
		return -1;
	}
	return live_open(l, stage, db, &o, e);
}

static int serve_live(struct daemon *d, struct err *e)
{
	bool fresh = access(d->place.db, F_OK) < 0;
	struct err end;
	struct live *l;
	int rc;
	/* What the caller is held to is not meant for all who use the view. */
	signal(SIGXFSZ, SIG_IGN);
	/* Files that are removed while programs have them open cost one each. */
	descriptor_raise_limit();
	/* Modes are for the view to say; files in the staging tree are for who builds. */
	umask(022);
	if (open_live(d, &l, e) < 0)
		return -1;
	rc = session_run(NULL, l, d->mountpoint, d->options, d->stats, on_ready, d, e);
	if (live_close(l, &end) < 0) {
		say(d, "%s", end.msg);
		return rc < 0 ? -1 : EXIT_ERROR;
	}
	/* Made for nothing. */
	if (fresh && !d->served)
		unlink(d->place.db);
	return rc < 0 ? -1 : EXIT_FINE;
}

static int serve_sealed(struct daemon *d, struct err *e)
{
	struct engine *en;
	bool broken = false;
	int rc;

	if (place_open(&d->place, DB_SEALED, &d->options->engine, &en, e) < 0)
		return -1;
	engine_on_finding(en, on_finding, d);
	rc = session_run(en, NULL, d->mountpoint, d->options, d->stats, on_ready, d, e);
	if (rc == 0) {
		engine_check_seal(en);
		broken = engine_seal_broken(en);
		if (broken)
			say(d,
				"%s: not all was shown as it should be (see above): what "
				"was "
				"made from this view may be wrong",
				d->mountpoint);
	}
	engine_close(en);
	return rc < 0 ? -1 : broken ? EXIT_FINDINGS : EXIT_FINE;
}

/* As findings are: 'livery umount' prints it too, but others may end a view. */
static void say_stats(const struct daemon *d)
{
	cleanup_buf struct buf table = {0};
	char *line, *rest;

	if (!d->served || stats_table(d->stats, &table) < 0)
		return;
	say(d, STATS_TITLE, d->mountpoint);
	for (rest = table.data; (line = strsep(&rest, "\n")) && *line;)
		if (d->detached)
			say(d, "%s", line);
		else
			fprintf(stderr, "%s\n", line);
}

/* The daemon's life. Returns an exit code. */
static int serve(struct daemon *d, struct err *e)
{
	int rc;

	if (d->options->stats && !(d->stats = stats_new()))
		return err_set(e, ERR_SYS, "out of memory");
	rc = d->options->writable ? serve_live(d, e) : serve_sealed(d, e);
	if (d->stats)
		say_stats(d);
	stats_free(d->stats);
	return rc;
}

/* In the child: errors still reach the caller's terminal. */
__attribute__((noreturn)) static void detach(struct daemon *d)
{
	sigset_t none;
	struct err e;
	int rc;

	/* A lock or a pipe of the caller's must not live as long as the view. */
	if (dup2(d->ready, READY_FD) == READY_FD) {
		d->ready = READY_FD;
		close_range(READY_FD + 1, ~0U, 0);
	}
	/* What the caller made of them is not the daemon's; libfuse sets its own. */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (chdir("/") < 0)
		say(d, "cannot leave the current directory");
	rc = serve(d, &e);
	if (rc < 0) {
		say(d, "%s", e.msg);
		rc = EXIT_ERROR;
	}
	if (d->ready >= 0) {
		char code = (char)rc;
		ssize_t n = write(d->ready, &code, 1);

		(void)n;
	}
	exit(rc);
}

static int start(struct daemon *d, struct err *e)
{
	int pipes[2];
	char code;
	ssize_t n;
	pid_t pid;

	if (d->foreground)
		return serve(d, e);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, NULL, "cannot make a pipe");
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return err_sys(e, NULL, "cannot start the view's daemon");
	if (pid == 0) {
		close(pipes[0]);
		d->ready = pipes[1];
		detach(d);
	}
	close(pipes[1]);
	do {
		n = read(pipes[0], &code, 1);
	} while (n < 0 && errno == EINTR);
	close(pipes[0]);
	if (n == 1)
		return code;
	waitpid(pid, NULL, 0);
	return err_set(e, ERR_SYS, "%s: the view's daemon ended before it was ready",
		d->mountpoint);
}

static int check_empty(const char *path, struct err *e)
{
	cleanup_closedir DIR *d = opendir(path);
	struct dirent *de;

	if (!d)
		return err_sys(e, path, "cannot look into the mount point");
	while ((de = readdir(d)))
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			return err_set(e, ERR_REFUSED,
				"%s: the mount point is not empty; mount on an empty "
				"directory",
				path);
	return 0;
}

static int check_mountpoint(struct daemon *d, const char *given, struct err *e)
{
	cleanup_place struct place other = {0};
	struct stat st;
	int why = locate_reach(given);
	long pid;
	int rc;

	if (why) {
		errno = why;
		if (why != ENOTCONN)
			return err_sys(e, given, "cannot mount there");
		err_set(e, ERR_REFUSED, "%s: a view whose daemon died is mounted there",
			given);
		return err_hint(e, "end it with 'livery umount'");
	}
	if (stat(given, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s: not a directory", given);
	d->mountpoint = realpath(given, NULL);
	if (!d->mountpoint)
		return err_sys(e, given, "cannot mount there");
	rc = locate_view(&other, d->mountpoint, &pid, e);
	if (rc < 0)
		return -1;
	if (rc == 1 && !*other.path)
		return err_set(e, ERR_REFUSED,
			"%s: already a view of %s; end that with 'livery umount'",
			d->mountpoint, other.staging);
	if (path_inside(d->mountpoint, d->place.staging))
		return err_set(e, ERR_REFUSED,
			"%s: inside the staging tree %s; mount beside it", d->mountpoint,
			d->place.staging);
	if (path_inside(d->place.staging, d->mountpoint))
		return err_set(e, ERR_REFUSED,
			"%s: the staging tree %s is in it and would be covered; mount "
			"beside it",
			d->mountpoint, d->place.staging);
	if (path_inside(d->place.db, d->mountpoint))
		return err_set(e, ERR_REFUSED,
			"%s: the database %s is in it and would be covered; mount beside "
			"it",
			d->mountpoint, d->place.db);
	return check_empty(d->mountpoint, e);
}

static int check_selinux(const struct mount_options *m, struct err *e)
{
	if (m->engine.no_labels || m->supervised || !session_host_selinux(""))
		return 0;
	return err_set(e, ERR_REFUSED,
		"this host runs SELinux (/sys/fs/selinux), whose kernel answers "
		"security.selinux itself for every FUSE mount: tools would read fusefs_t "
		"in place of the labels; run them by 'livery run --ro STAGING -- "
		"COMMAND', "
		"or mount with -o no-labels");
}

int mount_view(const char *staging, const char *mountpoint, bool foreground,
	const struct mount_options *m, struct err *e)
{
	struct daemon d = {.options = m, .foreground = foreground, .ready = -1};
	cleanup_free char *keep = NULL;
	struct stage *stage;
	int rc = locate_tree(&d.place, staging, *m->db ? m->db : NULL, e);

	/* Looked at here, so that the plainest mistakes are told first. */
	if (rc == 0)
		rc = stage_open(&stage, d.place.staging, e);
	if (rc == 0) {
		if (m->label_new)
			rc = policy_open(&d.labeler, stage, *m->policy ? m->policy : NULL,
				NULL, e);
		stage_close(stage);
	}
	if (rc == 0)
		rc = check_mountpoint(&d, mountpoint, e);
	keep = d.mountpoint;
	if (rc == 0)
		rc = check_selinux(m, e);
	if (rc == 0)
		rc = session_check_host(e);
	if (rc == 0)
		rc = start(&d, e);
	labeler_close(d.labeler);
	place_free(&d.place);
	return rc;
}

static struct mount_options options_given;
static bool opt_foreground, options_ready;

static int option(int key, const char *value, struct err *e)
{
	if (!options_ready && mount_options_init(&options_given, e) < 0)
		return -1;
	options_ready = true;
	if (key == 'f')
		opt_foreground = true;
	else if (key == 'o')
		return mount_options_parse(&options_given, value, false, e);
	else if (strlen(value) >= sizeof(options_given.db))
		return err_set(e, ERR_USAGE, "--db: the path is too long");
	else
		strcpy(options_given.db, value);
	return 0;
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	(void)c;
	(void)argc;
	if (!options_ready && mount_options_init(&options_given, e) < 0)
		return -1;
	if (mount_options_check(&options_given, e) < 0)
		return -1;
	return mount_view(argv[0], argv[1], opt_foreground, &options_given, e);
}

static const struct command_option command_options[] = {
	{'f', "foreground", NULL,
		"stay in the foreground; findings go to standard error"},
	{'o', NULL, "OPTION,...",
		"ro, rw, policy[=PATH], no-labels, allow-unlabeled, allow_other, "
		"default-owner=UID:GID, clamp=SECONDS, db=FILE, threads=N, noexec, "
		"debug, stats, writable"},
	OPTION_DB,
	{0},
};

const struct command cmd_mount = {
	.name = "mount",
	.synopsis = "STAGING MOUNTPOINT",
	.summary = "Show a staging tree as it will be on the target",
	.details =
		"Without -o rw, the view is read-only and sealed: when the staging "
		"tree changes\n"
		"while it is up, that is found at the latest by 'livery umount', which "
		"then\n"
		"exits 1. SOURCE_DATE_EPOCH, or -o clamp, caps the times that it "
		"shows.\n"
		"With -o rw, programs write into the view as root would; content goes "
		"to the\n"
		"staging tree, all else to the database. Nobody but the caller can use "
		"such a\n"
		"view.",
	.options = command_options,
	.min_args = 2,
	.max_args = 2,
	.run = run,
	.option = option,
};
