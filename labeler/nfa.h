/* SPDX-License-Identifier: MIT */
/*
 * Positions of regular expressions after Glushkov: each stands for one place in an
 * expression that consumes one byte of a set; what may come next is its list of
 * followers. A start position consumes nothing.
 */
#ifndef LABELER_NFA_H
#define LABELER_NFA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byteset {
	uint64_t word[4];
};

static inline bool byteset_has(const struct byteset *s, unsigned char c)
{
	return s->word[c >> 6] >> (c & 63) & 1;
}

static inline void byteset_add(struct byteset *s, unsigned char c)
{
	s->word[c >> 6] |= (uint64_t)1 << (c & 63);
}

struct position {
	uint32_t set;     /* in nfa.sets; of a start position the empty set */
	uint32_t pattern; /* whose match ends here, if accepts is set */
	uint32_t follow;  /* in nfa.followers */
	uint32_t follow_count;
	bool accepts;
};

/*
 * Positions of all expressions of a policy together. Bounded by whoever adds to it (see
 * syntax.h); indices are below 2^31.
 */
struct nfa {
	struct position *positions;
	size_t count, room;
	uint32_t *followers; /* position numbers, ascending in each list */
	size_t follower_count, follower_room;
	struct byteset *sets; /* 0: the empty set */
	size_t set_count, set_room;
	uint32_t *set_hash; /* open addressing; 0: free, else set + 1 */
	size_t set_hash_size;
	uint64_t cost;        /* of all that was parsed, see syntax.h */
	uint32_t single[256]; /* the set of that byte alone + 1; 0: not asked for yet */
};

/* All return a number, or UINT32_MAX with errno ENOMEM. */
uint32_t nfa_set(struct nfa *n, const struct byteset *s);
uint32_t nfa_set_of(struct nfa *n, unsigned char c);
uint32_t nfa_position(struct nfa *n, uint32_t set);
/* Appends to the list of followers; the caller sets follow and follow_count. */
uint32_t nfa_follower(struct nfa *n, uint32_t position);
void nfa_free(struct nfa *n);

/*
 * Parts all bytes into classes that no set tells apart. Bytes of `alone` (literal text)
 * have a class of their own. Returns the number of classes, 1 to 256.
 */
unsigned nfa_classes(
	const struct nfa *n, const struct byteset *alone, unsigned char class[256]);

/* Ascending, each number once; returns how many are left. Fast where it is nearly so
 * already. */
size_t nfa_sort(uint32_t *numbers, size_t count);

#endif
