/* SPDX-License-Identifier: MIT */
#include "image/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "image/archive_input.h"
#include "image/archive_meta.h"

/* Enables what libarchive does itself; it would start a program for what it cannot. */
static void add_filter(struct archive *a, int (*enable)(struct archive *))
{
	struct archive *probe = archive_read_new();

	if (probe && enable(probe) == ARCHIVE_OK)
		enable(a);
	archive_read_free(probe);
}

static void add_filters(struct archive *a, enum archive_filters filters)
{
	if (filters == ARCHIVE_FILTERS_ALL) {
		archive_read_support_filter_all(a);
		return;
	}
	add_filter(a, archive_read_support_filter_bzip2);
	add_filter(a, archive_read_support_filter_compress);
	add_filter(a, archive_read_support_filter_lz4);
	add_filter(a, archive_read_support_filter_lzip);
	add_filter(a, archive_read_support_filter_lzma);
	add_filter(a, archive_read_support_filter_xz);
	add_filter(a, archive_read_support_filter_zstd);
}

static void look_at(struct archive_reader *r, uint64_t at, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = len; i > 0; i--)
		if (p[i - 1]) {
			r->data = at + i;
			break;
		}
}

static la_ssize_t read_outer(
	struct archive_reader *r, struct archive *a, const void **block)
{
	la_int64_t offset;
	size_t len = 0;
	int rc;

	do {
		rc = archive_read_data_block(r->outer, block, &len, &offset);
	} while (rc == ARCHIVE_OK && len == 0);
	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc == ARCHIVE_OK)
		return (la_ssize_t)len;
	archive_set_error(a, EIO, "%s", archive_why(r->outer));
	return ARCHIVE_FATAL;
}

static la_ssize_t read_plain(
	struct archive_reader *r, struct archive *a, const void **block)
{
	ssize_t n = archive_plain_next(&r->plain, block);

	if (n >= 0)
		return n;
	archive_set_error(a, EIO, "%s", strerror(errno));
	return ARCHIVE_FATAL;
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **block)
{
	struct archive_reader *r = arg;
	la_ssize_t n = r->plain.block ? read_plain(r, a, block) : read_outer(r, a, block);

	if (n <= 0)
		return n;
	/* What is passed over unread lies before the end. */
	if (!r->plain.unread)
		look_at(r, r->total, *block, (size_t)n);
	r->total += (uint64_t)n;
	return n;
}

static int no_memory(const struct archive_reader *r, struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, r->name, "cannot list");
}

static int failed(const struct archive_reader *r, struct archive *a, struct err *e)
{
	return err_set(
		e, ERR_INPUT, "%s: the archive is damaged: %s", r->name, archive_why(a));
}

/* Once the outer reader knows what it reads. */
static int open_plain(struct archive_reader *r, int fd, struct err *e)
{
	struct stat st;

	if (archive_filter_code(r->outer, 0) != ARCHIVE_FILTER_NONE ||
		!archive_input_is_plain(r->in))
		return 0;
	if (fstat(fd, &st) < 0)
		return err_sys(e, r->name, "cannot read the archive");
	if (!S_ISREG(st.st_mode))
		return 0;
	return archive_plain_open(&r->plain, fd, (uint64_t)st.st_size, r->name, e);
}

int archive_reader_open(struct archive_reader *r, int fd, const char *name,
	enum archive_filters filters, bool by_place, struct err *e)
{
	struct archive_entry *stream;

	*r = (struct archive_reader){.name = name};
	r->outer = archive_read_new();
	r->inner = archive_read_new();
	if (!r->outer || !r->inner)
		return no_memory(r, e);
	add_filters(r->outer, filters);
	if (archive_read_support_format_raw(r->outer) != ARCHIVE_OK ||
		archive_read_support_format_empty(r->outer) != ARCHIVE_OK ||
		archive_read_support_format_tar(r->inner) != ARCHIVE_OK ||
		archive_read_support_format_cpio(r->inner) != ARCHIVE_OK)
		return no_memory(r, e);
	if (archive_input_open_fd(&r->in, r->outer, fd, name, e) < 0)
		return -1;
	switch (archive_read_next_header(r->outer, &stream)) {
	case ARCHIVE_OK:
		break;
	case ARCHIVE_EOF:
		return err_set(e, ERR_INPUT, "%s: it is empty", name);
	default:
		return failed(r, r->outer, e);
	}
	if (by_place && open_plain(r, fd, e) < 0)
		return -1;
	if (archive_read_open(r->inner, r, NULL, on_read, NULL) == ARCHIVE_OK)
		return 0;
	/* EIO is what on_read() says; else no format was found. */
	if (archive_errno(r->inner) == EIO)
		return failed(r, r->inner, e);
	return err_set(e, ERR_INPUT, "%s: it is neither tar nor cpio", name);
}

/*
 * What there must be where the last header was looked for: two blocks of zeros (tar,
 * POSIX.1-2017, pax), or the header and the name that end a cpio archive.
 */
