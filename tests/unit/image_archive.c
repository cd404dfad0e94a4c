/* SPDX-License-Identifier: MIT */
/* Listings of archives: what other tools write, what no tool would, and no archives. */
#include "image/digest.h"
#include "tests/unit/archive_util.h"
#include "tests/unit/tar_util.h"

static struct listing got;

static void list_buf(struct buf *b)
{
	put_file("a", b->data, b->len);
	must_list(&got, "a", list_archive);
	buf_free(b);
	*b = (struct buf){0};
}

static void refused_buf(struct buf *b, const char *text)
{
	put_file("a", b->data, b->len);
	refused("a", list_archive, text);
	buf_free(b);
	*b = (struct buf){0};
}

static void put_root(struct buf *b)
{
	tar_put(b, (struct tar_entry){.name = "./", .type = '5', .mode = 0755});
}

static void put_plain(struct buf *b, const char *name)
{
	tar_put(b,
		(struct tar_entry){
			.name = name, .type = '0', .mode = 0644, .data = "x", .len = 1});
}

static void one_record(struct buf *b, const char *key, const void *value, size_t len)
{
	struct buf records = {0};

	pax_record(&records, key, value, len);
	tar_pax(b, &records);
	buf_free(&records);
}

static bool content_is(const struct listing_inode *in, const void *bytes, size_t len)
{
	struct listing_inode want = {0};
	struct digest d;

	digest_start(&d);
	digest_add(&d, bytes, len);
	digest_finish(&d, &want);
	return in->digested && in->size == len &&
	       memcmp(in->sha256, want.sha256, sizeof(want.sha256)) == 0;
}

static void make_stage(void)
{
	const struct timespec times[2] = {{5, 0}, {1000000, 123456789}};
	char data[5000];

	put_dir("s");
	put_dir("s/dir");
	memset(data, 'x', sizeof(data));
	put_file("s/dir/file", data, sizeof(data));
	put_text("s/\303\244", "text");
	if (link("s/dir/file", "s/dir/hard") < 0 || mkfifo("s/fifo", 0600) < 0)
		err(1, "s");
	put_link("dir/file", "s/link");
	run("truncate -s 100000 s/sparse; printf end >> s/sparse; "
	    "printf mid | dd of=s/sparse seek=12 bs=4096 conv=notrunc 2> out");
	if (utimensat(AT_FDCWD, "s/dir/file", times, 0) < 0)
		err(1, "s/dir/file");
}

/* fraction: the format keeps nanoseconds. */
static void check_stage(const char *what, bool fraction)
{
	size_t len;
	char *sparse = get_file("s/sparse", &len);
	const struct listing_inode *in;
	char data[5000];

	memset(data, 'x', sizeof(data));
	must_list(&got, "a", list_archive);
	in = at(&got, "dir/file");
	ok(content_is(in, data, sizeof(data)), "%s: content", what);
	ok(in->names == 2 && in == at(&got, "dir/hard"), "%s: hard links", what);
	ok(in->mtime == 1000000 && in->whole_seconds == !fraction &&
			in->mtime_ns == (fraction ? 123456789 : 0),
		"%s: time", what);
	ok(content_is(at(&got, "sparse"), sparse, len), "%s: holes", what);
	is_int(at(&got, "sparse")->data_blocks, 2, "%s: of which two blocks", what);
	ok(content_is(at(&got, "\303\244"), "text", 4), "%s: a name", what);
	ok(strcmp(at(&got, "link")->target, "dir/file") == 0, "%s: target", what);
	ok(S_ISFIFO(at(&got, "fifo")->mode), "%s: fifo", what);
	is_int(got.count, 8, "%s: no more names", what);
	free(sparse);
	listing_free(&got);
}

static void test_tools(void)
{
	static const struct {
		const char *command;
		bool fraction;
	} tools[] = {
		{"tar -C s --format=pax -S -cf a .", true},
		{"tar -C s --format=gnu -S -cf a .", false},
		{"tar -C s --format=ustar -cf a .", false},
		{"tar -C s --format=pax --sparse-version=0.1 -S -czf a .", true},
		{"tar -C s --format=pax --sparse-version=0.0 -S -cJf a .", true},
		{"tar -C s --format=pax -cjf a .", true},
		{"tar -C s --format=pax -c --zstd -f a .", true},
		{"LC_ALL=C.UTF-8 bsdtar -C s --format=pax -cf a .", true},
		{"bsdtar -C s --format=gnutar -cf a .", false},
		{"bsdtar -C s --format=gnutar --lzma -cf a .", false},
		{"bsdtar -C s --format=gnutar --lzip -cf a .", false},
		{"bsdtar -C s --format=gnutar --lz4 -cf a .", false},
		{"bsdtar -C s --format=gnutar -Z -cf a .", false},
		{"cd s && find . | cpio --quiet -o -H newc > ../a", false},
		{"cd s && find . | cpio --quiet -o -H crc > ../a", false},
		{"cd s && find . | cpio --quiet -o -H odc | gzip > ../a", false},
		{"cd s && find . | cpio --quiet -o -H bin > ../a", false},
		{"cd s && find . | cpio --quiet -o -H newc | xz --check=crc32 > ../a",
			false},
		{"bsdtar -C s --format=newc -cf a .", false},
		{"bsdtar -C s --format=odc -cf a .", false},
	};

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		run("%s", tools[i].command);
		check_stage(tools[i].command, tools[i].fraction);
	}
}

