/* SPDX-License-Identifier: MIT */
/*
 * What a policy's rules mean in each version of libselinux: for each rule its standing
 * (exact path or expression, how deep its stem is, …) and one or more patterns that say
 * which keys it matches. A rule has several patterns where versions disagree about that.
 *
 * A stem is the start of an expression that libselinux compares as text before it matches
 * anything: the first component as written in 3.4, up to three components without their
 * backslashes since 3.8. A rule is not asked for a key that does not begin with its stem
 * and a '/', whatever the expression says; so a pattern's prefix begins with the stem.
 */
#ifndef LABELER_PATTERN_H
#define LABELER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "labeler/expression.h"
#include "labeler/labeler.h"
#include "labeler/nfa.h"
#include "labeler/policy.h"

#define PATTERN_POSITIONS_MAX                                                            \
	(2u << 20) /* of a policy; expressions beyond go to PCRE2                        \
		    */

/* Kinds of files in the order in which 3.8 and later prefer exact rules, the last first.
 */
enum kind {
	KIND_ANY,
	KIND_DIR,
	KIND_CHR,
	KIND_BLK,
	KIND_SOCK,
	KIND_FIFO,
	KIND_LNK,
	KIND_REG,
	KIND_UNKNOWN, /* of a look-up only: bits that mean no type */
};
#define KINDS 9

enum kind kind_of(mode_t mode);

struct standing {
	enum kind kind;
	uint8_t input; /* enum policy_part */
	uint8_t depth; /* components of the stem since 3.8 */
	bool exact_3_4;
	bool exact_3_8;   /* since 3.8: compared as text */
	uint32_t context; /* equal for equal contexts; 0: <<none>> */
};

#define ALL_VERSIONS ((1u << LABELER_VERSIONS) - 1)
#define VERSION_3_4  (1u << LABELER_3_4)
#define SINCE_3_8    (ALL_VERSIONS & ~VERSION_3_4)

struct pattern {
	uint32_t rule;
	uint8_t versions;   /* bits 1 << enum labeler_version */
	const char *prefix; /* what any key begins with; bytes without NUL */
	uint32_t prefix_len;
	uint32_t start; /* in nfa: what comes behind the prefix */
	/* NULL, or what decides in place of the positions, which take anything then. */
	const struct expression *expression;
};

struct patterns {
	const struct policy *policy;
	struct standing *standings; /* one a rule */
	struct pattern *list;       /* sorted by prefix, the shorter first */
	size_t count, room;
	struct nfa nfa;
	struct expressions expressions;
	char **prefixes; /* owns what list points to */
	size_t prefix_count, prefix_room;
};

/* p is zeroed before; patterns_free() after success and failure. Returns 0 or -1. */
int patterns_make(struct patterns *p, const struct policy *policy, struct err *e);
void patterns_free(struct patterns *p);

#endif
