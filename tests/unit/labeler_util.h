/* SPDX-License-Identifier: MIT */
/*
 * A private directory for a test's policies. TMPDIR is set to one inside it, so that a
 * test sees what the labeler leaves behind there.
 */
#ifndef TESTS_UNIT_LABELER_UTIL_H
#define TESTS_UNIT_LABELER_UTIL_H

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "labeler/labeler.h"
#include "tests/unit/tap.h"

#define CTX(name) "system_u:object_r:" name ":s0"

struct place {
	char dir[64];
	char tmp[80];
	int fd;
};

static inline void place_make(struct place *p)
{
	snprintf(p->dir, sizeof(p->dir), "/tmp/livery-test-XXXXXX");
	if (!mkdtemp(p->dir))
		err(1, "mkdtemp");
	snprintf(p->tmp, sizeof(p->tmp), "%s/tmp", p->dir);
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd < 0 || mkdir(p->tmp, 0700) < 0 || setenv("TMPDIR", p->tmp, 1) < 0)
		err(1, "%s", p->dir);
}

static inline int place_remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void place_remove(struct place *p)
{
	close(p->fd);
	if (nftw(p->dir, place_remove_one, 8, FTW_DEPTH | FTW_PHYS) < 0)
		err(1, "%s", p->dir);
}

/* Takes the policy away, whatever kind of file its parts are. */
static inline void place_clear(const struct place *p)
{
	static const char *const parts[] = {
		"", ".homedirs", ".local", ".subs_dist", ".subs"};
	char name[64];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(name, sizeof(name), "file_contexts%s", parts[i]);
		if (unlinkat(p->fd, name, 0) < 0)
			unlinkat(p->fd, name, AT_REMOVEDIR);
	}
}

static inline void place_write(
	const struct place *p, const char *name, const void *data, size_t len)
{
	int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len || close(fd) < 0)
		err(1, "%s/%s", p->dir, name);
}

static inline void place_text(const struct place *p, const char *name, const char *text)
{
	place_write(p, name, text, strlen(text));
}

/* Names in the directory that TMPDIR points to. */
static inline int place_left_behind(const struct place *p)
{
	DIR *d = opendir(p->tmp);
	struct dirent *entry;
	int n = 0;

	if (!d)
		err(1, "%s", p->tmp);
	while ((entry = readdir(d)))
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(d);
	return n;
}

/* The policy is shown as POLICY/…, wherever the directory is. */
static inline int place_open_as(const struct place *p, struct labeler **l,
	enum labeler_engine engine, enum labeler_version version, struct err *e)
{
	const struct labeler_source src = {
		.dirfd = p->fd,
		.base = "file_contexts",
		.shown = "POLICY",
	};
	const struct labeler_options o = {.engine = engine, .version = version};

	memset(e, 0, sizeof(*e));
	return labeler_open(l, &src, &o, e);
}

static inline int place_open(
	const struct place *p, struct labeler **l, bool follow, struct err *e)
{
	const struct labeler_source src = {
		.dirfd = p->fd,
		.base = "file_contexts",
		.shown = "POLICY",
		.follow = follow,
	};

	memset(e, 0, sizeof(*e));
	return labeler_open(l, &src, NULL, e);
}

/* An enum labeler_answer and the rule, or -1. */
static inline int look_up(struct labeler *l, const char *path, mode_t mode,
	const struct labeler_rule **rule, struct err *e)
{
	struct labeler_result r;
	int rc = labeler_lookup(l, path, mode, &r, e);

	*rule = r.rule;
	return rc < 0 ? -1 : (int)r.answer;
}

static inline struct labeler *place_must_open(const struct place *p)
{
	struct labeler *l;
	struct err e;

	if (place_open(p, &l, false, &e) < 0)
		errx(1, "%s", e.msg);
	return l;
}

#endif
