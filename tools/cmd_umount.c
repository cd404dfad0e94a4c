/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fs/side.h"
#include "tools/commands.h"
#include "tools/locate.h"
#include "tools/mount.h"
#include "tools/mounts.h"

#define REPORT_MAX 65536
#define END_SECONDS                                                                      \
	600 /* for a daemon to check its seal, or wait for the disk, and end */

/*
 * Prints what broke the seal; a view that writes has none, and answers with nothing once
 * all is on the disk. Returns EXIT_FINDINGS where something did.
 */
static int report_seal(const char *mountpoint, struct err *e)
{
	cleanup_free char *report = malloc(REPORT_MAX + 1);
	ssize_t n = report ? lgetxattr(mountpoint, SIDE_SEAL, report, REPORT_MAX) : -1;
	int rc = EXIT_FINE;
	char *line, *rest;

	if (n < 0 && errno == EBUSY)
		return err_set(e, ERR_BUSY,
			"%s: a command still changes this tree; wait until it ends",
			mountpoint);
	if (n < 0)
		return err_sys(e, mountpoint,
			"the view does not say whether it stayed sealed, or has all on "
			"the "
			"disk; it stays up");
	report[n] = '\0';
	rest = report;
	while ((line = strsep(&rest, "\n"))) {
		if (strlen(line) < 2)
			continue;
		fprintf(stderr, "livery: %s: %s\n", mountpoint, line + 2);
		if (line[0] == '!')
			rc = EXIT_FINDINGS;
	}
	if (rc == EXIT_FINDINGS)
		fprintf(stderr,
			"livery: %s: not all was shown as it should be (see above): what "
			"was made from this view may be wrong\n",
			mountpoint);
	return rc;
}

/* The table of a view that counts its messages, malloc'd; NULL: it does not. */
static char *ask_stats(const char *mountpoint)
{
	char *table = malloc(REPORT_MAX + 1);
	ssize_t n = table ? lgetxattr(mountpoint, SIDE_STATS, table, REPORT_MAX) : -1;

	if (n < 0) {
		free(table);
		return NULL;
	}
	table[n] = '\0';
	return table;
}

/* Somebody may just look into it: a command that searches all views, say. */
#define TRIES    20
#define TRY_WAIT 25000000 /* nanoseconds */

/* fusermount3 may unmount what an ordinary user has mounted. 0, -1; 1: it did not. */
static int ask_fusermount(const char *mountpoint, bool quiet, struct err *e)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(e, NULL, "cannot start fusermount3");
	if (pid == 0) {
		execlp("fusermount3", "fusermount3", quiet ? "-uq" : "-u", "--",
			mountpoint, NULL);
		fprintf(stderr,
			"livery: there is no fusermount3: install the package fuse3\n");
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return err_set(e, ERR_SYS, "fusermount3 did not end as it should");
	if (WEXITSTATUS(status) == 127)
		return err_set(e, ERR_SYS, "%s: cannot unmount", mountpoint);
	return WEXITSTATUS(status) ? 1 : 0;
}

static int unmount_as_root(const char *mountpoint, bool last, struct err *e)
{
	if (umount2(mountpoint, UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno == EBUSY && !last)
		return 1;
	err_sys(e, mountpoint, "cannot unmount");
	return errno == EBUSY ? err_hint(e, "a program still uses it") : -1;
}

static int unmount(const char *mountpoint, struct err *e)
{
	const struct timespec wait = {.tv_nsec = TRY_WAIT};

	for (int i = 1; i <= TRIES; i++) {
		int rc = geteuid() == 0 ? unmount_as_root(mountpoint, i == TRIES, e)
					: ask_fusermount(mountpoint, i < TRIES, e);

		if (rc <= 0)
			return rc;
		if (i < TRIES)
			nanosleep(&wait, NULL);
	}
	return err_set(e, ERR_BUSY,
		"%s: cannot unmount (see above); if it is busy, a program still uses it",
		mountpoint);
}

/* The database is free again once the daemon is gone. */
static int wait_end(int pidfd, const char *mountpoint, struct err *e)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int rc;

	do {
		rc = poll(&p, 1, END_SECONDS * 1000);
	} while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return err_set(e, ERR_BUSY, "%s: unmounted, but its daemon does not end",
			mountpoint);
	return 0;
}

