/* SPDX-License-Identifier: MIT */
#include "labeler/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/array.h"
#include "common/buf.h"
#include "common/cleanup.h"
#include "labeler/standing.h"
#include "labeler/syntax.h"

/* A rule while its patterns are made. */
struct work {
	struct patterns *p;
	uint32_t rule;
	const char *regex;
	size_t len;
	char *prefix; /* room for all that is written into it, len + 2 bytes */
	size_t prefix_len;
};

/* A rule as some versions take it: only keys that begin with the gate are held against
 * it. */
struct piece {
	unsigned versions;
	const char *gate;
	size_t gate_len;
	bool comma; /* {,n} is a quantifier */
};

enum kind kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case 0:
		return KIND_ANY;
	case S_IFDIR:
		return KIND_DIR;
	case S_IFCHR:
		return KIND_CHR;
	case S_IFBLK:
		return KIND_BLK;
	case S_IFSOCK:
		return KIND_SOCK;
	case S_IFIFO:
		return KIND_FIFO;
	case S_IFLNK:
		return KIND_LNK;
	case S_IFREG:
		return KIND_REG;
	default:
		return KIND_UNKNOWN;
	}
}

static int no_memory(const struct work *w, struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, w->p->policy->rules[w->rule].file, "cannot keep the policy");
}

static const char *keep_prefix(struct work *w, const char *bytes, size_t len)
{
	struct patterns *p = w->p;
	char *kept;

	if (array_room(p->prefixes, p->prefix_count, &p->prefix_room) < 0)
		return NULL;
	kept = malloc(len + 1);
	if (!kept)
		return NULL;
	memcpy(kept, bytes, len);
	kept[len] = '\0';
	p->prefixes[p->prefix_count++] = kept;
	return kept;
}

/* Positions from `first` on are the new pattern's. */
static int add(struct work *w, unsigned versions, size_t first, uint32_t start,
	const char *prefix, size_t prefix_len, struct pattern **out, struct err *e)
{
	struct patterns *p = w->p;
	struct pattern *made;

	if (array_room(p->list, p->count, &p->room) < 0)
		return no_memory(w, e);
	made = &p->list[p->count++];
	*made = (struct pattern){
		.rule = w->rule,
		.versions = (uint8_t)versions,
		.prefix = keep_prefix(w, prefix, prefix_len),
		.prefix_len = (uint32_t)prefix_len,
		.start = start,
	};
	if (!made->prefix)
		return no_memory(w, e);
	for (size_t i = first; i < p->nfa.count; i++)
		p->nfa.positions[i].pattern = (uint32_t)(p->count - 1);
	if (out)
		*out = made;
	return 0;
}

/* A start position from which all positions in set (followers' numbers) may come next. */
static uint32_t new_start(
	struct nfa *n, const uint32_t *followers, size_t count, bool accepts)
{
	static const struct byteset nothing;
	uint32_t set = nfa_set(n, &nothing);
	uint32_t start = set == UINT32_MAX ? set : nfa_position(n, set);
	size_t first = n->follower_count;

	if (start == UINT32_MAX)
		return start;
	for (size_t i = 0; i < count; i++)
		if (nfa_follower(n, followers[i]) == UINT32_MAX)
			return UINT32_MAX;
	n->positions[start].follow = (uint32_t)first;
	n->positions[start].follow_count = (uint32_t)count;
	n->positions[start].accepts = accepts;
	return start;
}

