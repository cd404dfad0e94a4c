/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <sqfs/compressor.h>
#include <string.h>
#include <unistd.h>

#include "image/squashfs.h"

int squashfs_bad(const struct squashfs *s, struct err *e, const char *what)
{
	return err_set(
		e, ERR_INPUT, "%s: the squashfs image is damaged: %s", s->l->name, what);
}

int squashfs_pread(
	struct squashfs *s, uint64_t at, void *bytes, size_t len, struct err *e)
{
	uint8_t *p = bytes;

	if (at > s->super.bytes_used || len > s->super.bytes_used - at)
		return squashfs_bad(s, e, "it points behind its end");
	while (len > 0) {
		ssize_t n = pread(s->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, s->l->name, "cannot read the image");
		if (n == 0)
			return squashfs_bad(s, e, "it is cut off");
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int squashfs_unpack(struct squashfs *s, const void *raw, size_t len, void *out,
	size_t room, size_t *got, struct err *e)
{
	int32_t n = s->compressor->do_block(
		s->compressor, raw, (uint32_t)len, out, (uint32_t)room);

	if (n <= 0 || (size_t)n > room)
		return squashfs_bad(s, e, "a block cannot be decompressed");
	*got = (size_t)n;
	return 0;
}

/* Each block starts with two bytes: its length on disk, and a bit for "as it is". */
static int read_block(struct squashfs *s, struct squashfs_area *a,
	struct squashfs_block *b, uint64_t at, struct err *e)
{
	uint8_t raw[SQFS_META_BLOCK_SIZE];
	uint16_t header;
	size_t len;

	if (squashfs_pread(s, at, &header, sizeof(header), e) < 0)
		return -1;
	header = le16toh(header);
	len = header & 0x7fff;
	if (len == 0 || len > sizeof(raw) || a->end - at - 2 < len)
		return squashfs_bad(s, e, a->what);
	if (squashfs_pread(s, at + 2, raw, len, e) < 0)
		return -1;
	if (header & 0x8000) {
		memcpy(b->bytes, raw, len);
		b->len = len;
	} else if (squashfs_unpack(s, raw, len, b->bytes, sizeof(b->bytes), &b->len, e) <
		   0) {
		return -1;
	}
	b->next = at + 2 + len;
	b->at = at;
	return 0;
}

static int count_block(struct squashfs *s, struct squashfs_area *a,
	const struct squashfs_block *b, struct err *e)
{
	uint64_t len;

	if (table_find(&a->seen, b->at, NULL, NULL, NULL, &len))
		return 0;
	a->held += b->len;
	if (table_add(&a->seen, b->at, b->len) < 0)
		return err_sys(e, s->l->name, "cannot list");
	return 0;
}

/* The block at a place of the image, from the cache or into its oldest place. */
static const struct squashfs_block *get_block(
	struct squashfs *s, struct squashfs_area *a, uint64_t at, struct err *e)
{
	struct squashfs_block *old = &s->cache[0];

	if (at < a->start || at >= a->end || a->end - at < 2) {
		squashfs_bad(s, e, a->what);
		return NULL;
	}
	s->clock++;
	for (int i = 0; i < SQUASHFS_CACHED; i++) {
		struct squashfs_block *b = &s->cache[i];

		if (b->at == at && b->next <= a->end) {
			b->last_used = s->clock;
			return b;
		}
		if (b->last_used < old->last_used)
			old = b;
	}
	old->at = 0;
	if (read_block(s, a, old, at, e) < 0 || count_block(s, a, old, e) < 0) {
		old->at = 0;
		return NULL;
	}
	old->last_used = s->clock;
	return old;
}

struct squashfs_place squashfs_at(struct squashfs_area *area, uint64_t base, uint64_t ref)
{
	uint64_t block = ref >> 16;

	/* What overflows is behind every end. */
	return (struct squashfs_place){area,
		block > UINT64_MAX - base ? UINT64_MAX : base + block, ref & 0xffff};
}

int squashfs_read(struct squashfs *s, struct squashfs_place *p, void *bytes, size_t len,
	struct err *e)
{
	uint8_t *out = bytes;

	while (len > 0) {
		const struct squashfs_block *b = get_block(s, p->area, p->at, e);
		size_t part;

		if (!b)
			return -1;
		if (p->offset > b->len)
			return squashfs_bad(s, e, p->area->what);
		part = b->len - p->offset;
		if (part == 0) {
			p->at = b->next;
			p->offset = 0;
			continue;
		}
		part = part < len ? part : len;
		if (out) {
			memcpy(out, b->bytes + p->offset, part);
			out += part;
		}
		p->offset += part;
		len -= part;
	}
	return 0;
}

int squashfs_entry(struct squashfs *s, uint64_t start, uint64_t index, uint64_t count,
	void *entry, size_t size, struct err *e)
{
	uint64_t each = SQFS_META_BLOCK_SIZE / size;
	struct squashfs_place p = {&s->rest, 0, index % each * size};
	uint64_t at;

	if (index >= count)
		return squashfs_bad(s, e, s->rest.what);
	/* index is below 2^32, and so this does not overflow behind a checked start. */
	if (squashfs_pread(s, start + index / each * 8, &at, sizeof(at), e) < 0)
		return -1;
	p.at = le64toh(at);
	return squashfs_read(s, &p, entry, size, e);
}
