/* SPDX-License-Identifier: MIT */
#include "image/archive_input.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK_BYTES (1 << 20)
#define RAW_BYTES   (1 << 18)

struct archive_input {
	int fd;
	char *name;
	unsigned char *raw; /* as read; what z has not taken is from z.next_in on */
	unsigned char *block;
	z_stream z;
	bool inflating; /* z is to be ended */
	bool started, ended;
	uint64_t total;
};

/* The next bytes of the file behind those that z still has: like read(). */
static ssize_t more(struct archive_input *in)
{
	ssize_t n;

	if (in->z.avail_in)
		memmove(in->raw, in->z.next_in, in->z.avail_in);
	do {
		n = read(in->fd, in->raw + in->z.avail_in, RAW_BYTES - in->z.avail_in);
	} while (n < 0 && errno == EINTR);
	in->z.next_in = in->raw;
	if (n > 0)
		in->z.avail_in += (unsigned)n;
	return n;
}

/* A gzip file is one that starts as one; so may what follows one. */
static int at_gzip(struct archive_input *in, const char **why)
{
	ssize_t n = 1;

	while (in->z.avail_in < 2 && n > 0)
		n = more(in);
	if (n < 0)
		*why = strerror(errno);
	if (n < 0)
		return -1;
	return in->z.avail_in >= 2 && in->z.next_in[0] == 0x1f &&
	       in->z.next_in[1] == 0x8b;
}

/* Behind compressed data there may be nothing but the zeros of a tape's last block. */
static int only_zeros(struct archive_input *in, const char **why)
{
	ssize_t n;

	do {
		for (unsigned i = 0; i < in->z.avail_in; i++)
			if (in->z.next_in[i]) {
				*why = "something follows the compressed data";
				return -1;
			}
		in->z.avail_in = 0;
		n = more(in);
	} while (n > 0);
	if (n < 0)
		*why = strerror(errno);
	return n < 0 ? -1 : 0;
}

/* 1: there is another gzip file; 0: the end. */
static int next_file(struct archive_input *in, const char **why)
{
	int rc = at_gzip(in, why);

	if (rc == 1)
		return inflateReset(&in->z) == Z_OK ? 1 : -1;
	in->ended = true;
	return rc == 0 ? only_zeros(in, why) : -1;
}

static int inflate_block(struct archive_input *in, const char **why)
{
	in->z.next_out = in->block;
	in->z.avail_out = BLOCK_BYTES;
	while (in->z.avail_out && !in->ended) {
		ssize_t n = in->z.avail_in ? 1 : more(in);
		int rc;

		if (n <= 0) {
			*why = n < 0 ? strerror(errno)
				     : "cut off in the middle of its compressed data";
			return -1;
		}
		rc = inflate(&in->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			rc = next_file(in, why) < 0 ? Z_ERRNO : Z_OK;
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			*why = in->z.msg ? in->z.msg : "its compressed data is damaged";
		if (rc != Z_OK && rc != Z_BUF_ERROR)
			return -1;
	}
	return BLOCK_BYTES - (int)in->z.avail_out;
}

static int start(struct archive_input *in, const char **why)
{
	int rc = at_gzip(in, why);

	/* 15 bits of window, and a gzip header (zlib.h, inflateInit2()). */
	if (rc < 0 || (rc == 1 && inflateInit2(&in->z, 15 + 16) != Z_OK))
		return -1;
	in->inflating = rc == 1;
	in->started = true;
	return 0;
}

/* The next bytes into *block: their number, 0 at a whole end, -1 with *why. */
static int next_block(
	struct archive_input *in, const unsigned char **block, const char **why)
{
	ssize_t n;

	*why = "out of memory";
	if (!in->started && start(in, why) < 0)
		return -1;
	if (in->inflating) {
		*block = in->block;
		n = in->ended ? 0 : inflate_block(in, why);
	} else {
		*block = in->raw;
		n = in->z.avail_in ? in->z.avail_in : more(in);
		in->z.avail_in = 0;
		if (n < 0)
			*why = strerror(errno);
	}
	if (n > 0)
		in->total += (uint64_t)n;
	return (int)n;
}

static la_ssize_t on_read(struct archive *a, void *data, const void **block)
{
	const unsigned char *bytes = NULL;
	const char *why;
	int n = next_block(data, &bytes, &why);

	if (n < 0)
		archive_set_error(a, EIO, "%s", why);
	*block = bytes;
	return n < 0 ? ARCHIVE_FATAL : n;
}

/* Takes over fd. */
static int open_input(struct archive_input **out, struct archive *a, int fd,
	const char *name, struct err *e)
{
	struct archive_input *in = calloc(1, sizeof(*in));

	*out = in;
	if (!in) {
		close(fd);
		return err_set(e, ERR_SYS, "out of memory");
	}
	in->fd = fd;
	in->name = strdup(name);
	in->raw = malloc(RAW_BYTES);
	in->block = malloc(BLOCK_BYTES);
	if (!in->name || !in->raw || !in->block)
		return err_set(e, ERR_SYS, "out of memory");
	if (archive_read_open(a, in, NULL, on_read, NULL) != ARCHIVE_OK)
		return err_set(e, ERR_INPUT, "%s: %s", in->name, archive_error_string(a));
	return 0;
}

int archive_input_open_fd(struct archive_input **out, struct archive *a, int fd,
	const char *name, struct err *e)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	*out = NULL;
	if (copy < 0)
		return err_sys(e, name, "cannot open the archive");
	return open_input(out, a, copy, name, e);
}

uint64_t archive_input_total(const struct archive_input *in)
{
	return in->total;
}

bool archive_input_is_plain(const struct archive_input *in)
{
	return in->started && !in->inflating;
}

int archive_input_finish(struct archive_input *in, struct err *e)
{
	const unsigned char *block;
	const char *why = NULL;
	int n;

	do {
		n = next_block(in, &block, &why);
	} while (n > 0);
	return n < 0 ? err_set(e, ERR_INPUT, "%s: %s", in->name, why) : 0;
}

void archive_input_close(struct archive_input *in)
{
	if (!in)
		return;
	if (in->inflating)
		inflateEnd(&in->z);
	close(in->fd);
	free(in->name);
	free(in->raw);
	free(in->block);
	free(in);
}
