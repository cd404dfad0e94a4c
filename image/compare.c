/* SPDX-License-Identifier: MIT */
#include "image/compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/xattr.h"
#include "image/manifest.h"
#include "image/table.h"

#define TEXT_MAX 4200 /* a path or a label, quoted */

struct comparison {
	const struct listing *expected, *found;
	compare_fn *fn;
	void *arg;
	long count;
	const char *path;
	/* Inodes that were met, of both sides, by address: the expected entry where. */
	struct table met_expected, met_found;
	char expected_text[TEXT_MAX], found_text[TEXT_MAX];
};

static void tell(struct comparison *c, const char *field)
{
	const struct difference d = {c->path, field, c->expected_text, c->found_text};

	c->count++;
	c->fn(c->arg, &d);
}

static void say(char text[TEXT_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(char text[TEXT_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, TEXT_MAX, fmt, ap);
	va_end(ap);
}

static void say_bytes(char text[TEXT_MAX], const void *bytes, size_t len)
{
	if (bytes)
		quote_bytes(text, TEXT_MAX, bytes, len);
	else
		say(text, "nothing");
}

static void compare_number(
	struct comparison *c, const char *field, uint64_t expected, uint64_t found)
{
	if (expected == found)
		return;
	say(c->expected_text, "%" PRIu64, expected);
	say(c->found_text, "%" PRIu64, found);
	tell(c, field);
}

static void compare_device(struct comparison *c, const struct listing_inode *expected,
	const struct listing_inode *found)
{
	if (expected->major == found->major && expected->minor == found->minor)
		return;
	say(c->expected_text, "%" PRIu32 ",%" PRIu32, expected->major, expected->minor);
	say(c->found_text, "%" PRIu32 ",%" PRIu32, found->major, found->minor);
	tell(c, "device");
}

static void compare_time(struct comparison *c, const struct listing_inode *expected,
	const struct listing_inode *found)
{
	bool whole = expected->whole_seconds || found->whole_seconds;

	if (expected->mtime == found->mtime &&
		(whole || expected->mtime_ns == found->mtime_ns))
		return;
	say(c->expected_text, "%" PRId64 ".%09" PRIu32, expected->mtime,
		expected->mtime_ns);
	say(c->found_text, "%" PRId64 ".%09" PRIu32, found->mtime, found->mtime_ns);
	tell(c, "time");
}

static void compare_content(struct comparison *c, const struct listing_inode *expected,
	const struct listing_inode *found)
{
	if (expected->size != found->size) {
		compare_number(c, "size", expected->size, found->size);
	} else if (!found->digested || !expected->digested ||
		   memcmp(expected->sha256, found->sha256, sizeof(found->sha256)) != 0) {
		say(c->expected_text, "sha256 ");
		say(c->found_text, "sha256 ");
		manifest_hex(
			expected->sha256, sizeof(expected->sha256), c->expected_text + 7);
		manifest_hex(found->sha256, sizeof(found->sha256), c->found_text + 7);
		if (!found->digested)
			say(c->found_text, "what was not read");
		tell(c, "content");
	}
}

static void compare_target(struct comparison *c, const struct listing_inode *expected,
	const struct listing_inode *found)
{
	if (strcmp(expected->target, found->target) == 0)
		return;
	say_bytes(c->expected_text, expected->target, expected->size);
	say_bytes(c->found_text, found->target, found->size);
	tell(c, "target");
}

static void compare_labels(struct comparison *c, const struct listing_inode *expected,
	const struct listing_inode *found)
{
	size_t expected_len = 0, found_len = 0;
	const char *x = listing_label(expected, &expected_len);
	const char *y = listing_label(found, &found_len);

	if (!x == !y && expected_len == found_len &&
		(!x || memcmp(x, y, expected_len) == 0))
		return;
	say_bytes(c->expected_text, x, expected_len);
	say_bytes(c->found_text, y, found_len);
	tell(c, "label");
}

static void compare_xattr(struct comparison *c, const struct listing_xattr *expected,
	const struct listing_xattr *found)
{
	const char *name = expected ? expected->name : found->name;
	char field[300], quoted[280];

	if (strcmp(name, XATTR_LABEL) == 0 ||
		(expected && found && expected->len == found->len &&
			memcmp(expected->value, found->value, found->len) == 0))
		return;
	snprintf(field, sizeof(field), "attribute %s",
		quote_bytes(quoted, sizeof(quoted), name, strlen(name)));
	say_bytes(c->expected_text, expected ? expected->value : NULL,
		expected ? expected->len : 0);
	say_bytes(c->found_text, found ? found->value : NULL, found ? found->len : 0);
	tell(c, field);
}

/* Both sides are sorted by name. */
static void compare_xattrs(struct comparison *c, const struct listing_inode *expected,
	const struct listing_inode *found)
{
	size_t i = 0, j = 0;

	while (i < expected->xattr_count || j < found->xattr_count) {
		const struct listing_xattr *x =
			i < expected->xattr_count ? &expected->xattrs[i] : NULL;
		const struct listing_xattr *y =
			j < found->xattr_count ? &found->xattrs[j] : NULL;
		int order = !x ? 1 : !y ? -1 : strcmp(x->name, y->name);

		compare_xattr(c, order <= 0 ? x : NULL, order >= 0 ? y : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

static void compare_inodes(struct comparison *c, const struct listing_inode *expected,
	const struct listing_inode *found)
{
	if ((expected->mode & S_IFMT) != (found->mode & S_IFMT)) {
		say(c->expected_text, "%s", manifest_type(expected->mode));
		say(c->found_text, "%s", manifest_type(found->mode));
		tell(c, "type");
	} else if (S_ISREG(expected->mode)) {
		compare_content(c, expected, found);
	} else if (S_ISLNK(expected->mode)) {
		compare_target(c, expected, found);
	} else {
		compare_device(c, expected, found);
	}
	if ((expected->mode & 07777) != (found->mode & 07777)) {
		say(c->expected_text, "%04o", expected->mode & 07777);
		say(c->found_text, "%04o", found->mode & 07777);
		tell(c, "mode");
	}
	/* What is deleted last frees the file: too few would free it early. */
	if (found->links && !S_ISDIR(found->mode))
		compare_number(c, "links", expected->names, found->links);
	compare_number(c, "uid", expected->uid, found->uid);
	compare_number(c, "gid", expected->gid, found->gid);
	compare_time(c, expected, found);
	compare_labels(c, expected, found);
	compare_xattrs(c, expected, found);
}

static const char *met_at(
	const struct comparison *c, const struct table *met, const void *inode)
{
	uint64_t at;

	return table_find(met, (uintptr_t)inode, NULL, NULL, NULL, &at)
		       ? c->expected->entries[at].path
		       : NULL;
}

static void say_link(char text[TEXT_MAX], const char *other)
{
	char quoted[TEXT_MAX - 64];

	if (other)
		say(text, "a hard link of /%s",
			quote_path(quoted, sizeof(quoted), other));
	else
		say(text, "a file of its own");
}

/*
 * Two inodes that meet under the same name must meet under all names that they have. A
 * difference is told at the later name.
 */
static int compare_pair(struct comparison *c, size_t at, struct listing_inode *found)
{
	const struct listing_inode *expected = c->expected->entries[at].inode;
	const char *expected_at = met_at(c, &c->met_expected, expected);
	const char *found_at = met_at(c, &c->met_found, found);

	if (expected_at && found_at &&
		listing_find(c->found, expected_at)->inode == found)
		return 0;
	if (expected_at || found_at) {
		say_link(c->expected_text, expected_at);
		say_link(c->found_text, found_at);
		tell(c, "link");
	}
	compare_inodes(c, expected, found);
	if (!expected_at && table_add(&c->met_expected, (uintptr_t)expected, at) < 0)
		return -1;
	return !found_at ? table_add(&c->met_found, (uintptr_t)found, at) : 0;
}

static int compare_all(struct comparison *c)
{
	size_t i = 0, j = 0;

	while (i < c->expected->count || j < c->found->count) {
		const struct listing_entry *x =
			i < c->expected->count ? &c->expected->entries[i] : NULL;
		const struct listing_entry *y =
			j < c->found->count ? &c->found->entries[j] : NULL;
		int order = !x ? 1 : !y ? -1 : listing_compare_paths(x->path, y->path);

		c->path = order <= 0 ? x->path : y->path;
		if (order == 0) {
			if (compare_pair(c, i, y->inode) < 0)
				return -1;
		} else {
			say(c->expected_text, "%s",
				order < 0 ? manifest_type(x->inode->mode) : "nothing");
			say(c->found_text, "%s",
				order < 0 ? "nothing" : manifest_type(y->inode->mode));
			tell(c, "name");
		}
		i += order <= 0;
		j += order >= 0;
	}
	return 0;
}

long compare_listings(const struct listing *expected, const struct listing *found,
	compare_fn *fn, void *arg, struct err *e)
{
	struct comparison c = {
		.expected = expected, .found = found, .fn = fn, .arg = arg};
	int rc = compare_all(&c);

	table_free(&c.met_expected);
	table_free(&c.met_found);
	return rc < 0 ? err_set(e, ERR_SYS, "out of memory") : c.count;
}
