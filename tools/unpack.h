/* SPDX-License-Identifier: MIT */
/*
 * An archive into a staging tree and its database. Reads what libarchive reads as tar
 * (ustar, GNU, pax, compressed or not) and cpio, with attributes from SCHILY.xattr.*,
 * LIBARCHIVE.xattr.*, RHT.security.selinux and SCHILY.acl.*.
 */
#ifndef TOOLS_UNPACK_H
#define TOOLS_UNPACK_H

#include <stdint.h>

#include "fs/writer.h"

struct archive;
struct archive_entry;
struct names;

struct unpack {
	struct writer *writer;
	const struct stage *stage; /* the writer's */
	void (*step)(void *arg);   /* after each entry; may be NULL */
	void (*warn)(
		void *arg, const char *text); /* a refused entry, something not kept */
	void *arg;
	struct archive_entry *next; /* read and not yet made */
	uint64_t entries;           /* made */
	uint64_t refused;    /* could not be made as they are; each was told to warn */
	uint64_t warned;     /* of something that cannot be kept or shown */
	struct names *names; /* of the tree, as long as they are enough */
};

/* Reads the first entry; an archive without one is an error. Makes nothing. */
int unpack_begin(struct unpack *u, struct archive *a, struct err *e);

/*
 * After unpack_begin(): makes all entries. An entry whose name would leave the tree, or
 * that would replace a directory with content, is refused, told and counted, and the next
 * one is read; any other failure ends it. Each failure names the entry.
 */
int unpack_archive(struct unpack *u, struct archive *a, struct err *e);

/*
 * unpack_meta.c: what an entry says of its inode; names in ACLs are the tree's own.
 * Memory is the caller's to free with unpack_meta_free().
 */
struct unpack_meta {
	struct writer_meta meta;
	struct writer_attr *attrs;
	char **names;  /* of attrs */
	char **values; /* of attrs */
	char *label;
	bool hidden; /* carries attributes that no view can show */
};
int unpack_meta_read(struct unpack_meta *m, struct archive_entry *entry, struct unpack *u,
	struct err *e);
void unpack_meta_free(struct unpack_meta *m);

#endif
