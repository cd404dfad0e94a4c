/* SPDX-License-Identifier: MIT */
#include "labeler/nfa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

#define NOT_THERE UINT32_MAX
#define SMALL     100 /* numbers; more are sorted by qsort() */

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void insertion_sort(uint32_t *numbers, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		uint32_t moved = numbers[i];
		size_t k = i;

		for (; k > 0 && numbers[k - 1] > moved; k--)
			numbers[k] = numbers[k - 1];
		numbers[k] = moved;
	}
}

size_t nfa_sort(uint32_t *numbers, size_t count)
{
	size_t kept = 0;

	if (count <= SMALL)
		insertion_sort(numbers, count);
	else
		qsort(numbers, count, sizeof(*numbers), by_number);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || numbers[kept - 1] != numbers[i])
			numbers[kept++] = numbers[i];
	return kept;
}

static size_t hash_set(const struct byteset *s)
{
	uint64_t h = 0;

	for (int i = 0; i < 4; i++) {
		h = (h ^ s->word[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return (size_t)h;
}

static int rehash(struct nfa *n)
{
	size_t size = n->set_hash_size ? n->set_hash_size * 2 : 256;
	uint32_t *hash = calloc(size, sizeof(*hash));

	if (!hash)
		return -1;
	for (size_t i = 0; i < n->set_count; i++) {
		size_t at = hash_set(&n->sets[i]) & (size - 1);

		while (hash[at])
			at = (at + 1) & (size - 1);
		hash[at] = (uint32_t)i + 1;
	}
	free(n->set_hash);
	n->set_hash = hash;
	n->set_hash_size = size;
	return 0;
}

uint32_t nfa_set(struct nfa *n, const struct byteset *s)
{
	size_t at;

	if (n->set_count * 2 >= n->set_hash_size && rehash(n) < 0)
		return NOT_THERE;
	at = hash_set(s) & (n->set_hash_size - 1);
	for (; n->set_hash[at]; at = (at + 1) & (n->set_hash_size - 1))
		if (memcmp(&n->sets[n->set_hash[at] - 1], s, sizeof(*s)) == 0)
			return n->set_hash[at] - 1;
	if (array_room(n->sets, n->set_count, &n->set_room) < 0)
		return NOT_THERE;
	n->sets[n->set_count++] = *s;
	n->set_hash[at] = (uint32_t)n->set_count;
	return (uint32_t)n->set_count - 1;
}

uint32_t nfa_set_of(struct nfa *n, unsigned char c)
{
	struct byteset s = {{0}};
	uint32_t set;

	if (n->single[c])
		return n->single[c] - 1;
	byteset_add(&s, c);
	set = nfa_set(n, &s);
	if (set != NOT_THERE)
		n->single[c] = set + 1;
	return set;
}

uint32_t nfa_position(struct nfa *n, uint32_t set)
{
	if (array_room(n->positions, n->count, &n->room) < 0)
		return NOT_THERE;
	n->positions[n->count] = (struct position){.set = set};
	return (uint32_t)n->count++;
}

uint32_t nfa_follower(struct nfa *n, uint32_t position)
{
	if (array_room(n->followers, n->follower_count, &n->follower_room) < 0)
		return NOT_THERE;
	n->followers[n->follower_count] = position;
	return (uint32_t)n->follower_count++;
}

void nfa_free(struct nfa *n)
{
	free(n->positions);
	free(n->followers);
	free(n->sets);
	free(n->set_hash);
	*n = (struct nfa){0};
}

/* Splits each class into those in the set and those that are not. */
static unsigned refine(unsigned char class[256], const struct byteset *s)
{
	int inside[256]; /* new number of the class's part in the set, or -1 */
	int outside[256];
	unsigned made = 0;

	memset(inside, -1, sizeof(inside));
	memset(outside, -1, sizeof(outside));
	for (int c = 0; c < 256; c++) {
		int *part = byteset_has(s, (unsigned char)c) ? &inside[class[c]]
							     : &outside[class[c]];

		if (*part < 0)
			*part = (int)made++;
		class[c] = (unsigned char)*part;
	}
	return made;
}

unsigned nfa_classes(
	const struct nfa *n, const struct byteset *alone, unsigned char class[256])
{
	unsigned count = 1;

	memset(class, 0, 256);
	for (int c = 0; c < 256 && count < 256; c++) {
		struct byteset one = {{0}};

		if (!byteset_has(alone, (unsigned char)c))
			continue;
		byteset_add(&one, (unsigned char)c);
		count = refine(class, &one);
	}
	for (size_t i = 0; i < n->set_count && count < 256; i++)
		count = refine(class, &n->sets[i]);
	return count;
}
