/* SPDX-License-Identifier: MIT */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/acl.h"
#include "fs/xattr.h"
#include "tools/names.h"
#include "tools/unpack.h"
#include "tools/xattr_value.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

void unpack_meta_free(struct unpack_meta *m)
{
	for (size_t i = 0; i < m->meta.attr_count; i++) {
		free(m->names[i]);
		free(m->values[i]);
	}
	free(m->names);
	free(m->values);
	free(m->attrs);
	free(m->label);
	*m = (struct unpack_meta){0};
}

static int add_attr(struct unpack_meta *m, const char *name, const void *value,
	size_t len, struct err *e)
{
	size_t n = m->meta.attr_count;
	void *names = reallocarray(m->names, n + 1, sizeof(*m->names));
	void *values, *attrs;

	if (names)
		m->names = names;
	values = reallocarray(m->values, n + 1, sizeof(*m->values));
	if (values)
		m->values = values;
	attrs = reallocarray(m->attrs, n + 1, sizeof(*m->attrs));
	if (attrs)
		m->attrs = attrs;
	if (!names || !values || !attrs)
		return no_memory(e);
	m->names[n] = strdup(name);
	m->values[n] = malloc(len ? len : 1);
	m->meta.attr_count++;
	if (!m->names[n] || !m->values[n])
		return no_memory(e);
	if (len)
		memcpy(m->values[n], value, len);
	m->attrs[n] = (struct writer_attr){m->values[n], len, m->names[n]};
	return 0;
}

/* With the NUL that setfiles stores or, as RHT headers have it, without. */
static int set_label(struct unpack_meta *m, const char *value, size_t len, struct err *e)
{
	while (len && !value[len - 1])
		len--;
	if (!len)
		return 0;
	if (xattr_label_check(value, len, e) < 0)
		return err_wrap(e, "its label");
	free(m->label);
	m->label = strndup(value, len);
	return m->label ? 0 : no_memory(e);
}

static bool has_attr(const struct unpack_meta *m, const char *name)
{
	for (size_t i = 0; i < m->meta.attr_count; i++)
		if (strcmp(m->names[i], name) == 0)
			return true;
	return false;
}

static int read_xattrs(struct unpack_meta *m, struct archive_entry *entry, struct err *e)
{
	const char *name;
	const void *value;
	size_t len;
	char quoted[256];

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK) {
		if (strcmp(name, XATTR_LABEL) == 0) {
			if (set_label(m, value, len, e) < 0)
				return -1;
			continue;
		}
		if (xattr_fate(m->meta.mode, name, value, len) == XATTR_BAD)
			return err_set(e, ERR_INPUT, "its attribute %s is damaged",
				quote_path(quoted, sizeof(quoted), name));
		m->hidden |= xattr_fate(m->meta.mode, name, value, len) == XATTR_HIDDEN;
		if (add_attr(m, name, value, len, e) < 0)
			return -1;
	}
	return 0;
}

static const struct {
	int archive_tag;
	enum acl_tag tag;
} tags[] = {
	{ARCHIVE_ENTRY_ACL_USER_OBJ, ACL_TAG_USER_OBJ},
	{ARCHIVE_ENTRY_ACL_USER, ACL_TAG_USER},
	{ARCHIVE_ENTRY_ACL_GROUP_OBJ, ACL_TAG_GROUP_OBJ},
	{ARCHIVE_ENTRY_ACL_GROUP, ACL_TAG_GROUP},
	{ARCHIVE_ENTRY_ACL_MASK, ACL_TAG_MASK},
	{ARCHIVE_ENTRY_ACL_OTHER, ACL_TAG_OTHER},
};

static int find_name(const struct names *names, enum acl_tag tag, const char *name,
	uint32_t *id, struct err *e)
{
	cleanup_free char *text = NULL;
	uint32_t other;

	if (asprintf(&text, "%s%s", tag == ACL_TAG_GROUP ? ":" : "", name ? name : "") <
		0) {
		text = NULL;
		return no_memory(e);
	}
	return tag == ACL_TAG_USER ? names_parse_owner(names, text, id, &other, e)
				   : names_parse_owner(names, text, &other, id, e);
}

/*
 * Whom an entry names. GNU tar writes names of the machine that packed, and numbers only
 * in the attribute beside them; where that is missing, the tree says who it is, as far as
 * it has been unpacked.
 */
static int acl_id(struct unpack *u, enum acl_tag tag, int id, const char *name,
	uint32_t *out, struct err *e)
{
	*out = (uint32_t)id;
	if (id >= 0 || (tag != ACL_TAG_USER && tag != ACL_TAG_GROUP))
		return 0;
	if (u->names && find_name(u->names, tag, name, out, e) == 0)
		return 0;
	names_close(u->names);
	if (names_open(&u->names, u->stage, e) < 0)
		return -1;
	if (find_name(u->names, tag, name, out, e) < 0)
		return err_wrap(e,
			"its ACL has a name without a number, for which etc/passwd and "
			"etc/group must come before it in the archive");
	return 0;
}

