/* SPDX-License-Identifier: MIT */
#include "pack/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"

#define TICK_MS        200
#define SAID_MAX       1200 /* bytes of what a program said that fit into a message */
#define SAID_FIRST_MAX 200  /* of its first line */

static volatile sig_atomic_t interrupted; /* how often */
static volatile sig_atomic_t held;
static void (*end_of_all)(void);

static void on_signal(int sig)
{
	interrupted++;
	if (held)
		return;
	end_of_all();
	signal(sig, SIG_DFL);
	raise(sig);
}

void tool_catch_signals(void (*at_end)(void))
{
	const struct sigaction note = {.sa_handler = on_signal};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	end_of_all = at_end;
	sigaction(SIGINT, &note, NULL);
	sigaction(SIGTERM, &note, NULL);
	sigaction(SIGHUP, &note, NULL);
	/* A program that ends early is seen by its exit status. */
	sigaction(SIGPIPE, &ignore, NULL);
}

void tool_hold(void)
{
	held++;
}

void tool_release(void)
{
	held--;
}

bool tool_interrupted(void)
{
	return interrupted;
}

static int add_item(struct tool_args *a, char *item)
{
	char **p = item ? reallocarray(a->items, a->count + 2, sizeof(*p)) : NULL;

	if (!p) {
		free(item);
		return -1;
	}
	a->items = p;
	p[a->count++] = item;
	p[a->count] = NULL;
	return 0;
}

int tool_arg(struct tool_args *a, const char *fmt, ...)
{
	char *item;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&item, fmt, ap) < 0)
		item = NULL;
	va_end(ap);
	return add_item(a, item);
}

int tool_arg_copy(struct tool_args *a, const char *text)
{
	return add_item(a, strdup(text));
}

void tool_args_free(struct tool_args *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->items[i]);
	free(a->items);
	*a = (struct tool_args){0};
}

static char *find_in(const char *path, const char *name)
{
	while (*path) {
		size_t len = strcspn(path, ":");
		struct stat st;
		char *file;

		if (asprintf(&file, "%.*s/%s", (int)len, path, name) < 0)
			return NULL;
		if (len && access(file, X_OK) == 0 && stat(file, &st) == 0 &&
			S_ISREG(st.st_mode))
			return file;
		free(file);
		path += len + (path[len] == ':');
	}
	return NULL;
}

char *tool_find(const char *name, const char *package, struct err *e)
{
	const char *path = getenv("PATH");
	char *file = find_in(path ? path : "/usr/bin:/bin", name);

	/* Not in an ordinary user's PATH, and mke2fs is there. */
	if (!file)
		file = find_in("/usr/local/sbin:/usr/sbin:/sbin", name);
	if (!file)
		err_set(e, ERR_SYS, "there is no %s: install the package %s", name,
			package);
	return file;
}

/* The caller's PATH, HOME and TMPDIR, what is the same for all, and env. */
static int make_environment(struct tool_args *out, const char *const *env)
{
	static const char *const kept[] = {"PATH", "HOME", "TMPDIR"};
	int rc = tool_arg(out, "LC_ALL=C") | tool_arg(out, "TZ=UTC");

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		const char *value = getenv(kept[i]);

		if (value)
			rc |= tool_arg(out, "%s=%s", kept[i], value);
	}
	for (size_t i = 0; env && env[i]; i++)
		rc |= tool_arg_copy(out, env[i]);
	return rc;
}

static int spawn(struct tool *t, const char *file, char **argv, char **env, int in)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all;
	int rc;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	sigfillset(&all);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&files, in, 0);
	else
		posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, t->out, 1);
	posix_spawn_file_actions_adddup2(&files, t->err, 2);
	rc = posix_spawn(&t->pid, file, &files, &attr, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	errno = rc;
	return rc ? -1 : 0;
}

