/* SPDX-License-Identifier: MIT */
#include "run/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"

#define LINKS_MAX     40 /* MAXSYMLINKS of the kernel */
#define PROC_ROOT_INO 1  /* of the root directory of a proc filesystem */

/* Type, device and inode never need the view's daemon. */
static int look(int fd, struct statx *st)
{
	int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC;

	return statx(fd, "", flags, STATX_TYPE | STATX_INO, st) < 0 ? -errno : 0;
}

static uint64_t device(const struct statx *st)
{
	return makedev(st->stx_dev_major, st->stx_dev_minor);
}

static bool same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && device(a) == device(b);
}

bool view_holds(const struct run_view *v, int fd)
{
	struct statx st;

	return look(fd, &st) == 0 && device(&st) == v->dev;
}

/* What one call to the kernel is to do: the directory, a path from there, and how. */
struct quick {
	int start; /* or -errno */
	const char *path;
	uint64_t how; /* RESOLVE_... */
};

static int resolve_quickly(const struct quick *q, bool follow)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW),
		.resolve = q->how | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, q->start, q->path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* What a symbolic link of /proc says must be said of the target. */
enum proc_link {
	PROC_NOT,
	PROC_SELF,
	PROC_THREAD_SELF,
	PROC_MAGIC
};

static enum proc_link proc_link(int dir, const char *name)
{
	struct statfs fs;
	struct statx st;

