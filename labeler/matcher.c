/* SPDX-License-Identifier: MIT */
#include "labeler/matcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/quote.h"
#include "labeler/nfa.h"

#define EXPRESSION_MAX_3_11 4095u /* bytes without the anchors */

static int no_memory(struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, NULL, "cannot look up a label");
}

/* libselinux 3.11 fails each look-up that reaches a longer one. */
static int check_lengths(const struct matcher *m, struct err *e)
{
	char file[1024];

	for (size_t i = 0; m->version == LABELER_3_11 && i < m->policy->count; i++) {
		const struct labeler_rule *r = &m->policy->rules[i];
		size_t len = strlen(r->regex);

		if (len <= EXPRESSION_MAX_3_11 || m->patterns.standings[i].exact_3_8)
			continue;
		return err_set(e, ERR_INPUT,
			"%s:%u: an expression of %zu bytes; libselinux 3.11 takes %u at "
			"the most: shorten it, or say --semantics=3.8",
			quote_path(file, sizeof(file), r->file), r->line, len,
			EXPRESSION_MAX_3_11);
	}
	return 0;
}

int matcher_make(struct matcher *m, const struct policy *policy,
	enum labeler_version version, struct err *e)
{
	m->policy = policy;
	m->version = version;
	if (keys_make(&m->keys, policy) < 0)
		return no_memory(e);
	if (patterns_make(&m->patterns, policy, e) < 0 || check_lengths(m, e) < 0)
		return -1;
	return automaton_make(&m->automaton, &m->patterns, e);
}

void matcher_free(struct matcher *m)
{
	automaton_free(&m->automaton);
	patterns_free(&m->patterns);
	reference_free(&m->reference);
	keys_free(&m->keys);
	free(m->answers);
	free(m->hits);
	*m = (struct matcher){0};
}

static int add_hit(struct matcher *m, uint32_t rule, unsigned versions)
{
	if (array_room(m->hits, m->hit_count, &m->hit_room) < 0)
		return -1;
	m->hits[m->hit_count++] = (struct hit){rule, (uint8_t)versions};
	return 0;
}

static void share_steps(struct matcher *m, const struct state *s)
{
	size_t count = 0;

	for (uint32_t i = 0; i < s->accept_count; i++)
		count += m->patterns.list[m->automaton.pool[s->accepts + i]].expression !=
			 NULL;
	expressions_share(&m->patterns.expressions, count);
}

/*
 * What a state accepts; key NULL where PCRE2 has no say. With newline set, the last byte
 * of the key, a newline, is yet to come.
 */
static int add_accepted(
	struct matcher *m, uint32_t s, const struct key *key, bool newline, struct err *e)
{
	const struct state *state = automaton_state(&m->automaton, s);

	if (key)
		share_steps(m, state);
	for (uint32_t i = 0; i < state->accept_count; i++) {
		uint32_t number = m->automaton.pool[state->accepts + i];
		const struct pattern *p = &m->patterns.list[number];
		unsigned versions = p->versions;
		int got = 1;

		/* PCRE2 knows of it itself, and text is compared to its end. */
		if (newline && p->expression)
			continue;
		if (newline && m->patterns.standings[p->rule].exact_3_8)
			versions &= VERSION_3_4;
		if (p->expression)
			got = expression_match(&m->patterns.expressions, p->expression,
				key->text, key->len, e);
		if (got < 0)
			return -1;
		if (got && versions && add_hit(m, p->rule, versions) < 0)
			return no_memory(e);
	}
	return 0;
}

static int by_rule(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return (x->rule > y->rule) - (x->rule < y->rule);
}

static void merge_hits(struct matcher *m)
{
	size_t kept = 0;

	if (m->hit_count > 1)
		qsort(m->hits, m->hit_count, sizeof(*m->hits), by_rule);
	for (size_t i = 0; i < m->hit_count; i++) {
		if (kept && m->hits[kept - 1].rule == m->hits[i].rule)
			m->hits[kept - 1].versions |= m->hits[i].versions;
		else
			m->hits[kept++] = m->hits[i];
	}
	m->hit_count = kept;
}

/* What 3.11 takes besides: see reference.h. */
static int add_reference(struct matcher *m, const struct key *key, struct err *e)
{
	expressions_share(&m->patterns.expressions, m->policy->count);
	for (size_t i = 0; i < m->policy->count; i++) {
		int got = reference_matches(
			&m->reference, &m->patterns, i, key->text, key->len, e);

		if (got < 0)
			return -1;
		if (got > 0 && add_hit(m, (uint32_t)i, 1u << LABELER_3_11) < 0)
			return no_memory(e);
	}
	return 0;
}

