/* SPDX-License-Identifier: MIT */
/*
 * What libselinux makes of an expression's text before it compiles anything: whether it
 * is an exact path, and what its stem is. Both have changed with 3.8.
 */
#ifndef LABELER_STANDING_H
#define LABELER_STANDING_H

#include <stdbool.h>
#include <stddef.h>

#define STEM_DEPTH_MAX 3 /* components, since 3.8 */

/* 3.4: no character that an expression needs stands in it without a backslash. */
bool exact_in_3_4(const char *regex);

/*
 * Since 3.8: besides, no closing bracket, and a backslash only before characters of a
 * short list. Returns whether it is one; then path (room for strlen(regex) bytes) is what
 * it stands for.
 */
bool exact_since_3_8(const char *regex, char *path, size_t *len);

/*
 * Whether 3.8 and later ever find that exact path: with two slashes in a row they file it
 * elsewhere than they look.
 */
bool exact_is_found(const char *path, size_t len);

/* 3.4: bytes of regex before its second '/' that are compared as they stand; 0: no stem.
 */
size_t stem_in_3_4(const char *regex);

/*
 * Since 3.8: the stem as keys begin with it, "/a/b/" (room for strlen(regex) + 2 bytes),
 * or nothing. Returns its components.
 */
unsigned stem_since_3_8(const char *regex, char *stem, size_t *len);

#endif
