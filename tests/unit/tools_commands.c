/* SPDX-License-Identifier: MIT */
/* The command table, which dispatch, help, completion and the manual read. */
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/tap.h"
#include "tools/commands.h"

#define OPTIONS_MAX 24 /* of command.c */

static bool word(const char *s)
{
	if (!s || !islower((unsigned char)*s))
		return false;
	while (islower((unsigned char)*s) || isdigit((unsigned char)*s) || *s == '-')
		s++;
	return !*s;
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static void test_options(const struct command *c)
{
	int count = 0, bad = 0, twice = 0;

	for (const struct command_option *o = c->options; o && o->key; o++) {
		count++;
		bad += !o->help || !*o->help || o->help[strlen(o->help) - 1] == '.';
		bad += o->name ? !word(o->name) : o->key >= 256;
		bad += o->key < 256 && !isalpha(o->key);
		twice += o->key == 'h' || same(o->name, "help");
		for (const struct command_option *p = c->options; p < o; p++)
			twice += p->key == o->key || same(p->name, o->name);
	}
	is_int(bad, 0, "%s: each option has a name and a help text", c->name);
	is_int(twice, 0, "%s: no option twice", c->name);
	ok(count <= OPTIONS_MAX, "%s: no more than there is room for", c->name);
	ok(!count || c->option, "%s: somebody takes them", c->name);
}

static void test_table(void)
{
	int count = 0;

	for (const struct command *const *p = commands; *p; p++, count++) {
		const struct command *c = *p;
		size_t len = c->summary ? strlen(c->summary) : 0;

		ok(word(c->name), "%s: a name", c->name);
		ok(len > 10 && len < 72 && c->summary[len - 1] != '.' &&
				isupper((unsigned char)c->summary[0]) &&
				!strchr(c->summary, '\n'),
			"%s: a summary of one line", c->name);
		ok(c->synopsis && c->run, "%s: a synopsis, and something to run",
			c->name);
		ok(c->min_args >= 0 && (c->max_args < 0 || c->max_args >= c->min_args),
			"%s: numbers of operands", c->name);
		ok(command_find(c->name) == c, "%s: found, so no name twice", c->name);
		test_options(c);
	}
	ok(count >= 12, "%d commands", count);
	ok(!command_find("") && !command_find("unpac") && !command_find("unpackk"),
		"names are found whole");
}

static struct {
	int runs, keys[8], key_count, argc;
	char values[64], operand[64];
} got;

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	got.runs++;
	got.argc = argc;
	snprintf(got.operand, sizeof(got.operand), "%s", argc ? argv[0] : "");
	return argc && strcmp(argv[0], "fail") == 0
		       ? err_set(e, ERR_INPUT, "%s: failed", c->name)
		       : EXIT_FINDINGS;
}

static int option(int key, const char *value, struct err *e)
{
	size_t used = strlen(got.values);

	got.keys[got.key_count++ % 8] = key;
	snprintf(got.values + used, sizeof(got.values) - used, "%s;", value ? value : "");
	return value && strcmp(value, "bad") == 0 ? err_set(e, ERR_USAGE, "bad") : 0;
}

static const struct command_option options[] = {
	{'R', "recursive", NULL, "go down"}, OPTION_DB, {'v', NULL, "N", "a value"}, {0}};
static const struct command test_command = {.name = "test",
	.synopsis = "FILE...",
	.summary = "A command to test with",
	.options = options,
	.min_args = 1,
	.max_args = 2,
	.run = run,
	.option = option};

/* Runs with up to six words; what it prints goes nowhere. */
static int command(const char *a, const char *b, const char *c, const char *d)
{
	char words[5][32] = {"test"};
	const char *given[] = {a, b, c, d};
	char *argv[6] = {words[0]};
	int argc = 1, rc;
	int saved[2] = {dup(1), dup(2)};
	FILE *nowhere;

	memset(&got, 0, sizeof(got));
	for (int i = 0; i < 4 && given[i]; i++) {
		snprintf(words[argc], sizeof(words[0]), "%s", given[i]);
		argv[argc] = words[argc];
		argc++;
	}
	fflush(NULL);
	nowhere = fopen("/dev/null", "w");
	dup2(fileno(nowhere), 1);
	dup2(fileno(nowhere), 2);
	rc = command_run(&test_command, argc, argv);
	fflush(NULL);
	dup2(saved[0], 1);
	dup2(saved[1], 2);
	close(saved[0]);
	close(saved[1]);
	fclose(nowhere);
	return rc;
}

static void test_run(void)
{
	is_int(command("x", NULL, NULL, NULL), EXIT_FINDINGS, "run: its exit code");
	ok(got.runs == 1 && got.argc == 1 && same(got.operand, "x"), "with its operand");
	is_int(command("-R", "--db=f", "-v7", "x"), EXIT_FINDINGS, "options");
	ok(got.keys[0] == 'R' && got.keys[1] == OPT_DB && got.keys[2] == 'v' &&
			same(got.values, ";f;7;") && same(got.operand, "x"),
		"each with its value");
	is_int(command("--recursive", "--db", "f", "x"), EXIT_FINDINGS, "long options");
	ok(got.keys[0] == 'R' && same(got.values, ";f;"), "with a value behind them");
	is_int(command("--", "-R", NULL, NULL), EXIT_FINDINGS, "behind '--'");
	ok(got.key_count == 0 && same(got.operand, "-R"), "there are operands");
	is_int(command("fail", NULL, NULL, NULL), EXIT_ERROR, "a command that fails");
	is_int(command(NULL, NULL, NULL, NULL), EXIT_ERROR, "no operand");
	is_int(got.runs, 0, "is not run");
	is_int(command("a", "b", "c", NULL), EXIT_ERROR, "one operand too many");
	is_int(command("--none", "x", NULL, NULL), EXIT_ERROR, "no such option");
	is_int(command("-z", "x", NULL, NULL), EXIT_ERROR, "no such letter");
	is_int(command("-v", NULL, NULL, NULL), EXIT_ERROR, "a value is missing");
	is_int(command("-v", "bad", "x", NULL), EXIT_ERROR, "a bad value");
	is_int(got.runs, 0, "is not run either");
	is_int(command("--help", NULL, NULL, NULL), EXIT_FINE, "--help");
	is_int(command("-h", "x", NULL, NULL), EXIT_FINE, "-h");
	is_int(got.runs, 0, "runs nothing");
}

int main(void)
{
	test_table();
	test_run();
	return done_testing();
}
