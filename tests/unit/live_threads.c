/* SPDX-License-Identifier: MIT */
/*
 * Threads that make, remove, rename, link and change files in one tree, with nodes that
 * come and go; at the end the database is what the tree is.
 */
#include <pthread.h>

#include "fs/xattr.h"
#include "tests/unit/live_util.h"

#define THREADS 4
#define NAMES   6

static struct live *l;
static int rounds;

struct worker {
	pthread_t thread;
	unsigned seed;
	int done, strange; /* answers that no filesystem would give */
};

static unsigned dice(struct worker *w, unsigned sides)
{
	w->seed = w->seed * 1103515245 + 12345;
	return (w->seed >> 16) % sides;
}

static const char *some_name(struct worker *w)
{
	static const char *const names[NAMES] = {"a", "b", "c", "d", "e", "f"};

	return names[dice(w, NAMES)];
}

static struct live_node *some_dir(struct worker *w)
{
	struct live_entry found;

	if (dice(w, 3) == 0)
		return live_root(l);
	if (live_lookup(l, live_root(l), some_name(w), &found) < 0)
		return live_root(l);
	return found.node;
}

static void put_back(struct live_node *n)
{
	if (n && n != live_root(l))
		live_forget(l, n, 1);
}

static int make_some(struct worker *w, struct live_node *dir)
{
	static const uint32_t types[] = {
		S_IFREG, S_IFREG, S_IFDIR, S_IFDIR, S_IFLNK, S_IFCHR};
	struct live_new what = {types[dice(w, 6)] | 0644, 022, 0x103, "target"};
	struct live_entry made;
	int rc = live_make(l, dir, some_name(w), &what, &made);

	if (rc == 0)
		put_back(made.node);
	return rc;
}

static int change_some(struct worker *w, struct live_node *n)
{
	struct buf names = {0};
	char text[8];
	int rc = 0;

	switch (dice(w, 7)) {
	case 0:
		return chown_node(l, n, dice(w, 1000), dice(w, 1000));
	case 1:
		rc = chmod_node(l, n, dice(w, 01000));
		return rc == -EOPNOTSUPP ? 0 : rc;
	case 2:
		rc = live_setxattr(l, n, XATTR_LABEL, "u:r:t", 5, 0, true);
		break;
	case 3:
		rc = (int)live_write(l, n, "text", 4, 0);
		return rc == -EISDIR || rc == -EINVAL ? 0 : rc;
	case 4:
		rc = (int)live_read(l, n, text, sizeof(text), 0);
		return rc == -EISDIR || rc == -EINVAL ? 0 : rc;
	case 5:
		rc = live_listxattr(l, n, true, &names);
		buf_free(&names);
		break;
	default:
		rc = live_fsync(l, n, false);
		return rc == -EISDIR || rc == -EINVAL ? 0 : rc;
	}
	return rc;
}

static int list_some(struct live_node *dir)
{
	struct live_dir *d = live_opendir(l, dir);
	struct live_entry found;
	struct live_dirent ent;
	int rc = live_dir_begin(d, false);

	for (size_t i = 0; rc == 0 && live_dir_at(d, i, &ent); i++)
		if (live_dir_look(d, ent.name, &found) == 0)
			put_back(found.node);
	live_dir_end(d);
	live_closedir(d);
	return rc == -ENOTDIR ? 0 : rc;
}

static int link_some(struct worker *w, struct live_node *dir, struct live_node *to_dir)
{
	struct live_entry from, made;
	int rc = live_lookup(l, dir, some_name(w), &from);

	if (rc < 0)
		return rc;
	rc = live_link(l, from.node, to_dir, some_name(w), &made);
	if (rc == 0)
		put_back(made.node);
	put_back(from.node);
	return rc == -EPERM ? 0 : rc;
}

static int one_thing(struct worker *w, struct live_node *dir, struct live_node *to_dir)
{
	struct live_entry found;
	int rc;

	switch (dice(w, 8)) {
	case 0:
	case 1:
		return make_some(w, dir);
	case 2:
		return live_remove(l, dir, some_name(w), dice(w, 2));
	case 3:
		return live_rename(l, dir, some_name(w), to_dir, some_name(w), 0);
	case 4:
		rc = live_rename(
			l, dir, some_name(w), to_dir, some_name(w), RENAME_EXCHANGE);
		return rc;
	case 5:
		return link_some(w, dir, to_dir);
	case 6:
		return list_some(dir);
	default:
		rc = live_lookup(l, dir, some_name(w), &found);
		if (rc == 0) {
			rc = change_some(w, found.node);
			put_back(found.node);
		}
		return rc;
	}
}

static bool sensible(int rc)
{
	switch (rc < 0 ? -rc : 0) {
	case 0:
	case ENOENT:
	case EEXIST:
	case ENOTDIR:
	case EISDIR:
	case ENOTEMPTY:
	case EINVAL:
	case ESTALE:
		return true;
	default:
		return false;
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < rounds; i++) {
		struct live_node *dir = some_dir(w), *to_dir = some_dir(w);
		int rc = one_thing(w, dir, to_dir);

		w->done += rc >= 0;
		if (!sensible(rc)) {
			w->strange++;
			printf("# %s\n", strerror(-rc));
		}
		put_back(dir);
		put_back(to_dir);
	}
	return NULL;
}

static void test_threads(unsigned seed)
{
	struct worker w[THREADS];
	struct stat st;
	struct buf before = {0}, after = {0};
	int made = 0, strange = 0;

	start_over();
	l = must_live(NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.seed = seed * THREADS + i};
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			errx(1, "pthread_create");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		made += w[i].done;
		strange += w[i].strange;
	}
	is_int(strange, 0, "seed %u: answers as of a filesystem", seed);
	ok(made > rounds / 4, "seed %u: %d calls did something", seed, made);
	is_int(live_stat(l, live_root(l), &st), 0, "seed %u: the root", seed);
	describe(l, live_root(l), "", &before);
	must_close(l);
	agrees("after threads");
	l = must_live(NULL);
	describe(l, live_root(l), "", &after);
	must_close(l);
	is_str(after.data, before.data, "seed %u: the next view shows the same", seed);
	buf_free(&before);
	buf_free(&after);
}

int main(void)
{
	scratch_make();
	rounds = under_valgrind() ? 300 : 2000;
	for (unsigned seed = 1; seed <= 3; seed++)
		test_threads(seed);
	if (said.len)
		printf("# said: %s\n", said.data);
	buf_free(&said);
	return done_testing();
}
