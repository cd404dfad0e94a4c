// SPDX-License-Identifier: MIT
/* Workers: processes that wait for an operation, do it, and look at what came of it. */
#include "tests/view/worker.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* No call may take longer: a view that hangs is a fault like any other. */
#define PATIENCE_MS 100000

void say_bytes(struct result *r, const char *bytes, size_t len)
{
	if (r->len + len > sizeof(r->text))
		errx(2, "a result is longer than %zu bytes", sizeof(r->text));
	memcpy(r->text + r->len, bytes, len);
	r->len += len;
}

void say(struct result *r, const char *fmt, ...)
{
	char line[8192];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	say_bytes(r, line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/* Times that a call gave are exact, and far from now; others are never the same twice. */
void say_time(const struct worker *w, struct result *r, const struct timespec *t)
{
	if (t->tv_sec >= w->started - 3600 && t->tv_sec <= w->started + 86400)
		say(r, "recently");
	else
		say(r, "%lld.%09ld", (long long)t->tv_sec, t->tv_nsec);
}

static void take_brief(struct brief *b, int dir, const char *path, int flags)
{
	struct stat st;

	memset(b, 0, sizeof(*b));
	if (fstatat(dir, path, &st, flags) < 0) {
		b->err = errno;
		return;
	}
	b->mode = st.st_mode;
	b->uid = st.st_uid;
	b->gid = st.st_gid;
	b->nlink = st.st_nlink;
	b->size = st.st_size;
	b->rdev = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ? st.st_rdev : 0;
	b->atime = st.st_atim;
	b->mtime = st.st_mtim;
	b->ctime = st.st_ctim;
}

void parent_path(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	strcpy(path + len, ".");
}

static void brief_parent(struct brief *b, int dir, const char *path)
{
	char parent[PATH_ROOM];

	strcpy(parent, path);
	parent_path(parent);
	take_brief(b, dir, parent, 0);
}

static bool follows(const struct op *op)
{
	if (op->kind == OP_CHOWN)
		return !op->flags;
	return (op->kind == OP_SETXATTR || op->kind == OP_REMOVEXATTR) && !op->mode;
}

static void look(
	struct worker *w, const struct op *op, struct result *r, struct brief *seen)
{
	if (op->has_path) {
		r->looked[ABOUT_PATH] = r->looked[ABOUT_PARENT] = true;
		take_brief(&seen[ABOUT_PATH], at(w, op->dir), op->path,
			follows(op) ? 0 : AT_SYMLINK_NOFOLLOW);
		brief_parent(&seen[ABOUT_PARENT], at(w, op->dir), op->path);
	}
	if (op->has_path2) {
		r->looked[ABOUT_PATH2] = r->looked[ABOUT_PARENT2] = true;
		take_brief(&seen[ABOUT_PATH2], at(w, op->dir2), op->path2,
			AT_SYMLINK_NOFOLLOW);
		brief_parent(&seen[ABOUT_PARENT2], at(w, op->dir2), op->path2);
	}
	if (op->slot >= 0) {
		r->looked[ABOUT_SLOT] = true;
		take_brief(&seen[ABOUT_SLOT], slot_fd(w, op->slot), "", AT_EMPTY_PATH);
	}
	if (op->slot2 >= 0) {
		r->looked[ABOUT_SLOT2] = true;
		take_brief(&seen[ABOUT_SLOT2], slot_fd(w, op->slot2), "", AT_EMPTY_PATH);
	}
}

/* Modes that stand in the way are changed: in a native directory a user is held to them.
 */
static void empty(int dir)
{
	struct dirent *e;
	DIR *d = fdopendir(dir);

	if (!d)
		err(2, "cannot list a directory");
	while ((e = readdir(d))) {
		const char *name = e->d_name;

		if (!strcmp(name, ".") || !strcmp(name, "..") ||
			unlinkat(dir, name, 0) == 0)
			continue;
		if (fchmodat(dir, name, 0700, 0) < 0)
			err(2, "cannot remove %s", name);
		empty(openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
		if (unlinkat(dir, name, AT_REMOVEDIR) < 0)
			err(2, "cannot remove %s", name);
	}
	closedir(d);
}

/* An empty tree that is root's, as far as that is in the worker's power. */
static void reset(struct worker *w)
{
	for (int i = 0; i < SLOTS; i++) {
		if (w->fd[i] >= 0)
			close(w->fd[i]);
		w->fd[i] = -1;
	}
	umask(022);
	empty(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	remove_attributes(".", w->side);
	/* Where that is not allowed, the first comparison of the trees says so. */
	(void)!chown(".", 0, 0);
	(void)!chmod(".", 0755);
}

void perform(struct worker *w, const struct op *op, struct result *r)
{
	memset(r, 0, offsetof(struct result, text));
	if (op->look & LOOK_BEFORE)
		look(w, op, r, r->before);
	errno = 0;
	if (op->kind == OP_SCAN)
		scan_tree(w, r, op->flags);
	else if (op->kind == OP_RESET)
		reset(w);
	else if (!perform_file(w, op, r) && !perform_name(w, op, r) &&
		 !perform_attr(w, op, r))
		errx(2, "operation %d is unknown", op->kind);
	r->err = r->ret < 0 ? errno : 0;
	if (op->look & LOOK_AFTER)
		look(w, op, r, r->after);
}

static void set_capabilities(unsigned low)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{low, low, low}, {0, 0, 0}};

	if (syscall(SYS_capset, &head, data) < 0)
		err(2, "capset");
}

/* What is left of root is chroot. */
static void become_user(const struct worker_options *options)
{
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(options->gid, options->gid, options->gid) < 0 ||
		setresuid(options->uid, options->uid, options->uid) < 0)
		err(2, "cannot become user %u", (unsigned)options->uid);
	set_capabilities(1u << CAP_SYS_CHROOT);
}

/* As views are: else a device node would open on one side only. */
static void mount_as_view(const char *tree)
{
	if (unshare(CLONE_NEWNS) < 0 ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount(tree, tree, NULL, MS_BIND, NULL) < 0 ||
		mount("none", tree, NULL, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOSUID,
			NULL) < 0)
		err(2, "cannot mount %s over itself", tree);
}

/* What a worker and its parent share. */
struct memory {
	struct op op;
	struct result result;
};

static struct memory *map(int fd)
{
	void *p = mmap(
		NULL, sizeof(struct memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		err(2, "no memory to share");
	return p;
}

/*
 * The tree becomes the root directory, so that no ".." and no symbolic link leads out of
 * it. A view lets nobody in but its owner, so the user comes first and chroot second.
 */
static void worker_begin(struct worker *w, const char *tree)
{
	w->started = time(NULL);
	for (int i = 0; i < SLOTS; i++)
		w->fd[i] = -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	w->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->proc < 0)
		err(2, "/proc");
	umask(022);
	if (chdir(tree) < 0 || chroot(".") < 0)
		err(2, "cannot enter %s", tree);
}

_Noreturn static void serve(struct worker *w, struct memory *m, int from, int to)
{
	char c;

	while (read(from, &c, 1) == 1 && m->op.kind != OP_END) {
		perform(w, &m->op, &m->result);
		if (write(to, "", 1) != 1)
			break;
	}
	_exit(0);
}

_Noreturn void worker_serve(int memory, const char *tree)
{
	struct memory *m = map(memory);
	struct worker w = {0};

	worker_begin(&w, tree);
	serve(&w, m, STDIN_FILENO, STDOUT_FILENO);
}

/* Capabilities are not emulated, so it brings the one along that it needs. */
_Noreturn static void start_by_run(
	const struct worker_options *options, int memory, int from, int to)
{
	char self[4096], number[16];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		err(2, "/proc/self/exe");
	self[len] = '\0';
	snprintf(number, sizeof(number), "%d", memory);
	become_user(options);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0) < 0 ||
		fcntl(memory, F_SETFD, 0) < 0 || dup2(from, STDIN_FILENO) < 0 ||
		dup2(to, STDOUT_FILENO) < 0)
		err(2, "cannot prepare a program's start");
	execl(options->run, options->run, "run", options->tree, "--", self, "--worker",
		number, "@", NULL);
	err(2, "%s", options->run);
}

