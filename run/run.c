/* SPDX-License-Identifier: MIT */
#include "run/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/descriptor.h"
#include "run/child.h"
#include "run/guard.h"
#include "run/left.h"
#include "run/supervisor.h"

/* Milliseconds after which it is said what is waited for. */
#define SAY_AFTER 2000
/* Milliseconds between two guards. */
#define GUARD_PAUSE 1000

struct run {
	const struct run_options *o;
	struct run_view view;
	struct child child;
	struct guard guard;
	struct child_signals before; /* as this process was called */
	int signals;                 /* signalfd */
	int64_t guarded;             /* when the last guard began, milliseconds */
	bool started;                /* the program: it hears the terminal itself, */
	bool ended;                  /* and has ended */
	int status;
};

/* Those that others send to this process are meant for the program. */
static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

static sigset_t before; /* of the caller */

static void ours(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTSTP);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(set, passed_on[i]);
}

void run_hold_signals(void)
{
	sigset_t set;

	ours(&set);
	sigprocmask(SIG_BLOCK, &set, &before);
}

static int listen_to_signals(struct run *r, struct err *e)
{
	sigset_t set;

	ours(&set);
	r->before.on_pipe = signal(SIGPIPE, SIG_IGN);
	r->before.on_child = signal(SIGCHLD, SIG_DFL);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals < 0 ? err_sys(e, NULL, "cannot listen to signals") : 0;
}

/* All that is known of the program's processes is asked there, by their numbers here. */
static int check_proc(struct err *e)
{
	char self[16] = "";

	if (readlink("/proc/self", self, sizeof(self) - 1) > 0 && atol(self) == getpid())
		return 0;
	return err_set(e, ERR_REFUSED,
		"/proc: not mounted, or that of another pid namespace, so that it tells "
		"of other processes than the program's (unshare(1) has --mount-proc)");
}

static int look_at_view(struct run *r, struct err *e)
{
	struct stat st;
	int rc;

	r->view.path = r->o->mountpoint;
	if (stat(r->o->mountpoint, &st) < 0)
		return err_sys(e, r->o->mountpoint, "cannot use the view");
	rc = view_know_root(&r->view);
	if (rc < 0) {
		errno = -rc;
		return err_sys(e, "/", "cannot be examined");
	}
	r->view.hold = r->o->hold;
	r->view.dev = st.st_dev;
	r->view.in_namespace = r->o->world != RUN_HERE;
	return 0;
}

static void reap(struct run *r)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->child.pid) {
			r->ended = true;
			r->status = status;
		} else if (pid == r->guard.pid) {
			guard_lost(&r->guard);
		}
	}
}

/* At once; but one that does not stay is tried again at leisure. */
static void guard_again(struct run *r)
{
	struct err e;

	if (r->guard.pid || clock_ms() - r->guarded < GUARD_PAUSE)
		return;
	r->guarded = clock_ms();
	fprintf(stderr, "livery: run: the guard process was ended; another one begins\n");
	if (guard_start(&r->guard, r->child.listener, r->o, &e) < 0)
		err_print(&e);
}

/* As if nobody listened to it: the kernel stops this process, or knows why not. */
static void stop(void)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
}

/* What the terminal sends, it sends to the program too. */
static bool only_here(const struct run *r, const struct signalfd_siginfo *s)
{
	return s->ssi_code <= 0 && (pid_t)s->ssi_pid != r->child.pid;
}

/* The program with this process; and when this one goes on, both do. */
static void stop_both(const struct run *r, const struct signalfd_siginfo *s)
{
	if (!r->ended && r->started && only_here(r, s))
		kill(r->child.pid, SIGTSTP);
	stop();
	if (!r->ended)
		kill(r->child.pid, SIGCONT);
}

static int on_signal(struct run *r, const struct signalfd_siginfo *s, struct err *e)
{
	if (s->ssi_signo == SIGCHLD)
		reap(r);
	else if (s->ssi_signo == SIGTSTP)
		stop_both(r, s);
	else if (r->ended)
		return err_set(e, ERR_SYS,
			"ended by a signal, while processes that the program had left "
			"behind still used the view; they are killed");
	else if (!r->started || only_here(r, s))
		kill(r->child.pid, (int)s->ssi_signo);
	return 0;
}

static int hear_signals(struct run *r, struct err *e)
{
	struct signalfd_siginfo s;
	int rc = 0;

	while (rc == 0 && read(r->signals, &s, sizeof(s)) == sizeof(s))
		rc = on_signal(r, &s, e);
	return rc;
}

/* Until nobody is left whose calls are held back. */
static int wait_for_all(struct run *r, struct err *e)
{
	struct pollfd p[] = {
		{.fd = r->signals, .events = POLLIN},
		{.fd = r->child.listener},
	};
	bool said = false;

	while (!r->ended || !(p[1].revents & POLLHUP)) {
		int wait = r->ended && !said ? SAY_AFTER
			   : r->guard.pid    ? -1
					     : GUARD_PAUSE;
		int n = poll(p, 2, wait);

		if (n < 0 && errno != EINTR)
			return err_sys(e, NULL, "cannot wait for the program");
		if (n == 0 && wait == SAY_AFTER) {
			said = true;
			fprintf(stderr, "livery: run: the program has ended; waiting for "
					"processes that it left behind\n");
		}
		/* That nobody is left says so again and again, until it is reaped. */
		if (p[1].revents & POLLHUP && !r->ended)
			poll(p, 1, wait);
		if (hear_signals(r, e) < 0) {
			if (left_kill(r->child.listener))
				guard_dismiss(&r->guard);
			return -1;
		}
		guard_again(r);
	}
	return 0;
}

/* Where the program has run, only the end of all makes the guard needless. */
static int supervise(struct run *r, struct err *e)
{
	int rc = supervisor_prepare(e);

	/* Each of the program's calls takes some for a moment. */
	descriptor_raise_limit();
	if (rc == 0)
		rc = guard_start(&r->guard, r->child.listener, r->o, e);
	if (rc == 0)
		rc = supervisor_start(r->child.listener, &r->view, e);
	/* What came before it was forked. It has them blocked, and none comes twice. */
	if (rc == 0)
		rc = hear_signals(r, e);
	r->started = true;
	if (rc < 0)
		kill(r->child.pid, SIGKILL);
	else
		rc = child_go(&r->child, e);
	if (rc < 0) {
		guard_dismiss(&r->guard);
		return -1;
	}
	/* The first one that goes is replaced at once. */
	r->guarded = clock_ms() - GUARD_PAUSE;
	rc = wait_for_all(r, e);
	if (rc == 0)
		guard_dismiss(&r->guard);
	return rc;
}

int run_program(const struct run_options *o, int *status, struct err *e)
{
	static struct run r; /* its threads use it until the process ends */
	int rc;

	r.o = o;
	r.before.mask = before;
	/* Who is left behind stays a descendant, whose memory may be read. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(e, NULL, "cannot become a reaper of processes");
	if (check_proc(e) < 0 || look_at_view(&r, e) < 0 || listen_to_signals(&r, e) < 0)
		return -1;
	rc = child_start(&r.child, o, &r.before, e);
	if (rc == 0)
		rc = supervise(&r, e);
	close(r.signals);
	*status = r.status;
	return rc;
}
