/* SPDX-License-Identifier: MIT */
/* The size that is reckoned for an ext filesystem does: mke2fs fills it at once. */
#include "pack/ext_size.h"

#include <inttypes.h>
#include <sys/xattr.h>

#include "pack/tool.h"
#include "tests/unit/listing_util.h"
#include "tests/unit/scratch.h"

#define MIB ((uint64_t)1 << 20)

static struct listing l;
static char name[300];

static void begin(void)
{
	put_dir("s");
	must_init(&l, "tree");
	put_name(&l, "", S_IFDIR | 0755);
}

/* A file on disk and in the listing. */
static struct listing_inode *put_both(const char *path)
{
	char real[600];
	int fd;

	snprintf(real, sizeof(real), "s/%s", path);
	fd = open(real, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		err(1, "%s", real);
	close(fd);
	return put_content(&l, path, "");
}

static void mke2fs(const char *type, const struct ext_size *size, bool fits)
{
	cleanup_tool_args struct tool_args a = {0};
	struct err e = {0};
	int rc = tool_arg(&a, "mke2fs") | tool_arg(&a, "-q") | tool_arg(&a, "-F") |
		 tool_arg(&a, "-t") | tool_arg(&a, "%s", type) | tool_arg(&a, "-b") |
		 tool_arg(&a, "4096") | tool_arg(&a, "-I") | tool_arg(&a, "256") |
		 tool_arg(&a, "-N") | tool_arg(&a, "%" PRIu64, size->inodes) |
		 tool_arg(&a, "-E") | tool_arg(&a, "lazy_itable_init=0") |
		 tool_arg(&a, "-d") | tool_arg(&a, "s") | tool_arg(&a, "image") |
		 tool_arg(&a, "%" PRIu64 "k", size->bytes / 1024);

	if (rc != 0)
		errx(1, "out of memory");
	unlink("image");
	rc = tool_run("e2fsprogs", &a, NULL, NULL, NULL, NULL, &e);
	if (!ok((rc == 0) == fits, "%s of %" PRIu64 " MiB %s", type, size->bytes / MIB,
		    fits ? "holds it" : "does not") &&
		rc < 0)
		printf("# %s\n", e.msg);
}

/* most: MiB that are enough, so that it is not all too generous. */
static void holds(const char *what, uint64_t most)
{
	struct ext_size with, without;

	must_finish(&l);
	with = ext_size_for(&l, true);
	without = ext_size_for(&l, false);
	printf("# %s: %" PRIu64 " and %" PRIu64 " MiB, %" PRIu64 " inodes\n", what,
		with.bytes / MIB, without.bytes / MIB, with.inodes);
	ok(with.bytes % MIB == 0 && without.bytes % MIB == 0, "%s: whole MiB", what);
	ok(with.bytes >= without.bytes, "a journal takes room");
	ok(with.bytes <= most * MIB, "and not more than needed");
	mke2fs("ext4", &with, true);
	mke2fs("ext2", &without, true);
	listing_free(&l);
	scratch_clear("s");
}

static void test_empty(void)
{
	begin();
	holds("an empty tree", 16);
}

/* Not in one directory: mke2fs looks through all names for each new one. */
static void test_files(void)
{
	begin();
	for (int i = 0; i < 5000; i++) {
		char real[310];

		snprintf(name, sizeof(name), "dir-%d", i / 200);
		snprintf(real, sizeof(real), "s/%s", name);
		if (i % 200 == 0) {
			put_dir(real);
			put_name(&l, name, S_IFDIR | 0755);
		}
		snprintf(name, sizeof(name), "dir-%d/file-%d", i / 200, i);
		put_both(name);
	}
	holds("5,000 empty files", 24);
}

/* Hard links: only the names take room here. */
static void test_names(void)
{
	struct listing_inode *in = NULL;
	char real[310], first[310] = "";

	begin();
	for (int i = 0; i < 500; i++) {
		memset(name, 'n', 250);
		snprintf(name + 250, sizeof(name) - 250, "%05d", i);
		snprintf(real, sizeof(real), "s/%s", name);
		if (i % 50 == 0) {
			in = put_both(name);
			memcpy(first, real, sizeof(first));
			continue;
		}
		put_hardlink(&l, name, in);
		if (link(first, real) < 0)
			err(1, "%s", real);
	}
	holds("500 long names in one directory", 24);
}

static void test_sparse(void)
{
	struct listing_inode *in;
	int fd;

	begin();
	in = put_both("sparse");
	fd = open("s/sparse", O_WRONLY | O_CLOEXEC);
	in->size = 300 * MIB;
	in->data_blocks = 30;
	if (fd < 0 || ftruncate(fd, (off_t)in->size) < 0)
		err(1, "sparse");
	for (int i = 0; i < 30; i++)
		if (pwrite(fd, "x", 1, (off_t)((uint64_t)i * 10 * MIB)) != 1)
			err(1, "sparse");
	close(fd);
	holds("a sparse file of 300 MiB", 16);
}

static void test_links(void)
{
	char target[101] = "", real[310];

	begin();
	memset(target, 't', 100);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "link-%d", i);
		snprintf(real, sizeof(real), "s/%s", name);
		put_link(target, real);
		put_target(&l, name, target);
	}
	holds("500 links of 100 bytes", 32);
}

