/* SPDX-License-Identifier: MIT */
/*
 * Our own engine: a path becomes a key (cleaned, substituted), the automaton says which
 * rules match the key, and the version's order says which of them counts.
 */
#ifndef LABELER_MATCHER_H
#define LABELER_MATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "labeler/automaton.h"
#include "labeler/key.h"
#include "labeler/labeler.h"
#include "labeler/pattern.h"
#include "labeler/reference.h"
#include "labeler/select.h"

/* The answers of one state, for keys that need nothing but the state. */
struct answer {
	uint32_t rule;
	uint8_t differs; /* as in struct labeler_result */
	bool known;
};

struct answers {
	struct answer of[KINDS];
	bool by_key; /* PCRE2 has a say: nothing is kept */
};

struct matcher {
	const struct policy *policy;
	enum labeler_version version;
	struct patterns patterns;
	struct automaton automaton;
	struct reference reference;
	struct answers *answers;
	size_t answer_count, answer_room;
	uint32_t answer_epoch;
	struct keys keys;
	struct hit *hits;
	size_t hit_count, hit_room;
};

/* m is zeroed before; matcher_free() after success and failure. Return 0 or -1. */
int matcher_make(struct matcher *m, const struct policy *policy,
	enum labeler_version version, struct err *e);
void matcher_free(struct matcher *m);

int matcher_lookup(struct matcher *m, const char *path, mode_t mode,
	struct labeler_result *out, struct err *e);
int matcher_enter(struct matcher *m, const struct labeler_cursor *parent,
	const char *path, struct labeler_cursor *out, struct err *e);
int matcher_lookup_in(struct matcher *m, const struct labeler_cursor *dir,
	const char *path, mode_t mode, struct labeler_result *out, struct err *e);

/* Sets m->hits: the rules that match the key, of all types, ascending. */
int matcher_hits(struct matcher *m, const struct key *key, struct err *e);

/* From the rule that counts in each version: those whose label is not this version's. */
unsigned matcher_differs(const struct matcher *m, const uint32_t rules[LABELER_VERSIONS]);

/* The result that a rule, or NO_RULE, stands for. */
struct labeler_result matcher_result(
	const struct matcher *m, uint32_t rule, unsigned differs);

#endif
