/* SPDX-License-Identifier: MIT */
#include "labeler/syntax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "labeler/syntax_class.h"

#define DEPTH_MAX  100    /* nested groups */
#define REPEAT_MAX 65535u /* of {n,m} */
/* Bytes of PCRE2's code, rounded up; a quantifier adds some to what it is of. */
#define COST_BYTE        4u
#define COST_CLASS       40u
#define COST_GROUP       16u
#define COST_ALTERNATIVE 4u

#define LIST_MAX 262144u

/* Numbers in parser.list: first and last positions of a part of the expression. */
struct list {
	size_t at, len;
};

struct part {
	struct list first, last;
	bool nullable;
};

struct edge {
	uint32_t from, to;
};

struct parser {
	struct nfa *n;
	const char *p, *end;
	bool comma;
	int depth;
	size_t base; /* positions before this expression */
	size_t cost;
	uint32_t *list;
	size_t list_count, list_room;
	struct edge *edges;
	size_t edge_count, edge_room;
	enum syntax_answer failed;
};

static bool fail(struct parser *p, enum syntax_answer why)
{
	if (p->failed == SYNTAX_REGULAR)
		p->failed = why;
	return false;
}

/* Counts what PCRE2 would make of a part, and with it the work. */
static bool pay(struct parser *p, size_t bytes)
{
	p->cost += bytes;
	return p->cost <= SYNTAX_COST_MAX || fail(p, SYNTAX_OTHER);
}

static bool add_item(struct parser *p, uint32_t position)
{
	if (p->list_count >= LIST_MAX)
		return fail(p, SYNTAX_OTHER);
	if (array_room(p->list, p->list_count, &p->list_room) < 0)
		return fail(p, SYNTAX_ERROR);
	p->list[p->list_count++] = position;
	return true;
}

static bool append(struct parser *p, struct list *to, struct list from)
{
	for (size_t i = 0; i < from.len; i++)
		if (!add_item(p, p->list[from.at + i]))
			return false;
	to->len += from.len;
	return true;
}

/* A new list with what is in both. */
static bool join(struct parser *p, struct list a, struct list b, struct list *out)
{
	struct list made = {.at = p->list_count};

	if (!append(p, &made, a) || !append(p, &made, b))
		return false;
	*out = made;
	return true;
}

static bool add_edge(struct parser *p, uint32_t from, uint32_t to)
{
	if (p->edge_count >= SYNTAX_EDGES_MAX)
		return fail(p, SYNTAX_OTHER);
	if (array_room(p->edges, p->edge_count, &p->edge_room) < 0)
		return fail(p, SYNTAX_ERROR);
	p->edges[p->edge_count++] = (struct edge){from, to};
	return true;
}

static bool connect(struct parser *p, struct list last, struct list first)
{
	for (size_t i = 0; i < last.len; i++)
		for (size_t k = 0; k < first.len; k++)
			if (!add_edge(p, p->list[last.at + i], p->list[first.at + k]))
				return false;
	return true;
}

/* a, then b. */
static bool concat(struct parser *p, struct part *a, const struct part *b)
{
	if (!connect(p, a->last, b->first))
		return false;
	if (a->nullable && !join(p, a->first, b->first, &a->first))
		return false;
	if (!b->nullable)
		a->last = b->last;
	else if (!join(p, a->last, b->last, &a->last))
		return false;
	a->nullable = a->nullable && b->nullable;
	return true;
}

static bool either(struct parser *p, struct part *a, const struct part *b)
{
	a->nullable = a->nullable || b->nullable;
	return join(p, a->first, b->first, &a->first) &&
	       join(p, a->last, b->last, &a->last);
}

/* A new position, of the set with that number. */
static bool one_of(struct parser *p, uint32_t set, struct part *out)
{
	uint32_t position;

	if (p->n->count - p->base > SYNTAX_POSITIONS_MAX ||
		p->n->set_count > SYNTAX_SETS_MAX)
		return fail(p, SYNTAX_OTHER);
	position = set == UINT32_MAX ? set : nfa_position(p->n, set);
	if (position == UINT32_MAX)
		return fail(p, SYNTAX_ERROR);
	*out = (struct part){.first = {p->list_count, 1}, .last = {p->list_count, 1}};
	return add_item(p, position);
}

static bool parse_alternatives(struct parser *p, struct part *out);

