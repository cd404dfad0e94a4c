/* SPDX-License-Identifier: MIT */
#include "pack/archive.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "pack/archive_out.h"

#define CONTENT_BYTES (1 << 18)

int out_bytes(struct out *o, const void *bytes, size_t len, struct err *e)
{
	const char *p = bytes;

	o->total += len;
	while (len > 0) {
		size_t part = sizeof(o->block) - o->used;

		part = part < len ? part : len;
		memcpy(o->block + o->used, p, part);
		o->used += part;
		p += part;
		len -= part;
		if (o->used == sizeof(o->block) && out_flush(o, e) < 0)
			return -1;
	}
	return 0;
}

int out_flush(struct out *o, struct err *e)
{
	size_t done = 0;

	while (done < o->used) {
		ssize_t n = write(o->fd, o->block + done, o->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, NULL, "cannot write the archive");
		done += (size_t)n;
	}
	o->used = 0;
	return 0;
}

int out_pad(struct out *o, size_t to, struct err *e)
{
	static const char zeros[10240];
	size_t left = (size_t)((to - o->total % to) % to);

	return out_bytes(o, zeros, left, e);
}

int out_refuse(const struct listing_entry *at, struct err *e, const char *why)
{
	return err_set(e, ERR_REFUSED, "/%s: %s", at->path, why);
}

/* Exactly as many bytes as the listing says. */
int out_content(struct out *o, const struct listing_inode *in, struct err *e)
{
	const char *path = in->first;
	struct node *n = engine_find(o->en, path, e);
	cleanup_free char *buf = malloc(CONTENT_BYTES);
	uint64_t done = 0;

	if (!n)
		return err_wrap(e, "/%s", path);
	if (!buf)
		return err_sys(e, path, "cannot read");
	for (;;) {
		ssize_t got = engine_read(o->en, n, buf, CONTENT_BYTES, (off_t)done, e);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (uint64_t)got;
		if (done > in->size)
			break;
		if (out_bytes(o, buf, (size_t)got, e) < 0)
			return -1;
	}
	if (done != in->size)
		return err_set(e, ERR_INPUT, "/%s: it changed while it was read", path);
	return 0;
}

int archive_stream(int fd, enum archive_format format, struct engine *en,
	const struct listing *l, struct err *e)
{
	cleanup_free struct out *o = calloc(1, sizeof(*o));

	if (!o)
		return err_sys(e, NULL, "cannot write the archive");
	o->fd = fd;
	o->en = en;
	if ((format == ARCHIVE_CPIO ? out_cpio : out_tar)(o, l, e) < 0)
		return -1;
	return out_flush(o, e);
}
