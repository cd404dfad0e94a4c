/* SPDX-License-Identifier: MIT */
/* Archives as libarchive writes them, and such as it never would. */
#include <sys/sysmacros.h>

#include "tests/unit/unpack_util.h"

static void write_entry(
	struct archive *a, const char *name, unsigned mode, const char *text)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_uid(entry, 1234);
	archive_entry_set_gid(entry, 56);
	archive_entry_set_mtime(entry, 1000000000, 0);
	if (S_ISLNK(mode))
		archive_entry_set_symlink(entry, text);
	if (S_ISCHR(mode))
		archive_entry_set_rdev(entry, makedev(5, 1));
	archive_entry_set_size(entry, S_ISREG(mode) ? (la_int64_t)strlen(text) : 0);
	if (archive_write_header(a, entry) != ARCHIVE_OK ||
		(S_ISREG(mode) && archive_write_data(a, text, strlen(text)) !=
					  (ssize_t)strlen(text)))
		errx(1, "%s: %s", name, archive_error_string(a));
	archive_entry_free(entry);
}

/* The same small tree in one of libarchive's formats. */
static size_t write_sample(const char *format, const char *filter, void *to, size_t room)
{
	struct archive *a = archive_write_new();
	size_t used = 0;

	if (archive_write_set_format_by_name(a, format) != ARCHIVE_OK ||
		(filter && archive_write_add_filter_by_name(a, filter) != ARCHIVE_OK) ||
		archive_write_open_memory(a, to, room, &used) != ARCHIVE_OK)
		errx(1, "%s", archive_error_string(a));
	write_entry(a, "d", S_IFDIR | 02750, NULL);
	write_entry(a, "d/f", S_IFREG | 04755, "content\n");
	write_entry(a, "d/l", S_IFLNK | 0777, "../outside");
	write_entry(a, "d/null", S_IFCHR | 0666, NULL);
	write_entry(a, "d/p", S_IFIFO | 0600, NULL);
	if (archive_write_close(a) != ARCHIVE_OK)
		errx(1, "%s", archive_error_string(a));
	archive_write_free(a);
	return used;
}

static void sample_is_there(const char *what)
{
	char target[32] = "";
	struct stat st;

	is_int(u.entries, 5, "%s: entries", what);
	ok(file_is("s/d/f", "content\n"), "%s: content", what);
	lstat("s/d/f", &st);
	is_int(st.st_mtim.tv_sec, 1000000000, "%s: time of a file", what);
	lstat("s/d", &st);
	is_int(st.st_mtim.tv_sec, 1000000000, "%s: time of a directory", what);
	ok(readlink("s/d/l", target, sizeof(target)) == 10, "%s: link", what);
	ok(record_at("d").mode == 02750 && record_at("d/f").mode == 04755 &&
			record_at("d/f").uid == 1234 && record_at("d/l").gid == 56,
		"%s: owners and modes", what);
	ok(record_at("d/null").type == S_IFCHR &&
			record_at("d/null").rdev == makedev(5, 1),
		"%s: device", what);
	ok(lstat("s/d/null", &st) == 0 && S_ISREG(st.st_mode), "%s: placeholder", what);
	ok(lstat("s/d/p", &st) == 0 && S_ISFIFO(st.st_mode), "%s: FIFO", what);
	is_str(warnings, "", "%s: nothing to warn of", what);
}

static void test_formats(void)
{
	static const char *const formats[] = {
		"ustar", "gnutar", "pax", "paxr", "newc", "odc"};
	static const char *const filters[] = {NULL, "gzip"};
	static char bytes[65536];

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		for (size_t k = 0; k < 2; k++) {
			size_t used = write_sample(
				formats[i], filters[k], bytes, sizeof(bytes));

			is_int(unpack_bytes(bytes, used), 0, "%s, %s: %s", formats[i],
				filters[k] ? filters[k] : "plain", e.msg);
			sample_is_there(formats[i]);
		}
	}
}

static void file(struct buf *b, const char *name, const char *text)
{
	tar_put(b, (struct tar_entry){.name = name,
			   .type = '0',
			   .mode = 0644,
			   .data = text,
			   .len = strlen(text)});
}

