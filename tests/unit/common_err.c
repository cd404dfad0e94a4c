/* SPDX-License-Identifier: MIT */
/* Error values: what the setters make of codes, errno, names and long texts. */
#include "common/err.h"

#include <errno.h>
#include <stdlib.h>

#include "common/quote.h"
#include "tests/unit/tap.h"

static void test_set(void)
{
	struct err e = {.code = ERR_SYS, .sys = EPERM, .msg = "old"};

	is_int(err_set(&e, ERR_INPUT, "line %d: %s", 7, "bad"), -1,
		"a setter returns -1");
	is_int(e.code, ERR_INPUT, "the code");
	is_int(e.sys, 0, "no errno is left over");
	is_str(e.msg, "line 7: bad", "the text replaces the old one");
}

static void test_sys(void)
{
	struct err e = {0};

	errno = ENOENT;
	is_int(err_sys(&e, "a\nb", "cannot open %s", "it"), -1, "err_sys");
	is_int(e.code, ERR_SYS, "its code");
	is_int(e.sys, ENOENT, "its errno");
	is_int(errno, ENOENT, "errno is kept for the caller");
	is_str(e.msg, "cannot open it: a\\nb: No such file or directory",
		"the path is quoted");
	errno = EACCES;
	err_sys(&e, NULL, "cannot write");
	is_str(e.msg, "cannot write: Permission denied", "without a path");
}

static void test_wrap_and_hint(void)
{
	struct err e = {0};

	errno = EIO;
	err_sys(&e, "f", "cannot read");
	is_int(err_wrap(&e, "%s", "unpack"), -1, "err_wrap");
	is_int(err_hint(&e, "try %d times", 3), -1, "err_hint");
	is_str(e.msg, "unpack: cannot read: f: Input/output error; try 3 times",
		"context before, hint behind");
	is_int(e.code, ERR_SYS, "the code stays");
	is_int(e.sys, EIO, "errno stays");
}

static void test_errno(void)
{
	struct err e = {0};

	errno = ENOSPC;
	err_sys(&e, NULL, "x");
	is_int(err_errno(&e), ENOSPC, "a system call's errno");
	err_set(&e, ERR_SYS, "out of memory");
	ok(err_errno(&e) > 0, "never 0");
	err_set(&e, ERR_BUSY, "x");
	is_int(err_errno(&e), EBUSY, "ERR_BUSY");
	err_set(&e, ERR_REFUSED, "x");
	is_int(err_errno(&e), EIO, "all others");
}

static bool ends_in_dots(const struct err *e)
{
	size_t len = strlen(e->msg);

	return len >= 3 && strcmp(e->msg + len - 3, "…") == 0;
}

static void test_truncation(void)
{
	char text[3 * ERR_MSG_MAX];
	struct err e = {0};
	int bad = 0;

	memset(text, 'x', sizeof(text));
	text[ERR_MSG_MAX - 1] = '\0';
	err_set(&e, ERR_INPUT, "%s", text);
	is_int(strlen(e.msg), ERR_MSG_MAX - 1, "the longest message fits");
	is_str(e.msg, text, "as it is");
	err_hint(&e, "more");
	ok(ends_in_dots(&e), "a hint that does not fit shows as such");
	text[ERR_MSG_MAX - 1] = 'x';
	text[sizeof(text) - 1] = '\0';
	err_set(&e, ERR_INPUT, "%s", text);
	is_int(strlen(e.msg), ERR_MSG_MAX - 1, "a longer one is cut");
	ok(ends_in_dots(&e), "and says so");
	err_wrap(&e, "before");
	ok(strncmp(e.msg, "before: xxx", 11) == 0, "a wrap keeps the front");
	ok(ends_in_dots(&e), "and still ends in dots");
	for (int shift = 0; shift < 4; shift++) {
		memset(text, 'x', 4);
		for (size_t i = (size_t)shift; i + 5 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 5);
		err_set(&e, ERR_INPUT, "%s", text);
		bad += !utf8_valid(e.msg, strlen(e.msg)) || !ends_in_dots(&e);
	}
	is_int(bad, 0, "no character is cut in the middle");
}

int main(void)
{
	test_set();
	test_sys();
	test_wrap_and_hint();
	test_errno();
	test_truncation();
	return done_testing();
}
