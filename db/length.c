/* SPDX-License-Identifier: MIT */
/*
 * Whether a file is cut off: SQLite takes a page that is not there, or not all of it, for
 * a whole one. In WAL mode pages may be missing from the file as long as the log has
 * them: a checkpoint was killed half-way, or goes on.
 */
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "db/internal.h"

/* https://www.sqlite.org/fileformat.html#the_write_ahead_log */
#define LOG_HEADER   32
#define FRAME_HEADER 24
#define SALTS        16 /* where in the log's header; in a frame's it is 8 */

struct missing {
	uint32_t after;      /* the pages behind this one … */
	uint32_t count;      /* … so many */
	unsigned char *seen; /* a bit each */
};

uint32_t db_be32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

int db_cut_off(const struct db *db, int64_t size, int64_t want, struct err *e)
{
	return err_set(e, ERR_INPUT, "%s: damaged: cut off after %lld of %lld bytes",
		db->path, (long long)size, (long long)want);
}

/* Strikes out what the log has; frames of an earlier round have other salts. */
static uint32_t look_in_log(int log, uint32_t page_size, const struct missing *m)
{
	unsigned char head[LOG_HEADER], frame[FRAME_HEADER];
	off_t at = LOG_HEADER;
	uint32_t left = m->count;

	if (pread(log, head, sizeof(head), 0) != sizeof(head))
		return left;
	while (left && pread(log, frame, sizeof(frame), at) == sizeof(frame) &&
		memcmp(frame + 8, head + SALTS, 8) == 0) {
		/* What is not behind m->after wraps to a large number. */
		uint32_t i = db_be32(frame) - m->after - 1;

		if (i < m->count && !(m->seen[i / 8] & 1 << i % 8)) {
			m->seen[i / 8] |= (unsigned char)(1 << i % 8);
			left--;
		}
		at += FRAME_HEADER + (off_t)page_size;
	}
	return left;
}

/* 1 where the log has the pages, 0 where it has not. */
static int log_has(
	const struct db *db, uint32_t page_size, struct missing *m, struct err *e)
{
	cleanup_free unsigned char *seen = NULL;
	cleanup_free char *path = NULL;
	cleanup_close int log = -1;
	struct stat st;

	if (asprintf(&path, "%s-wal", db->file) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	log = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (log < 0 || fstat(log, &st) < 0)
		return 0;
	/* The number comes from the file: no memory for more than there can be. */
	if (m->count > st.st_size / (FRAME_HEADER + (off_t)page_size))
		return 0;
	seen = calloc(m->count / 8 + 1, 1);
	if (!seen)
		return err_set(e, ERR_SYS, "out of memory");
	m->seen = seen;
	return look_in_log(log, page_size, m) == 0;
}

/* The header's own count of pages, if it is valid; 0 where SQLite is to judge. */
static int64_t pages_told(const unsigned char *h, uint32_t *page_size)
{
	*page_size = (uint32_t)h[16] << 8 | h[17];
	if (*page_size == 1)
		*page_size = 65536;
	if (*page_size < 512 || (*page_size & (*page_size - 1)) ||
		memcmp(h + 24, h + 92, 4) != 0)
		return 0;
	return db_be32(h + 28);
}

int db_wal_check_length(struct db *db, struct err *e)
{
	unsigned char h[DB_HEADER_BYTES];
	uint32_t page_size;
	int64_t pages;
	off_t before = -1;
	struct stat st;

	if (pread(db->lock_fd, h, sizeof(h), 0) != sizeof(h))
		return err_sys(e, db->path, "cannot read the database");
	pages = pages_told(h, &page_size);
	for (;;) {
		struct missing m = {0};
		int rc;

		if (fstat(db->lock_fd, &st) < 0)
			return err_sys(e, db->path, "cannot examine the database");
		if (st.st_size >= pages * page_size)
			return 0;
		/* A checkpoint may have ended meanwhile, and the log begun anew. */
		if (st.st_size == before)
			return db_cut_off(db, st.st_size, pages * page_size, e);
		before = st.st_size;
		m.after = (uint32_t)(st.st_size / page_size);
		m.count = (uint32_t)(pages - m.after);
		rc = log_has(db, page_size, &m, e);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
}
