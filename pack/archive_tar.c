/* SPDX-License-Identifier: MIT */
/*
 * POSIX.1-2017, pax: ustar headers, and before them, where ustar has no room, extended
 * headers. Attributes are SCHILY.xattr.NAME, the label is RHT.security.selinux too, and
 * ACLs are SCHILY.acl too, with numbers for names: of these, GNU tar takes what its
 * options --xattrs, --selinux and --acls ask for, and other readers what they know.
 *
 * libarchive writes none of RHT, and times before 1970 with a fraction as other times, so
 * it is not used for this.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "fs/acl.h"
#include "fs/xattr.h"
#include "pack/archive_out.h"

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type,
		link[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8],
		prefix[155], pad[12];
};

#define BLOCK        512
#define RECORD       10240
#define SIZE_MAX_TAR UINT64_C(077777777777)
#define ID_MAX_TAR   UINT32_C(07777777)
#define HEADER_MAX   (1 << 20) /* libarchive reads no larger one */
#define PATH_OF_TAR  "./%s"

struct out {
	int fd;
	uint64_t total; /* bytes so far */
	size_t used;    /* of block */
	char block[1 << 16];
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

/* A record starts with its own length, of which the length's digits are a part. */
static int add_record(
	struct buf *b, const char *key, const void *value, size_t len, struct err *e)
{
	size_t rest = strlen(key) + len + 3, total = rest + 1;

	while (rest + (size_t)snprintf(NULL, 0, "%zu", total) != total)
		total++;
	if (buf_addf(b, "%zu %s=", total, key) < 0 || buf_add(b, value, len) < 0 ||
		buf_addc(b, '\n') < 0)
		return no_memory(e);
	return 0;
}

static int add_text(struct buf *b, const char *key, const char *value, struct err *e)
{
	return add_record(b, key, value, strlen(value), e);
}

static int add_number(struct buf *b, const char *key, uint64_t value, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return add_text(b, key, text, e);
}

/* A decimal fraction: -5.25 is 6 seconds before 1970 and 0.75 after that. */
static int add_time(struct buf *b, int64_t seconds, uint32_t ns, struct err *e)
{
	bool minus = seconds < 0;
	uint64_t whole = minus ? -(uint64_t)seconds : (uint64_t)seconds;
	char text[64];
	int len;

	if (minus && ns) {
		whole--;
		ns = 1000000000 - ns;
	}
	len = snprintf(text, sizeof(text), "%s%llu.%09u", minus ? "-" : "",
		(unsigned long long)whole, ns);
	while (len > 0 && text[len - 1] == '0')
		text[--len] = 0;
	if (text[len - 1] == '.')
		text[len - 1] = 0;
	return add_text(b, "mtime", text, e);
}

static int out_flush(struct out *o, struct err *e)
{
	size_t done = 0;

	while (done < o->used) {
		ssize_t n = write(o->fd, o->block + done, o->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, NULL, "cannot write the archive");
		done += (size_t)n;
	}
	o->used = 0;
	return 0;
}

static int out_bytes(void *arg, const void *bytes, size_t len, struct err *e)
{
	struct out *o = arg;
	const char *p = bytes;

	o->total += len;
	while (len > 0) {
		size_t part = sizeof(o->block) - o->used;

		part = part < len ? part : len;
		memcpy(o->block + o->used, p, part);
		o->used += part;
		p += part;
		len -= part;
		if (o->used == sizeof(o->block) && out_flush(o, e) < 0)
			return -1;
	}
	return 0;
}

static int out_pad(struct out *o, size_t to, struct err *e)
{
	static const char zeros[10240];
	size_t left = (size_t)((to - o->total % to) % to);

	return out_bytes(o, zeros, left, e);
}

struct acl_line {
	uint16_t tag, perm;
	uint32_t id;
};

/* Entry i of a valid ACL (linux: include/uapi/linux/posix_acl_xattr.h). */
static bool acl_get(const struct listing_xattr *x, size_t i, struct acl_line *line)
{
	size_t at = 4 + i * sizeof(*line);

	if (at + sizeof(*line) > x->len)
		return false;
	memcpy(line, (const char *)x->value + at, sizeof(*line));
	line->tag = le16toh(line->tag);
	line->perm = le16toh(line->perm);
	line->id = le32toh(line->id);
	return true;
}

/* acl(5), short text form, with commas; the entries are sorted as they should be. */
static int add_acl(
	struct buf *b, const char *key, const struct listing_xattr *x, struct err *e)
{
	static const struct {
		enum acl_tag tag;
		const char *name;
	} tags[] = {
		{ACL_TAG_USER_OBJ, "user"},
		{ACL_TAG_USER, "user"},
		{ACL_TAG_GROUP_OBJ, "group"},
		{ACL_TAG_GROUP, "group"},
		{ACL_TAG_MASK, "mask"},
		{ACL_TAG_OTHER, "other"},
	};
	cleanup_buf struct buf text = {0};
	struct acl_line line;

