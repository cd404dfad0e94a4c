/* SPDX-License-Identifier: MIT */
/* Who descends from whom; real processes. */
#include "fs/hold_kin.h"

#include <err.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/tap.h"

/* A process with a child; both wait until the first is killed. */
struct pair {
	pid_t parent, child;
};

static struct pair start(void)
{
	struct pair p;
	int ends[2];

	if (pipe(ends) < 0)
		err(1, "pipe");
	p.parent = fork();
	if (p.parent == 0) {
		p.child = fork();
		if (p.child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			p.child = getpid();
			if (write(ends[1], &p.child, sizeof(p.child)) < 0)
				_exit(1);
		}
		for (;;)
			pause();
	}
	if (read(ends[0], &p.child, sizeof(p.child)) != sizeof(p.child))
		errx(1, "no child");
	close(ends[0]);
	close(ends[1]);
	return p;
}

static pid_t met[16];
static unsigned met_count;

static void meet(void *arg, pid_t thread)
{
	(void)arg;
	if (met_count < 16)
		met[met_count++] = thread;
}

static bool is_met(pid_t thread)
{
	for (unsigned i = 0; i < met_count; i++)
		if (met[i] == thread)
			return true;
	return false;
}

static void meet_all(pid_t root, pid_t except)
{
	met_count = 0;
	kin_each(root, except, meet, NULL);
}

int main(void)
{
	struct pair a, b;

	ok(kin_known(), "the kernel tells");
	a = start();
	b = start();
	ok(kin_below(getpid(), a.parent) && kin_below(getpid(), a.child),
		"below this one");
	ok(kin_below(a.parent, a.child), "a child");
	ok(!kin_below(a.parent, a.parent), "not oneself");
	ok(!kin_below(a.parent, b.child) && !kin_below(a.child, a.parent), "nor others");
	meet_all(getpid(), 0);
	ok(is_met(a.parent) && is_met(a.child) && is_met(b.parent) && is_met(b.child),
		"all are met");
	ok(!is_met(getpid()), "but the root");
	meet_all(getpid(), a.parent);
	ok(!is_met(a.parent) && !is_met(a.child), "without one and what is below it");
	ok(is_met(b.parent) && is_met(b.child), "the others are met");
	meet_all(a.parent, 0);
	ok(is_met(a.child) && !is_met(a.parent) && !is_met(b.child),
		"those below another root");
	ok(kin_runs(getpid()), "this one runs");
	/* It may be on its way yet. */
	for (int i = 0; i < 5000 && kin_runs(a.child); i++)
		usleep(1000);
	ok(!kin_runs(a.child), "one that waits does not");
	kill(a.parent, SIGKILL);
	kill(b.parent, SIGKILL);
	waitpid(a.parent, NULL, 0);
	waitpid(b.parent, NULL, 0);
	ok(!kin_runs(a.parent) && !kin_below(getpid(), a.parent), "nor one that is gone");
	return done_testing();
}
