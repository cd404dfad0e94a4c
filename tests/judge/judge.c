/* SPDX-License-Identifier: MIT */
/*
 * judge [--time] FILE_CONTEXTS <queries >answers
 *
 * What libselinux says. A query is the file type in octal, a space, the path and a NUL;
 * an answer is the context, nothing where there is none (ENOENT), or "!ERRNO", and a NUL.
 * The answers come when all queries are read, in their order.
 *
 * With --time the answers stay away, and one line comes instead: nanoseconds that loading
 * took, and nanoseconds a look-up in a first and in a second pass over the queries.
 *
 * It runs with the libraries of other Debians, older ones among them: libselinux and the
 * oldest functions of libc only. strtoul() and scanf() are not: new headers rename them.
 */
#include <err.h>
#include <errno.h>
#include <selinux/label.h>
#include <selinux/selinux.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct queries {
	char *data;
	size_t len;
	size_t count;
};

static void read_all(struct queries *q)
{
	size_t cap = 1 << 16;

	q->data = malloc(cap);
	while (q->data) {
		ssize_t n = read(STDIN_FILENO, q->data + q->len, cap - q->len);

		if (n < 0)
			err(2, "cannot read the queries");
		if (n == 0)
			break;
		q->len += (size_t)n;
		if (q->len == cap)
			q->data = realloc(q->data, cap *= 2);
	}
	if (!q->data)
		err(2, "cannot keep the queries");
	if (q->len > 0 && q->data[q->len - 1] != '\0')
		errx(2, "the last query has no NUL at its end");
	for (size_t i = 0; i < q->len; i++)
		q->count += q->data[i] == '\0';
}

/* Returns the path of the query at `at`. */
static char *split(char *at, int *mode)
{
	*mode = 0;
	while (*at >= '0' && *at <= '7')
		*mode = *mode * 8 + (*at++ - '0');
	if (*at != ' ')
		errx(2, "a query is OCTAL-MODE PATH");
	return at + 1;
}

static void ask(struct selabel_handle *h, const char *path, int mode)
{
	char *context = NULL;

	errno = 0;
	if (selabel_lookup_raw(h, &context, path, mode) == 0)
		fputs(context, stdout);
	else if (errno != ENOENT)
		printf("!%d", errno);
	putchar('\0');
	freecon(context);
}

static void answer(struct selabel_handle *h, const struct queries *q)
{
	for (char *at = q->data; at < q->data + q->len; at += strlen(at) + 1) {
		int mode;
		char *path = split(at, &mode);

		ask(h, path, mode);
	}
	if (fflush(stdout) != 0)
		err(2, "cannot write the answers");
}

/* Processor time: others may be using the machine. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double pass(struct selabel_handle *h, const struct queries *q)
{
	double start = now();

	for (char *at = q->data; at < q->data + q->len; at += strlen(at) + 1) {
		char *context = NULL;
		int mode;
		char *path = split(at, &mode);

		if (selabel_lookup_raw(h, &context, path, mode) == 0)
			freecon(context);
	}
	return (now() - start) / (double)(q->count ? q->count : 1);
}

static int quiet(int type, const char *fmt, ...)
{
	(void)type;
	(void)fmt;
	return 0;
}

int main(int argc, char **argv)
{
	int timing = argc == 3 && strcmp(argv[1], "--time") == 0;
	struct selinux_opt opt = {.type = SELABEL_OPT_PATH};
	struct queries q = {0};
	struct selabel_handle *h;
	double start;
	double load;

	if (argc != 2 + timing)
		errx(2, "usage: judge [--time] FILE_CONTEXTS");
	opt.value = argv[1 + timing];
	if (!getenv("JUDGE_VERBOSE"))
		selinux_set_callback(
			SELINUX_CB_LOG, (union selinux_callback){.func_log = quiet});
	start = now();
	h = selabel_open(SELABEL_CTX_FILE, &opt, 1);
	load = now() - start;
	if (!h)
		err(3, "%s: libselinux refuses it", opt.value);
	read_all(&q);
	if (timing) {
		double first = pass(h, &q);

		printf("%.0f %.1f %.1f\n", load, first, pass(h, &q));
	} else {
		answer(h, &q);
	}
	selabel_close(h);
	free(q.data);
	return 0;
}
