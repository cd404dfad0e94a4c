/* SPDX-License-Identifier: MIT */
#include "image/manifest.h"

#include <inttypes.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "fs/xattr.h"

/* As mtree(5) writes names: what is not plain text as a backslash and three digits. */
static void print_bytes(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		if (p[i] > ' ' && p[i] < 0x7f && p[i] != '\\' && p[i] != '#')
			putc(p[i], out);
		else
			fprintf(out, "\\%03o", p[i]);
}

static void print_text(FILE *out, const char *text)
{
	print_bytes(out, text, strlen(text));
}

static void print_path(FILE *out, const char *path)
{
	fputs(*path ? "./" : ".", out);
	print_text(out, path);
}

void manifest_hex(const uint8_t *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

const char *manifest_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "link";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "unknown";
	}
}

static void print_base64(FILE *out, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		char text[BASE64_ENCODE_RAW_LENGTH(48)];
		size_t part = len < 48 ? len : 48;

		base64_encode_raw(text, part, p);
		fwrite(text, 1, BASE64_ENCODE_RAW_LENGTH(part), out);
		p += part;
		len -= part;
	}
}

static void print_xattrs(FILE *out, const struct listing_inode *in)
{
	size_t len;
	const char *label = listing_label(in, &len);

	if (label) {
		fputs(" label=", out);
		print_bytes(out, label, len);
	}
	for (size_t i = 0; i < in->xattr_count; i++) {
		const struct listing_xattr *x = &in->xattrs[i];

		if (strcmp(x->name, XATTR_LABEL) == 0)
			continue;
		fputs(" xattr.", out);
		for (const char *p = x->name; *p; p++)
			if (*p == '=')
				fputs("\\075", out);
			else
				print_bytes(out, p, 1);
		putc('=', out);
		print_base64(out, x->value, x->len);
	}
}

static void print_inode(FILE *out, const struct listing_inode *in)
{
	char hex[2 * sizeof(in->sha256) + 1] = "";

	fprintf(out, " type=%s mode=%04o uid=%" PRIu32 " gid=%" PRIu32 " time=%" PRId64,
		manifest_type(in->mode), in->mode & 07777, in->uid, in->gid, in->mtime);
	if (S_ISCHR(in->mode) || S_ISBLK(in->mode))
		fprintf(out, " device=%" PRIu32 ",%" PRIu32, in->major, in->minor);
	if (S_ISLNK(in->mode)) {
		fputs(" link=", out);
		print_text(out, in->target);
	}
	if (S_ISREG(in->mode)) {
		manifest_hex(in->sha256, sizeof(in->sha256), hex);
		fprintf(out, " size=%" PRIu64 " sha256=%s", in->size, hex);
	}
	print_xattrs(out, in);
}

void manifest_print(FILE *out, const struct listing *l)
{
	fputs("#livery-manifest 1\n", out);
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_entry *at = &l->entries[i];

		print_path(out, at->path);
		if (at->inode->first == at->path) {
			print_inode(out, at->inode);
		} else {
			fputs(" hardlink=", out);
			print_path(out, at->inode->first);
		}
		putc('\n', out);
	}
}

static ssize_t add_to_hash(void *cookie, const char *bytes, size_t len)
{
	sha256_update(cookie, len, (const uint8_t *)bytes);
	return (ssize_t)len;
}

int manifest_digest(
	const struct listing *l, char hex[MANIFEST_DIGEST_SIZE], struct err *e)
{
	const cookie_io_functions_t io = {.write = add_to_hash};
	uint8_t bytes[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha;
	FILE *out;

	sha256_init(&sha);
	out = fopencookie(&sha, "w", io);
	if (!out)
		return err_set(e, ERR_SYS, "out of memory");
	manifest_print(out, l);
	if (fclose(out) != 0)
		return err_sys(e, l->name, "cannot make the manifest");
	sha256_digest(&sha, sizeof(bytes), bytes);
	manifest_hex(bytes, sizeof(bytes), hex);
	return 0;
}
