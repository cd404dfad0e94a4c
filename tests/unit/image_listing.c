/* SPDX-License-Identifier: MIT */
/* Listings: which names are taken, how they are sorted, and what makes a tree. */
#include "image/listing.h"

#include <stdlib.h>

#include "tests/unit/listing_util.h"
#include "tests/unit/tap.h"

static struct err e;

/* What listing_add() says of a path in an empty listing. */
static int add_one(const char *path)
{
	cleanup_listing struct listing l = {0};
	struct listing_inode *in;

	must_init(&l, "image");
	e = (struct err){0};
	return listing_add(&l, path, 0, &in, &e);
}

static char *repeat(const char *unit, size_t times, const char *end)
{
	char *s = calloc(1, strlen(unit) * times + strlen(end) + 1);

	if (!s)
		errx(1, "out of memory");
	for (size_t i = 0; i < times; i++)
		memcpy(s + i * strlen(unit), unit, strlen(unit));
	return strcat(s, end);
}

static void length_is(const char *unit, size_t times, const char *end, int want)
{
	char *path = repeat(unit, times, end);

	is_int(add_one(path), want, "a path of %zu bytes, %s", strlen(path),
		want ? "refused" : "taken");
	free(path);
}

static void test_names(void)
{
	static const char *const good[] = {"", "a", "a/b", "...", "a/...", ".a",
		"..a/b..", "\xff\n", " ", "\\", "a:b"};
	static const char *const bad[] = {"/", "/a", "a/", "a//b", ".", "..", "./a",
		"../a", "a/.", "a/..", "a/./b", "a/../b", "//"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		is_int(add_one(good[i]), 0, "good name %zu", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(add_one(bad[i]) == -1 && e.code == ERR_INPUT &&
				strncmp(e.msg, "image: ", 7) == 0,
			"bad name %s", bad[i]);
	length_is("x", 255, "", 0);
	length_is("x", 256, "", -1);
	length_is("x", 255, "/y", 0);
	length_is("x", 256, "/y", -1);
	length_is("a/", LISTING_PATH_MAX / 2, "b", 0);
	length_is("a/", LISTING_PATH_MAX / 2, "bc", -1);
}

static void test_doubles(void)
{
	cleanup_listing struct listing l = {0};
	struct listing_inode *in, *same;

	must_init(&l, "image");
	put_name(&l, "a", S_IFREG);
	is_int(listing_add(&l, "a", 0, &in, &e), -1, "a name twice");
	is_str(e.msg, "image: it holds the name /a twice", "is told");
	is_int(listing_add(&l, "b", 7, &in, &e), 0, "a new id");
	in->mode = S_IFREG;
	is_int(listing_add(&l, "c", 7, &same, &e), 1, "an id that is there");
	ok(same == in, "gives its inode");
	is_int(listing_add(&l, "b", 7, &same, &e), -1, "its own name again");
	is_int(in->names, 2, "two names");
	is_int(listing_add(&l, "d", 8, &same, &e), 0, "another id");
	ok(same != in, "is another inode");
	is_int(listing_add(&l, "e", 0, &same, &e), 0, "no id");
	ok(listing_by_id(&l, 7) == in, "found by its id");
	ok(!listing_by_id(&l, 9), "not found");
	ok(!listing_by_id(&l, 0), "0 is no id");
	is_int(listing_add(&l, "f", UINT64_MAX, &in, &e), 0, "the largest id");
	ok(listing_by_id(&l, UINT64_MAX) == in, "is an id");
}

static void finish_says(struct listing *l, const char *want)
{
	e = (struct err){0};
	is_int(listing_finish(l, &e), -1, "no tree");
	is_int(e.code, ERR_INPUT, "is the input's fault");
	is_str(e.msg, want, "and told");
}

static void test_parents(void)
{
	cleanup_listing struct listing none = {0}, missing = {0}, file = {0}, twice = {0};
	cleanup_listing struct listing root = {0}, above = {0};
	struct listing_inode *in;

	must_init(&none, "i");
	finish_says(&none, "i: it holds no root directory");
	must_init(&root, "i");
	put_name(&root, "", S_IFREG);
	finish_says(&root, "i: its root is no directory");
	must_init(&missing, "i");
	put_name(&missing, "", S_IFDIR);
	put_name(&missing, "a/b", S_IFREG);
	finish_says(&missing, "i: it holds /a/b and not the directory that it is in");
	must_init(&file, "i");
	put_name(&file, "", S_IFDIR);
	put_name(&file, "a", S_IFLNK);
	put_name(&file, "a/b", S_IFREG);
	finish_says(&file, "i: it holds /a/b below something that is no directory");
	must_init(&twice, "i");
	put_name(&twice, "", S_IFDIR);
	in = put_name(&twice, "a", S_IFDIR);
	put_hardlink(&twice, "b", in);
	finish_says(&twice, "i: the directory /a has two names");
	must_init(&above, "i");
	in = put_name(&above, "", S_IFDIR);
	put_hardlink(&above, "b", in);
	finish_says(&above, "i: the directory /b has two names");
}

/* In the order that they are to come in. '!' and '.' are before '/', '0' behind it. */
static const char *const sorted[] = {"", "a", "a/b", "a/b/c", "a/b!", "a/b0", "a!",
	"a!/b", "a.", "a.b", "a0", "a0/b", "aa", "b", "b\x01", "b\x01/x"};
#define SORTED (sizeof(sorted) / sizeof(*sorted))

static void test_sorting(void)
{
	cleanup_listing struct listing l = {0};
	int bad = 0;

	must_init(&l, "i");
	for (size_t i = SORTED; i-- > 0;)
		put_name(&l, sorted[i], S_IFDIR);
	for (size_t i = 0; i < SORTED; i++)
		bad += !listing_find(&l, sorted[i]) ||
		       strcmp(listing_find(&l, sorted[i])->path, sorted[i]) != 0;
	is_int(bad, 0, "all are found before they are sorted");
	ok(!listing_find(&l, "c"), "and others are not");
	must_finish(&l);
	is_int(l.count, SORTED, "none is lost");
	for (size_t i = 0; i < l.count; i++) {
		bad += strcmp(l.entries[i].path, sorted[i]) != 0;
		bad += l.entries[i].inode->first != l.entries[i].path;
		bad += listing_find(&l, sorted[i]) != &l.entries[i];
	}
	is_int(bad, 0, "sorted, first names set, and found afterwards");
	ok(!listing_find(&l, "c") && !listing_find(&l, "a/"), "and others are not");
}

static void test_order(void)
{
	int bad = 0;

	for (size_t i = 0; i < SORTED; i++)
		for (size_t k = 0; k < SORTED; k++) {
			int order = listing_compare_paths(sorted[i], sorted[k]);

			bad += (order < 0) != (i < k) || (order > 0) != (i > k);
		}
	is_int(bad, 0, "each path against each");
	ok(listing_compare_paths("a\xff", "a\x7f") > 0, "bytes are not signed");
	ok(listing_compare_paths("a/\xff", "a\x01") < 0, "below comes before beside");
}

/* The order in which an inode's names come does not choose the first one. */
static void test_first(void)
{
	cleanup_listing struct listing l = {0};
	struct listing_inode *in;

	must_init(&l, "i");
	put_name(&l, "", S_IFDIR);
	in = put_name(&l, "z", S_IFREG);
	put_hardlink(&l, "m", in);
	put_hardlink(&l, "n", in);
	must_finish(&l);
	is_str(in->first, "m", "the first name of three");
	is_int(in->names, 3, "of three");
}

static void test_xattrs(void)
{
	static const char *const names[] = {
		"user.m", "user.a", "user.z", "user.b", "security.x", "user.", "user.mm"};
	static const char *const want[] = {
		"security.x", "user.", "user.a", "user.b", "user.m", "user.mm", "user.z"};
	cleanup_listing struct listing l = {0};
	struct listing_inode *in, *other;
	char value[] = "v0", name[300];
	int bad = 0;

	must_init(&l, "i");
	in = put_name(&l, "", S_IFDIR);
	other = put_name(&l, "o", S_IFREG);
	for (size_t i = 0; i < 7; i++) {
		snprintf(value, sizeof(value), "v%zu", i);
		put_attribute(&l, in, names[i], value, 2);
		put_attribute(&l, other, names[i], value, 2);
	}
	for (size_t i = 0; i < 7; i++)
		bad += strcmp(in->xattrs[i].name, want[i]) != 0;
	is_int(bad, 0, "attributes are sorted");
	for (size_t i = 0; i < 7; i++) {
		const struct listing_xattr *x = listing_xattr(in, names[i]);

		bad += !x || x->len != 2 || ((const char *)x->value)[1] != "0123456"[i];
	}
	is_int(bad, 0, "each with its own value, which was copied");
	ok(!listing_xattr(in, "user.q"), "no such attribute");
	is_int(listing_add_xattr(&l, in, "user.b", "", 0, &e), -1, "a name twice");
	is_str(e.msg, "i: it gives the attribute user.b twice", "is told");
	is_int(listing_add_xattr(&l, in, "", "", 0, &e), -1, "no name");
	memset(name, 'x', sizeof(name));
	name[255] = 0;
	is_int(listing_add_xattr(&l, in, name, "", 0, &e), 0, "a name of 255 bytes");
	name[255] = 'x';
	name[256] = 0;
	is_int(listing_add_xattr(&l, in, name, "", 0, &e), -1, "none of 256");
}

static void test_xattr_limits(void)
{
	static char big[LISTING_VALUE_MAX + 1];
	cleanup_listing struct listing l = {0};
	struct listing_inode *in;
	char name[32];
	int bad = 0;

	must_init(&l, "i");
	in = put_name(&l, "", S_IFDIR);
	is_int(listing_add_xattr(&l, in, "user.big", big, sizeof(big) - 1, &e), 0,
		"a value of 65536 bytes");
	is_int(listing_add_xattr(&l, in, "user.more", big, sizeof(big), &e), -1,
		"none of more");
	is_int(e.code, ERR_INPUT, "the input's fault");
	for (int i = LISTING_XATTRS_MAX - 1; i > 0; i--) {
		snprintf(name, sizeof(name), "user.%04d", i);
		bad += listing_add_xattr(&l, in, name, name, strlen(name), &e) != 0;
	}
	is_int(bad, 0, "1024 attributes");
	is_int(listing_add_xattr(&l, in, "user.one", "", 0, &e), -1, "not one more");
	for (size_t i = 1; i < in->xattr_count; i++)
		bad += strcmp(in->xattrs[i - 1].name, in->xattrs[i].name) >= 0;
	is_int(bad, 0, "sorted");
}

static void test_targets(void)
{
	static char big[LISTING_TARGET_MAX + 1];
	cleanup_listing struct listing l = {0};
	struct listing_inode *in;

	must_init(&l, "i");
	in = put_name(&l, "", S_IFLNK);
	memset(big, 'x', sizeof(big));
	is_int(listing_set_target(&l, in, big, LISTING_TARGET_MAX, &e), 0,
		"a target of 4095 bytes");
	is_int(in->size, LISTING_TARGET_MAX, "is the size");
	is_int(strlen(in->target), LISTING_TARGET_MAX, "and ended");
	is_int(listing_set_target(&l, in, big, sizeof(big), &e), -1, "none of 4096");
	is_int(listing_set_target(&l, in, "a\0b", 3, &e), -1, "none with a NUL");
}

static void test_labels(void)
{
	cleanup_listing struct listing l = {0};
	struct listing_inode *in[4];
	static const char *const values[] = {"a:b", "a:b\0", "\0", ""};
	static const size_t lengths[] = {3, 4, 1, 0}, want[] = {3, 3, 0, 0};
	size_t len;

	must_init(&l, "i");
	for (int i = 0; i < 4; i++) {
		char name[2] = {(char)('a' + i)};

		in[i] = put_name(&l, name, S_IFREG);
		put_attribute(&l, in[i], "security.selinux", values[i], lengths[i]);
		len = 77;
		ok(listing_label(in[i], &len) && len == want[i], "label %d", i);
	}
	in[0] = put_name(&l, "none", S_IFREG);
	ok(!listing_label(in[0], &len), "no label");
}

static void test_expected(void)
{
	cleanup_listing struct listing want = {0}, l = {0};
	struct listing_inode in = {.mode = S_IFREG | 0644, .size = 3};

	must_init(&want, "tree");
	must_init(&l, "image");
	ok(listing_wants_content(&l, "any", &in), "without a tree all is digested");
	put_name(&want, "", S_IFDIR);
	put_content(&want, "f", "abc");
	put_target(&want, "l", "abc");
	must_finish(&want);
	l.expected = &want;
	ok(listing_wants_content(&l, "f", &in), "a file of the same size");
	ok(listing_wants_content(&l, "g", &in),
		"one at another path, which may be a link");
	ok(!listing_wants_content(&l, "h", &in), "not more of them than the tree holds");
	ok(!listing_wants_content(&l, "l", &in), "nor one that should be a link");
	in.size = 4;
	ok(!listing_wants_content(&l, "f", &in), "nor one of another size");
	in = (struct listing_inode){.mode = S_IFLNK, .size = 3};
	ok(!listing_wants_content(&l, "f", &in), "nor what is no file");
	l.expected = NULL;
	ok(!listing_wants_content(&l, "f", &in), "which is never digested");
}

static void count_name(void *arg)
{
	++*(int *)arg;
}

/* Enough for the tables and the memory to grow several times. */
static void test_many(void)
{
	enum {
		MANY = 30000
	};
	cleanup_listing struct listing l = {0};
	struct listing_inode *in;
	char name[32];
	int bad = 0, told = 0;

	must_init(&l, "i");
	l.on_name = count_name;
	l.on_name_arg = &told;
	put_name(&l, "", S_IFDIR);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		bad += listing_add(&l, name, (uint64_t)(i / 2 + 1) << 40, &in, &e) !=
		       i % 2;
		in->mode = S_IFREG;
		in->size = (uint64_t)(i / 2);
	}
	is_int(bad, 0, "every second name is another one of its inode");
	is_int(told, MANY + 1, "each name is told");
	must_finish(&l);
	for (int i = 0; i < MANY; i++) {
		const struct listing_entry *at;

		snprintf(name, sizeof(name), "%d", i);
		at = listing_find(&l, name);
		bad += !at || at->inode->size != (uint64_t)(i / 2);
	}
	is_int(bad, 0, "and all are found");
}

int main(void)
{
	test_names();
	test_doubles();
	test_parents();
	test_sorting();
	test_order();
	test_first();
	test_xattrs();
	test_xattr_limits();
	test_targets();
	test_labels();
	test_expected();
	test_many();
	return done_testing();
}
