/* SPDX-License-Identifier: MIT */
#include "labeler/expression.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/buf.h"
#include "common/quote.h"
#include "labeler/nfa.h"
#include "labeler/syntax.h"

struct expression {
	const struct labeler_rule *rule;
	pcre2_code *code;
};

/* NULL with *number, an error of PCRE2's, and *at; *number is 0 where memory ran out. */
static pcre2_code *compile(const char *text, size_t len, int *number, size_t *at)
{
	cleanup_buf struct buf anchored = {0};
	pcre2_code *code;
	PCRE2_SIZE where = 0;

	*number = 0;
	*at = 0;
	if (buf_addc(&anchored, '^') < 0 || buf_add(&anchored, text, len) < 0 ||
		buf_addc(&anchored, '$') < 0)
		return NULL;
	code = pcre2_compile((PCRE2_SPTR)anchored.data, anchored.len, PCRE2_DOTALL,
		number, &where, NULL);
	if (code)
		return code;
	where = where > 0 ? where - 1 : 0; /* the '^' is ours, and so is the '$' */
	*at = where < len ? where : len;
	if (*number == PCRE2_ERROR_NOMEMORY || *number == 121) { /* ERR21: no memory */
		errno = ENOMEM;
		*number = 0;
	}
	return NULL;
}

int expression_check(const char *text, size_t len, char *why, size_t why_size, size_t *at)
{
	int number;
	pcre2_code *code = compile(text, len, &number, at);

	if (code) {
		pcre2_code_free(code);
		return 1;
	}
	if (number == 0)
		return -1;
	if (pcre2_get_error_message(number, (PCRE2_UCHAR *)why, why_size) < 0)
		snprintf(why, why_size, "PCRE2 error %d", number);
	return 0;
}

static int prepare(struct expressions *x)
{
	pcre2_match_context *context;

	if (x->match_context)
		return 0;
	context = pcre2_match_context_create(NULL);
	if (!context)
		return -1;
	pcre2_set_heap_limit(context, EXPRESSION_HEAP_MAX);
	x->match_context = context;
	/* One pair: only whether it matches is asked. */
	x->match_data = pcre2_match_data_create(1, NULL);
	return x->match_data ? 0 : -1;
}

static int refuse(const struct labeler_rule *r, const char *why, struct err *e)
{
	char file[1024];
	char regex[200];

	return err_set(e, ERR_INPUT, "%s:%u: the expression '%s' %s",
		quote_path(file, sizeof(file), r->file), r->line,
		quote_path(regex, sizeof(regex), r->regex), why);
}

static int not_compiled(int number, const struct labeler_rule *r, struct err *e)
{
	char why[256];

	if (number == 0)
		return err_sys(e, r->file, "cannot compile an expression");
	if (pcre2_get_error_message(number, (PCRE2_UCHAR *)why, sizeof(why)) < 0)
		snprintf(why, sizeof(why), "PCRE2 error %d", number);
	refuse(r, "is not taken by PCRE2", e);
	return err_hint(e, "%s", why);
}

/* The bytes of the part that p begins with and in which {,n} means nothing else, or 0. */
static size_t passed_over(const char *p, bool in_class)
{
	const char *end;

	if (p[0] == '\\' && p[1] == 'Q') {
		end = strstr(p, "\\E");
		return end ? (size_t)(end - p) + 2 : strlen(p);
	}
	if (p[0] == '\\' && p[1])
		return 2;
	if (in_class && p[0] == '[' && p[1] == ':') {
		end = strstr(p + 2, ":]");
		return end ? (size_t)(end - p) + 2 : 0;
	}
	return 0;
}

/*
 * Copies an expression so that {,n} means the same in any PCRE2: {0,n}, or a brace that
 * stands for itself. Classes and quoted text (\Q) are left as they are.
 */
static int settle_commas(struct buf *out, const char *text, bool comma)
{
	const char *class = NULL; /* what comes first in the class that p is in */

	for (const char *p = text; *p; p++) {
		size_t len = passed_over(p, class != NULL);

		if (len) {
			if (buf_add(out, p, len) < 0)
				return -1;
			p += len - 1;
			continue;
		}
		if (!class && p[0] == '[')
			class = p + 1 + (p[1] == '^');
		else if (class && p[0] == ']' && p > class)
			class = NULL;
		if (!class && syntax_comma(p, strlen(p))) {
			if (buf_adds(out, comma ? "{0" : "\\{") < 0)
				return -1;
			continue;
		}
		if (buf_addc(out, *p) < 0)
			return -1;
	}
	return buf_addc(out, '\0');
}

int expression_add(struct expressions *x, const struct labeler_rule *r, bool comma,
	const struct expression **out, struct err *e)
{
	cleanup_buf struct buf text = {0};
	struct expression *g;
	size_t size = 0;
	size_t at;
	int number;

	if (prepare(x) < 0 || settle_commas(&text, r->regex, comma) < 0 ||
		array_room(x->list, x->count, &x->room) < 0)
		return err_sys(e, r->file, "cannot compile an expression");
	g = calloc(1, sizeof(*g));
	if (!g)
		return err_sys(e, r->file, "cannot compile an expression");
	x->list[x->count++] = g;
	g->rule = r;
	g->code = compile(text.data, text.len - 1, &number, &at);
	if (!g->code)
		return not_compiled(number, r, e);
	pcre2_pattern_info(g->code, PCRE2_INFO_SIZE, &size);
	x->bytes += size;
	if (x->bytes > EXPRESSIONS_BYTES_MAX)
		return refuse(r,
			"takes the policy's expressions over 256 MiB; make it simpler",
			e);
	*out = g;
	return 0;
}

void expressions_share(struct expressions *x, size_t count)
{
	size_t share = EXPRESSION_STEPS_MAX / (count ? count : 1);

	if (x->match_context)
		pcre2_set_match_limit(x->match_context,
			(uint32_t)(share > EXPRESSION_STEPS_MIN ? share
								: EXPRESSION_STEPS_MIN));
}

int expression_match(struct expressions *x, const struct expression *g, const char *key,
	size_t len, struct err *e)
{
	char path[512];
	int got = pcre2_match(
		g->code, (PCRE2_SPTR)key, len, 0, 0, x->match_data, x->match_context);

	if (got >= 0)
		return 1; /* 0: more groups than pairs */
	if (got == PCRE2_ERROR_NOMATCH)
		return 0;
	if (got == PCRE2_ERROR_NOMEMORY) {
		errno = ENOMEM;
		return err_sys(e, g->rule->file, "cannot match an expression");
	}
	refuse(g->rule, "takes too many steps or too much memory", e);
	return err_hint(
		e, "on '%s'; make it simpler", quote_bytes(path, sizeof(path), key, len));
}

void expressions_free(struct expressions *x)
{
	for (size_t i = 0; i < x->count; i++) {
		pcre2_code_free(x->list[i]->code);
		free(x->list[i]);
	}
	free(x->list);
	pcre2_match_data_free(x->match_data);
	pcre2_match_context_free(x->match_context);
	*x = (struct expressions){0};
}