	for (size_t i = 0; acl_get(x, i, &line); i++) {
		size_t k = 0;

		while (tags[k].tag != line.tag)
			k++;
		if (buf_addf(&text, "%s%s:", i ? "," : "", tags[k].name) < 0)
			return no_memory(e);
		if ((line.tag == ACL_TAG_USER || line.tag == ACL_TAG_GROUP) &&
			buf_addf(&text, "%u", line.id) < 0)
			return no_memory(e);
		if (buf_addf(&text, ":%c%c%c", line.perm & 4 ? 'r' : '-',
			    line.perm & 2 ? 'w' : '-', line.perm & 1 ? 'x' : '-') < 0)
			return no_memory(e);
	}
	return add_record(b, key, text.data, text.len, e);
}

/* GNU tar writes '=' in a name as %3D and '%' as %25, which others read as it is. */
static bool name_fits(const char *name)
{
	return !strchr(name, '=') && !strstr(name, "%3D") && !strstr(name, "%25");
}

static int add_xattr(struct buf *b, const struct listing_entry *at,
	const struct listing_xattr *x, struct err *e)
{
	char key[300];

	if (!name_fits(x->name))
		return err_set(e, ERR_REFUSED,
			"/%s: tar cannot keep an attribute of this name: %s", at->path,
			x->name);
	snprintf(key, sizeof(key), "SCHILY.xattr.%s", x->name);
	if (strcmp(x->name, XATTR_LABEL) == 0) {
		size_t len = 0;
		const char *label = listing_label(at->inode, &len);

		if (len && add_record(b, "RHT.security.selinux", label, len, e) < 0)
			return -1;
	} else if (strcmp(x->name, XATTR_ACL_ACCESS) == 0 &&
		   acl_valid(x->value, x->len)) {
		if (add_acl(b, "SCHILY.acl.access", x, e) < 0)
			return -1;
	} else if (strcmp(x->name, XATTR_ACL_DEFAULT) == 0 &&
		   acl_valid(x->value, x->len)) {
		if (add_acl(b, "SCHILY.acl.default", x, e) < 0)
			return -1;
	}
	return add_record(b, key, x->value, x->len, e);
}

/* What ustar has no room for. */
static int add_records(struct buf *b, const struct listing_entry *at, const char *name,
	const char *link, bool again, struct err *e)
{
	const struct listing_inode *in = at->inode;

	if (strlen(name) > sizeof(((struct ustar *)0)->name) &&
		add_text(b, "path", name, e) < 0)
		return -1;
	if (link && strlen(link) > sizeof(((struct ustar *)0)->link) &&
		add_text(b, "linkpath", link, e) < 0)
		return -1;
	if (in->uid > ID_MAX_TAR && add_number(b, "uid", in->uid, e) < 0)
		return -1;
	if (in->gid > ID_MAX_TAR && add_number(b, "gid", in->gid, e) < 0)
		return -1;
	if ((in->mtime < 0 || in->mtime_ns || (uint64_t)in->mtime > SIZE_MAX_TAR) &&
		add_time(b, in->mtime, in->mtime_ns, e) < 0)
		return -1;
	if (again)
		return 0;
	if (S_ISREG(in->mode) && in->size > SIZE_MAX_TAR &&
		add_number(b, "size", in->size, e) < 0)
		return -1;
	for (size_t i = 0; i < in->xattr_count; i++)
		if (add_xattr(b, at, &in->xattrs[i], e) < 0)
			return -1;
	if (b->len > HEADER_MAX)
		return out_refuse(at, e,
			"its attributes are more than readers of tar take (1 MiB)");
	return 0;
}

/* digits octal digits and a NUL; what does not fit is in an extended header. */
static void octal(char *field, size_t size, uint64_t value)
{
	uint64_t most = (UINT64_C(1) << (size - 1) * 3) - 1;
	char text[24];

	snprintf(text, sizeof(text), "%0*llo", (int)size - 1,
		(unsigned long long)(value > most ? most : value));
	memcpy(field, text, size);
}

static int put_header(struct out *o, struct ustar *h, struct err *e)
{
	const unsigned char *p = (const unsigned char *)h;
	unsigned sum = 0;

	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->sum, ' ', sizeof(h->sum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += p[i];
	octal(h->sum, 7, sum);
	return out_bytes(o, h, sizeof(*h), e);
}

static int put_records(struct out *o, const struct buf *b, struct err *e)
{
	struct ustar h = {.name = "./PaxHeaders", .type = 'x'};

	octal(h.mode, sizeof(h.mode), 0644);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.size, sizeof(h.size), b->len);
	octal(h.mtime, sizeof(h.mtime), 0);
	octal(h.major, sizeof(h.major), 0);
	octal(h.minor, sizeof(h.minor), 0);
	if (put_header(o, &h, e) < 0 || out_bytes(o, b->data, b->len, e) < 0)
		return -1;
	return out_pad(o, BLOCK, e);
}

static char type_of(const struct listing_inode *in)
{
	switch (in->mode & S_IFMT) {
	case S_IFREG:
		return '0';
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFDIR:
		return '5';
	case S_IFIFO:
		return '6';
	default:
		return 0;
	}
}

/* link: what a hard or symbolic link names. again: this is a further name of a file. */
static int put_entry(struct out *o, struct engine *en, const struct listing_entry *at,
	const char *name, const char *link, bool again, struct err *e)
{
	const struct listing_inode *in = at->inode;
	bool content = !again && S_ISREG(in->mode);
	cleanup_buf struct buf records = {0};
	struct ustar h = {.type = again ? '1' : type_of(in)};

	if (!h.type)
		return out_refuse(at, e, "tar cannot keep a socket");
	if (add_records(&records, at, name, link, again, e) < 0)
		return -1;
	if (records.len && put_records(o, &records, e) < 0)
		return -1;
	memcpy(h.name, name, strnlen(name, sizeof(h.name)));
	if (link)
		memcpy(h.link, link, strnlen(link, sizeof(h.link)));
	octal(h.mode, sizeof(h.mode), in->mode & 07777);
	octal(h.uid, sizeof(h.uid), in->uid);
	octal(h.gid, sizeof(h.gid), in->gid);
	octal(h.size, sizeof(h.size), content ? in->size : 0);
	octal(h.mtime, sizeof(h.mtime), in->mtime < 0 ? 0 : (uint64_t)in->mtime);
	octal(h.major, sizeof(h.major), in->major);
	octal(h.minor, sizeof(h.minor), in->minor);
	if (put_header(o, &h, e) < 0 ||
		(content && out_content(en, in, out_bytes, o, e) < 0))
		return -1;
	return out_pad(o, BLOCK, e);
}

static int put_all(
	struct out *o, struct engine *en, const struct listing *l, struct err *e)
{
	static const char zeros[2 * BLOCK];

	for (size_t i = 0; i < l->count; i++) {
		const struct listing_entry *at = &l->entries[i];
		const struct listing_inode *in = at->inode;
		bool again = in->first != at->path;
		cleanup_buf struct buf name = {0}, link = {0};

		if (buf_addf(&name, PATH_OF_TAR, at->path) < 0 ||
			(S_ISDIR(in->mode) && *at->path && buf_addc(&name, '/') < 0) ||
			(again && buf_addf(&link, PATH_OF_TAR, in->first) < 0))
			return no_memory(e);
		if (put_entry(o, en, at, name.data, again ? link.data : in->target, again,
			    e) < 0)
			return -1;
	}
	if (out_bytes(o, zeros, sizeof(zeros), e) < 0)
		return -1;
	return out_pad(o, RECORD, e) < 0 ? -1 : out_flush(o, e);
}

int out_tar(int fd, struct engine *en, const struct listing *l, struct err *e)
{
	cleanup_free struct out *o = calloc(1, sizeof(*o));

	if (!o)
		return no_memory(e);
	o->fd = fd;
	return put_all(o, en, l, e);
}
