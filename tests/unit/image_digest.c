/* SPDX-License-Identifier: MIT */
/* SHA-256 of a stream, with its blocks that hold data. */
#include "image/digest.h"

#include <stdlib.h>

#include "image/manifest.h"
#include "tests/unit/tap.h"

#define BLOCK LISTING_BLOCK

static void known(const char *text, size_t times, const char *want)
{
	struct listing_inode in = {0};
	struct digest d;
	char hex[65];

	digest_start(&d);
	while (times-- > 0)
		digest_add(&d, text, strlen(text));
	digest_finish(&d, &in);
	manifest_hex(in.sha256, sizeof(in.sha256), hex);
	is_str(hex, want, "a known digest");
	ok(in.digested, "noted");
}

/* FIPS 180-4's examples. */
static void test_known(void)
{
	known("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	known("abc", 1,
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	known("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	known("aaaaaaaaaa", 100000,
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* The same bytes in pieces of all kinds, zeros as bytes or as their number. */
static void feed(struct digest *d, const unsigned char *p, size_t len, size_t piece,
	bool by_number)
{
	while (len > 0) {
		size_t part = piece ? piece : 1 + (size_t)rand() % 9000, zeros = 0;

		part = part < len ? part : len;
		while (zeros < part && p[zeros] == 0)
			zeros++;
		if (by_number && zeros == part)
			digest_add_zeros(d, part);
		else
			digest_add(d, p, part);
		p += part;
		len -= part;
	}
}

static void blocks_are(
	const unsigned char *p, size_t len, uint64_t want, const char *what)
{
	static const size_t pieces[] = {0, 1, 7, 4095, 4096, 4097, 8192, 70000, 1 << 20};
	struct listing_inode first = {0};
	int bad = 0;

	for (size_t i = 0; i < 2 * sizeof(pieces) / sizeof(*pieces); i++) {
		struct listing_inode in = {0};
		struct digest d;

		digest_start(&d);
		feed(&d, p, len, pieces[i / 2], i % 2);
		bad += d.size != len;
		digest_finish(&d, i ? &in : &first);
		if (!i)
			continue;
		bad += in.data_blocks != first.data_blocks;
		bad += memcmp(in.sha256, first.sha256, sizeof(in.sha256)) != 0;
	}
	is_int(bad, 0, "%s: however it is cut", what);
	is_int(first.data_blocks, (long long)want, "%s: blocks with data", what);
}

static void test_blocks(void)
{
	enum {
		SIZE = 20 * BLOCK + 5
	};
	unsigned char *p = calloc(1, SIZE);

	if (!p)
		return;
	blocks_are(p, 0, 0, "nothing");
	blocks_are(p, SIZE, 0, "zeros");
	p[0] = 1;
	blocks_are(p, 1, 1, "one byte");
	blocks_are(p, SIZE, 1, "the first byte");
	p[BLOCK - 1] = 1;
	blocks_are(p, SIZE, 1, "first and last byte of a block");
	p[BLOCK] = 1;
	blocks_are(p, SIZE, 2, "the byte behind");
	p[3 * BLOCK - 1] = 1;
	blocks_are(p, SIZE, 3, "the last byte of a block");
	p[SIZE - 1] = 1;
	blocks_are(p, SIZE, 4, "the last, short block");
	memset(p, 0, SIZE);
	p[SIZE - 6] = 1;
	blocks_are(p, SIZE, 1, "the end of the last whole block");
	memset(p, 0xff, SIZE);
	blocks_are(p, SIZE, 21, "no zeros");
	free(p);
}

/* More than the piece that zeros are added in, from the middle of a block. */
static void test_zeros(void)
{
	static unsigned char zeros[200000];
	struct listing_inode x = {0}, y = {0};
	struct digest d, f;

	digest_start(&d);
	digest_start(&f);
	for (int i = 0; i < 3; i++) {
		digest_add(&d, "x", 1);
		digest_add(&f, "x", 1);
		digest_add(&d, zeros, sizeof(zeros));
		digest_add_zeros(&f, sizeof(zeros));
		digest_add_zeros(&f, 0);
	}
	is_int(f.size, 3 * (sizeof(zeros) + 1), "all are counted");
	digest_finish(&d, &x);
	digest_finish(&f, &y);
	is_int(x.data_blocks, 3, "three blocks hold data");
	is_int(y.data_blocks, 3, "with zeros given by number too");
	ok(memcmp(x.sha256, y.sha256, sizeof(x.sha256)) == 0, "and the same digest");
}

int main(void)
{
	test_known();
	test_blocks();
	test_zeros();
	return done_testing();
}
