/* SPDX-License-Identifier: MIT */
#include "image/archive_plain.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES ((size_t)1 << 14)
#define UNREAD_BYTES                                                                     \
	((size_t)1 << 20) /* in one block; what is not read takes no memory */

int archive_plain_open(
	struct archive_plain *p, int fd, uint64_t size, const char *name, struct err *e)
{
	*p = (struct archive_plain){.fd = fd, .size = size};
	p->block = malloc(UNREAD_BYTES);
	return p->block ? 0 : err_sys(e, name, "cannot list");
}

ssize_t archive_plain_read(
	const struct archive_plain *p, void *to, size_t len, uint64_t at)
{
	ssize_t n;

	do {
		n = pread(p->fd, to, len, (off_t)at);
	} while (n < 0 && errno == EINTR);
	return n;
}

ssize_t archive_plain_next(struct archive_plain *p, const void **block)
{
	ssize_t n;

	*block = p->block;
	p->len = 0;
	p->unread = p->at < p->unread_to;
	if (!p->unread)
		n = archive_plain_read(p, p->block, READ_BYTES, p->at);
	else if (p->unread_to - p->at < UNREAD_BYTES)
		n = (ssize_t)(p->unread_to - p->at);
	else
		n = UNREAD_BYTES;
	if (n < 0)
		return -1;
	p->len = (size_t)n;
	p->at += p->len;
	return n;
}

bool archive_plain_place(const struct archive_plain *p, const void *bytes, uint64_t *at)
{
	const unsigned char *b = bytes;

	if (b < p->block || b >= p->block + p->len)
		return false;
	*at = p->at - p->len + (uint64_t)(b - p->block);
	return true;
}

ssize_t archive_plain_fill(
	struct archive_plain *p, uint64_t from, const unsigned char **bytes)
{
	uint64_t start = p->at - p->len;
	size_t skip = from > start ? (size_t)(from - start) : 0;

	*bytes = p->block + skip;
	p->unread_to = 0;
	if (!p->unread)
		return 0;
	for (size_t done = skip; done < p->len;) {
		ssize_t n = archive_plain_read(
			p, p->block + done, p->len - done, start + done);

		if (n == 0)
			errno = ENODATA;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	p->unread = false;
	return (ssize_t)(p->len - skip);
}

void archive_plain_close(struct archive_plain *p)
{
	free(p->block);
	p->block = NULL;
}
