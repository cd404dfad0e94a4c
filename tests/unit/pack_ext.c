/* SPDX-License-Identifier: MIT */
/* ext_finish(): an image of mke2fs becomes what a listing says, byte for byte again. */
#include "pack/ext.h"

#include "tests/unit/image_ext_util.h"

#define NOW  1500000000
#define LIST ((int64_t)1 << 33) /* a time that 32 bits do not hold */

static const char label[] = "system_u:object_r:etc_t:s0";
static const char acl[] = "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\4\0\350\3\0\0"
			  "\4\0\4\0\377\377\377\377\20\0\4\0\377\377\377\377"
			  "\40\0\0\0\377\377\377\377";

static void add_xattr(struct listing *l, struct listing_inode *in, const char *name,
	const void *value, size_t len)
{
	struct err e;

	if (listing_add_xattr(l, in, name, value, len, &e) < 0)
		errx(1, "%s", e.msg);
}

static struct listing_inode *put(struct listing *l, const struct listing *have,
	const char *path, uint64_t id, uint32_t mode)
{
	const struct listing_entry *from = listing_find(have, path);
	struct listing_inode *in;
	struct err e;
	int rc = listing_add(l, path, id, &in, &e);

	if (rc < 0 || !from)
		errx(1, "%s: %s", path, rc < 0 ? e.msg : "not there");
	if (rc == 1)
		return in;
	in->mode = mode;
	in->uid = 100000 + (uint32_t)l->count;
	in->gid = 7;
	in->mtime = (int64_t)l->count * 1000;
	in->mtime_ns = 999999999;
	in->size = S_ISREG(mode) ? from->inode->size : 0;
	if (S_ISREG(mode)) {
		in->digested = true;
		in->data_blocks = from->inode->data_blocks;
		memcpy(in->sha256, from->inode->sha256, 32);
	}
	if (from->inode->target && listing_set_target(l, in, from->inode->target,
					   strlen(from->inode->target), &e) < 0)
		errx(1, "%s", e.msg);
	return in;
}

/* What put_tree() becomes. have: what is in the image, for sizes and digests. */
static void wanted(struct listing *l, const struct listing *have, bool large)
{
	struct listing_inode *in;
	struct err e;

	if (listing_init(l, "wanted", &e) < 0)
		errx(1, "%s", e.msg);
	in = put(l, have, "", 0, S_IFDIR | 0750);
	add_xattr(l, in, "security.selinux", label, sizeof(label));
	add_xattr(l, in, "system.posix_acl_default", acl, sizeof(acl) - 1);
	put(l, have, "dir", 0, S_IFDIR | 01777)->mtime = large ? LIST : INT32_MAX;
	in = put(l, have, "dir/file", 5, S_IFREG | 04755);
	put(l, have, "hard", 5, 0);
	add_xattr(l, in, "system.posix_acl_access", acl, sizeof(acl) - 1);
	add_xattr(l, in, "security.selinux", label, sizeof(label));
	add_xattr(l, in, "user.empty", "", 0);
	put(l, have, "empty", 0, S_IFREG | 0600)->mtime = INT32_MIN;
	in = put(l, have, "null", 0, S_IFCHR | 0666);
	in->major = 1;
	in->minor = 3;
	add_xattr(l, in, "security.selinux", label, sizeof(label));
	in = put(l, have, "disk", 0, S_IFBLK | 0660);
	in->major = 259;
	in->minor = 0x12345;
	in = put(l, have, "big", 0, S_IFREG | 0644);
	add_xattr(l, in, "user.long", acl, sizeof(acl));
	add_xattr(l, in, "trusted.long", label, sizeof(label));
	in = put(l, have, "hundred", 0, S_IFREG | 0644);
	add_xattr(l, in, "security.selinux", label, sizeof(label));
	put(l, have, "sparse", 0, S_IFREG | 0444);
	put(l, have, "link", 6, S_IFLNK | 0777);
	put(l, have, "zlink", 6, 0);
	in = put(l, have, "dir/longlink", 7, S_IFLNK | 0777);
	put(l, have, "longlink", 7, 0);
	add_xattr(l, in, "security.selinux", label, sizeof(label));
	put(l, have, "fifo", 0, S_IFIFO | 0600);
	put(l, have, "many", 0, S_IFDIR | 0700);
	for (size_t i = 0; i < have->count; i++)
		if (strncmp(have->entries[i].path, "dir/t", 5) == 0)
			put(l, have, have->entries[i].path, 7, 0);
		else if (strncmp(have->entries[i].path, "many/", 5) == 0)
			put(l, have, have->entries[i].path, 0,
				i % 2 ? S_IFREG | 0644 : S_IFSOCK | 0644);
	if (listing_finish(l, &e) < 0)
		errx(1, "%s", e.msg);
}

