/* SPDX-License-Identifier: MIT */
/*
 * Content that is passed over and digested from its place in the file: what comes out,
 * and what is refused, is the same as when all bytes are read, as they are of a
 * compressed file.
 */
#include <archive.h>
#include <archive_entry.h>

#include "image/archive_reader.h"
#include "tests/unit/archive_util.h"
#include "tests/unit/tar_util.h"

#define MIB (1 << 20)

static struct listing got, want;
static unsigned char bytes[4 * MIB];

/* Sizes about those of headers' and blocks' borders; what is read in one go is 8 KiB. */
static const size_t sizes[] = {0, 1, 511, 512, 513, 4096, 6656, 7167, 7168, 7169, 8191,
	8192, 8193, 100000, MIB - 1, MIB, MIB + 1, 2 * MIB + 6656, 3 * MIB + 7};
#define SIZES (sizeof(sizes) / sizeof(*sizes))

/* No two blocks are the same, but for some in a row that hold nothing. */
static void make_bytes(void)
{
	unsigned x = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1103515245 + 12345;
		bytes[i] = i / 4096 % 16 < 3 ? 0 : (unsigned char)(x >> 16);
	}
}

static const unsigned char *content(size_t i)
{
	return bytes + i * 1000;
}

static void put_root(struct buf *b)
{
	tar_put(b, (struct tar_entry){.name = "./", .type = '5', .mode = 0755});
}

static void put_big(struct buf *b, const char *name, const void *data, size_t len)
{
	tar_put(b,
		(struct tar_entry){.name = name, .type = '0', .data = data, .len = len});
}

static void put_record(struct buf *b, const char *key, const char *value)
{
	struct buf records = {0};

	pax_record(&records, key, value, strlen(value));
	tar_pax(b, &records);
	buf_free(&records);
}

static void write_out(struct buf *b)
{
	put_file("a", b->data, b->len);
	buf_free(b);
	*b = (struct buf){0};
}

static bool content_is(const struct listing_inode *in, const void *data, size_t len)
{
	struct listing_inode here = {0};
	struct digest d;

	digest_start(&d);
	digest_add(&d, data, len);
	digest_finish(&d, &here);
	return in->digested && in->size == len && in->data_blocks == here.data_blocks &&
	       memcmp(in->sha256, here.sha256, sizeof(here.sha256)) == 0;
}

/* As list_file(), with so many threads, and a call for each name. */
static int list_a(struct listing *l, unsigned threads, void (*on_name)(void *arg))
{
	int fd = open("a", O_RDWR | O_CLOEXEC), rc;

	if (fd < 0)
		err(1, "a");
	must_init(l);
	l->threads = threads;
	l->on_name = on_name;
	l->on_name_arg = l;
	list_err = (struct err){0};
	rc = list_archive(l, fd, &list_err);
	close(fd);
	return rc;
}

/* a is listed as its bytes are where none can be passed over; text: what is wrong. */
static void same_as_read(const char *text, const char *what)
{
	struct err e;
	int rc;

	run("zstd -q --fast -f -o packed a");
	rc = list_file(&want, "packed", list_archive);
	e = list_err;
	for (unsigned threads = 0; threads < 3; threads++) {
		if (list_a(&got, threads, NULL) != rc)
			ok(false, "%s: read: %s; passed over: %s", what, e.msg,
				list_err.msg);
		else if (rc < 0)
			ok(text && strcmp(e.msg, list_err.msg) == 0 &&
					strstr(e.msg, text),
				"%s: %s", what, list_err.msg);
		else if (!text)
			same_listing(&want, &got, what);
		else
			ok(false, "%s: it is taken", what);
		listing_free(&got);
	}
	listing_free(&want);
}

static void put_sizes(struct buf *b, bool pax)
{
	char name[32];

	put_root(b);
	for (size_t i = 0; i < SIZES; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		if (pax)
			put_record(b, "mtime", "5.25");
		put_big(b, name, content(i), sizes[i]);
	}
	tar_end(b);
}

static void test_sizes(void)
{
	for (int pax = 0; pax < 2; pax++) {
		struct buf b = {0};
		int bad = 0;

		put_sizes(&b, pax);
		write_out(&b);
		if (list_a(&got, 0, NULL) < 0)
			errx(1, "%s", list_err.msg);
		for (size_t i = 0; i < SIZES; i++) {
			char name[32];

			snprintf(name, sizeof(name), "%zu", i);
			bad += !content_is(at(&got, name), content(i), sizes[i]);
		}
		is_int(bad, 0, "contents of %zu sizes", SIZES);
		listing_free(&got);
		same_as_read(NULL, "sizes");
	}
}

