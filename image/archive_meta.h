/* SPDX-License-Identifier: MIT */
/* What archive entries say in libarchive's own way, as the kernel would have it. */
#ifndef IMAGE_ARCHIVE_META_H
#define IMAGE_ARCHIVE_META_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/err.h"
#include "fs/acl.h"

struct archive;
struct archive_entry;

/* Whom an ACL's entry names by name only. */
typedef int archive_who_fn(
	void *arg, enum acl_tag tag, const char *name, uint32_t *id, struct err *e);

/*
 * type: ARCHIVE_ENTRY_ACL_TYPE_ACCESS or _DEFAULT. Fills b with the attribute's value;
 * leaves it empty where there is no such ACL, or none that says more than the mode.
 */
int archive_acl(struct archive_entry *entry, int type, struct buf *b, archive_who_fn *who,
	void *arg, struct err *e);

/* The modification time; false where the archive gives none. */
bool archive_mtime(struct archive_entry *entry, struct timespec *t);

/* Device numbers as the kernel has them; -1: out of range. */
int archive_device(
	struct archive_entry *entry, uint32_t *major, uint32_t *minor, struct err *e);

/*
 * Whether a warning of libarchive is only that a name in a pax header is no UTF-8: the C
 * locale has such names as the raw bytes that they should be.
 */
bool archive_about_charset(const char *warning);

/* What libarchive says, or else that it cannot be read. */
const char *archive_why(struct archive *a);

#endif