static bool ends_in_newline(const struct key *key)
{
	return key->len && key->text[key->len - 1] == '\n';
}

int matcher_hits(struct matcher *m, const struct key *key, struct err *e)
{
	struct automaton *a = &m->automaton;
	bool newline = ends_in_newline(key);
	uint32_t s = automaton_initial(a, e);

	m->hit_count = 0;
	s = s ? automaton_run(a, s, key->text, key->len - newline, e) : 0;
	/* '$' matches before a newline at the end, too. */
	if (s && newline) {
		if (add_accepted(m, s, key, true, e) < 0)
			return -1;
		s = automaton_run(a, s, "\n", 1, e);
	}
	if (!s || add_accepted(m, s, key, false, e) < 0)
		return -1;
	if (key_has_empty_name(key) && add_reference(m, key, e) < 0)
		return -1;
	merge_hits(m);
	return 0;
}

static uint32_t context_of(const struct matcher *m, uint32_t rule)
{
	return rule == NO_RULE ? 0 : m->patterns.standings[rule].context;
}

/* From m->hits, which hold for the versions in `asked`. */
static void select_for(const struct matcher *m, unsigned asked, enum kind kind,
	uint32_t rules[LABELER_VERSIONS])
{
	for (int v = 0; v < LABELER_VERSIONS; v++)
		if (asked & 1u << v)
			rules[v] = select_rule(m->patterns.standings, m->hits,
				m->hit_count, (enum labeler_version)v, kind);
}

unsigned matcher_differs(const struct matcher *m, const uint32_t rules[LABELER_VERSIONS])
{
	unsigned differs = 0;

	for (int v = 0; v < LABELER_VERSIONS; v++)
		if (context_of(m, rules[v]) != context_of(m, rules[m->version]))
			differs |= 1u << v;
	return differs;
}

struct labeler_result matcher_result(
	const struct matcher *m, uint32_t rule, unsigned differs)
{
	struct labeler_result r = {.differs = differs};

	if (rule == NO_RULE)
		return r;
	r.rule = &m->policy->rules[rule];
	r.answer = context_of(m, rule) ? LABELER_LABEL : LABELER_EXCLUDED;
	return r;
}

static struct answer make_answer(
	const struct matcher *m, const uint32_t rules[LABELER_VERSIONS])
{
	return (struct answer){
		.rule = rules[m->version],
		.differs = (uint8_t)matcher_differs(m, rules),
		.known = true,
	};
}

static void give(
	const struct matcher *m, const struct answer *a, struct labeler_result *out)
{
	*out = matcher_result(m, a->rule, a->differs);
}

/* The key itself has to be looked at. */
static int look_up_key(struct matcher *m, const struct key *key, enum kind kind,
	struct labeler_result *out, struct err *e)
{
	uint32_t rules[LABELER_VERSIONS];
	struct answer a;

	if (matcher_hits(m, key, e) < 0)
		return -1;
	select_for(m, ALL_VERSIONS, kind, rules);
	a = make_answer(m, rules);
	give(m, &a, out);
	return 0;
}

static int new_answers(struct matcher *m, uint32_t s, struct err *e)
{
	struct automaton *a = &m->automaton;
	struct state *state = &a->states[s];
	struct answers *made;

	if (array_room(m->answers, m->answer_count + 1, &m->answer_room) < 0)
		return no_memory(e);
	if (m->answer_count == 0)
		m->answer_count = 1; /* 0 is no note */
	made = &m->answers[m->answer_count];
	*made = (struct answers){0};
	for (uint32_t i = 0; i < state->accept_count; i++)
		if (m->patterns.list[a->pool[state->accepts + i]].expression)
			made->by_key = true;
	state->note = (uint32_t)m->answer_count++;
	return 0;
}

/*
 * The answer for a key that led to s, without "//" and without a newline at its end.
 * Returns 1, 0 where the key itself has to be looked at, or -1.
 */
static int look_up_state(struct matcher *m, uint32_t s, enum kind kind,
	struct labeler_result *out, struct err *e)
{
	struct answers *kept;

