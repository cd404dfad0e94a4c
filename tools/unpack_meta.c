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
#include "image/archive_meta.h"
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
		if (xattr_is_nameless(name))
			return err_set(e, ERR_INPUT,
				"its attribute %s has no name behind the dot, which no "
				"filesystem takes",
				quote_path(quoted, sizeof(quoted), name));
		if (xattr_fate(m->meta.mode, name, value, len) == XATTR_BAD)
			return err_set(e, ERR_INPUT, "its attribute %s is damaged",
				quote_path(quoted, sizeof(quoted), name));
		m->hidden |= xattr_fate(m->meta.mode, name, value, len) == XATTR_HIDDEN;
		if (add_attr(m, name, value, len, e) < 0)
			return -1;
	}
	return 0;
}

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
static int find_who(
	void *arg, enum acl_tag tag, const char *name, uint32_t *id, struct err *e)
{
	struct unpack *u = arg;

	if (u->names && find_name(u->names, tag, name, id, e) == 0)
		return 0;
	names_close(u->names);
	if (names_open(&u->names, u->stage, e) < 0)
		return -1;
	if (find_name(u->names, tag, name, id, e) < 0)
		return err_wrap(e,
			"its ACL has a name without a number, for which etc/passwd and "
			"etc/group must come before it in the archive");
	return 0;
}

/* type: ARCHIVE_ENTRY_ACL_TYPE_ACCESS or _DEFAULT. */
static int read_acl(struct unpack_meta *m, struct archive_entry *entry, struct unpack *u,
	int type, const char *name, struct err *e)
{
	cleanup_buf struct buf b = {0};

	if (has_attr(m, name))
		return 0;
	if (archive_acl(entry, type, &b, find_who, u, e) < 0)
		return -1;
	return b.len ? add_attr(m, name, b.data, b.len, e) : 0;
}

/* libarchive takes the owning group's entry for the mode's group, which is the mask. */
static void mode_from_acl(struct unpack_meta *m)
{
	for (size_t i = 0; i < m->meta.attr_count; i++)
		if (strcmp(m->names[i], XATTR_ACL_ACCESS) == 0)
			m->meta.mode = (m->meta.mode & ~0777u) |
				       acl_mode(m->values[i], m->attrs[i].len);
}

int unpack_meta_read(struct unpack_meta *m, struct archive_entry *entry, struct unpack *u,
	struct err *e)
{
	int64_t uid = archive_entry_uid(entry);
	int64_t gid = archive_entry_gid(entry);
	uint32_t major, minor;

	*m = (struct unpack_meta){0};
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return err_set(e, ERR_INPUT, "its owner %lld:%lld is out of range",
			(long long)uid, (long long)gid);
	m->meta.mode =
		archive_entry_filetype(entry) | (archive_entry_perm(entry) & 07777);
	m->meta.uid = (uint32_t)uid;
	m->meta.gid = (uint32_t)gid;
	if (S_ISCHR(m->meta.mode) || S_ISBLK(m->meta.mode)) {
		if (archive_device(entry, &major, &minor, e) < 0)
			return -1;
		m->meta.rdev = makedev(major, minor);
	}
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
