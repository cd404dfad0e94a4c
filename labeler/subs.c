/* SPDX-License-Identifier: MIT */
#include "labeler/subs.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "labeler/parse.h"

static const char *field(const char *at, const char *end, const char **start)
{
	while (at < end && parse_is_blank(*at))
		at++;
	*start = at;
	while (at < end && !parse_is_blank(*at))
		at++;
	return at;
}

static int add_line(
	struct subs *s, const char *file, unsigned line, const char *at, const char *end)
{
	const char *from, *to;
	const char *from_end = field(at, end, &from);
	const char *to_end = field(from_end, end, &to);
	struct sub *made;

	if (from == from_end || *from == '#' || to == to_end)
		return 0;
	if (array_room(s->list, s->count, &s->room) < 0)
		return -1;
	made = &s->list[s->count++];
	*made = (struct sub){
		.file = file,
		.line = line,
		.from = strndup(from, (size_t)(from_end - from)),
		.to = strndup(to, (size_t)(to_end - to)),
		.from_len = (size_t)(from_end - from),
		.to_len = (size_t)(to_end - to),
	};
	return made->from && made->to ? 0 : -1;
}

int subs_make(struct subs *s, const struct policy_file *f)
{
	const char *at = f->data;
	const char *end = at ? at + f->len : at;

	for (unsigned line = 1; at && at < end; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = newline ? newline : end;

		if (add_line(s, f->shown, line, at, line_end) < 0)
			return -1;
		at = newline ? newline + 1 : end;
	}
	return 0;
}

void subs_free(struct subs *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->list[i].from);
		free(s->list[i].to);
	}
	free(s->list);
	*s = (struct subs){0};
}

static bool fits(const struct sub *s, const char *path, size_t len, bool below)
{
	if (s->from_len > len || memcmp(s->from, path, s->from_len) != 0)
		return false;
	if (s->from_len == len)
		return !below;
	return path[s->from_len] == '/';
}

void subs_find(const struct subs *s, const char *path, size_t len, bool below,
	const struct sub **first, const struct sub **last)
{
	*first = NULL;
	*last = NULL;
	for (size_t i = 0; i < s->count; i++) {
		if (!fits(&s->list[i], path, len, below))
			continue;
		if (!*first)
			*first = &s->list[i];
		*last = &s->list[i];
	}
}

int subs_apply(const struct sub *s, const char *path, size_t len, struct buf *out)
{
	size_t used = s->from_len;

	/* "/" and "/x" make no "//x"; any other destination is taken as it is written. */
	if (used < len && strcmp(s->to, "/") == 0)
		used++;
	if (buf_add(out, s->to, s->to_len) < 0 ||
		buf_add(out, path + used, len - used) < 0)
		return -1;
	return 0;
}

bool subs_below(const struct subs *s, const char *bytes, size_t len)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].from_len > len && memcmp(s->list[i].from, bytes, len) == 0)
			return true;
	return false;
}
