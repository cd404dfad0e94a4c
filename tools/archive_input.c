/* SPDX-License-Identifier: MIT */
#include "tools/archive_input.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK_BYTES (1 << 20)

struct archive_input {
	gzFile gz;
	char *name;
	char *block;
};

const char *archive_input_name(const struct archive_input *in)
{
	return in->name;
}

/* The next bytes: their number, 0 at a whole end, -1 with the reason in *why. */
static int next_block(struct archive_input *in, const char **why)
{
	int n = gzread(in->gz, in->block, BLOCK_BYTES);
	int code = Z_OK;

	if (n > 0)
		return n;
	*why = gzerror(in->gz, &code);
	if (code == Z_BUF_ERROR)
		*why = "cut off in the middle of its compressed data";
	else if (code == Z_ERRNO)
		*why = strerror(errno);
	return n == 0 && (code == Z_OK || code == Z_STREAM_END) ? 0 : -1;
}

static la_ssize_t on_read(struct archive *a, void *data, const void **block)
{
	struct archive_input *in = data;
	const char *why;
	int n = next_block(in, &why);

	if (n < 0)
		archive_set_error(a, EIO, "%s", why);
	*block = in->block;
	return n < 0 ? ARCHIVE_FATAL : n;
}

static gzFile open_gz(const char *file)
{
	int fd = strcmp(file, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					: open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	gzFile gz = fd < 0 ? NULL : gzdopen(fd, "rb");

	if (!gz && fd >= 0)
		close(fd);
	return gz;
}

int archive_input_open(
	struct archive_input **out, struct archive *a, const char *file, struct err *e)
{
	struct archive_input *in = calloc(1, sizeof(*in));

	*out = in;
	if (!in)
		return err_set(e, ERR_SYS, "out of memory");
	in->name = strdup(strcmp(file, "-") == 0 ? "standard input" : file);
	in->block = malloc(BLOCK_BYTES);
	if (!in->name || !in->block)
		return err_set(e, ERR_SYS, "out of memory");
	in->gz = open_gz(file);
	if (!in->gz)
		return err_sys(e, in->name, "cannot open the archive");
	gzbuffer(in->gz, BLOCK_BYTES / 4);
	if (archive_read_open(a, in, NULL, on_read, NULL) != ARCHIVE_OK)
		return err_set(e, ERR_INPUT, "%s: %s", in->name, archive_error_string(a));
	return 0;
}

int archive_input_finish(struct archive_input *in, struct err *e)
{
	const char *why = NULL;
	int n;

	do {
		n = next_block(in, &why);
	} while (n > 0);
	return n < 0 ? err_set(e, ERR_INPUT, "%s: %s", in->name, why) : 0;
}

void archive_input_close(struct archive_input *in)
{
	if (!in)
		return;
	if (in->gz)
		gzclose_r(in->gz);
	free(in->name);
	free(in->block);
	free(in);
}
