/* SPDX-License-Identifier: MIT */
/*
 * What a filesystem calls itself and would otherwise draw by lot or take from the clock,
 * derived from the tree: the same tree gives the same image.
 */
#ifndef PACK_IDENTITY_H
#define PACK_IDENTITY_H

#include "image/listing.h"
#include "image/manifest.h"

struct identity {
	char digest[MANIFEST_DIGEST_SIZE]; /* of the manifest */
	int64_t now; /* seconds since 1970, never negative: when it was made */
};

/*
 * epoch: SOURCE_DATE_EPOCH, or -1; then the newest time in the tree stands for it,
 * rounded up, so that no tool that caps times by it cuts one.
 */
int identity_make(
	struct identity *id, const struct listing *l, int64_t epoch, struct err *e);

/* 32 bytes for a purpose, "salt" or "filesystem": SHA-256 of "PURPOSE:DIGEST". */
void identity_bytes(const struct identity *id, const char *purpose, uint8_t bytes[32]);

/* The first 16 of them as a UUID of version 8 (RFC 9562), in lower case. */
#define UUID_TEXT_SIZE 37
void identity_uuid(
	const struct identity *id, const char *purpose, char text[UUID_TEXT_SIZE]);

#endif
