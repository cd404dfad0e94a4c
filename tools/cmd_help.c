/* SPDX-License-Identifier: MIT */
/* help and completion: both print what the command table says. */
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"

static int run_help(const struct command *self, int argc, char **argv, struct err *e)
{
	const struct command *c;

	(void)self;
	if (argc == 1) {
		c = command_find(argv[0]);
		if (!c)
			return err_set(e, ERR_USAGE, "there is no command '%s'", argv[0]);
		command_help(c);
		return EXIT_FINE;
	}
	printf("Usage: livery COMMAND [OPTION]... [OPERAND]...\n"
	       "Dresses a staging tree in owners, modes, devices and SELinux "
	       "labels.\n\n");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-11s %s\n", commands[i]->name, commands[i]->summary);
	printf("\n'livery COMMAND --help' says more. Exit status: 0 fine, 1 findings, "
	       "2 an error.\n");
	return EXIT_FINE;
}

const struct command cmd_help = {
	.name = "help",
	.synopsis = "[COMMAND]",
	.summary = "List the commands, or explain one",
	.max_args = 1,
	.run = run_help,
};

static void print_options(const struct command *c)
{
	printf("--help");
	for (const struct command_option *o = c->options; o && o->key; o++) {
		if (o->key < 256)
			printf(" -%c", o->key);
		if (o->name)
			printf(" --%s", o->name);
	}
}

static int run_completion(
	const struct command *self, int argc, char **argv, struct err *e)
{
	(void)self;
	(void)argc;
	if (strcmp(argv[0], "bash") != 0)
		return err_set(e, ERR_USAGE, "completion is there for bash, not for '%s'",
			argv[0]);
	printf("# bash completion for livery\n"
	       "_livery()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=\n"
	       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords='--help --version");
	for (size_t i = 0; commands[i]; i++)
		printf(" %s", commands[i]->name);
	printf("'\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\t%s) words='", commands[i]->name);
		print_options(commands[i]);
		printf("' ;;\n");
	}
	printf("\t\tesac\n\t\t[ \"${cur:0:1}\" = - ] || words=\n\tfi\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "\tif [ \"$COMP_CWORD\" -gt 1 ] && [ \"${cur:0:1}\" != - ]; then\n"
	       "\t\tcompopt -o filenames 2>/dev/null\n"
	       "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\tfi\n}\n"
	       "complete -F _livery livery\n");
	return EXIT_FINE;
}

const struct command cmd_completion = {
	.name = "completion",
	.synopsis = "bash",
	.summary = "Print the completion for a shell",
	.min_args = 1,
	.max_args = 1,
	.run = run_completion,
};
