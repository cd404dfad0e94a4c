/* SPDX-License-Identifier: MIT */
#include "labeler/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, NULL, "cannot explain a label");
}

/* What each version says; leaves the hits of the labeler's own version in m. */
static int ask_versions(
	struct matcher *m, enum kind kind, struct labeler_explanation *out, struct err *e)
{
	uint32_t rules[LABELER_VERSIONS];

	for (int i = 0; i < LABELER_VERSIONS; i++) {
		/* The own version last. */
		enum labeler_version v =
			(enum labeler_version)((m->version + 1 + i) % LABELER_VERSIONS);

		if (matcher_hits(m, keys_of(&m->keys, v), e) < 0)
			return -1;
		rules[v] = select_rule(
			m->patterns.standings, m->hits, m->hit_count, v, kind);
		out->versions[v] = matcher_result(m, rules[v], 0);
	}
	out->versions_known = true;
	out->result = matcher_result(m, rules[m->version], matcher_differs(m, rules));
	return 0;
}

static enum labeler_verdict verdict(
	const struct matcher *m, const struct hit *h, enum kind kind, uint32_t winner)
{
	const struct standing *s = &m->patterns.standings[h->rule];
	const struct standing *w;
	bool exact, winner_exact;

	if (h->rule == winner)
		return LABELER_WINS;
	if (!(h->versions & 1u << m->version))
		return LABELER_NOT_ASKED;
	if (!select_fits(s, m->version, kind))
		return LABELER_OTHER_TYPE;
	if (winner == NO_RULE)
		return LABELER_NOT_ASKED; /* cannot be: it would have won */
	w = &m->patterns.standings[winner];
	exact = m->version == LABELER_3_4 ? s->exact_3_4 : s->exact_3_8;
	winner_exact = m->version == LABELER_3_4 ? w->exact_3_4 : w->exact_3_8;
	if (winner_exact && !exact)
		return LABELER_INEXACT;
	if (exact && m->version != LABELER_3_4)
		return LABELER_EXACT_TWIN;
	/* A later one that lost stood behind a <<none>> that ended the search. */
	return h->rule < winner ? LABELER_OVERRULED : LABELER_NOT_ASKED;
}

static int list_matches(
	struct matcher *m, enum kind kind, struct labeler_explanation *out, struct err *e)
{
	uint32_t winner = select_rule(
		m->patterns.standings, m->hits, m->hit_count, m->version, kind);

	out->matches = calloc(m->hit_count + 1, sizeof(*out->matches));
	if (!out->matches)
		return no_memory(e);
	if (winner != NO_RULE)
		out->matches[out->match_count++] =
			(struct labeler_match){&m->policy->rules[winner], LABELER_WINS};
	for (size_t i = m->hit_count; i-- > 0;) {
		const struct hit *h = &m->hits[i];

		if (h->rule != winner)
			out->matches[out->match_count++] = (struct labeler_match){
				&m->policy->rules[h->rule],
				verdict(m, h, kind, winner),
			};
	}
	return 0;
}

int explain_path(struct matcher *m, const char *path, mode_t mode,
	struct labeler_explanation *out, struct err *e)
{
	enum kind kind = kind_of(mode);
	const struct key *k;

	if (keys_find(&m->keys, path) < 0)
		return no_memory(e);
	k = keys_of(&m->keys, m->version);
	out->key = strndup(k->text, k->len);
	if (!out->key)
		return no_memory(e);
	for (int i = 0; i < 2; i++) {
		const struct sub *s = k->subs[i];

		if (s)
			out->subs[out->sub_count++] = (struct labeler_substitution){
				s->file, s->line, s->from, s->to};
	}
	if (ask_versions(m, kind, out, e) < 0)
		return -1;
	return list_matches(m, kind, out, e);
}

int explain_each(struct matcher *m, const char *path, mode_t mode,
	void (*fn)(void *arg, const struct labeler_rule *r), void *arg, struct err *e)
{
	enum kind kind = kind_of(mode);
	const struct key *k;

	if (keys_find(&m->keys, path) < 0)
		return no_memory(e);
	k = keys_of(&m->keys, m->version);
	if (matcher_hits(m, k, e) < 0)
		return -1;
	for (size_t i = 0; i < m->hit_count; i++) {
		const struct hit *h = &m->hits[i];

		if (h->versions & 1u << m->version &&
			select_fits(&m->patterns.standings[h->rule], m->version, kind))
			fn(arg, &m->policy->rules[h->rule]);
	}
	return 0;
}
