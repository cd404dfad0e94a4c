/* SPDX-License-Identifier: MIT */
/*
 * The regular part of PCRE2's syntax (pcre2syntax(3)) as libselinux uses it (DOTALL,
 * bytes, anchored at both ends), turned into positions. What is not in it is told apart,
 * never guessed at: PCRE2 has to match that. Whatever is taken here compiles in PCRE2
 * too.
 *
 * Taken: bytes, '.', escaped punctuation, \d \w \s and their opposites, [classes] without
 * POSIX names, (groups) and (?:groups), alternatives inside groups, the quantifiers
 * * + ? {n} {n,} {n,m}, also lazy ones.
 */
#ifndef LABELER_SYNTAX_H
#define LABELER_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "labeler/nfa.h"

#define SYNTAX_TEXT_MAX      4000u  /* bytes of an expression */
#define SYNTAX_POSITIONS_MAX 1500u  /* of one expression */
#define SYNTAX_EDGES_MAX     65536u /* of one expression, before doubles are dropped */

/*
 * Bytes that PCRE2 would make of one expression, by a generous count: it takes 65,535, so
 * that what is taken here stays well below. And of all expressions of a policy together;
 * those that come later are not for us, so that reading a policy takes a bounded time.
 */
#define SYNTAX_COST_MAX     40000u
#define SYNTAX_COST_ALL_MAX (64u << 20)

#define SYNTAX_FOLLOWERS_MAX (4u << 20) /* of a policy */
#define SYNTAX_SETS_MAX      4096u      /* of a policy; real ones have some dozens */

enum syntax_answer {
	SYNTAX_ERROR = -1, /* errno ENOMEM */
	SYNTAX_OTHER = 0,  /* not regular, too large, or not even an expression */
	SYNTAX_REGULAR = 1,
};

/*
 * Appends the positions of text to n, the start position first: *start. `comma` says that
 * {,n} is a quantifier, as it is since PCRE2 10.43; before, it stood for itself.
 * Positions of an expression that turns out not to be regular are taken away again.
 */
enum syntax_answer syntax_parse(
	struct nfa *n, const char *text, size_t len, bool comma, uint32_t *start);

/*
 * The bytes that any match begins with, as far as the text says so plainly. prefix is
 * NULL or has room for len bytes; *prefix_len is how many there are. Returns how many
 * bytes of text say it.
 */
size_t syntax_prefix(const char *text, size_t len, char *prefix, size_t *prefix_len);

/* The bytes of the {,n} that text begins with; 0 where it does not. */
size_t syntax_comma(const char *text, size_t len);

/* Whether {,n} stands somewhere in it, so that its meaning depends on PCRE2's version. */
bool syntax_has_comma(const char *text, size_t len);

#endif
