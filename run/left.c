/* SPDX-License-Identifier: MIT */
#include "run/left.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/hold_kin.h"
#include "run/target.h"

#define ROUNDS 40 /* some may start others meanwhile */
#define PAUSE  50 /* milliseconds */

static void kill_one(void *arg, pid_t thread)
{
	const struct target t = {.tid = thread};
	const long *ours = arg;
	long filters;

	if (target_filters(&t, &filters) == 0 && filters > *ours)
		kill(thread, SIGKILL);
}

bool left_kill(int listener)
{
	const struct target self = {.tid = getpid()};
	struct pollfd p = {.fd = listener};
	long ours;

	if (target_filters(&self, &ours) < 0)
		return false;
	for (int i = 0; i < ROUNDS && !(p.revents & POLLHUP); i++) {
		kin_each(self.tid, 0, kill_one, &ours);
		poll(&p, 1, PAUSE);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return p.revents & POLLHUP;
}
