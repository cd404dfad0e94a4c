/* SPDX-License-Identifier: MIT */
/* Numbers that depend on a seed alone (splitmix64). */
#ifndef TESTS_VIEW_RANDOM_H
#define TESTS_VIEW_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline unsigned random_below(uint64_t *state, unsigned n)
{
	return (unsigned)(random_next(state) >> 33) % n;
}

/* True in `percent` cases of a hundred. */
static inline bool random_chance(uint64_t *state, unsigned percent)
{
	return random_below(state, 100) < percent;
}

static inline void random_fill(uint64_t seed, void *bytes, size_t len)
{
	unsigned char *p = bytes;
	uint64_t bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = i % 8 ? bits >> 8 : random_next(&seed);
		p[i] = (unsigned char)bits;
	}
}

#define random_pick(state, array)                                                        \
	((array)[random_below((state), sizeof(array) / sizeof((array)[0]))])

#endif
