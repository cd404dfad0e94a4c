/* SPDX-License-Identifier: MIT */
/*
 * Content. Descriptors of the staging files that were used last are kept; bytes are moved
 * without the lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/live/node.h"

struct file {
	const struct live_node *node;
	int fd;
	unsigned users; /* calls under way, and one for the slot */
	bool writable;
	int64_t used; /* when, last; milliseconds */
};

/*
 * A program that is open for writing cannot be run, and a file that is removed beside the
 * view keeps its room: descriptors do not stay longer than a burst of calls.
 */
#define WRITER_IDLE 100 /* milliseconds */
#define READER_IDLE 1000

static void put_file(struct file *f)
{
	if (--f->users)
		return;
	close(f->fd);
	free(f);
}

static void empty_slot(struct live *l, struct file **s)
{
	put_file(*s);
	*s = NULL;
	l->open_files--;
}

static struct file **slot(struct live *l, const struct live_node *n)
{
	return &l->files[((uintptr_t)n >> 6) % l->slots];
}

void files_forget(struct live *l, const struct live_node *n)
{
	struct file **s = slot(l, n);

	if (*s && (*s)->node == n)
		empty_slot(l, s);
}

static void close_idle(struct live *l)
{
	int64_t now = clock_ms();

	for (int i = 0; i < LIVE_FILES; i++) {
		struct file *f = l->files[i];

		if (f && f->users == 1 &&
			now - f->used >= (f->writable ? WRITER_IDLE : READER_IDLE))
			empty_slot(l, &l->files[i]);
	}
}

static void *sweep(void *arg)
{
	struct live *l = arg;
	struct timespec t;

	pthread_mutex_lock(&l->lock);
	while (l->sweeping) {
		if (!l->open_files) {
			pthread_cond_wait(&l->opened, &l->lock);
			continue;
		}
		t = clock_after(WRITER_IDLE * CLOCK_SECOND / 1000);
		pthread_cond_clockwait(&l->opened, &l->lock, CLOCK_MONOTONIC, &t);
		close_idle(l);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* Where few descriptors can be had, most are left to the calls that need one. */
static size_t slots_within_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 4 >= LIVE_FILES)
		return LIVE_FILES;
	return limit.rlim_cur >= 4 ? limit.rlim_cur / 4 : 1;
}

