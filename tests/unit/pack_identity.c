/* SPDX-License-Identifier: MIT */
/* What is derived from a tree: its digest, its time, UUIDs and salts. */
#include "pack/identity.h"

#include "tests/unit/listing_util.h"
#include "tests/unit/tap.h"

static struct err e;

static struct identity identity_of(int64_t root_time, int64_t file_time, int64_t epoch)
{
	cleanup_listing struct listing l = {0};
	struct identity id;

	must_init(&l, "tree");
	put_name(&l, "", S_IFDIR | 0755)->mtime = root_time;
	put_content(&l, "f", "x")->mtime = file_time;
	must_finish(&l);
	if (identity_make(&id, &l, epoch, &e) < 0)
		errx(1, "%s", e.msg);
	return id;
}

static void test_time(void)
{
	is_int(identity_of(5, 7, -1).now, 7, "the newest time");
	is_int(identity_of(9, 7, -1).now, 9, "the root's too");
	is_int(identity_of(-9, -7, -1).now, 0, "never negative");
	is_int(identity_of(INT64_MAX, 0, -1).now, INT64_MAX, "however late");
	is_int(identity_of(5, 7, 3).now, 3, "an epoch is taken as it is");
	is_int(identity_of(5, 7, 100).now, 100, "earlier or later");
	is_int(identity_of(5, 7, 0).now, 0, "0 is one");
}

static void test_uuid(void)
{
	struct identity id = identity_of(1, 2, -1), same = identity_of(1, 2, 50);
	struct identity other = identity_of(1, 3, -1);
	char x[UUID_TEXT_SIZE], y[UUID_TEXT_SIZE];
	int bad = 0;

	identity_uuid(&id, "filesystem", x);
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		bad += dash ? x[i] != '-' : !strchr("0123456789abcdef", x[i]);
	}
	is_int(bad, 0, "a UUID: %s", x);
	is_int(strlen(x), 36, "of 36 bytes");
	ok(x[14] == '8' && strchr("89ab", x[19]), "of version 8 and RFC 9562's variant");
	identity_uuid(&same, "filesystem", y);
	is_str(x, y, "the same for the same tree, whatever the epoch");
	identity_uuid(&id, "verity", y);
	ok(strcmp(x, y) != 0, "another one for another purpose");
	identity_uuid(&other, "filesystem", y);
	ok(strcmp(x, y) != 0, "and for another tree");
}

/* printf 'salt:%s' 000…0 | sha256sum */
static void test_bytes(void)
{
	struct identity id = {.now = 0};
	uint8_t bytes[32];
	char hex[65];

	memset(id.digest, '0', 64);
	identity_bytes(&id, "salt", bytes);
	manifest_hex(bytes, 32, hex);
	is_str(hex, "8a77ec03c6dc0327d9e57f2982861f0fe9f0c020e609f253a148ac2318fb3ed8",
		"32 bytes for a purpose");
}

int main(void)
{
	test_time();
	test_uuid();
	test_bytes();
	return done_testing();
}