static void test_names(void)
{
	struct buf b = {0};

	tar_put(&b, (struct tar_entry){.name = "/", .type = '5', .mode = 01700});
	tar_put(&b, (struct tar_entry){.name = "/a/", .type = '5', .mode = 0755});
	put_plain(&b, "././a/b");
	put_plain(&b, "a/.c");
	tar_put(&b, (struct tar_entry){
			    .name = "d", .type = '1', .mode = 0644, .link = "/a/b"});
	tar_end(&b);
	list_buf(&b);
	is_int(got.count, 5, "names in several ways");
	is_int(at(&got, "")->mode, S_IFDIR | 01700, "the root");
	ok(at(&got, "a/b") == at(&got, "d"), "a link by an absolute name");
	listing_free(&got);

	put_root(&b);
	put_plain(&b, "a");
	put_plain(&b, "./a");
	tar_end(&b);
	refused_buf(&b, "the name /a twice");
	put_plain(&b, "a");
	tar_end(&b);
	refused_buf(&b, "no root directory");
	put_root(&b);
	put_plain(&b, "a/b");
	tar_end(&b);
	refused_buf(&b, "not the directory that it is in");
	put_root(&b);
	put_plain(&b, "a/../b");
	tar_end(&b);
	refused_buf(&b, "a name that no filesystem could");
	put_root(&b);
	tar_put(&b, (struct tar_entry){.name = "l", .type = '1', .link = "later"});
	put_plain(&b, "later");
	tar_end(&b);
	refused_buf(&b, "/l: it is a link to what was not there before it");
	put_root(&b);
	tar_put(&b, (struct tar_entry){.name = "d", .type = '5', .mode = 0755});
	tar_put(&b, (struct tar_entry){.name = "e", .type = '1', .link = "d"});
	tar_end(&b);
	refused_buf(&b, "two names");
}

static void put_attrs(struct buf *b, const char *label, size_t len)
{
	struct buf records = {0};

	pax_record(&records, "RHT.security.selinux", "u:r:t", 5);
	pax_record(&records, "SCHILY.xattr.security.selinux", label, len);
	pax_record(&records, "LIBARCHIVE.xattr.user.a", "dmFsdWU=", 8);
	pax_record(&records, "SCHILY.xattr.user.a", "value", 5);
	tar_pax(b, &records);
	buf_free(&records);
	put_plain(b, "f");
	tar_end(b);
}

static void test_xattrs(void)
{
	const struct listing_inode *in;
	struct buf b = {0};

	put_root(&b);
	put_attrs(&b, "u:r:t", 6);
	list_buf(&b);
	in = at(&got, "f");
	is_int(in->xattr_count, 2, "attributes given twice are there once");
	ok(listing_xattr(in, "security.selinux")->len == 6, "a label with its NUL");
	ok(listing_xattr(in, "user.a")->len == 5, "another attribute");
	listing_free(&got);
	put_root(&b);
	put_attrs(&b, "u:r:other", 10);
	refused_buf(&b, "/f: an attribute is given twice, and differs");
}