static bool same_bytes(const char *a, const char *b)
{
	size_t na, nb;
	char *x = get_file(a, &na), *y = get_file(b, &nb);
	bool same = na == nb && memcmp(x, y, na) == 0;

	free(x);
	free(y);
	return same;
}

/* How often a long link's target is in the file: the names that mke2fs copied are gone.
 */
static int copies(const char *image)
{
	char target[150];
	size_t len;
	char *data = get_file(image, &len), *at = data;
	int n = 0;

	memset(target, 't', sizeof(target));
	while ((at = memmem(at, len - (size_t)(at - data), target, sizeof(target)))) {
		at += sizeof(target);
		n++;
	}
	free(data);
	return n;
}

/* Times as this image keeps them. */
static void cut_fractions(struct listing *l, const struct listing *have)
{
	for (size_t i = 0; i < l->count; i++)
		if (have->entries[0].inode->whole_seconds)
			l->entries[i].inode->mtime_ns = 0;
}

static bool holds(const char *image, const struct listing *want)
{
	cleanup_listing struct listing l;
	struct err e = {0};
	char *got, *expected;
	bool same;

	if (list(&l, image, &e) < 0) {
		printf("# %s\n", e.msg);
		return false;
	}
	got = text_of(&l);
	expected = text_of(want);
	same = strcmp(got, expected) == 0;
	if (!same)
		printf("# got:\n%s# wanted:\n%s", got, expected);
	free(got);
	free(expected);
	return same;
}

static void make(const char *image, const char *options, long clock)
{
	if (tool("rm -f %s; E2FSPROGS_FAKE_TIME=%ld mke2fs -q -F " UUID
		 " %s -d tree %s 8M",
		    image, clock, options, image) != 0)
		errx(1, "mke2fs %s", options);
}

static void test_kind(const char *options, bool large)
{
	cleanup_listing struct listing have, want;
	struct err e = {0};

	make("a", options, 1111111111);
	if (list(&have, "a", &e) < 0)
		errx(1, "%s", e.msg);
	wanted(&want, &have, large);
	ok(ext_finish("a", &want, NOW, &e) == 0, "%s: finished: %s", options, e.msg);
	is_int(tool("e2fsck -fn a"), 0, "%s: e2fsck finds nothing", options);
	cut_fractions(&want, &have);
	ok(holds("a", &want), "%s: it holds the listing", options);

	is_int(copies("a"), 1, "%s: nothing is left of what was freed", options);

	tool("cp a b");
	ok(ext_finish("b", &want, NOW, &e) == 0 && same_bytes("a", "b"),
		"%s: the same again", options);
	tool("touch -d @1234567890.5 tree/dir tree/big tree/hard; chmod 600 tree/big");
	make("b", options, 1222222222);
	tool("chmod 644 tree/big");
	ok(!same_bytes("a", "b"), "%s: made at another time, it differs", options);
	ok(ext_finish("b", &want, NOW, &e) == 0 && same_bytes("a", "b"),
		"%s: until it is finished", options);
	ok(ext_finish("b", &want, 0, &e) == 0 && !same_bytes("a", "b") &&
			ext_finish("b", &want, NOW, &e) == 0 && same_bytes("a", "b"),
		"%s: and the time 0 is a time too", options);
}

