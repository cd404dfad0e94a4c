/* SPDX-License-Identifier: MIT */
/*
 * EROFS images of mkfs.erofs, listed and compared with the tree that they were made of,
 * and images of newer versions that are kept beside the tests.
 */
#include <ftw.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/unit/erofs_util.h"

#define STAMP 1234567890
#define SEEDS "tests/fuzz/corpus/erofs/"

/* What an image has otherwise than the tree. */
struct otherwise {
	const char *flags[6];
	bool owner, time, no_xattrs;
};

static const struct otherwise images[] = {
	{{NULL}, false, false, false},
	{{"-x", "1", NULL}, false, false, false},
	{{"-x-1", NULL}, false, false, true},
	{{"-T1234567890", "-Uc1b9d5a2-f162-11cf-9ece-0020afc76f16", NULL}, false, true,
		false},
	{{"--force-uid=70000", "--force-gid=5", NULL}, true, false, false},
	{{"-Eforce-inode-compact", "-T1234567890", NULL}, false, true, false},
	{{"-Eforce-inode-extended,nosbcrc", NULL}, false, false, false},
	{{"-Enoinline_data", NULL}, false, false, false},
	{{"--chunksize=4096", NULL}, false, false, false},
	{{"--chunksize=65536", "-Eforce-chunk-indexes", NULL}, false, false, false},
	{{"-zlz4", NULL}, false, false, false},
	{{"-zlz4hc,12", NULL}, false, false, false},
	{{"-zlz4hc", "-Elegacy-compress", NULL}, false, false, false},
	{{"-zlz4hc", "-C65536", NULL}, false, false, false},
	{{"-zlz4hc", "-C8192", NULL}, false, false, false},
	{{"-zlz4", "-C16384", "-Elegacy-compress", NULL}, false, false, false},
	{{"-zlz4", "-Eztailpacking", NULL}, false, false, false},
	{{"-zlz4hc", "-C65536", "-Eztailpacking", "--max-extent-bytes=65536", NULL},
		false, false, false},
};

static void put_contents(const char *dir)
{
	static const size_t sizes[] = {
		0, 1, 100, 4095, 4096, 4097, 12289, 65536, 1 << 20};
	char path[256];
	int fd;

	put_dir(dir);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(path, sizeof(path), "%s/words-%zu", dir, sizes[i]);
		put_filled(path, sizes[i], true);
		if (sizes[i] > 100000)
			continue;
		snprintf(path, sizeof(path), "%s/noise-%zu", dir, sizes[i]);
		put_filled(path, sizes[i], false);
	}
	/* Half and half, holes, and nothing but zeros. */
	snprintf(path, sizeof(path), "%s/mixed", dir);
	put_filled(path, 150000, true);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (off_t at = 20000; at < 150000; at += 50000) {
		unsigned char noise[9000];

		fill(noise, sizeof(noise), false, (uint64_t)at);
		if (pwrite(fd, noise, sizeof(noise), at) != sizeof(noise))
			err(1, "%s", path);
	}
	close(fd);
	snprintf(path, sizeof(path), "%s/sparse", dir);
	put_text(path, "start");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (pwrite(fd, "x", 1, 200000) != 1 || ftruncate(fd, 210001) < 0)
		err(1, "%s", path);
	close(fd);
	snprintf(path, sizeof(path), "%s/zeros", dir);
	put_text(path, "");
	if (truncate(path, 30000) < 0)
		err(1, "%s", path);
}

/* Version 2; user::rw, user:1000:r, group::r, mask::r, other::none */
static const unsigned char acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4,
	0, 0xe8, 3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 0x10, 0, 4, 0, 255, 255, 255,
	255, 0x20, 0, 0, 0, 255, 255, 255, 255};

