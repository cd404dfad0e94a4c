/* SPDX-License-Identifier: MIT */
/*
 * Archives byte by byte, so that they can say what no writer would: ustar entries with
 * pax headers (POSIX.1-2017, pax), and cpio newc entries. A buf holds the archive.
 */
#ifndef TESTS_UNIT_TAR_UTIL_H
#define TESTS_UNIT_TAR_UTIL_H

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"

static inline void tar_add(struct buf *b, const void *data, size_t len)
{
	if (buf_add(b, data, len) < 0)
		err(1, "buf_add");
}

static inline void tar_pad(struct buf *b, size_t to)
{
	while (b->len % to)
		tar_add(b, "", 1);
}

struct tar_entry {
	const char *name;
	char type; /* '0' file, '1' hard link, '2' symlink, '3' char, '5' directory, 'x'
		    */
	unsigned mode, uid, gid, major, minor;
	long long mtime;
	const char *link;
	const void *data;
	size_t len;
};

static inline void tar_put(struct buf *b, struct tar_entry t)
{
	char h[513] = {0};
	unsigned sum = 0;

	snprintf(h, 101, "%s", t.name);
	snprintf(h + 100, 8, "%07o", t.mode);
	snprintf(h + 108, 8, "%07o", t.uid);
	snprintf(h + 116, 8, "%07o", t.gid);
	snprintf(h + 124, 12, "%011zo", t.len);
	snprintf(h + 136, 12, "%011llo", t.mtime);
	memset(h + 148, ' ', 8);
	h[156] = t.type;
	snprintf(h + 157, 101, "%s", t.link ? t.link : "");
	memcpy(h + 257, "ustar\00000", 8);
	snprintf(h + 329, 8, "%07o", t.major);
	snprintf(h + 337, 8, "%07o", t.minor);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	tar_add(b, h, 512);
	tar_add(b, t.data ? t.data : "", t.data ? t.len : 0);
	tar_pad(b, 512);
}

/* A record of a pax header; what all records are goes to tar_pax(). */
static inline void pax_record(
	struct buf *b, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3; /* blank, '=', newline */
	size_t total = rest + 1;

	while ((size_t)snprintf(NULL, 0, "%zu", total) + rest != total)
		total++;
	if (buf_addf(b, "%zu %s=", total, key) < 0)
		err(1, "buf_addf");
	tar_add(b, value, len);
	tar_add(b, "\n", 1);
}

static inline void tar_pax(struct buf *b, const struct buf *records)
{
	tar_put(b, (struct tar_entry){.name = "pax",
			   .type = 'x',
			   .mode = 0644,
			   .data = records->data,
			   .len = records->len});
}

static inline void tar_end(struct buf *b)
{
	static const char zeros[1024];

	tar_add(b, zeros, sizeof(zeros));
}

static inline void cpio_put(struct buf *b, const char *name, unsigned ino, unsigned mode,
	unsigned nlink, const char *data)
{
	if (buf_addf(b, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
		    ino, mode, 0, 0, nlink, 1000, strlen(data), 8, 1, 0, 0,
		    strlen(name) + 1, 0) < 0)
		err(1, "buf_addf");
	tar_add(b, name, strlen(name) + 1);
	tar_pad(b, 4);
	tar_add(b, data, strlen(data));
	tar_pad(b, 4);
}

static inline void cpio_end(struct buf *b)
{
	cpio_put(b, "TRAILER!!!", 0, 0, 1, "");
}

#endif