	if (fstatfs(dir, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC || look(dir, &st) < 0)
		return PROC_NOT;
	if (st.stx_ino != PROC_ROOT_INO)
		return PROC_MAGIC;
	return strcmp(name, "self") == 0          ? PROC_SELF
	       : strcmp(name, "thread-self") == 0 ? PROC_THREAD_SELF
						  : PROC_NOT;
}

struct walk {
	const struct target *t;
	int root;             /* the target's */
	struct statx root_st; /* where ".." ends */
	int at;               /* where the walk is */
	int links;
	char rest[PATH_MAX * 2]; /* what is to be walked yet, without leading '/' */
};

static void walk_end(struct walk *w)
{
	if (w->at >= 0)
		close(w->at);
	if (w->root >= 0)
		close(w->root);
}

static void step_to(struct walk *w, int fd)
{
	close(w->at);
	w->at = fd;
}

static int to_root(struct walk *w)
{
	int fd = fcntl(w->root, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	step_to(w, fd);
	return 0;
}

/* Takes the first name off the rest. False: there is none. */
static bool next_name(struct walk *w, char name[NAME_MAX + 2])
{
	char *start = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(start, "/");
	size_t take = len > NAME_MAX ? NAME_MAX + 1 : len;

	memcpy(name, start, take);
	name[take] = '\0';
	memmove(w->rest, start + len, strlen(start + len) + 1);
	return len;
}

/* The text of a link comes before the rest. */
static int follow_text(struct walk *w, const char *text)
{
	char rest[sizeof(w->rest)];
	int n = snprintf(rest, sizeof(rest), "%s%s", text, w->rest);

	if (!*text)
		return -ENOENT;
	if (n >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, rest, (size_t)n + 1);
	return *text == '/' ? to_root(w) : 0;
}

/* A proc filesystem is that of the pid namespace in which the target is. */
static bool is_own_proc(const struct target *t, int proc)
{
	struct statx theirs, st;
	int flags = AT_STATX_DONT_SYNC;

	return target_look(t, "ns/pid", STATX_INO, &theirs) == 0 &&
	       statx(proc, "1/ns/pid", flags, STATX_INO, &st) == 0 && same(&theirs, &st);
}

/* What proc calls the target. One that knows this process counts as it does. */
static int numbers_in(int proc, const struct target *t, pid_t *process, pid_t *thread)
{
	char self[16];

	*thread = t->tid;
	if (readlinkat(proc, "self", self, sizeof(self)) > 0)
		return target_process(t, process);
	return is_own_proc(t, proc) ? target_own_numbers(t, process, thread) : -ENOENT;
}

static int follow_self(struct walk *w, enum proc_link kind)
{
	char text[48];
	pid_t process, thread;
	int rc = numbers_in(w->at, w->t, &process, &thread);

	if (rc < 0)
		return rc;
	if (kind == PROC_SELF)
		snprintf(text, sizeof(text), "%d", process);
	else
		snprintf(text, sizeof(text), "%d/task/%d", process, thread);
	return follow_text(w, text);
}

/* link: the symbolic link itself, in the directory where the walk is. */
static int follow_link(struct walk *w, int link, const char *name)
{
	char text[PATH_MAX + 1];
	enum proc_link kind = proc_link(w->at, name);
	ssize_t n;

	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (kind == PROC_MAGIC) {
		int fd = openat(w->at, name, O_PATH | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		step_to(w, fd);
		return 0;
	}
	if (kind == PROC_SELF || kind == PROC_THREAD_SELF)
		return follow_self(w, kind);
	n = readlinkat(link, "", text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return follow_text(w, text);
}

static int step_up(struct walk *w)
{
	struct statx st;
	int rc = look(w->at, &st);
	int fd;

	if (rc < 0)
		return rc;
	if (!S_ISDIR(st.stx_mode))
		return -ENOTDIR;
	if (same(&st, &w->root_st))
		return 0;
	fd = openat(w->at, "..", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	step_to(w, fd);
	return 0;
}

/* One name on. last: nothing comes behind it, and a link there is followed on demand. */
static int step(struct walk *w, const char *name, bool follow)
{
	cleanup_close int fd = -1;
	struct statx st;
	int rc;

	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (strcmp(name, "..") == 0)
		return step_up(w);
	fd = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = look(fd, &st);
	if (rc < 0)
		return rc;
	if (S_ISLNK(st.stx_mode) && (follow || *w->rest))
		return follow_link(w, fd, name);
	step_to(w, take_fd(&fd));
	return 0;
}

static int start_at(const struct target *t, int dirfd)
{
	return dirfd == AT_FDCWD ? target_open(t, "cwd") : target_fd(t, dirfd);
}

/*
 * "/proc/self/fd/N/REST", as libraries write for what has no call of its own (tar's
 * labels): the descriptor's number and where REST begins; or NULL.
 */
static const char *behind_own_fd(const char *path, int *fd)
{
	static const char start[] = "/proc/self/fd/";
	unsigned long n;
	char *end;

	if (strncmp(path, start, sizeof(start) - 1) != 0)
		return NULL;
	path += sizeof(start) - 1;
	if (*path < '0' || *path > '9' || (*path == '0' && path[1] != '/'))
		return NULL;
	n = strtoul(path, &end, 10);
	*fd = (int)n;
	return n <= INT_MAX && *end == '/' && end[strspn(end, "/")]
		       ? end + strspn(end, "/")
		       : NULL;
}

/* What the target's root directory is to this process. */
enum root {
	ROOT_OTHER,
	ROOT_ALIKE, /* the same directory, in whatever mount namespace */
	ROOT_OURS,  /* in ours: what is mounted below is the same too */
};

/* A root of its own may lie in the view, and ".." then ends there. */
static enum root root_of(const struct run_view *v, const struct target *t)
{
	struct statx st;

	if (target_look(t, "root", STATX_INO | STATX_MNT_ID, &st) < 0 ||
		device(&st) != v->root_dev || st.stx_ino != v->root_ino)
		return ROOT_OTHER;
	/* While that mount is there, no other has its number. */
	return v->root_mount && st.stx_mask & STATX_MNT_ID &&
			       st.stx_mnt_id == v->root_mount
		       ? ROOT_OURS
		       : ROOT_ALIKE;
}

/* The directory "proc" in a root directory is that of the kernel. */
static bool has_proc(int root)
{
	cleanup_close int proc = openat(root, "proc", O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return proc >= 0 && proc_link(proc, "self") == PROC_SELF;
}

/* Its /proc is that of the kernel, and "self" is the thread, with the process's files. */
static bool has_proc_of_own(
	const struct run_view *v, const struct target *t, enum root kind)
{
	bool has = kind == ROOT_OURS && v->has_proc;

	if (!has) {
		cleanup_close int root = target_open(t, "root");

		has = root >= 0 && has_proc(root);
	}
	return has && syscall(SYS_tgkill, t->tid, t->tid, 0) == 0;
}

int view_know_root(struct run_view *v)
{
	struct statx st;

	v->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (v->root < 0 ||
		statx(v->root, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &st) < 0)
		return -errno;
	v->root_dev = device(&st);
	v->root_ino = st.stx_ino;
	v->root_mount = st.stx_mask & STATX_MNT_ID ? st.stx_mnt_id : 0;
	v->has_proc = has_proc(v->root);
	return 0;
}

static int walk_begin(struct walk *w, const struct target *t, const struct place_name *p)
{
	bool absolute = *p->path == '/';
	int rc;

	*w = (struct walk){.t = t, .at = -1, .root = target_open(t, "root")};
	if (w->root < 0)
		return w->root;
	rc = look(w->root, &w->root_st);
	if (rc < 0)
		return rc;
	w->at = absolute ? fcntl(w->root, F_DUPFD_CLOEXEC, 0) : start_at(t, p->dirfd);
	if (w->at < 0)
		return absolute ? -errno : w->at;
	snprintf(w->rest, sizeof(w->rest), "%s", p->path);
	return 0;
}

/* Something behind a name, if only a '/', wants a directory. */
static int walk_all(struct walk *w, bool follow)
{
	char name[NAME_MAX + 2];
	struct statx st;
	int rc = 0;

	while (rc == 0 && *w->rest) {
		bool slash = *w->rest == '/';

		if (!next_name(w, name)) {
			rc = look(w->at, &st);
			if (rc == 0 && slash && !S_ISDIR(st.stx_mode))
				rc = -ENOTDIR;
			break;
		}
		rc = step(w, name, follow);
	}
	return rc;
}

static int resolve_slowly(const struct run_view *v, const struct target *t,
	struct place_name *p, bool follow)
{
	struct walk w;
	int rc = walk_begin(&w, t, p);

	if (rc == 0)
		rc = walk_all(&w, follow);
	p->certain = rc < 0 && w.at >= 0 && view_holds(v, w.at);
	if (rc == 0)
		rc = take_fd(&w.at);
	walk_end(&w);
	return rc;
}

/* The path below the view's root, where its text says so; NULL otherwise. */
static const char *below_view(const struct run_view *v, const char *path)
{
	size_t len = strlen(v->path);

	if (strncmp(path, v->path, len) != 0 || (path[len] != '/' && path[len]))
		return NULL;
	path += len;
	path += strspn(path, "/");
	return *path ? path : ".";
}

/* The view as the target, whose root is like ours, sees it, with what it has mounted
 * there. */
static int view_of(const struct run_view *v, const struct target *t, enum root kind)
{
	cleanup_close int root = kind == ROOT_OURS ? -1 : target_open(t, "root");
	cleanup_close int fd = -1;

	if (kind == ROOT_OURS)
		fd = open(v->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	else if (root >= 0)
		fd = openat(root, v->path + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && view_holds(v, fd) ? take_fd(&fd) : -EXDEV;
}

/*
 * From the target's root directory: below the view, where the text says so; otherwise
 * wherever it leads, in which case only what is found is sure. (/proc/self is another's
 * then, but leads to the view by magic links only.)
 */
static void start_absolute(struct quick *q, const struct run_view *v,
	const struct target *t, const char *path, enum root kind)
{
	q->path = kind != ROOT_OTHER ? below_view(v, path) : NULL;
	if (q->path) {
		q->how = RESOLVE_NO_XDEV;
		q->start = view_of(v, t, kind);
		return;
	}
	q->path = path;
	q->start = kind == ROOT_OURS ? v->root : target_open(t, "root");
	q->how = RESOLVE_IN_ROOT | (view_holds(v, q->start) ? RESOLVE_NO_XDEV : 0);
}

/* From a directory in the view, where that cannot pass by a root directory of its own. */
static void start_relative(struct quick *q, const struct run_view *v,
	const struct target *t, const struct place_name *p, enum root kind)
{
	cleanup_close int start = start_at(t, p->dirfd);

	q->path = p->path;
	q->how = RESOLVE_NO_XDEV | (kind != ROOT_OTHER ? 0 : RESOLVE_BENEATH);
	q->start = start >= 0 && !view_holds(v, start) ? -EXDEV : take_fd(&start);
}

/* What says that a path leaves the view, or takes more than one call. */
static bool must_walk(int rc)
{
	return rc == -EXDEV || rc == -ELOOP || rc == -EAGAIN || rc == -ENOSYS;
}

/* The same place, so said that it takes one call to open. */
static bool name_by_fd(const struct run_view *v, const struct target *t,
	struct place_name *p, enum root kind)
{
	int fd;
	const char *rest = behind_own_fd(p->path, &fd);

	if (!rest || !has_proc_of_own(v, t, kind))
		return false;
	p->dirfd = fd;
	memmove(p->path, rest, strlen(rest) + 1);
	return true;
}

int resolve(const struct run_view *v, const struct target *t, struct place_name *p,
	bool follow)
{
	struct quick q = {0};
	cleanup_close int own = -1;
	enum root kind;
	bool by_fd;
	int rc;

	p->certain = false;
	if (!*p->path)
		return -ENOENT;
	kind = root_of(v, t);
	by_fd = *p->path == '/' && name_by_fd(v, t, p, kind);
	if (*p->path == '/')
		start_absolute(&q, v, t, p->path, kind);
	else
		start_relative(&q, v, t, p, kind);
	own = q.start == v->root ? -1 : q.start;
	if (by_fd && q.start == -EBADF)
		return -ENOENT;
	rc = q.start < 0 ? q.start : resolve_quickly(&q, follow);
	if (must_walk(rc) || (rc < 0 && q.start >= 0 && !(q.how & RESOLVE_NO_XDEV)))
		return resolve_slowly(v, t, p, follow);
	p->certain = q.start >= 0 && q.how & RESOLVE_NO_XDEV;
	return rc;
}

int resolve_parent(const struct run_view *v, const struct target *t, struct place_name *p,
	const char **last)
{
	char *slash = strrchr(p->path, '/');
	struct place_name dir = {.dirfd = p->dirfd};

	if (!*p->path)
		return -ENOENT;
	*last = slash ? slash + 1 : p->path;
	if (!**last || strcmp(*last, ".") == 0 || strcmp(*last, "..") == 0)
		return -EEXIST;
	if (strlen(*last) > NAME_MAX)
		return -ENAMETOOLONG;
	/* With the '/': what is before it must be a directory, or lead to one. */
	if (slash)
		memcpy(dir.path, p->path, (size_t)(slash + 1 - p->path));
	else
		strcpy(dir.path, ".");
	return resolve(v, t, &dir, true);
}
