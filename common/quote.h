/* SPDX-License-Identifier: MIT */
/*
 * Bytes from outside, made fit to print. File names may hold any byte but NUL and '/';
 * a message, a listing and a JSON text must not break over them.
 */
#ifndef COMMON_QUOTE_H
#define COMMON_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Writes bytes into buf (size bytes, NUL included) with control characters, backslashes
 * and what is not valid UTF-8 as \n, \\ or \ooo. What does not fit is cut and ends in
 * "...". Returns buf. size must be at least 8.
 */
const char *quote_bytes(char *buf, size_t size, const void *bytes, size_t len);
const char *quote_path(char *buf, size_t size, const char *path);

/*
 * A text that is quoted where it had to be, made safe as a whole: control characters and
 * what is not UTF-8 as \ooo, backslashes as they are. Cut as above.
 */
bool quote_is_text(const char *text); /* it would stay as it is */
const char *quote_text(char *buf, size_t size, const char *text);

/* The same as quote_bytes(), without a limit, to a stream. */
void quote_print(FILE *out, const void *bytes, size_t len);

/* A JSON string with its quotation marks; bytes that are not UTF-8 become U+FFFD. */
void quote_json(FILE *out, const void *bytes, size_t len);

/*
 * Length in bytes of the valid UTF-8 sequence at s (RFC 3629), of which len bytes may be
 * read; 0 where there is none.
 */
size_t utf8_sequence(const unsigned char *s, size_t len);
bool utf8_valid(const void *bytes, size_t len);

#endif