static bool parse_group(struct parser *p, struct part *out)
{
	bool fine;

	if (!pay(p, COST_GROUP))
		return false;
	p->p++;
	if (p->p < p->end && *p->p == '*')
		return fail(p, SYNTAX_OTHER); /* a verb */
	if (p->p < p->end && *p->p == '?') {
		if (p->end - p->p < 2 || p->p[1] != ':')
			return fail(p, SYNTAX_OTHER);
		p->p += 2;
	}
	if (++p->depth > DEPTH_MAX)
		return fail(p, SYNTAX_OTHER);
	fine = parse_alternatives(p, out);
	p->depth--;
	if (!fine)
		return false;
	if (p->p == p->end)
		return fail(p, SYNTAX_OTHER);
	p->p++; /* the ')' */
	return true;
}

static bool parse_atom(struct parser *p, struct part *out)
{
	struct byteset s = {{0}};
	char c = *p->p;

	switch (c) {
	case '(':
		return parse_group(p, out);
	case '[':
	case '\\':
	case '.':
		if (!pay(p, COST_CLASS))
			return false;
		return syntax_class(&p->p, p->end, &s) ? one_of(p, nfa_set(p->n, &s), out)
						       : fail(p, SYNTAX_OTHER);
	case '^':
	case '$':
	case '*':
	case '+':
	case '?':
		return fail(p, SYNTAX_OTHER);
	default:
		if (!pay(p, COST_BYTE))
			return false;
		p->p++;
		return one_of(p, nfa_set_of(p->n, (unsigned char)c), out);
	}
}

struct repeat {
	unsigned low, high; /* high UINT_MAX: without end */
};
#define NO_END UINT32_MAX

/* A number up to REPEAT_MAX; false where it is larger. *at stays where there is none. */
static bool number(const char **at, const char *end, unsigned *out)
{
	unsigned v = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
		v = v * 10 + (unsigned)(**at - '0');
		if (v > REPEAT_MAX)
			return false;
	}
	*out = v;
	return true;
}

/* {n}, {n,}, {n,m}, and {,m} if that counts. 1 with *r and *at set, 0: stands for itself.
 */
static int braces(const struct parser *p, const char **at, struct repeat *r)
{
	const char *s = *at + 1;
	const char *digits = s;
	bool low;

	if (!number(&s, p->end, &r->low))
		return -1;
	low = s > digits;
	r->high = r->low;
	if (s < p->end && *s == ',') {
		digits = ++s;
		if (!number(&s, p->end, &r->high))
			return -1;
		if (s == digits) {
			if (!low)
				return 0;
			r->high = NO_END;
		} else if (!low && !p->comma) {
			return 0;
		}
	} else if (!low) {
		return 0;
	}
	if (s == p->end || *s != '}')
		return 0;
	if (r->low > r->high)
		return -1;
	*at = s + 1;
	return 1;
}

/* Returns 1 with *r set, 0 where no quantifier follows, -1 where it is not for us. */
static int quantifier(struct parser *p, struct repeat *r)
{
	const char *at = p->p;
	int got = 1;

	if (at == p->end)
		return 0;
	if (*at == '{') {
		got = braces(p, &at, r);
	} else if (*at == '*' || *at == '+' || *at == '?') {
		r->low = *at == '+';
		r->high = *at == '?' ? 1 : NO_END;
		at++;
	} else {
		got = 0;
	}
	if (got <= 0)
		return got;
	if (at < p->end && *at == '?')
		at++; /* lazy: another order, the same language */
	if (at < p->end && (*at == '*' || *at == '+' || *at == '?' || *at == '{'))
		return -1; /* possessive, or a second one */
	p->p = at;
	return 1;
}

static bool parse_atom_again(struct parser *p, const char *atom, struct part *out)
{
	const char *after = p->p;
	bool fine;

	p->p = atom;
	fine = parse_atom(p, out);
	p->p = after;
	return fine;
}

/* The atom at `atom`, of which `part` is the first copy, as often as r says. */
static bool repeat(
	struct parser *p, const char *atom, struct part *part, const struct repeat *r)
{
	unsigned copies = r->high == NO_END ? (r->low ? r->low : 1) : r->high;
	struct part all = *part;

