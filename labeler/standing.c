/* SPDX-License-Identifier: MIT */
#include "labeler/standing.h"

#include <string.h>

enum {
	IS_META_3_4 = 1,
	IS_META = 2,
	IS_ESCAPED = 4
};

#define ALWAYS (IS_META_3_4 | IS_META | IS_ESCAPED)

static const unsigned char classes[256] = {
	['.'] = ALWAYS,
	['^'] = ALWAYS,
	['$'] = ALWAYS,
	['?'] = ALWAYS,
	['*'] = ALWAYS,
	['+'] = ALWAYS,
	['|'] = ALWAYS,
	['['] = ALWAYS,
	['('] = ALWAYS,
	['{'] = ALWAYS,
	[']'] = IS_META | IS_ESCAPED,
	[')'] = IS_META | IS_ESCAPED,
	['}'] = IS_META | IS_ESCAPED,
	['-'] = IS_ESCAPED,
	['_'] = IS_ESCAPED,
	[','] = IS_ESCAPED,
};

static bool is(char c, unsigned class)
{
	return classes[(unsigned char)c] & class;
}

bool exact_in_3_4(const char *regex)
{
	for (const char *c = regex; *c; c++) {
		if (is(*c, IS_META_3_4))
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
		if (is(regex[i], IS_META))
			return false;
		if (regex[i] == '\\' && (++i == len || !is(regex[i], IS_ESCAPED)))
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
		if (is(*c, IS_META_3_4))
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