int tool_start(struct tool *t, const char *package, const struct tool_args *args,
	const char *const *env, int in, struct err *e)
{
	cleanup_tool_args struct tool_args environment = {0};
	cleanup_free char *file = tool_find(args->items[0], package, e);

	*t = (struct tool){args->items[0], package, -1, -1, -1};
	if (!file)
		return -1;
	if (make_environment(&environment, env) != 0)
		return err_set(e, ERR_SYS, "out of memory");
	t->out = memfd_create("livery-output", MFD_CLOEXEC);
	t->err = memfd_create("livery-errors", MFD_CLOEXEC);
	if (t->out < 0 || t->err < 0 ||
		spawn(t, file, args->items, environment.items, in) < 0) {
		err_sys(e, file, "cannot start");
		close(t->out);
		close(t->err);
		return -1;
	}
	return 0;
}

static int read_all(int fd, struct buf *to)
{
	char part[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, part, sizeof(part), at)) > 0) {
		if (buf_add(to, part, (size_t)n) < 0)
			return -1;
		at += n;
	}
	return n < 0 ? -1 : 0;
}

/*
 * Without the blanks at its end, and of much the first line and the end: where a program
 * prints its usage, it has said before what is wrong. Returns the length.
 */
static size_t shorten(struct buf *said)
{
	static const char gap[] = "\n...\n";
	size_t len = said->len, first = 0, end;
	char *p = said->data;

	while (len && (p[len - 1] == '\n' || p[len - 1] == ' '))
		len--;
	if (len <= SAID_MAX)
		return len;
	while (first < SAID_FIRST_MAX && p[first] != '\n')
		first++;
	end = SAID_MAX - first - strlen(gap);
	memcpy(p + first, gap, strlen(gap));
	memmove(p + SAID_MAX - end, p + len - end, end);
	return SAID_MAX;
}

static int failed(const struct tool *t, int status, struct buf *said, struct err *e)
{
	size_t len = shorten(said);
	const char *from = said->data ? said->data : "";

	if (interrupted)
		return err_set(e, ERR_SYS, "interrupted while %s ran", t->name);
	if (WIFSIGNALED(status))
		return err_set(e, ERR_SYS, "%s was ended by signal %d: %.*s", t->name,
			WTERMSIG(status), (int)len, from);
	return err_set(e, ERR_SYS, "%s failed with exit status %d: %.*s", t->name,
		WEXITSTATUS(status), (int)len, from);
}

static int wait_for_end(struct tool *t, void (*tick)(void *arg), void *arg)
{
	cleanup_close int fd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int told = 0, status;
	pid_t pid;

	/* Without pidfd_open (Linux 5.3) it is looked at again and again. */
	while ((pid = waitpid(t->pid, &status, WNOHANG)) == 0) {
		if (poll(&p, 1, TICK_MS) > 0)
			continue;
		if (interrupted > told)
			kill(t->pid, told ? SIGKILL : SIGTERM);
		told = interrupted;
		if (tick)
			tick(arg);
	}
	return pid < 0 ? -1 : status;
}

int tool_wait(struct tool *t, void (*tick)(void *arg), void *arg, struct buf *out,
	struct buf *said, struct err *e)
{
	cleanup_buf struct buf own = {0};
	int status, rc = 0;

	tool_hold();
	status = wait_for_end(t, tick, arg);
	tool_release();
	if (!said)
		said = &own;
	if (read_all(t->err, said) < 0 || (out && read_all(t->out, out) < 0))
		rc = err_set(e, ERR_SYS, "cannot read what %s printed", t->name);
	/* Some programs give their reasons on standard output. */
	if (status != 0 && !said->len)
		read_all(t->out, said);
	close(t->out);
	close(t->err);
	if (rc < 0)
		return rc;
	return status != 0 || interrupted ? failed(t, status, said, e) : 0;
}

int tool_run(const char *package, const struct tool_args *args, const char *const *env,
	void (*tick)(void *arg), void *arg, struct buf *out, struct err *e)
{
	struct tool t;

	if (tool_start(&t, package, args, env, -1, e) < 0)
		return -1;
	return tool_wait(&t, tick, arg, out, NULL, e);
}