static void test_tools(void)
{
	static const char *const commands[] = {
		"tar -C s --format=pax -cf a .",
		"tar -C s --format=pax -S -cf a .",
		"tar -C s --format=gnu -S -cf a .",
		"tar -C s --format=gnu -cf a .",
		"tar -C s --format=pax --sparse-version=0.0 -S -cf a .",
		"tar -C s --format=pax --sparse-version=0.1 -S -cf a .",
		"bsdtar -C s --format=pax -cf a .",
		"bsdtar -C s --format=newc -cf a .",
		"bsdtar -C s --format=odc -cf a .",
		"cd s && find . | cpio --quiet -o -H newc > ../a",
		"cd s && find . | cpio --quiet -o -H crc > ../a",
		"cd s && find . | cpio --quiet -o -H bin > ../a",
	};

	put_dir("s");
	for (size_t i = 0; i < SIZES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "s/%zu", i);
		put_file(name, content(i), sizes[i]);
	}
	run("ln s/18 s/again; ln s/13 s/14-again; truncate -s 3M s/hole; "
	    "echo end >> s/hole; cat s/16 >> s/hole; truncate -s 9M s/hole");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		run("%s", commands[i]);
		same_as_read(NULL, commands[i]);
	}
}

/* Two names that both bring content, while that of a file before them is digested. */
static void test_links(void)
{
	struct buf b = {0};

	for (int other = 0; other < 2; other++) {
		put_root(&b);
		put_big(&b, "a", bytes, 3 * MIB);
		put_big(&b, "b", content(1), 20000);
		put_record(&b, "mtime", "0");
		tar_put(&b, (struct tar_entry){.name = "l",
				    .type = '1',
				    .link = "b",
				    .data = content(other ? 2 : 1),
				    .len = 20000});
		put_big(&b, "c", content(3), 100000);
		tar_end(&b);
		write_out(&b);
		same_as_read(other ? "/l: a file has two contents" : NULL,
			other ? "a link with other content" : "a link with content");
	}
}

