/* SPDX-License-Identifier: MIT */
/* Squashfs images of mksquashfs and sqfstar, whole, damaged and forged. */
#include <sqfs/super.h>
#include <stddef.h>

#include "image/digest.h"
#include "pack/archive.h"
#include "tests/unit/archive_util.h"

#define QUIET "-quiet -no-progress -noappend"
#define PLAIN "-noI -noD -noF -noX -noId"

static const char label[] = "system_u:object_r:etc_t:s0";
static struct err e;

static void make_stage(void)
{
	char *large = calloc(1, 700001);

	put_dir("s");
	put_dir("s/deep");
	put_dir("s/deep/deeper");
	put_text("s/small", "a fragment");
	put_text("s/small2", "another fragment");
	put_text("s/empty", "");
	for (size_t i = 0; i < 262144; i++)
		large[i] = (char)(i * i / 3);
	memset(large + 700000, 'x', 1);
	/* Blocks of data, blocks of nothing, and an end. */
	put_file("s/large", large, 700001);
	if (link("s/large", "s/deep/deeper/large") < 0)
		err(1, "link");
	put_file("s/hole", large + 262144, 400000);
	put_file("s/block", large, 131072);
	free(large);
}

/* A tree of all kinds, with attributes of all kinds, some too large to be inline. */
static void make_tree(struct listing *l)
{
	static const char *const files[] = {
		"small", "small2", "empty", "large", "hole", "block"};
	static char value[60000];
	struct listing_inode *in;
	char path[64];

	must_init(l);
	must_name(l, "", S_IFDIR | 0755);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		in = must_name(l, files[i], S_IFREG | 0600 | (uint32_t)i);
		in->uid = (uint32_t)i * 1000000;
		snprintf(path, sizeof(path), "s/%s", files[i]);
		digest_of(in, path);
		must_xattr(l, in, "security.selinux", label, sizeof(label));
		if (i % 2 == 0)
			continue;
		memset(value, (int)i, 9000);
		must_xattr(l, in, "user.value", value, i < 4 ? 9000 : 60000);
		must_xattr(l, in, "trusted.same", value + 30000, 30000);
		must_xattr(l, in, "user.empty", "", 0);
	}
	must_name_again(l, "large too", in = at(l, "large"));
	in->mtime = UINT32_MAX;
	must_name(l, "deep", S_IFDIR | 01777);
	must_name(l, "deep/deeper", S_IFDIR | 02700)->gid = UINT32_MAX - 1;
	must_name_again(l, "deep/deeper/large", in);
	in = must_target(l, "deep/link", "../nowhere");
	must_xattr(l, in, "security.selinux", label, sizeof(label));
	must_target(l, "deep/link2", "x");
	in = must_name(l, "deep/char", S_IFCHR | 0666);
	in->major = 5;
	in->minor = 0xfffff;
	must_xattr(l, in, "security.selinux", label, sizeof(label));
	in = must_name(l, "deep/blk", S_IFBLK | 0600);
	in->major = 0xfff;
	in->minor = 0x12345;
	must_name(l, "deep/fifo", S_IFIFO | 0644);
	for (int i = 0; i < 700; i++) {
		snprintf(path, sizeof(path), "deep/deeper/%04d", i);
		must_name(l, path, i % 9 == 0 ? S_IFDIR | 0700 : S_IFIFO | 0700)->uid =
			(uint32_t)i % 50;
	}
	must_finish(l);
}

static void test_compressors(void)
{
	static const char *const options[] = {"-comp gzip", "-comp xz", "-comp zstd",
		"-comp lz4", "-comp gzip " PLAIN, "-b 4096 -no-duplicates",
		"-no-fragments -b 1M", "-no-sparse"};
	static const struct engine_options o;
	struct engine *en = must_engine("s", NULL, DB_SEALED, o);
	int fd = open("t.tar", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	struct listing want, got;

	make_tree(&want);
	if (archive_stream(fd, ARCHIVE_TAR, en, &want, &e) < 0)
		errx(1, "%s", e.msg);
	close(fd);
	engine_close(en);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		run("rm -f t.sqfs; sqfstar -quiet -no-progress -root-mode 755 "
		    "-root-uid 0 -root-gid 0 %s t.sqfs < t.tar "
		    "> out 2>&1",
			options[i]);
		must_list(&got, "t.sqfs", list_squashfs);
		at(&want, "")->mtime = at(&got, "")->mtime;
		same_listing(&want, &got, options[i]);
		ok(at(&got, "small")->whole_seconds, "seconds are whole");
		listing_free(&got);
	}
	run("truncate -s +8192 t.sqfs");
	must_list(&got, "t.sqfs", list_squashfs);
	same_listing(&want, &got, "with something appended");
	listing_free(&got);
	listing_free(&want);
}

