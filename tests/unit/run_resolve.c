/* SPDX-License-Identifier: MIT */
/*
 * Paths of another process, resolved from outside, against what the kernel tells that
 * process itself: inode and error of each, for written cases and for random ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/resolve.h"
#include "tests/unit/tap.h"

#define ROUNDS 4000

struct question {
	bool follow;
	int dirfd;
	char path[PATH_MAX];
};

struct answer {
	int error;
	dev_t dev;
	ino_t ino;
};

struct other {
	pid_t pid;
	int ask, hear;
	int dir;  /* a descriptor of it, of a directory */
	int file; /* of a file without a name */
};

static char top[] = "/tmp/livery-resolve.XXXXXX";

/* The other process: answers by stat(2), from where it is. */
static void answer_all(int ask, int hear)
{
	struct question q;

	while (read(ask, &q, sizeof(q)) == sizeof(q)) {
		struct answer a = {0};
		struct stat st;

		if (fstatat(q.dirfd, q.path, &st, q.follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
			a.error = errno;
		else
			a = (struct answer){0, st.st_dev, st.st_ino};
		if (write(hear, &a, sizeof(a)) != sizeof(a))
			break;
	}
	_exit(0);
}

/* In a mount namespace of its own, something else is where /proc was. */
static bool hide_proc(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount(top, "/proc", NULL, MS_BIND, NULL) == 0;
}

/* In top/a, with a root of its own where that is asked for. */
static struct other begin(const char *root, bool no_proc)
{
	int ask[2], hear[2];
	struct other o = {0};

	o.dir = open("a/b", O_PATH | O_DIRECTORY);
	o.file = open("gone", O_RDWR | O_CREAT, 0600);
	unlink("gone");
	if (pipe(ask) < 0 || pipe(hear) < 0)
		exit(2);
	o.pid = fork();
	if (o.pid == 0) {
		close(ask[1]);
		close(hear[0]);
		if (chdir("a") < 0 || (no_proc && !hide_proc()) ||
			(root && (chroot(root) < 0 || chdir("/") < 0)))
			_exit(2);
		answer_all(ask[0], hear[1]);
	}
	close(ask[0]);
	close(hear[1]);
	o.ask = ask[1];
	o.hear = hear[0];
	return o;
}

static void finish(struct other *o)
{
	close(o->ask);
	close(o->hear);
	waitpid(o->pid, NULL, 0);
	close(o->dir);
	close(o->file);
}

static bool agrees(const struct run_view *v, const struct other *o, const char *path,
	int dirfd, bool follow)
{
	struct question q = {.follow = follow, .dirfd = dirfd};
	struct place_name p = {.dirfd = dirfd};
	struct target t = {.tid = o->pid};
	struct answer a = {0};
	struct stat st = {0};
	int fd;

	snprintf(q.path, sizeof(q.path), "%s", path);
	snprintf(p.path, sizeof(p.path), "%s", path);
	if (write(o->ask, &q, sizeof(q)) != sizeof(q) ||
		read(o->hear, &a, sizeof(a)) != sizeof(a))
		return false;
	fd = resolve(v, &t, &p, follow);
	if (fd >= 0 && fstat(fd, &st) < 0)
		return false;
	if (fd >= 0)
		close(fd);
	if ((fd < 0 ? -fd : 0) == a.error &&
		(a.error || (st.st_dev == a.dev && st.st_ino == a.ino)))
		return true;
	printf("# '%s' from %d%s: the kernel says %d, inode %lu; here %d, inode %lu\n",
		path, dirfd, follow ? ", followed" : "", a.error, (unsigned long)a.ino,
		fd, (unsigned long)st.st_ino);
	return false;
}

static const char *const words[] = {"a", "b", "c", "f", "..", ".", "", "up", "down",
	"loop", "abs", "gone", "self", "fds", "root", "nothing", "trail", "deep"};

static void make_tree(void)
{
	char target[PATH_MAX];

	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("a/b/c", 0755);
	close(open("a/f", O_CREAT | O_WRONLY, 0644));
	close(open("a/b/c/f", O_CREAT | O_WRONLY, 0644));
	for (size_t i = 0; i < 3; i++) {
		static const char *const dirs[] = {".", "a", "a/b"};
		int d = open(dirs[i], O_PATH);

		snprintf(target, sizeof(target), "%s/a", top);
		(void)!symlinkat("..", d, "up");
		(void)!symlinkat("b/c", d, "down");
		(void)!symlinkat("loop", d, "loop");
		(void)!symlinkat(target, d, "abs");
		(void)!symlinkat("/proc/self/cwd", d, "self");
		(void)!symlinkat("/proc/thread-self/fd", d, "fds");
		(void)!symlinkat("/proc/self/root", d, "root");
		(void)!symlinkat("b/", d, "trail");
		(void)!symlinkat("up/a/up/a/up/a/b", d, "deep");
		close(d);
	}
}

static void written_cases(const struct run_view *v, const struct other *o)
{
	char path[PATH_MAX];
	bool same = true;
	static const char *const paths[] = {"", "/", "//", ".", "..", "f", "f/", "f/.",
		"f/..", "b", "b/", "b/c/../../f", "nothing", "nothing/x", "loop", "loop/",
		"self/b", "/proc/self/cwd/b", "/proc/self/exe", "/proc/thread-self/comm",
		"/proc/self/root/proc/self/cwd/f", "/proc/self/cwd/../a/f", "/dev/stdin",
		"/proc/mounts", "/proc/self/fd/999", "/proc/self/ns/mnt", "/dev/null/x",
		"../../../../../../../../../../..", "trail", "trail/", "trail/c/f",
		"deep/c"};
	static const char *const behind[] = {"/", "/./c/f", "//c/f", "/..", "/../up",
		"/../../..", "/nothing", "/c/f/"};
	static const char *const none[] = {"/proc/self/fd/999/f", "/proc/self/fd/-1/f",
		"/proc/self/fd/00/f", "/proc/self/fd/99999999999999999999/f",
		"/proc/self/fd//0/f", "/proc/self/fd/1x/f", "/proc/self/fd/+1/f"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		/* Which valgrind opens as the program's, and which stat(2) finds to be its. */
		if (under_valgrind() && strcmp(paths[i], "/proc/self/exe") == 0)
			continue;
		for (int follow = 0; follow < 2; follow++)
			same &= agrees(v, o, paths[i], AT_FDCWD, follow);
	}
	ok(same, "paths from the working directory");
	same = agrees(v, o, "c/f", o->dir, true) && agrees(v, o, "..", o->dir, true) &&
	       agrees(v, o, "../up", o->dir, false) &&
	       agrees(v, o, "up/f", o->dir, true) && agrees(v, o, "x", o->file, true) &&
	       agrees(v, o, "x", 12345, true) && agrees(v, o, "/", 12345, true);
	ok(same, "paths from a descriptor");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", o->dir);
	same = agrees(v, o, path, AT_FDCWD, true) && agrees(v, o, path, AT_FDCWD, false);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/c/f", o->dir);
	same &= agrees(v, o, path, AT_FDCWD, true);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", o->file);
	same &= agrees(v, o, path, AT_FDCWD, true);
	ok(same, "descriptors by their path, of a file without a name too");
	same = true;
	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d%s", o->dir, behind[i]);
		same &= agrees(v, o, path, AT_FDCWD, false);
		same &= agrees(v, o, path, o->file, true);
		snprintf(path, sizeof(path), "/proc/self/fd/%d%s", o->file, behind[i]);
		same &= agrees(v, o, path, AT_FDCWD, false);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		same &= agrees(v, o, none[i], AT_FDCWD, true);
	ok(same, "what is behind them, and behind what is none");
	memset(path, 'n', NAME_MAX + 1);
	path[NAME_MAX + 1] = '\0';
	same = agrees(v, o, path, AT_FDCWD, true);
	path[NAME_MAX] = '\0';
	same &= agrees(v, o, path, AT_FDCWD, true);
	for (size_t i = 0; i + 3 < sizeof(path); i += 2)
		memcpy(path + i, "./", 3);
	same &= agrees(v, o, path, AT_FDCWD, true);
	ok(same, "long names and paths");
}

static void random_cases(
	const struct run_view *v, const struct other *o, unsigned seed, const char *what)
{
	unsigned wrong = 0;

	srandom(seed);
	for (int i = 0; i < ROUNDS; i++) {
		char path[PATH_MAX] = "";
		int n = (int)(random() % 7) + 1;

		if (random() % 6 == 0)
			strcpy(path, random() % 2 ? "/" : top);
		for (int k = 0; k < n; k++) {
			if (*path)
				strcat(path, "/");
			strcat(path, words[(size_t)random() %
					     (sizeof(words) / sizeof(*words))]);
		}
		wrong += !agrees(
			v, o, path, random() % 4 ? AT_FDCWD : o->dir, random() % 2);
	}
	ok(wrong == 0, "%d random paths, seed %u, %s", ROUNDS, seed, what);
}

static void parents(const struct run_view *v, const struct other *o)
{
	static const struct {
		const char *path;
		int error;
		const char *last;
	} cases[] = {{"x", 0, "x"}, {"b/x", 0, "x"}, {"self/x", 0, "x"},
		{"f/x", ENOTDIR, ""}, {"", ENOENT, ""}, {"/", EEXIST, ""},
		{"b/", EEXIST, ""}, {"b/..", EEXIST, ""}, {"no/x", ENOENT, ""}};
	struct target t = {.tid = o->pid};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place_name p = {.dirfd = AT_FDCWD};
		const char *last = "";
		struct stat st = {0};
		int fd;

		strcpy(p.path, cases[i].path);
		fd = resolve_parent(v, &t, &p, &last);
		if (fd == -ENOTDIR || fd >= 0)
			ok(cases[i].error == (fd < 0 ? ENOTDIR : 0) || fd >= 0,
				"parent of '%s'", cases[i].path);
		else
			is_int(-fd, cases[i].error, "parent of '%s'", cases[i].path);
		if (fd >= 0)
			ok(!cases[i].error && fstat(fd, &st) == 0 &&
					S_ISDIR(st.st_mode) &&
					strcmp(last, cases[i].last) == 0,
				"is a directory, '%s' in it", cases[i].last);
		if (fd >= 0)
			close(fd);
	}
}

/* Its root directory is ours, and yet what is below is another's. */
static void hidden_proc(const struct run_view *v, const struct other *o)
{
	char path[PATH_MAX];
	bool same;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/c/f", o->dir);
	same = agrees(v, o, path, AT_FDCWD, true) &&
	       agrees(v, o, "/proc/a/b/c", AT_FDCWD, true) &&
	       agrees(v, o, "b/c", AT_FDCWD, true);
	ok(same, "where /proc is not the kernel's");
}

int main(void)
{
	struct run_view v = {.path = top};
	struct other o;
	struct stat st;

	if (!mkdtemp(top) || chdir(top) < 0 || stat(".", &st) < 0)
		return 2;
	make_tree();
	v.dev = st.st_dev;
	if (view_know_root(&v) < 0)
		return 2;
	o = begin(NULL, false);
	written_cases(&v, &o);
	parents(&v, &o);
	random_cases(&v, &o, 1, "fixed");
	random_cases(&v, &o, (unsigned)getpid(), "fresh");
	finish(&o);
	if (geteuid() == 0) {
		o = begin(".", false);
		random_cases(&v, &o, 2, "behind a root directory of its own");
		finish(&o);
		o = begin(NULL, true);
		hidden_proc(&v, &o);
		finish(&o);
	}
	if (chdir("/") == 0 && fork() == 0)
		execlp("rm", "rm", "-rf", top, (char *)NULL);
	wait(NULL);
	return done_testing();
}
