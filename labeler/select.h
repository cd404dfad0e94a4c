/* SPDX-License-Identifier: MIT */
/* Which of the rules that match a key counts, in each version of libselinux. */
#ifndef LABELER_SELECT_H
#define LABELER_SELECT_H

#include <stddef.h>
#include <stdint.h>

#include "labeler/pattern.h"

#define NO_RULE UINT32_MAX

/* A rule that matches a key, and in which versions it is asked at all. */
struct hit {
	uint32_t rule;
	uint8_t versions;
};

/* Whether a rule is for a file of that kind. */
bool select_fits(const struct standing *s, enum labeler_version v, enum kind kind);

/*
 * The winner for a file of that kind, or NO_RULE. hits are ascending by rule, each rule
 * once.
 */
uint32_t select_rule(const struct standing *standings, const struct hit *hits,
	size_t count, enum labeler_version v, enum kind kind);

#endif
