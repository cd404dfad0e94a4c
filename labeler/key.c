/* SPDX-License-Identifier: MIT */
#include "labeler/key.h"

#include <string.h>

int keys_make(struct keys *k, const struct policy *policy)
{
	if (subs_make(&k->subs[0], &policy->files[POLICY_SUBS]) < 0)
		return -1;
	return subs_make(&k->subs[1], &policy->files[POLICY_SUBS_DIST]);
}

static void key_free(struct key *k)
{
	buf_free(&k->once);
	buf_free(&k->twice);
}

void keys_free(struct keys *k)
{
	subs_free(&k->subs[0]);
	subs_free(&k->subs[1]);
	buf_free(&k->clean);
	key_free(&k->first);
	key_free(&k->last);
}

static int clean(struct keys *k, const char **path, size_t *len)
{
	const char *p = *path;
	struct buf *out = &k->clean;

	*len = strlen(p);
	if (!strstr(p, "//") && (*len == 1 || p[*len - 1] != '/'))
		return 0;
	out->len = 0;
	for (size_t i = 0; i < *len; i++)
		if ((p[i] != '/' || i == 0 || p[i - 1] != '/') && buf_addc(out, p[i]) < 0)
			return -1;
	if (out->len > 1 && out->data[out->len - 1] == '/')
		out->len--;
	*path = out->data;
	*len = out->len;
	return 0;
}

/* The path after a substitution, or as it is. */
static int apply(const struct sub *line, struct buf *into, const char **path, size_t *len)
{
	if (!line)
		return 0;
	into->len = 0;
	if (subs_apply(line, *path, *len, into) < 0)
		return -1;
	*path = into->data;
	*len = into->len;
	return 0;
}

/* One of the keys; *other is the line of .subs_dist that the other rule would take. */
static int make_key(const struct keys *all, struct key *k, const struct sub *line,
	const char *path, size_t len, bool below, const struct sub **other)
{
	const struct sub *first, *last;

	k->text = path;
	k->len = len;
	k->subs[0] = line;
	if (apply(line, &k->once, &k->text, &k->len) < 0)
		return -1;
	subs_find(&all->subs[1], k->text, k->len, below, &first, &last);
	k->subs[1] = k == &all->first ? first : last;
	*other = k == &all->first ? last : first;
	return apply(k->subs[1], &k->twice, &k->text, &k->len);
}

static int make_keys(struct keys *k, const char *path, size_t len, bool below)
{
	const struct sub *first, *last, *other;

	subs_find(&k->subs[0], path, len, below, &first, &last);
	if (make_key(k, &k->last, last, path, len, below, &other) < 0)
		return -1;
	k->one = first == last && other == k->last.subs[1];
	if (k->one)
		return 0;
	if (make_key(k, &k->first, first, path, len, below, &other) < 0)
		return -1;
	k->one = k->first.len == k->last.len &&
		 memcmp(k->first.text, k->last.text, k->last.len) == 0;
	return 0;
}

int keys_find(struct keys *k, const char *path)
{
	size_t len;

	if (clean(k, &path, &len) < 0)
		return -1;
	return make_keys(k, path, len, false);
}

int keys_find_below(struct keys *k, const char *dir, size_t len, bool *near)
{
	const struct sub *first, *last;
	const char *once = dir;
	size_t once_len = len;

	if (make_keys(k, dir, len, true) < 0)
		return -1;
	if (k->last.subs[0]) {
		once = k->last.once.data;
		once_len = k->last.once.len;
	}
	/* Two lines of .subs may part again below, though .subs_dist joins them here. */
	subs_find(&k->subs[0], dir, len, true, &first, &last);
	*near = !k->one || first != last || key_has_empty_name(&k->last) ||
		subs_below(&k->subs[0], dir, len) ||
		subs_below(&k->subs[1], once, once_len);
	return 0;
}

const struct key *keys_of(const struct keys *k, enum labeler_version v)
{
	return v == LABELER_3_8 && !k->one ? &k->first : &k->last;
}

bool key_has_empty_name(const struct key *k)
{
	return memmem(k->text, k->len, "//", 2) != NULL;
}
