/* SPDX-License-Identifier: MIT */
#include "labeler/automaton.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/quote.h"

/* A state before it has a number; positions are in automaton.found. */
struct draft {
	uint32_t low, high, depth;
	size_t count;
	bool unsorted;
};

static int no_memory(struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, NULL, "cannot build the policy's automaton");
}

/* The patterns of most positions of the draft: whose fault it is, more or less. */
static int too_much(const struct automaton *a, const struct draft *d, struct err *e)
{
	const struct patterns *p = a->patterns;
	const struct labeler_rule *worst = &p->policy->rules[0];
	uint32_t last = UINT32_MAX;
	size_t most = 0, run = 0;
	char file[1024], regex[200];

	for (size_t i = 0; i < d->count; i++) {
		uint32_t pattern = p->nfa.positions[a->found[i]].pattern;

		run = pattern == last ? run + 1 : 1;
		last = pattern;
		if (run > most) {
			most = run;
			worst = &p->policy->rules[p->list[pattern].rule];
		}
	}
	return err_set(e, ERR_INPUT,
		"the policy's expressions take too many steps together; the largest part "
		"is the rule at %s:%u ('%s'): make it simpler",
		quote_path(file, sizeof(file), worst->file), worst->line,
		quote_path(regex, sizeof(regex), worst->regex));
}

size_t automaton_bytes(const struct automaton *a)
{
	return a->count * (sizeof(*a->states) + a->classes * sizeof(*a->rows)) +
	       a->pool_count * sizeof(*a->pool) + a->hash_size * sizeof(*a->hash);
}

static uint32_t hash_draft(const struct automaton *a, const struct draft *d)
{
	uint64_t h = ((uint64_t)d->low << 32 | d->high) * 0x9e3779b97f4a7c15u;

	h = (h ^ (h >> 29) ^ d->depth) * 0xbf58476d1ce4e5b9u;
	for (size_t i = 0; i < d->count; i++)
		h = (h ^ (h >> 31) ^ a->found[i]) * 0x94d049bb133111ebu;
	return (uint32_t)(h ^ (h >> 32));
}

static bool equal(const struct automaton *a, const struct state *s, const struct draft *d)
{
	if (s->low != d->low || s->high != d->high || s->depth != d->depth ||
		s->position_count != d->count)
		return false;
	return d->count == 0 || memcmp(a->pool + s->positions, a->found,
					d->count * sizeof(*a->found)) == 0;
}

static int grow_hash(struct automaton *a)
{
	size_t size = a->hash_size ? a->hash_size * 2 : 4096;
	uint32_t *hash = calloc(size, sizeof(*hash));

	if (!hash)
		return -1;
	for (size_t i = 1; i < a->count; i++) {
		size_t at = a->states[i].hash & (size - 1);

		while (hash[at])
			at = (at + 1) & (size - 1);
		hash[at] = (uint32_t)i;
	}
	free(a->hash);
	a->hash = hash;
	a->hash_size = size;
	return 0;
}

static int pool_add(struct automaton *a, const uint32_t *numbers, size_t count)
{
	while (!a->pool || a->pool_room - a->pool_count < count) {
		size_t room = a->pool_room ? a->pool_room * 2 : 65536;
		uint32_t *pool = reallocarray(a->pool, room, sizeof(*pool));

		if (!pool)
			return -1;
		a->pool = pool;
		a->pool_room = room;
	}
	if (count)
		memcpy(a->pool + a->pool_count, numbers, count * sizeof(*numbers));
	a->pool_count += count;
	return 0;
}

/* Which patterns a set of positions matches; positions of one pattern need not be
 * together. */
static int add_accepts(struct automaton *a, struct state *s)
{
	const struct nfa *n = &a->patterns->nfa;

	s->accepts = (uint32_t)a->pool_count;
	for (size_t i = 0; i < s->position_count; i++) {
		const struct position *p = &n->positions[a->pool[s->positions + i]];

		if (p->accepts && pool_add(a, &p->pattern, 1) < 0)
			return -1;
	}
	s->accept_count =
		(uint32_t)nfa_sort(a->pool + s->accepts, a->pool_count - s->accepts);
	a->pool_count = s->accepts + s->accept_count;
	return 0;
}