static void test_acls(void)
{
	static const char text[] = "user::rw-,user:1000:r--,group::r--,mask::rw-,"
				   "other::---";
	static const char value[] = "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\4\0\350\3\0\0"
				    "\4\0\4\0\377\377\377\377\20\0\6\0\377\377\377\377"
				    "\40\0\0\0\377\377\377\377";
	static const char plain[] = "user::rw-,group::r--,other::---";
	const struct listing_xattr *x;
	struct buf b = {0};

	put_root(&b);
	one_record(&b, "SCHILY.acl.access", text, sizeof(text) - 1);
	tar_put(&b, (struct tar_entry){.name = "f", .type = '0', .mode = 0660});
	one_record(&b, "SCHILY.acl.default", text, sizeof(text) - 1);
	tar_put(&b, (struct tar_entry){.name = "d", .type = '5', .mode = 0755});
	one_record(&b, "SCHILY.acl.access", plain, sizeof(plain) - 1);
	tar_put(&b, (struct tar_entry){.name = "p", .type = '0', .mode = 0640});
	tar_end(&b);
	list_buf(&b);
	x = listing_xattr(at(&got, "f"), "system.posix_acl_access");
	ok(x && x->len == 44 && memcmp(x->value, value, 44) == 0, "an ACL");
	is_int(at(&got, "f")->mode, S_IFREG | 0660, "the mode has its mask");
	x = listing_xattr(at(&got, "d"), "system.posix_acl_default");
	ok(x && x->len == 44 && memcmp(x->value, value, 44) == 0, "a default ACL");
	is_int(at(&got, "d")->mode, S_IFDIR | 0755, "changes no mode");
	is_int(at(&got, "p")->xattr_count, 0, "one that says what the mode does");
	listing_free(&got);
	put_root(&b);
	one_record(&b, "SCHILY.acl.access",
		"user::rw-,user:alice:r--,group::r--,"
		"mask::rw-,other::---",
		57);
	put_plain(&b, "f");
	tar_end(&b);
	refused_buf(&b, "/f: its ACL names alice");
}

static void test_times(void)
{
	struct buf b = {0};

	put_root(&b);
	one_record(&b, "mtime", "-5.25", 5);
	put_plain(&b, "before");
	one_record(&b, "mtime", "5.000000001", 11);
	put_plain(&b, "after");
	one_record(&b, "mtime", "-7", 2);
	put_plain(&b, "whole");
	tar_end(&b);
	list_buf(&b);
	ok(at(&got, "before")->mtime == -6 && at(&got, "before")->mtime_ns == 750000000,
		"a fraction before 1970");
	ok(at(&got, "after")->mtime == 5 && at(&got, "after")->mtime_ns == 1 &&
			!at(&got, "after")->whole_seconds,
		"and after it");
	ok(at(&got, "whole")->mtime == -7 && at(&got, "whole")->whole_seconds,
		"a whole second");
	listing_free(&got);
}

static void test_types(void)
{
	struct buf b = {0};

	put_root(&b);
	tar_put(&b, (struct tar_entry){.name = "c",
			    .type = '3',
			    .mode = 0600,
			    .uid = 5,
			    .gid = 6,
			    .major = 0xfff,
			    .minor = 0xfffff});
	tar_end(&b);
	list_buf(&b);
	ok(at(&got, "c")->major == 0xfff && at(&got, "c")->minor == 0xfffff &&
			at(&got, "c")->gid == 6,
		"a device");
	listing_free(&got);
	put_root(&b);
	tar_put(&b, (struct tar_entry){.name = "c", .type = '3', .major = 0x1000});
	tar_end(&b);
	refused_buf(&b, "/c: its device number 4096:0 is out of range");
	put_root(&b);
	one_record(&b, "uid", "4294967295", 10);
	put_plain(&b, "f");
	tar_end(&b);
	refused_buf(&b, "/f: its owner is out of range");
}

static void test_cpio(void)
{
	struct buf b = {0};

	cpio_put(&b, ".", 1, S_IFDIR | 0755, 2, "");
	cpio_put(&b, "a", 2, S_IFREG | 0644, 3, "");
	cpio_put(&b, "b", 2, S_IFREG | 0644, 3, "data");
	cpio_put(&b, "c", 2, S_IFREG | 0644, 3, "data");
	cpio_put(&b, "s", 3, S_IFSOCK | 0600, 1, "");
	cpio_end(&b);
	list_buf(&b);
	ok(content_is(at(&got, "a"), "data", 4) && at(&got, "c")->names == 3,
		"content with later names");
	ok(S_ISSOCK(at(&got, "s")->mode), "a socket");
	listing_free(&got);
	cpio_put(&b, ".", 1, S_IFDIR | 0755, 2, "");
	cpio_put(&b, "a", 2, S_IFREG | 0644, 2, "data");
	cpio_put(&b, "b", 2, S_IFREG | 0644, 2, "date");
	cpio_end(&b);
	refused_buf(&b, "/b: a file has two contents");
	cpio_put(&b, ".", 1, S_IFDIR | 0755, 2, "");
	cpio_put(&b, "a", 2, S_IFREG | 0644, 2, "data");
	cpio_put(&b, "b", 2, S_IFREG | 0644, 2, "longer");
	cpio_end(&b);
	refused_buf(&b, "/b: a file has two contents");
	cpio_put(&b, ".", 1, S_IFDIR | 0755, 2, "");
	cpio_put(&b, "a", 2, S_IFREG | 0644, 2, "");
	cpio_put(&b, "b", 2, S_IFREG | 0600, 2, "data");
	cpio_end(&b);
	refused_buf(&b, "/b: the names of one file do not agree");
	cpio_put(&b, ".", 1, S_IFDIR | 0755, 2, "");
	cpio_put(&b, "a", 2, 0644, 1, "");
	cpio_end(&b);
	refused_buf(&b, "/a: it is of an unknown type");
}

