/* SPDX-License-Identifier: MIT */
/* How ls and stat print one inode, as text and as JSON. */
#ifndef TOOLS_SHOW_H
#define TOOLS_SHOW_H

#include <stdio.h>

#include "fs/engine.h"
#include "tools/names.h"

/* Widths of the columns of a listing, in bytes; zero-initialise. */
struct show_widths {
	int links, user, group, label, size;
};

/* Widens the columns so that a node's line fits. */
void show_measure(struct engine *en, const struct node *n, const struct names *names,
	struct show_widths *w);

/* A line like `ls -lZ`; names NULL: numbers. shown is what to call the file. */
int show_line(struct engine *en, struct node *n, const char *shown,
	const struct names *names, const struct show_widths *w, struct err *e);

/* One record in full. path is the file's path in the tree. */
int show_full(struct engine *en, struct node *n, const char *path,
	const struct names *names, struct err *e);

/* One JSON object, without a newline. Bytes that are no UTF-8 are given in hexadecimal.
 */
int show_json(struct engine *en, struct node *n, const char *path, struct err *e);

/* "key": and the bytes as a string, and as "key_hex" too where they are no UTF-8. */
void show_json_bytes(FILE *out, const char *key, const void *bytes, size_t len);

#endif
