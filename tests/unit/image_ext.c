/* SPDX-License-Identifier: MIT */
/* list_ext(): what e2fsprogs put into an image is what the listing says. */
#include "image/source.h"

#include <ftw.h>

#include "image/digest.h"
#include "tests/unit/image_ext_util.h"

/*
 * What debugfs sets: a device in the old encoding and one in the new, ids and times of
 * more than 16 and 32 bits, attributes in the inode and in a block.
 */
static const char commands[] = "mknod tty c 4 64\n"
			       "mknod nvme b 1 1\n"
			       "sif nvme block[0] 0\n"
			       "sif nvme block[1] 0x12310345\n"
			       "mknod pipe p\n"
			       "sif dir/file uid 100000\n"
			       "sif dir/file uid_high 1\n"
			       "sif dir/file gid 70000\n"
			       "sif dir/file gid_high 1\n"
			       "sif dir/file mode 0104755\n"
			       "sif dir/file mtime 0x80000000\n"
			       "sif dir/file mtime_extra 0\n"
			       "sif empty mtime 0x80000000\n"
			       "sif empty mtime_extra 0x1d\n"
			       "ea_set dir/file user.one value\n"
			       "ea_set -f ../value dir/file security.large\n"
			       "ea_set -f ../acl dir system.posix_acl_default\n"
			       "ea_set link security.selinux u:r:t\n";

static const char acl[] = "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\4\0\350\3\0\0"
			  "\4\0\4\0\377\377\377\377\20\0\4\0\377\377\377\377"
			  "\40\0\0\0\377\377\377\377";

static void make(const char *image, const char *options)
{
	if (tool("rm -f %s; mke2fs -q -F " UUID " %s -d tree %s 8M && "
		 "cd tree && debugfs -w -f ../commands ../%s",
		    image, options, image, image) != 0)
		errx(1, "mke2fs %s", options);
}

/* The part of an inode's text that begins with `from`. */
static bool has(const struct listing *l, const char *path, const char *part)
{
	const char *text = inode_at(l, path);

	if (strstr(text, part))
		return true;
	printf("# /%s is %s, wanted %s\n", path, text, part);
	return false;
}

static const struct listing *compared;
static int wrong;

/* A file of the tree against the same file of the listing. */
static int compare(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	const struct listing_entry *got =
		listing_find(compared, path + (path[4] ? 5 : 4));
	struct listing_inode want = {0};
	struct digest d;
	size_t len;
	char *data;

	(void)at;
	if (!got || (flag != FTW_SL &&
			    (st->st_mode & S_IFMT) != (got->inode->mode & S_IFMT))) {
		printf("# %s is not there\n", path);
		wrong++;
	} else if (S_ISREG(st->st_mode)) {
		data = get_file(path, &len);
		digest_start(&d);
		digest_add(&d, data, len);
		digest_finish(&d, &want);
		free(data);
		if (got->inode->size != len || !got->inode->digested ||
			got->inode->data_blocks != want.data_blocks ||
			memcmp(got->inode->sha256, want.sha256, 32) != 0) {
			printf("# %s has another content\n", path);
			wrong++;
		}
	}
	return 0;
}

static void test_kind(const char *options, bool large)
{
	cleanup_listing struct listing l;
	struct err e = {0};
	char hex[200];
	cleanup_buf struct buf b = {0};

	make("a", options);
	if (!ok(list(&l, "a", &e) == 0, "%s: read: %s", options, e.msg))
		return;
	compared = &l;
	wrong = 0;
	if (nftw("tree", compare, 8, FTW_PHYS) < 0)
		err(1, "tree");
	is_int(wrong, 0, "%s: all files are there with their content", options);
	ok(has(&l, "tty", "020") && has(&l, "tty", " dev 4,64 "), "%s: old device",
		options);
	ok(has(&l, "nvme", "060") && has(&l, "nvme", " dev 259,74565 "), "%s: new device",
		options);
	ok(has(&l, "pipe", "010") && has(&l, "fifo", "010644"), "%s: fifos", options);
	ok(has(&l, "dir/file", "104755 100000:70000 ") &&
			has(&l, "hard", "104755 100000:70000 "),
		"%s: mode, owner and group, by both names", options);
	ok(has(&l, "dir/file", "time -2147483648.000000000 "), "%s: early", options);
	ok(has(&l, "empty", large ? "time 2147483648.000000007 " : "time -2147483648."),
		"%s: late, with nanoseconds", options);
	is_int(l.entries[0].inode->whole_seconds, !large, "%s: fractions", options);
	ok(has(&l, "link", " -> dir/file") && has(&l, "longlink", "tttttttttttttttttt"),
		"%s: targets", options);
	is_int(strlen(listing_find(&l, "longlink")->inode->target), 150, "all of it");
	add_hex(&b, acl, sizeof(acl) - 1);
	snprintf(hex, sizeof(hex), " system.posix_acl_default=%s", b.data);
	ok(has(&l, "dir", hex), "%s: an ACL as the kernel gives it", options);
	ok(has(&l, "dir/file", " user.one=76616c7565"), "%s: attribute", options);
	is_int(listing_xattr(listing_find(&l, "hard")->inode, "security.large")->len, 700,
		"%s: a large one", options);
	ok(has(&l, "link", " security.selinux=753a723a74"), "%s: a link's label",
		options);
	ok(listing_find(&l, "lost+found") != NULL, "%s: lost+found", options);
	ok(listing_find(&l, "dir/file")->inode == listing_find(&l, "hard")->inode &&
			listing_find(&l, "hard")->inode->names == 2,
		"%s: one file with two names", options);
}

