/* SPDX-License-Identifier: MIT */
/*
 * label_lookup [--time] any|walk|libselinux POLICY <queries >answers
 *
 * The matcher's part in bench-label; what it reads and prints is that of tests/judge: a
 * query is the file type in octal, a space, the path and a NUL, an answer is the context,
 * nothing where there is none, and a NUL. With `walk`, the queries are in the order of a
 * walk, a directory before what it holds, and go by cursors; with `any`, each stands
 * alone.
 *
 * With --time, one line: nanoseconds that loading took, nanoseconds a look-up in a first
 * and in a second pass, and bytes of memory after loading and after the passes.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "tools/command.h"
#include "tools/labels/policy.h"

#define DEPTH_MAX 256

struct query {
	const char *path;
	mode_t mode;
	unsigned depth; /* 0: the root */
};

struct bench {
	struct labeler *labeler;
	struct query *queries;
	size_t count;
	struct labeler_cursor dirs[DEPTH_MAX];
	bool walk;
};

static _Noreturn void die(const char *text)
{
	fprintf(stderr, "label_lookup: %s\n", text);
	exit(EXIT_ERROR);
}

static void check(int rc, const struct err *e)
{
	if (rc < 0) {
		err_print(e);
		exit(EXIT_ERROR);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t memory(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void read_all(struct buf *in)
{
	char bytes[1 << 16];
	ssize_t n;

	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		if (buf_add(in, bytes, (size_t)n) < 0)
			die("out of memory");
	if (n < 0 || !in->len || in->data[in->len - 1] != '\0')
		die("the queries cannot be read, or have no NUL at their end");
}

static unsigned depth_of(const char *path)
{
	unsigned depth = strcmp(path, "/") != 0;

	for (const char *p = path + 1; *p; p++)
		depth += *p == '/';
	return depth;
}

static void parse(struct bench *b, const struct buf *in)
{
	unsigned last = 0;

	for (size_t i = 0; i < in->len; i++)
		b->count += in->data[i] == '\0';
	b->queries = calloc(b->count, sizeof(*b->queries));
	if (!b->queries)
		die("out of memory");
	b->count = 0;
	for (char *at = in->data; at < in->data + in->len; at += strlen(at) + 1) {
		struct query *q = &b->queries[b->count++];

		q->mode = (mode_t)strtoul(at, &at, 8);
		if (at[0] != ' ' || at[1] != '/')
			die("a query is OCTAL-MODE /PATH");
		q->path = at + 1;
		q->depth = depth_of(q->path);
		if (b->walk && (q->depth >= DEPTH_MAX || q->depth > last + 1))
			die("this is not the order of a walk, or it goes too deep");
		last = q->depth;
	}
}

/* As the walk of a tree does it: a directory is looked up, and then entered. */
static inline int look_up(
	struct bench *b, const struct query *q, struct labeler_result *r, struct err *e)
{
	const struct labeler_cursor *above = q->depth ? &b->dirs[q->depth - 1] : NULL;
	int rc;

	if (!b->walk)
		return labeler_lookup(b->labeler, q->path, q->mode, r, e);
	rc = above ? labeler_lookup_in(b->labeler, above, q->path, q->mode, r, e)
		   : labeler_lookup(b->labeler, q->path, q->mode, r, e);
	if (rc < 0 || !S_ISDIR(q->mode))
		return rc;
	return labeler_enter(b->labeler, above, q->path, &b->dirs[q->depth], e);
}

static double pass(struct bench *b)
{
	struct labeler_result r;
	struct err e;
	double start = now();

	for (size_t i = 0; i < b->count; i++)
		check(look_up(b, &b->queries[i], &r, &e), &e);
	return (now() - start) / (double)b->count;
}

static void answer(struct bench *b)
{
	struct labeler_result r;
	struct err e;

	for (size_t i = 0; i < b->count; i++) {
		check(look_up(b, &b->queries[i], &r, &e), &e);
		if (r.answer == LABELER_LABEL)
			fputs(r.rule->context, stdout);
		putchar('\0');
	}
	if (fflush(stdout) != 0)
		die("the answers cannot be written");
}

int main(int argc, char **argv)
{
	bool timing = argc == 4 && strcmp(argv[1], "--time") == 0;
	struct labeler_options options = {.engine = LABELER_MATCHER};
	struct bench b = {0};
	struct buf in = {0};
	struct err e = {0};
	double start, load, first, second;
	size_t before, loaded;

	if (argc != 3 + timing)
		die("usage: label_lookup [--time] any|walk|libselinux POLICY");
	b.walk = strcmp(argv[1 + timing], "walk") == 0;
	if (strcmp(argv[1 + timing], "libselinux") == 0)
		options.engine = LABELER_LIBSELINUX;
	read_all(&in);
	parse(&b, &in);
	before = memory();
	start = now();
	check(policy_open(&b.labeler, NULL, argv[2 + timing], &options, &e), &e);
	load = now() - start;
	loaded = memory();
	if (timing) {
		first = pass(&b);
		second = pass(&b);
		printf("%.0f %.1f %.1f %zu %zu\n", load, first, second, loaded - before,
			memory() - before);
	} else {
		answer(&b);
	}
	labeler_close(b.labeler);
	free(b.queries);
	buf_free(&in);
	return EXIT_FINE;
}
