/* SPDX-License-Identifier: MIT */
/*
 * How many messages a view got, of which kinds, for how many files (mount option stats).
 *
 * All between stats_new() and stats_free() is safe to call from several threads. NULL is
 * a view that does not count: whoever says what happens does nothing then, and costs one
 * comparison.
 */
#ifndef FS_STATS_H
#define FS_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct stats;

/* Counts nothing before stats_begin(). NULL: no memory. */
struct stats *stats_new(void);
void stats_free(struct stats *s);

/* What it took to mount is nobody's; from now on, all counts. */
void stats_begin(struct stats *s);

/* Not NULL; what follows calls them. */
void stats_add_message(struct stats *s, uint32_t opcode);
void stats_add_own(struct stats *s, uint32_t opcode);
void stats_add_bytes(struct stats *s, uint32_t opcode, size_t bytes);
void stats_add_file(struct stats *s, uint64_t ino);
void stats_add_looked_for(struct stats *s);

/* A message came (opcode: of linux/fuse.h). */
static inline void stats_message(struct stats *s, uint32_t opcode)
{
	if (s)
		stats_add_message(s, opcode);
}

/* The message that is being answered is one of the side channel's (fs/side.h). */
static inline void stats_own(struct stats *s, uint32_t opcode)
{
	if (s)
		stats_add_own(s, opcode);
}

/* Content that went with an answer, or was written. */
static inline void stats_bytes(struct stats *s, uint32_t opcode, size_t bytes)
{
	if (s)
		stats_add_bytes(s, opcode, bytes);
}

/* The kernel is told of a file; each number counts once. */
static inline void stats_file(struct stats *s, uint64_t ino)
{
	if (s)
		stats_add_file(s, ino);
}

/* A message was found by a thread that did not sleep (fs/receiver.h). */
static inline void stats_looked_for(struct stats *s)
{
	if (s)
		stats_add_looked_for(s);
}

/*
 * The table as text, a line each: "KIND MESSAGES PER-FILE BYTES" with blanks between, the
 * most frequent first, then "total", "looked-for" where there were any, and "files"; "-"
 * where there is nothing to say. A message of the side channel is "livery.KIND". 0, or -1
 * (no memory).
 */
int stats_table(struct stats *s, struct buf *out);

#endif
