/* SPDX-License-Identifier: MIT */
#include "image/archive_content.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/archive_meta.h"
#include "image/digest.h"
#include "image/digest_queue.h"

static int bad(const struct archive_content *c, const char *path, struct err *e,
	const char *what)
{
	return err_set(e, ERR_INPUT, "%s: /%s: %s", c->l->name, path, what);
}

static int digest_place(
	void *arg, const struct digest_file *f, char *buffer, struct err *e)
{
	cleanup_free struct archive_place *p = f->node;
	const struct archive_content *c = arg;
	struct digest d;

	digest_start(&d);
	while (d.size < p->len) {
		uint64_t left = p->len - d.size;
		size_t part = left < DIGEST_BUFFER ? (size_t)left : DIGEST_BUFFER;
		ssize_t n =
			archive_plain_read(&c->r->plain, buffer, part, p->at + d.size);

		if (n < 0)
			return bad(c, f->path, e, strerror(errno));
		if (n == 0)
			return bad(c, f->path, e,
				"the archive became shorter while it was read");
		digest_add(&d, buffer, (size_t)n);
	}
	digest_add_zeros(&d, f->in->size - d.size);
	digest_finish(&d, f->in);
	return 0;
}

int archive_content_begin(struct archive_content *c, struct listing *l,
	struct archive_reader *r, struct err *e)
{
	*c = (struct archive_content){.l = l, .r = r};
	return digest_queue_begin(&c->queue, l->threads, digest_place, c, e);
}

int archive_content_end(struct archive_content *c, int rc, struct err *e)
{
	return c->queue ? digest_queue_end(take_ptr(c->queue), rc, e) : rc;
}

static int skip(struct archive_content *c, const char *path, struct err *e)
{
	if (archive_read_data_skip(c->r->inner) == ARCHIVE_OK)
		return 0;
	return bad(c, path, e, archive_why(c->r->inner));
}

static int read_all(struct archive_content *c, const char *path, struct listing_inode *in,
	struct err *e)
{
	struct digest d;
	const void *block;
	la_int64_t at;
	size_t len;
	int rc;

	digest_start(&d);
	while ((rc = archive_read_data_block(c->r->inner, &block, &len, &at)) ==
		ARCHIVE_OK) {
		if (at < 0 || (uint64_t)at < d.size || (uint64_t)at > in->size ||
			len > in->size - (uint64_t)at)
			return bad(c, path, e, "its content is not as long as it says");
		digest_add_zeros(&d, (uint64_t)at - d.size);
		digest_add(&d, block, len);
	}
	if (rc != ARCHIVE_EOF)
		return bad(c, path, e, archive_why(c->r->inner));
	digest_add_zeros(&d, in->size - d.size);
	digest_finish(&d, in);
	return 0;
}

static int add(struct archive_content *c, const struct archive_place *place,
	struct listing_inode *in, struct err *e)
{
	struct digest_file f = {.in = in, .drop = free};
	struct archive_place *p = malloc(sizeof(*p));

	if (!p)
		return err_sys(e, c->l->name, "cannot list");
	*p = *place;
	f.path = c->l->entries[c->l->count - 1].path;
	f.node = p;
	c->waits = true;
	return digest_queue_add(c->queue, &f);
}

int archive_content_later(struct archive_content *c, struct archive_entry *entry,
	const char *path, struct listing_inode *in, struct err *e)
{
	struct archive_place place;
	const char *why;
	int rc;

	if (!listing_wants_content(c->l, path, in))
		return skip(c, path, e);
	rc = archive_reader_pass(c->r, entry, &place, &why);
	if (rc < 0)
		return bad(c, path, e, why);
	return rc ? add(c, &place, in, e) : read_all(c, path, in, e);
}

int archive_content_wait(struct archive_content *c, struct err *e)
{
	if (!c->waits)
		return 0;
	if (archive_content_end(c, 0, e) < 0)
		return -1;
	return archive_content_begin(c, c->l, c->r, e);
}

int archive_content_now(struct archive_content *c, const char *path,
	struct listing_inode *in, struct err *e)
{
	if (!listing_wants_content(c->l, path, in))
		return skip(c, path, e);
	return read_all(c, path, in, e);
}
