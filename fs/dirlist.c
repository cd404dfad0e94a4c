/* SPDX-License-Identifier: MIT */
#include "fs/dirlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "common/cleanup.h"
#include "fs/merge.h"

/* What cannot be asked is not bare; who needs its attributes will see why. */
static int look_for_attributes(struct dirlist *l, int fd, struct err *e)
{
	char path[64 + DB_NAME_MAX];

	l->bare = calloc(l->list.count + 1, sizeof(*l->bare));
	if (!l->bare)
		return err_set(e, ERR_SYS, "out of memory");
	for (size_t i = 0; i < l->list.count; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd,
			l->list.entries[i].name);
		l->bare[i] = llistxattr(path, NULL, 0) == 0;
	}
	return 0;
}

int dirlist_read(struct dirlist *l, const struct engine *en, const char *path,
	const struct dirlist_key *key, bool attributes, struct err *e)
{
	cleanup_close int fd = stage_openat(
		en->stage, path, O_RDONLY | O_DIRECTORY | O_NOCTTY | O_NONBLOCK, e);
	struct stat st;

	*l = (struct dirlist){.key = *key};
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_sys(e, path, "cannot examine");
	if (st.st_ino != key->ino || st.st_dev != key->dev)
		return err_set(e, ERR_REFUSED,
			"is another file than when the view first showed it");
	seen_from_stat(&l->seen, &st);
	if (stage_list(fd, *path ? path : "/", &l->list, e) < 0)
		return -1;
	return attributes ? look_for_attributes(l, fd, e) : 0;
}

int dirlist_merge(struct dirlist *l, struct engine *en, struct err *e)
{
	l->records = calloc(l->list.count + 1, sizeof(*l->records));
	if (!l->records)
		return err_set(e, ERR_SYS, "out of memory");
	if (!l->key.record)
		return 0;
	return merge_records(en->db, l->key.record, &l->list, l->records, e);
}

void dirlist_free(struct dirlist *l)
{
	stage_list_free(&l->list);
	free(l->records);
	free(l->bare);
	l->records = NULL;
	l->bare = NULL;
}

void dirlist_drop(struct dirlist *l)
{
	if (l)
		dirlist_free(l);
	free(l);
}
