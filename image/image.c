/* SPDX-License-Identifier: MIT */
/* Which kind of image a file is, told by its content. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/source.h"

#define HEAD_SIZE 2048

typedef int reader_fn(struct listing *l, int fd, struct err *e);

/*
 * Where each format has its magic, in the order in which they are tried. ustar: POSIX.1,
 * pax; cpio: cpio(5); compressed files: each one's own format; then squashfs_super_block,
 * erofs_super_block of the kernel. What is none of them is left to libarchive.
 */
static const struct magic {
	size_t offset;
	const char *bytes;
	size_t len;
	reader_fn *read;
	const char *what; /* what livery does not read; read is NULL */
} magics[] = {
	{257, "ustar", 5, list_archive, NULL},
	{0, "07070", 5, list_archive, NULL},
	{0, "\x1f\x8b", 2, list_archive, NULL},
	{0, "BZh", 3, list_archive, NULL},
	{0,
		"\xfd"
		"7zXZ",
		5, list_archive, NULL},
	{0, "\x28\xb5\x2f\xfd", 4, list_archive, NULL},
	{0, "hsqs", 4, list_squashfs, NULL},
	{1024, "\xe2\xe1\xf5\xe0", 4, list_erofs, NULL},
	{0, "QFI\xfb", 4, NULL, "a qcow2 disk"},
	{0, "conectix", 8, NULL, "a VHD disk"},
};

static const struct magic *recognise(const char *head, size_t len)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++) {
		const struct magic *m = &magics[i];

		if (m->offset + m->len <= len &&
			memcmp(head + m->offset, m->bytes, m->len) == 0)
			return m;
	}
	return NULL;
}

/* Two bytes are little: struct ext2_super_block.s_magic, with s_log_block_size. */
static bool is_ext(const char *head, size_t len)
{
	const char *super = head + 1024;

	return len >= 2048 && super[56] == 0x53 && super[57] == (char)0xef &&
	       (unsigned char)super[24] <= 6 && !super[25] && !super[26] && !super[27];
}

int image_size(int fd, const char *name, uint64_t *size, struct err *e)
{
	struct stat st;
	off_t end = -1;

	if (fstat(fd, &st) < 0)
		return err_sys(e, name, "cannot read the image");
	if (S_ISREG(st.st_mode))
		end = st.st_size;
	else if (S_ISBLK(st.st_mode))
		end = lseek(fd, 0, SEEK_END);
	else
		errno = EINVAL;
	if (end < 0)
		return err_sys(e, name, "cannot tell how large the image is");
	*size = (uint64_t)end;
	/* Where it is read from is said each time, but by libarchive. */
	return lseek(fd, 0, SEEK_SET) < 0 ? err_sys(e, name, "cannot read the image") : 0;
}

int list_image(struct listing *l, const char *path, struct err *e)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const struct magic *m;
	char head[HEAD_SIZE];
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, path, "cannot read the image");
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(
			e, ERR_INPUT, "%s: not a file that could be an image", path);
	len = pread(fd, head, sizeof(head), 0);
	if (len < 0)
		return err_sys(e, path, "cannot read the image");
	m = recognise(head, (size_t)len);
	if (!m)
		return is_ext(head, (size_t)len) ? list_ext(l, fd, e)
						 : list_archive(l, fd, e);
	if (m->read)
		return m->read(l, fd, e);
	err_set(e, ERR_INPUT, "%s: it is %s", path, m->what);
	return err_hint(e, "make it raw first: qemu-img convert -O raw");
}