/* One change to a sound listing, and what is said to that. */
static void refuse(void (*change)(struct listing *want), enum err_code code,
	const char *message, const char *options)
{
	cleanup_listing struct listing have, want;
	struct err e = {0};

	make("a", options, 1111111111);
	if (list(&have, "a", &e) < 0)
		errx(1, "%s", e.msg);
	wanted(&want, &have, false);
	change(&want);
	is_int(ext_finish("a", &want, NOW, &e), -1, "refused: %s", message);
	ok(e.code == code && strstr(e.msg, message) && strncmp(e.msg, "a: ", 3) == 0,
		"with a message: %s", e.msg);
}

static struct listing_inode *at(struct listing *l, const char *path)
{
	return listing_find(l, path)->inode;
}

static void late(struct listing *l)
{
	at(l, "big")->mtime = (int64_t)1 << 31;
}

static void later(struct listing *l)
{
	at(l, "big")->mtime = ((int64_t)3 << 32) + ((int64_t)1 << 31);
}

static void early(struct listing *l)
{
	at(l, "big")->mtime = (int64_t)INT32_MIN - 1;
}

static void large_xattr(struct listing *l)
{
	char value[5000] = "x";

	add_xattr(l, at(l, "big"), "user.large", value, sizeof(value));
}

static void odd_xattr(struct listing *l)
{
	add_xattr(l, at(l, "big"), "livery.odd", "", 0);
}

static void grown(struct listing *l)
{
	at(l, "big")->size++;
}

static void retyped(struct listing *l)
{
	at(l, "big")->mode = S_IFCHR;
}

static void retargeted(struct listing *l)
{
	at(l, "link")->target = "elsewhere";
}

static void big_device(struct listing *l)
{
	at(l, "null")->major = 4096;
}

static void more(struct listing *l)
{
	struct listing_inode *in;
	struct err e;

	listing_add(l, "more", 0, &in, &e);
	in->mode = S_IFREG;
	in->first = "more";
}

static void split(struct listing *l)
{
	struct listing_entry *e = &l->entries[listing_find(l, "hard") - l->entries];
	static struct listing_inode other;

	other = *e->inode;
	other.first = "hard";
	e->inode = &other;
}

static void joined(struct listing *l)
{
	struct listing_entry *e = &l->entries[listing_find(l, "empty") - l->entries];

	e->inode = at(l, "dir/file");
	e->inode->size = 0;
}

static void test_refused(void)
{
	static const char e2[] = "-t ext2 -I 128", e4[] = "-t ext4";

	refuse(late, ERR_REFUSED, "/big: this filesystem cannot keep its time", e2);
	refuse(later, ERR_REFUSED, "/big: this filesystem cannot keep its time", e4);
	refuse(early, ERR_REFUSED, "/big: this filesystem cannot keep its time", e4);
	refuse(large_xattr, ERR_REFUSED,
		"/big: this filesystem has no room for its "
		"attribute user.large of 5000 bytes",
		e4);
	refuse(odd_xattr, ERR_REFUSED, "cannot keep the attribute livery.odd", e4);
	refuse(big_device, ERR_REFUSED, "/null: this filesystem cannot keep the device",
		e4);
	refuse(grown, ERR_INPUT, "/big has another size", e2);
	refuse(retyped, ERR_INPUT, "/big is of another type", e2);
	refuse(retargeted, ERR_INPUT, "/link has another target", e2);
	refuse(more, ERR_INPUT, "/more is not in the image", e2);
	refuse(split, ERR_INPUT, "are two files in the tree and one in the image", e2);
	refuse(joined, ERR_INPUT, "", e2);
	put_text("tree/surplus", "");
	tool("mke2fs -q -F -t ext2 -d tree surplus 8M");
	unlink("tree/surplus");
}

static void nothing(struct listing *l)
{
	(void)l;
}

/* Attributes beside a target that is kept in the inode: in a block, which e2fsck knows.
 */
static void large_on_link(struct listing *l)
{
	char value[3000] = "x";

	at(l, "link")->xattrs = NULL;
	at(l, "link")->xattr_count = 0;
	add_xattr(l, at(l, "link"), "security.large", value, sizeof(value));
}

