/* SPDX-License-Identifier: MIT */
/* What is the same for every call that takes a path. System calls as they are, since
 * glibc or a sanitizer may look at a bad pointer first. */
#include "tests/view/posix.h"

#include <linux/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

/* OLD: on a path that is there; NEW: of a path that it makes. */
enum {
	OLD = 0,
	NEW = 1,
	FOLLOWS = 2
};

struct call {
	const char *name;
	int (*fn)(const char *path);
	int flags;
	const char *object; /* what it works on */
	int slash;          /* how it fails on "name/", 0: works */
};

static int do_chmod(const char *path)
{
	return syscall(SYS_fchmodat, AT_FDCWD, path, 0600);
}
static int do_chown(const char *path)
{
	return syscall(SYS_fchownat, AT_FDCWD, path, 11, 12, 0);
}
static int do_lchown(const char *path)
{
	return syscall(SYS_fchownat, AT_FDCWD, path, 11, 12, AT_SYMLINK_NOFOLLOW);
}
static int do_stat(const char *path)
{
	char buf[512];

	return syscall(SYS_statx, AT_FDCWD, path, 0, STATX_BASIC_STATS, buf);
}
static int do_lstat(const char *path)
{
	char buf[512];

	return syscall(
		SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, buf);
}
static int do_statfs(const char *path)
{
	struct statfs buf;

	return syscall(SYS_statfs, path, &buf);
}
static int do_access(const char *path)
{
	return syscall(SYS_faccessat, AT_FDCWD, path, R_OK);
}
static int do_open(const char *path)
{
	return syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
}
static int do_open_write(const char *path)
{
	return syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_TRUNC);
}
static int do_create(const char *path)
{
	return syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, 0644);
}
static int do_create_excl(const char *path)
{
	return syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
}
static int do_opendir(const char *path)
{
	return syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
}
static int do_chdir(const char *path)
{
	return syscall(SYS_chdir, path);
}
static int do_mkdir(const char *path)
{
	return syscall(SYS_mkdirat, AT_FDCWD, path, 0755);
}
static int do_mkfifo(const char *path)
{
	return syscall(SYS_mknodat, AT_FDCWD, path, S_IFIFO | 0644, 0);
}
static int do_mknod(const char *path)
{
	return syscall(SYS_mknodat, AT_FDCWD, path, S_IFREG | 0644, 0);
}
static int do_symlink(const char *path)
{
	return syscall(SYS_symlinkat, "target", AT_FDCWD, path);
}
static int do_link_from(const char *path)
{
	return syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, "link", 0);
}
static int do_link_to(const char *path)
{
	return syscall(SYS_linkat, AT_FDCWD, "source", AT_FDCWD, path, 0);
}
static int do_rename_from(const char *path)
{
	return syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, "renamed", 0);
}
static int do_rename_to(const char *path)
{
	return syscall(SYS_renameat2, AT_FDCWD, "source", AT_FDCWD, path, 0);
}
static int do_rmdir(const char *path)
{
	return syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}
