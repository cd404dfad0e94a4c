/* SPDX-License-Identifier: MIT */
/* The parts of an expression that stand for one byte: '.', escapes, [classes]. */
#ifndef LABELER_SYNTAX_CLASS_H
#define LABELER_SYNTAX_CLASS_H

#include <stdbool.h>

#include "labeler/nfa.h"

/*
 * Reads one at *at ('.', '\\' or '[') into an empty set and moves *at behind it. Returns
 * false for what only PCRE2 can read, or nobody.
 */
bool syntax_class(const char **at, const char *end, struct byteset *s);

/* Whether a backslash before c just makes it stand for itself. */
bool syntax_escapes_itself(char c);

#endif
