/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands.h"

/* A file that is opened later must not be taken for what standard output is. */
static void open_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(EXIT_ERROR);
}

int main(int argc, char **argv)
{
	static char help[] = "help";
	const char *slash = strrchr(argv[0], '/');
	const struct command *c;

	open_standard();
	if (strcmp(slash ? slash + 1 : argv[0], "mount.livery") == 0)
		return mount_helper(argc, argv);
	if (argc < 2) {
		fprintf(stderr,
			"livery: say what to do; 'livery help' lists the commands\n");
		return EXIT_ERROR;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("livery %s\n", LIVERY_VERSION);
		return EXIT_FINE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		argv[1] = help;
	c = command_find(argv[1]);
	if (!c) {
		fprintf(stderr,
			"livery: there is no command '%s'; 'livery help' lists them\n",
			argv[1]);
		return EXIT_ERROR;
	}
	return command_run(c, argc - 1, argv + 1);
}
