/* SPDX-License-Identifier: MIT */
#include "labeler/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/quote.h"
#include "labeler/expression.h"
#include "labeler/syntax.h"

#define FIELD_MAX      65534u /* bytes; libselinux 3.8 and later refuse longer ones */
#define SUBS_LINE_MAX  1021u  /* bytes without the newline: fgets() into 1,023 */
#define PLAIN_MAX      4000u  /* bytes of an expression that compiles if it is one */
#define SHOWN_TEXT_MAX 200    /* bytes of a field that a message repeats */

/* A line in its file's data, without its newline. */
struct line {
	const char *shown;
	unsigned no;
	char *start;
	char *end; /* the newline, or the NUL behind the last line */
};

static int bad(struct err *e, const struct line *l, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* "FILE:LINE: …", or "FILE:LINE:COLUMN: …" where `at` says which byte. */
static int bad(struct err *e, const struct line *l, const char *at, const char *fmt, ...)
{
	char file[1024];
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	quote_path(file, sizeof(file), l->shown);
	if (!at)
		return err_set(e, ERR_INPUT, "%s:%u: %s", file, l->no, text);
	return err_set(e, ERR_INPUT, "%s:%u:%zu: %s", file, l->no,
		(size_t)(at - l->start) + 1, text);
}

/* Returns false behind the last line. l->end is the start of the next line less one. */
static bool next_line(struct line *l, const struct policy_file *f)
{
	char *end = f->data + f->len;
	char *newline;

	if (l->no > 0 && l->end == end)
		return false;
	l->start = l->no > 0 ? l->end + 1 : f->data;
	if (l->start == end)
		return false;
	newline = memchr(l->start, '\n', (size_t)(end - l->start));
	l->end = newline ? newline : end;
	l->no++;
	return true;
}

static char *skip_blanks(char *s, const char *end)
{
	while (s < end && parse_is_blank(*s))
		s++;
	return s;
}

/*
 * Cuts the next field out of [*at, end). Returns 1, 0 where there is none, -1. The byte
 * behind a field becomes a NUL, so *end must be writable.
 */
static int next_field(
	char **at, char *end, char **field, const struct line *l, struct err *e)
{
	char *s = skip_blanks(*at, end);
	char *start = s;

	*at = s;
	if (s == end)
		return 0;
	for (; s < end && !parse_is_blank(*s); s++) {
		if ((unsigned char)*s > 127)
			return bad(e, l, s,
				"byte 0x%02x is not ASCII; match it with a dot",
				(unsigned char)*s);
	}
	if ((size_t)(s - start) > FIELD_MAX)
		return bad(e, l, start, "a field of %zu bytes, the limit is %u",
			(size_t)(s - start), FIELD_MAX);
	*at = s < end ? s + 1 : s;
	*s = '\0';
	*field = start;
	return 1;
}

static const struct {
	char text[3];
	mode_t type;
} types[] = {
	{"--", S_IFREG},
	{"-b", S_IFBLK},
	{"-c", S_IFCHR},
	{"-d", S_IFDIR},
	{"-l", S_IFLNK},
	{"-p", S_IFIFO},
	{"-s", S_IFSOCK},
};

const char *labeler_type_text(mode_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].text;
	return NULL;
}

static int parse_type(mode_t *type, const char *text, const struct line *l, struct err *e)
{
	char quoted[SHOWN_TEXT_MAX];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].text, text) == 0) {
			*type = types[i].type;
			return 0;
		}
	}
	return bad(e, l, text,
		"unknown file type '%s'; it is one of -- -b -c -d -l -p -s, or left out",
		quote_path(quoted, sizeof(quoted), text));
}

/*
 * libselinux compiles an expression only when a look-up first reaches it, and then every
 * such look-up fails; so find out now.
 */
static int check_regex(
	struct policy *p, const char *regex, const struct line *l, struct err *e)
{
	size_t len = strlen(regex);
	char quoted[SHOWN_TEXT_MAX];
	char why[256];
	uint32_t start;
	size_t used, at;
	int got;

