/* SPDX-License-Identifier: MIT */
/* Two listings compared: each field, missing and extra names, and hard links. */
#include "image/compare.h"

#include <stdio.h>

#include "common/buf.h"
#include "tests/unit/listing_util.h"
#include "tests/unit/tap.h"

static struct listing want, got;
static struct buf seen;

static void collect(void *arg, const struct difference *d)
{
	(void)arg;
	buf_addf(&seen, "%s %s: %s, %s\n", d->path, d->field, d->expected, d->found);
}

static void begin(void)
{
	must_init(&want, "tree");
	must_init(&got, "image");
	put_name(&want, "", S_IFDIR | 0755);
	put_name(&got, "", S_IFDIR | 0755);
}

/* Sorts and compares what was made, and frees it. */
static void differs(const char *text, const char *what)
{
	struct err e = {0};
	long lines = 0, count;

	must_finish(&want);
	must_finish(&got);
	buf_free(&seen);
	buf_adds(&seen, "");
	count = compare_listings(&want, &got, collect, NULL, &e);
	is_str(seen.data, text, "%s", what);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	is_int(count, lines, "as many are counted");
	listing_free(&want);
	listing_free(&got);
}

static void test_same(void)
{
	begin();
	for (int i = 0; i < 2; i++) {
		struct listing *l = i ? &got : &want;
		struct listing_inode *in = put_content(l, "d/f", "x");

		put_name(l, "d", S_IFDIR | 0700);
		put_target(l, "l", "to");
		put_name(l, "n", S_IFCHR)->major = 5;
		put_hardlink(l, "d/g", in);
		put_attribute(l, in, "user.a", "\0", 1);
	}
	differs("", "equal trees");
}

static void test_names(void)
{
	begin();
	put_name(&want, "a", S_IFREG);
	put_name(&want, "b", S_IFDIR);
	put_name(&want, "b/c", S_IFIFO);
	put_name(&got, "a!", S_IFSOCK);
	put_name(&got, "z", S_IFBLK);
	differs("a name: file, nothing\n"
		"a! name: nothing, socket\n"
		"b name: dir, nothing\n"
		"b/c name: fifo, nothing\n"
		"z name: nothing, block\n",
		"missing and extra names");
}

static void test_numbers(void)
{
	struct listing_inode *x, *y;

	begin();
	x = put_name(&want, "f", S_IFCHR | 0644);
	y = put_name(&got, "f", S_IFCHR | 04600);
	x->uid = 1;
	y->uid = UINT32_MAX;
	x->gid = 3;
	x->major = 1;
	x->minor = 2;
	y->major = 1;
	x->mtime = -5;
	y->mtime = INT64_MAX;
	y->mtime_ns = 7;
	differs("f device: 1,2, 1,0\n"
		"f mode: 0644, 4600\n"
		"f uid: 1, 4294967295\n"
		"f gid: 3, 0\n"
		"f time: -5.000000000, 9223372036854775807.000000007\n",
		"numbers");
}

static void test_types(void)
{
	begin();
	put_name(&want, "a", S_IFREG | 0644);
	put_name(&got, "a", S_IFLNK | 0644);
	put_name(&want, "b", S_IFCHR)->minor = 3;
	put_name(&got, "b", S_IFBLK)->minor = 4;
	differs("a type: file, link\nb type: char, block\n",
		"a type, without what hangs on it");
}

static void test_content(void)
{
	begin();
	put_content(&want, "a", "x");
	put_content(&got, "a", "xy");
	put_content(&want, "b", "x");
	put_content(&got, "b", "y");
	put_content(&want, "c", "x");
	put_content(&got, "c", "x")->digested = false;
	put_content(&want, "d", "x");
	put_content(&got, "d", "x");
	put_target(&want, "l", "a\n");
	put_target(&got, "l", "a\n\n");
	differs("a size: 1, 2\n"
		"b content: sha256 "
		"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881, "
		"sha256 "
		"a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa\n"
		"c content: sha256 "
		"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881, what "
		"was not read\n"
		"l target: a\\n, a\\n\\n\n",
		"content and targets");
}

static void times(
	bool whole_want, bool whole_got, int64_t s, uint32_t ns, const char *text)
{
	struct listing_inode *x, *y;

	begin();
	x = put_name(&want, "f", S_IFIFO);
	y = put_name(&got, "f", S_IFIFO);
	x->mtime = 100;
	x->mtime_ns = 5;
	y->mtime = s;
	y->mtime_ns = ns;
	x->whole_seconds = whole_want;
	y->whole_seconds = whole_got;
	differs(text, "a time");
}

static void test_times(void)
{
	times(false, false, 100, 5, "");
	times(false, false, 100, 0, "f time: 100.000000005, 100.000000000\n");
	times(false, true, 100, 0, "");
	times(true, false, 100, 0, "");
	times(false, true, 101, 0, "f time: 100.000000005, 101.000000000\n");
	times(true, true, 99, 5, "f time: 100.000000005, 99.000000005\n");
}

static void labels(
	const char *x, size_t x_len, const char *y, size_t y_len, const char *text)
{
	struct listing_inode *in;

	begin();
	in = put_name(&want, "f", S_IFIFO);
	if (x)
		put_attribute(&want, in, "security.selinux", x, x_len);
	in = put_name(&got, "f", S_IFIFO);
	if (y)
		put_attribute(&got, in, "security.selinux", y, y_len);
	differs(text, "a label");
}