/* What is behind the end, and an end that is missing. */
static void test_end(void)
{
	static const char zeros[512];
	struct buf b = {0};

	put_root(&b);
	refused_buf(&b, "its end is missing");
	put_root(&b);
	tar_add(&b, zeros, 512);
	refused_buf(&b, "its end is missing");
	put_root(&b);
	tar_put(&b, (struct tar_entry){
			    .name = "zeros", .type = '0', .data = zeros, .len = 512});
	tar_add(&b, zeros, 512);
	refused_buf(&b, "its end is missing");
	put_root(&b);
	tar_end(&b);
	put_plain(&b, "behind");
	refused_buf(&b, "something follows the end of the archive");
	put_root(&b);
	tar_add(&b, zeros, 512);
	put_plain(&b, "behind");
	tar_end(&b);
	refused_buf(&b, "something follows the end of the archive");
	cpio_put(&b, ".", 1, S_IFDIR | 0755, 2, "");
	cpio_end(&b);
	tar_pad(&b, 512);
	list_buf(&b);
	listing_free(&got);
	cpio_put(&b, ".", 1, S_IFDIR | 0755, 2, "");
	cpio_end(&b);
	tar_add(&b, "x", 1);
	refused_buf(&b, "something follows the end of the archive");
	cpio_put(&b, ".", 1, S_IFDIR | 0755, 2, "");
	refused_buf(&b, "the archive is damaged");
}

static void test_compressed(void)
{
	static const char *const tools[] = {"gzip", "xz", "zstd -q", "bzip2"};

	run("tar -C s --format=pax -cf t .");
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		run("%s < t > a", tools[i]);
		must_list(&got, "a", list_archive);
		listing_free(&got);
		run("head -c -5 a > cut");
		refused("cut", list_archive, "");
		run("(cat a; echo more) > cut");
		refused("cut", list_archive, "");
		hostile("a", list_archive, 149);
	}
	run("gzip < t > a; (cat a; head -c 512 /dev/zero) > cut");
	must_list(&got, "cut", list_archive);
	listing_free(&got);
	run("head -c 5120 t | gzip > a; tail -c +5121 t | gzip >> a");
	must_list(&got, "a", list_archive);
	ok(got.count == 8, "two gzip files in a row are one");
	listing_free(&got);
	run("(gzip < t; echo more) > a");
	refused("a", list_archive, "something follows the compressed data");
	run("gzip < t > a; printf 'x' | dd of=a bs=1 conv=notrunc 2> out "
	    "seek=$(($(stat -c %%s a) - 7))");
	refused("a", list_archive, "incorrect data check");
}

static void test_none(void)
{
	static const struct {
		const char *command, *text;
	} files[] = {
		{": > a", "it is empty"},
		{"echo hello > a", "it is neither tar nor cpio"},
		{"head -c 20000 /dev/zero | tr '\\0' 'x' > a", "neither tar nor cpio"},
		{"bsdtar -C s --format=zip -cf a . 2> out", "it is neither tar nor cpio"},
		{"bsdtar -C s --format=mtree -cf a .", "it is neither tar nor cpio"},
		{"bsdtar -C s --format=7zip -cf a .", "it is neither tar nor cpio"},
		{"ar r a s/dir/file 2> out", "it is neither tar nor cpio"},
		{"head -c 20480 /dev/zero > a", "it holds no root directory"},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		run("rm -f a; %s", files[i].command);
		refused("a", list_archive, files[i].text);
	}
}

int main(void)
{
	scratch_make();
	make_stage();
	test_tools();
	test_names();
	test_xattrs();
	test_acls();
	test_times();
	test_types();
	test_cpio();
	test_end();
	test_compressed();
	test_none();
	/* Without padding, each byte is needed. */
	run("rm s/sparse && tar -b 1 -C s --format=pax -cf t . && cd s && find . | "
	    "cpio --quiet -C 4 -o -H newc > ../c");
	hostile("t", list_archive, 997);
	hostile("c", list_archive, 311);
	return done_testing();
}
