/* SPDX-License-Identifier: MIT */
#include "tools/xattr_value.h"

#include <stdbool.h>
#include <string.h>

#include "fs/engine.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c | 0x20) : NULL;

	return p ? (int)(p - digits) : -1;
}

static int parse_hex(const char *s, struct buf *out, struct err *e)
{
	for (; *s; s += 2) {
		int high = hex_digit(s[0]);
		int low = high < 0 ? -1 : hex_digit(s[1]);

		if (low < 0)
			return err_set(e, ERR_USAGE,
				"a value 0x… is pairs of hexadecimal digits");
		if (buf_addc(out, (char)(high << 4 | low)) < 0)
			return no_memory(e);
	}
	return 0;
}

/* RFC 4648, section 4. */
static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

static int parse_base64(const char *s, struct buf *out, struct err *e)
{
	size_t len = strlen(s);
	unsigned bits = 0;
	int held = 0;

	while (len && s[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		int d = base64_digit(s[i]);

		if (d < 0 || len % 4 == 1)
			return err_set(e, ERR_USAGE, "a value 0s… is base64");
		bits = (bits << 6 | (unsigned)d) & 0xffff;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (buf_addc(out, (char)(bits >> held & 0xff)) < 0)
			return no_memory(e);
	}
	return 0;
}

/* Text with \\, \" and \ooo (up to three octal digits) as setfattr(1) reads them. */
static int parse_text(const char *s, const char *end, struct buf *out, struct err *e)
{
	while (s < end) {
		unsigned c = (unsigned char)*s++;

		if (c == '\\' && s < end && (*s == '\\' || *s == '"')) {
			c = (unsigned char)*s++;
		} else if (c == '\\' && s < end && *s >= '0' && *s <= '7') {
			c = 0;
			for (int i = 0; i < 3 && s < end && *s >= '0' && *s <= '7'; i++)
				c = c << 3 | (unsigned)(*s++ - '0');
		}
		if (buf_addc(out, (char)c) < 0)
			return no_memory(e);
	}
	return 0;
}

int xattr_value_parse(const char *text, struct buf *out, struct err *e)
{
	size_t len = strlen(text);
	bool quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';

	if (text[0] == '0' && (text[1] | 0x20) == 'x')
		return parse_hex(text + 2, out, e);
	if (text[0] == '0' && (text[1] | 0x20) == 's')
		return parse_base64(text + 2, out, e);
	return parse_text(text + quoted, text + len - quoted, out, e);
}
