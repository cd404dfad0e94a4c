/* SPDX-License-Identifier: MIT */
/* Was all that was shown still true at the end? */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/order.h"

static void check_entries(struct engine *en, int fd, const struct dir *d)
{
	for (size_t i = 0; i < d->count; i++) {
		struct node *n = d->entries[i].node;
		struct statx st;
		struct seen now;

		if (statx(fd, d->entries[i].name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
			    STATX_BASIC_STATS, &st) < 0) {
			engine_find_fault(en, n, FINDING_CHANGED, "%s",
				errno == ENOENT ? "was removed" : strerror(errno));
			continue;
		}
		seen_from_statx(&now, &st);
		if (!seen_equal(&now, &n->seen))
			engine_find_fault(en, n, FINDING_CHANGED, "changed");
	}
}

static void check_dir(struct engine *en, struct node *dir, const struct dir *d)
{
	struct err e;
	cleanup_close int fd = node_open(en, dir, O_RDONLY | O_DIRECTORY, &e);

	if (fd < 0)
		engine_find_fault(en, dir, FINDING_CHANGED, "%s", e.msg);
	else
		check_entries(en, fd, d);
}

/* The path that was mounted must still lead to the root that is open. */
static void check_root(struct engine *en)
{
	struct statx opened, named;
	struct seen now;

	if (statx(AT_FDCWD, stage_path(en->stage), 0, STATX_BASIC_STATS, &named) < 0 ||
		statx(stage_root(en->stage), "", AT_EMPTY_PATH, STATX_BASIC_STATS,
			&opened) < 0) {
		engine_find_fault(en, en->root, FINDING_CHANGED, "%s: %s",
			stage_path(en->stage), strerror(errno));
		return;
	}
	seen_from_statx(&now, &opened);
	if (named.stx_ino != opened.stx_ino || stage_dev(&named) != stage_dev(&opened))
		engine_find_fault(en, en->root, FINDING_CHANGED,
			"%s: another directory is there now", stage_path(en->stage));
	else if (!seen_equal(&now, &en->root->seen))
		engine_find_fault(en, en->root, FINDING_CHANGED, "changed");
}

static void check_database(struct engine *en)
{
	bool intact;

	pthread_mutex_lock(&en->load_lock);
	intact = !en->db || db_unchanged(en->db);
	pthread_mutex_unlock(&en->load_lock);
	if (!intact)
		engine_find_fault(en, NULL, FINDING_DATABASE,
			"%s: the database was changed, removed or replaced under the "
			"view",
			db_path(en->db));
}

void engine_check_seal(struct engine *en)
{
	check_root(en);
	check_database(en);
	for (struct node *dir = en->root; dir; dir = order_next_loaded(dir)) {
		struct dir *d = atomic_load(&dir->dir);

		if (d)
			check_dir(en, dir, d);
	}
}
