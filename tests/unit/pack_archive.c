/* SPDX-License-Identifier: MIT */
/* Trees as tar and cpio: what was written is read back, by this project and by others. */
#include "pack/archive.h"

#include <signal.h>
#include <sys/wait.h>

#include "image/digest.h"
#include "tests/unit/archive_util.h"

static struct engine *en;
static struct err e;

static const char label[] = "system_u:object_r:etc_t:s0";
static const char acl[] = "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\4\0\350\3\0\0\4\0\4\0"
			  "\377\377\377\377\20\0\6\0\377\377\377\377\40\0\0\0\377\377\377"
			  "\377";
static const char capability[] = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0";

static void put_content(struct listing_inode *in, const char *path)
{
	char name[512];

	snprintf(name, sizeof(name), "s/%s", path);
	digest_of(in, name);
}

static void make_stage(void)
{
	static char large[300000];

	put_dir("s");
	put_dir("s/dir");
	put_text("s/dir/file", "hello\n");
	put_text("s/empty", "");
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)(i * i / 7);
	memset(large + 8192, 0, 16384);
	put_file("s/large", large, sizeof(large));
	put_text("s/\303\244 \377\n", "x");
}

/* What cpio keeps. */
static void make_plain(struct listing *l)
{
	struct listing_inode *in;

	must_init(l);
	must_name(l, "", S_IFDIR | 01755)->uid = 7;
	must_name(l, "dir", S_IFDIR | 02750)->gid = 4000000000;
	in = must_name(l, "dir/file", S_IFREG | 04711);
	in->uid = 4000000000;
	put_content(in, "dir/file");
	must_name_again(l, "dir/hard", in);
	must_name_again(l, "z", in);
	put_content(must_name(l, "empty", S_IFREG), "empty");
	put_content(must_name(l, "large", S_IFREG | 0644), "large");
	put_content(must_name(l, "\303\244 \377\n", S_IFREG | 0644), "\303\244 \377\n");
	in = must_name(l, "char", S_IFCHR | 0600);
	in->major = 5;
	in->minor = 0xfffff;
	in = must_name(l, "block", S_IFBLK | 0660);
	in->major = 0xfff;
	in->minor = 1;
	must_name_again(l, "dir/block", in);
	must_name(l, "fifo", S_IFIFO | 0600)->mtime = UINT32_MAX;
	in = must_target(l, "link", "no/where");
	must_name_again(l, "link2", in);
}

/* What tar keeps beside that. */
static void make_full(struct listing *l)
{
	struct listing_inode *in;
	char name[251], target[300];

	make_plain(l);
	in = at(l, "dir/file");
	in->mtime = -7;
	in->mtime_ns = 250000000;
	must_xattr(l, in, "security.selinux", label, sizeof(label));
	must_xattr(l, in, "security.capability", capability, 20);
	must_xattr(l, in, "user.bytes", "\0=\n\377", 4);
	must_xattr(l, in, "user.empty", "", 0);
	must_xattr(l, in, "user.name with \303\244", "v", 1);
	in = at(l, "large");
	in->mtime = INT64_C(1) << 35;
	in->mtime_ns = 1;
	in->mode = S_IFREG | 0660;
	must_xattr(l, in, "system.posix_acl_access", acl, 44);
	in = at(l, "dir");
	in->mtime = -3;
	must_xattr(l, in, "system.posix_acl_default", acl, 44);
	must_xattr(l, in, "trusted.overlay.opaque", "y", 1);
	at(l, "empty")->mtime_ns = 120000000;
	in = at(l, "link");
	must_xattr(l, in, "security.selinux", label, sizeof(label));
	at(l, "char")->mtime_ns = 999999999;
	memset(name, 'n', 250);
	name[250] = 0;
	must_name(l, name, S_IFDIR | 0700);
	memset(target, 't', 299);
	target[299] = 0;
	snprintf(name + 240, 11, "%s", "-link");
	must_target(l, name, target);
}

static void must_write(
	const char *file, enum archive_format format, const struct listing *l)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || archive_stream(fd, format, en, l, &e) < 0 || close(fd) < 0)
		errx(1, "%s: %s", file, e.msg);
}

