/* SPDX-License-Identifier: MIT */
/* Programs of a session that are held on one processor while they are busy; real ones. */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/follow.h"
#include "fs/hold.h"
#include "tests/unit/tap.h"

static cpu_set_t all;

/* Where a thread may run: how many processors, 0 where it is gone. */
static int places(pid_t thread)
{
	cpu_set_t now;

	return sched_getaffinity(thread, sizeof(now), &now) < 0 ? 0 : CPU_COUNT(&now);
}

static int everywhere(void)
{
	return CPU_COUNT(&all);
}

static void wait_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* It is looked at every 20 milliseconds, by a thread that may have to wait. */
static bool soon(pid_t thread, int count)
{
	for (int i = 0; i < 500; i++) {
		if (places(thread) == count)
			return true;
		wait_ms(10);
	}
	return false;
}

/* As if it asked a lot. Where it is held then; -1: it may run on several processors. */
static int ask_a_lot(struct hold *h, pid_t thread)
{
	cpu_set_t now;

	for (int i = 0; i < 200; i++)
		hold_heard(h, thread);
	if (sched_getaffinity(thread, sizeof(now), &now) < 0 || CPU_COUNT(&now) != 1)
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &now))
			return i;
	return -1;
}

/* Waits; and starts another for each byte it is sent, which tells its number. */
struct program {
	pid_t pid;
	int to, from;
};

static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

#define SPINS 'r'

static void live(int in, int out, pid_t parent)
{
	pid_t self = getpid();
	char byte;

	die_with(parent);
	signal(SIGCHLD, SIG_IGN);
	while (read(in, &byte, 1) == 1) {
		pid_t child = fork();

		if (child != 0)
			continue;
		die_with(self);
		child = getpid();
		if (write(out, &child, sizeof(child)) != sizeof(child))
			_exit(1);
		while (byte == SPINS)
			;
		pause();
	}
	_exit(0);
}

static struct program start(void)
{
	struct program p;
	pid_t parent = getpid();
	int to[2], from[2];

	if (pipe(to) < 0 || pipe(from) < 0)
		_exit(1);
	p.pid = fork();
	if (p.pid == 0)
		live(to[0], from[1], parent);
	close(to[0]);
	close(from[1]);
	p.to = to[1];
	p.from = from[0];
	return p;
}

static pid_t let_fork_one(const struct program *p, char what)
{
	pid_t child = 0;

	if (write(p->to, &what, 1) != 1 || read(p->from, &child, sizeof(child)) < 0)
		return 0;
	return child;
}

static pid_t let_fork(const struct program *p)
{
	return let_fork_one(p, 'w');
}

static void end(const struct program *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->to);
	close(p->from);
}

/* This test itself may have to wait for a processor: then what it asks is not a lot. */
static int ask_until_held(struct hold *h, pid_t thread)
{
	int where = -1;

	for (int i = 0; i < 100 && where < 0; i++)
		where = ask_a_lot(h, thread);
	return where;
}

/*
 * As if it had asked on and on for a second, faster where it is held, or where it is not.
 * Of a hundred times that it is looked at, how often is it held?
 */
static int stay_busy(struct hold *h, pid_t thread, bool faster_held)
{
	int held = 0;

	for (int i = 0; i < 200; i++) {
		bool is_held = places(thread) == 1;

		for (int n = is_held == faster_held ? 400 : 100; n; n--)
			hold_heard(h, thread);
		held += is_held;
		wait_ms(5);
	}
	return held / 2;
}

/* Most of the time, in one of a few seconds: on a busy machine any one may be lost. */
static bool mostly(struct hold *h, pid_t thread, bool held)
{
	for (int i = 0; i < 8; i++) {
		int percent = stay_busy(h, thread, held);

		if (held ? percent > 60 : percent < 40)
			return true;
	}
	return false;
}

static void test_hold(struct hold *h)
{
	struct program p = start();
	pid_t child;
	int where = ask_until_held(h, p.pid);

	ok(where >= 0, "a busy program is held on one processor");
	is_int(ask_until_held(h, p.pid), where, "and stays there");
	child = let_fork(&p);
	ok(mostly(h, p.pid, true), "for as long as it is busy");
	is_int(places(child), everywhere(), "whom it starts is not held");
	ok(soon(p.pid, everywhere()), "it is let go when it is silent");
	end(&p);
}

static void test_slower(struct hold *h)
{
	struct program p = start();

	ok(mostly(h, p.pid, false), "one that is slower where it is held is not");
	end(&p);
}

static void test_two(struct hold *h)
{
	struct program a = start(), b = start();
	int first, second;
	bool apart = false;

	/* One of them may be let go before the other is held. */
	for (int i = 0; i < 100 && !apart; i++) {
		hold_release(h);
		first = ask_until_held(h, a.pid);
		second = ask_until_held(h, b.pid);
		apart = first >= 0 && second >= 0 && first != second;
	}
	ok(apart, "two are held apart");
	hold_release(h);
	ok(places(a.pid) == everywhere() && places(b.pid) == everywhere(),
		"both are let go at once when it is asked for");
	end(&a);
	end(&b);
}

static void test_left_behind(struct hold *h)
{
	struct program p = start();
	pid_t child;

	ask_until_held(h, p.pid);
	child = let_fork(&p);
	hold_release(h);
	is_int(places(child), everywhere(), "with those that they started");
	end(&p);
}

