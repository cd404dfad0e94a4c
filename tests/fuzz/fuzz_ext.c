/* SPDX-License-Identifier: MIT */
/*
 * An ext2, ext3 or ext4 image from arbitrary bytes, read into a listing.
 *
 * Content is bounded as it is for an image from outside: what is expected are files of
 * the names and sizes in the corpus, so that others, holes of terabytes among them, are
 * not digested.
 */
#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/source.h"

#define INPUT_MAX (1 << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct listing expected;

static void expect(const char *path, uint32_t mode, uint64_t size)
{
	struct listing_inode *in;
	struct err e;

	if (listing_add(&expected, path, 0, &in, &e) < 0)
		errx(1, "%s", e.msg);
	in->mode = mode;
	in->size = size;
}

static void prepare(void)
{
	struct err e;

	if (expected.store)
		return;
	if (listing_init(&expected, "expected", &e) < 0)
		errx(1, "%s", e.msg);
	expect("", S_IFDIR | 0755, 0);
	expect("d", S_IFDIR | 0755, 0);
	expect("d/file", S_IFREG | 0644, 6);
	expect("big", S_IFREG | 0644, 20000);
	expect("hole", S_IFREG | 0644, 30000);
}

static void check(const struct listing *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_inode *in = l->entries[i].inode;

		if (!in || in->mtime_ns >= 1000000000 || !in->names || !in->first)
			abort();
		if (S_ISLNK(in->mode) != (in->target != NULL))
			abort();
		if (in->target && strlen(in->target) != in->size)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct listing l;
	int fd;

	if (size > INPUT_MAX)
		return 0;
	prepare();
	fd = memfd_create("ext", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		err(1, "memfd");
	if (listing_init(&l, "image", &e) < 0)
		errx(1, "%s", e.msg);
	l.expected = &expected;
	if (list_ext(&l, fd, &e) == 0)
		check(&l);
	else if (e.code == ERR_NONE || strncmp(e.msg, "image: ", 7) != 0)
		abort();
	listing_free(&l);
	close(fd);
	return 0;
}
