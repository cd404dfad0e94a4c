/* SPDX-License-Identifier: MIT */
/*
 * The manifest: a listing as canonical text, livery-manifest(5). The same tree gives the
 * same bytes, whether it is read from a staging tree, a mounted one or an image.
 */
#ifndef IMAGE_MANIFEST_H
#define IMAGE_MANIFEST_H

#include <stdio.h>

#include "image/listing.h"

#define MANIFEST_DIGEST_SIZE 65 /* 64 hexadecimal digits and a NUL */

/* Hexadecimal digits, two a byte, and a NUL. */
void manifest_hex(const uint8_t *bytes, size_t len, char *out);

/* The word for the type in a mode: "file", "dir", "link", … */
const char *manifest_type(uint32_t mode);

/* The listing must have all contents digested. Errors of out are the caller's to see. */
void manifest_print(FILE *out, const struct listing *l);

/* SHA-256 of that text, in hexadecimal. */
int manifest_digest(
	const struct listing *l, char hex[MANIFEST_DIGEST_SIZE], struct err *e);

#endif