static int new_row(struct automaton *a)
{
	if (a->count >= a->room) {
		size_t room = a->room ? a->room * 2 : 1024;
		struct state *states = reallocarray(a->states, room, sizeof(*a->states));
		uint32_t *rows;

		if (!states)
			return -1;
		a->states = states;
		rows = reallocarray(a->rows, room * a->classes, sizeof(*rows));
		if (!rows)
			return -1;
		a->rows = rows;
		a->room = room;
	}
	memset(a->rows + a->count * a->classes, 0, a->classes * sizeof(*a->rows));
	return 0;
}

static void drop_states(struct automaton *a);

/* The draft's state, made where there is none yet. 0 with e set. */
static uint32_t intern(struct automaton *a, const struct draft *d, struct err *e)
{
	uint32_t hash = hash_draft(a, d);
	size_t at = hash & (a->hash_size - 1);
	struct state *s;

	for (; a->hash[at]; at = (at + 1) & (a->hash_size - 1))
		if (equal(a, &a->states[a->hash[at]], d))
			return a->hash[at];
	if (a->count > 1 && automaton_bytes(a) > a->bytes_max) {
		if (d->count * sizeof(*a->found) > a->bytes_max / 4) {
			too_much(a, d, e);
			return 0;
		}
		drop_states(a);
		return intern(a, d, e);
	}
	if (new_row(a) < 0) {
		no_memory(e);
		return 0;
	}
	s = &a->states[a->count];
	*s = (struct state){
		.low = d->low,
		.high = d->high,
		.depth = d->depth,
		.positions = (uint32_t)a->pool_count,
		.position_count = (uint32_t)d->count,
		.hash = hash,
	};
	if (pool_add(a, a->found, d->count) < 0 || add_accepts(a, s) < 0) {
		no_memory(e);
		return 0;
	}
	a->hash[at] = (uint32_t)a->count++;
	at = a->count - 1;
	if (a->count * 2 > a->hash_size && grow_hash(a) < 0) {
		no_memory(e);
		return 0;
	}
	return (uint32_t)at;
}

static inline void find(struct automaton *a, struct draft *d, uint32_t position)
{
	if (a->marks[position] == a->stamp)
		return;
	a->marks[position] = a->stamp;
	if (d->count && a->found[d->count - 1] > position)
		d->unsorted = true;
	a->found[d->count++] = position;
}

/* Patterns whose prefix ends where the draft is are at their start positions. */
static void start_patterns(struct automaton *a, struct draft *d)
{
	const struct pattern *list = a->patterns->list;

	for (; d->low < d->high && list[d->low].prefix_len == d->depth; d->low++)
		find(a, d, list[d->low].start);
	if (d->low == d->high)
		d->low = d->high = d->depth = 0;
}

static void new_stamp(struct automaton *a)
{
	if (++a->stamp == 0) {
		memset(a->marks, 0, a->patterns->nfa.count * sizeof(*a->marks));
		a->stamp = 1;
	}
}

/* They mostly come in order: followers stand behind what they follow, and loops stay. */
static void sort_found(struct automaton *a, const struct draft *d)
{
	if (d->unsorted)
		nfa_sort(a->found, d->count);
}

static uint32_t make_initial(struct automaton *a, struct err *e)
{
	struct draft d = {.high = (uint32_t)a->patterns->count};

	new_stamp(a);
	start_patterns(a, &d);
	sort_found(a, &d);
	return intern(a, &d, e);
}

/* Keeps found: a draft may be waiting in it. */
static void drop_states(struct automaton *a)
{
	a->count = 1;
	a->pool_count = 0;
	a->epoch++;
	a->initial = 0; /* made when it is next asked for */
	memset(a->hash, 0, a->hash_size * sizeof(*a->hash));
}