/* A pattern of the prefix alone, or, with anything set, of all that begins with it. */
static int add_plain(struct work *w, unsigned versions, const char *prefix,
	size_t prefix_len, bool anything, struct pattern **out, struct err *e)
{
	struct nfa *n = &w->p->nfa;
	size_t first = n->count;
	uint32_t any = UINT32_MAX;
	uint32_t start;

	if (anything) {
		static const struct byteset all = {
			{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
		uint32_t set = nfa_set(n, &all);
		size_t at = n->follower_count;

		any = set == UINT32_MAX ? set : nfa_position(n, set);
		if (any == UINT32_MAX || nfa_follower(n, any) == UINT32_MAX)
			return no_memory(w, e);
		n->positions[any].follow = (uint32_t)at;
		n->positions[any].follow_count = 1;
		n->positions[any].accepts = true;
	}
	start = new_start(n, &any, anything, true);
	if (start == UINT32_MAX)
		return no_memory(w, e);
	return add(w, versions, first, start, prefix, prefix_len, out, e);
}

static int add_expression(struct work *w, const struct piece *c, struct err *e)
{
	struct pattern *made;

	if (add_plain(w, c->versions, c->gate, c->gate_len, true, &made, e) < 0)
		return -1;
	return expression_add(&w->p->expressions, &w->p->policy->rules[w->rule], c->comma,
		&made->expression, e);
}

/* Positions that follow `from` (count of them), each once, into out. */
static size_t follow_all(const struct nfa *n, const uint32_t *from, size_t count,
	uint32_t *out, bool *accepts)
{
	size_t got = 0;

	*accepts = false;
	for (size_t i = 0; i < count; i++) {
		const struct position *p = &n->positions[from[i]];

		*accepts = *accepts || p->accepts;
		if (p->follow_count == 0)
			continue;
		memcpy(out + got, n->followers + p->follow,
			p->follow_count * sizeof(*out));
		got += p->follow_count;
	}
	return nfa_sort(out, got);
}

/*
 * The start position behind len bytes that have been matched from start on. Returns 1, 0
 * where those bytes do not match, or -1.
 */
static int advance(
	struct nfa *n, uint32_t start, const char *bytes, size_t len, uint32_t *out)
{
	/* Followers of one expression: never more than its edges. */
	cleanup_free uint32_t *now = malloc(SYNTAX_EDGES_MAX * sizeof(*now));
	cleanup_free uint32_t *next = malloc(SYNTAX_EDGES_MAX * sizeof(*next));
	size_t count = 1;
	bool accepts;

	if (!now || !next)
		return -1;
	now[0] = start;
	for (size_t i = 0; i < len; i++) {
		size_t got = follow_all(n, now, count, next, &accepts);

		count = 0;
		for (size_t k = 0; k < got; k++)
			if (byteset_has(&n->sets[n->positions[next[k]].set],
				    (unsigned char)bytes[i]))
				now[count++] = next[k];
	}
	if (count == 0)
		return 0;
	count = follow_all(n, now, count, next, &accepts);
	*out = new_start(n, next, count, accepts);
	return *out == UINT32_MAX ? -1 : 1;
}

/* A piece with a gate of its own: the gate's bytes, then what the expression wants next.
 */
static int add_gated(struct work *w, const struct piece *c, struct err *e)
{
	struct nfa *n = &w->p->nfa;
	size_t first = n->count;
	uint32_t start;
	enum syntax_answer got = SYNTAX_OTHER;

	if (n->count < PATTERN_POSITIONS_MAX)
		got = syntax_parse(n, w->regex, w->len, c->comma, &start);
	if (got == SYNTAX_OTHER)
		return add_expression(w, c, e);
	if (got == SYNTAX_REGULAR)
		got = (enum syntax_answer)advance(n, start, c->gate, c->gate_len, &start);
	if (got < 0)
		return no_memory(w, e);
	if (got == 0)
		return 0; /* the stem forbids what the expression wants */
	return add(w, c->versions, first, start, c->gate, c->gate_len, NULL, e);
}

/*
 * Without a gate, or with one that the expression's first bytes imply: those bytes as
 * prefix, the rest as positions. Returns 1, 0 where that is not so, or -1.
 */
static int add_implied(struct work *w, const struct piece *c, struct err *e)
{
	struct nfa *n = &w->p->nfa;
	size_t first = n->count;
	size_t used = syntax_prefix(w->regex, w->len, w->prefix, &w->prefix_len);
	enum syntax_answer got = SYNTAX_OTHER;
	uint32_t start;

	if (w->prefix_len < c->gate_len || memcmp(w->prefix, c->gate, c->gate_len) != 0)
		return 0;
	if (used == w->len)
		return add_plain(w, c->versions, w->prefix, w->prefix_len, false, NULL,
			       e) < 0
			       ? -1
			       : 1;
	if (n->count < PATTERN_POSITIONS_MAX)
		got = syntax_parse(n, w->regex + used, w->len - used, c->comma, &start);
	if (got == SYNTAX_ERROR)
		return no_memory(w, e);
	if (got == SYNTAX_OTHER)
		return 0;
	if (add(w, c->versions, first, start, w->prefix, w->prefix_len, NULL, e) < 0)
		return -1;
	return 1;
}

static int add_piece(struct work *w, const struct piece *c, struct err *e)
{
	int got = add_implied(w, c, e);

	if (got)
		return got < 0 ? -1 : 0;
	return add_gated(w, c, e);
}

/* All that the versions make of one rule. */
static int add_rule(struct work *w, struct err *e)
{
	struct standing *s = &w->p->standings[w->rule];
	cleanup_free char *text = malloc(2 * (w->len + 2));
	char *stem = text;                           /* 3.8: or the exact path */
	char *raw = text ? text + w->len + 2 : NULL; /* 3.4 */
	struct piece newer = {.versions = SINCE_3_8, .gate = stem, .comma = true};
	struct piece older = {.versions = VERSION_3_4, .gate = raw};
	bool found = true;

	if (!text)
		return no_memory(w, e);
	s->exact_3_4 = exact_in_3_4(w->regex);
	s->exact_3_8 = exact_since_3_8(w->regex, stem, &newer.gate_len);
	older.gate_len = stem_in_3_4(w->regex);
	if (older.gate_len)
		older.gate_len++; /* the '/' behind it */
	memcpy(raw, w->regex, older.gate_len);
	if (s->exact_3_8)
		found = exact_is_found(stem, newer.gate_len);
	else
		s->depth = (uint8_t)stem_since_3_8(w->regex, stem, &newer.gate_len);

	/* Nearly always both come to the same. */
	if (found && !memchr(raw, '\\', older.gate_len) &&
		!syntax_has_comma(w->regex, w->len)) {
		struct piece both = newer.gate_len > older.gate_len ? newer : older;
		int got;

		both.versions = ALL_VERSIONS;
		got = add_implied(w, &both, e);
		if (got)
			return got < 0 ? -1 : 0;
	}
	if (s->exact_3_8) {
		if (found &&
			add_plain(w, SINCE_3_8, stem, newer.gate_len, false, NULL, e) < 0)
			return -1;
	} else if (add_piece(w, &newer, e) < 0) {
		return -1;
	}
	return add_piece(w, &older, e);
}

static int by_prefix(const void *a, const void *b)
{
	const struct pattern *x = a, *y = b;
	size_t len = x->prefix_len < y->prefix_len ? x->prefix_len : y->prefix_len;
	int order = memcmp(x->prefix, y->prefix, len);

	if (order)
		return order;
	if (x->prefix_len != y->prefix_len)
		return x->prefix_len < y->prefix_len ? -1 : 1;
	return x->start < y->start ? -1 : 1; /* as they were made */
}

static int sort(struct patterns *p)
{
	cleanup_free uint32_t *now_at = malloc((p->count + 1) * sizeof(*now_at));

	if (!now_at)
		return -1;
	if (p->count)
		qsort(p->list, p->count, sizeof(*p->list), by_prefix);
	/* Positions name their pattern by its number, which has changed. */
	for (size_t i = 0; i < p->count; i++)
		now_at[p->nfa.positions[p->list[i].start].pattern] = (uint32_t)i;
	for (size_t i = 0; i < p->nfa.count; i++)
		p->nfa.positions[i].pattern = now_at[p->nfa.positions[i].pattern];
	return 0;
}

/* Contexts that are equal get one number, so that labels are compared as numbers. */
struct named {
	const char *context;
	size_t len;
	uint32_t rule;
};

static int by_context(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->context, y->context, x->len);
}

static int number_contexts(struct patterns *p)
{
	const struct policy *policy = p->policy;
	cleanup_free struct named *all = malloc((policy->count + 1) * sizeof(*all));
	uint32_t number = 0;

	if (!all)
		return -1;
	for (size_t i = 0; i < policy->count; i++)
		all[i] = (struct named){
			.context = policy->rules[i].context,
			.len = strlen(policy->rules[i].context),
			.rule = (uint32_t)i,
		};
	if (policy->count)
		qsort(all, policy->count, sizeof(*all), by_context);
	for (size_t i = 0; i < policy->count; i++) {
		bool none = strcmp(all[i].context, POLICY_NO_LABEL) == 0;

		if (i == 0 || by_context(&all[i - 1], &all[i]) != 0)
			number++;
		p->standings[all[i].rule].context = none ? 0 : number;
	}
	return 0;
}

static int add_part(struct patterns *p, enum policy_part part, struct err *e)
{
	const struct policy_file *f = &p->policy->files[part];

	for (size_t i = f->first; f->data && i < f->first + f->count; i++) {
		const struct labeler_rule *r = &p->policy->rules[i];
		size_t len = strlen(r->regex);
		cleanup_free char *prefix = malloc(len + 2);
		struct work w = {
			.p = p,
			.rule = (uint32_t)i,
			.regex = r->regex,
			.len = len,
			.prefix = prefix,
		};

		p->standings[i].kind = kind_of(r->type);
		p->standings[i].input = (uint8_t)part;
		if (!prefix)
			return no_memory(&w, e);
		if (add_rule(&w, e) < 0)
			return -1;
	}
	return 0;
}

int patterns_make(struct patterns *p, const struct policy *policy, struct err *e)
{
	const char *shown = policy->files[POLICY_BASE].shown;

	p->policy = policy;
	p->standings = calloc(policy->count + 1, sizeof(*p->standings));
	if (!p->standings || number_contexts(p) < 0)
		return err_sys(e, shown, "cannot keep the policy");
	for (int i = 0; i < POLICY_RULE_PARTS; i++)
		if (add_part(p, (enum policy_part)i, e) < 0)
			return -1;
	if (sort(p) < 0)
		return err_sys(e, shown, "cannot keep the policy");
	return 0;
}

void patterns_free(struct patterns *p)
{
	for (size_t i = 0; i < p->prefix_count; i++)
		free(p->prefixes[i]);
	free(p->prefixes);
	free(p->standings);
	free(p->list);
	nfa_free(&p->nfa);
	expressions_free(&p->expressions);
	*p = (struct patterns){0};
}
