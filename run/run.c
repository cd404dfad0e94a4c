/* SPDX-License-Identifier: MIT */
#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "run/child.h"
#include "run/guard.h"
#include "run/supervisor.h"

/* Milliseconds after which it is said what is waited for. */
#define SAY_AFTER 2000

struct run {
	const struct run_options *o;
	struct run_view view;
	struct child child;
	struct guard guard;
	struct child_signals before; /* as this process was called */
	int signals;                 /* signalfd */
	bool ended;                  /* the program itself */
	int status;
};

/* Those that others send to this process are meant for the program. */
static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

static int listen_to_signals(struct run *r, struct err *e)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGCHLD);
	sigaddset(&ours, SIGTSTP);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&ours, passed_on[i]);
	sigprocmask(SIG_BLOCK, &ours, &r->before.mask);
	r->before.on_pipe = signal(SIGPIPE, SIG_IGN);
	r->before.on_child = signal(SIGCHLD, SIG_DFL);
	r->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals < 0 ? err_sys(e, NULL, "cannot listen to signals") : 0;
}

static int look_at_view(struct run *r, struct err *e)
{
	struct stat st, root;

	r->view.path = r->o->mountpoint;
	r->view.root = open(r->o->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->view.root < 0 || fstat(r->view.root, &st) < 0 || stat("/", &root) < 0)
		return err_sys(e, r->o->mountpoint, "cannot use the view");
	r->view.dev = st.st_dev;
	r->view.root_dev = root.st_dev;
	r->view.root_ino = root.st_ino;
	return 0;
}

/* False: there is no guard any more. */
static bool reap(struct run *r)
{
	bool guarded = true;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->child.pid) {
			r->ended = true;
			r->status = status;
		} else if (pid == r->guard.pid) {
			guarded = false;
		}
	}
	return guarded;
}

static int guard_again(struct run *r, struct err *e)
{
	fprintf(stderr, "livery: run: the guard process was ended; another one begins\n");
	close(r->guard.alive);
	return guard_start(&r->guard, r->child.listener, r->o, e);
}

/* What the terminal sends, it sends to the program too. */
static int on_signal(struct run *r, const struct signalfd_siginfo *s, struct err *e)
{
	if (s->ssi_signo == SIGCHLD)
		return reap(r) ? 0 : guard_again(r, e);
	if (s->ssi_signo == SIGTSTP)
		return raise(SIGSTOP);
	if (r->ended)
		return err_set(e, ERR_SYS,
			"ended by a signal, while processes that the program had left "
			"behind still used the view; they are killed");
	if (s->ssi_code <= 0 && (pid_t)s->ssi_pid != r->child.pid)
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
		int n = poll(p, 2, r->ended && !said ? SAY_AFTER : -1);

		if (n < 0 && errno != EINTR)
			return err_sys(e, NULL, "cannot wait for the program");
		if (n == 0) {
			said = true;
			fprintf(stderr, "livery: run: the program has ended; waiting for "
					"processes that it left behind\n");
		}
		/* That nobody is left says so again and again, until it is reaped. */
		if (p[1].revents & POLLHUP && !r->ended)
			poll(p, 1, -1);
		if (hear_signals(r, e) < 0)
			return -1;
	}
	return 0;
}

static int supervise(struct run *r, struct err *e)
{
	int rc;

	if (supervisor_prepare(e) < 0 ||
		guard_start(&r->guard, r->child.listener, r->o, e) < 0) {
		kill(r->child.pid, SIGKILL);
		return -1;
	}
	rc = supervisor_start(r->child.listener, &r->view, e);
	if (rc == 0)
		rc = child_go(&r->child, e);
	else
		kill(r->child.pid, SIGKILL);
	if (rc == 0)
		rc = wait_for_all(r, e);
	if (rc == 0 || !r->ended)
		guard_dismiss(&r->guard);
	return rc;
}

int run_program(const struct run_options *o, int *status, struct err *e)
{
	struct run r = {.o = o};
	int rc;

	/* Who is left behind stays a descendant, whose memory may be read. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(e, NULL, "cannot become a reaper of processes");
	if (look_at_view(&r, e) < 0 || listen_to_signals(&r, e) < 0)
		return -1;
	rc = child_start(&r.child, o, &r.before, e);
	if (rc == 0)
		rc = supervise(&r, e);
	close(r.signals);
	close(r.view.root);
	*status = r.status;
	return rc;
}