static void test_end(void)
{
	static const struct {
		size_t keep;
		const char *add, *text;
	} ends[] = {
		{4 * MIB, "", NULL},
		{2 * MIB, "", "/big: Truncated tar archive"},
		{3 * MIB + 1024, "", "its end is missing"},
		{3 * MIB + 1536, "", "its end is missing"},
		{3 * MIB + 1023, "", "/big: "},
		{3 * MIB + 1000, "", "/big: "},
		{4 * MIB, "x", "something follows the end"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		put_root(&b);
		put_big(&b, "big", bytes, 3 * MIB - 20);
		tar_end(&b);
		if (b.len > ends[i].keep)
			b.len = ends[i].keep;
		tar_add(&b, ends[i].add, strlen(ends[i].add));
		write_out(&b);
		same_as_read(ends[i].text, ends[i].text ? ends[i].text : "whole");
	}
	put_root(&b);
	put_big(&b, "big", bytes, MIB);
	tar_end(&b);
	put_root(&b);
	put_big(&b, "second", bytes, MIB);
	tar_end(&b);
	write_out(&b);
	same_as_read("something follows the end", "a second archive");
}

/* Headers that say another size than that of what the archive holds. */
static void test_other_sizes(void)
{
	static const struct {
		const char *key, *size;
		size_t stored;
		const char *text;
	} cases[] = {
		{"SCHILY.realsize", "2000000", 100, NULL},
		{"SCHILY.realsize", "2000000", 100000, NULL},
		{"SCHILY.realsize", "100000", 100100, "not as long as it says"},
		{"SCHILY.realsize", "100000", 2000000, "not as long as it says"},
		{"GNU.sparse.map", "2000000,0", 100000, "something follows the end"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int end = 0; end < 2; end++) {
			put_root(&b);
			put_record(&b, cases[i].key, cases[i].size);
			put_big(&b, "odd", bytes, cases[i].stored);
			if (end)
				tar_end(&b);
			put_big(&b, "next", bytes, 3 * MIB);
			tar_end(&b);
			write_out(&b);
			same_as_read(cases[i].text ? cases[i].text
				     : end         ? "something follows the end"
						   : NULL,
				cases[i].key);
		}
}

/* Behind the end, and far from it; the second time in what was taken for content. */
static void test_far_behind(void)
{
	struct buf b = {0};

	for (int odd = 0; odd < 2; odd++) {
		put_root(&b);
		if (odd)
			put_record(&b, "SCHILY.realsize", "2000000");
		put_big(&b, "big", bytes, 100000);
		tar_end(&b);
		tar_pad(&b, 300000);
		tar_add(&b, "x", 1);
		tar_pad(&b, 3000000);
		write_out(&b);
		same_as_read("something follows the end", "far behind");
	}
}

/* A map of data that reaches beyond the file, which libarchive does not call sparse. */
static void test_wrong_map(void)
{
	struct buf b = {0};

	put_root(&b);
	put_record(&b, "GNU.sparse.map", "500000,3000000");
	put_big(&b, "odd", bytes, 2000000);
	tar_end(&b);
	write_out(&b);
	same_as_read("/odd: its content is not as long as it says", "a wrong map");
}

static off_t cut_to;

static void cut_at_big(void *arg)
{
	const struct listing *l = arg;

	if (strcmp(l->entries[l->count - 1].path, "big") == 0 &&
		truncate("a", cut_to) < 0)
		err(1, "truncate");
}

static void test_shortened(void)
{
	static const off_t cuts[] = {1024 + 8192, 2 * MIB, 3 * MIB + 1023};
	struct buf b = {0};

	for (unsigned threads = 1; threads < 4; threads++)
		for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
			put_root(&b);
			put_big(&b, "before", bytes, 0);
			b.len -= 512;
			put_big(&b, "big", bytes, 3 * MIB);
			put_big(&b, "later", bytes, 100000);
			tar_end(&b);
			write_out(&b);
			cut_to = cuts[i];
			ok(list_a(&got, threads, cut_at_big) < 0 &&
					strcmp(list_err.msg,
						"IMAGE: /big: the archive became "
						"shorter while it was read") == 0,
				"cut off: %s", list_err.msg);
			listing_free(&got);
		}
	put_root(&b);
	put_record(&b, "SCHILY.realsize", "2000000");
	put_big(&b, "big", bytes, 100000);
	put_big(&b, "next", bytes, 2 * MIB);
	tar_end(&b);
	write_out(&b);
	cut_to = MIB;
	ok(list_a(&got, 0, cut_at_big) < 0 &&
			strstr(list_err.msg, "/big: the archive became shorter"),
		"cut off behind it: %s", list_err.msg);
	listing_free(&got);
}

/* The error that is met first when all is read in turn is the one that is told. */
static void test_first_error(void)
{
	struct buf b = {0};

	put_root(&b);
	put_big(&b, "a", bytes, 3 * MIB);
	tar_put(&b, (struct tar_entry){.name = "l", .type = '1', .link = "none"});
	tar_end(&b);
	write_out(&b);
	same_as_read("/l: it is a link to what was not there", "what comes later");
}

/* Opens a, and goes to the entry. */
static int to_entry(struct archive_reader *r, bool by_place, const char *name,
	struct archive_entry **entry)
{
	struct err e = {0};
	int fd = open("a", O_RDONLY | O_CLOEXEC);

	if (fd < 0 ||
		archive_reader_open(r, fd, "a", ARCHIVE_FILTERS_OWN, by_place, &e) < 0)
		errx(1, "a: %s", e.msg);
	do {
		if (archive_reader_next(r, entry, &e) != 1)
			errx(1, "%s: %s", name, e.msg);
	} while (strcmp(archive_entry_pathname(*entry), name) != 0);
	return fd;
}

static void passes(bool by_place, const char *name, uint64_t place, const char *what)
{
	struct archive_entry *entry;
	struct archive_place p;
	struct archive_reader r;
	const char *why = NULL;
	int fd = to_entry(&r, by_place, name, &entry);
	int rc = archive_reader_pass(&r, entry, &p, &why);

	is_int(rc, place != 0, "%s: passed over: %s", what, why ? why : "");
	if (rc == 1)
		ok(p.at == place && p.len == MIB, "%s: from its place", what);
	archive_reader_close(&r);
	close(fd);
}

static void test_what_passes(void)
{
	struct buf b = {0};

	put_root(&b);
	put_big(&b, "small", bytes, 100);
	put_record(&b, "mtime", "1.5");
	put_big(&b, "big", bytes, MIB);
	tar_end(&b);
	write_out(&b);
	passes(true, "big", 512 + 1024 + 1024 + 512, "tar");
	passes(true, "small", 0, "little");
	passes(false, "big", 0, "not asked for");
	run("gzip -1 < a > b; mv b a");
	passes(true, "big", 0, "gzip");
	run("gzip -d < a | zstd -q > b; mv b a");
	passes(true, "big", 0, "zstd");
	put_dir("t");
	put_file("t/big", bytes, MIB);
	run("cd t && echo big | cpio --quiet -o -H newc > ../a");
	passes(true, "big", 116, "cpio");
	run("cd t && echo big | cpio --quiet -o -H crc > ../a");
	passes(true, "big", 0, "cpio with sums");
	run("truncate -s 2M t/big; truncate -s 1M t/big; "
	    "fallocate -p -o 4096 -l 8192 t/big; tar -C t -S -cf a big");
	passes(true, "big", 0, "sparse");
}

int main(void)
{
	struct buf b = {0};

	scratch_make();
	make_bytes();
	test_sizes();
	test_tools();
	test_links();
	test_end();
	test_other_sizes();
	test_far_behind();
	test_wrong_map();
	test_shortened();
	test_first_error();
	test_what_passes();
	put_sizes(&b, true);
	write_out(&b);
	hostile("a", list_archive, 400009);
	return done_testing();
}