static void put_xattrs(const char *dir)
{
	char value[2500], path[64];

	memset(value, 'v', sizeof(value));
	put_dir(dir);
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "%s/%d", dir, i);
		put_text(path, "content");
		if (setxattr(path, "user.shared", "by all of them", 14, 0) < 0 ||
			setxattr(path, "user.own", path, strlen(path), 0) < 0)
			err(1, "%s", path);
	}
	if (setxattr(path, "user.empty", "", 0, 0) < 0 ||
		setxattr(path, "user.large", value, sizeof(value), 0) < 0 ||
		setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0) < 0 ||
		setxattr(dir, "system.posix_acl_default", acl, sizeof(acl), 0) < 0 ||
		setxattr(dir, "user.shared", "by all of them", 14, 0) < 0)
		err(1, "%s", path);
}

static void put_names(const char *dir)
{
	char path[4096];
	size_t len = strlen(dir);

	put_dir(dir);
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "%s/entry-%d-%.*s", dir, i, i % 40,
			"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
		put_text(path, i % 7 ? "" : "x");
	}
	snprintf(path, sizeof(path), "%s/", dir);
	/* mkfs.erofs 1.5 does not find its file again where a name has all 255 bytes. */
	memset(path + len + 1, 'n', 254);
	path[len + 255] = 0;
	put_dir(path);
	for (int i = 0; i < 9; i++) {
		strcat(path, "/deeper");
		put_dir(path);
	}
}

static void put_others(const char *dir)
{
	static const struct timespec times[2] = {{5, 5}, {987654321, 123456789}};
	char path[256], target[4001];

	put_dir(dir);
	for (size_t i = 1; i <= sizeof(target) - 1; i = i * 3 + 1) {
		memset(target, 't', i);
		target[i] = 0;
		snprintf(path, sizeof(path), "%s/link-%zu", dir, i);
		put_link(target, path);
	}
	snprintf(path, sizeof(path), "%s/fifo", dir);
	if (mkfifo(path, 0600) < 0 || chmod(path, 0604) < 0)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "%s/one", dir);
	put_text(path, "linked");
	snprintf(target, sizeof(target), "%s/two", dir);
	if (link(path, target) < 0 || link(path, "tree/three") < 0)
		err(1, "%s", target);
	if (chmod(path, 06751) < 0 || utimensat(AT_FDCWD, path, times, 0) < 0 ||
		chmod(dir, 01777) < 0 || utimensat(AT_FDCWD, dir, times, 0) < 0)
		err(1, "%s", path);
}

static void make_tree(void)
{
	put_dir("tree");
	put_contents("tree/contents");
	put_xattrs("tree/xattrs");
	put_names("tree/names");
	put_others("tree/others");
	put_dir("tree/empty");
}

static bool list_file(struct listing *l, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err e;
	int rc;

	if (fd < 0)
		err(1, "%s", path);
	rc = list(l, fd, NULL, &e);
	close(fd);
	if (rc < 0)
		printf("# %s\n", e.msg);
	return rc == 0;
}

/* The tree against a listing: what nftw() visits, and what it cannot be given. */
static struct {
	const char *tree;
	const struct listing *l;
	const struct otherwise *o;
	size_t visited, content, xattrs;
	int bad;
} now;

static void differs(const char *path, const char *what)
{
	if (now.bad++ < 10)
		printf("# %s: %s\n", path, what);
}

/* What a file of the tree holds; read once, by when nftw() comes to it. */
struct content {
	bool known;
	size_t len;
	uint8_t sum[32];
	uint64_t blocks;
};

static const struct content *content_of(const char *path)
{
	static struct content all[1024];
	static const char zeros[4096];
	struct content *c = &all[now.visited % 1024];
	struct sha256_ctx sha;
	char *data;

	if (c->known)
		return c;
	data = get_file(path, &c->len);
	sha256_init(&sha);
	sha256_update(&sha, c->len, (uint8_t *)data);
	sha256_digest(&sha, sizeof(c->sum), c->sum);
	for (size_t at = 0; at < c->len; at += 4096) {
		size_t size = c->len - at < 4096 ? c->len - at : 4096;

		c->blocks += memcmp(data + at, zeros, size) != 0;
	}
	free(data);
	c->known = true;
	return c;
}