static void test_others(struct hold *h)
{
	struct program p = start();
	cpu_set_t one;
	int first = 0;

	wait_ms(600); /* who came and went is forgotten */
	is_int(ask_a_lot(h, getpid()), -1,
		"the session's own process is nobody's program");
	is_int(ask_a_lot(h, getppid()), -1, "nor is one that it does not descend from");
	ok(places(getpid()) == everywhere() && places(getppid()) != 1, "neither is held");
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	sched_setaffinity(p.pid, sizeof(one), &one);
	is_int(ask_a_lot(h, p.pid), first, "one that is held on a processor is, there");
	hold_release(NULL);
	is_int(ask_a_lot(NULL, p.pid), first, "also where nobody is ever held");
	end(&p);
}

static void hear(struct follower *f, pid_t caller, int times)
{
	for (int i = 0; i < times; i++)
		follow_caller(f, caller);
}

static void test_follower(struct hold *h)
{
	struct program p = start();
	struct follower f;
	cpu_set_t now;

	follow_begin(&f, h);
	hear(&f, p.pid, 20);
	is_int(places(p.pid), everywhere(), "few messages hold nobody");
	wait_ms(30);
	hear(&f, p.pid, 60);
	is_int(places(p.pid), everywhere(), "nor do slow ones");
	for (int i = 0; i < 4000 && places(p.pid) != 1; i++) {
		hear(&f, p.pid, 3);
		hear(&f, getppid(), 1);
	}
	is_int(places(p.pid), 1, "many do, though others ask in between");
	hold_release(h);
	for (int i = 0; i < 100 && places(p.pid) != 1; i++)
		hear(&f, p.pid, 200);
	is_int(places(p.pid), 1, "many at once do, again");
	sched_getaffinity(0, sizeof(now), &now);
	ok(CPU_COUNT(&now) == 1, "and who answers follows");
	end(&p);
	hear(&f, getppid(), 1);
	is_int(places(getpid()), everywhere(), "until somebody else asks");
}

/*
 * One starts others, which ask something and end, one after the other. Faster where all
 * are held, or where they are not. Of a hundred, how many saw their parent held?
 */
static int come_and_go(struct hold *h, const struct program *p, bool faster_held)
{
	int held = 0;

	for (int i = 0; i < 200; i++) {
		bool is_held = places(p->pid) == 1;
		pid_t child = let_fork(p);

		for (int n = 200; n; n--)
			hold_heard(h, child);
		wait_ms(is_held == faster_held ? 2 : 8);
		held += is_held;
		kill(child, SIGKILL);
		while (places(child)) /* one after the other */
			wait_ms(1);
	}
	return held / 2;
}

static bool come_and_go_mostly(struct hold *h, const struct program *p, bool held)
{
	for (int i = 0; i < 40; i++) {
		int percent = come_and_go(h, p, held);

		if (held ? percent > 60 : percent < 40)
			return true;
	}
	return false;
}

static void test_whole(struct hold *h)
{
	struct program p = start();
	pid_t child, spinning[2];

	ok(come_and_go_mostly(h, &p, true),
		"who starts one program after the other is held");
	/* But for a trial now and then. */
	child = let_fork(&p);
	for (int i = 0; i < 10 && places(child) != 1; i++) {
		come_and_go_mostly(h, &p, true);
		child = let_fork(&p);
	}
	is_int(places(child), 1, "with those that it starts");
	ok(soon(child, everywhere()) && soon(p.pid, everywhere()),
		"all are let go when they are silent");
	ok(come_and_go_mostly(h, &p, false), "they are not where that is slower");
	ok(soon(p.pid, everywhere()), "nor afterwards");
	wait_ms(600); /* it is forgotten */
	ok(come_and_go_mostly(h, &p, true), "again, when it is faster");
	hold_release(h);
	is_int(places(p.pid), everywhere(), "they are let go when it is asked for");
	wait_ms(100);
	is_int(places(p.pid), everywhere(), "and stay so while they are silent");
	ok(come_and_go_mostly(h, &p, true), "and held again");
	spinning[0] = let_fork_one(&p, SPINS);
	spinning[1] = let_fork_one(&p, SPINS);
	come_and_go(h, &p, true);
	ok(come_and_go(h, &p, true) < 50, "two that run at once are not");
	ok(places(spinning[0]) == everywhere() && places(spinning[1]) == everywhere(),
		"and may run where they like");
	end(&p);
}

static void test_never(struct hold *h)
{
	struct program p = start();

	ask_until_held(h, p.pid);
	hold_never(h);
	is_int(places(p.pid), everywhere(), "who chooses processors is let go");
	is_int(ask_a_lot(h, p.pid), -1, "and nobody is held any more");
	is_int(places(p.pid), everywhere(), "for good");
	end(&p);
}

int main(void)
{
	struct hold *h = hold_new(getpid());

	sched_getaffinity(0, sizeof(all), &all);
	if (!h) {
		is_int(everywhere(), 1, "with one processor nobody needs to be held");
		return done_testing();
	}
	is_int(hold_begin(h), 0, "it begins");
	test_hold(h);
	test_slower(h);
	test_two(h);
	test_left_behind(h);
	test_others(h);
	test_follower(h);
	test_whole(h);
	test_never(h);
	hold_end(h);
	return done_testing();
}