/* What mksquashfs makes of a directory and pseudo files. */
static void test_mksquashfs(void)
{
	struct listing got, again, want;

	run("mksquashfs s p.sqfs " QUIET " -p 'null c 666 0 0 1 3' "
	    "-p 'sda b 660 0 6 259 70000' -p 'dir d 2755 5 6' -p 'small m 4755 12 34' "
	    "> out 2>&1");
	must_list(&got, "p.sqfs", list_squashfs);
	ok(at(&got, "null")->mode == (S_IFCHR | 0666) && at(&got, "null")->major == 1 &&
			at(&got, "null")->minor == 3,
		"a pseudo device");
	ok(at(&got, "sda")->major == 259 && at(&got, "sda")->minor == 70000,
		"one with large numbers");
	ok(at(&got, "small")->mode == (S_IFREG | 04755) && at(&got, "small")->gid == 34,
		"a changed owner");
	must_init(&want);
	digest_of(must_name(&want, "small", S_IFREG), "s/small");
	digest_of(must_name(&want, "large", S_IFREG), "s/small");
	must_init(&again);
	again.expected = &want;
	list_squashfs(&again, open("p.sqfs", O_RDONLY | O_CLOEXEC), &e);
	ok(at(&again, "small")->digested && memcmp(at(&again, "small")->sha256,
						    at(&want, "small")->sha256, 32) == 0,
		"content is read where it is expected");
	ok(!at(&again, "large")->digested && !at(&again, "hole")->digested,
		"and not where the size is another, or no such file");
	listing_free(&got);
	listing_free(&again);
	listing_free(&want);
}

static char *image;
static size_t right_size;

/* Where a name is among directory entries; the entry's 8 bytes are before it. */
static char *name_at(const char *name)
{
	const struct sqfs_super_t *s = (const void *)image;
	char *p = memmem(image + s->directory_table_start,
		right_size - s->directory_table_start, name, strlen(name));

	if (!p)
		errx(1, "%s is not in the image", name);
	return p;
}

static void forged(const char *text)
{
	put_file("forged", image, right_size);
	refused("forged", list_squashfs, text);
	free(image);
	image = get_file("f.sqfs", &right_size);
}

static void set_super(size_t offset, const void *value, size_t len, const char *text)
{
	memcpy(image + offset, value, len);
	forged(text);
}

#define SET(field, type, value, text)                                                    \
	set_super(offsetof(struct sqfs_super_t, field), &(type){value}, sizeof(type),    \
		text)

static void test_super(void)
{
	SET(magic, uint32_t, 1, "it is no squashfs image");
	SET(version_major, uint16_t, 3, "version 3.0");
	SET(version_minor, uint16_t, 1, "version 4.1");
	SET(block_size, uint32_t, 131073, "block size");
	SET(block_size, uint32_t, 2048, "block size");
	SET(block_log, uint16_t, 16, "block size");
	SET(compression_id, uint16_t, SQFS_COMP_LZO, "compressed with lzo");
	SET(compression_id, uint16_t, 77, "an unknown way (77)");
	SET(bytes_used, uint64_t, UINT64_MAX, "cut off");
	SET(bytes_used, uint64_t, 97, "tables are not where they could be");
	SET(root_inode_ref, uint64_t, UINT64_MAX, "inodes cannot be read");
	SET(inode_table_start, uint64_t, 5, "tables are not where they could be");
	SET(directory_table_start, uint64_t, 100, "");
	SET(id_table_start, uint64_t, UINT64_MAX, "tables are not where they could be");
	SET(id_count, uint16_t, 0, "a table has not the size");
	SET(id_count, uint16_t, UINT16_MAX, "a table has not the size");
	SET(inode_count, uint32_t, 0, "");
	SET(inode_count, uint32_t, UINT32_MAX, "a table has not the size");
	SET(export_table_start, uint64_t, 0, "a table has not the size");
	SET(fragment_entry_count, uint32_t, UINT32_MAX, "a table has not the size");
	SET(fragment_table_start, uint64_t, UINT64_MAX, "where they could be");
	SET(fragment_entry_count, uint32_t, 0, "tables cannot be read");
	put_file("forged", image, 95);
	refused("forged", list_squashfs, "it is no squashfs image");
	put_file("forged", image, 300);
	refused("forged", list_squashfs, "cut off");
}

