/* SPDX-License-Identifier: MIT */
/* Values as setfattr(1) takes them. */
#include "tools/xattr_value.h"

#include <string.h>

#include "tests/unit/tap.h"

static const struct {
	const char *text;
	const char *want; /* NULL: refused */
	size_t len;
} cases[] = {
	{"", "", 0},
	{"text", "text", 4},
	{"with space", "with space", 10},
	{"\"quoted\"", "quoted", 6},
	{"\"\"", "", 0},
	{"\"", "\"", 1},
	{"\"open", "\"open", 5},
	{"close\"", "close\"", 6},
	{"a\\\\b\\\"c", "a\\b\"c", 5},
	{"\"a\\001\\0b\\7\"", "a\001\0b\007", 5},
	{"\\377\\0", "\377\0", 2},
	{"\\1234", "S4", 2},
	{"\\n\\8", "\\n\\8", 4},
	{"end\\", "end\\", 4},
	{"0x", "", 0},
	{"0x00ffAb", "\0\xff\xab", 3},
	{"0Xff", "\xff", 1},
	{"0xf", NULL, 0},
	{"0xfg", NULL, 0},
	{"0x f", NULL, 0},
	{"0xff0", NULL, 0},
	{"0s", "", 0},
	{"0sAP+r", "\0\xff\xab", 3},
	{"0sYQ==", "a", 1},
	{"0sYWI=", "ab", 2},
	{"0sYWI", "ab", 2},
	{"0SYWJj", "abc", 3},
	{"0sAQAAAgAEAAAAAAAAAAAAAAAAAAA=", "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		20},
	{"0sY", NULL, 0},
	{"0sYW-j", NULL, 0},
	{"0sYW=j", NULL, 0},
	{"0", "0", 1},
	{"0z", "0z", 2},
	{"00ff", "00ff", 4},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_buf struct buf out = {0};
		struct err e = {0};
		int rc = xattr_value_parse(cases[i].text, &out, &e);

		if (!cases[i].want)
			ok(rc == -1 && e.code == ERR_USAGE, "refused: %s", cases[i].text);
		else
			ok(rc == 0 && out.len == cases[i].len &&
					(!out.len || memcmp(out.data, cases[i].want,
							     out.len) == 0),
				"%s: %zu bytes", cases[i].text, out.len);
	}
	return done_testing();
}