static void refused(const char *what, const char *message)
{
	cleanup_listing struct listing l;
	struct err e = {0};

	is_int(list(&l, "b", &e), -1, "refused: %s", what);
	ok(e.code == ERR_INPUT && strncmp(e.msg, "b: ", 3) == 0 && strstr(e.msg, message),
		"with a message: %s", e.msg);
}

/* debugfs does something wrong to a copy of the sound image a. */
static void damaged(const char *requests, const char *message)
{
	put_text("requests", requests);
	tool("cp a b && debugfs -w -f requests b");
	refused(message, message);
}

static void test_damaged(void)
{
	make("a", "-t ext4 -b 1024 -O metadata_csum,inline_data");
	damaged("ssv feature_incompat 0x82c6", "its journal holds changes");
	damaged("ssv feature_incompat 0x300002", "feature incompat 0x300000");
	damaged("ssv feature_incompat 0x3", "feature compression");
	damaged("ssv state 2", "marked as damaged");
	damaged("ssv state 0", "marked as not cleanly unmounted");
	damaged("ssv last_orphan 12", "unfinished deletions");
	damaged("ssv creator_os 1", "the Hurd");
	damaged("ssv blocks_count 9000", "it is truncated");
	damaged("ssv blocks_per_group 0", "superblock is damaged");
	damaged("ssv inodes_per_group 0", "superblock is damaged");
	damaged("ssv first_data_block 77", "superblock is damaged");
	damaged("sif big links_count 0", "/big");
	damaged("sif big mode 0", "types");
	damaged("sif big mode 040755", "types");
	damaged("sif big flags 0x200000", "an attribute's value, not a file");
	damaged("sif big flags 0x80800", "is encrypted");
	damaged("sif many flags 0x80800", "names are encrypted");
	damaged("sif many flags 0x40080000", "names are casefolded");
	damaged("sif big block[0] 0", "extent tree is damaged");
	damaged("sif big block[0] 0x4f30a", "extents are out of order");
	damaged("sif big block[1] 0x60004", "extent tree is damaged");
	damaged("sif big block[0] 0x2f30a\nsif big block[6] 0\nsif big block[7] 1\n"
		"sif big block[8] 100",
		"extents are out of order");
	damaged("sif big size 0x7fffffffffffffff", "impossible size");
	damaged("sif longlink size 5000", "impossible length");
	damaged("sif longlink size 0", "impossible length");
	damaged("sif fifo mtime_extra 0xffffffff", "nanoseconds");
	damaged("sif many size 1000", "impossible size");
	damaged("sif many size 1024", "do not agree");
	damaged("sif many block[5] 0x7fffffff", "outside of the filesystem");
	damaged("sif dir/file file_acl 0x7fffffff", "lie outside of the filesystem");
	damaged("sif dir/file file_acl 1", "bad header");
	damaged("link many dir/loop", "this directory has another name too");
	damaged("link <2> dir/root", "this directory has another name too");
	damaged("link <8> journal", "the filesystem's own");
	damaged("link <2000> dir/gone", "it is deleted");
	damaged("cd many\nunlink ..", "entries \".\" and \"..\"");
	damaged("cd many\nunlink ..\nlink <2> ..\nunlink .\nlink <2> .",
		"\"..\" are wrong");
}

static bool flip(const char *image, off_t at)
{
	int fd = open(image, O_RDWR | O_CLOEXEC);
	unsigned char c;
	bool done = fd >= 0 && pread(fd, &c, 1, at) == 1;

	c ^= 0x41;
	done = done && pwrite(fd, &c, 1, at) == 1;
	close(fd);
	return done;
}

/* What a block's checksum covers: inode 12's table, a directory, attributes. */
static void test_checksums(void)
{
	static const struct {
		off_t at;
		const char *what;
	} places[] = {{1024 + 120, "Superblock checksum"}, {2048 + 10, "block group 0"}};
	cleanup_listing struct listing l;
	struct err e = {0};
	char *data, *name;
	size_t len;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		tool("cp a b");
		ok(flip("b", places[i].at), "a byte at %ld", (long)places[i].at);
		ok(list(&l, "b", &e) < 0 && strcasestr(e.msg, "checksum") &&
				strstr(e.msg, "b: ") == e.msg,
			"is seen: %s", e.msg);
		listing_free(&l);
	}
	data = get_file("a", &len);
	name = memmem(data, len, "name-0000", 9);
	tool("cp a b");
	ok(name && flip("b", name - data + 2), "a byte in a directory's name");
	ok(list(&l, "b", &e) < 0 && strcasestr(e.msg, "checksum"), "is seen: %s", e.msg);
	free(data);
}

