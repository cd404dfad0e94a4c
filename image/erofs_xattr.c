/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes: those of one inode behind it, those that several share in a table
 * of their own. Values are as getxattr(2) gives them, ACLs too (erofs_get_acl() hands
 * them to posix_acl_from_xattr()).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/erofs_data.h"

#define HEADER      12 /* struct erofs_xattr_ibody_header */
#define ENTRY       4  /* struct erofs_xattr_entry */
#define LONG_PREFIX 0x80
#define PLAIN_PREFIX                                                                     \
	0x00000010u /* feature_compat: prefixes are not in the packed inode */

/*
 * Any number of inodes can refer to one large value, and a listing keeps a copy for each:
 * a small image must not be able to fill the memory. This is far above what real trees
 * have, labels of some forty bytes on inodes of at least 48.
 */
#define BYTES_FREE     (64ull << 20)
#define BYTES_PER_BYTE 64

static const char *const prefixes[] = {
	[1] = "user.",
	[2] = "system.posix_acl_access",
	[3] = "system.posix_acl_default",
	[4] = "trusted.",
	[5] = "lustre.",
	[6] = "security.",
};

static const char *base_prefix(unsigned int index)
{
	return index < sizeof(prefixes) / sizeof(prefixes[0]) ? prefixes[index] : NULL;
}

static int read_prefix_bytes(struct erofs *fs, struct erofs_data *packed, uint64_t at,
	void *buf, size_t len, struct err *e)
{
	if (!packed)
		return erofs_read_meta(fs, at, buf, len, e);
	if (at > packed->in.size || len > packed->in.size - at)
		return erofs_bad(fs, e, "its attribute names are not where it says");
	return erofs_data_read(packed, at, buf, len, e);
}

/* Each is a length of 16 bits, a base index and the rest; at multiples of four. */
static int read_prefixes(struct erofs *fs, struct erofs_data *packed, struct err *e)
{
	uint64_t at = (uint64_t)fs->prefixes_at * 4;

	for (unsigned int i = 0; i < fs->prefix_count; i++) {
		struct erofs_prefix *p = &fs->prefixes[i];
		unsigned char head[3];
		uint32_t len;

		at = erofs_align(at, 4);
		if (read_prefix_bytes(fs, packed, at, head, sizeof(head), e) < 0)
			return -1;
		len = erofs_le16(head);
		if (len < 1 || len > 256)
			return erofs_bad(fs, e, "it has an impossible attribute name");
		p->base = head[2];
		p->len = (uint8_t)(len - 1);
		if (read_prefix_bytes(fs, packed, at + 3, p->infix, p->len, e) < 0)
			return -1;
		at += 2 + len;
	}
	return 0;
}

int erofs_load_prefixes(struct erofs *fs, struct err *e)
{
	cleanup_erofs_data struct erofs_data packed = {0};
	struct erofs_inode in;

	if (!fs->prefix_count)
		return 0;
	fs->prefixes = calloc(fs->prefix_count, sizeof(*fs->prefixes));
	if (!fs->prefixes)
		return erofs_no_memory(fs, e);
	if (!(fs->incompat & EROFS_FRAGMENTS) || !fs->packed_nid ||
		fs->compat & PLAIN_PREFIX)
		return read_prefixes(fs, NULL, e);
	if (erofs_load_inode(fs, fs->packed_nid, &in, e) < 0 ||
		erofs_data_open(&packed, fs, &in, e) < 0)
		return -1;
	return read_prefixes(fs, &packed, e);
}

/* The whole name, from its index and its own bytes. */
static int make_name(struct erofs *fs, unsigned int index, const char *own, size_t len,
	char name[1024], struct err *e)
{
	const struct erofs_prefix *more = NULL;
	const char *base;

	if (index & LONG_PREFIX) {
		index &= ~(unsigned int)LONG_PREFIX;
		if (index >= fs->prefix_count)
			return erofs_bad(fs, e, "it has an attribute of an unknown kind");
		more = &fs->prefixes[index];
		index = more->base;
	}
	base = base_prefix(index);
	if (!base || memchr(own, 0, len) || (more && memchr(more->infix, 0, more->len)))
		return erofs_bad(fs, e, "it has an attribute of an unknown kind");
	snprintf(name, 1024, "%s%.*s%.*s", base, more ? (int)more->len : 0,
		more ? more->infix : "", (int)len, own);
	return 0;
}

/* One entry at a position; *size is what it takes there, padding included. */
static int add_entry(struct erofs *fs, uint64_t at, uint64_t room,
	struct listing_inode *to, uint64_t *size, struct err *e)
{
	unsigned char head[ENTRY];
	char name[1024];
	unsigned char *bytes;
	size_t name_len, len;
	int rc;

	if (room < ENTRY)
		return erofs_bad(fs, e, "its attributes are damaged");
	if (erofs_read_meta(fs, at, head, sizeof(head), e) < 0)
		return -1;
	name_len = head[0];
	len = erofs_le16(head + 2);
	*size = erofs_align(ENTRY + name_len + len, 4);
	if (*size > room)
		return erofs_bad(fs, e, "its attributes are damaged");
	fs->xattr_bytes += *size;
	if (fs->xattr_bytes > BYTES_FREE + fs->end * BYTES_PER_BYTE)
		return erofs_bad(fs, e, "attributes of the image take too much memory");
	/* Padding: mkfs.erofs can leave room for more. The kernel skips it too. */
	if (head[0] == 0 && head[1] == 0 && len == 0)
		return 0;
	bytes = malloc(name_len + len + 1);
	if (!bytes)
		return erofs_no_memory(fs, e);
	rc = erofs_read_meta(fs, at + ENTRY, bytes, name_len + len, e);
	if (rc == 0)
		rc = make_name(fs, head[1], (char *)bytes, name_len, name, e);
	if (rc == 0)
		rc = listing_add_xattr(fs->l, to, name, bytes + name_len, len, e);
	free(bytes);
	return rc;
}

int erofs_add_xattrs(struct erofs *fs, const struct erofs_inode *in,
	struct listing_inode *to, struct err *e)
{
	uint64_t at = in->xattrs, end = in->tail, size;
	unsigned char head[HEADER], id[4];

	if (!in->xattrs_size)
		return 0;
	if (erofs_read_meta(fs, at, head, sizeof(head), e) < 0)
		return -1;
	at += HEADER;
	if (head[4] * 4u > end - at)
		return erofs_bad(fs, e, "its attributes are damaged");
	for (unsigned int i = 0; i < head[4]; i++, at += 4) {
		uint64_t shared;

		if (erofs_read_meta(fs, at, id, sizeof(id), e) < 0)
			return -1;
		shared = fs->shared + (uint64_t)erofs_le32(id) * 4;
		if (add_entry(fs, shared, UINT64_MAX, to, &size, e) < 0)
			return -1;
	}
	for (; at < end; at += size)
		if (add_entry(fs, at, end - at, to, &size, e) < 0)
			return -1;
	return 0;
}