static int do_unlink(const char *path)
{
	return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
static int do_truncate(const char *path)
{
	return syscall(SYS_truncate, path, 3L);
}
static int do_utimensat(const char *path)
{
	return syscall(SYS_utimensat, AT_FDCWD, path, NULL, 0);
}
static int do_lutimensat(const char *path)
{
	return syscall(SYS_utimensat, AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}
static int do_readlink(const char *path)
{
	char buf[100];

	return syscall(SYS_readlinkat, AT_FDCWD, path, buf, sizeof(buf));
}
static int do_getxattr(const char *path)
{
	char buf[100];
	int got = syscall(SYS_getxattr, path, "user.none", buf, sizeof(buf));

	return got == -1 && errno == ENODATA ? 0 : got;
}

static const struct call calls[] = {
	{"chmod", do_chmod, FOLLOWS, "file", ENOTDIR},
	{"chown", do_chown, FOLLOWS, "file", ENOTDIR},
	{"lchown", do_lchown, OLD, "file", ENOTDIR},
	{"stat", do_stat, FOLLOWS, "file", ENOTDIR},
	{"lstat", do_lstat, OLD, "file", ENOTDIR},
	{"statfs", do_statfs, FOLLOWS, "file", ENOTDIR},
	{"access", do_access, FOLLOWS, "file", ENOTDIR},
	{"open", do_open, FOLLOWS, "file", ENOTDIR},
	{"open O_WRONLY|O_TRUNC", do_open_write, FOLLOWS, "file", ENOTDIR},
	{"open O_CREAT", do_create, NEW | FOLLOWS, "new", EISDIR},
	{"open O_CREAT|O_EXCL", do_create_excl, NEW, "new", EISDIR},
	{"open O_DIRECTORY", do_opendir, FOLLOWS, "dir", 0},
	{"chdir", do_chdir, FOLLOWS, "dir", 0},
	{"mkdir", do_mkdir, NEW, "new", 0},
	{"mkfifo", do_mkfifo, NEW, "new", ENOENT},
	{"mknod", do_mknod, NEW, "new", ENOENT},
	{"symlink", do_symlink, NEW, "new", ENOENT},
	{"link (from)", do_link_from, OLD, "file", ENOTDIR},
	{"link (to)", do_link_to, NEW, "new", ENOENT},
	{"rename (from)", do_rename_from, OLD, "file", ENOTDIR},
	{"rename (to)", do_rename_to, NEW, "new", ENOTDIR},
	{"rmdir", do_rmdir, OLD, "dir", 0},
	{"unlink", do_unlink, OLD, "file", ENOTDIR},
	{"truncate", do_truncate, FOLLOWS, "file", ENOTDIR},
	{"utimensat", do_utimensat, FOLLOWS, "file", ENOTDIR},
	{"utimensat AT_SYMLINK_NOFOLLOW", do_lutimensat, OLD, "file", ENOTDIR},
	{"readlink", do_readlink, OLD, "link of use", ENOTDIR},
	{"getxattr", do_getxattr, FOLLOWS, "file", ENOTDIR},
};

static void prepare(void)
{
	put("file", "content");
	put("source", "source");
	works(mkdir("dir", 0755));
	works(symlink("file", "link of use"));
	works(symlink("nowhere", "dangling"));
	works(symlink("loop", "loop"));
	works(symlink("other", "another"));
	works(symlink("another", "other"));
}

/* Nothing has come or gone: the call failed as if it had not been made. */
static void untouched(void)
{
	is(of("file").st_nlink, 1);
	is(of("file").st_size, 7);
	is(of("source").st_nlink, 1);
	that(missing("new") && missing("link") && missing("renamed") &&
		missing("nowhere"));
	is(of(".").st_nlink, 3);
}

/* All paths that are refused, one after the other: each leaves everything as it was. */
static void refused(const void *arg)
{
	const struct call *call = arg;
	bool makes = call->flags & NEW, follows = call->flags & FOLLOWS;
	char prefix[300], slash[40];
	const struct {
		const char *path, *what;
		int error;
		bool applies;
	} cases[] = {
		{"file/name", "a file as a directory", ENOTDIR, true},
		{"fifo/name", "a fifo as a directory", ENOTDIR, true},
		{"nowhere/name", "a missing directory", ENOENT, true},
		{"dangling/name", "a dangling link as a directory", ENOENT, true},
		{"another/name", "a loop of links as a directory", ELOOP, true},
		{"", "an empty path", ENOENT, true},
		{bad_pointer(), "a bad pointer", EFAULT, true},
		{long_name(256), "a name of 256 bytes", ENAMETOOLONG, true},
		{prefix, "a directory's name of 256 bytes", ENAMETOOLONG, true},
		{long_path(4096, call->object), "a path of 4096 bytes", ENAMETOOLONG,
			true},
		{"nowhere", "a missing name", ENOENT, !makes},
		{"dangling", "a dangling link", ENOENT, follows && !makes},
		{"loop", "a link to itself", ELOOP, follows},
		{slash, "a slash at the end", call->slash, call->slash},
	};
	struct stat before;

	sprintf(prefix, "%s/name", long_name(256));
	sprintf(slash, "%s/", call->object);
	prepare();
	works(mkfifo("fifo", 0644));
	before = of("file");
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (!cases[i].applies)
			continue;
		if (call->fn(cases[i].path) != -1)
			posix_fail(__FILE__, __LINE__, 0, "%s works", cases[i].what);
		if (errno != cases[i].error)
			posix_fail(__FILE__, __LINE__, errno, "%s: %s, not %s",
				cases[i].what, strerrorname_np(errno),
				strerrorname_np(cases[i].error));
		untouched();
	}
	moved_on("file", &before, 0);
}

static void longest_path(const void *arg)
{
	const struct call *call = arg;

	prepare();
	works(call->fn(long_path(4095, call->object)));
}

static void longest_name(const void *arg)
{
	const struct call *call = arg;

	prepare();
	if (!(call->flags & NEW))
		works(rename(call->object, long_name(255)));
	works(call->fn(long_name(255)));
}

/*
 * Through a link: the call's object is what the link leads to. Where the kernel has to
 * begin a path anew, since a name on it changed or was forgotten meanwhile, it goes on
 * counting links (total_link_count of fs/namei.c), and is asked again. A native directory
 * that is renamed meanwhile shows it: most of such calls from within are ELOOP.
 */
static void through_links(const void *arg)
{
	const struct call *call = arg;
	char name[20], target[20] = "";
	int rc;

	prepare();
	strcpy(target, call->object);
	for (int i = 1; i <= 40; i++) {
		sprintf(name, "link%d", i);
		works(symlink(target, name));
		strcpy(target, name);
	}
	for (int i = 0; i < 5; i++) {
		rc = call->fn("link40");
		if (rc >= 0 || errno != ELOOP)
			break;
	}
	works(rc);
}

static void through_too_many_links(const void *arg)
{
	const struct call *call = arg;
	char name[20], target[20] = "";

	prepare();
	strcpy(target, call->object);
	for (int i = 1; i <= 41; i++) {
		sprintf(name, "link%d", i);
		works(symlink(target, name));
		strcpy(target, name);
	}
	fails(call->fn("link41"), ELOOP);
	untouched();
}

static void slash_at_the_end(const void *arg)
{
	const struct call *call = arg;
	char path[40];

	prepare();
	sprintf(path, "%s/", call->object);
	works(call->fn(path));
}

TESTS(paths)
{
	for (size_t i = 0; i < COUNT(calls); i++) {
		const struct call *call = &calls[i];

		posix_add(refused, call, "%s: paths that are refused", call->name);
		posix_add(
			longest_path, call, "%s: a path of 4095 bytes works", call->name);
		posix_add(
			longest_name, call, "%s: a name of 255 bytes works", call->name);
		if (!call->slash)
			posix_add(slash_at_the_end, call, "%s: a slash at the end works",
				call->name);
		if (!(call->flags & FOLLOWS))
			continue;
		posix_add(through_links, call, "%s: 40 links are followed", call->name);
		posix_add(through_too_many_links, call, "%s: 41 links are ELOOP",
			call->name);
	}
}

/* --- what is there already */

struct taken {
	const struct call *call;
	enum kind kind;
};

static void taken(const void *arg)
{
	const struct taken *t = arg;
	struct stat name, directory;

	put("source", "source");
	make(t->kind, "name");
	name = of("name");
	directory = of(".");
	tick();
	fails(t->call->fn("name"), EEXIST);
	moved_on("name", &name, 0);
	moved_on(".", &directory, 0);
	is(of("source").st_nlink, 1);
}

static void made_in(const void *arg)
{
	const struct call *call = arg;
	struct stat before;

	works(mkdir("parent", 0755));
	put("source", "source");
	before = of("parent");
	tick();
	works(call->fn("parent/new"));
	moved_on("parent", &before, MTIME | CTIME);
	/* The next one must not take what the first one changed for granted. */
	before = of("parent");
	tick();
	fails(call->fn("parent/missing/new"), ENOENT);
	moved_on("parent", &before, 0);
}

TESTS(existing)
{
	for (size_t i = 0; i < COUNT(calls); i++) {
		if (!(calls[i].flags & NEW))
			continue;
		posix_add(made_in, &calls[i], "%s: the directory's times", calls[i].name);
		if (calls[i].fn == do_create || calls[i].fn == do_rename_to)
			continue;
		for (enum kind kind = 0; kind < KINDS; kind++) {
			struct taken *t = malloc(sizeof(*t));

			if (!t)
				abort();
			*t = (struct taken){&calls[i], kind};
			posix_add(taken, t, "%s: onto a %s is EEXIST", calls[i].name,
				kind_names[kind]);
		}
	}
}