static void test_hard_links(void)
{
	cleanup_buf struct buf b = {0};
	struct stat st;

	file(&b, "a", "text");
	tar_put(&b, (struct tar_entry){.name = "b", .type = '1', .link = "a"});
	tar_put(&b, (struct tar_entry){.name = "l", .type = '2', .link = "a"});
	tar_put(&b, (struct tar_entry){.name = "l2", .type = '1', .link = "./l"});
	tar_put(&b, (struct tar_entry){.name = "tty", .type = '3', .major = 5});
	tar_put(&b, (struct tar_entry){.name = "tty2", .type = '1', .link = "tty"});
	tar_end(&b);
	is_int(unpack_buf(&b), 0, "hard links in a tar");
	ok(record_at("a").id == record_at("b").id && record_at("a").names == 2,
		"two names of a file");
	ok(record_at("l2").type == S_IFLNK && record_at("l2").names == 2, "of a link");
	ok(record_at("tty2").type == S_IFCHR && record_at("tty2").names == 2,
		"of a device");
	buf_free(&b);
	cpio_put(&b, "one", 7, S_IFREG | 0640, 3, "");
	cpio_put(&b, "two", 7, S_IFREG | 0640, 3, "");
	cpio_put(&b, "three", 7, S_IFREG | 0640, 3, "content");
	cpio_put(&b, "four", 8, S_IFREG | 0640, 1, "4");
	cpio_end(&b);
	is_int(unpack_buf(&b), 0, "hard links in a cpio: %s", e.msg);
	ok(file_is("s/one", "content") && file_is("s/three", "content"),
		"the last has the content of all");
	lstat("s/two", &st);
	is_int(st.st_nlink, 3, "three names");
	is_int(st.st_mtim.tv_sec, 1000, "and the time");
	is_int(db_name_count(db, record_at("one").id, &e), 3, "one record");
	ok(record_at("one").mode == 0640 && record_at("four").names == 1, "of its own");
}

static void test_sparse(void)
{
	static char bytes[65536];
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	static char block[4096];
	size_t used = 0;
	struct stat st;
	char c = 0;
	int fd;

	memset(block, 'x', sizeof(block));
	archive_write_set_format_pax(a);
	archive_write_open_memory(a, bytes, sizeof(bytes), &used);
	archive_entry_set_pathname(entry, "sparse");
	archive_entry_set_mode(entry, S_IFREG | 0644);
	archive_entry_set_size(entry, 8 << 20);
	archive_entry_sparse_add_entry(entry, 4 << 20, 4096);
	if (archive_write_header(a, entry) != ARCHIVE_OK)
		errx(1, "%s", archive_error_string(a));
	for (int i = 0; i < (4 << 20) / 4096; i++)
		archive_write_data(a, memset(block, 0, 1), sizeof(block));
	memset(block, 'x', sizeof(block));
	archive_write_data(a, block, sizeof(block));
	for (int i = 0; i < (4 << 20) / 4096 - 1; i++)
		archive_write_data(a, block, sizeof(block));
	archive_entry_free(entry);
	archive_write_close(a);
	archive_write_free(a);
	is_int(unpack_bytes(bytes, used), 0, "a sparse file: %s", e.msg);
	stat("s/sparse", &st);
	is_int(st.st_size, 8 << 20, "its size");
	ok(st.st_blocks * 512 < 1 << 20, "takes no room for its holes");
	fd = open("s/sparse", O_RDONLY | O_CLOEXEC);
	ok(pread(fd, &c, 1, 4 << 20) == 1 && c == 'x', "data is where it was");
	ok(pread(fd, &c, 1, (4 << 20) + 4096) == 1 && c == 0, "a hole behind it");
	close(fd);
}