static void compare_content(const char *path, const struct listing_inode *in)
{
	const struct content *c = content_of(path);

	if (!in->digested || in->size != c->len || memcmp(c->sum, in->sha256, 32) != 0)
		differs(path, "content");
	if (in->data_blocks != c->blocks)
		differs(path, "blocks with data");
	now.content++;
}

static void compare_xattrs(const char *path, const struct listing_inode *in)
{
	char names[4096], value[8192];
	ssize_t len = llistxattr(path, names, sizeof(names));
	size_t count = 0;

	if (len < 0)
		err(1, "%s", path);
	if (now.o->no_xattrs)
		len = 0;
	for (const char *n = names; n < names + len; n += strlen(n) + 1) {
		const struct listing_xattr *x = listing_xattr(in, n);
		ssize_t size = lgetxattr(path, n, value, sizeof(value));

		if (size < 0)
			err(1, "%s", path);
		if (!x || x->len != (size_t)size || memcmp(x->value, value, x->len) != 0)
			differs(path, n);
		count++;
	}
	if (in->xattr_count != count)
		differs(path, "number of attributes");
	now.xattrs += count;
}

static void compare_stat(
	const char *path, const struct listing_inode *in, const struct stat *st)
{
	bool dev = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);

	if (in->mode != st->st_mode)
		differs(path, "mode");
	if (in->uid != (now.o->owner ? 70000 : st->st_uid) ||
		in->gid != (now.o->owner ? 5 : st->st_gid))
		differs(path, "owner");
	if (in->mtime != (now.o->time ? STAMP : st->st_mtim.tv_sec) ||
		in->mtime_ns != (now.o->time ? 0 : st->st_mtim.tv_nsec) ||
		in->whole_seconds)
		differs(path, "time");
	if (in->major != (dev ? major(st->st_rdev) : 0) ||
		in->minor != (dev ? minor(st->st_rdev) : 0))
		differs(path, "device number");
	if (!S_ISDIR(st->st_mode) && in->names != st->st_nlink)
		differs(path, "number of names");
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	size_t skip = strlen(now.tree);
	const char *below = path[skip] ? path + skip + 1 : "";
	const struct listing_entry *at = listing_find(now.l, below);
	char target[4097];
	ssize_t len;

	(void)type;
	(void)ftw;
	now.visited++;
	if (!at) {
		differs(path, "missing");
		return 0;
	}
	compare_stat(path, at->inode, st);
	compare_xattrs(path, at->inode);
	if (S_ISREG(st->st_mode)) {
		compare_content(path, at->inode);
	} else if (S_ISLNK(st->st_mode)) {
		len = readlink(path, target, sizeof(target));
		if (!at->inode->target || (size_t)len != at->inode->size ||
			strncmp(target, at->inode->target, (size_t)len) != 0 ||
			strlen(at->inode->target) != (size_t)len)
			differs(path, "target");
	} else if (at->inode->size || at->inode->target || at->inode->digested) {
		differs(path, "content of what has none");
	}
	return 0;
}

/* True where image and tree are the same but for what the options make otherwise. */
static bool same(const char *tree, const struct listing *l, const struct otherwise *o)
{
	memset(&now, 0, sizeof(now));
	now.tree = tree;
	now.l = l;
	now.o = o;
	if (nftw(tree, visit, 64, FTW_PHYS) < 0)
		err(1, "%s", tree);
	if (now.visited != l->count)
		differs(tree, "number of names");
	return now.bad == 0;
}

