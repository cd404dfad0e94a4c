/* SPDX-License-Identifier: MIT */
#include "run/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run/supervisor.h"

/* True once somebody says that all is over; false when the supervisor is gone. */
static bool dismissed(int alive)
{
	char c;
	ssize_t n;

	do {
		n = read(alive, &c, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

#define ALIVE    3
#define LISTENER 4

/* Of what this process has inherited, only standard error and these two stay open. */
static void keep_two(int alive, int listener)
{
	int null = open("/dev/null", O_RDWR);
	int first = fcntl(alive, F_DUPFD, LISTENER + 1);
	int second = fcntl(listener, F_DUPFD, LISTENER + 1);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (dup2(first, ALIVE) != ALIVE || dup2(second, LISTENER) != LISTENER)
		abort();
	close_range(LISTENER + 1, ~0U, 0);
}

/* What the supervisor has locked is free once it has gone altogether. */
static void wait_gone(pid_t supervisor)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	while (getppid() == supervisor)
		nanosleep(&moment, NULL);
}

__attribute__((noreturn)) static void guard(
	int alive, int listener, pid_t supervisor, const struct run_options *o)
{
	sigset_t none;

	keep_two(alive, listener);
	/* Signals of the terminal are for the program, and an end of the session too. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "livery-guard");
	if (!dismissed(ALIVE)) {
		supervisor_kill_all(LISTENER);
		wait_gone(supervisor);
		if (o->orphaned)
			o->orphaned(o->arg);
	}
	_exit(0);
}

int guard_start(struct guard *g, int listener, const struct run_options *o, struct err *e)
{
	pid_t supervisor = getpid();
	int ends[2];

	*g = (struct guard){.alive = -1};
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, NULL, "cannot make a pipe");
	g->pid = fork();
	if (g->pid < 0) {
		*g = (struct guard){.alive = -1};
		close(ends[0]);
		close(ends[1]);
		return err_sys(e, NULL, "cannot start the guard");
	}
	if (g->pid == 0) {
		close(ends[1]);
		guard(ends[0], listener, supervisor, o);
	}
	close(ends[0]);
	g->alive = ends[1];
	return 0;
}

void guard_lost(struct guard *g)
{
	close(g->alive);
	*g = (struct guard){.alive = -1};
}

void guard_dismiss(struct guard *g)
{
	ssize_t n;

	if (!g->pid)
		return;
	n = write(g->alive, "", 1);
	(void)n;
	waitpid(g->pid, NULL, 0);
	guard_lost(g);
}
