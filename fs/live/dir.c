/* SPDX-License-Identifier: MIT */
/* Listings of directories, as they were when they were asked for from the beginning. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "fs/engine.h"
#include "fs/live/node.h"
#include "fs/merge.h"

struct name {
	size_t at; /* in names */
	uint64_t ino;
	uint32_t type;
};

struct live_dir {
	struct live_dir *next, *prev; /* that are open; under the live's lock */
	struct live *live;
	struct live_node *node; /* held */
	struct name *entries;
	size_t count;
	struct buf names;
	struct grip grip; /* of the directory, from one message's begin to its end */
};

struct live_dir *live_opendir(struct live *l, struct live_node *n)
{
	struct live_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	pthread_mutex_lock(&l->lock);
	node_hold(n);
	d->live = l;
	d->node = n;
	d->grip = (struct grip)GRIP_NONE;
	d->next = l->dirs;
	if (d->next)
		d->next->prev = d;
	l->dirs = d;
	pthread_mutex_unlock(&l->lock);
	return d;
}

static void dir_free(struct live_dir *d)
{
	grip_release(&d->grip);
	buf_free(&d->names);
	free(d->entries);
	free(d);
}

void live_closedir(struct live_dir *d)
{
	struct live *l = d->live;

	pthread_mutex_lock(&l->lock);
	*(d->prev ? &d->prev->next : &l->dirs) = d->next;
	if (d->next)
		d->next->prev = d->prev;
	node_drop_hold(l, d->node);
	pthread_mutex_unlock(&l->lock);
	dir_free(d);
}

void live_dirs_free(struct live *l)
{
	while (l->dirs) {
		struct live_dir *d = l->dirs;

		l->dirs = d->next;
		dir_free(d);
	}
}

static int keep(
	struct live_dir *d, const struct stage_entry *s, const struct db_record *r)
{
	bool holds = r->id && engine_type_holds(r->type, s->st.stx_mode, s->st.stx_size);
	bool split =
		holds && r->names > 1 && s->st.stx_nlink == 1 && !S_ISDIR(s->st.stx_mode);
	const struct live_node *n = node_find(d->live, &s->st, holds ? r->id : 0);

	d->entries[d->count++] = (struct name){
		.at = d->names.len,
		.ino = n ? n->shown : shown_ino(holds ? r->id : 0, split, s->st.stx_ino),
		.type = holds ? r->type : s->st.stx_mode & S_IFMT,
	};
	return buf_add(&d->names, s->name, strlen(s->name) + 1) < 0 ? -ENOMEM : 0;
}

static int load_from(struct live_dir *d, int fd)
{
	cleanup_free struct db_record *records = NULL;
	struct stage_list list;
	struct err e;
	int rc = stage_list(fd, "", &list, &e);

	if (rc < 0)
		return db_errno(d->live, &e);
	free(d->entries);
	d->count = 0;
	d->names.len = 0;
	d->entries = calloc(list.count + 1, sizeof(*d->entries));
	records = calloc(list.count + 1, sizeof(*records));
	if (!d->entries || !records)
		rc = -ENOMEM;
	if (rc == 0 && d->node->r.id &&
		merge_records(d->live->db, d->node->r.id, &list, records, &e) < 0)
		rc = db_errno(d->live, &e);
	for (size_t i = 0; rc == 0 && i < list.count; i++)
		rc = keep(d, &list.entries[i], &records[i]);
	stage_list_free(&list);
	return rc;
}

/* Who may read a directory and not search it learns names, and nothing else of them. */
static int open_to_list(struct live_dir *d)
{
	char path[GRIP_PATH];
	int fd;

	if (!(d->grip.st.stx_mode & S_IXUSR))
		grip_writable(d->live, d->node, &d->grip);
	fd = open(grip_path(&d->grip, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && grip_writable(d->live, d->node, &d->grip) == 0)
		fd = open(grip_path(&d->grip, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int load(struct live_dir *d)
{
	cleanup_close int fd = -1;
	int rc = node_sync(d->live, d->node);

	if (rc < 0)
		return rc;
	fd = open_to_list(d);
	return fd < 0 ? fd : load_from(d, fd);
}

int live_dir_begin(struct live_dir *d, bool anew)
{
	int rc;

	pthread_mutex_lock(&d->live->lock);
	grip_release(&d->grip);
	rc = grip_node(d->live, d->node, &d->grip);
	if (rc == 0 && (anew || !d->entries))
		rc = load(d);
	pthread_mutex_unlock(&d->live->lock);
	return rc;
}

void live_dir_end(struct live_dir *d)
{
	grip_release(&d->grip);
}

bool live_dir_at(struct live_dir *d, size_t position, struct live_dirent *out)
{
	const struct name *e = &d->entries[position];

	if (position >= d->count)
		return false;
	*out = (struct live_dirent){d->names.data + e->at, e->ino, e->type};
	return true;
}

void live_dir_dots(struct live_dir *d, uint64_t *self, uint64_t *above)
{
	pthread_mutex_lock(&d->live->lock);
	*self = d->node->shown;
	*above = d->node->parent ? d->node->parent->shown : d->node->shown;
	pthread_mutex_unlock(&d->live->lock);
}

int live_dir_look(struct live_dir *d, const char *name, struct live_entry *out)
{
	struct live *l = d->live;
	struct live_node *n;
	struct statx st;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = child_node(l, d->node, &d->grip, name, &st, &n);
	if (rc == 0)
		rc = give(l, n, &st, out);
	pthread_mutex_unlock(&l->lock);
	return rc;
}