static void test_round(
	const char *file, enum archive_format format, void (*make)(struct listing *l))
{
	struct listing want, got;
	size_t len;

	make(&want);
	must_finish(&want);
	must_write(file, format, &want);
	must_list(&got, file, list_archive);
	same_listing(&want, &got, file);
	free(get_file(file, &len));
	is_int(len % (format == ARCHIVE_TAR ? 10240 : 512), 0, "%s: padded", file);
	must_write("again", format, &got);
	run("cmp -s %s again", file);
	ok(true, "%s: and the same bytes from what was read", file);
	listing_free(&want);
	listing_free(&got);
}

/* Lines of a command's output that hold the text. */
static void says(const char *text, const char *command)
{
	char *out;
	FILE *p;

	run("%s > out 2>&1", command);
	out = get_file("out", NULL);
	p = fopen("out", "r");
	if (!ok(strstr(out, text), "%s: %s", command, text))
		for (int c; (c = fgetc(p)) != EOF;)
			putchar(c);
	fclose(p);
	free(out);
}

static void test_others(void)
{
	struct stat st;

	says("-rws--x--x 4000000000/0", "tar --numeric-owner -tvf full.tar");
	says("./dir/hard link to ./dir/file", "tar -tvf full.tar");
	says("3058-", "TZ=UTC tar --full-time -tvf full.tar ./large");
	says("a: user::rw-,user:1000:r--,group::r--",
		"tar --acls --xattrs --xattrs-include='*' -tvvf full.tar");
	says("s: system_u:object_r:etc_t:s0", "tar --selinux -tvvf full.tar ./dir/file");
	says("user.bytes", "tar --xattrs --xattrs-include='*' -tvvf full.tar");
	says("dir/hard", "bsdtar -tvf full.tar");
	says("-rws--x--x   3 4000000000", "cpio -itvn < plain.cpio");
	run("mkdir x && cd x && cpio -idm --quiet dir/file dir/hard z large link "
	    "< ../plain.cpio && cmp large ../s/large && cmp z ../s/dir/file && "
	    "test z -ef dir/hard && test no/where = $(readlink link)");
	ok(true, "cpio extracts files and their links");
	run("mkdir y && cd y && tar -xf ../full.tar --no-same-owner "
	    "--no-same-permissions "
	    "--exclude=./char --exclude='./*block' 2> /dev/null && "
	    "cmp large ../s/large && test 300000 = $(stat -c %%s large)");
	ok(true, "tar extracts");
	if (stat("y/dir/hard", &st) < 0)
		err(1, "y");
	ok(st.st_mtim.tv_sec == -7 && st.st_mtim.tv_nsec == 250000000,
		"and has times before 1970 right");
}

/* The image that a tool makes of the tar: all but ACLs and fractions of a second. */
static void test_squashfs(const char *tool, const char *command, bool root)
{
	struct listing want, got;

	make_full(&want);
	must_finish(&want);
	/* Squashfs has unsigned seconds, and no room for ACLs. */
	at(&want, "dir/file")->mtime = 5;
	at(&want, "dir")->mtime = 5;
	at(&want, "large")->mtime = 5;
	at(&want, "dir")->xattr_count = 1;
	((struct listing_xattr *)(uintptr_t)at(&want, "dir")->xattrs)[0] =
		(struct listing_xattr){"trusted.overlay.opaque", "y", 1};
	at(&want, "large")->xattr_count = 0;
	must_write("sq.tar", ARCHIVE_TAR, &want);
	run("rm -f sq.sqfs && %s > out 2>&1", command);
	must_list(&got, "sq.sqfs", list_squashfs);
	if (!root) {
		at(&want, "")->mode = at(&got, "")->mode;
		at(&want, "")->uid = at(&got, "")->uid;
		at(&want, "")->gid = at(&got, "")->gid;
		at(&want, "")->mtime = at(&got, "")->mtime;
	}
	same_listing(&want, &got, tool);
	listing_free(&want);
	listing_free(&got);
}