/* Bytes behind the filesystem are somebody else's; bytes that are missing are not. */
static void test_length(void)
{
	cleanup_listing struct listing l;
	struct err e = {0};
	int bad = 0;

	tool("cp a b && echo tree >>b");
	ok(list(&l, "b", &e) == 0, "something behind the filesystem: %s", e.msg);
	for (long size = 8 << 20; size >= 0; size = size > 4096 ? size / 3 : size - 512) {
		struct listing cut;

		if (truncate("b", size < 8 << 20 ? size : size - 1) < 0)
			err(1, "b");
		bad += list(&cut, "b", &e) == 0 || e.code != ERR_INPUT;
		listing_free(&cut);
	}
	is_int(bad, 0, "cut at many lengths");
}

/* Anything may be said of a small image with a byte changed, but nothing may break. */
static void test_flipped(void)
{
	int read = 0, told = 0, tried = 0;
	struct err e;

	tool("rm -rf small; mkdir small && cp -P tree/link tree/hard tree/empty small && "
	     "mke2fs -q -F -t ext4 -b 1024 -N 16 -O ^has_journal,^metadata_csum,"
	     "^resize_inode,^uninit_bg -E hash_seed=11111111-2222-3333-4444-555555555555 "
	     "-d small c 100k");
	for (off_t at = 1024; at < 12288; at += at < 1400 ? 3 : 61) {
		struct listing l;

		if (!flip("c", at))
			err(1, "c");
		e.msg[0] = 0;
		tried++;
		if (list(&l, "c", &e) == 0)
			read++;
		else
			told += strncmp(e.msg, "c: ", 3) == 0;
		listing_free(&l);
		flip("c", at);
	}
	ok(read > 0 && told > 0 && read + told == tried,
		"%d bytes changed one by one: %d read, %d refused", tried, read, told);
}

static void reads_as_zeros(const char *what, const char *requests)
{
	cleanup_listing struct listing l;
	struct listing_inode want = {0}, *in;
	struct err e = {0};
	struct digest d;

	put_text("requests", requests);
	make("b", "-t ext4 -b 4096");
	tool("debugfs -w -f requests b");
	is_int(list(&l, "b", &e), 0, "%s: %s", what, e.msg);
	ok(has(&l, "empty", " size 9000"), "has its size");
	digest_start(&d);
	digest_add_zeros(&d, 9000);
	digest_finish(&d, &want);
	in = listing_find(&l, "empty")->inode;
	ok(in->digested && in->data_blocks == 0 &&
			memcmp(in->sha256, want.sha256, 32) == 0,
		"and is zeros");
}

static void test_hole(void)
{
	cleanup_listing struct listing l, none;
	struct err e = {0};
	int fd;

	reads_as_zeros("room that was never written, with something in it",
		"fallocate empty 0 2\nzap_block -f empty -p 90 0\nsif empty size 9000\n");
	reads_as_zeros("a file that is a hole", "sif empty size 9000\n");
	put_text("requests", "sif sparse size 0xfffffffffff\n");
	tool("debugfs -w -f requests b");
	fd = open("b", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || listing_init(&l, "b", &e) < 0 ||
		listing_init(&none, "none", &e) < 0)
		err(1, "b");
	l.expected = &none;
	ok(list_ext(&l, fd, &e) == -1 ||
			listing_find(&l, "sparse")->inode->size > 1LL << 40,
		"a file of terabytes: %s", e.msg);
	close(fd);
}

int main(void)
{
	static const char value[700] = "large";

	scratch_make();
	put_tree("tree");
	/* So few that the inode itself says where they are. */
	put_bytes("tree/pieces", 1 << 15, 5000);
	put_bytes("tree/pieces", 5 << 15, 5000);
	put_file("value", value, sizeof(value));
	put_file("acl", acl, sizeof(acl) - 1);
	put_text("commands", commands);
	test_kind("-t ext2 -b 1024 -I 128", false);
	test_kind("-t ext3 -b 4096 -I 256", true);
	test_kind("-t ext4 -b 4096 -O ^metadata_csum,ea_inode", true);
	test_kind("-t ext4 -b 1024 -O metadata_csum,inline_data,64bit", true);
	test_kind("-t ext4 -b 1024 -O bigalloc", true);
	test_damaged();
	test_checksums();
	test_length();
	test_flipped();
	test_hole();
	return done_testing();
}
