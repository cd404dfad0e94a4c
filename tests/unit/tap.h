/* SPDX-License-Identifier: MIT */
/*
 * TAP for unit tests: each assertion prints "ok N - …" or "not ok N - …" to standard
 * output, done_testing() prints the plan. main() ends with `return done_testing();`,
 * which is 1 if anything failed. There is no skip.
 */
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count;
static int tap_failed;

static inline bool tap_report(const char *file, int line, bool pass, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static inline bool tap_report(const char *file, int line, bool pass, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", pass ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	if (!pass) {
		printf("# failed at %s:%d\n", file, line);
		tap_failed++;
	}
	fflush(stdout);
	return pass;
}

/* All are true where the assertion held. The text behind it is a printf format. */
#define ok(cond, ...) tap_report(__FILE__, __LINE__, (cond), __VA_ARGS__)

#define is_int(got, want, ...)                                                           \
	({                                                                               \
		long long tap_got = (long long)(got);                                    \
		long long tap_want = (long long)(want);                                  \
		if (!ok(tap_got == tap_want, __VA_ARGS__))                               \
			printf("#   got %lld, wanted %lld\n", tap_got, tap_want);        \
		tap_got == tap_want;                                                     \
	})

#define is_str(got, want, ...)                                                           \
	({                                                                               \
		const char *tap_got = (got);                                             \
		const char *tap_want = (want);                                           \
		bool tap_same = tap_got && tap_want ? !strcmp(tap_got, tap_want)         \
						    : tap_got == tap_want;               \
		if (!ok(tap_same, __VA_ARGS__))                                          \
			printf("#   got '%s'\n#   wanted '%s'\n",                        \
				tap_got ? tap_got : "(null)",                            \
				tap_want ? tap_want : "(null)");                         \
		tap_same;                                                                \
	})

static inline int done_testing(void)
{
	printf("1..%d\n", tap_count);
	if (tap_failed)
		printf("# %d of %d failed\n", tap_failed, tap_count);
	return tap_failed || tap_count == 0 ? 1 : 0;
}

/*
 * Under valgrind: it keeps some limits to itself, lets no signal interrupt some calls,
 * and starting a process takes a tenth of a second.
 */
static inline bool under_valgrind(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

	return preloaded && strstr(preloaded, "vgpreload");
}

#endif
