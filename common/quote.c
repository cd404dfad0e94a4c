/* SPDX-License-Identifier: MIT */
#include "common/quote.h"

#include <string.h>

size_t utf8_sequence(const unsigned char *s, size_t len)
{
	size_t need;
	unsigned long c;

	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		need = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		need = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (need > len)
		return 0;
	c = s[0] & (0x7fu >> need);
	for (size_t i = 1; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if ((need == 3 && c < 0x800) || (need == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	if (c >= 0xd800 && c <= 0xdfff)
		return 0;
	return need;
}

bool utf8_valid(const void *bytes, size_t len)
{
	const unsigned char *s = bytes;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(s + i, len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* One step of quoting: the text for what stands at s. Returns the bytes it stands for. */
static size_t quote_step(const unsigned char *s, size_t len, char out[8])
{
	size_t n = utf8_sequence(s, len);

	/* U+0080 to U+009F are control characters, which a terminal may obey. */
	if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0)
		n = 0;
	if (n > 1) {
		memcpy(out, s, n);
		out[n] = '\0';
		return n;
	}
	if (s[0] == '\n')
		strcpy(out, "\\n");
	else if (s[0] == '\t')
		strcpy(out, "\\t");
	else if (s[0] == '\\')
		strcpy(out, "\\\\");
	else if (n == 0 || s[0] < 0x20 || s[0] == 0x7f)
		snprintf(out, 8, "\\%03o", s[0]);
	else
		snprintf(out, 8, "%c", s[0]);
	return 1;
}

/* plain: a backslash is one already, and stays. */
static const char *quote(
	char *buf, size_t size, const void *bytes, size_t len, bool plain)
{
	const unsigned char *s = bytes;
	size_t used = 0;

	for (size_t i = 0; i < len;) {
		char step[8] = "\\";
		size_t n = 1;
		size_t w;

		if (!plain || s[i] != '\\')
			n = quote_step(s + i, len - i, step);
		w = strlen(step);
		if (used + w + 4 > size) {
			memcpy(buf + used, "...", 4);
			return buf;
		}
		memcpy(buf + used, step, w);
		used += w;
		i += n;
	}
	buf[used] = '\0';
	return buf;
}

const char *quote_bytes(char *buf, size_t size, const void *bytes, size_t len)
{
	return quote(buf, size, bytes, len, false);
}

const char *quote_text(char *buf, size_t size, const char *text)
{
	return quote(buf, size, text, strlen(text), true);
}

bool quote_is_text(const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		if (*s < 0x20 || *s == 0x7f)
			return false;
	return utf8_valid(text, strlen(text));
}

const char *quote_path(char *buf, size_t size, const char *path)
{
	return quote_bytes(buf, size, path, strlen(path));
}

void quote_print(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *s = bytes;

	for (size_t i = 0; i < len;) {
		char step[8];

		i += quote_step(s + i, len - i, step);
		fputs(step, out);
	}
}

void quote_json(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *s = bytes;

	putc('"', out);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(s + i, len - i);

		if (n == 0) {
			fputs("\\ufffd", out);
			n = 1;
		} else if (n == 1 && (s[i] == '"' || s[i] == '\\')) {
			fprintf(out, "\\%c", s[i]);
		} else if (n == 1 && (s[i] < 0x20 || s[i] == 0x7f)) {
			fprintf(out, "\\u%04x", s[i]);
		} else {
			fwrite(s + i, 1, n, out);
		}
		i += n;
	}
	putc('"', out);
}
