/* SPDX-License-Identifier: MIT */
#include "image/archive_meta.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

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

struct acl_line {
	int tag, permset, id;
	const char *name;
};

static int add_line(struct buf *b, const struct acl_line *line, archive_who_fn *who,
	void *arg, struct err *e)
{
	unsigned perm = (line->permset & ARCHIVE_ENTRY_ACL_READ ? 4u : 0u) |
			(line->permset & ARCHIVE_ENTRY_ACL_WRITE ? 2u : 0u) |
			(line->permset & ARCHIVE_ENTRY_ACL_EXECUTE ? 1u : 0u);
	uint32_t id = (uint32_t)line->id;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		enum acl_tag tag = tags[i].tag;

		if (tags[i].archive_tag != line->tag)
			continue;
		if (line->id < 0 && (tag == ACL_TAG_USER || tag == ACL_TAG_GROUP) &&
			who(arg, tag, line->name ? line->name : "", &id, e) < 0)
			return -1;
		return acl_add(b, tag, perm, id) < 0
			       ? err_set(e, ERR_SYS, "out of memory")
			       : 0;
	}
	return err_set(e, ERR_INPUT, "its ACL has an entry that POSIX does not know");
}

int archive_acl(struct archive_entry *entry, int type, struct buf *b, archive_who_fn *who,
	void *arg, struct err *e)
{
	struct acl_line line;
	int got;

	b->len = 0;
	if (archive_entry_acl_reset(entry, type) == 0)
		return 0;
	if (acl_start(b) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	while (archive_entry_acl_next(entry, type, &got, &line.permset, &line.tag,
		       &line.id, &line.name) == ARCHIVE_OK)
		if (add_line(b, &line, who, arg, e) < 0)
			return -1;
	/* Three entries say no more than the mode does. */
	if (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS && b->len <= 4 + 3 * 8) {
		b->len = 0;
		return 0;
	}
	acl_sort(b);
	if (!acl_valid(b->data, b->len))
		return err_set(
			e, ERR_INPUT, "its ACL is more than a reader can be given");
	return 0;
}

bool archive_mtime(struct archive_entry *entry, struct timespec *t)
{
	t->tv_sec = archive_entry_mtime(entry);
	t->tv_nsec = archive_entry_mtime_nsec(entry);
	/* pax(1): "-5.25" is a decimal fraction; libarchive reads it as -5 s and +0.25 s.
	 */
	if (t->tv_sec < 0 && t->tv_nsec > 0) {
		t->tv_sec--;
		t->tv_nsec = 1000000000 - t->tv_nsec;
	}
	return archive_entry_mtime_is_set(entry);
}

int archive_device(
	struct archive_entry *entry, uint32_t *major, uint32_t *minor, struct err *e)
{
	dev_t high = archive_entry_rdevmajor(entry), low = archive_entry_rdevminor(entry);

	/* FUSE and most formats pass on the kernel's 12 and 20 bits (linux/kdev_t.h). */
	if (high > 0xfff || low > 0xfffff)
		return err_set(e, ERR_INPUT,
			"its device number %llu:%llu is out of range",
			(unsigned long long)high, (unsigned long long)low);
	*major = (uint32_t)high;
	*minor = (uint32_t)low;
	return 0;
}

bool archive_about_charset(const char *warning)
{
	return strstr(warning, "convert");
}

const char *archive_why(struct archive *a)
{
	const char *why = archive_error_string(a);

	return why ? why : "cannot be read";
}
