/* SPDX-License-Identifier: MIT */
/* Listings made by hand, compared, and read from files; archives and images of them. */
#ifndef TESTS_UNIT_ARCHIVE_UTIL_H
#define TESTS_UNIT_ARCHIVE_UTIL_H

#include <stdarg.h>

#include "image/digest.h"
#include "image/source.h"
#include "tests/unit/tree.h"

typedef int reader_fn(struct listing *l, int fd, struct err *e);

static struct err list_err;

/* The size and digest that an inode with this file's content has. */
static inline void digest_of(struct listing_inode *in, const char *path)
{
	struct digest d;
	size_t len;
	char *data = get_file(path, &len);

	in->size = len;
	digest_start(&d);
	digest_add(&d, data, len);
	digest_finish(&d, in);
	free(data);
}

static inline void must_init(struct listing *l)
{
	if (listing_init(l, "IMAGE", &list_err) < 0)
		errx(1, "%s", list_err.msg);
}

static inline struct listing_inode *must_name(
	struct listing *l, const char *path, uint32_t mode)
{
	struct listing_inode *in;

	if (listing_add(l, path, 0, &in, &list_err) < 0)
		errx(1, "%s", list_err.msg);
	in->mode = mode;
	in->mtime = 1000;
	return in;
}

static inline void must_name_again(
	struct listing *l, const char *path, struct listing_inode *in)
{
	if (listing_link(l, path, in, &list_err) < 0)
		errx(1, "%s", list_err.msg);
}

static inline struct listing_inode *must_target(
	struct listing *l, const char *path, const char *target)
{
	struct listing_inode *in = must_name(l, path, S_IFLNK | 0777);

	if (listing_set_target(l, in, target, strlen(target), &list_err) < 0)
		errx(1, "%s", list_err.msg);
	return in;
}

static inline void must_xattr(struct listing *l, struct listing_inode *in,
	const char *name, const void *value, size_t len)
{
	if (listing_add_xattr(l, in, name, value, len, &list_err) < 0)
		errx(1, "%s", list_err.msg);
}

static inline void must_finish(struct listing *l)
{
	if (listing_finish(l, &list_err) < 0)
		errx(1, "%s", list_err.msg);
}

/* 0, or -1 with the message in list_err, which must be a good one. */
static inline int list_file(struct listing *l, const char *file, reader_fn *read_it)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		err(1, "%s", file);
	must_init(l);
	list_err = (struct err){0};
	rc = read_it(l, fd, &list_err);
	if (rc < 0 && (list_err.code == ERR_NONE || !one_line(list_err.msg) ||
			      strncmp(list_err.msg, "IMAGE: ", 7) != 0))
		ok(false, "a message that names the image: %s", list_err.msg);
	close(fd);
	return rc;
}

static inline void must_list(struct listing *l, const char *file, reader_fn *read_it)
{
	if (list_file(l, file, read_it) < 0)
		errx(1, "%s: %s", file, list_err.msg);
}

/* The file is refused with a message that holds the text. */
static inline void refused(const char *file, reader_fn *read_it, const char *text)
{
	struct listing l;

	ok(list_file(&l, file, read_it) < 0 && strstr(list_err.msg, text), "%s: %s", text,
		list_err.msg);
	listing_free(&l);
}

#define run(...) run_command(__FILE__, __LINE__, __VA_ARGS__)
static inline void run_command(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static inline void run_command(const char *file, int line, const char *fmt, ...)
{
	char command[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		errx(1, "%s:%d: %s", file, line, command);
}

static inline bool same_xattrs(
	const struct listing_inode *a, const struct listing_inode *b)
{
	if (a->xattr_count != b->xattr_count)
		return false;
	for (size_t i = 0; i < a->xattr_count; i++)
		if (strcmp(a->xattrs[i].name, b->xattrs[i].name) != 0 ||
			a->xattrs[i].len != b->xattrs[i].len ||
			memcmp(a->xattrs[i].value, b->xattrs[i].value,
				a->xattrs[i].len) != 0)
			return false;
	return true;
}

/* What differs in an inode, or NULL. */
static inline const char *difference(
	const struct listing_inode *a, const struct listing_inode *b)
{
	if (a->mode != b->mode)
		return "mode";
	if (a->uid != b->uid || a->gid != b->gid)
		return "owner";
	if (a->major != b->major || a->minor != b->minor)
		return "device";
	if (a->mtime != b->mtime || (!b->whole_seconds && a->mtime_ns != b->mtime_ns))
		return "time";
	if (!S_ISDIR(a->mode) && a->size != b->size)
		return "size";
	if (a->target && strcmp(a->target, b->target) != 0)
		return "target";
	if (a->names != b->names || strcmp(a->first, b->first) != 0)
		return "names";
	if (!same_xattrs(a, b))
		return "attributes";
	if (a->digested && (!b->digested || memcmp(a->sha256, b->sha256, 32) != 0 ||
				   a->data_blocks != b->data_blocks))
		return "content";
	return NULL;
}

/* want, which was made by hand, against what was read. */
static inline void same_listing(
	const struct listing *want, const struct listing *got, const char *what)
{
	int bad = 0;

	if (!is_int(got->count, want->count, "%s: as many names", what))
		return;
	for (size_t i = 0; i < want->count; i++) {
		const struct listing_entry *a = &want->entries[i], *b = &got->entries[i];
		const char *why = strcmp(a->path, b->path) != 0
					  ? "path"
					  : difference(a->inode, b->inode);

		if (why)
			printf("# /%s, /%s: %s\n", a->path, b->path, why);
		bad += why != NULL;
	}
	is_int(bad, 0, "%s: each is what it was", what);
}

static inline struct listing_inode *at(const struct listing *l, const char *path)
{
	const struct listing_entry *entry = listing_find(l, path);

	if (!entry)
		errx(1, "%s: /%s is not there", l->name, path);
	return entry->inode;
}

/* Runs the reader on a file cut off after each step-th byte, and with bytes changed. */
static inline void hostile(const char *file, reader_fn *read_it, size_t step)
{
	size_t len;
	char *data = get_file(file, &len);
	int whole = 0, tried = 0;
	struct listing l;

	for (size_t n = 0; n < len; n += step) {
		put_file("cut", data, n);
		whole += list_file(&l, "cut", read_it) == 0;
		listing_free(&l);
		tried++;
	}
	is_int(whole, 0, "%s: cut off at %d places, and never read", file, tried);
	for (size_t n = 0; n < len; n += step) {
		data[n] = (char)(data[n] ^ (1 << n % 8));
		put_file("cut", data, len);
		list_file(&l, "cut", read_it);
		listing_free(&l);
		data[n] = (char)(data[n] ^ (1 << n % 8));
	}
	ok(true, "%s: changed at as many", file);
	free(data);
}

#endif