	if (m->answer_epoch != m->automaton.epoch) {
		m->answer_count = 0;
		m->answer_epoch = m->automaton.epoch;
	}
	if (!m->automaton.states[s].note && new_answers(m, s, e) < 0)
		return -1;
	kept = &m->answers[m->automaton.states[s].note];
	if (kept->by_key)
		return 0;
	if (!kept->of[kind].known) {
		uint32_t rules[LABELER_VERSIONS];

		m->hit_count = 0;
		if (add_accepted(m, s, NULL, false, e) < 0)
			return -1;
		merge_hits(m);
		select_for(m, ALL_VERSIONS, kind, rules);
		kept->of[kind] = make_answer(m, rules);
	}
	give(m, &kept->of[kind], out);
	return 1;
}

/* Substitutions lead the versions to different keys. */
static int look_up_apart(
	struct matcher *m, enum kind kind, struct labeler_result *out, struct err *e)
{
	const unsigned first = 1u << LABELER_3_8;
	uint32_t rules[LABELER_VERSIONS];
	struct answer a;

	if (matcher_hits(m, &m->keys.first, e) < 0)
		return -1;
	select_for(m, first, kind, rules);
	if (matcher_hits(m, &m->keys.last, e) < 0)
		return -1;
	select_for(m, ALL_VERSIONS & ~first, kind, rules);
	a = make_answer(m, rules);
	give(m, &a, out);
	return 0;
}

int matcher_lookup(struct matcher *m, const char *path, mode_t mode,
	struct labeler_result *out, struct err *e)
{
	const struct key *key = &m->keys.last;
	enum kind kind = kind_of(mode);
	uint32_t s;
	int got;

	if (keys_find(&m->keys, path) < 0)
		return no_memory(e);
	if (!m->keys.one)
		return look_up_apart(m, kind, out, e);
	if (ends_in_newline(key) || key_has_empty_name(key))
		return look_up_key(m, key, kind, out, e);
	s = automaton_initial(&m->automaton, e);
	s = s ? automaton_run(&m->automaton, s, key->text, key->len, e) : 0;
	if (!s)
		return -1;
	got = look_up_state(m, s, kind, out, e);
	if (got == 0)
		return look_up_key(m, key, kind, out, e);
	return got < 0 ? -1 : 0;
}

static const char *last_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* By the whole path: the directory is near a source, or no cursor is at hand. */
static int enter_by_path(
	struct matcher *m, const char *path, struct labeler_cursor *out, struct err *e)
{
	struct automaton *a = &m->automaton;
	const struct key *key = &m->keys.last;
	cleanup_buf struct buf dir = {0};
	uint32_t s;

	if (buf_adds(&dir, path) < 0 ||
		(dir.data[dir.len - 1] != '/' && buf_addc(&dir, '/') < 0) ||
		keys_find_below(&m->keys, dir.data, dir.len, &out->near_subs) < 0)
		return no_memory(e);
	s = automaton_initial(a, e);
	s = s ? automaton_run(a, s, key->text, key->len, e) : 0;
	if (!s)
		return -1;
	out->state = s;
	out->epoch = a->epoch;
	return 0;
}

int matcher_enter(struct matcher *m, const struct labeler_cursor *parent,
	const char *path, struct labeler_cursor *out, struct err *e)
{
	struct automaton *a = &m->automaton;
	const char *name = last_name(path);
	uint32_t s;

	if (!parent || parent->near_subs || parent->epoch != a->epoch)
		return enter_by_path(m, path, out, e);
	s = automaton_run(a, parent->state, name, strlen(name), e);
	s = s ? automaton_run(a, s, "/", 1, e) : 0;
	if (!s)
		return -1;
	*out = (struct labeler_cursor){.state = s, .epoch = a->epoch};
	return 0;
}

int matcher_lookup_in(struct matcher *m, const struct labeler_cursor *dir,
	const char *path, mode_t mode, struct labeler_result *out, struct err *e)
{
	struct automaton *a = &m->automaton;
	const char *name = last_name(path);
	size_t len = strlen(name);
	uint32_t s;
	int got;

	if (dir->near_subs || dir->epoch != a->epoch || len == 0 || name[len - 1] == '\n')
		return matcher_lookup(m, path, mode, out, e);
	s = automaton_run(a, dir->state, name, len, e);
	got = s ? look_up_state(m, s, kind_of(mode), out, e) : -1;
	if (got == 0)
		return matcher_lookup(m, path, mode, out, e);
	return got < 0 ? -1 : 0;
}