/* The first pattern in [low, high) whose prefix has a byte of at least c at depth. */
static uint32_t bound(const struct automaton *a, const struct draft *d, unsigned c)
{
	const struct pattern *list = a->patterns->list;
	uint32_t low = d->low, high = d->high;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if ((unsigned char)list[mid].prefix[d->depth] < c)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The state after `from` and the byte c. 0 with e set. */
static uint32_t step(struct automaton *a, uint32_t from, unsigned char c, struct err *e)
{
	const struct nfa *n = &a->patterns->nfa;
	const struct state *s = &a->states[from];
	const uint32_t *at = a->pool + s->positions;
	const unsigned char *takes = a->takes + a->class[c] * n->set_count;
	struct draft d = {.low = s->low, .high = s->high, .depth = s->depth};
	uint32_t epoch = a->epoch;
	uint32_t to;

	new_stamp(a);
	for (uint32_t i = 0; i < s->position_count; i++) {
		const struct position *p = &n->positions[at[i]];

		a->steps += p->follow_count;
		for (uint32_t k = 0; k < p->follow_count; k++) {
			const struct hop *hop = &a->hops[p->follow + k];

			if (takes[hop->set])
				find(a, &d, hop->position);
		}
	}
	if (d.low < d.high) {
		uint32_t low = bound(a, &d, c);

		d.high = bound(a, &d, c + 1u);
		d.low = low;
		d.depth++;
		start_patterns(a, &d);
	}
	sort_found(a, &d);
	if (a->steps > AUTOMATON_STEPS_MAX) {
		too_much(a, &d, e);
		return 0;
	}
	to = intern(a, &d, e);
	if (to && a->epoch == epoch)
		a->rows[from * (size_t)a->classes + a->class[c]] = to;
	return to;
}

uint32_t automaton_run(
	struct automaton *a, uint32_t from, const char *bytes, size_t len, struct err *e)
{
	uint32_t s = from;

	a->steps = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		uint32_t next = a->rows[s * (size_t)a->classes + a->class[c]];

		if (!next)
			next = step(a, s, c, e);
		if (!next)
			return 0;
		s = next;
	}
	return s;
}

uint32_t automaton_initial(struct automaton *a, struct err *e)
{
	if (!a->initial)
		a->initial = make_initial(a, e);
	return a->initial;
}

static int make_hops(struct automaton *a)
{
	const struct nfa *n = &a->patterns->nfa;

	a->hops = malloc((n->follower_count + 1) * sizeof(*a->hops));
	a->takes = calloc(a->classes, n->set_count + 1);
	if (!a->hops || !a->takes)
		return -1;
	for (size_t i = 0; i < n->follower_count; i++)
		a->hops[i] =
			(struct hop){n->followers[i], n->positions[n->followers[i]].set};
	for (unsigned c = 0; c < 256; c++)
		for (size_t i = 0; i < n->set_count; i++)
			a->takes[a->class[c] * n -> set_count + i] =
				byteset_has(&n->sets[i], (unsigned char)c);
	return 0;
}

int automaton_make(struct automaton *a, const struct patterns *p, struct err *e)
{
	struct byteset text = {{0}};

	a->patterns = p;
	a->bytes_max = AUTOMATON_BYTES_MAX;
	for (size_t i = 0; i < p->count; i++)
		for (size_t k = 0; k < p->list[i].prefix_len; k++)
			byteset_add(&text, (unsigned char)p->list[i].prefix[k]);
	a->classes = nfa_classes(&p->nfa, &text, a->class);
	a->marks = calloc(p->nfa.count + 1, sizeof(*a->marks));
	a->found = malloc((p->nfa.count + 1) * sizeof(*a->found));
	if (!a->marks || !a->found || make_hops(a) < 0 || grow_hash(a) < 0)
		return no_memory(e);
	drop_states(a);
	return 0;
}

void automaton_free(struct automaton *a)
{
	free(a->hops);
	free(a->takes);
	free(a->states);
	free(a->rows);
	free(a->pool);
	free(a->hash);
	free(a->marks);
	free(a->found);
	*a = (struct automaton){0};
}
