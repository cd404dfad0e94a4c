/* SPDX-License-Identifier: MIT */
/* The staging tree as files: nothing in it leads out, however deep it is. */
#include "fs/stage.h"

#include <limits.h>

#include "tests/unit/tree.h"

#define LEVELS 24 /* of 250 bytes: deeper than PATH_MAX */

static struct stage *stage;
static struct err e;

static void opens(const char *path, int flags, const char *what)
{
	int fd = stage_openat(stage, path, flags, &e);

	ok(fd >= 0, "%s", what);
	if (fd >= 0) {
		ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "%s: close-on-exec", what);
		close(fd);
	}
}

static void refuses(const char *path, int want, const char *what)
{
	int fd;

	e = (struct err){0};
	fd = stage_openat(stage, path, O_RDONLY, &e);
	is_int(fd, -1, "%s", what);
	is_int(e.sys, want, "%s: errno", what);
	ok(strstr(e.msg, stage_path(stage)) && one_line(e.msg), "%s: %.120s", what,
		e.msg);
}

static void test_open(void)
{
	struct stage *other;
	struct stat a, b;

	is_int(stage_open(&other, "missing", &e), -1, "no directory");
	is_int(e.sys, ENOENT, "is ENOENT");
	ok(!other && strstr(e.msg, "missing"), "named: %s", e.msg);
	put_text("file", "");
	is_int(stage_open(&other, "file", &e), -1, "a file");
	is_int(e.sys, ENOTDIR, "is ENOTDIR");
	put_link("s/../s", "link");
	is_int(stage_open(&other, "link", &e), 0, "a link to the tree");
	is_str(stage_path(other), stage_path(stage), "has the tree's own path");
	ok(stage_path(other)[0] == '/', "which is absolute");
	fstat(stage_root(other), &a);
	stat("s", &b);
	ok(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "and root");
	stage_close(other);
	stage_close(NULL);
	if (geteuid() != 0) {
		is_int(stage_open(&other, "/", &e), -1, "somebody else's directory");
		is_int(e.code, ERR_REFUSED, "is refused: %s", e.msg);
	}
}

static void test_contained(void)
{
	put_dir("out");
	put_text("out/secret", "x");
	put_dir("s/d");
	put_text("s/d/f", "x");
	put_link("d", "s/inside");
	put_link("../out", "s/up");
	put_link("/etc", "s/abs");
	put_link("loop", "s/loop");
	put_link("/proc/self/root", "s/magic");
	opens("", O_RDONLY, "the root");
	opens("d/f", O_RDONLY, "a file");
	opens("inside", O_PATH, "a link itself");
	refuses("inside/f", ELOOP, "through a link inside");
	refuses("up/secret", ELOOP, "through a link upwards");
	refuses("abs/passwd", ELOOP, "through an absolute link");
	refuses("magic/etc", ELOOP, "through a magic link");
	refuses("loop", ELOOP, "a link for its content");
	refuses("..", EXDEV, "above the root");
	refuses("d/../../out/secret", EXDEV, "around the root");
	refuses("/etc/passwd", EXDEV, "an absolute path");
	refuses("none", ENOENT, "what is not there");
	refuses("d/f/x", ENOTDIR, "below a file");
	refuses("no\nne", ENOENT, "a name with a newline");
	ok(stage_open_below(stage_root(stage), "../out", O_PATH, 0) < 0 && errno == EXDEV,
		"stage_open_below is as strict");
	ok(stage_open_below(
		   stage_root(stage), "new", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0,
		"and makes files");
	put_link("made-outside", "s/dangling");
	ok(stage_open_below(stage_root(stage), "dangling", O_WRONLY | O_CREAT, 0600) < 0,
		"but not through a link");
	ok(!exists("s/made-outside"), "nothing was made");
}

static void test_mounts(void)
{
	struct stage *root;

	if (geteuid() == 0) {
		root = must_stage("/");
		is_int(stage_openat(root, "proc/self", O_PATH, &e), -1, "a mount point");
		is_int(e.sys, EXDEV, "is not crossed");
		stage_close(root);
	}
	ok(stage_open_below(AT_FDCWD, "/proc/self", O_PATH, 0) < 0, "no absolute name");
}

static void test_deep(void)
{
	char path[LEVELS * 251 + 8] = "";
	char name[252];
	int fd = stage_openat(stage, "", O_RDONLY, &e);
	char *p = path;

	memset(name, 'n', 250);
	name[250] = '\0';
	for (int i = 0; i < LEVELS; i++) {
		int below;

		if (mkdirat(fd, name, 0755) < 0)
			err(1, "mkdir");
		below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = below;
		p += sprintf(p, "%s%s", i ? "/" : "", name);
	}
	close(openat(fd, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	if (symlinkat("/etc", fd, "l") < 0)
		err(1, "symlink");
	close(fd);
	ok(strlen(path) > PATH_MAX, "a path of %zu bytes", strlen(path));
	opens(path, O_RDONLY, "a directory deeper than PATH_MAX");
	strcpy(p, "/f");
	opens(path, O_RDONLY, "a file in it");
	strcpy(p, "/l/x");
	refuses(path, ELOOP, "a link in it");
	strcpy(p, "/none");
	refuses(path, ENOENT, "what is not in it");
	path[250] = 'x';
	refuses(path, ENAMETOOLONG, "a name of 501 bytes above");
	path[0] = 'x';
	path[250] = '/';
	refuses(path, ENOENT, "a directory that is missing at its top");
	memset(path, 'y', sizeof(path) - 1);
	e = (struct err){0};
	is_int(stage_openat(stage, path, O_RDONLY, &e), -1, "one name of that length");
}

static void test_list(void)
{
	static const char *const names[] = {"b", "a", "a-", "A", "\x01", "\xff", "a\nb"};
	struct stage_list l;
	char text[64] = "";
	struct stat st;
	int fd;

	put_dir("s/list");
	fd = stage_openat(stage, "list", O_RDONLY | O_DIRECTORY, &e);
	is_int(stage_list(fd, "list", &l, &e), 0, "an empty directory");
	is_int(l.count, 0, "has no names");
	stage_list_free(&l);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		close(openat(fd, names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
	is_int(stage_list(fd, "list", &l, &e), 0, "one with seven");
	for (size_t i = 0; i < l.count; i++)
		sprintf(text + strlen(text), "%s ", l.entries[i].name);
	is_str(text, "\x01 A a a\nb a- b \xff ", "sorted bytewise");
	fstatat(fd, "b", &st, 0);
	ok(l.count == 7 && l.entries[5].st.stx_ino == st.st_ino &&
			stage_dev(&l.entries[5].st) == st.st_dev &&
			l.entries[5].st.stx_mode == (S_IFREG | 0640),
		"with what they are");
	stage_list_free(&l);
	ok(!l.entries && !l.count, "freed");
	close(fd);
	fd = stage_openat(stage, "d/f", O_RDONLY, &e);
	is_int(stage_list(fd, "d/f", &l, &e), -1, "a file is no directory");
	close(fd);
}

int main(void)
{
	scratch_make();
	put_dir("s");
	stage = must_stage("s");
	test_open();
	test_contained();
	test_mounts();
	test_deep();
	test_list();
	stage_close(stage);
	return done_testing();
}
