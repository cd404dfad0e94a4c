/* SPDX-License-Identifier: MIT */
/* Files that never had a name (O_TMPFILE), and may get one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "fs/live/node.h"
#include "fs/show.h"

/* With O_EXCL it is the host's kernel that refuses a name. */
static int make_file(int dirfd, uint32_t mode, bool may_be_named, int *fd)
{
	int flags = O_TMPFILE | O_RDWR | O_CLOEXEC | (may_be_named ? 0 : O_EXCL);

	*fd = openat(dirfd, ".", flags, show_staging_mode(mode));
	return *fd < 0 ? -errno : 0;
}

/* Known as a file that is still open and has lost its last name. */
static int hand_out(struct live *l, int *fd, const struct statx *st,
	const struct birth *b, struct live_entry *out)
{
	char path[GRIP_PATH];
	cleanup_close int reach = open(descriptor_path(*fd, path), O_PATH | O_CLOEXEC);
	struct live_node *n;

	if (reach < 0)
		return -errno;
	n = node_get(l, NULL, NULL, st, &b->r);
	if (!n)
		return -ENOMEM;
	node_detach(l, n, take_fd(&reach));
	n->orphan = true;
	n->plain = clock_ms();
	files_keep(l, n, take_fd(fd));
	return give(l, n, st, out);
}

int live_make_unnamed(struct live *l, struct live_node *dir, const struct live_new *what,
	bool may_be_named, struct live_entry *out)
{
	cleanup_grip struct grip g = GRIP_NONE;
	cleanup_close int fd = -1;
	struct birth b = {0};
	struct statx st;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = change_ready(l, dir);
	if (rc == 0)
		rc = grip_dir(l, dir, &g);
	if (rc == 0)
		rc = birth_conceive(l, dir, &g, NULL, what, &b);
	if (rc == 0)
		rc = change_room(l);
	if (rc == 0)
		rc = make_file(g.fd, what->mode, may_be_named, &fd);
	if (rc == -EACCES && grip_writable(l, dir, &g) == 0)
		rc = make_file(g.fd, what->mode, may_be_named, &fd);
	if (rc == 0)
		rc = live_statx(fd, "", &st);
	if (rc == 0)
		/* Without a name either: a view that is killed leaves nothing of it. */
		rc = birth_store(l, dir, NULL, &st, &b);
	if (rc == 0) {
		rc = hand_out(l, &fd, &st, &b, out);
		if (rc < 0)
			orphan_dead(l, b.r.id);
	}
	pthread_mutex_unlock(&l->lock);
	birth_free(&b);
	return rc;
}

int live_find_unnamed(struct live *l, uint64_t ino, struct live_entry *out)
{
	int rc = -ENOENT;

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; rc == -ENOENT && i < l->bucket_count; i++)
		for (struct live_node *n = l->buckets[i]; n; n = n->next) {
			cleanup_grip struct grip g = GRIP_NONE;

			if (!n->orphan || n->shown != ino)
				continue;
			rc = grip_node(l, n, &g);
			if (rc == 0)
				rc = give(l, n, &g.st, out);
			break;
		}
	pthread_mutex_unlock(&l->lock);
	return rc;
}
