/* SPDX-License-Identifier: MIT */
#include "tools/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 24

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

void command_help(const struct command *c)
{
	printf("Usage: livery %s%s %s\n\n%s.\n", c->name,
		c->options ? " [OPTION]..." : "", c->synopsis, c->summary);
	if (c->details)
		printf("\n%s\n", c->details);
	if (c->options)
		printf("\nOptions:\n");
	for (const struct command_option *o = c->options; o && o->key; o++) {
		char text[80];
		int n = 0;

		if (o->key < 256)
			n += snprintf(
				text, sizeof(text), "-%c%s", o->key, o->name ? ", " : "");
		else
			n += snprintf(text, sizeof(text), "    ");
		if (o->name)
			n += snprintf(
				text + n, sizeof(text) - (size_t)n, "--%s", o->name);
		if (o->arg)
			snprintf(text + n, sizeof(text) - (size_t)n, "%s%s",
				o->name ? "=" : " ", o->arg);
		printf("  %-26s %s\n", text, o->help);
	}
}

/* getopt's own tables from ours; -h and --help are everybody's. */
static void make_tables(const struct command *c, char *letters, struct option *longs)
{
	size_t n = 0;

	strcpy(letters, "+:h");
	longs[n++] = (struct option){"help", no_argument, NULL, 'h'};
	for (const struct command_option *o = c->options; o && o->key; o++) {
		if (o->key < 256) {
			char one[3] = {(char)o->key, o->arg ? ':' : '\0', '\0'};

			strcat(letters, one);
		}
		if (o->name)
			longs[n++] = (struct option){o->name,
				o->arg ? required_argument : no_argument, NULL, o->key};
	}
	longs[n] = (struct option){0};
}

static int usage(const struct command *c, const char *what, const char *which)
{
	fprintf(stderr, "livery %s: %s%s\nTry 'livery %s --help'.\n", c->name, what,
		which, c->name);
	return EXIT_ERROR;
}

static int failed(const struct err *e)
{
	err_print(e);
	return EXIT_ERROR;
}

int command_run(const struct command *c, int argc, char **argv)
{
	char letters[4 + 2 * OPTIONS_MAX];
	struct option longs[2 + OPTIONS_MAX];
	struct err e = {0};
	int key, rc;

	make_tables(c, letters, longs);
	optind = 1;
	while ((key = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (key == 'h') {
			command_help(c);
			return EXIT_FINE;
		}
		if (key == ':')
			return usage(c, "a value is missing behind ", argv[optind - 1]);
		if (key == '?')
			return usage(c, "there is no option ", argv[optind - 1]);
		if (c->option(key, optarg, &e) < 0)
			return failed(&e);
	}
	argc -= optind;
	argv += optind;
	if (argc < c->min_args)
		return usage(c, "an operand is missing: livery ... ", c->synopsis);
	if (c->max_args >= 0 && argc > c->max_args)
		return usage(c, "one operand too many: ", argv[c->max_args]);
	rc = c->run(c, argc, argv, &e);
	if (rc < 0)
		return failed(&e);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		err_sys(&e, NULL, "cannot write to standard output");
		return failed(&e);
	}
	return rc;
}