static void test_attributes(void)
{
	char value[2000], real[310];
	struct listing_inode *in;

	begin();
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		in = put_both(name);
		memset(value, 'a' + i % 26, sizeof(value));
		snprintf(value, sizeof(value), "%d", i);
		put_attribute(&l, in, "user.value", value, sizeof(value));
		snprintf(real, sizeof(real), "s/%s", name);
		if (setxattr(real, "user.value", value, sizeof(value), 0) < 0)
			err(1, "%s", real);
	}
	holds("500 attributes of 2,000 bytes", 24);
}

static void test_directories(void)
{
	char real[310];

	begin();
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "dir-%d", i);
		snprintf(real, sizeof(real), "s/%s", name);
		put_dir(real);
		put_name(&l, name, S_IFDIR | 0755);
	}
	holds("500 directories", 32);
}

/* A file of n blocks, not made. */
static struct ext_size size_of(uint64_t blocks, uint64_t files)
{
	struct ext_size size;
	struct listing_inode *in;

	must_init(&l, "tree");
	put_name(&l, "", S_IFDIR | 0755);
	for (uint64_t i = 0; i < files; i++) {
		snprintf(name, sizeof(name), "%" PRIu64, i);
		in = put_content(&l, name, "");
		in->size = blocks * LISTING_BLOCK;
		in->data_blocks = blocks;
	}
	must_finish(&l);
	size = ext_size_for(&l, true);
	listing_free(&l);
	return size;
}

/* As above, but mke2fs would take a minute: an entry is 264 bytes, 15 fill a block. */
static void test_many_names(void)
{
	struct ext_size size;
	struct listing_inode *in;

	must_init(&l, "tree");
	put_name(&l, "", S_IFDIR | 0755);
	memset(name, 'n', 250);
	snprintf(name + 250, sizeof(name) - 250, "00000");
	in = put_content(&l, name, "");
	for (int i = 1; i < 20000; i++) {
		snprintf(name + 250, sizeof(name) - 250, "%05d", i);
		put_hardlink(&l, name, in);
	}
	must_finish(&l);
	size = ext_size_for(&l, false);
	ok(size.bytes >= (20000 / 15 + 20) * LISTING_BLOCK && size.bytes <= 10 * MIB,
		"20,000 long names in one directory: %" PRIu64 " MiB", size.bytes / MIB);
	listing_free(&l);
}

static void test_growth(void)
{
	struct ext_size last = {0};
	int bad = 0;

	for (uint64_t blocks = 1; blocks < (uint64_t)1 << 32; blocks *= 2) {
		struct ext_size size = size_of(blocks, 1);

		bad += size.bytes < last.bytes ||
		       size.bytes < (blocks + 64) * LISTING_BLOCK ||
		       (blocks > 100000 && size.bytes > blocks * LISTING_BLOCK / 10 * 12 +
								1024 * MIB);
		last = size;
	}
	is_int(bad, 0, "a file that grows, to 8 TiB");
	is_int(size_of(1, 1000).inodes - size_of(1, 1).inodes, 999, "an inode a file");
	ok(size_of(1, 3000).bytes > size_of(1, 1000).bytes + 2000 * LISTING_BLOCK,
		"and its blocks");
}

/* The test itself can fail. */
static void test_too_small(void)
{
	const struct ext_size tiny = {MIB, 64};

	begin();
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		put_both(name);
	}
	mke2fs("ext2", &tiny, false);
	listing_free(&l);
	scratch_clear("s");
}

int main(void)
{
	scratch_make();
	test_empty();
	test_files();
	test_names();
	test_sparse();
	test_links();
	test_attributes();
	test_directories();
	test_many_names();
	test_growth();
	test_too_small();
	return done_testing();
}
