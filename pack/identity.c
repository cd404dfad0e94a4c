/* SPDX-License-Identifier: MIT */
#include "pack/identity.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

int identity_make(
	struct identity *id, const struct listing *l, int64_t epoch, struct err *e)
{
	id->now = epoch >= 0 ? epoch : 0;
	for (size_t i = 0; epoch < 0 && i < l->count; i++) {
		const struct listing_inode *in = l->entries[i].inode;
		int64_t after = in->mtime + (in->mtime_ns > 0);

		if (after > id->now)
			id->now = after;
	}
	return manifest_digest(l, id->digest, e);
}

void identity_bytes(const struct identity *id, const char *purpose, uint8_t bytes[32])
{
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, strlen(purpose), (const uint8_t *)purpose);
	sha256_update(&sha, 1, (const uint8_t *)":");
	sha256_update(&sha, strlen(id->digest), (const uint8_t *)id->digest);
	sha256_digest(&sha, 32, bytes);
}

void identity_uuid(
	const struct identity *id, const char *purpose, char text[UUID_TEXT_SIZE])
{
	uint8_t bytes[32];
	char hex[33];

	identity_bytes(id, purpose, bytes);
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	manifest_hex(bytes, 16, hex);
	snprintf(text, UUID_TEXT_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
		hex + 12, hex + 16, hex + 20);
}