static void refuses(struct listing *l, enum archive_format format, const char *text)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	must_finish(l);
	e = (struct err){0};
	ok(archive_stream(fd, format, en, l, &e) < 0 && strstr(e.msg, text), "%s: %s",
		text, e.msg);
	is_int(e.code, ERR_REFUSED, "is refused");
	close(fd);
	listing_free(l);
}

static void test_refused(void)
{
	struct listing l;

	make_plain(&l);
	must_name(&l, "dir/sock", S_IFSOCK | 0600);
	refuses(&l, ARCHIVE_TAR, "/dir/sock: tar cannot keep a socket");
	make_plain(&l);
	must_xattr(&l, at(&l, "fifo"), "trusted.a=b", "v", 1);
	refuses(&l, ARCHIVE_TAR, "/fifo: tar cannot keep an attribute of this name");
	make_plain(&l);
	for (int i = 0; i < 20; i++) {
		static const char value[65536];
		char name[32];

		snprintf(name, sizeof(name), "trusted.%d", i);
		must_xattr(&l, at(&l, "fifo"), name, value, sizeof(value));
	}
	refuses(&l, ARCHIVE_TAR, "1 MiB");
	make_plain(&l);
	must_xattr(&l, at(&l, "dir"), "user.a", "v", 1);
	refuses(&l, ARCHIVE_CPIO, "/dir has the attribute user.a");
	make_plain(&l);
	at(&l, "fifo")->mtime = -1;
	refuses(&l, ARCHIVE_CPIO, "/fifo: cpio cannot keep its modification time");
	make_plain(&l);
	at(&l, "fifo")->mtime = INT64_C(1) << 32;
	refuses(&l, ARCHIVE_CPIO, "modification time");
	make_plain(&l);
	must_name(&l, "TRAILER!!!", S_IFREG);
	refuses(&l, ARCHIVE_CPIO, "this name ends the archive");
	make_plain(&l);
	at(&l, "large")->size = UINT64_C(1) << 32;
	refuses(&l, ARCHIVE_CPIO, "4 GiB");
}

static void test_socket(void)
{
	struct listing want, got;

	make_plain(&want);
	must_name(&want, "sock", S_IFSOCK | 0640);
	must_finish(&want);
	must_write("sock.cpio", ARCHIVE_CPIO, &want);
	must_list(&got, "sock.cpio", list_archive);
	same_listing(&want, &got, "a socket in cpio");
	listing_free(&want);
	listing_free(&got);
}

/* Inode numbers do not depend on where anything lies. */
static void test_numbers(void)
{
	char *data = get_file("plain.cpio", NULL);

	ok(strncmp(data + 6, "00000001", 8) == 0, "the root is inode 1");
	free(data);
}

static void fails(const struct listing *l, int fd, const char *text)
{
	e = (struct err){0};
	ok(archive_stream(fd, ARCHIVE_TAR, en, l, &e) < 0 && strstr(e.msg, text),
		"%s: %s", text, e.msg);
}

static void test_failures(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct listing l;
	int ends[2];

	make_plain(&l);
	must_finish(&l);
	fails(&l, fd, "No space left");
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	if (pipe(ends) < 0)
		err(1, "pipe");
	close(ends[0]);
	fails(&l, ends[1], "Broken pipe");
	close(ends[1]);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	at(&l, "large")->size++;
	fails(&l, fd, "/large: it changed while it was read");
	at(&l, "large")->size -= 2;
	fails(&l, fd, "/large: it changed while it was read");
	close(fd);
	listing_free(&l);
}

int main(void)
{
	const struct engine_options o = {0};

	scratch_make();
	make_stage();
	en = must_engine("s", NULL, DB_SEALED, o);
	test_round("plain.tar", ARCHIVE_TAR, make_plain);
	test_round("full.tar", ARCHIVE_TAR, make_full);
	test_round("plain.cpio", ARCHIVE_CPIO, make_plain);
	test_others();
	/* sqfstar has options for the root directory, and takes it from no archive. */
	test_squashfs("sqfstar", "sqfstar -quiet -no-progress sq.sqfs < sq.tar", false);
	test_squashfs("tar2sqfs", "tar2sqfs -q sq.sqfs < sq.tar", true);
	test_refused();
	test_socket();
	test_numbers();
	test_failures();
	engine_close(en);
	return done_testing();
}
