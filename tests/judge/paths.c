/* SPDX-License-Identifier: MIT */
/*
 * paths SEED COUNT FILE_CONTEXTS >queries
 *
 * Queries for judge, made from the rules of a policy: each rule in turn gives a path that
 * it matches, which half of the time is then changed a little, and a file type.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/judge/expand.h"

#define RULES_MAX 65536
#define WORDS_MAX 65536
#define SUBS_MAX  256

struct rule {
	char *regex;
	mode_t type;
};

static struct rule rules[RULES_MAX];
static size_t rule_count;
static char *word_list[WORDS_MAX];
static struct words words = {.at = word_list};
static struct {
	char *from;
	char *to;
} subs[SUBS_MAX];
static size_t sub_count;

static const mode_t types[] = {
	0, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK};
static const mode_t unknown_types[] = {0170000, 0030000, 0150000, 0070000};

static mode_t type_of(const char *text)
{
	static const char letters[] = "?-dlcbps";
	const char *at = text[0] == '-' && text[1] ? strchr(letters, text[1]) : NULL;

	return at ? types[at - letters] : 0;
}

/* The names in an expression, as far as they are plain. */
static void keep_words(const char *regex)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_";

	for (const char *s = regex; *s; s++) {
		size_t n = strspn(s, plain);

		if (n > 0 && words.count < WORDS_MAX)
			words.at[words.count++] = strndup(s, n);
		s += n;
		if (!*s)
			break;
	}
}

#define BLANKS " \t\n\v\f\r"

static void read_rules(const char *base, const char *suffix)
{
	char *line = NULL;
	size_t size = 0;
	char name[4096];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", base, suffix);
	f = fopen(name, "re");
	if (!f && !*suffix)
		err(2, "%s", name);
	while (f && getline(&line, &size, f) > 0 && rule_count < RULES_MAX) {
		char *regex = strtok(line, BLANKS);
		char *second = strtok(NULL, BLANKS);
		bool typed = strtok(NULL, BLANKS);

		if (!regex || *regex == '#' || !second)
			continue;
		rules[rule_count++] =
			(struct rule){strdup(regex), typed ? type_of(second) : 0};
		keep_words(regex);
	}
	if (f)
		fclose(f);
	free(line);
}

static void read_subs(const char *base, const char *suffix)
{
	char line[4096];
	FILE *f;

	snprintf(line, sizeof(line), "%s%s", base, suffix);
	f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f) && sub_count < SUBS_MAX) {
		char *from = strtok(line, BLANKS);
		char *to = strtok(NULL, BLANKS);

		if (!from || *from == '#' || !to)
			continue;
		subs[sub_count].from = strdup(from);
		subs[sub_count++].to = strdup(to);
	}
	if (f)
		fclose(f);
}

static void put_in(struct text *t, size_t at, const char *s)
{
	struct text rest;

	memcpy(rest.at, t->at + at, t->len - at + 1);
	t->len = at;
	text_adds(t, s);
	text_adds(t, rest.at);
}

static void take_out(struct text *t, size_t at)
{
	memmove(t->at + at, t->at + at + 1, t->len - at);
	t->len--;
}

/* Where a component ends: the place of a '/', or the end. */
static size_t some_slash(const struct text *t)
{
	size_t at = chance((unsigned)t->len + 1);

	while (at < t->len && t->at[at] != '/')
		at++;
	return at;
}

/* The path by which a substitution would lead here. */
static void unsubstitute(struct text *t)
{
	size_t which = chance((unsigned)sub_count + 1);
	struct text path = {.len = 0};
	const char *rest = t->at;

	if (which == sub_count)
		return;
	if (strncmp(t->at, subs[which].to, strlen(subs[which].to)) == 0)
		rest += strlen(subs[which].to);
	text_adds(&path, subs[which].from);
	if (*rest != '/' && chance(4))
		text_add(&path, '/');
	text_adds(&path, rest);
	*t = path;
}

static void change(struct text *t)
{
	static const char *const odd[] = {
		"/", "//", "/.", "/..", "/./", "\n", "/ ", "\\"};
	char byte[2] = {(char)(1 + chance(255)), '\0'};
	size_t at = chance((unsigned)t->len + 1);

	switch (chance(12)) {
	case 0:
		if (at < t->len)
			take_out(t, at);
		break;
	case 1:
		put_in(t, at, byte);
		break;
	case 2:
		if (at < t->len)
			t->at[at] = byte[0];
		break;
	case 3:
		t->len = some_slash(t);
		t->at[t->len] = '\0';
		break;
	case 4:
		put_in(t, some_slash(t), odd[chance(8)]);
		break;
	case 5:
		text_adds(t, odd[chance(8)]);
		break;
	case 6:
		text_add(t, '\n');
		break;
	case 7:
	case 8:
		put_in(t, chance(2) ? t->len : some_slash(t), "/");
		text_adds(t, words.count ? words.at[chance((unsigned)words.count)] : "x");
		break;
	case 9:
		put_in(t, at,
			words.count ? words.at[chance((unsigned)words.count)] : "x");
		break;
	default:
		unsubstitute(t);
	}
}

static mode_t some_type(const struct rule *r)
{
	if (chance(40) == 0)
		return unknown_types[chance(4)];
	if (r->type != 0 && chance(2))
		return r->type;
	return types[chance(8)];
}

static void query(const struct rule *r)
{
	struct text t;

	expand(&t, r->regex, &words);
	if (sub_count > 0 && chance(5) == 0)
		unsubstitute(&t);
	if (chance(2))
		for (unsigned n = 1 + chance(3) / 2; n > 0; n--)
			change(&t);
	if (t.at[0] != '/')
		put_in(&t, 0, "/");
	printf("%o %s", (unsigned)some_type(r), t.at);
	putchar('\0');
}

int main(int argc, char **argv)
{
	unsigned long count;
	size_t first;

	if (argc != 4)
		errx(2, "usage: paths SEED COUNT FILE_CONTEXTS");
	chance_seed(strtoull(argv[1], NULL, 10));
	count = strtoul(argv[2], NULL, 10);
	read_rules(argv[3], "");
	read_rules(argv[3], ".homedirs");
	read_rules(argv[3], ".local");
	read_subs(argv[3], ".subs");
	read_subs(argv[3], ".subs_dist");
	if (rule_count == 0)
		errx(2, "%s: no rules", argv[3]);
	first = chance((unsigned)rule_count);
	for (unsigned long i = 0; i < count; i++)
		query(&rules[(first + i) % rule_count]);
	if (fflush(stdout) != 0)
		err(2, "cannot write the queries");
	return 0;
}