/* A view that wrote leaves one file, unless something went wrong at the very end. */
static int check_rest(const struct place *p, const char *mountpoint, struct err *e)
{
	static const char *const left[] = {"-wal", "-intent"};
	cleanup_free char *file = realpath(p->db, NULL);

	for (size_t i = 0; file && i < sizeof(left) / sizeof(left[0]); i++) {
		cleanup_free char *path = NULL;
		struct stat st;

		if (asprintf(&path, "%s%s", file, left[i]) < 0)
			return err_set(e, ERR_SYS, "out of memory");
		/* Of a view that came up since. */
		if (stat(path, &st) < 0 || st.st_size == 0 || db_is_live(file))
			continue;
		return err_set(e, ERR_SYS,
			"%s: unmounted, but %s is left, which belongs to the database: "
			"keep them together; the next command that writes brings it in, "
			"or says what hinders it (the system's log has what the view's "
			"daemon met)",
			mountpoint, path);
	}
	return 0;
}

struct search {
	const char *mountpoint;
	bool found, writable;
};

/* The last one covers those before it. */
static int note_view(void *arg, const char *mountpoint, bool writable)
{
	struct search *s = arg;

	if (strcmp(mountpoint, s->mountpoint) == 0) {
		s->found = true;
		s->writable = writable;
	}
	return 0;
}

/* Ends a view that cannot be asked: the kernel alone knows of it. */
static int end_unasked(const char *mountpoint, int why, struct err *e)
{
	struct search s = {.mountpoint = mountpoint};

	mounts_each_view(note_view, &s);
	if (!s.found)
		return err_set(
			e, ERR_REFUSED, "%s: not the mount point of a view", mountpoint);
	if (unmount(mountpoint, e) < 0)
		return -1;
	fprintf(stderr, "livery: %s: %s; the mount point is free again, %s\n", mountpoint,
		why == ENOTCONN ? "the view's daemon had died"
				: "only the view's owner can ask it",
		s.writable
			? "and all that it had answered is kept: mount it again, or "
			  "let any command that writes settle what it was about"
			: "but whether the staging tree stayed as it was is not known");
	return EXIT_FINDINGS;
}

int unmount_view(const char *path, struct err *e)
{
	cleanup_place struct place p = {0};
	cleanup_free char *mountpoint = NULL;
	cleanup_free char *stats = NULL;
	cleanup_close int pidfd = -1;
	int why = locate_reach(path);
	long pid;
	int rc;

	if (why) {
		/* A view shows itself to its owner only: not even to root. */
		if (why != ENOTCONN && (why != EACCES || geteuid() != 0)) {
			errno = why;
			return err_sys(e, path, "cannot unmount");
		}
		/* What is dead cannot be resolved. */
		mountpoint = locate_absolute(path, e);
		return mountpoint ? end_unasked(mountpoint, why, e) : -1;
	}
	mountpoint = realpath(path, NULL);
	rc = mountpoint ? locate_view(&p, mountpoint, &pid, e)
			: err_sys(e, path, "cannot find");
	if (rc < 0)
		return -1;
	if (rc == 0 || *p.path)
		return err_set(e, ERR_REFUSED, "%s: not the mount point of a view", path);
	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	rc = report_seal(mountpoint, e);
	if (rc >= 0)
		stats = ask_stats(mountpoint);
	if (rc < 0 || unmount(mountpoint, e) < 0)
		return -1;
	if (stats)
		fprintf(stderr, "livery: " STATS_TITLE "\n%s", mountpoint, stats);
	if (pidfd >= 0 && wait_end(pidfd, mountpoint, e) < 0)
		return -1;
	return check_rest(&p, mountpoint, e) < 0 ? -1 : rc;
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	(void)c;
	(void)argc;
	return unmount_view(argv[0], e);
}

const struct command cmd_umount = {
	.name = "umount",
	.synopsis = "MOUNTPOINT",
	.summary = "End a view, and tell whether it stayed sealed",
	.details = "Returns once the database is free. Exits 1 where the staging tree or "
		   "the\n"
		   "database changed under a sealed view, or where the daemon had died.",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
