/* SPDX-License-Identifier: MIT */
#include "labeler/standing.h"

#include <string.h>

#define META_3_4 ".^$?*+|[({"
#define META     META_3_4 "])}"
#define ESCAPED  META "-_,"

static bool in(const char *set, char c)
{
	return c != '\0' && strchr(set, c);
}

bool exact_in_3_4(const char *regex)
{
	for (const char *c = regex; *c; c++) {
		if (in(META_3_4, *c))
			return false;
		if (*c == '\\' && *++c == '\0')
			break;
	}
	return true;
}

/* Copies len bytes of an expression without backslashes; false where it is not plain
 * text. */
static bool simplify(const char *regex, size_t len, char *out, size_t *out_len)
{
	*out_len = 0;
	for (size_t i = 0; i < len; i++) {
		if (in(META, regex[i]))
			return false;
		if (regex[i] == '\\' && (++i == len || !in(ESCAPED, regex[i])))
			return false;
		out[(*out_len)++] = regex[i];
	}
	return true;
}

bool exact_since_3_8(const char *regex, char *path, size_t *len)
{
	return simplify(regex, strlen(regex), path, len);
}

/*
 * Rules are filed under their first three directories, empty names passed over; a look-up
 * goes down the same directories and stops at an empty name.
 */
bool exact_is_found(const char *path, size_t len)
{
	const char *p = path;
	const char *end = path + len;
	bool empty = false;

	for (unsigned depth = 0; depth < STEM_DEPTH_MAX;) {
		const char *q;

		if (p == end || *p != '/')
			break;
		q = memchr(p + 1, '/', (size_t)(end - p - 1));
		if (!q)
			break;
		if (q == p + 1) {
			empty = true;
		} else {
			if (empty)
				return false;
			depth++;
		}
		p = q;
	}
	return true;
}

size_t stem_in_3_4(const char *regex)
{
	const char *slash = regex[0] ? strchr(regex + 1, '/') : NULL;

	if (!slash)
		return 0;
	for (const char *c = regex; c < slash; c++)
		if (in(META_3_4, *c))
			return 0;
	return (size_t)(slash - regex);
}

unsigned stem_since_3_8(const char *regex, char *stem, size_t *len)
{
	const char *p = regex;
	unsigned depth = 0;

	*len = 0;
	while (depth < STEM_DEPTH_MAX && *p) {
		const char *q = strchr(p + 1, '/');
		size_t got;

		if (!q)
			break;
		if (q > p + 1) {
			if (!simplify(p + 1, (size_t)(q - p - 1), stem + *len + 1, &got))
				break;
			stem[*len] = '/';
			*len += 1 + got;
			depth++;
		}
		p = q;
	}
	if (depth)
		stem[(*len)++] = '/';
	return depth;
}