static void test_labels(void)
{
	labels("a:b", 4, "a:b", 4, "");
	labels("a:b", 4, "a:b", 3, "");
	labels("a:b", 3, "a:b", 4, "");
	labels("a:b", 4, "a:b\0", 5, "f label: a:b, a:b\\000\n");
	labels("a:b", 4, "a:c", 4, "f label: a:b, a:c\n");
	labels("a:b", 4, "a:bc", 5, "f label: a:b, a:bc\n");
	labels("a:b", 4, NULL, 0, "f label: a:b, nothing\n");
	labels(NULL, 0, "a:b", 3, "f label: nothing, a:b\n");
	labels("", 1, NULL, 0, "f label: , nothing\n");
	labels("", 1, "", 0, "");
}

static void test_xattrs(void)
{
	struct listing_inode *x, *y;

	begin();
	x = put_name(&want, "f", S_IFIFO);
	y = put_name(&got, "f", S_IFIFO);
	put_attribute(&want, x, "user.a", "1", 1);
	put_attribute(&got, y, "user.b", "2", 1);
	put_attribute(&want, x, "user.c", "3", 1);
	put_attribute(&got, y, "user.c", "3", 2);
	put_attribute(&want, x, "user.d", "", 0);
	put_attribute(&got, y, "user.d", "", 0);
	put_attribute(&want, x, "user.e", "\1", 1);
	put_attribute(&got, y, "user.e", "\2", 1);
	put_attribute(&got, y, "user.\n", "", 0);
	differs("f attribute user.\\n: nothing, \n"
		"f attribute user.a: 1, nothing\n"
		"f attribute user.b: nothing, 2\n"
		"f attribute user.c: 3, 3\\000\n"
		"f attribute user.e: \\001, \\002\n",
		"attributes");
}

/* Letters are names in order, equal digits are the same inode; ' ': no such name. */
static void make_links(struct listing *l, const char *groups)
{
	struct listing_inode *of[10] = {0};

	for (size_t i = 0; groups[i]; i++) {
		char name[2] = {(char)('a' + i)};
		int group = groups[i] - '0';

		if (groups[i] == ' ')
			continue;
		if (of[group])
			put_hardlink(l, name, of[group]);
		else
			of[group] = put_content(l, name, "same");
	}
}

static void links(const char *expected, const char *found, const char *text)
{
	begin();
	make_links(&want, expected);
	make_links(&got, found);
	differs(text, expected);
}

#define OWN  "a file of its own"
#define LINK "a hard link of /"

static void test_links(void)
{
	links("0011", "0011", "");
	links("0011", "1100", "");
	links("00", "01", "b link: " LINK "a, " OWN "\n");
	links("01", "00", "b link: " OWN ", " LINK "a\n");
	links("000", "011", "b link: " LINK "a, " OWN "\nc link: " LINK "a, " LINK "b\n");
	links("0011", "0110",
		"b link: " LINK "a, " OWN "\n"
		"c link: " OWN ", " LINK "b\n"
		"d link: " LINK "c, " LINK "a\n");
	links("0000", "0011",
		"c link: " LINK "a, " OWN "\nd link: " LINK "a, " LINK "c\n");
	links("000", " 00", "a name: file, nothing\n");
	links(" 00", "000", "a name: nothing, file\n");
	links("000", " 01", "a name: file, nothing\nc link: " LINK "b, " OWN "\n");
	links("00 ", "000", "c name: nothing, file\n");
	links("000", "0 0", "b name: file, nothing\n");
}

/* One file with two names on both sides; uid and links are what the other side says. */
static void linked(uint32_t uid, uint32_t count, const char *text, const char *what)
{
	struct listing_inode *x, *y;

	begin();
	x = put_content(&want, "a", "x");
	put_hardlink(&want, "b", x);
	y = put_content(&got, "a", "x");
	put_hardlink(&got, "b", y);
	y->uid = uid;
	y->links = count;
	differs(text, what);
}

/* What differs in one inode is told once, not at each of its names. */
static void test_once(void)
{
	linked(9, 0, "a uid: 0, 9\n", "an inode with two names");
	linked(0, 2, "", "it says so itself");
	linked(0, 1, "a links: 2, 1\n", "it says that it has one");
}

static void test_long_label(void)
{
	static char x[5000], y[5000];

	memset(x, 1, sizeof(x));
	memset(y, 2, sizeof(y));
	begin();
	put_attribute(&want, put_name(&want, "f", S_IFIFO), "user.x", x, sizeof(x));
	put_attribute(&got, put_name(&got, "f", S_IFIFO), "user.x", y, sizeof(y));
	must_finish(&want);
	must_finish(&got);
	buf_free(&seen);
	is_int(compare_listings(&want, &got, collect, NULL, &(struct err){0}), 1,
		"long values differ");
	ok(seen.len > 1000 && seen.len < 10000 && strstr(seen.data, "\\001...") &&
			strstr(seen.data, "\\002...\n"),
		"and are cut");
	listing_free(&want);
	listing_free(&got);
}

int main(void)
{
	test_same();
	test_names();
	test_numbers();
	test_types();
	test_content();
	test_times();
	test_labels();
	test_xattrs();
	test_links();
	test_once();
	test_long_label();
	buf_free(&seen);
	return done_testing();
}
