/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes (Linux, fs/ext4/xattr.h): entries, and from the other end of the
 * same room their values; in the inode behind its fields, then in a block of their own.
 * Large values may be the content of an inode of their own.
 */
#include "image/ext.h"

#include <errno.h>
#include <ext2fs/ext2_ext_attr.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

struct room {
	struct ext *x;
	uint32_t ino;
	const char *entries; /* the first one */
	const char *values;  /* what the values' offsets count from */
	const char *end;     /* of both */
	bool in_block;
	struct buf value; /* from an inode */
	ext_xattr_fn *fn;
	void *arg;
};

static int damaged(const struct room *r, struct err *e, const char *what)
{
	return err_set(e, ERR_INPUT, "%s: inode %u: %s", r->x->name, r->ino, what);
}

static int append(void *arg, const void *bytes, uint64_t len, struct err *e)
{
	struct room *r = arg;
	static const char zeros[256];

	while (!bytes && len > sizeof(zeros)) {
		if (buf_add(&r->value, zeros, sizeof(zeros)) < 0)
			return err_sys(e, r->x->name, "cannot read");
		len -= sizeof(zeros);
	}
	if (buf_add(&r->value, bytes ? bytes : zeros, (size_t)len) < 0)
		return err_sys(e, r->x->name, "cannot read");
	return 0;
}

static int value_of_inode(struct room *r, struct ext_xattr *a, struct err *e)
{
	struct ext2_inode_large in = {0};
	errcode_t rc;

	if (!ext2fs_has_feature_ea_inode(r->x->fs->super))
		return damaged(r, e,
			"an attribute is in an inode, which this filesystem "
			"does not have");
	rc = ext2fs_read_inode_full(
		r->x->fs, a->ea_inode, (struct ext2_inode *)&in, sizeof(in));
	if (rc)
		return ext_error(r->x, rc, e, "inode %u", a->ea_inode);
	if (!(in.i_flags & EXT4_EA_INODE_FL) || (in.i_flags & EXT4_INLINE_DATA_FL) ||
		!LINUX_S_ISREG(in.i_mode) || in.i_links_count == 0 ||
		ext_size(r->x, &in) != a->len)
		return damaged(r, e, "an attribute is in an inode that is none for it");
	r->value.len = 0;
	if (ext_content(r->x, a->ea_inode, &in, append, r, e) < 0)
		return -1;
	a->value = r->value.data;
	return 0;
}

static int one(struct room *r, const struct ext2_ext_attr_entry *at, const char *first,
	struct err *e)
{
	struct ext_xattr a = {.index = at->e_name_index,
		.len = at->e_value_size,
		.ea_inode = at->e_value_inum,
		.in_block = r->in_block};
	const char *name = (const char *)(at + 1);

	memcpy(a.name, name, at->e_name_len);
	if (strlen(a.name) != at->e_name_len)
		return damaged(r, e, "an attribute's name holds a NUL");
	if (a.len > LISTING_VALUE_MAX)
		return damaged(r, e, "an attribute's value is too large");
	if (a.ea_inode) {
		if (value_of_inode(r, &a, e) < 0)
			return -1;
	} else if (a.len) {
		size_t room = (size_t)(r->end - r->values);

		if (at->e_value_offs > room || a.len > room - at->e_value_offs ||
			r->values + at->e_value_offs < first)
			return damaged(
				r, e, "an attribute's value is outside of its room");
		a.value = r->values + at->e_value_offs;
	}
	if (!a.value)
		a.value = "";
	return r->fn(r->arg, &a, e);
}

/* Four zero bytes end the entries, as far as these do not fill the room. */
static bool more(const struct room *r, const char *p)
{
	static const char zeros[4];

	return r->end - p >= (ptrdiff_t)sizeof(zeros) &&
	       memcmp(p, zeros, sizeof(zeros)) != 0;
}

static size_t entry_size(const struct ext2_ext_attr_entry *at)
{
	return EXT2_EXT_ATTR_LEN((size_t)at->e_name_len);
}

static int all(struct room *r, struct err *e)
{
	struct ext2_ext_attr_entry at[1 + 256 / sizeof(struct ext2_ext_attr_entry)];
	const char *first = r->entries, *p;
	size_t left;
	int rc = 0;

	/* Where the entries end: no value may begin before. */
	while (more(r, first)) {
		left = (size_t)(r->end - first);
		if (left < sizeof(*at) ||
			left < EXT2_EXT_ATTR_LEN((size_t)(unsigned char)*first))
			return damaged(r, e, "its attributes are damaged");
		memcpy(at, first, sizeof(*at));
		first += entry_size(at);
	}
	/* A copy of each: they are aligned to four bytes in the inode only. */
	for (p = r->entries; p < first && rc == 0; p += entry_size(at)) {
		memcpy(at, p, EXT2_EXT_ATTR_LEN((size_t)(unsigned char)*p));
		rc = one(r, at, first, e);
	}
	return rc;
}

