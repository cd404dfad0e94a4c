/* SPDX-License-Identifier: MIT */
/* What the tests make, look at and compare. */
#include "tests/view/posix.h"

#include <limits.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

const char *const kind_names[KINDS] = {
	[REGULAR] = "file",
	[DIRECTORY] = "directory",
	[FULL] = "full directory",
	[SYMLINK] = "symlink",
	[FIFO] = "fifo",
	[SOCKET] = "socket",
};

mode_t kind_type(enum kind kind)
{
	static const mode_t types[KINDS] = {
		S_IFREG, S_IFDIR, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK};

	return types[kind];
}

static int make_socket(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = works(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	that(strlen(path) < sizeof(name.sun_path));
	strcpy(name.sun_path, path);
	works(bind(fd, (const struct sockaddr *)&name, sizeof(name)));
	return close(fd);
}

void make(enum kind kind, const char *path)
{
	char *inner;

	switch (kind) {
	case REGULAR:
		put(path, "content");
		break;
	case DIRECTORY:
		works(mkdir(path, 0755));
		break;
	case FULL:
		works(mkdir(path, 0755));
		that(asprintf(&inner, "%s/inner", path) > 0);
		put(inner, "inner");
		break;
	case SYMLINK:
		works(symlink("target of no use", path));
		break;
	case FIFO:
		works(mkfifo(path, 0644));
		break;
	default:
		works(make_socket(path));
	}
}

void put(const char *path, const char *text)
{
	int fd = works(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

	is(write(fd, text, strlen(text)), (long long)strlen(text));
	works(close(fd));
}

void holds(const char *path, const char *text)
{
	int fd = works(open(path, O_RDONLY | O_CLOEXEC));
	char buf[4096];
	ssize_t len = works(read(fd, buf, sizeof(buf) - 1));

	buf[len] = 0;
	works(close(fd));
	if (strcmp(buf, text))
		posix_fail(__FILE__, __LINE__, 0, "%s has '%.100s', not '%.100s'", path,
			buf, text);
}

struct stat of(const char *path)
{
	struct stat st;

	works(lstat(path, &st));
	return st;
}

struct stat of_fd(int fd)
{
	struct stat st;

	works(fstat(fd, &st));
	return st;
}

bool missing(const char *path)
{
	struct stat st;

	return lstat(path, &st) == -1 && errno == ENOENT;
}

int open_rw(const char *path)
{
	return works(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
}

const char *long_name(size_t len)
{
	static char name[512];

	that(len < sizeof(name));
	memset(name, 'n', len);
	name[len] = 0;
	return name;
}

const char *long_path(size_t len, const char *name)
{
	static char path[PATH_MAX + 64];
	size_t i = 0;

	that(len < sizeof(path));
	/* A slash more does no harm, so any length can be had. */
	if ((len - strlen(name)) % 2)
		i = (size_t)sprintf(path, ".//");
	while (i < len - strlen(name)) {
		path[i++] = '.';
		path[i++] = '/';
	}
	strcpy(path + i, name);
	is(strlen(path), (long long)len);
	return path;
}

char *bad_pointer(void)
{
	void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	that(page != MAP_FAILED);
	return page;
}

void tick(void)
{
	/* More than a tick of the slowest usual clock (100 Hz) that stamps files. */
	nanosleep(&(struct timespec){.tv_nsec = 12000000}, NULL);
}

static int later(struct timespec now, struct timespec before)
{
	if (now.tv_sec != before.tv_sec)
		return now.tv_sec > before.tv_sec ? 1 : -1;
	return (now.tv_nsec > before.tv_nsec) - (now.tv_nsec < before.tv_nsec);
}

static void compare_times(
	const char *what, const struct stat *now, const struct stat *before, int which)
{
	int mtime = later(now->st_mtim, before->st_mtim);
	int ctime = later(now->st_ctim, before->st_ctim);

	if (mtime != !!(which & MTIME))
		posix_fail(__FILE__, __LINE__, 0, "%s: mtime %s", what,
			mtime > 0   ? "has changed"
			: mtime < 0 ? "went back"
				    : "has not changed");
	if (ctime != !!(which & CTIME))
		posix_fail(__FILE__, __LINE__, 0, "%s: ctime %s", what,
			ctime > 0   ? "has changed"
			: ctime < 0 ? "went back"
				    : "has not changed");
}

void moved_on(const char *path, const struct stat *before, int which)
{
	struct stat now = of(path);

	compare_times(path, &now, before, which);
}

void moved_on_fd(int fd, const struct stat *before, int which)
{
	struct stat now = of_fd(fd);

	compare_times("descriptor", &now, before, which);
}

int joined(pid_t pid)
{
	int status;

	works(pid);
	is(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

int elsewhere(int (*fn)(const char *path), const char *path)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(path));
	return joined(pid);
}
