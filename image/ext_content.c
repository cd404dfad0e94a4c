/* SPDX-License-Identifier: MIT */
/* The content of an inode: from its blocks, or from the inode itself (inline data). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/ext.h"

struct content {
	const struct ext *x;
	uint64_t size, at; /* bytes of it all, and how many were given */
	char *chunk;
	size_t chunk_size;
	ext_sink *sink;
	void *arg;
};

#define CHUNK ((size_t)1 << 17)

uint64_t ext_size(const struct ext *x, const struct ext2_inode_large *in)
{
	/* As ext4_isize() in fs/ext4/ext4.h: the field means something else elsewhere. */
	if (LINUX_S_ISREG(in->i_mode) || ext2fs_has_feature_largedir(x->fs->super))
		return (uint64_t)in->i_size_high << 32 | in->i_size;
	return in->i_size;
}

static int zeros_until(struct content *c, uint64_t offset, struct err *e)
{
	uint64_t len = offset > c->at ? offset - c->at : 0;

	if (!len)
		return 0;
	c->at += len;
	return c->sink(c->arg, NULL, len, e);
}

static int give_run(void *arg, uint64_t logical, uint64_t physical, uint64_t count,
	bool unwritten, struct err *e)
{
	struct content *c = arg;
	unsigned int block = c->x->fs->blocksize;
	uint64_t start = logical * block, left, from = physical * block;

	if (unwritten || start >= c->size)
		return 0;
	if (zeros_until(c, start, e) < 0)
		return -1;
	left = count * block;
	if (left > c->size - start)
		left = c->size - start;
	while (left > 0) {
		size_t len = left < c->chunk_size ? (size_t)left : c->chunk_size;
		ssize_t n = pread(c->x->fd, c->chunk, len, (off_t)from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, c->x->name, "cannot read");
		if (n == 0)
			return err_set(e, ERR_INPUT, "%s: it became shorter while read",
				c->x->name);
		if (c->sink(c->arg, c->chunk, (uint64_t)n, e) < 0)
			return -1;
		c->at += (uint64_t)n;
		from += (uint64_t)n;
		left -= (uint64_t)n;
	}
	return 0;
}

static int find_inline(void *arg, const struct ext_xattr *a, struct err *e)
{
	(void)e;
	if (a->index != EXT_INDEX_SYSTEM || strcmp(a->name, "data") != 0)
		return 0;
	return buf_add(arg, a->value, a->len) < 0 ? -2 : 0;
}

int ext_inline(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	struct buf *b, struct err *e)
{
	int rc;

	if (!(in->i_flags & EXT4_INLINE_DATA_FL))
		return 0;
	if (buf_add(b, in->i_block, sizeof(in->i_block)) < 0)
		return err_sys(e, x->name, "cannot read");
	rc = ext_xattrs(x, ino, in, find_inline, b, e);
	return rc == -2 ? err_sys(e, x->name, "cannot read") : rc;
}

static int give_inline(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	ext_sink *sink, void *arg, struct err *e)
{
	cleanup_buf struct buf b = {0};
	uint64_t size = ext_size(x, in);

	if (ext_inline(x, ino, in, &b, e) < 0)
		return -1;
	if (size > b.len)
		return err_set(e, ERR_INPUT,
			"%s: inode %u: it has less inline data than its size says",
			x->name, ino);
	return size ? sink(arg, b.data, size, e) : 0;
}

int ext_read_runs(const struct ext *x, uint64_t size, const struct ext_run *runs,
	size_t count, char *chunk, size_t chunk_size, ext_sink *sink, void *arg,
	struct err *e)
{
	struct content c = {x, size, 0, chunk, chunk_size, sink, arg};

	for (const struct ext_run *r = runs; r < runs + count; r++)
		if (give_run(&c, r->logical, r->physical, r->count, r->unwritten, e) < 0)
			return -1;
	return zeros_until(&c, size, e);
}

int ext_content(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	ext_sink *sink, void *arg, struct err *e)
{
	struct content c = {x, ext_size(x, in), 0, NULL, 0, sink, arg};
	struct ext_map m = {&c, give_run, NULL};
	int rc;

	if (in->i_flags & EXT4_INLINE_DATA_FL)
		return give_inline(x, ino, in, sink, arg, e);
	/* Not larger than the content, so that small files are cheap. */
	c.chunk_size = c.size < CHUNK ? (size_t)c.size + 1 : CHUNK;
	c.chunk = malloc(c.chunk_size);
	if (!c.chunk)
		return err_sys(e, x->name, "cannot read");
	rc = ext_map(x, ino, in, &m, e);
	if (rc == 0)
		rc = zeros_until(&c, c.size, e);
	free(c.chunk);
	return rc;
}
