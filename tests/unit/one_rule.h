/* SPDX-License-Identifier: MIT */
/*
 * One rule against one path the way each libselinux does it, with PCRE2 itself: what our
 * matcher is held against. PCRE2 is the linked one, for every version.
 *
 * 3.4: a rule has a stem, its first component as it is written, unless that holds one of
 * .^$?*+|[({; only paths that begin with it are held against the expression. From 3.8 on:
 * a rule without special characters is compared as a string; others have up to three
 * components as a stem, each free of special characters, escapes taken out.
 * (get_stem_from_spec(), regex_has_meta_chars() and insert_spec() in
 * libselinux/src/label_file.h.)
 */
#ifndef TESTS_UNIT_ONE_RULE_H
#define TESTS_UNIT_ONE_RULE_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "labeler/labeler.h"

#define ONE_RULE_STEPS 3000 /* PCRE2's own limit is 10,000,000 */

enum said {
	SAID_NO,
	SAID_YES,
	SAID_NOTHING, /* it takes too long, or PCRE2 fails */
};

struct one_rule {
	const char *regex;
	pcre2_code *code; /* NULL where it does not compile */
	size_t stem;      /* bytes, of 3.4; 0: none */
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

static inline pcre2_code *one_rule_compile(const char *regex)
{
	size_t len = strlen(regex);
	char *anchored = malloc(len + 2);
	pcre2_code *code;
	PCRE2_SIZE at;
	int number;

	anchored[0] = '^';
	memcpy(anchored + 1, regex, len);
	anchored[len + 1] = '$';
	code = pcre2_compile(
		(PCRE2_SPTR)anchored, len + 2, PCRE2_DOTALL, &number, &at, NULL);
	free(anchored);
	return code;
}

static inline size_t one_rule_stem_3_4(const char *regex)
{
	const char *slash = strchr(regex + 1, '/');
	size_t len = slash ? (size_t)(slash - regex) : 0;

	return strcspn(regex, ".^$?*+|[({") < len ? 0 : len;
}

/* regex is not empty, and stays until one_rule_end(). */
static inline void one_rule_begin(struct one_rule *o, const char *regex)
{
	o->regex = regex;
	o->code = one_rule_compile(regex);
	o->stem = one_rule_stem_3_4(regex);
	o->data = pcre2_match_data_create(1, NULL);
	o->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(o->limits, ONE_RULE_STEPS);
}

static inline void one_rule_end(struct one_rule *o)
{
	pcre2_code_free(o->code);
	pcre2_match_data_free(o->data);
	pcre2_match_context_free(o->limits);
}

static inline enum said one_rule_run(const struct one_rule *o, const char *text)
{
	int got;

	if (!o->code)
		return SAID_NOTHING;
	got = pcre2_match(
		o->code, (PCRE2_SPTR)text, strlen(text), 0, 0, o->data, o->limits);
	if (got == PCRE2_ERROR_NOMATCH)
		return SAID_NO;
	return got < 0 ? SAID_NOTHING : SAID_YES;
}

static inline enum said one_rule_3_4(const struct one_rule *o, const char *key)
{
	const char *slash = strchr(key + 1, '/');

	if (o->stem && (!slash || (size_t)(slash - key) != o->stem ||
			       memcmp(key, o->regex, o->stem) != 0))
		return SAID_NO;
	return one_rule_run(o, key);
}

/* The bytes that [from, to) stands for, their number; -1 where it is no plain text. */
static inline int one_rule_plain(const char *from, const char *to, char *out)
{
	int n = 0;

	for (const char *s = from; s < to; s++) {
		if (strchr(".^$?*+|[({])}", *s))
			return -1;
		if (*s == '\\') {
			s++;
			if (s == to || !strchr(".^$?*+|[({])}-_,", *s))
				return -1;
		}
		out[n++] = *s;
	}
	return n;
}

/* Whether key has the components that the expression begins with. */
static inline bool one_rule_in_stem_3_8(const char *regex, const char *key)
{
	char *text = malloc(strlen(regex) + 1);
	const char *slash;
	bool in = true;

	for (int depth = 0; depth < 3 && in; regex = slash) {
		const char *key_end = strchr(key + 1, '/');
		int n;

		slash = strchr(regex + 1, '/');
		if (!slash)
			break;
		if (slash == regex + 1)
			continue;
		n = one_rule_plain(regex + 1, slash, text);
		if (n < 0)
			break;
		in = key_end && key_end - key - 1 == n &&
		     memcmp(key + 1, text, (size_t)n) == 0;
		key = key_end;
		depth++;
	}
	free(text);
	return in;
}

static inline enum said one_rule_3_8(const struct one_rule *o, const char *key)
{
	char *text = malloc(strlen(o->regex) + 1);
	int n = one_rule_plain(o->regex, o->regex + strlen(o->regex), text);
	enum said said = SAID_NO;

	if (n >= 0)
		said = (size_t)n == strlen(key) && memcmp(text, key, (size_t)n) == 0;
	else if (one_rule_in_stem_3_8(o->regex, key))
		said = one_rule_run(o, key);
	free(text);
	return said;
}

/* key: absolute, without "//", no '/' at the end save in "/". */
static inline enum said one_rule_says(
	const struct one_rule *o, enum labeler_version v, const char *key)
{
	return v == LABELER_3_4 ? one_rule_3_4(o, key) : one_rule_3_8(o, key);
}

/* path as libselinux cleans it before it asks. */
static inline void one_rule_clean(char *path)
{
	char *out = path;

	for (const char *s = path; *s; s++)
		if (s[0] != '/' || s[1] != '/')
			*out++ = *s;
	if (out > path + 1 && out[-1] == '/')
		out--;
	*out = '\0';
}

/*
 * PCRE2 10.43 and later take "{,2}" for a quantifier, earlier ones for text. What has it
 * may mean something else, or be refused, in a version whose PCRE2 is not like ours.
 */
static inline bool one_rule_has_comma(const char *regex)
{
	return strstr(regex, "{,") != NULL;
}

static inline bool one_rule_same_pcre(const char *regex, enum labeler_version v)
{
	char linked[64];
	bool late;

	if (!one_rule_has_comma(regex))
		return true;
	pcre2_config(PCRE2_CONFIG_VERSION, linked);
	late = strtod(linked, NULL) > 10.425;
	return late == (v != LABELER_3_4);
}

#endif