static int all_of_block(struct room *r, uint64_t block, struct err *e)
{
	struct ext2_ext_attr_header head;
	cleanup_free char *b = malloc(r->x->fs->blocksize);
	errcode_t rc;

	if (!b)
		return err_sys(e, r->x->name, "cannot read");
	if (block < r->x->fs->super->s_first_data_block || block >= r->x->blocks)
		return damaged(r, e, "its attributes lie outside of the filesystem");
	rc = ext2fs_read_ext_attr3(r->x->fs, block, b, r->ino);
	if (rc)
		return ext_error(r->x, rc, e, "attributes of inode %u", r->ino);
	memcpy(&head, b, sizeof(head));
	if (head.h_magic != EXT2_EXT_ATTR_MAGIC)
		return damaged(r, e, "its attributes are in a form that is too old");
	r->in_block = true;
	r->entries = b + sizeof(head);
	r->values = b;
	r->end = b + r->x->fs->blocksize;
	return all(r, e);
}

int ext_xattrs(struct ext *x, uint32_t ino, const struct ext2_inode_large *in,
	ext_xattr_fn *fn, void *arg, struct err *e)
{
	size_t size = EXT2_INODE_SIZE(x->fs->super), at;
	uint64_t block = in->i_file_acl;
	struct room r = {.x = x, .ino = ino, .fn = fn, .arg = arg};
	uint32_t magic = 0;
	int rc = 0;

	if (size > EXT2_GOOD_OLD_INODE_SIZE && in->i_extra_isize) {
		at = EXT2_GOOD_OLD_INODE_SIZE + (size_t)in->i_extra_isize;
		if (at > size || at % 4 || in->i_extra_isize < 4)
			return damaged(&r, e, "its fields have an impossible size");
		if (size - at >= sizeof(magic))
			memcpy(&magic, (const char *)in + at, sizeof(magic));
		if (magic == EXT2_EXT_ATTR_MAGIC) {
			r.entries = (const char *)in + at + sizeof(magic);
			r.values = r.entries;
			r.end = (const char *)in + size;
			rc = all(&r, e);
		}
	}
	if (ext2fs_has_feature_64bit(x->fs->super))
		block |= (uint64_t)in->osd2.linux2.l_i_file_acl_high << 32;
	if (rc == 0 && block)
		rc = all_of_block(&r, block, e);
	buf_free(&r.value);
	return rc;
}

/*
 * The kernel hands ACLs out in another form than they are stored in: an id in every
 * entry, -1 where none belongs (fs/ext4/acl.c, include/uapi/linux/posix_acl_xattr.h).
 */
static int add_acl(struct listing *l, struct listing_inode *to, const char *name,
	const struct ext_xattr *a, struct err *e)
{
	const unsigned char *p = a->value, *end = p + a->len;
	cleanup_buf struct buf b = {0};

	if (a->len < 4 || p[0] != 1 || p[1] || p[2] || p[3])
		return err_set(
			e, ERR_INPUT, "%s: it holds an ACL of an unknown form", l->name);
	if (buf_add(&b, "\2\0\0\0", 4) < 0)
		return err_sys(e, l->name, "cannot read");
	for (p += 4; p < end;) {
		/* ACL_USER is 2, ACL_GROUP is 8; the others have no id. */
		bool has_id = end - p >= 2 && (p[0] == 2 || p[0] == 8) && !p[1];
		ptrdiff_t len = has_id ? 8 : 4;

		if (end - p < len)
			return err_set(e, ERR_INPUT,
				"%s: it holds an ACL that is cut off", l->name);
		if (buf_add(&b, p, 4) < 0 ||
			buf_add(&b, has_id ? (const char *)p + 4 : "\377\377\377\377",
				4) < 0)
			return err_sys(e, l->name, "cannot read");
		p += len;
	}
	return listing_add_xattr(l, to, name, b.data, b.len, e);
}

struct adding {
	struct listing *l;
	struct listing_inode *to;
	uint32_t ino;
};

static int add_one(void *arg, const struct ext_xattr *a, struct err *e)
{
	/* EXT4_XATTR_INDEX_… in fs/ext4/xattr.h */
	static const char *const prefix[] = {NULL, "user.", "system.posix_acl_access",
		"system.posix_acl_default", "trusted.", NULL, "security."};
	const struct adding *to = arg;
	char name[512];

	if (a->index == EXT_INDEX_SYSTEM && strcmp(a->name, "data") == 0)
		return 0;
	if (a->index >= sizeof(prefix) / sizeof(prefix[0]) || !prefix[a->index])
		return err_set(e, ERR_INPUT,
			"%s: inode %u: it has an attribute of the unknown kind %u",
			to->l->name, to->ino, a->index);
	if (!a->name[0] != (a->index == 2 || a->index == 3))
		return err_set(e, ERR_INPUT,
			"%s: inode %u: an attribute has an impossible name", to->l->name,
			to->ino);
	if (!a->name[0])
		return add_acl(to->l, to->to, prefix[a->index], a, e);
	snprintf(name, sizeof(name), "%s%s", prefix[a->index], a->name);
	return listing_add_xattr(to->l, to->to, name, a->value, a->len, e);
}

int ext_list_xattrs(struct ext *x, struct listing *l, struct listing_inode *to,
	uint32_t ino, const struct ext2_inode_large *in, struct err *e)
{
	struct adding a = {l, to, ino};

	return ext_xattrs(x, ino, in, add_one, &a, e);
}
