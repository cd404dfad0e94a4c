/* SPDX-License-Identifier: MIT */
#include "fs/acl.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define ACL_VERSION 2

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

bool acl_valid(const void *value, size_t len)
{
	const char *p = value;
	uint32_t version;

	if (len < 4 || (len - 4) % sizeof(struct acl_entry) != 0)
		return false;
	memcpy(&version, p, 4);
	if (le32toh(version) != ACL_VERSION)
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
