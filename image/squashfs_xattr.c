/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <sqfs/xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/squashfs.h"

/*
 * Inodes with equal attributes share one list, in the image and here, and lists may share
 * values. All lists together are far below this in any tree.
 */
#define XATTR_BYTES_MAX (UINT64_C(256) << 20)

static const char damaged[] = "its extended attributes cannot be read";

int squashfs_xattrs_open(struct squashfs *s, struct err *e)
{
	struct sqfs_xattr_id_table_t t;

	if (s->super.xattr_id_table_start == UINT64_MAX)
		return 0;
	if (squashfs_pread(s, s->super.xattr_id_table_start, &t, sizeof(t), e) < 0)
		return -1;
	s->xattr_start = le64toh(t.xattr_table_start);
	s->xattr_count = le32toh(t.xattr_ids);
	if (s->xattr_start >= s->super.xattr_id_table_start)
		return squashfs_bad(s, e, damaged);
	return 0;
}

static int read_name(struct squashfs *s, struct squashfs_place *p, char name[512],
	uint16_t *type, struct err *e)
{
	static const char *const prefixes[] = {
		[SQFS_XATTR_USER] = "user.",
		[SQFS_XATTR_TRUSTED] = "trusted.",
		[SQFS_XATTR_SECURITY] = "security.",
	};
	struct sqfs_xattr_entry_t key;
	size_t kind, n;

	if (squashfs_read(s, p, &key, sizeof(key), e) < 0)
		return -1;
	*type = le16toh(key.type);
	kind = *type & SQFS_XATTR_PREFIX_MASK;
	n = le16toh(key.size);
	if (kind >= sizeof(prefixes) / sizeof(prefixes[0]) || n == 0 || n > 255)
		return squashfs_bad(s, e, damaged);
	kind = (size_t)(stpcpy(name, prefixes[kind]) - name);
	if (squashfs_read(s, p, name + kind, n, e) < 0)
		return -1;
	name[kind + n] = 0;
	return strlen(name) == kind + n ? 0 : squashfs_bad(s, e, damaged);
}

/* The length of the value that p is set to; a value may be kept with another list. */
static int find_value(struct squashfs *s, struct squashfs_place *p,
	struct squashfs_place *value, bool elsewhere, uint32_t *len, struct err *e)
{
	uint64_t ref;

	if (squashfs_read(s, p, len, sizeof(*len), e) < 0)
		return -1;
	if (elsewhere) {
		if (le32toh(*len) != sizeof(ref))
			return squashfs_bad(s, e, damaged);
		if (squashfs_read(s, p, &ref, sizeof(ref), e) < 0)
			return -1;
		*value = squashfs_at(&s->rest, s->xattr_start, le64toh(ref));
		if (squashfs_read(s, value, len, sizeof(*len), e) < 0)
			return -1;
	} else {
		*value = *p;
	}
	*len = le32toh(*len);
	return *len <= LISTING_VALUE_MAX ? 0 : squashfs_bad(s, e, damaged);
}

static int read_list(struct squashfs *s, struct listing_inode *in, uint64_t ref,
	uint32_t count, void *bytes, struct err *e)
{
	struct squashfs_place p = squashfs_at(&s->rest, s->xattr_start, ref);

	for (uint32_t i = 0; i < count; i++) {
		struct squashfs_place value;
		char name[512];
		uint16_t type;
		uint32_t len;
		bool elsewhere;

		if (read_name(s, &p, name, &type, e) < 0)
			return -1;
		elsewhere = type & SQFS_XATTR_FLAG_OOL;
		if (find_value(s, &p, &value, elsewhere, &len, e) < 0 ||
			squashfs_read(s, &value, bytes, len, e) < 0)
			return -1;
		if (!elsewhere)
			p = value;
		s->xattr_bytes += len + strlen(name);
		if (s->xattr_bytes > XATTR_BYTES_MAX)
			return squashfs_bad(
				s, e, "it holds more attributes than a tree could");
		if (listing_add_xattr(s->l, in, name, bytes, len, e) < 0)
			return -1;
	}
	return 0;
}

int squashfs_xattrs(
	struct squashfs *s, struct listing_inode *in, uint32_t index, struct err *e)
{
	cleanup_free void *bytes = NULL;
	struct sqfs_xattr_id_t id;
	uint64_t other;

	if (index == SQUASHFS_NONE)
		return 0;
	if (table_find(&s->attrs, index, NULL, NULL, NULL, &other)) {
		const struct listing_inode *same =
			(const struct listing_inode *)(uintptr_t)other;

		in->xattrs = same->xattrs;
		in->xattr_count = same->xattr_count;
		return 0;
	}
	/* The list of blocks follows the 16 bytes that squashfs_xattrs_open() read. */
	if (squashfs_entry(s, s->super.xattr_id_table_start + 16, index, s->xattr_count,
		    &id, sizeof(id), e) < 0)
		return -1;
	bytes = malloc(LISTING_VALUE_MAX);
	if (!bytes)
		return err_sys(e, s->l->name, "cannot list");
	if (read_list(s, in, le64toh(id.xattr), le32toh(id.count), bytes, e) < 0)
		return -1;
	if (table_add(&s->attrs, index, (uintptr_t)in) < 0)
		return err_sys(e, s->l->name, "cannot list");
	return 0;
}
