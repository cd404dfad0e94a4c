/* SPDX-License-Identifier: MIT */
/* The superblock of an EROFS image, and reading bytes of the image. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/erofs.h"
#include "image/source.h"

#define SUPER_AT     1024
#define SUPER_SIZE   128
#define SLOT_SIZE    16 /* of an extension of the superblock */
#define SUPER_MAGIC  0xe0f5e1e2u
#define HAS_CHECKSUM 0x00000001u /* feature_compat */

int erofs_bad(const struct erofs *fs, struct err *e, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (fs->path)
		return err_set(e, ERR_INPUT, "%s: /%s: %s", fs->l->name, fs->path, text);
	return err_set(e, ERR_INPUT, "%s: %s", fs->l->name, text);
}

int erofs_no_memory(const struct erofs *fs, struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, fs->l->name, "cannot list");
}

int erofs_read(const struct erofs *fs, uint64_t at, void *buf, size_t len, struct err *e)
{
	char *p = buf;

	if (at > fs->end || len > fs->end - at)
		return erofs_bad(fs, e,
			"it is kept behind the end of the filesystem: the image is "
			"damaged");
	while (len > 0) {
		ssize_t n = pread(fs->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, fs->l->name, "cannot read");
		if (n == 0)
			return erofs_bad(
				fs, e, "the image became shorter while it was read");
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static const struct erofs_slot *cached(struct erofs *fs, uint64_t at, struct err *e)
{
	struct erofs_slot *slot = &fs->cache[at / EROFS_CACHE_SIZE % EROFS_CACHE_SLOTS];
	uint64_t len;

	at -= at % EROFS_CACHE_SIZE;
	if (slot->len && slot->at == at)
		return slot;
	if (!slot->bytes)
		slot->bytes = malloc(EROFS_CACHE_SIZE);
	if (!slot->bytes) {
		erofs_no_memory(fs, e);
		return NULL;
	}
	len = fs->end - at;
	if (len > EROFS_CACHE_SIZE)
		len = EROFS_CACHE_SIZE;
	slot->len = 0;
	if (erofs_read(fs, at, slot->bytes, (size_t)len, e) < 0)
		return NULL;
	slot->at = at;
	slot->len = (size_t)len;
	return slot;
}

int erofs_read_meta(struct erofs *fs, uint64_t at, void *buf, size_t len, struct err *e)
{
	unsigned char *p = buf;

	if (at > fs->end || len > fs->end - at)
		return erofs_bad(fs, e,
			"what describes it is kept behind the end of the filesystem: the "
			"image is damaged");
	while (len > 0) {
		const struct erofs_slot *slot = cached(fs, at, e);
		size_t skip = at % EROFS_CACHE_SIZE;
		size_t part;

		if (!slot)
			return -1;
		part = slot->len - skip < len ? slot->len - skip : len;
		memcpy(p, slot->bytes + skip, part);
		p += part;
		at += part;
		len -= part;
	}
	return 0;
}

/* CRC-32C as Linux's crc32c(~0, …): not inverted at the end. */
static uint32_t crc32c(const unsigned char *p, size_t len)
{
	uint32_t crc = UINT32_MAX;

	while (len-- > 0) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return crc;
}

/* The checksum is over the rest of the block that the superblock is in. */
static int check_sum(struct erofs *fs, uint32_t want, struct err *e)
{
	size_t len = fs->block > SUPER_AT ? fs->block - SUPER_AT : fs->block;
	unsigned char *bytes = malloc(len);
	uint32_t sum = 0;
	int rc;

	if (!bytes)
		return erofs_no_memory(fs, e);
	rc = erofs_read(fs, SUPER_AT, bytes, len, e);
	if (rc == 0) {
		memset(bytes + 4, 0, 4);
		sum = crc32c(bytes, len);
	}
	free(bytes);
	if (rc == 0 && sum != want)
		return erofs_bad(
			fs, e, "its superblock is damaged: the checksum differs");
	return rc;
}

static int check_features(const struct erofs *fs, const unsigned char *sb, struct err *e)
{
	if (fs->incompat & ~EROFS_KNOWN)
		return erofs_bad(fs, e,
			"it has features of EROFS that are not known here: 0x%x",
			fs->incompat & ~EROFS_KNOWN);
	if (fs->incompat & EROFS_DEVICE_TABLE && erofs_le16(sb + 86))
		return erofs_bad(
			fs, e, "parts of it are on other devices, which cannot be read");
	if (sb[90])
		return erofs_bad(fs, e, "it has directory blocks of an unknown size");
	return 0;
}

/* How much of the file is the filesystem: what follows it is something else's. */
static int check_size(
	struct erofs *fs, uint64_t file, const unsigned char *sb, struct err *e)
{
	uint64_t size = (uint64_t)erofs_le32(sb + 36) << fs->bits;

	if (size < SUPER_AT + SUPER_SIZE)
		return erofs_bad(fs, e, "its filesystem claims to have no blocks");
	if (size > file)
		return erofs_bad(fs, e,
			"it is cut short: %llu bytes of filesystem in a file of %llu",
			(unsigned long long)size, (unsigned long long)file);
	fs->end = size;
	return 0;
}

int erofs_open(struct erofs *fs, struct err *e)
{
	unsigned char sb[SUPER_SIZE];
	uint64_t size;

	if (image_size(fs->fd, fs->l->name, &size, e) < 0)
		return -1;
	if (size < SUPER_AT + SUPER_SIZE)
		return erofs_bad(fs, e, "it is no EROFS image: too short for one");
	fs->end = size;
	if (erofs_read(fs, SUPER_AT, sb, sizeof(sb), e) < 0)
		return -1;
	if (erofs_le32(sb) != SUPER_MAGIC)
		return erofs_bad(fs, e, "it is no EROFS image");
	fs->bits = sb[12];
	if (fs->bits < 9 || fs->bits > 16)
		return erofs_bad(fs, e, "it has blocks of an impossible size");
	fs->block = 1u << fs->bits;
	fs->compat = erofs_le32(sb + 8);
	fs->incompat = erofs_le32(sb + 80);
	if (check_size(fs, size, sb, e) < 0)
		return -1;
	/* linux: fs/erofs/super.c, erofs_read_superblock() */
	if (SUPER_SIZE + (uint32_t)sb[13] * SLOT_SIZE > fs->block)
		return erofs_bad(fs, e, "its superblock is larger than a block");
	if (fs->compat & HAS_CHECKSUM && check_sum(fs, erofs_le32(sb + 4), e) < 0)
		return -1;
	if (check_features(fs, sb, e) < 0)
		return -1;
	fs->root = erofs_le16(sb + 14);
	fs->epoch = (int64_t)erofs_le64(sb + 24);
	fs->nsec = erofs_le32(sb + 32);
	fs->meta = (uint64_t)erofs_le32(sb + 40) << fs->bits;
	fs->shared = (uint64_t)erofs_le32(sb + 44) << fs->bits;
	fs->prefix_count = sb[91];
	fs->prefixes_at = erofs_le32(sb + 92);
	fs->packed_nid = erofs_le64(sb + 96);
	return 0;
}

void erofs_close(struct erofs *fs)
{
	for (int i = 0; i < EROFS_CACHE_SLOTS; i++)
		free(fs->cache[i].bytes);
	free(fs->prefixes);
}