static void test_forged(void)
{
	char *a, *b;

	scratch_clear("f");
	put_dir("f");
	put_dir("f/dira");
	put_dir("f/dirb");
	put_dir("f/dirb/in");
	put_text("f/file1", "one");
	put_text("f/file2", "two");
	run("mksquashfs f f.sqfs " QUIET " " PLAIN " -no-xattrs > out 2>&1");
	image = get_file("f.sqfs", &right_size);
	test_super();

	name_at("file1")[4] = '3';
	forged("names of a directory are not sorted");
	name_at("file1")[4] = '2';
	forged("names of a directory are not sorted");
	name_at("file1")[4] = '/';
	forged("bytes that no name can have");
	name_at("file1")[4] = 0;
	forged("bytes that no name can have");
	memcpy(name_at("dira"), "..\1", 3);
	name_at("..\1")[-2] = 1;
	forged("");
	a = name_at("dira") - 8;
	b = name_at("dirb") - 8;
	memcpy(b, a, 4);
	forged("a directory is in two places");
	a = name_at("dirb") - 8;
	b = name_at("in") - 8;
	memcpy(b, a, 2);
	forged("a directory is in two places");
	a = name_at("file1") - 8;
	b = name_at("file2") - 8;
	memcpy(b, a, 2);
	forged("a directory does not agree");
	memcpy(name_at("file2") - 6, name_at("file1") - 6, 2);
	forged("a directory does not agree");
	name_at("file1")[-4] = 1;
	forged("a directory does not agree");
	name_at("file1")[-4] = 9;
	forged("directories cannot be read");
	name_at("file1")[-2] = (char)0xff;
	forged("");
	free(image);
}

/* Two inodes with one number, of which the kernel would show one. */
static void test_numbers(void)
{
	struct sqfs_super_t *s;
	char *p, *one, *two;
	uint16_t from, to;

	image = get_file("f.sqfs", &right_size);
	s = (void *)image;
	one = name_at("file1") - 8;
	two = name_at("file2") - 8;
	p = image + s->inode_table_start + 2;
	memcpy(&from, one, 2);
	memcpy(&to, two, 2);
	/* The number is the last of an inode's first 16 bytes; linux: squashfs_fs.h. */
	memcpy(p + to + 12, p + from + 12, 4);
	memcpy(two + 2, one + 2, 2);
	forged("two inodes have one number");
	free(image);
}

/* Two directories with the same names in the same place: any number could be. */
static void test_overlap(void)
{
	struct sqfs_super_t *s;
	uint16_t from, to;
	char *p;

	scratch_clear("f");
	put_dir("f");
	put_dir("f/dira");
	put_dir("f/dirb");
	put_text("f/dirb/file", "x");
	run("mksquashfs f f.sqfs " QUIET " " PLAIN " -no-xattrs > out 2>&1");
	image = get_file("f.sqfs", &right_size);
	s = (void *)image;
	p = image + s->inode_table_start + 2;
	memcpy(&from, name_at("dirb") - 8, 2);
	memcpy(&to, name_at("dira") - 8, 2);
	memcpy(p + to + 16, p + from + 16, 12);
	forged("directories overlap");
	free(image);
}

int main(void)
{
	scratch_make();
	make_stage();
	test_compressors();
	test_mksquashfs();
	test_forged();
	test_numbers();
	test_overlap();
	run("mksquashfs f h.sqfs " QUIET " -nopad -no-xattrs > out 2>&1");
	hostile("h.sqfs", list_squashfs, 7);
	run("rm t.sqfs; head -c 5000000 t.tar | sqfstar -quiet -no-progress -nopad "
	    "t.sqfs > out 2>&1");
	hostile("t.sqfs", list_squashfs, 401);
	return done_testing();
}
