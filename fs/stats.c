/* SPDX-License-Identifier: MIT */
#include "fs/stats.h"

#include <inttypes.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those that the oldest linux/fuse.h here does not have are told by number. */
static const char *const names[] = {
	[FUSE_LOOKUP] = "LOOKUP",
	[FUSE_FORGET] = "FORGET",
	[FUSE_GETATTR] = "GETATTR",
	[FUSE_SETATTR] = "SETATTR",
	[FUSE_READLINK] = "READLINK",
	[FUSE_SYMLINK] = "SYMLINK",
	[FUSE_MKNOD] = "MKNOD",
	[FUSE_MKDIR] = "MKDIR",
	[FUSE_UNLINK] = "UNLINK",
	[FUSE_RMDIR] = "RMDIR",
	[FUSE_RENAME] = "RENAME",
	[FUSE_LINK] = "LINK",
	[FUSE_OPEN] = "OPEN",
	[FUSE_READ] = "READ",
	[FUSE_WRITE] = "WRITE",
	[FUSE_STATFS] = "STATFS",
	[FUSE_RELEASE] = "RELEASE",
	[FUSE_FSYNC] = "FSYNC",
	[FUSE_SETXATTR] = "SETXATTR",
	[FUSE_GETXATTR] = "GETXATTR",
	[FUSE_LISTXATTR] = "LISTXATTR",
	[FUSE_REMOVEXATTR] = "REMOVEXATTR",
	[FUSE_FLUSH] = "FLUSH",
	[FUSE_INIT] = "INIT",
	[FUSE_OPENDIR] = "OPENDIR",
	[FUSE_READDIR] = "READDIR",
	[FUSE_RELEASEDIR] = "RELEASEDIR",
	[FUSE_FSYNCDIR] = "FSYNCDIR",
	[FUSE_GETLK] = "GETLK",
	[FUSE_SETLK] = "SETLK",
	[FUSE_SETLKW] = "SETLKW",
	[FUSE_ACCESS] = "ACCESS",
	[FUSE_CREATE] = "CREATE",
	[FUSE_INTERRUPT] = "INTERRUPT",
	[FUSE_BMAP] = "BMAP",
	[FUSE_DESTROY] = "DESTROY",
	[FUSE_IOCTL] = "IOCTL",
	[FUSE_POLL] = "POLL",
	[FUSE_NOTIFY_REPLY] = "NOTIFY_REPLY",
	[FUSE_BATCH_FORGET] = "BATCH_FORGET",
	[FUSE_FALLOCATE] = "FALLOCATE",
	[FUSE_READDIRPLUS] = "READDIRPLUS",
	[FUSE_RENAME2] = "RENAME2",
	[FUSE_LSEEK] = "LSEEK",
	[FUSE_COPY_FILE_RANGE] = "COPY_FILE_RANGE",
	[FUSE_SETUPMAPPING] = "SETUPMAPPING",
	[FUSE_REMOVEMAPPING] = "REMOVEMAPPING",
	[FUSE_SYNCFS] = "SYNCFS",
	[51] = "TMPFILE",
	[52] = "STATX",
	[53] = "COPY_FILE_RANGE_64",
};

#define NAMES (sizeof(names) / sizeof(names[0]))
#define OTHER 0 /* no opcode of the kernel's: here, all that has no name */

#define FIRST_ROOM 4096

struct count {
	_Atomic uint64_t all, own, bytes;
};

struct stats {
	_Atomic bool begun;
	struct count counts[NAMES];
	_Atomic uint64_t looked_for;
	pthread_mutex_t lock; /* for what is below */
	uint64_t *files;      /* inode numbers, a hash table; 0: free */
	size_t file_count, room;
	bool incomplete; /* there was no memory for all of them */
};

struct stats *stats_new(void)
{
	struct stats *s = calloc(1, sizeof(*s));

	if (s)
		pthread_mutex_init(&s->lock, NULL);
	return s;
}

void stats_free(struct stats *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->files);
	free(s);
}

void stats_begin(struct stats *s)
{
	if (s)
		atomic_store(&s->begun, true);
}

static bool counts(struct stats *s)
{
	return atomic_load_explicit(&s->begun, memory_order_relaxed);
}

static struct count *count_of(struct stats *s, uint32_t opcode)
{
	return &s->counts[opcode < NAMES && names[opcode] ? opcode : OTHER];
}

