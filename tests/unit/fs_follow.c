/* SPDX-License-Identifier: MIT */
/* A thread that follows its caller from processor to processor; real ones. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/follow.h"
#include "tests/unit/tap.h"

/* A process that waits, held on a processor (-1: on none). */
static pid_t caller_on(int processor)
{
	pid_t pid = fork();
	cpu_set_t one;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (processor >= 0) {
		CPU_ZERO(&one);
		CPU_SET(processor, &one);
		sched_setaffinity(pid, sizeof(one), &one);
	}
	return pid;
}

static void end_caller(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool held_on(int processor)
{
	cpu_set_t now;

	sched_getaffinity(0, sizeof(now), &now);
	return CPU_COUNT(&now) == 1 && CPU_ISSET(processor, &now);
}

static bool at_home(const struct follower *f)
{
	cpu_set_t now;

	sched_getaffinity(0, sizeof(now), &now);
	return CPU_EQUAL(&now, &f->home);
}

static void hear(struct follower *f, pid_t caller, int times)
{
	for (int i = 0; i < times; i++)
		follow_caller(f, caller);
}

static void test_follow(int first, int last)
{
	struct follower f;
	pid_t held = caller_on(last), other = caller_on(first), free = caller_on(-1);
	cpu_set_t all;

	follow_begin(&f, NULL);
	ok(!f.settled, "a thread that may run on several processors can follow");
	hear(&f, free, 1000);
	ok(at_home(&f), "a caller that may run anywhere is not followed");
	hear(&f, held, 3);
	ok(at_home(&f), "nor one that has little to say");
	hear(&f, held, 100);
	ok(held_on(last), "a caller that is held on a processor is, there");
	hear(&f, 0, 100);
	ok(held_on(last), "messages from nobody change nothing");
	hear(&f, other, 100);
	ok(held_on(first), "the next one on his");
	hear(&f, free, 1);
	ok(at_home(&f), "home at once when a caller comes that may run anywhere");
	for (int i = 0; i < 200; i++) {
		follow_caller(&f, held);
		follow_caller(&f, other);
	}
	ok(at_home(&f), "two that are held apart take turns: neither is followed");
	hear(&f, held, 100);
	sched_getaffinity(free, sizeof(all), &all);
	sched_setaffinity(held, sizeof(all), &all);
	hear(&f, held, 100);
	ok(at_home(&f), "home when the caller is not held any more");
	end_caller(held);
	hear(&f, held, 1000);
	ok(at_home(&f), "a caller that is gone is nobody");
	end_caller(other);
	end_caller(free);
}

static void test_settled(int processor)
{
	struct follower f;
	pid_t caller = caller_on(processor);
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	sched_setaffinity(0, sizeof(one), &one);
	follow_begin(&f, NULL);
	hear(&f, caller, 100);
	ok(f.settled && held_on(processor), "a thread that is held itself stays");
	end_caller(caller);
}

int main(void)
{
	cpu_set_t all;
	int first = -1, last = -1;

	sched_getaffinity(0, sizeof(all), &all);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all)) {
			first = first < 0 ? i : first;
			last = i;
		}
	if (first != last)
		test_follow(first, last);
	test_settled(first);
	return done_testing();
}
