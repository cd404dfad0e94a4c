/* SPDX-License-Identifier: MIT */
#include "pack/archive.h"

#include <stdlib.h>

#include "common/cleanup.h"
#include "pack/archive_out.h"

#define CONTENT_BYTES (1 << 18)

int out_refuse(const struct listing_entry *at, struct err *e, const char *why)
{
	return err_set(e, ERR_REFUSED, "/%s: %s", at->path, why);
}

int out_content(struct engine *en, const struct listing_inode *in, out_fn *put, void *arg,
	struct err *e)
{
	const char *path = in->first;
	struct node *n = engine_find(en, path, e);
	cleanup_free char *buf = malloc(CONTENT_BYTES);
	uint64_t done = 0;

	if (!n)
		return err_wrap(e, "/%s", path);
	if (!buf)
		return err_sys(e, path, "cannot read");
	for (;;) {
		ssize_t got = engine_read(en, n, buf, CONTENT_BYTES, (off_t)done, e);

		if (got < 0)
			return err_wrap(e, "/%s", path);
		if (got == 0)
			break;
		done += (uint64_t)got;
		if (done > in->size)
			break;
		if (put(arg, buf, (size_t)got, e) < 0)
			return -1;
	}
	if (done != in->size)
		return err_set(e, ERR_INPUT, "/%s: it changed while it was read", path);
	return 0;
}

int archive_stream(int fd, enum archive_format format, struct engine *en,
	const struct listing *l, struct err *e)
{
	return (format == ARCHIVE_CPIO ? out_cpio : out_tar)(fd, en, l, e);
}
