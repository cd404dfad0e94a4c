/* SPDX-License-Identifier: MIT */
/* A directory listed as the kernel shows it is what the engine says of the same tree. */
#include <grp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "image/compare.h"
#include "image/manifest.h"
#include "image/source.h"
#include "tests/unit/listing_util.h"
#include "tests/unit/tree.h"

static void set_attribute(
	const char *path, const char *name, const void *value, size_t len)
{
	if (setxattr(path, name, value, len, 0) < 0)
		err(1, "%s: %s", path, name);
}

static void put_large(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, 700001) < 0 || pwrite(fd, "x", 1, 4096) != 1 ||
		pwrite(fd, "x", 1, 300000) != 1 || close(fd) < 0)
		err(1, "%s", path);
}

static void put_time(const char *path, time_t s, long ns)
{
	const struct timespec t[2] = {{s, ns}, {s, ns}};

	if (utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW) < 0)
		err(1, "%s", path);
}

static void make_tree(void)
{
	char target[4096], name[256] = "";

	put_dir("s");
	put_dir("s/d");
	put_dir("s/d/e");
	put_text("s/d/e/f", "content");
	put_text("s/d-", "beside");
	put_text("s/empty", "");
	put_large("s/large");
	memset(target, 't', sizeof(target) - 1);
	target[sizeof(target) - 1] = 0;
	put_link(target, "s/longest");
	put_link("e", "s/d/short");
	memset(name, 'n', 255);
	memcpy(name, "s/", 2);
	put_text(name, "long name");
	put_text("s/\xff\n", "odd");
	if (mkfifo("s/fifo", 0620) < 0 || link("s/d-", "s/d/hard") < 0 ||
		link("s/fifo", "s/d/e/fifo") < 0 ||
		linkat(AT_FDCWD, "s/d/short", AT_FDCWD, "s/linked", 0) < 0 ||
		chmod("s/d-", 06751) < 0 || chmod("s/d", 01770) < 0)
		err(1, "s");
	set_attribute("s/large", "user.two", "\0\1", 2);
	set_attribute("s/large", "user.one", "", 0);
	set_attribute("s/d", "user.dir", "x", 1);
	set_attribute("s", "user.root", "y", 1);
	put_time("s/empty", 86400, 123456789);
	put_time("s/longest", -5, 0);
}

static int differences;

static void show(void *arg, const struct difference *d)
{
	(void)arg;
	if (differences++ < 9)
		printf("# %s %s: %s, %s\n", d->path, d->field, d->expected, d->found);
}

static void list_both(const char *tree, struct listing *en, struct listing *native)
{
	const struct engine_options o = {.uid = geteuid(), .gid = getegid()};
	struct engine *engine = must_engine(tree, NULL, DB_READ, o);
	struct err e = {0};

	must_init(en, "engine");
	must_init(native, "native");
	if (list_engine(en, engine, &e) < 0 || list_directory(native, tree, &e) < 0)
		errx(1, "%s", e.msg);
	engine_close(engine);
}

static const struct listing_inode *at(const struct listing *l, const char *path)
{
	const struct listing_entry *entry = listing_find(l, path);

	if (!entry)
		errx(1, "%s is not listed", path);
	return entry->inode;
}

static void test_facts(const struct listing *l)
{
	is_int(l->count, 15, "%s: all names", l->name);
	ok(at(l, "d-") == at(l, "d/hard") && at(l, "d-")->names == 2, "a hard link");
	ok(at(l, "fifo") == at(l, "d/e/fifo"), "of a fifo");
	ok(at(l, "linked") == at(l, "d/short"), "of a link");
	is_int(at(l, "longest")->size, 4095, "the longest target");
	is_int(at(l, "longest")->mtime, -5, "an old time");
	is_int(at(l, "empty")->mtime_ns, 123456789, "a fraction of a second");
	is_int(at(l, "d-")->mode, S_IFREG | 06751, "a mode");
	is_int(at(l, "large")->data_blocks, 2, "blocks of a sparse file");
	is_int(at(l, "large")->xattr_count, 2, "its attributes");
	is_int(at(l, "")->xattr_count, 1, "the root's");
	is_int(at(l, "")->uid, geteuid(), "the owner");
}

static void test_tree(void)
{
	cleanup_listing struct listing en = {0}, native = {0};
	char x[MANIFEST_DIGEST_SIZE], y[MANIFEST_DIGEST_SIZE];
	struct err e = {0};

	list_both("s", &en, &native);
	is_int(compare_listings(&en, &native, show, NULL, &e), 0,
		"the engine and the kernel agree");
	is_int(manifest_digest(&en, x, &e) | manifest_digest(&native, y, &e), 0,
		"two manifests");
	is_str(x, y, "with one digest");
	test_facts(&en);
	test_facts(&native);
}

/* A file whose path is longer than the kernel takes, in a directory where it is not. */
static void test_deep(void)
{
	cleanup_listing struct listing en = {0}, native = {0};
	struct err e = {0};
	char name[251];

	memset(name, 'n', 250);
	name[250] = 0;
	put_dir("deep");
	if (chdir("deep") < 0)
		err(1, "deep");
	for (int i = 0; i < 16; i++) {
		put_dir(name);
		if (chdir(name) < 0)
			err(1, "%s", name);
	}
	put_text(name, "content");
	if (chdir(scratch_dir) < 0)
		err(1, "%s", scratch_dir);
	list_both("deep", &en, &native);
	is_int(compare_listings(&en, &native, show, NULL, &e), 0, "a long path");
	is_int(strlen(native.entries[17].path), 17 * 251 - 1, "is one");
	ok(native.entries[17].inode->digested, "and what it leads to is read");
}

static void fails(const char *path, const char *text)
{
	cleanup_listing struct listing l = {0};
	struct err e = {0};

	must_init(&l, path);
	is_int(list_directory(&l, path, &e), -1, "%s is not listed", path);
	ok(strstr(e.msg, text) && one_line(e.msg), "the reason: %s", e.msg);
}

static void test_errors(void)
{
	fails("none", "none: No such file");
	fails("s/empty", "s/empty: Not a directory");
	/* Files of this kind say that they are empty, and are not. */
	fails("/proc/self/fdinfo", "changed while it was read");
}

static int run_all(void)
{
	scratch_make();
	make_tree();
	test_tree();
	test_deep();
	test_errors();
	return done_testing();
}

/* The same as somebody who may neither copy mounts nor read what is not his. */
static int run_as_user(void)
{
	int told = memfd_create("told", 0), status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0 || told < 0)
		err(1, "fork");
	if (pid == 0) {
		dup2(told, 1);
		if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
			err(1, "setuid");
		exit(run_all());
	}
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (status != 0) {
		char byte;

		lseek(told, 0, SEEK_SET);
		for (putchar('#'); read(told, &byte, 1) == 1; putchar(byte))
			if (byte == '\n')
				fputs("\n#", stdout);
		putchar('\n');
	}
	close(told);
	return status;
}

int main(void)
{
	if (geteuid() == 0)
		is_int(run_as_user(), 0, "all of this as an ordinary user too");
	return run_all();
}
