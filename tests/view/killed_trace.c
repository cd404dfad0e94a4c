/* SPDX-License-Identifier: MIT */
/*
 * SIGKILL at a system call: most of a daemon's time passes between its calls, but what a
 * kill can leave behind is made by them. So moments are counted in calls, each of which
 * has two: before it, and after it.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "tests/view/killed.h"

#define SYSCALL_STOP (SIGTRAP | 0x80)

static void seize_threads(pid_t pid)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
	const struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (!d)
		die("%s: %s", path, strerror(errno));
	while ((e = readdir(d))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		if ((ptrace(PTRACE_SEIZE, tid, NULL, options) < 0 ||
			    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0) &&
			errno != ESRCH)
			die("thread %d cannot be traced: %s", (int)tid, strerror(errno));
	}
	closedir(d);
}

void kill_at_call(pid_t pid, unsigned long moments)
{
	int status;
	pid_t tid;

	seize_threads(pid);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		int sig = 0;

		if (!WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) == SYSCALL_STOP) {
			if (moments-- == 0)
				break;
		} else if (status >> 16 == 0) {
			sig = WSTOPSIG(status);
		}
		ptrace(PTRACE_SYSCALL, tid, NULL, (long)sig);
	}
	if (kill(pid, SIGKILL) < 0)
		die("process %d ended by itself", (int)pid);
	while (waitpid(-1, &status, __WALL) > 0)
		;
}
