/* SPDX-License-Identifier: MIT */
#include "fs/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/ahead_dirs.h"
#include "fs/ahead_files.h"
#include "fs/dirlist.h"

/* Nanoseconds after which what nobody came for is forgotten. */
#define FORGET_AFTER 1000000000

/* Nanoseconds that a reader waits for what is being read ahead of him. */
#define MOMENT 200000

struct ahead {
	struct engine *en;
	_Atomic bool attributes;
	pthread_t thread;
	pthread_mutex_t lock; /* for what is below */
	pthread_cond_t work, done;
	bool ending;
	bool idle;     /* the thread waits */
	bool attended; /* since the thread last began to wait */
	struct ahead_dirs dirs;
	struct ahead_files files;
};

struct ahead *ahead_new(struct engine *en)
{
	pthread_condattr_t attr;
	struct ahead *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->en = en;
	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->work, &attr);
	pthread_cond_init(&a->done, &attr);
	pthread_condattr_destroy(&attr);
	ahead_dirs_init(&a->dirs);
	ahead_files_init(&a->files);
	return a;
}

void ahead_free(struct ahead *a)
{
	if (!a)
		return;
	ahead_dirs_free(&a->dirs);
	ahead_files_stop(&a->files);
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->done);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* --- the thread; lock held where it is not said otherwise */

static struct dirlist *read_dirlist(
	struct ahead *a, const char *path, const struct dirlist_key *key)
{
	struct dirlist *l = malloc(sizeof(*l));
	struct err e;
	int rc;

	if (!l)
		return NULL;
	rc = dirlist_read(l, a->en, path, key, atomic_load(&a->attributes), &e);
	if (rc == 0) {
		pthread_mutex_lock(&a->en->load_lock);
		rc = dirlist_merge(l, a->en, &e);
		pthread_mutex_unlock(&a->en->load_lock);
	}
	if (rc == 0)
		return l;
	dirlist_drop(l);
	return NULL;
}

static bool read_next_dir(struct ahead *a)
{
	struct dirlist_key key;
	struct dirlist *l = NULL;
	char *path;

	if (!ahead_dirs_due(&a->dirs, false) || !ahead_dirs_next(&a->dirs, &key))
		return false;
	path = strdup(a->dirs.path.data);
	pthread_mutex_unlock(&a->lock);
	if (path)
		l = read_dirlist(a, path, &key);
	free(path);
	pthread_mutex_lock(&a->lock);
	ahead_dirs_add(&a->dirs, l, clock_ms());
	pthread_cond_broadcast(&a->done);
	return true;
}

static struct ahead_content *read_content(struct ahead *a, struct node *n)
{
	size_t size = (size_t)n->seen.size;
	struct ahead_content *c = malloc(sizeof(*c) + size);

	if (!c || content_peek(a->en, n, c->bytes, size) != (ssize_t)size) {
		free(c);
		return NULL;
	}
	c->next = NULL;
	c->node = n;
	c->size = size;
	return c;
}

static bool read_next_content(struct ahead *a)
{
	struct node *n;
	struct ahead_reader *r = ahead_files_next(&a->files, &n);
	struct ahead_content *c;

	if (!r)
		return false;
	pthread_mutex_unlock(&a->lock);
	c = read_content(a, n);
	pthread_mutex_lock(&a->lock);
	if (c)
		ahead_files_add(&a->files, r, c);
	return true;
}

static void wait_for_work(struct ahead *a)
{
	struct timespec until;
	int rc;

	a->idle = true;
	a->attended = false;
	if (!a->dirs.first && !atomic_load(&a->files.bytes)) {
		pthread_cond_wait(&a->work, &a->lock);
	} else {
		until = clock_after(FORGET_AFTER);
		rc = pthread_cond_timedwait(&a->work, &a->lock, &until);
		if (rc == ETIMEDOUT && !a->attended) {
			ahead_dirs_stop(&a->dirs);
			ahead_files_stop(&a->files);
		}
	}
	a->idle = false;
}

static void *work(void *arg)
{
	struct ahead *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->ending) {
		bool dir = read_next_dir(a);

		if (a->ending || read_next_content(a) || dir)
			continue;
		wait_for_work(a);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

int ahead_begin(struct ahead *a)
{
	return a ? -pthread_create(&a->thread, NULL, work, a) : 0;
}

void ahead_end(struct ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->ending = true;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
}

/* --- the readers */

static void wake(struct ahead *a)
{
	a->attended = true;
	if (a->idle &&
		(ahead_dirs_due(&a->dirs, true) || ahead_files_due(&a->files, true)))
		pthread_cond_signal(&a->work);
}

void ahead_listed(struct ahead *a, pid_t reader, struct node *dir, bool first)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	if (first && !atomic_load(&dir->dir)->ahead)
		ahead_dirs_start(&a->dirs, dir, clock_ms());
	ahead_files_more(&a->files, reader);
	wake(a);
	pthread_mutex_unlock(&a->lock);
}

struct ahead_content *ahead_content(struct ahead *a, pid_t thread, struct node *n)
{
	struct ahead_content *c;

	if (!a)
		return NULL;
	pthread_mutex_lock(&a->lock);
	ahead_files_asked(&a->files, thread, n);
	c = ahead_files_take(&a->files, thread, n, false);
	wake(a);
	pthread_mutex_unlock(&a->lock);
	return c;
}

struct ahead_content *ahead_content_due(struct ahead *a, pid_t thread, struct node *n)
{
	struct ahead_content *c;

	if (!a || !atomic_load_explicit(&a->files.bytes, memory_order_relaxed))
		return NULL;
	pthread_mutex_lock(&a->lock);
	c = ahead_files_take(&a->files, thread, n, true);
	wake(a);
	pthread_mutex_unlock(&a->lock);
	return c;
}

void ahead_content_free(struct ahead_content *c)
{
	while (c) {
		struct ahead_content *next = c->next;

		free(c);
		c = next;
	}
}

void ahead_want_attributes(struct ahead *a)
{
	if (a && !atomic_load_explicit(&a->attributes, memory_order_relaxed))
		atomic_store(&a->attributes, true);
}

static bool is_being_read(const struct ahead_dirs *d, const char *path)
{
	return d->reading && !d->outdated && strcmp(d->path.data, path) == 0;
}

/* The directory still has the names that it had. */
static bool holds(struct engine *en, struct node *dir, const struct dirlist *l)
{
	struct err e;
	cleanup_close int fd = node_open(en, dir, O_PATH | O_DIRECTORY, &e);
	struct stat st;
	struct seen now;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	seen_from_stat(&now, &st);
	return seen_equal(&now, &l->seen);
}

/* The thread that reads it may have to wait for a processor; the reader has his own. */
static void wait_a_moment(struct ahead *a, const char *path)
{
	const struct timespec until = clock_after(MOMENT);
	int rc = 0;

	while (rc == 0 && is_being_read(&a->dirs, path))
		rc = pthread_cond_timedwait(&a->done, &a->lock, &until);
}

struct dirlist *ahead_take(struct ahead *a, struct node *dir)
{
	cleanup_free char *path = a ? engine_path(dir) : NULL;
	const struct dirlist_key key = node_dirlist_key(dir);
	struct dirlist *l;

	if (!path)
		return NULL;
	pthread_mutex_lock(&a->lock);
	if (is_being_read(&a->dirs, path))
		wait_a_moment(a, path);
	l = ahead_dirs_take(&a->dirs, path, &key, clock_ms());
	if (l)
		wake(a);
	pthread_mutex_unlock(&a->lock);
	if (!l || holds(a->en, dir, l))
		return l;
	dirlist_drop(l);
	return NULL;
}
