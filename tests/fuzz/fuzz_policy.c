/* SPDX-License-Identifier: MIT */
/*
 * A policy from arbitrary bytes: opened, looked up, listed.
 *
 * Input: one byte whose bits 0 to 3 say which companions there are (.homedirs, .local,
 * .subs_dist, .subs); for each of them two bytes, its length with the low one first, and
 * its text; the rest is file_contexts.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "labeler/labeler.h"

#define INPUT_MAX 4096 /* larger ones only repeat themselves */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const parts[] = {"file_contexts.homedirs", "file_contexts.local",
	"file_contexts.subs_dist", "file_contexts.subs"};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* Short, since an expression may take time that is exponential in a path's length. */
static const char *const paths[] = {"/", "/a", "/etc/passwd", "/lib//x", "/usr/lib/a.b/",
	"/home/u/\xc3\xa9", "/a\\Q/b"};

static char dir[] = "/tmp/livery-fuzz-XXXXXX";
static int dirfd_of_policy = -1;

static void remove_files(void)
{
	unlinkat(dirfd_of_policy, "file_contexts", 0);
	for (size_t i = 0; i < PARTS; i++)
		unlinkat(dirfd_of_policy, parts[i], 0);
}

static void remove_dir(void)
{
	remove_files();
	rmdir(dir);
}

static void make_dir(void)
{
	if (!mkdtemp(dir))
		err(1, "mkdtemp");
	dirfd_of_policy = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd_of_policy < 0 || atexit(remove_dir) != 0)
		err(1, "%s", dir);
}

static void put(const char *name, const uint8_t *data, size_t size)
{
	int fd = openat(
		dirfd_of_policy, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) < 0)
		err(1, "%s/%s", dir, name);
}

static void put_parts(const uint8_t *data, size_t size)
{
	unsigned bits = data[0];

	data++;
	size--;
	for (size_t i = 0; i < PARTS && size >= 2; i++) {
		size_t len;

		if (!(bits >> i & 1))
			continue;
		len = data[0] | (size_t)data[1] << 8;
		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		put(parts[i], data, len);
		data += len;
		size -= len;
	}
	put("file_contexts", data, size);
}

/* What the contract promises of an answer. */
static void look_up(struct labeler *l, const char *path, mode_t mode)
{
	struct labeler_result r;
	struct err e = {0};
	int rc = labeler_lookup(l, path, mode, &r, &e);
	const struct labeler_rule *rule = r.rule;
	enum labeler_answer got = r.answer;

	if (rc < 0 && (rule || e.code == ERR_NONE || !e.msg[0]))
		abort();
	if (got == LABELER_UNMATCHED && rule)
		abort();
	if (got == LABELER_LABEL && strcmp(rule->context, "<<none>>") == 0)
		abort();
	if (got == LABELER_EXCLUDED && strcmp(rule->context, "<<none>>") != 0)
		abort();
	if (got > 0 && mode && rule->type && rule->type != mode)
		abort();
}

static void use(struct labeler *l)
{
	static const mode_t modes[] = {0, S_IFREG, S_IFDIR};

	for (size_t i = 0; i < labeler_rule_count(l); i++) {
		const struct labeler_rule *r = labeler_rule_at(l, i);

		if (!r->regex[0] || !r->context[0] || r->line == 0)
			abort();
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		for (size_t k = 0; k < sizeof(modes) / sizeof(modes[0]); k++)
			look_up(l, paths[i], modes[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct labeler_source src = {.base = "file_contexts", .shown = "POLICY"};
	struct labeler *l;
	struct err e = {0};

	if (size == 0 || size > INPUT_MAX)
		return 0;
	if (dirfd_of_policy < 0)
		make_dir();
	src.dirfd = dirfd_of_policy;
	put_parts(data, size);
	if (labeler_open(&l, &src, NULL, &e) == 0)
		use(l);
	else if (l || e.code == ERR_NONE || !e.msg[0])
		abort();
	labeler_close(l);
	remove_files();
	return 0;
}
