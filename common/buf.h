/* SPDX-License-Identifier: MIT */
/*
 * A byte buffer that grows. Zero-initialise it; buf_free() when done. data is NULL as
 * long as nothing was added, and always followed by a NUL that len does not count.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

/* All return 0, or -1 with errno ENOMEM; on failure the buffer is as it was. */
int buf_add(struct buf *b, const void *bytes, size_t len);
int buf_addc(struct buf *b, char c);
int buf_adds(struct buf *b, const char *s);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void buf_free(struct buf *b);

#define cleanup_buf __attribute__((cleanup(buf_free)))

#endif
