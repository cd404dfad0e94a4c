/* SPDX-License-Identifier: MIT */
/*
 * Content of regular files, digested by several threads where the inode itself says which
 * blocks it is in. That is so for all but large files in pieces and those of ext2 and
 * ext3.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/digest.h"
#include "image/digest_queue.h"
#include "image/ext.h"

/* Extents that fit into an inode; ext_map() sees to it that there are no more. */
#define RUNS_MAX                                                                         \
	((sizeof(((struct ext2_inode_large *)0)->i_block) -                              \
		 sizeof(struct ext3_extent_header)) /                                    \
		sizeof(struct ext3_extent))

struct runs {
	size_t count;
	struct ext_run runs[RUNS_MAX];
};

static int add_bytes(void *arg, const void *bytes, uint64_t len, struct err *e)
{
	(void)e;
	if (bytes)
		digest_add(arg, bytes, (size_t)len);
	else
		digest_add_zeros(arg, len);
	return 0;
}

static int digest_runs(
	void *arg, const struct digest_file *f, char *buffer, struct err *e)
{
	cleanup_free struct runs *r = f->node;
	struct digest d;

	digest_start(&d);
	if (ext_read_runs(arg, f->in->size, r->runs, r->count, buffer, DIGEST_BUFFER,
		    add_bytes, &d, e) < 0)
		return -1;
	digest_finish(&d, f->in);
	return 0;
}

int ext_digest_begin(struct ext *x, const struct listing *l, struct err *e)
{
	if (x->names_only)
		return 0;
	return digest_queue_begin(&x->digests, l->threads, digest_runs, x, e);
}

int ext_digest_end(struct ext *x, int rc, struct err *e)
{
	return x->digests ? digest_queue_end(take_ptr(x->digests), rc, e) : rc;
}

static bool runs_in_inode(const struct ext2_inode_large *in)
{
	struct ext3_extent_header eh;

	memcpy(&eh, in->i_block, sizeof(eh));
	return in->i_flags & EXT4_EXTENTS_FL && !(in->i_flags & EXT4_INLINE_DATA_FL) &&
	       le16toh(eh.eh_depth) == 0;
}

static int add_run(void *arg, uint64_t logical, uint64_t physical, uint64_t count,
	bool unwritten, struct err *e)
{
	struct runs *r = arg;

	(void)e;
	r->runs[r->count++] = (struct ext_run){logical, physical, count, unwritten};
	return 0;
}

static int digest_later(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	struct digest_file *f, struct err *e)
{
	cleanup_free struct runs *r = calloc(1, sizeof(*r));
	const struct ext_map m = {r, add_run, NULL};

	if (!r)
		return err_sys(e, x->name, "cannot read");
	if (ext_map(x, ino, in, &m, e) < 0)
		return -1;
	f->node = take_ptr(r);
	f->drop = free;
	return digest_queue_add(x->digests, f);
}

int ext_digest_add(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	struct listing_inode *to, const char *path, struct err *e)
{
	struct digest_file f = {.in = to, .path = path};
	struct digest d;

	if (runs_in_inode(in))
		return digest_later(x, ino, in, &f, e);
	digest_start(&d);
	if (ext_content(x, ino, in, add_bytes, &d, e) < 0)
		return -1;
	digest_finish(&d, to);
	return 0;
}