static int add_acl_entry(struct buf *b, struct unpack *u, int archive_tag, int permset,
	int id, const char *name, struct err *e)
{
	unsigned perm = (permset & ARCHIVE_ENTRY_ACL_READ ? 4u : 0u) |
			(permset & ARCHIVE_ENTRY_ACL_WRITE ? 2u : 0u) |
			(permset & ARCHIVE_ENTRY_ACL_EXECUTE ? 1u : 0u);

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		uint32_t who;

		if (tags[i].archive_tag != archive_tag)
			continue;
		if (acl_id(u, tags[i].tag, id, name, &who, e) < 0)
			return -1;
		return acl_add(b, tags[i].tag, perm, who) < 0 ? no_memory(e) : 0;
	}
	return err_set(e, ERR_INPUT, "its ACL has an entry that POSIX does not know");
}

/* type: ARCHIVE_ENTRY_ACL_TYPE_ACCESS or _DEFAULT. */
static int read_acl(struct unpack_meta *m, struct archive_entry *entry, struct unpack *u,
	int type, const char *name, struct err *e)
{
	cleanup_buf struct buf b = {0};
	int got_type, permset, tag, id;
	const char *who;

	if (has_attr(m, name) || archive_entry_acl_reset(entry, type) == 0)
		return 0;
	if (acl_start(&b) < 0)
		return no_memory(e);
	while (archive_entry_acl_next(
		       entry, type, &got_type, &permset, &tag, &id, &who) == ARCHIVE_OK)
		if (add_acl_entry(&b, u, tag, permset, id, who, e) < 0)
			return -1;
	/* Three entries say no more than the mode does. */
	if (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS && b.len <= 4 + 3 * 8)
		return 0;
	acl_sort(&b);
	if (!acl_valid(b.data, b.len))
		return err_set(
			e, ERR_INPUT, "its ACL is more than a reader can be given");
	return add_attr(m, name, b.data, b.len, e);
}

/* libarchive takes the owning group's entry for the mode's group, which is the mask. */
static void mode_from_acl(struct unpack_meta *m)
{
	for (size_t i = 0; i < m->meta.attr_count; i++)
		if (strcmp(m->names[i], XATTR_ACL_ACCESS) == 0)
			m->meta.mode = (m->meta.mode & ~0777u) |
				       acl_mode(m->values[i], m->attrs[i].len);
}

/* FUSE and most formats pass on the kernel's 12 and 20 bits (linux/kdev_t.h). */
static bool device_valid(dev_t major, dev_t minor)
{
	return major <= 0xfff && minor <= 0xfffff;
}

int unpack_meta_read(struct unpack_meta *m, struct archive_entry *entry, struct unpack *u,
	struct err *e)
{
	int64_t uid = archive_entry_uid(entry);
	int64_t gid = archive_entry_gid(entry);

	*m = (struct unpack_meta){0};
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return err_set(e, ERR_INPUT, "its owner %lld:%lld is out of range",
			(long long)uid, (long long)gid);
	m->meta.mode =
		archive_entry_filetype(entry) | (archive_entry_perm(entry) & 07777);
	m->meta.uid = (uint32_t)uid;
	m->meta.gid = (uint32_t)gid;
	m->meta.rdev =
		makedev(archive_entry_rdevmajor(entry), archive_entry_rdevminor(entry));
	if ((S_ISCHR(m->meta.mode) || S_ISBLK(m->meta.mode)) &&
		!device_valid(
			archive_entry_rdevmajor(entry), archive_entry_rdevminor(entry)))
		return err_set(e, ERR_INPUT,
			"its device number %llu:%llu is out of range",
			(unsigned long long)archive_entry_rdevmajor(entry),
			(unsigned long long)archive_entry_rdevminor(entry));
	m->meta.target = archive_entry_symlink(entry);
	if (S_ISLNK(m->meta.mode) && (!m->meta.target || !*m->meta.target))
		return err_set(e, ERR_INPUT, "a symbolic link without a target");
	if (read_xattrs(m, entry, e) < 0 ||
		read_acl(m, entry, u, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, XATTR_ACL_ACCESS,
			e) < 0 ||
		read_acl(m, entry, u, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, XATTR_ACL_DEFAULT,
			e) < 0) {
		unpack_meta_free(m);
		return -1;
	}
	mode_from_acl(m);
	m->meta.attrs = m->attrs;
	m->meta.label = m->label;
	return 0;
}
