/* SPDX-License-Identifier: MIT */
#include "labeler/select.h"

#include "labeler/standing.h"

bool select_fits(const struct standing *s, enum labeler_version v, enum kind kind)
{
	if (kind == KIND_ANY || s->kind == KIND_ANY)
		return true;
	/* Bits that mean no type: rules of no type in 3.4, all rules later. */
	if (kind == KIND_UNKNOWN)
		return v != LABELER_3_4;
	return s->kind == kind;
}

/* Exact paths before all expressions, and among equals the last. */
static uint32_t select_3_4(const struct standing *standings, const struct hit *hits,
	size_t count, enum kind kind)
{
	uint32_t last = NO_RULE;

	for (size_t i = count; i-- > 0;) {
		const struct standing *s = &standings[hits[i].rule];

		if (!(hits[i].versions & VERSION_3_4) ||
			!select_fits(s, LABELER_3_4, kind))
			continue;
		if (s->exact_3_4)
			return hits[i].rule;
		if (last == NO_RULE)
			last = hits[i].rule;
	}
	return last;
}

/* Whether a, which comes after b in the files, counts where both are the same exact path.
 */
static bool exact_before(
	const struct standing *a, const struct standing *b, enum labeler_version v)
{
	if (v == LABELER_3_8)
		return a->kind > b->kind;
	return a->input > b->input;
}

static uint32_t select_exact(const struct standing *standings, const struct hit *hits,
	size_t count, enum labeler_version v, enum kind kind)
{
	uint32_t best = NO_RULE;

	for (size_t i = 0; i < count; i++) {
		const struct standing *s = &standings[hits[i].rule];

		if (!(hits[i].versions & 1u << v) || !s->exact_3_8 ||
			!select_fits(s, v, kind))
			continue;
		if (best == NO_RULE || exact_before(s, &standings[best], v))
			best = hits[i].rule;
	}
	return best;
}

/*
 * Expressions since 3.8: the last one filed under the deepest stem, unless a later one is
 * filed under a shorter stem, and so on up; but what says <<none>> ends the search.
 */
static uint32_t select_expression(const struct standing *standings,
	const struct hit *hits, size_t count, enum labeler_version v, enum kind kind)
{
	uint32_t best = NO_RULE;

	for (unsigned depth = STEM_DEPTH_MAX + 1; depth-- > 0;) {
		for (size_t i = count; i-- > 0;) {
			const struct standing *s = &standings[hits[i].rule];

			if (best != NO_RULE && hits[i].rule < best)
				break;
			if (!(hits[i].versions & 1u << v) || s->exact_3_8 ||
				s->depth != depth || !select_fits(s, v, kind))
				continue;
			best = hits[i].rule;
			if (s->context == 0)
				return best;
			break;
		}
	}
	return best;
}

uint32_t select_rule(const struct standing *standings, const struct hit *hits,
	size_t count, enum labeler_version v, enum kind kind)
{
	uint32_t exact;

	if (v == LABELER_3_4)
		return select_3_4(standings, hits, count, kind);
	exact = select_exact(standings, hits, count, v, kind);
	if (exact != NO_RULE)
		return exact;
	return select_expression(standings, hits, count, v, kind);
}