	if (r->high == 0) {
		*part = (struct part){.nullable = true};
		return true;
	}
	if (r->high == NO_END && copies == 1 && !connect(p, all.last, all.first))
		return false;
	if (r->low == 0)
		all.nullable = true;
	for (unsigned i = 1; i < copies; i++) {
		struct part next;

		if (!parse_atom_again(p, atom, &next))
			return false;
		if (r->high == NO_END && i + 1 == copies &&
			!connect(p, next.last, next.first))
			return false;
		if (i >= r->low)
			next.nullable = true;
		if (!concat(p, &all, &next))
			return false;
	}
	*part = all;
	return true;
}

/* A '{' where an atom is due stands for itself, unless it is a quantifier of nothing. */
static bool braces_of_nothing(const struct parser *p)
{
	const char *at = p->p;
	struct repeat r;

	return *at == '{' && braces(p, &at, &r) != 0;
}

static bool parse_sequence(struct parser *p, struct part *out)
{
	*out = (struct part){.nullable = true};
	while (p->p < p->end && *p->p != '|' && *p->p != ')') {
		const char *atom = p->p;
		struct repeat r;
		struct part next;
		int got;

		if (braces_of_nothing(p))
			return fail(p, SYNTAX_OTHER);
		if (!parse_atom(p, &next))
			return false;
		got = quantifier(p, &r);
		if (got < 0)
			return fail(p, SYNTAX_OTHER);
		if (got > 0 && !repeat(p, atom, &next, &r))
			return false;
		if (!concat(p, out, &next))
			return false;
	}
	return true;
}

/* Up to the ')' that is not its own, or the end. */
static bool parse_alternatives(struct parser *p, struct part *out)
{
	if (!parse_sequence(p, out))
		return false;
	while (p->p < p->end && *p->p == '|') {
		struct part next;

		p->p++;
		if (!pay(p, COST_ALTERNATIVE) || !parse_sequence(p, &next) ||
			!either(p, out, &next))
			return false;
	}
	return true;
}

static int by_edge(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

/* Edges become lists of followers. */
static bool settle(struct parser *p)
{
	struct nfa *n = p->n;

	if (p->edge_count > 1)
		qsort(p->edges, p->edge_count, sizeof(*p->edges), by_edge);
	for (size_t i = 0; i < p->edge_count; i++) {
		const struct edge *d = &p->edges[i];
		struct position *from = &n->positions[d->from];

		if (i > 0 && d[-1].from == d->from && d[-1].to == d->to)
			continue;
		if (from->follow_count == 0)
			from->follow = (uint32_t)n->follower_count;
		if (nfa_follower(n, d->to) == UINT32_MAX)
			return fail(p, SYNTAX_ERROR);
		n->positions[d->from].follow_count++;
	}
	return true;
}

static bool parse_all(struct parser *p, uint32_t *start)
{
	static const struct byteset nothing;
	uint32_t set = nfa_set(p->n, &nothing);
	struct part all;

	*start = set == UINT32_MAX ? set : nfa_position(p->n, set);
	if (*start == UINT32_MAX)
		return fail(p, SYNTAX_ERROR);
	if (!parse_sequence(p, &all))
		return false;
	if (p->p < p->end)
		return fail(p, SYNTAX_OTHER); /* "a|b": the anchors bind tighter */
	for (size_t i = 0; i < all.first.len; i++)
		if (!add_edge(p, *start, p->list[all.first.at + i]))
			return false;
	if (!settle(p))
		return false;
	for (size_t i = 0; i < all.last.len; i++)
		p->n->positions[p->list[all.last.at + i]].accepts = true;
	p->n->positions[*start].accepts = all.nullable;
	return true;
}

enum syntax_answer syntax_parse(
	struct nfa *n, const char *text, size_t len, bool comma, uint32_t *start)
{
	struct parser p = {
		.n = n,
		.p = text,
		.end = text + len,
		.comma = comma,
		.base = n->count,
		.failed = SYNTAX_REGULAR,
	};
	size_t followers = n->follower_count;

	if (len > SYNTAX_TEXT_MAX || n->cost > SYNTAX_COST_ALL_MAX ||
		n->follower_count > SYNTAX_FOLLOWERS_MAX)
		return SYNTAX_OTHER;
	if (!parse_all(&p, start)) {
		n->count = p.base;
		n->follower_count = followers;
	}
	n->cost += p.cost;
	free(p.list);
	free(p.edges);
	return p.failed;
}