static void test_images(void)
{
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		const struct otherwise *o = &images[i];
		cleanup_listing struct listing l;
		char said[256] = "";

		for (int k = 0; o->flags[k]; k++) {
			strcat(said, " ");
			strcat(said, o->flags[k]);
		}
		make_image(o->flags, "tree", "made");
		ok(list_file(&l, "made"), "mkfs.erofs%s: listed", said);
		ok(same("tree", &l, o), "mkfs.erofs%s: as the tree", said);
		ok(now.content > 300 && (now.xattrs > 15 || o->no_xattrs),
			"with content and attributes");
	}
}

/*
 * Images that mkfs.erofs 1.8 made and 1.5 cannot. They hold bytes of fill(): those named
 * in test_seeds(), a link, and where there are seven names a file that starts as another
 * one does.
 */
static const struct {
	const char *file, *says;
	size_t names;
} seeds[] = {
	{"fragments", NULL, 6},
	{"all-fragments", NULL, 6},
	{"mixed", NULL, 6},
	{"dedupe", NULL, 7},
	{"small-blocks", NULL, 6},
	{"name-prefixes", NULL, 6},
	{"lzma",
		"image: /again: it is compressed with LZMA: livery cannot read this "
		"image",
		0},
	{"deflate",
		"image: /again: it is compressed with DEFLATE: livery cannot read "
		"this image",
		0},
};
#define SEEDS_COUNT (sizeof(seeds) / sizeof(seeds[0]))

static bool digest_is(
	const struct listing *l, const char *path, const void *content, size_t len)
{
	const struct listing_entry *at = listing_find(l, path);
	struct sha256_ctx sha;
	uint8_t sum[32];

	sha256_init(&sha);
	sha256_update(&sha, len, content);
	sha256_digest(&sha, sizeof(sum), sum);
	return at && at->inode->size == len && at->inode->digested &&
	       memcmp(sum, at->inode->sha256, sizeof(sum)) == 0;
}

static bool has_seed_content(const struct listing *l)
{
	static unsigned char words[30000], small[1000], noise[5000], part[14000];

	fill(words, sizeof(words), true, sizeof(words));
	fill(small, sizeof(small), true, sizeof(small));
	fill(noise, sizeof(noise), false, sizeof(noise));
	memcpy(part, words, 9000);
	memcpy(part + 9000, noise, 5000);
	return digest_is(l, "words", words, sizeof(words)) &&
	       digest_is(l, "again", words, sizeof(words)) &&
	       digest_is(l, "small", small, sizeof(small)) &&
	       digest_is(l, "noise", noise, sizeof(noise)) &&
	       (l->count == 6 || digest_is(l, "part", part, sizeof(part)));
}

static void test_seeds(const int fds[SEEDS_COUNT])
{
	for (size_t i = 0; i < SEEDS_COUNT; i++) {
		cleanup_listing struct listing l;
		const struct listing_entry *at;
		const struct listing_xattr *x;
		struct err e;
		int rc = list(&l, fds[i], NULL, &e);

		if (seeds[i].says) {
			is_int(rc, -1, "%s: refused", seeds[i].file);
			is_str(e.msg, seeds[i].says, "and says why");
			continue;
		}
		is_str(e.msg, "", "%s: listed", seeds[i].file);
		is_int(l.count, seeds[i].names, "all names");
		ok(has_seed_content(&l), "with their content");
		at = listing_find(&l, "small");
		x = at ? listing_xattr(at->inode, "user.prefix.name") : NULL;
		ok(x && x->len == 5 && memcmp(x->value, "value", 5) == 0,
			"and an attribute");
	}
}

int main(void)
{
	int fds[SEEDS_COUNT];

	for (size_t i = 0; i < SEEDS_COUNT; i++) {
		char path[128];

		snprintf(path, sizeof(path), SEEDS "%s", seeds[i].file);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			err(1, "%s", path);
	}
	scratch_make();
	make_tree();
	test_images();
	test_seeds(fds);
	for (size_t i = 0; i < SEEDS_COUNT; i++)
		close(fds[i]);
	return done_testing();
}
