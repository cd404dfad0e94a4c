/* SPDX-License-Identifier: MIT */
#include "fs/live/intent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mapped.h"
#include "fs/live/intent_slot.h"

struct intent {
	struct intent_slot *slot; /* the mapped file */
	char *path;
};

/* Beside the database itself, not beside a link to it; malloc'd. */
char *intent_path(struct db *db, struct err *e)
{
	cleanup_free char *file = realpath(db_path(db), NULL);
	char *path = NULL;

	if (!file)
		err_sys(e, db_path(db), "cannot find the database's own path");
	else if (asprintf(&path, "%s-intent", file) < 0)
		err_set(e, ERR_SYS, "out of memory");
	return path;
}

int intent_open(struct intent **out, struct db *db, struct err *e)
{
	struct intent *i = calloc(1, sizeof(*i));
	cleanup_close int fd = -1;
	void *map;

	*out = i;
	if (!i)
		return err_set(e, ERR_SYS, "out of memory");
	i->path = intent_path(db, e);
	if (!i->path)
		return -1;
	fd = open(i->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		mapped_in_place(fd);
	/* Room is taken now: there must be none wanting when it is written to. */
	if (fd < 0 || (errno = posix_fallocate(fd, 0, sizeof(*i->slot))) != 0)
		return err_sys(e, i->path, "cannot make the view's note of what it does");
	map = mmap(NULL, sizeof(*i->slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, i->path, "cannot map the view's note of what it does");
	i->slot = map;
	memcpy(i->slot->magic, INTENT_MAGIC, sizeof(i->slot->magic));
	return 0;
}

void intent_close(struct intent *i, bool clean)
{
	if (!i)
		return;
	if (i->slot) {
		munmap(i->slot, sizeof(*i->slot));
		if (clean)
			unlink(i->path);
	}
	free(i->path);
	free(i);
}

static void set_name(int64_t *parent, char *to, const struct intent_name *from)
{
	*parent = from->parent;
	snprintf(to, DB_NAME_MAX + 1, "%s", from->name ? from->name : "");
}

void intent_set(struct intent *i, const struct intent_text *t)
{
	struct intent_slot *s = i->slot;
	struct timespec now;

	set_name(&s->from_parent, s->from, &t->from);
	set_name(&s->to_parent, s->to, &t->to);
	s->ino = t->ino;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	s->since = now.tv_sec * 1000000000 + now.tv_nsec;
	s->record = t->record ? *t->record : (struct db_record){0};
	snprintf(s->label, sizeof(s->label), "%s", t->label ? t->label : "");
	/* Whoever reads this was not killed before all of it was written. */
	atomic_store(&s->kind, t->kind);
}

void intent_clear(struct intent *i)
{
	atomic_store(&i->slot->kind, INTENT_NONE);
}

int intent_finish(struct intent *i, struct stage *stage, struct db *db, struct err *e)
{
	if (db_begin(db, e) < 0)
		return -1;
	if (slot_settle(i->slot, stage, db, e) < 0 || db_commit(db, e) < 0) {
		db_rollback(db);
		return -1;
	}
	intent_clear(i);
	return 0;
}
