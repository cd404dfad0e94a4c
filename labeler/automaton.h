/* SPDX-License-Identifier: MIT */
/*
 * One deterministic automaton over all patterns of a policy, built where keys lead it. A
 * state is a range of patterns whose prefixes the key has followed so far, with a set of
 * positions of those whose prefix is over; equal states are one.
 *
 * When the states take more memory than they may, all are dropped and a new epoch begins:
 * numbers of states are good in their own epoch only.
 */
#ifndef LABELER_AUTOMATON_H
#define LABELER_AUTOMATON_H

#include <stddef.h>
#include <stdint.h>

#include "labeler/pattern.h"

#define AUTOMATON_BYTES_MAX (64u << 20) /* of all states together */
#define AUTOMATON_STEPS_MAX (16u << 20) /* followers looked at in one run */

struct state {
	uint32_t low, high; /* patterns: the key is a proper start of their prefixes */
	uint32_t depth; /* bytes of those prefixes that are behind; 0 if there are none */
	uint32_t positions; /* in pool: the last ones consumed, ascending */
	uint32_t position_count;
	uint32_t accepts; /* in pool: numbers of the patterns that match, ascending */
	uint32_t accept_count;
	uint32_t hash;
	uint32_t note; /* whatever the owner keeps for a state; 0 at first */
};

/* A follower, with what decides whether it is taken. */
struct hop {
	uint32_t position;
	uint32_t set;
};

struct automaton {
	const struct patterns *patterns;
	size_t bytes_max;
	uint32_t epoch;
	uint32_t initial; /* 0 where it is not made yet; see automaton_initial() */
	unsigned classes;
	unsigned char class[256];
	struct hop *hops;     /* as nfa.followers */
	unsigned char *takes; /* [class * sets + set]: whether the set has that class */
	struct state *states; /* 0 is not used: "not built yet" in rows */
	size_t count, room;
	uint32_t *rows; /* one of `classes` numbers for each state */
	uint32_t *pool;
	size_t pool_count, pool_room;
	uint32_t *hash; /* open addressing; 0: free */
	size_t hash_size;
	uint32_t *marks; /* one a position: the last stamp that saw it */
	uint32_t stamp;
	uint32_t *found; /* positions being collected */
	uint64_t steps;  /* of the run that is on */
};

/* a is zeroed before; automaton_free() after success and failure. Returns 0 or -1. */
int automaton_make(struct automaton *a, const struct patterns *p, struct err *e);
void automaton_free(struct automaton *a);

/* The state of the empty key, of this epoch; 0 with e set. */
uint32_t automaton_initial(struct automaton *a, struct err *e);

/*
 * Where `len` bytes lead from a state of this epoch: a state's number, of the epoch that
 * it is afterwards; 0 with e set.
 */
uint32_t automaton_run(
	struct automaton *a, uint32_t from, const char *bytes, size_t len, struct err *e);

static inline const struct state *automaton_state(const struct automaton *a, uint32_t s)
{
	return &a->states[s];
}

/* Bytes that the states take now. */
size_t automaton_bytes(const struct automaton *a);

#endif
