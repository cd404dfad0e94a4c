/* SPDX-License-Identifier: MIT */
/* The counters of messages and the table that is made of them. */
#include "fs/stats.h"

#include <linux/fuse.h>
#include <pthread.h>
#include <string.h>

#include "tests/unit/tap.h"

#define THREADS 4
#define EACH    20000

#define HEAD     "kind                   messages  per-file          bytes\n"
#define EMPTY    "total                         0         -              -\n" NO_FILES
#define NO_FILES "files                         -         -              -\n"

static void is_table(struct stats *s, const char *want, const char *what)
{
	cleanup_buf struct buf out = {0};

	is_int(stats_table(s, &out), 0, "%s: there is a table", what);
	is_str(out.data, want, "%s", what);
}

static void test_off(void)
{
	struct stats *s = stats_new();

	stats_message(NULL, FUSE_READ);
	stats_own(NULL, FUSE_GETXATTR);
	stats_bytes(NULL, FUSE_READ, 5);
	stats_file(NULL, 5);
	stats_looked_for(NULL);
	stats_begin(NULL);
	stats_free(NULL);
	ok(s != NULL, "where nothing is counted, nothing happens");
	stats_message(s, FUSE_READ);
	stats_own(s, FUSE_GETXATTR);
	stats_bytes(s, FUSE_READ, 5);
	stats_file(s, 5);
	stats_looked_for(s);
	is_table(s, HEAD EMPTY, "nothing counts before the view is up");
	stats_free(s);
}

static void test_table(void)
{
	struct stats *s = stats_new();

	stats_begin(s);
	for (int i = 0; i < 3; i++)
		stats_message(s, FUSE_READ);
	stats_bytes(s, FUSE_READ, 4096);
	stats_bytes(s, FUSE_READ, 0);
	stats_bytes(s, FUSE_READ, 4);
	for (int i = 0; i < 12; i++)
		stats_message(s, FUSE_GETXATTR);
	for (int i = 0; i < 2; i++)
		stats_own(s, FUSE_GETXATTR);
	stats_message(s, FUSE_SETXATTR);
	stats_own(s, FUSE_SETXATTR);
	stats_message(s, FUSE_WRITE);
	stats_bytes(s, FUSE_WRITE, 7);
	stats_message(s, FUSE_LOOKUP);
	stats_message(s, 51);
	for (int i = 0; i < 10; i++)
		stats_looked_for(s);
	for (uint64_t ino = 1; ino <= 8; ino++)
		stats_file(s, ino * 3);
	is_table(s,
		HEAD "GETXATTR                     10     1.250              -\n"
		     "READ                          3     0.375           4100\n"
		     "livery.GETXATTR               2     0.250              -\n"
		     "LOOKUP                        1     0.125              -\n"
		     "TMPFILE                       1     0.125              -\n"
		     "WRITE                         1     0.125              7\n"
		     "livery.SETXATTR               1     0.125              -\n"
		     "total                        19     2.375           4107\n"
		     "looked-for                   10     1.250              -\n"
		     "files                         8         -              -\n",
		"the most frequent first, by name where there are as many");
	stats_free(s);
}

static void test_unknown(void)
{
	struct stats *s = stats_new();

	stats_begin(s);
	stats_message(s, 0);
	stats_message(s, 7); /* no opcode of the kernel's */
	stats_message(s, 54);
	stats_message(s, UINT32_MAX);
	is_table(s,
		HEAD
		"other                         4         -              -\n"
		"total                         4         -              -\n" NO_FILES,
		"what has no name");
	stats_free(s);
}

/* The number behind a line's first word. */
static long long number(const char *table, const char *kind)
{
	const char *at = strstr(table, kind);

	return at ? strtoll(at + strlen(kind), NULL, 10) : -1;
}

static void *count_a_lot(void *arg)
{
	struct stats *s = arg;

	for (uint64_t i = 1; i <= EACH; i++) {
		stats_message(s, FUSE_READ);
		stats_bytes(s, FUSE_READ, 2);
		stats_file(s, i << 20 | UINT64_C(1) << 62);
		stats_file(s, 0);
	}
	return NULL;
}

static void test_threads(void)
{
	cleanup_buf struct buf out = {0};
	struct stats *s = stats_new();
	pthread_t threads[THREADS];

	stats_begin(s);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count_a_lot, s);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	stats_table(s, &out);
	is_int(number(out.data, "\nREAD "), THREADS * EACH, "threads lose no message");
	is_int(number(out.data, "\nfiles "), EACH, "each file counts once");
	ok(strstr(out.data, " 4.000         160000\n") != NULL, "per file, and bytes");
	stats_free(s);
}

int main(void)
{
	test_off();
	test_table();
	test_unknown();
	test_threads();
	return done_testing();
}