_Noreturn static void start_here(
	const struct worker_options *options, struct memory *m, int from, int to)
{
	struct worker w = {.side = options->side};

	if (options->uid || options->gid)
		become_user(options);
	else
		mount_as_view(options->tree);
	worker_begin(&w, options->tree);
	if (options->uid || options->gid)
		set_capabilities(0);
	serve(&w, m, from, to);
}

void worker_start(struct hand *hand, const struct worker_options *options)
{
	int there[2], back[2], memory = memfd_create("operations", MFD_CLOEXEC);
	struct memory *m;

	if (memory < 0 || ftruncate(memory, sizeof(*m)) < 0)
		err(2, "no memory to share");
	m = map(memory);
	hand->what = options->what;
	hand->op = &m->op;
	hand->result = &m->result;
	if (pipe2(there, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0)
		err(2, "pipe");
	fflush(NULL);
	hand->pid = fork();
	if (hand->pid < 0)
		err(2, "fork");
	if (hand->pid == 0) {
		close(there[1]);
		close(back[0]);
		if (options->run)
			start_by_run(options, memory, there[0], back[1]);
		start_here(options, m, there[0], back[1]);
	}
	close(memory);
	close(there[0]);
	close(back[1]);
	hand->to = there[1];
	hand->from = back[0];
}

void worker_send(const struct hand *hand, const struct op *op)
{
	*hand->op = *op;
	if (write(hand->to, "", 1) != 1)
		err(2, "%s: the worker has ended", hand->what);
}

void worker_wait(const struct hand *hand)
{
	struct pollfd p = {.fd = hand->from, .events = POLLIN};
	int n = poll(&p, 1, PATIENCE_MS);
	char c;

	if (n == 1 && read(hand->from, &c, 1) == 1)
		return;
	printf("%s: %s at: ", hand->what,
		n == 0 ? "no answer, still waiting" : "the worker has died");
	describe_op(stdout, hand->op);
	exit(2);
}

void worker_end(const struct hand *hand)
{
	int status;

	hand->op->kind = OP_END;
	if (write(hand->to, "", 1) != 1 || waitpid(hand->pid, &status, 0) != hand->pid ||
		status != 0)
		errx(2, "%s: the worker has not ended well", hand->what);
}
