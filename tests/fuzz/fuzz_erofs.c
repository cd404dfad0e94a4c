/* SPDX-License-Identifier: MIT */
/*
 * An EROFS image from arbitrary bytes, listed. The checksum of the superblock is switched
 * off in it, or no change would get past that.
 *
 * An image of some bytes can claim files of any size. So it is listed without content
 * first, and then with the content of files that are not too large, by an expected
 * listing as a comparison has one.
 */
#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/source.h"

#define FILE_MAX  (1u << 18)
#define TOTAL_MAX (1u << 21)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int image = -1;

static void put_image(const uint8_t *data, size_t size)
{
	uint8_t compat;

	if (image < 0)
		image = memfd_create("image", MFD_CLOEXEC);
	if (ftruncate(image, 0) < 0 || pwrite(image, data, size, 0) != (ssize_t)size)
		err(1, "memfd");
	if (size <= 1024 + 8)
		return;
	compat = data[1024 + 8] & 0xfe;
	if (pwrite(image, &compat, 1, 1024 + 8) != 1)
		err(1, "memfd");
}

static int list(struct listing *l, const struct listing *expected)
{
	struct err e = {0};
	int rc;

	if (listing_init(l, "image", &e) < 0)
		errx(1, "%s", e.msg);
	l->expected = expected;
	rc = list_erofs(l, image, &e);
	if (rc < 0 && (e.code != ERR_INPUT || strncmp(e.msg, "image: ", 7) != 0 ||
			      strchr(e.msg, '\n')))
		abort();
	return rc;
}

/* The files of a listing whose content can be read in no time. */
static void choose(struct listing *to, const struct listing *from)
{
	uint64_t total = 0;
	struct err e = {0};

	for (size_t i = 0; i < from->count; i++) {
		const struct listing_inode *in = from->entries[i].inode;
		struct listing_inode *chosen;

		if (!S_ISREG(in->mode) || in->size > FILE_MAX ||
			total + in->size > TOTAL_MAX)
			continue;
		total += in->size;
		if (listing_add(to, from->entries[i].path, 0, &chosen, &e) < 0)
			errx(1, "%s", e.msg);
		chosen->mode = in->mode;
		chosen->size = in->size;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct listing none, all, some, full;
	struct err e = {0};

	put_image(data, size);
	if (listing_init(&none, "none", &e) < 0 || listing_init(&some, "some", &e) < 0)
		errx(1, "%s", e.msg);
	if (list(&all, &none) == 0) {
		choose(&some, &all);
		if (list(&full, &some) == 0 && full.count != all.count)
			abort();
		listing_free(&full);
	}
	listing_free(&all);
	listing_free(&some);
	listing_free(&none);
	return 0;
}