static int check_end(struct archive_reader *r, struct err *e)
{
	uint64_t end = (uint64_t)archive_read_header_position(r->inner);

	switch (archive_format(r->inner)) {
	case ARCHIVE_FORMAT_CPIO_POSIX:
		end += 76 + 11;
		break;
	case ARCHIVE_FORMAT_CPIO_SVR4_NOCRC:
	case ARCHIVE_FORMAT_CPIO_SVR4_CRC:
		end += 110 + 14;
		break;
	case ARCHIVE_FORMAT_CPIO_BIN_LE:
	case ARCHIVE_FORMAT_CPIO_BIN_BE:
		end += 26 + 12;
		break;
	case ARCHIVE_FORMAT_CPIO_AFIO_LARGE:
		end += 116 + 11;
		break;
	default:
		if (r->total < end || r->total - end < 1024)
			return err_set(e, ERR_INPUT,
				"%s: the archive is cut off: its end is missing",
				r->name);
	}
	if (r->data > end)
		return err_set(e, ERR_INPUT,
			"%s: something follows the end of the archive", r->name);
	return 0;
}

/* To the end of the file, of which the outer reader has its own idea. */
static int finish_outer(struct archive_reader *r, struct err *e)
{
	if (archive_input_finish(r->in, e) < 0)
		return -1;
	/* The filter for bzip2 leaves what it does not know. */
	if ((uint64_t)archive_filter_bytes(r->outer, -1) != archive_input_total(r->in))
		return err_set(e, ERR_INPUT, "%s: something follows the compressed data",
			r->name);
	return 0;
}

int archive_reader_finish(struct archive_reader *r, struct err *e)
{
	const void *block;
	la_ssize_t n;

	do {
		n = on_read(r->inner, r, &block);
	} while (n > 0);
	if (n < 0)
		return failed(r, r->inner, e);
	if (!r->plain.block && finish_outer(r, e) < 0)
		return -1;
	return check_end(r, e);
}

int archive_reader_next(
	struct archive_reader *r, struct archive_entry **entry, struct err *e)
{
	int rc = archive_read_next_header(r->inner, entry);

	if (rc == ARCHIVE_EOF)
		return archive_reader_finish(r, e);
	if (rc == ARCHIVE_OK)
		return 1;
	if (rc == ARCHIVE_WARN && archive_about_charset(archive_why(r->inner)))
		return 1;
	return failed(r, r->inner, e);
}

/*
 * Where content is to be passed over that starts at *at: it is not sparse, lies in the
 * file as a whole, and is more than what was read with the header. libarchive sums up
 * none but that of cpio's crc format.
 */
static bool passes(struct archive_reader *r, struct archive_entry *entry, uint64_t *at)
{
	uint64_t size = (uint64_t)archive_entry_size(entry);

	*at = (uint64_t)archive_filter_bytes(r->inner, 0);
	return r->plain.block && archive_entry_sparse_count(entry) == 0 &&
	       archive_format(r->inner) != ARCHIVE_FORMAT_CPIO_SVR4_CRC &&
	       *at <= r->plain.size && size <= r->plain.size - *at &&
	       size > r->total - *at;
}

/* Reads what was given unread and is no content: libarchive will look at it. */
static int fill(struct archive_reader *r, uint64_t from, const char **why)
{
	const unsigned char *bytes;
	ssize_t n = archive_plain_fill(&r->plain, from, &bytes);

	if (n < 0)
		*why = errno == ENODATA ? "the archive became shorter while it was read"
					: strerror(errno);
	else
		look_at(r, r->total - (size_t)n, bytes, (size_t)n);
	return n < 0 ? -1 : 0;
}

/* Whether a piece of content comes next, in the entry and, as far as is known, in the
 * file. */
static bool follows(const struct archive_reader *r, const struct archive_place *place,
	const void *piece, la_int64_t offset)
{
	uint64_t at;

	return offset >= 0 && (uint64_t)offset == place->len &&
	       (!archive_plain_place(&r->plain, piece, &at) ||
		       at == place->at + place->len);
}

int archive_reader_pass(struct archive_reader *r, struct archive_entry *entry,
	struct archive_place *place, const char **why)
{
	uint64_t size = (uint64_t)archive_entry_size(entry);
	const void *block;
	la_int64_t offset;
	size_t len;
	int rc;

	*place = (struct archive_place){0};
	if (!passes(r, entry, &place->at))
		return 0;
	r->plain.unread_to = place->at + size;
	while ((rc = archive_read_data_block(r->inner, &block, &len, &offset)) ==
		ARCHIVE_OK) {
		if (!follows(r, place, block, offset) || len > size - place->len) {
			*why = "its content is not as long as it says";
			return -1;
		}
		place->len += len;
	}
	if (rc == ARCHIVE_EOF)
		return fill(r, place->at + place->len, why) < 0 ? -1 : 1;
	*why = archive_why(r->inner);
	return -1;
}

void archive_reader_close(struct archive_reader *r)
{
	archive_read_free(r->inner);
	archive_read_free(r->outer);
	archive_plain_close(&r->plain);
	archive_input_close(r->in);
}