int files_start(struct live *l)
{
	sigset_t all, before;
	int rc;

	pthread_cond_init(&l->opened, NULL);
	l->slots = slots_within_limit();
	l->sweeping = true;
	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = pthread_create(&l->sweeper, NULL, sweep, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return 0;
	l->sweeping = false;
	return -EAGAIN;
}

void files_stop(struct live *l)
{
	bool runs;

	pthread_mutex_lock(&l->lock);
	runs = l->sweeping;
	l->sweeping = false;
	pthread_cond_signal(&l->opened);
	pthread_mutex_unlock(&l->lock);
	if (runs)
		pthread_join(l->sweeper, NULL);
	for (int i = 0; i < LIVE_FILES; i++)
		if (l->files[i])
			empty_slot(l, &l->files[i]);
}

bool files_grip(struct live *l, const struct live_node *n, struct grip *g)
{
	struct file **s = slot(l, n);

	if (!*s || (*s)->node != n || !(*s)->writable ||
		live_statx((*s)->fd, "", &g->st) < 0 || !g->st.stx_nlink)
		return false;
	g->fd = (*s)->fd;
	g->borrowed = true;
	return true;
}

bool live_is_new(struct live *l, const struct live_node *n)
{
	struct grip g = GRIP_NONE;
	bool new;

	pthread_mutex_lock(&l->lock);
	new = files_grip(l, n, &g) && g.st.stx_size == 0;
	pthread_mutex_unlock(&l->lock);
	return new;
}

/* Through the descriptor that is held: the file that was looked at, and no other. */
static int open_content(struct live *l, struct live_node *n, bool writable)
{
	cleanup_grip struct grip g = GRIP_NONE;
	int flags = (writable ? O_RDWR : O_RDONLY) | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
	char path[GRIP_PATH];
	int rc = grip_node(l, n, &g);
	int fd;

	if (rc < 0)
		return rc;
	/* Under a device there is a placeholder, and it stays empty. */
	if (!S_ISREG(g.st.stx_mode) || !S_ISREG(n->type))
		return S_ISDIR(g.st.stx_mode) ? -EISDIR : -EINVAL;
	if (writable)
		rc = keep_bits(l, n, &g);
	if (rc < 0)
		return rc;
	fd = open(grip_path(&g, path), flags);
	if (fd < 0 && errno == EACCES && grip_writable(l, n, &g) == 0)
		fd = open(grip_path(&g, path), flags);
	return fd < 0 ? -errno : fd;
}

static struct file *fill_slot(
	struct live *l, const struct live_node *n, int fd, bool writable)
{
	struct file **s = slot(l, n);
	struct file *f = malloc(sizeof(*f));

	if (!f) {
		close(fd);
		return NULL;
	}
	*f = (struct file){n, fd, 1, writable, clock_ms()};
	if (*s)
		empty_slot(l, s);
	*s = f;
	if (!l->open_files++)
		pthread_cond_signal(&l->opened);
	return f;
}

void files_keep(struct live *l, const struct live_node *n, int fd)
{
	/* Without memory it is opened again. */
	fill_slot(l, n, fd, true);
}

/* Takes the lock for itself. */
static int get_file(struct live *l, struct live_node *n, bool writable, struct file **out)
{
	struct file **s = slot(l, n);
	struct file *f;
	int fd;

	pthread_mutex_lock(&l->lock);
	if (!*s || (*s)->node != n || ((writable && !(*s)->writable))) {
		fd = open_content(l, n, writable);
		f = fd < 0 ? NULL : fill_slot(l, n, fd, writable);
		if (!f) {
			pthread_mutex_unlock(&l->lock);
			return fd < 0 ? fd : -ENOMEM;
		}
	}
	*out = *s;
	(*out)->used = clock_ms();
	(*out)->users++;
	pthread_mutex_unlock(&l->lock);
	return 0;
}

static void done_with(struct live *l, struct file *f)
{
	pthread_mutex_lock(&l->lock);
	put_file(f);
	pthread_mutex_unlock(&l->lock);
}

ssize_t live_read(struct live *l, struct live_node *n, void *buf, size_t size, off_t off)
{
	struct file *f;
	size_t done = 0;
	ssize_t got = get_file(l, n, false, &f);

	if (got < 0)
		return got;
	while (done < size) {
		got = pread(f->fd, (char *)buf + done, size - done, off + (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	got = got < 0 && !done ? -errno : (ssize_t)done;
	done_with(l, f);
	return got;
}

/* New content has nothing of what the old was trusted with, for root too. */
static int distrust(struct live *l, struct live_node *n)
{
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	if (n->r.id && n->r.has_xattrs)
		rc = change_ready(l, n);
	if (rc == 0)
		rc = drop_capability(l, n, NULL);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

static ssize_t write_at(int fd, const void *buf, size_t size, off_t off)
{
	struct iovec part = {(void *)(uintptr_t)buf, size};

	return off == LIVE_END ? pwritev2(fd, &part, 1, 0, RWF_APPEND)
			       : pwrite(fd, buf, size, off);
}

ssize_t live_write(
	struct live *l, struct live_node *n, const void *buf, size_t size, off_t off)
{
	struct file *f;
	size_t done = 0;
	ssize_t put = get_file(l, n, true, &f);

	if (put == 0)
		put = distrust(l, n);
	else
		return put;
	while (put >= 0 && done < size) {
		put = write_at(f->fd, (const char *)buf + done, size - done,
			off == LIVE_END ? off : off + (off_t)done);
		if (put < 0 && errno == EINTR)
			put = 0;
		else if (put < 0)
			put = -errno;
		else
			done += (size_t)put;
	}
	done_with(l, f);
	return done ? (ssize_t)done : put;
}

/* The lock is held, and stays so: sizes change in the order in which it was asked. */
int file_truncate(struct live *l, struct live_node *n, off_t size)
{
	cleanup_close int fd = open_content(l, n, true);
	cleanup_buf struct buf was = {0};
	int rc = fd < 0 ? fd : drop_capability(l, n, &was);

	if (rc < 0)
		return rc;
	if (ftruncate(fd, size) == 0)
		return 0;
	rc = -errno;
	return_capability(l, n, &was);
	return rc;
}

off_t live_seek(struct live *l, struct live_node *n, off_t off, int whence)
{
	struct file *f;
	off_t at = get_file(l, n, false, &f);

	if (at < 0)
		return at;
	at = lseek(f->fd, off, whence);
	if (at < 0)
		at = -errno;
	done_with(l, f);
	return at;
}

int live_fallocate(struct live *l, struct live_node *n, int mode, off_t off, off_t len)
{
	struct file *f;
	int rc = get_file(l, n, true, &f);

	if (rc < 0)
		return rc;
	rc = distrust(l, n);
	if (rc == 0 && fallocate(f->fd, mode, off, len) < 0)
		rc = -errno;
	done_with(l, f);
	return rc;
}

ssize_t live_copy(struct live *l, struct live_node *from, off_t from_off,
	struct live_node *to, off_t to_off, size_t len, unsigned flags)
{
	struct file *in, *out;
	ssize_t n = get_file(l, to, true, &out);

	if (n < 0)
		return n;
	n = distrust(l, to);
	if (n == 0)
		n = get_file(l, from, false, &in);
	if (n == 0) {
		n = copy_file_range(in->fd, &from_off, out->fd, &to_off, len, flags);
		if (n < 0)
			n = -errno;
		done_with(l, in);
	}
	done_with(l, out);
	return n;
}

/* A directory, opened to be flushed: its names are there after a power cut. */
static int open_dir(struct live *l, struct live_node *n)
{
	cleanup_grip struct grip g = GRIP_NONE;
	char path[GRIP_PATH];
	int rc = grip_node(l, n, &g);
	int fd;

	if (rc < 0)
		return rc;
	fd = open(grip_path(&g, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && grip_writable(l, n, &g) == 0)
		fd = open(grip_path(&g, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int sync_database(struct live *l, bool checkpoint)
{
	struct err e;
	int rc;
	pthread_mutex_lock(&l->lock);
	rc = db_sync(l->db, &e);
	if (rc == 0 && checkpoint)
		rc = db_checkpoint(l->db, false, &e);
	if (rc < 0)
		rc = db_errno(l, &e);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

int live_fsync(struct live *l, struct live_node *n, bool data_only)
{
	cleanup_close int dir = -1;
	uint32_t type;
	struct file *f;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	type = n->type;
	pthread_mutex_unlock(&l->lock);
	if (S_ISREG(type)) {
		rc = get_file(l, n, false, &f);
		if (rc == 0) {
			if ((data_only ? fdatasync(f->fd) : fsync(f->fd)) < 0)
				rc = -errno;
			done_with(l, f);
		}
	}
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&l->lock);
	if (S_ISDIR(type) || n->parent)
		dir = open_dir(l, S_ISDIR(type) ? n : n->parent);
	else
		dir = -ESTALE; /* no name leads to it */
	pthread_mutex_unlock(&l->lock);
	if (dir < 0 && dir != -ESTALE)
		return dir;
	if (dir >= 0 && fsync(dir) < 0)
		return -errno;
	return sync_database(l, false);
}

/* Everything of the staging tree's filesystem, ours or not: what else would be as sure?
 */
int live_sync(struct live *l)
{
	int rc;

	pthread_mutex_lock(&l->lock);
	/* What the database owes comes first; where it cannot, the note of it stays. */
	rc = l->lent ? -EBUSY : change_ready(l, l->root);
	pthread_mutex_unlock(&l->lock);
	if (rc == 0)
		rc = sync_database(l, true);
	if (syncfs(stage_root(l->stage)) < 0)
		return -errno;
	return rc;
}
