/* SPDX-License-Identifier: MIT */
#include "common/buf.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/tap.h"

static void test_growth(void)
{
	struct buf b = {0};
	bool terminated = true;

	ok(!b.data, "nothing is allocated before the first byte");
	for (int i = 0; i < 5000; i++) {
		if (buf_addc(&b, (char)i) < 0)
			break;
		terminated = terminated && b.data[b.len] == '\0' && b.cap > b.len;
	}
	is_int(b.len, 5000, "5000 bytes, one at a time");
	ok(terminated, "a NUL behind them at each length");
	ok(b.data[0] == 0 && b.data[255] == (char)255 && b.data[4999] == (char)4999,
		"NUL and all other bytes are kept");
	buf_free(&b);
	ok(!b.data && !b.len && !b.cap, "freed, and ready for use again");
}

static void test_verbs(void)
{
	cleanup_buf struct buf b = {0};

	is_int(buf_add(&b, NULL, 0), 0, "nothing added");
	is_int(b.len, 0, "is no length");
	is_int(buf_adds(&b, "abc"), 0, "a string");
	is_int(buf_addf(&b, "-%d-%s", 42, "x"), 0, "a format");
	is_int(buf_add(&b, "\0z", 2), 0, "bytes");
	is_int(b.len, 10, "length of all");
	ok(memcmp(b.data, "abc-42-x\0z", 11) == 0, "content of all");
	is_int(buf_addf(&b, "%s", ""), 0, "an empty format");
	is_int(b.len, 10, "adds nothing");
}

/* At each fill, so that the end of the room is met exactly once. */
static void test_format_at_the_edge(void)
{
	int bad = 0;

	for (int fill = 0; fill < 140; fill++) {
		cleanup_buf struct buf b = {0};

		for (int i = 0; i < fill; i++)
			buf_addc(&b, 'x');
		if (buf_addf(&b, "%04d", fill) < 0 || b.len != (size_t)fill + 4 ||
			strlen(b.data) != b.len)
			bad++;
	}
	is_int(bad, 0, "a format ends where the room ends");
}

static void test_too_large(void)
{
	cleanup_buf struct buf b = {0};

	buf_adds(&b, "kept");
	errno = 0;
	is_int(buf_add(&b, "", SIZE_MAX - 2), -1, "more than an address space");
	is_int(errno, ENOMEM, "is ENOMEM");
	is_str(b.data, "kept", "and the buffer is as it was");
	is_int(b.len, 4, "its length too");
}

int main(void)
{
	test_growth();
	test_verbs();
	test_format_at_the_edge();
	test_too_large();
	return done_testing();
}
