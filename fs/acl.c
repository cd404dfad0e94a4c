/* SPDX-License-Identifier: MIT */
#include "fs/acl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ACL_VERSION 2
/* fuse_get_acl() of the kernel has room for one page; this much every kernel gives. */
#define ACL_BYTES_MAX 4096

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

int acl_start(struct buf *b)
{
	uint32_t version = htole32(ACL_VERSION);

	return buf_add(b, &version, sizeof(version));
}

int acl_add(struct buf *b, enum acl_tag tag, unsigned perm, uint32_t id)
{
	struct acl_entry a = {
		.tag = htole16((uint16_t)tag),
		.perm = htole16((uint16_t)(perm & 7)),
		.id = htole32(
			tag == ACL_TAG_USER || tag == ACL_TAG_GROUP ? id : ACL_NO_ID),
	};

	return buf_add(b, &a, sizeof(a));
}

static int compare(const void *a, const void *b)
{
	struct acl_entry x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	if (x.tag != y.tag)
		return le16toh(x.tag) < le16toh(y.tag) ? -1 : 1;
	if (x.id == y.id)
		return 0;
	return le32toh(x.id) < le32toh(y.id) ? -1 : 1;
}

void acl_sort(struct buf *b)
{
	if (b->len > 4)
		qsort(b->data + 4, (b->len - 4) / sizeof(struct acl_entry),
			sizeof(struct acl_entry), compare);
}

/* Where in the mode an entry's permissions are; -1: nowhere. */
static int mode_shift(uint16_t tag, bool masked)
{
	switch (le16toh(tag)) {
	case ACL_TAG_USER_OBJ:
		return 6;
	case ACL_TAG_MASK:
		return 3;
	case ACL_TAG_GROUP_OBJ:
		return masked ? -1 : 3;
	case ACL_TAG_OTHER:
		return 0;
	default:
		return -1;
	}
}

static bool has_mask(const char *value, size_t len)
{
	struct acl_entry a;

	for (size_t i = 4; i + sizeof(a) <= len; i += sizeof(a)) {
		memcpy(&a, value + i, sizeof(a));
		if (le16toh(a.tag) == ACL_TAG_MASK)
			return true;
	}
	return false;
}

uint32_t acl_mode(const void *value, size_t len)
{
	bool masked = has_mask(value, len);
	uint32_t mode = 0;
	struct acl_entry a;

	for (size_t i = 4; i + sizeof(a) <= len; i += sizeof(a)) {
		int shift;

		memcpy(&a, (const char *)value + i, sizeof(a));
		shift = mode_shift(a.tag, masked);
		if (shift >= 0)
			mode |= (le16toh(a.perm) & 7u) << shift;
	}
	return mode;
}

void acl_set_mode(void *value, size_t len, uint32_t mode)
{
	bool masked = has_mask(value, len);
	struct acl_entry a;

	for (size_t i = 4; i + sizeof(a) <= len; i += sizeof(a)) {
		int shift;

		memcpy(&a, (char *)value + i, sizeof(a));
		shift = mode_shift(a.tag, masked);
		if (shift >= 0)
			a.perm = htole16((uint16_t)(mode >> shift & 7));
		memcpy((char *)value + i, &a, sizeof(a));
	}
}

uint32_t acl_mode_without(const void *value, size_t len, uint32_t mode)
{
	struct acl_entry a;

	for (size_t i = 4; has_mask(value, len) && i + sizeof(a) <= len; i += sizeof(a)) {
		memcpy(&a, (const char *)value + i, sizeof(a));
		if (le16toh(a.tag) == ACL_TAG_GROUP_OBJ)
			mode &= ~(uint32_t)070 | (le16toh(a.perm) & 7u) << 3;
	}
	return mode;
}

int acl_check_version(const void *value, size_t len)
{
	uint32_t version;

	if (len == 0)
		return 0;
	if (len < sizeof(version))
		return -EINVAL;
	memcpy(&version, value, sizeof(version));
	return le32toh(version) == ACL_VERSION ? 0 : -EOPNOTSUPP;
}

bool acl_complete(const void *value, size_t len)
{
	static const uint16_t order[] = {ACL_TAG_USER_OBJ, ACL_TAG_USER,
		ACL_TAG_GROUP_OBJ, ACL_TAG_GROUP, ACL_TAG_MASK, ACL_TAG_OTHER};
	unsigned seen[6] = {0};
	size_t at = 0;

	for (size_t i = 4; i + sizeof(struct acl_entry) <= len;
		i += sizeof(struct acl_entry)) {
		struct acl_entry a;

		memcpy(&a, (const char *)value + i, sizeof(a));
		while (at < 6 && order[at] != le16toh(a.tag))
			at++;
		if (at == 6)
			return false;
		seen[at]++;
	}
	/* One each of owner, group and others; a mask at most, and with names at least.
	 */
	return seen[0] == 1 && seen[2] == 1 && seen[5] == 1 && seen[4] <= 1 &&
	       (seen[4] || (!seen[1] && !seen[3]));
}

bool acl_is_mode(size_t len)
{
	return len == 4 + 3 * sizeof(struct acl_entry);
}

bool acl_valid(const void *value, size_t len)
{
	const char *p = value;

	/* One without entries is none: ENODATA. */
	if (len <= 4 || len > ACL_BYTES_MAX || (len - 4) % sizeof(struct acl_entry) != 0)
		return false;
	if (acl_check_version(value, len) < 0)
		return false;
	for (size_t i = 4; i < len; i += sizeof(struct acl_entry)) {
		struct acl_entry a;

		memcpy(&a, p + i, sizeof(a));
		switch (le16toh(a.tag)) {
		case ACL_TAG_USER:
		case ACL_TAG_GROUP:
			if (le32toh(a.id) == ACL_NO_ID)
				return false;
			break;
		case ACL_TAG_USER_OBJ:
		case ACL_TAG_GROUP_OBJ:
		case ACL_TAG_MASK:
		case ACL_TAG_OTHER:
			break;
		default:
			return false;
		}
		if (le16toh(a.perm) > 7)
			return false;
	}
	return true;
}
