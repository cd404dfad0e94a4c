/* SPDX-License-Identifier: MIT */
/* A hash table of 64-bit values by 64-bit keys, open addressing. For the listing only. */
#ifndef IMAGE_TABLE_H
#define IMAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
	struct table_slot *slots;
	size_t count, size; /* size is a power of two, or 0 */
};

/*
 * A hash of a string. It and the places of keys differ from run to run: neither names nor
 * numbers in an image can be chosen to collide.
 */
uint64_t table_hash(const char *s);
uint64_t table_hash_bytes(const void *bytes, size_t len);

/* A key may be there several times. -1: no memory. */
int table_add(struct table *t, uint64_t key, uint64_t value);

/* The value at key that same() takes; same NULL: the first one. */
bool table_find(const struct table *t, uint64_t key,
	bool (*same)(const void *arg, uint64_t value, const void *want), const void *arg,
	const void *want, uint64_t *value);

void table_clear(struct table *t); /* empty, with its memory */
void table_free(struct table *t);

#endif
