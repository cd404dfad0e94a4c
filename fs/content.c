/* SPDX-License-Identifier: MIT */
/*
 * Content. Descriptors of the staging files that were read last are kept in a small
 * table; one is closed when nobody reads it and another file takes its slot. Each answer
 * is held to what was loaded: a file that changed gives EIO, never a mix of old and new.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fs/node.h"

struct open_file {
	atomic_int users; /* readers, and one for the slot */
	int fd;
};

void content_init(struct engine *en)
{
	for (int i = 0; i < FD_SLOTS; i++)
		pthread_mutex_init(&en->slots[i].lock, NULL);
}

static void put_file(struct open_file *f)
{
	if (f && atomic_fetch_sub(&f->users, 1) == 1) {
		close(f->fd);
		free(f);
	}
}

void content_close(struct engine *en)
{
	for (int i = 0; i < FD_SLOTS; i++) {
		put_file(en->slots[i].file);
		pthread_mutex_destroy(&en->slots[i].lock);
	}
}

int node_open(struct engine *en, struct node *n, int flags, struct err *e)
{
	cleanup_free char *path = engine_path(n);
	cleanup_close int fd = -1;
	struct stat st;

	if (!path)
		return err_set(e, ERR_SYS, "out of memory");
	/* openat2(2) refuses flags that mean nothing with O_PATH. */
	if (!(flags & O_PATH))
		flags |= O_NOCTTY | O_NONBLOCK;
	fd = stage_openat(en->stage, path, flags, e);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_sys(e, path, "cannot examine");
	if (st.st_ino != n->seen.ino || st.st_dev != n->seen.dev) {
		err_set(e, ERR_REFUSED,
			"is another file than when the view first showed it");
		return -1;
	}
	return take_fd(&fd);
}

static bool still_as_seen(const struct node *n, int fd)
{
	struct stat st;
	struct seen now;

	if (fstat(fd, &st) < 0)
		return false;
	seen_from_stat(&now, &st);
	return seen_equal(&now, &n->seen);
}

static struct open_file *open_node(struct engine *en, struct node *n, struct err *e)
{
	struct open_file *f = malloc(sizeof(*f));

	if (!f) {
		err_set(e, ERR_SYS, "out of memory");
		return NULL;
	}
	atomic_init(&f->users, 1);
	f->fd = node_open(en, n, O_RDONLY, e);
	if (f->fd < 0) {
		bool gone = e->code == ERR_REFUSED || e->sys == ENOENT ||
			    e->sys == ELOOP || e->sys == ENOTDIR || e->sys == ENXIO;

		engine_find_fault(
			en, n, gone ? FINDING_CHANGED : FINDING_UNREADABLE, "%s", e->msg);
		if (gone)
			err_set(e, ERR_REFUSED,
				"the staging file changed under the view");
		free(f);
		return NULL;
	}
	return f;
}

static struct open_file *get_file(struct engine *en, struct node *n, struct err *e)
{
	struct fd_slot *slot = &en->slots[((uintptr_t)n >> 6) % FD_SLOTS];
	struct open_file *f;

	pthread_mutex_lock(&slot->lock);
	if (slot->node != n) {
		put_file(slot->file);
		slot->node = NULL;
		slot->file = open_node(en, n, e);
		if (slot->file)
			slot->node = n;
	}
	f = slot->file;
	if (f)
		atomic_fetch_add(&f->users, 1);
	pthread_mutex_unlock(&slot->lock);
	return f;
}

/* Releases the file; an answer stands only if the file is still as it was loaded. */
static ssize_t settle(struct engine *en, struct node *n, struct open_file *f,
	ssize_t answer, struct err *e)
{
	bool same = still_as_seen(n, f->fd);

	put_file(f);
	if (same)
		return answer;
	engine_find_fault(en, n, FINDING_CHANGED,
		"the staging file changed while the view showed it");
	return err_set(e, ERR_REFUSED, "the staging file changed under the view");
}

/* As many bytes as there are, up to size; -1 with errno. */
static ssize_t read_at(int fd, char *buf, size_t size, off_t off)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, buf + done, size - done, off + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

ssize_t engine_read(struct engine *en, struct node *n, void *buf, size_t size, off_t off,
	struct err *e)
{
	struct open_file *f;
	ssize_t got;

	if (!S_ISREG(n->mode)) {
		errno = S_ISDIR(n->mode) ? EISDIR : EINVAL;
		return err_sys(e, n->name, "cannot read");
	}
	f = get_file(en, n, e);
	if (!f)
		return -1;
	got = read_at(f->fd, buf, size, off);
	if (got >= 0)
		return settle(en, n, f, got, e);
	err_sys(e, n->name, "cannot read");
	put_file(f);
	engine_find_fault(en, n, FINDING_UNREADABLE, "%s", e->msg);
	return -1;
}

ssize_t content_peek(struct engine *en, struct node *n, void *buf, size_t size)
{
	struct err e;
	cleanup_close int fd = node_open(en, n, O_RDONLY, &e);

	if (fd < 0 || n->seen.size > (int64_t)size ||
		read_at(fd, buf, (size_t)n->seen.size, 0) != n->seen.size)
		return -1;
	return still_as_seen(n, fd) ? n->seen.size : -1;
}

bool node_is_whole(const struct node *n)
{
	return n->blocks * 512 >= n->seen.size;
}

off_t engine_seek(struct engine *en, struct node *n, off_t off, int whence, struct err *e)
{
	struct open_file *f;
	off_t at;

	if (!S_ISREG(n->mode) || (whence != SEEK_DATA && whence != SEEK_HOLE)) {
		errno = EINVAL;
		return err_sys(e, n->name, "cannot seek");
	}
	/* With blocks for all of it, it is all data; tools ask that of every file. */
	if (node_is_whole(n) && off >= 0 && off < n->seen.size)
		return whence == SEEK_DATA ? off : n->seen.size;
	f = get_file(en, n, e);
	if (!f)
		return -1;
	at = lseek(f->fd, off, whence);
	if (at < 0) {
		err_sys(e, n->name, "cannot seek");
		put_file(f);
		return -1;
	}
	return settle(en, n, f, at, e);
}

int engine_readlink(
	struct engine *en, struct node *n, char *buf, size_t size, struct err *e)
{
	cleanup_close int fd = -1;
	ssize_t len;

	if (!S_ISLNK(n->mode)) {
		errno = EINVAL;
		return err_sys(e, n->name, "cannot read the link");
	}
	fd = node_open(en, n, O_PATH, e);
	len = fd < 0 ? -1 : readlinkat(fd, "", buf, size);
	if (len < 0 && fd >= 0)
		err_sys(e, n->name, "cannot read the link");
	if (len >= 0 && (len == (ssize_t)size || !still_as_seen(n, fd)))
		len = err_set(e, ERR_REFUSED, "the link changed under the view");
	if (len < 0) {
		engine_find_fault(en, n, FINDING_CHANGED, "%s", e->msg);
		e->code = ERR_REFUSED;
		return -1;
	}
	buf[len] = '\0';
	return 0;
}
