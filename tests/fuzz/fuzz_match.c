/* SPDX-License-Identifier: MIT */
/*
 * One rule against paths, ours against PCRE2 itself, in all versions: a difference is a
 * crash.
 *
 * Input: a line with the expression, then lines with a path each, in which a byte 1
 * stands for a newline. Each path is asked with a newline at its end, too.
 */
#include "tests/fuzz/policy_input.h"
#include "tests/unit/one_rule.h"

#define REGEX_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct trial {
	struct labeler *l;
	struct one_rule rule;
	enum labeler_version version; /* of l */
	bool slow;                    /* PCRE2 took many steps for a path */
};

_Noreturn static void differ(
	const struct trial *t, enum labeler_version v, const char *path, const char *what)
{
	fprintf(stderr, "%s: '%s' in %s, path '%s'\n", what, t->rule.regex,
		labeler_version_text(v), path);
	abort();
}

static bool matches(const struct labeler_result *r)
{
	return r->answer == LABELER_LABEL;
}

static void compare(const struct trial *t, enum labeler_version v, const char *path,
	const struct labeler_result *got)
{
	enum said said = one_rule_says(&t->rule, v, path);

	if (said == SAID_NOTHING || !one_rule_same_pcre(t->rule.regex, v))
		return;
	if (matches(got) != (said == SAID_YES))
		differ(t, v, path, "not as PCRE2 has it");
}

static void check_differs(
	const struct trial *t, const char *path, const struct labeler_explanation *x)
{
	for (int v = 0; v < LABELER_VERSIONS; v++) {
		bool same = matches(&x->versions[v]) == matches(&x->result);
		bool told = x->result.differs >> v & 1;

		if (same == told)
			differ(t, (enum labeler_version)v, path, "a false `differs`");
	}
}

/* An error is right only where some version's expression takes too long. */
static void check_error(const struct trial *t, const char *path, const struct err *e)
{
	for (int v = 0; v < LABELER_VERSIONS; v++)
		if (one_rule_says(&t->rule, (enum labeler_version)v, path) ==
			SAID_NOTHING)
			return;
	differ(t, t->version, path, e->msg);
}

static void ask(struct trial *t, const char *path)
{
	bool slow = one_rule_run(&t->rule, path) == SAID_NOTHING;
	struct labeler_explanation x;
	struct labeler_result r;
	struct err e = {0};

	if (slow && t->slow)
		return; /* one such path is enough */
	t->slow = t->slow || slow;
	if (labeler_lookup(t->l, path, S_IFREG, &r, &e) < 0) {
		check_error(t, path, &e);
		return;
	}
	compare(t, t->version, path, &r);
	if (labeler_explain(t->l, path, S_IFREG, &x, &e) < 0) {
		check_error(t, path, &e);
	} else if (x.versions_known) {
		for (int v = 0; v < LABELER_VERSIONS; v++)
			compare(t, (enum labeler_version)v, path, &x.versions[v]);
		if (x.result.answer != r.answer || x.result.differs != r.differs)
			differ(t, t->version, path, "explained otherwise");
		check_differs(t, path, &x);
	}
	labeler_explanation_free(&x);
}

static void ask_line(struct trial *t, const uint8_t *line, size_t len)
{
	char path[INPUT_PATH_MAX + 2];

	if (len > INPUT_PATH_MAX)
		len = INPUT_PATH_MAX;
	memcpy(path, line, len);
	path[len] = '\0';
	for (char *s = path; *s; s++)
		if (*s == 1)
			*s = '\n';
	one_rule_clean(path);
	if (path[0] != '/')
		return;
	ask(t, path);
	strcat(path, "\n");
	ask(t, path);
}

/* The expression, or false where no policy can hold it. */
static bool read_regex(char regex[REGEX_MAX + 1], const uint8_t *data, size_t len)
{
	if (len == 0 || len > REGEX_MAX || data[0] == '#')
		return false;
	for (size_t i = 0; i < len; i++)
		if (data[i] <= ' ' && (data[i] == 0 || strchr(" \t\v\f\r", data[i])))
			return false;
		else if (data[i] > 127)
			return false;
	memcpy(regex, data, len);
	regex[len] = '\0';
	return true;
}

static bool open_rule(struct trial *t)
{
	char text[REGEX_MAX + 8];
	struct err e;
	int len = snprintf(text, sizeof(text), "%s c\n", t->rule.regex);

	input_put(0, text, (size_t)len);
	if (input_open(&t->l, LABELER_MATCHER, t->version, &e) == 0) {
		if (!t->rule.code && !one_rule_has_comma(t->rule.regex))
			differ(t, t->version, "", "PCRE2 refuses it, ours does not");
		return true;
	}
	if (t->rule.code && !one_rule_has_comma(t->rule.regex))
		differ(t, t->version, "", e.msg);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	const uint8_t *stop = size ? input_line_end(data, end) : end;
	char regex[REGEX_MAX + 1];
	struct trial t = {.version = (enum labeler_version)(size % LABELER_VERSIONS)};
	int count = 0;

	if (size > INPUT_MAX || !read_regex(regex, data, (size_t)(stop - data)))
		return 0;
	input_make_dir();
	one_rule_begin(&t.rule, regex);
	if (open_rule(&t)) {
		while (stop < end && count++ < INPUT_PATHS) {
			data = stop + 1;
			stop = data < end ? input_line_end(data, end) : end;
			ask_line(&t, data, (size_t)(stop - data));
		}
		labeler_close(t.l);
	}
	one_rule_end(&t.rule);
	return 0;
}