	/* What is regular compiles, and most is: text with one of two tails behind it. */
	used = syntax_prefix(regex, len, NULL, &at);
	if (len <= PLAIN_MAX && (used == len || strcmp(regex + used, "(/.*)?") == 0 ||
					strcmp(regex + used, ".*") == 0))
		return 0;
	got = syntax_parse(&p->trial, regex + used, len - used, true, &start);
	p->trial.count = 0;
	p->trial.follower_count = 0;
	if (got == SYNTAX_OTHER || len > PLAIN_MAX)
		got = expression_check(regex, len, why, sizeof(why), &at);
	if (got > 0)
		return 0;
	if (got < 0)
		return err_sys(e, l->shown, "cannot check an expression");
	return bad(e, l, regex + at, "bad regular expression '%s': %s",
		quote_bytes(quoted, sizeof(quoted), regex, len), why);
}

static struct labeler_rule *new_rule(
	struct policy *p, const struct line *l, struct err *e)
{
	struct labeler_rule *rules;
	size_t cap = p->cap ? p->cap * 2 : 1024;

	if (p->count >= POLICY_RULES_MAX) {
		bad(e, l, NULL, "more than %u rules in the policy", POLICY_RULES_MAX);
		return NULL;
	}
	if (p->count == p->cap) {
		rules = reallocarray(p->rules, cap, sizeof(*rules));
		if (!rules) {
			err_sys(e, l->shown, "cannot keep the policy's rules");
			return NULL;
		}
		p->rules = rules;
		p->cap = cap;
	}
	return &p->rules[p->count];
}

static int parse_rule(struct policy *p, const struct line *l, struct err *e)
{
	char *end = memchr(l->start, '\0', (size_t)(l->end - l->start));
	char *at;
	char *field[3];
	int n = 0;
	struct labeler_rule rule = {.file = l->shown, .line = l->no};
	struct labeler_rule *kept;

	if (!end)
		end = l->end;
	at = skip_blanks(l->start, end);
	if (at == end || *at == '#')
		return 0;
	while (n < 3) {
		int got = next_field(&at, end, &field[n], l, e);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n++;
	}
	if (n < 2)
		return bad(e, l, NULL,
			"one field only; a rule is an expression, a file type that may "
			"be "
			"left out, and a context");
	if (n == 3 && parse_type(&rule.type, field[1], l, e) < 0)
		return -1;
	rule.regex = field[0];
	rule.context = field[n - 1];
	if (check_regex(p, rule.regex, l, e) < 0)
		return -1;
	kept = new_rule(p, l, e);
	if (!kept)
		return -1;
	*kept = rule;
	p->count++;
	return 0;
}

int parse_rules(struct policy *p, struct policy_file *f, struct err *e)
{
	struct line l = {.shown = f->shown};

	f->first = p->count;
	while (next_line(&l, f))
		if (parse_rule(p, &l, e) < 0)
			return -1;
	f->count = p->count - f->first;
	return 0;
}

/* 1, 0 where it says nothing, or -1. */
static int parse_sub(const struct line *l, struct err *e)
{
	size_t len = (size_t)(l->end - l->start);
	char *nul = memchr(l->start, '\0', len);
	char *at = skip_blanks(l->start, l->end);

	if (len > SUBS_LINE_MAX)
		return bad(e, l, NULL,
			"a line of %zu bytes, libselinux reads %u; shorten it", len,
			SUBS_LINE_MAX);
	if (nul)
		return bad(e, l, nul, "a NUL byte");
	if (at == l->end || *at == '#')
		return 0;
	while (at < l->end && !parse_is_blank(*at))
		at++;
	if (skip_blanks(at, l->end) == l->end)
		return bad(e, l, NULL,
			"one field only; a substitution is a path and the path that it "
			"stands for");
	return 1;
}

int parse_subs(const struct policy_file *f, struct err *e)
{
	struct line l = {.shown = f->shown};
	size_t count = 0;

	while (next_line(&l, f)) {
		int got = parse_sub(&l, e);

		if (got < 0)
			return -1;
		count += (size_t)got;
		if (count > POLICY_SUBS_MAX)
			return bad(e, &l, NULL, "more than %u substitutions",
				POLICY_SUBS_MAX);
	}
	return 0;
}