static void add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void stats_add_message(struct stats *s, uint32_t opcode)
{
	if (counts(s))
		add(&count_of(s, opcode)->all, 1);
}

void stats_add_looked_for(struct stats *s)
{
	if (counts(s))
		add(&s->looked_for, 1);
}

void stats_add_own(struct stats *s, uint32_t opcode)
{
	if (counts(s))
		add(&count_of(s, opcode)->own, 1);
}

void stats_add_bytes(struct stats *s, uint32_t opcode, size_t bytes)
{
	if (counts(s))
		add(&count_of(s, opcode)->bytes, bytes);
}

/* The place of a number in the table, or the free one where it belongs. */
static uint64_t *place(uint64_t *files, size_t room, uint64_t ino)
{
	size_t i = (ino * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & (room - 1);

	while (files[i] && files[i] != ino)
		i = (i + 1) & (room - 1);
	return &files[i];
}

static int make_room(struct stats *s)
{
	size_t room = s->room ? s->room * 2 : FIRST_ROOM;
	uint64_t *files;

	if (s->file_count < s->room / 2)
		return 0;
	files = calloc(room, sizeof(*files));
	if (!files)
		return -1;
	for (size_t i = 0; i < s->room; i++)
		if (s->files[i])
			*place(files, room, s->files[i]) = s->files[i];
	free(s->files);
	s->files = files;
	s->room = room;
	return 0;
}

void stats_add_file(struct stats *s, uint64_t ino)
{
	uint64_t *p;

	if (!counts(s) || !ino)
		return;
	pthread_mutex_lock(&s->lock);
	if (make_room(s) < 0) {
		s->incomplete = true;
	} else {
		p = place(s->files, s->room, ino);
		s->file_count += !*p;
		*p = ino;
	}
	pthread_mutex_unlock(&s->lock);
}

struct row {
	const char *prefix, *name;
	uint64_t messages, bytes;
};

/* By name where there were as many, so that the same counts make the same table. */
static int by_messages(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->messages != y->messages)
		return x->messages < y->messages ? 1 : -1;
	return *x->prefix != *y->prefix ? *x->prefix - *y->prefix
					: strcmp(x->name, y->name);
}

static size_t make_rows(struct stats *s, struct row *rows, struct row *total)
{
	size_t n = 0;

	for (size_t i = 0; i < NAMES; i++) {
		const struct count *c = &s->counts[i];
		const char *name = i == OTHER ? "other" : names[i];
		uint64_t all = c->all, own = c->own, bytes = c->bytes;

		if (all > own)
			rows[n++] = (struct row){"", name, all - own, bytes};
		if (own)
			rows[n++] = (struct row){"livery.", name, own, 0};
		total->messages += all;
		total->bytes += bytes;
	}
	qsort(rows, n, sizeof(*rows), by_messages);
	return n;
}

static int print_row(struct buf *out, const struct row *r, uint64_t files)
{
	char kind[40], per_file[32] = "-", bytes[24] = "-";

	snprintf(kind, sizeof(kind), "%s%s", r->prefix, r->name);
	if (files)
		snprintf(per_file, sizeof(per_file), "%.3f",
			(double)r->messages / (double)files);
	if (r->bytes)
		snprintf(bytes, sizeof(bytes), "%" PRIu64, r->bytes);
	return buf_addf(out, "%-20s %10" PRIu64 " %9s %14s\n", kind, r->messages,
		per_file, bytes);
}

int stats_table(struct stats *s, struct buf *out)
{
	struct row rows[2 * NAMES];
	struct row total = {"", "total", 0, 0};
	struct row looked_for = {"", "looked-for", atomic_load(&s->looked_for), 0};
	size_t n = make_rows(s, rows, &total);
	uint64_t files;
	int rc;

	pthread_mutex_lock(&s->lock);
	files = s->incomplete ? 0 : s->file_count;
	pthread_mutex_unlock(&s->lock);
	rc = buf_addf(
		out, "%-20s %10s %9s %14s\n", "kind", "messages", "per-file", "bytes");
	for (size_t i = 0; i < n; i++)
		rc |= print_row(out, &rows[i], files);
	rc |= print_row(out, &total, files);
	if (looked_for.messages)
		rc |= print_row(out, &looked_for, files);
	rc |= files ? buf_addf(out, "%-20s %10" PRIu64 " %9s %14s\n", "files", files, "-",
			      "-")
		    : buf_addf(out, "%-20s %10s %9s %14s\n", "files", "-", "-", "-");
	return rc;
}