static const char cap[] = {1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

static void test_attributes(void)
{
	static const char acl[] =
		"user::rwx,user:joe:r--:1000,group::r-x,mask::rwx,other::---";
	cleanup_buf struct buf b = {0}, r = {0}, got = {0};

	pax_record(&r, "SCHILY.xattr.user.a", "\0v", 2);
	pax_record(&r, "LIBARCHIVE.xattr.user.b", "AP8", 3);
	pax_record(&r, "SCHILY.xattr.security.capability", cap, sizeof(cap));
	pax_record(&r, "RHT.security.selinux", "u:r:rht_t:s0", 12);
	tar_pax(&b, &r);
	file(&b, "f", "");
	buf_free(&r);
	pax_record(&r, "SCHILY.xattr.security.selinux", "u:r:nul_t:s0", 13);
	pax_record(&r, "SCHILY.acl.access", acl, strlen(acl));
	pax_record(&r, "SCHILY.acl.default", acl, strlen(acl));
	tar_pax(&b, &r);
	tar_put(&b, (struct tar_entry){.name = "d", .type = '5', .mode = 0755});
	buf_free(&r);
	pax_record(&r, "SCHILY.xattr.trusted.x", "1", 1);
	tar_pax(&b, &r);
	file(&b, "hidden", "");
	tar_end(&b);
	is_int(unpack_buf(&b), 0, "attributes: %s", e.msg);
	is_str(attributes_at("f", &got),
		"security.capability=0100000200040000000000000000000000000000;"
		"user.a=0076;user.b=00ff;",
		"of SCHILY and LIBARCHIVE headers");
	is_str(db_label_text(db, record_at("f").label, &e), "u:r:rht_t:s0",
		"a label of an RHT header");
	is_str(db_label_text(db, record_at("d").label, &e), "u:r:nul_t:s0",
		"a label with its NUL");
	is_str(attributes_at("d", &got),
		"system.posix_acl_access=0200000001000700ffffffff02000400e8030000"
		"04000500ffffffff10000700ffffffff20000000ffffffff;"
		"system.posix_acl_default=0200000001000700ffffffff02000400e8030000"
		"04000500ffffffff10000700ffffffff20000000ffffffff;",
		"ACLs");
	is_str(attributes_at("hidden", &got), "trusted.x=31;", "trusted.* is kept");
	ok(strstr(warnings, "hidden: ") && u.warned == 1, "with a warning: %s", warnings);
}

static void damaged(const char *key, const void *value, size_t len, const char *want)
{
	cleanup_buf struct buf b = {0}, r = {0};

	pax_record(&r, key, value, len);
	tar_pax(&b, &r);
	file(&b, "f", "");
	tar_end(&b);
	is_int(unpack_buf(&b), -1, "refused: %s of %zu bytes", key, len);
	ok(strstr(e.msg, "f: ") && strstr(e.msg, want) && one_line(e.msg), "%s", e.msg);
}

static void test_names(void)
{
	cleanup_buf struct buf b = {0}, r = {0};

	pax_record(&r, "hdrcharset", "BINARY", 6);
	pax_record(&r, "path", "bin\xff\xfe", 5);
	tar_pax(&b, &r);
	file(&b, "x", "1");
	buf_free(&r);
	pax_record(&r, "path", "gr\xc3\xbc\xc3\x9f", 6);
	tar_pax(&b, &r);
	file(&b, "x", "2");
	buf_free(&r);
	pax_record(&r, "path", "raw\xe9", 4);
	tar_pax(&b, &r);
	file(&b, "x", "3");
	buf_free(&r);
	pax_record(&r, "linkpath", "gr\xc3\xbc\xc3\x9f", 6);
	tar_pax(&b, &r);
	tar_put(&b, (struct tar_entry){.name = "link", .type = '1', .link = "x"});
	file(&b, "plain\xff", "4");
	file(&b, "new\nline", "5");
	tar_end(&b);
	is_int(unpack_buf(&b), 0, "names of all kinds: %s", e.msg);
	ok(exists("s/bin\xff\xfe") && file_is("s/bin\xff\xfe", "1"), "hdrcharset=BINARY");
	ok(exists("s/gr\xc3\xbc\xc3\x9f"), "UTF-8");
	ok(exists("s/raw\xe9"), "no UTF-8, and nobody said so");
	ok(record_at("link").id &&
			record_at("link").id == record_at("gr\xc3\xbc\xc3\x9f").id,
		"the target of a hard link");
	ok(exists("s/plain\xff") && exists("s/new\nline"), "in a plain header");
	is_str(warnings, "", "nothing to warn of");
}

static void test_refused(void)
{
	cleanup_buf struct buf b = {0};

	file(&b, "../up", "x");
	file(&b, "a/../../up\n", "x");
	tar_put(&b, (struct tar_entry){.name = "abs", .type = '2', .link = "/tmp"});
	file(&b, "abs/x", "x");
	tar_put(&b, (struct tar_entry){.name = "out", .type = '2', .link = "../out"});
	file(&b, "out/x", "x");
	tar_put(&b, (struct tar_entry){.name = "h", .type = '1', .link = "../s.livery"});
	tar_put(&b, (struct tar_entry){.name = "h2", .type = '1', .link = "nowhere/x"});
	tar_put(&b, (struct tar_entry){.name = "h3", .type = '1', .link = "abs/passwd"});
	file(&b, "/abs/name", "x");
	file(&b, "good", "x");
	tar_end(&b);
	is_int(unpack_buf(&b), 0, "an archive full of tricks: %s", e.msg);
	is_int(u.refused, 8, "what would leave the tree is counted");
	is_int(u.entries, 3, "the rest is made");
	ok(strstr(warnings, "../up: ") && strstr(warnings, "a/../../up\\n: ") &&
			strstr(warnings, "abs/x: ") && strstr(warnings, "out/x: ") &&
			strstr(warnings, "h: ") && strstr(warnings, "/abs/name: "),
		"and named");
	ok(exists("s/good") && !exists("up") && !exists("out/x"), "nothing is outside");
}

/* What an archive says twice, and what it cannot put in the place of a directory. */
static void test_twice(void)
{
	cleanup_buf struct buf b = {0};

	file(&b, "a", "text");
	tar_put(&b, (struct tar_entry){.name = "a", .type = '1', .link = "./a"});
	tar_end(&b);
	is_int(unpack_buf(&b), 0, "a hard link to itself: %s", e.msg);
	ok(u.refused == 0 && u.entries == 2 && !*warnings, "is nothing to tell");
	ok(record_at("a").names == 1 && file_is("s/a", "text"), "the file is there");
	buf_free(&b);
	file(&b, "d/f", "text");
	file(&b, "d", "a file");
	tar_put(&b, (struct tar_entry){.name = "d", .type = '2', .link = "x"});
	tar_put(&b, (struct tar_entry){.name = "d", .type = '1', .link = "d/f"});
	file(&b, "last", "last");
	tar_end(&b);
	is_int(unpack_buf(&b), 0, "files over a full directory: %s", e.msg);
	ok(u.refused == 3 && strstr(warnings, "d: cannot replace a directory"),
		"each is told and counted");
	ok(file_is("s/d/f", "text") && file_is("s/last", "last"),
		"what was there stays, and what follows is made");
}

static void with_acl(struct buf *b, const char *name, const char *text)
{
	cleanup_buf struct buf r = {0}, acl = {0};

	buf_addf(&acl, "user::rwx,%s,group::r-x,mask::rwx,other::---", text);
	pax_record(&r, "SCHILY.acl.access", acl.data, acl.len);
	tar_pax(b, &r);
	file(b, name, "");
}

static void test_acl_names(void)
{
	cleanup_buf struct buf b = {0}, got = {0};

	file(&b, "etc/passwd", "joe:x:1000:1000::/:\n");
	with_acl(&b, "one", "user:joe:r--");
	file(&b, "etc/passwd", "ann:x:1001:1001::/:\n");
	file(&b, "etc/group", "joe:x:7:\n");
	with_acl(&b, "two", "user:joe:r--");
	with_acl(&b, "three", "user:ann:r--");
	with_acl(&b, "four", "group:joe:r--");
	tar_end(&b);
	is_int(unpack_buf(&b), 0, "ACLs with names only: %s", e.msg);
	for (int i = 0; i < 3; i++) {
		static const char *const paths[] = {"one", "two", "three"};
		const char *text = attributes_at(paths[i], &got);

		ok(strstr(text, i < 2 ? "02000400e8030000" : "02000400e9030000"),
			"%s: %s", paths[i], text);
	}
	ok(strstr(attributes_at("four", &got), "0800040007000000"), "a group");
	buf_free(&b);
	with_acl(&b, "early", "user:joe:r--");
	file(&b, "etc/passwd", "joe:x:1000:1000::/:\n");
	tar_end(&b);
	is_int(unpack_buf(&b), -1, "a name that comes too late");
	ok(strstr(e.msg, "early: its ACL has a name without a number, for which "
			 "etc/passwd") &&
			strstr(e.msg, "'joe'") && one_line(e.msg),
		"%s", e.msg);
}

static void test_failing(void)
{
	static char big[DB_XVALUE_MAX + 1];
	cleanup_buf struct buf b = {0};
	char text[3000];
	int bad = 0;

	memset(text, 't', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	file(&b, "a", text);
	file(&b, "b", text);
	tar_end(&b);
	for (size_t len = 1; len < b.len - 1024; len += 397) {
		/* An archive that ends between two entries is a whole one. */
		if (len == 3584)
			continue;
		if (unpack_bytes(b.data, len) != -1 || !one_line(e.msg)) {
			printf("# %zu bytes\n", len);
			bad++;
		}
	}
	is_int(bad, 0, "cut in an entry: it fails");
	is_int(unpack_bytes("", 0), -1, "no bytes: %s", e.msg);
	is_int(unpack_bytes("no archive, just some text\n", 27), -1, "a text: %s", e.msg);
	buf_free(&b);
	tar_end(&b);
	is_int(unpack_buf(&b), -1, "no entry: %s", e.msg);
	ok(strstr(e.msg, "empty") != NULL, "is an empty archive");
	damaged("SCHILY.xattr.security.capability", cap, 7,
		"security.capability is damaged");
	damaged("SCHILY.xattr.security.selinux", "a\0b", 3, "label");
	damaged("RHT.security.selinux", "<<none>>", 8, "label <<none>>");
	damaged("RHT.security.selinux", "u:r:\x1b[31mt", 10, "control character");
	damaged("SCHILY.xattr.security.selinux", "u:r:t\n\0", 7, "control character");
	damaged("SCHILY.xattr.user.big", big, sizeof(big), "user.big");
	damaged("SCHILY.xattr.user.", "x", 1, "attribute user. has no name");
	damaged("SCHILY.acl.access", "user:joe:rwx,user::r--,group::r--,other::r--", 44,
		"ACL");
}

int main(void)
{
	scratch_make();
	test_formats();
	test_hard_links();
	test_sparse();
	test_attributes();
	test_names();
	test_refused();
	test_twice();
	test_acl_names();
	test_failing();
	unpack_end();
	return done_testing();
}
