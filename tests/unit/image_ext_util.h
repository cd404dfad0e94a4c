/* SPDX-License-Identifier: MIT */
/* Images made with e2fsprogs, and listings as text, to compare. */
#ifndef TESTS_UNIT_IMAGE_EXT_UTIL_H
#define TESTS_UNIT_IMAGE_EXT_UTIL_H

#include <inttypes.h>
#include <stdarg.h>

#include "common/buf.h"
#include "image/source.h"
#include "tests/unit/scratch.h"

#define UUID                                                                             \
	"-U 11111111-2222-3333-4444-555555555555 -E "                                    \
	"hash_seed=11111111-2222-3333-4444-555555555555"

/* Runs a shell command; its exit status. What it says is shown where it fails. */
static inline int tool(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline int tool(const char *fmt, ...)
{
	char text[2048];
	cleanup_buf struct buf b = {0};
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (buf_addf(&b, "PATH=/usr/sbin:/sbin:$PATH; { %s; } >tool.out 2>&1", text) < 0)
		err(1, "tool");
	rc = system(b.data);
	if (rc != 0) {
		char *said = get_file("tool.out", NULL);

		printf("# %s: status %d\n# %.800s\n", text, rc, said);
		free(said);
	}
	return rc;
}

static inline int list(struct listing *l, const char *image, struct err *e)
{
	int fd = open(image, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0 || listing_init(l, image, e) < 0)
		err(1, "%s", image);
	rc = list_ext(l, fd, e);
	close(fd);
	return rc;
}

static inline void add_hex(struct buf *b, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		buf_addf(b, "%02x", p[i]);
}

/* One inode as text, without its names. */
static inline void add_inode(struct buf *b, const struct listing_inode *in)
{
	buf_addf(b, "%06o %u:%u", in->mode, in->uid, in->gid);
	if (S_ISCHR(in->mode) || S_ISBLK(in->mode))
		buf_addf(b, " dev %u,%u", in->major, in->minor);
	buf_addf(b, " time %" PRId64 ".%09u", in->mtime, in->mtime_ns);
	if (S_ISREG(in->mode))
		buf_addf(b, " size %" PRIu64, in->size);
	if (in->target)
		buf_addf(b, " -> %s", in->target);
	for (size_t i = 0; i < in->xattr_count; i++) {
		buf_addf(b, " %s=", in->xattrs[i].name);
		add_hex(b, in->xattrs[i].value, in->xattrs[i].len);
	}
}

/* All of it; malloc'd. */
static inline char *text_of(const struct listing *l)
{
	struct buf b = {0};

	for (size_t i = 0; i < l->count; i++) {
		const struct listing_inode *in = l->entries[i].inode;

		buf_addf(&b, "/%s = /%s: ", l->entries[i].path, in->first);
		add_inode(&b, in);
		if (in->digested) {
			buf_addf(&b, " blocks %" PRIu64 " ", in->data_blocks);
			add_hex(&b, in->sha256, sizeof(in->sha256));
		}
		buf_addc(&b, '\n');
	}
	return b.data;
}

/* The inode at a path, as text in a buffer that the next call uses again. */
static inline const char *inode_at(const struct listing *l, const char *path)
{
	static char text[8192];
	const struct listing_entry *at = listing_find(l, path);
	struct buf b = {0};

	if (!at)
		return "there is none";
	add_inode(&b, at->inode);
	snprintf(text, sizeof(text), "%s", b.data);
	buf_free(&b);
	return text;
}

/* len bytes that are no two blocks the same, at an offset of a new or old file. */
static inline void put_bytes(const char *path, off_t at, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	unsigned int *p = malloc(len + 4);

	for (size_t i = 0; p && i <= len / 4; i++)
		p[i] = (unsigned int)i * 2654435761u + 1;
	if (fd < 0 || !p || pwrite(fd, p, len, at) != (ssize_t)len || close(fd) < 0)
		err(1, "%s", path);
	free(p);
}

/* A plain tree with a bit of everything that an ordinary user can make. */
static inline void put_tree(const char *top)
{
	char path[512], target[200];

	put_dir(top);
	if (chdir(top) < 0)
		err(1, "%s", top);
	put_dir("dir");
	put_text("dir/file", "hello\n");
	if (link("dir/file", "hard") < 0)
		err(1, "link");
	put_text("empty", "");
	put_text("null", "");
	put_text("disk", "");
	put_bytes("big", 0, 60001);
	put_text("hundred", "0123456789012345678901234567890123456789012345678901234567"
			    "890123456789012345678901234567890123456789");
	/* Not at the end: there mke2fs cuts holes off where it may use inline data. */
	for (off_t at = 8; at < 16; at++)
		put_bytes("sparse", at << 15, 5000);
	put_link("dir/file", "link");
	if (linkat(AT_FDCWD, "link", AT_FDCWD, "zlink", 0) < 0)
		err(1, "link");
	memset(target, 't', 150);
	target[150] = 0;
	put_link(target, "longlink");
	if (linkat(AT_FDCWD, "longlink", AT_FDCWD, "dir/longlink", 0) < 0 ||
		mkfifo("fifo", 0644) < 0)
		err(1, "link");
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "dir/t%d", i);
		if (linkat(AT_FDCWD, "longlink", AT_FDCWD, path, 0) < 0)
			err(1, "link");
	}
	put_dir("many");
	for (int i = 0; i < 120; i++) {
		snprintf(path, sizeof(path), "many/name-%0*d", 40, i);
		put_text(path, "");
	}
	if (chdir("..") < 0)
		err(1, "..");
}

#endif
