/* SPDX-License-Identifier: MIT */
/* What is told of another process's descriptors, against how that process opened them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/target.h"
#include "tests/unit/tap.h"

#define IOCTL_ONLY 3 /* of open(2)'s flags: neither reading nor writing */

static const struct {
	int flags, is_path;
	const char *what;
} cases[] = {
	{O_RDONLY, 0, "to read"},
	{O_WRONLY, 0, "to write"},
	{O_RDWR | O_APPEND, 0, "for both"},
	{IOCTL_ONLY, 0, "for ioctl(2) only"},
	{O_PATH, 1, "for its name only"},
	{O_PATH | O_NOFOLLOW, 1, "for its name, not to be followed"},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

int main(void)
{
	char file[] = "/tmp/livery-target.XXXXXX";
	int made = mkstemp(file), proc, fds[CASES];
	struct target t;
	struct stat st;

	if (made < 0 || fstat(made, &st) < 0)
		return 2;
	for (size_t i = 0; i < CASES; i++)
		fds[i] = open(file, cases[i].flags);
	proc = open("/proc/self/status", O_RDONLY);
	t.tid = fork();
	if (t.tid == 0)
		for (;;)
			pause();
	for (size_t i = 0; i < CASES; i++) {
		is_int(target_fd_is_path(&t, fds[i]), cases[i].is_path, "opened %s",
			cases[i].what);
		is_int(target_fd_device(&t, fds[i], st.st_dev), 0, "it is there");
	}
	is_int(target_fd_device(&t, proc, st.st_dev), -EXDEV, "another is elsewhere");
	is_int(target_fd_device(&t, 12345, st.st_dev), -EBADF, "none is open there");
	is_int(target_fd_device(&t, -1, st.st_dev), -EBADF, "nor by a negative number");
	is_int(target_fd_is_path(&t, 12345), -ENOENT, "and none was opened");
	kill(t.tid, SIGKILL);
	waitpid(t.tid, NULL, 0);
	unlink(file);
	return done_testing();
}