static void larger_on_link(struct listing *l)
{
	char value[5000] = "x";

	add_xattr(l, at(l, "link"), "security.large", value, sizeof(value));
}

static void test_links(void)
{
	cleanup_listing struct listing have, want;
	struct err e = {0};

	make("a", "-t ext4 -b 4096", 1111111111);
	if (list(&have, "a", &e) < 0)
		errx(1, "%s", e.msg);
	wanted(&want, &have, false);
	large_on_link(&want);
	is_int(ext_finish("a", &want, NOW, &e), 0, "a large attribute of a short link");
	is_int(tool("e2fsck -fn a"), 0, "e2fsck finds nothing");
	ok(holds("a", &want), "it is there");
	refuse(larger_on_link, ERR_REFUSED, "of so short a link", "-t ext4 -O ea_inode");
	refuse(nothing, ERR_REFUSED, "the feature inline_data", "-t ext4 -O inline_data");
}

static void test_surplus(void)
{
	cleanup_listing struct listing have, want;
	struct err e = {0};

	if (list(&have, "surplus", &e) < 0)
		errx(1, "%s", e.msg);
	wanted(&want, &have, false);
	is_int(ext_finish("surplus", &want, NOW, &e), -1, "refused: a name too many");
	is_str(e.msg,
		"surplus: /surplus is in the image only: the staging tree was changed "
		"while the image was made, or mke2fs did not copy it right",
		"and named");
	make("b", "-t ext4 -O quota", NOW);
	is_int(ext_finish("b", &want, NOW, &e), -1, "refused: quota");
	ok(e.code == ERR_REFUSED && strstr(e.msg, "the feature quota"), "%s", e.msg);
	put_text("b", "nothing");
	is_int(ext_finish("b", &want, NOW, &e), -1, "refused: no filesystem at all");
	is_int(ext_finish("none", &want, NOW, &e), -1, "refused: no file");
	is_int(ext_finish("surplus", &want, -1, &e), -1, "refused: a time before 1970");
}

/* lost+found of the tree's own, and attributes that mke2fs took from the tree. */
static void test_kept(void)
{
	cleanup_listing struct listing want;
	struct err e = {0};

	make("a", "-t ext4 -O ea_inode", NOW);
	if (tool("dd if=/dev/zero of=large bs=1024 count=1 && debugfs -w -R 'ea_set -f "
		 "large /dir/file user.large' a && debugfs -w -R 'ea_set /dir user.x y' "
		 "a") != 0 ||
		list(&want, "a", &e) < 0)
		errx(1, "%s", e.msg);
	ok(listing_find(&want, "lost+found") != NULL, "mke2fs makes lost+found");
	is_int(listing_xattr(at(&want, "hard"), "user.large")->len, 1024,
		"a value in an inode of its own");
	is_int(ext_finish("a", &want, NOW, &e), 0, "finished: %s", e.msg);
	ok(holds("a", &want), "with lost+found, and with the large attribute");
	is_int(tool("e2fsck -fn a"), 0, "e2fsck finds nothing");
	at(&want, "dir/file")->xattr_count = 0;
	is_int(ext_finish("a", &want, NOW, &e), 0, "finished: %s", e.msg);
	ok(holds("a", &want), "and without it");
	is_int(tool("e2fsck -fn a"), 0, "e2fsck finds nothing");
}

int main(void)
{
	scratch_make();
	put_tree("tree");
	test_kind("-t ext2 -b 1024 -I 128", false);
	test_kind("-t ext3 -b 4096 -g 512 -I 256 -O meta_bg,^resize_inode", true);
	test_kind("-t ext4 -b 1024 -g 2048 -O metadata_csum,64bit,orphan_file", true);
	test_kind("-t ext4 -b 4096 -O ^has_journal", true);
	test_kind("-t ext4 -b 1024 -I 128 -O ^metadata_csum,uninit_bg", false);
	test_refused();
	test_links();
	test_surplus();
	test_kept();
	return done_testing();
}
