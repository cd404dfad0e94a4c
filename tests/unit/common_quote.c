/* SPDX-License-Identifier: MIT */
/* Bytes from outside as text: UTF-8, escapes, cutting, JSON. */
#include "common/quote.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

static void test_sequences(void)
{
	static const struct {
		const char *bytes;
		size_t len, want;
		const char *what;
	} cases[] = {
		{"", 0, 0, "nothing"},
		{"\0", 1, 1, "NUL"},
		{"a", 1, 1, "ASCII"},
		{"\x7f", 1, 1, "the last of one byte"},
		{"\x80", 1, 0, "a continuation byte alone"},
		{"\xc0\x80", 2, 0, "overlong NUL"},
		{"\xc1\xbf", 2, 0, "overlong of two bytes"},
		{"\xc2\x80", 2, 2, "the first of two bytes"},
		{"\xdf\xbf", 2, 2, "the last of two bytes"},
		{"\xc3", 1, 0, "cut after one of two"},
		{"\xc3(", 2, 0, "no continuation"},
		{"\xe0\x9f\xbf", 3, 0, "overlong of three bytes"},
		{"\xe0\xa0\x80", 3, 3, "the first of three bytes"},
		{"\xed\x9f\xbf", 3, 3, "the last before the surrogates"},
		{"\xed\xa0\x80", 3, 0, "the first surrogate"},
		{"\xed\xbf\xbf", 3, 0, "the last surrogate"},
		{"\xee\x80\x80", 3, 3, "the first behind the surrogates"},
		{"\xef\xbf\xbf", 3, 3, "the last of three bytes"},
		{"\xe2\x82", 2, 0, "cut after two of three"},
		{"\xf0\x8f\xbf\xbf", 4, 0, "overlong of four bytes"},
		{"\xf0\x90\x80\x80", 4, 4, "the first of four bytes"},
		{"\xf4\x8f\xbf\xbf", 4, 4, "the last code point"},
		{"\xf4\x90\x80\x80", 4, 0, "behind the last code point"},
		{"\xf5\x80\x80\x80", 4, 0, "a first byte that cannot be"},
		{"\xf0\x9f\x98", 3, 0, "cut after three of four"},
		{"\xff", 1, 0, "byte 255"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_int(utf8_sequence((const unsigned char *)cases[i].bytes, cases[i].len),
			cases[i].want, "utf8_sequence: %s", cases[i].what);
	ok(utf8_valid("gr\xc3\xbc\xc3\x9f", 6), "utf8_valid: words");
	ok(!utf8_valid("gr\xfc\xdf", 4), "utf8_valid: Latin-1");
	ok(utf8_valid("", 0), "utf8_valid: nothing");
	ok(!utf8_valid("a\xc3", 2), "utf8_valid: cut");
}

static void test_escapes(void)
{
	static const struct {
		const char *bytes, *want, *what;
	} cases[] = {
		{"plain/path-1", "plain/path-1", "plain"},
		{"a\nb\tc\\d", "a\\nb\\tc\\\\d", "newline, tab, backslash"},
		{"\x01\x1b[31m\x7f", "\\001\\033[31m\\177",
			"controls and escape sequences"},
		{"\r", "\\015", "carriage return"},
		{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
			"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
			"UTF-8 stays"},
		{"\xfc\xff", "\\374\\377", "bytes that are no UTF-8"},
		{"x\xc3", "x\\303", "a sequence that is cut"},
		{"\xc2\x9b"
		 "31m",
			"\\302\\23331m", "controls behind 127"},
		{"\xc2\xa0", "\xc2\xa0", "the first behind them"},
		{"", "", "nothing"},
	};
	char buf[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(quote_path(buf, sizeof(buf), cases[i].bytes), cases[i].want,
			"quote_path: %s", cases[i].what);
	is_str(quote_bytes(buf, sizeof(buf), "a\0b", 3), "a\\000b", "quote_bytes: NUL");
}

/* Whatever the size: never beyond it, always whole steps, always dots when cut. */
static void test_cut(void)
{
	static const char bytes[] = "ab\xc3\xbc\n\xff\xf0\x9f\x98\x80zz\x01";
	char whole[128];
	int bad = 0;

	quote_path(whole, sizeof(whole), bytes);
	for (size_t size = 8; size < sizeof(whole); size++) {
		char *buf = malloc(size);
		size_t len;

		if (!buf)
			err(1, "malloc");
		len = strlen(quote_path(buf, size, bytes));
		if (len >= size || !utf8_valid(buf, len))
			bad++;
		if (strcmp(buf, whole) != 0 &&
			(len < 3 || strcmp(buf + len - 3, "...") != 0 ||
				strncmp(buf, whole, len - 3) != 0))
			bad++;
		free(buf);
	}
	is_int(bad, 0, "cut at every size");
	is_str(quote_path(whole, 8, "abcdefghij"), "abcd...", "the smallest size");
	is_str(quote_path(whole, 8, "\xff\xff"), "\\377...", "an escape is not cut");
	is_str(quote_path(whole, 12, "\xff\xff"), "\\377\\377", "two that fit");
}

static char *printed(
	void (*fn)(FILE *, const void *, size_t), const void *bytes, size_t len)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		err(1, "open_memstream");
	fn(f, bytes, len);
	fclose(f);
	return text;
}

static void test_streams(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text, *json;
	} cases[] = {
		{"", 0, "", "\"\""},
		{"a\"b\\", 4, "a\"b\\\\", "\"a\\\"b\\\\\""},
		{"\n\0\x7f", 3, "\\n\\000\\177", "\"\\u000a\\u0000\\u007f\""},
		{"\xc3\xbc\xff", 3, "\xc3\xbc\\377", "\"\xc3\xbc\\ufffd\""},
		{"\xed\xa0\x80", 3, "\\355\\240\\200", "\"\\ufffd\\ufffd\\ufffd\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = printed(quote_print, cases[i].bytes, cases[i].len);
		char *json = printed(quote_json, cases[i].bytes, cases[i].len);

		is_str(text, cases[i].text, "quote_print, case %zu", i);
		is_str(json, cases[i].json, "quote_json, case %zu", i);
		free(text);
		free(json);
	}
}

static void test_long(void)
{
	char *bytes = malloc(100000);
	char *text;

	if (!bytes)
		err(1, "malloc");
	memset(bytes, 0xff, 100000);
	text = printed(quote_print, bytes, 100000);
	is_int(strlen(text), 400000, "quote_print knows no limit");
	free(text);
	free(bytes);
}

int main(void)
{
	test_sequences();
	test_escapes();
	test_cut();
	test_streams();
	test_long();
	return done_testing();
}
