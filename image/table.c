/* SPDX-License-Identifier: MIT */
#include "image/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct table_slot {
	uint64_t key, value;
	bool used;
};

static uint64_t seed;
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
	/* Without entropy the seed stays 0: slower at worst, never wrong. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = 0;
}

/* The finalizer of MurmurHash3: each bit of the input reaches each of the output. */
static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ (h >> 33);
}

uint64_t table_hash_bytes(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t h;

	pthread_once(&seeded, make_seed);
	h = seed;
	while (len-- > 0)
		h = mix(h ^ *p++);
	return h;
}

uint64_t table_hash(const char *s)
{
	return table_hash_bytes(s, strlen(s));
}

static struct table_slot *probe(const struct table *t, size_t *at)
{
	struct table_slot *s = &t->slots[*at];

	*at = (*at + 1) & (t->size - 1);
	return s->used ? s : NULL;
}

static void put(struct table *t, uint64_t key, uint64_t value)
{
	size_t at = mix(key ^ seed) & (t->size - 1);

	while (t->slots[at].used)
		at = (at + 1) & (t->size - 1);
	t->slots[at] = (struct table_slot){key, value, true};
	t->count++;
}

int table_add(struct table *t, uint64_t key, uint64_t value)
{
	pthread_once(&seeded, make_seed);
	if (t->count * 4 >= t->size * 3) {
		struct table old = *t;

		t->size = old.size ? old.size * 2 : 1024;
		t->slots = calloc(t->size, sizeof(*t->slots));
		if (!t->slots) {
			*t = old;
			return -1;
		}
		t->count = 0;
		for (size_t i = 0; i < old.size; i++)
			if (old.slots[i].used)
				put(t, old.slots[i].key, old.slots[i].value);
		free(old.slots);
	}
	put(t, key, value);
	return 0;
}

bool table_find(const struct table *t, uint64_t key,
	bool (*same)(const void *arg, uint64_t value, const void *want), const void *arg,
	const void *want, uint64_t *value)
{
	size_t at = t->size ? mix(key ^ seed) & (t->size - 1) : 0;
	const struct table_slot *s;

	while (t->size && (s = probe(t, &at)))
		if (s->key == key && (!same || same(arg, s->value, want))) {
			*value = s->value;
			return true;
		}
	return false;
}

void table_clear(struct table *t)
{
	if (t->slots)
		memset(t->slots, 0, t->size * sizeof(*t->slots));
	t->count = 0;
}

void table_free(struct table *t)
{
	free(t->slots);
	*t = (struct table){0};
}
