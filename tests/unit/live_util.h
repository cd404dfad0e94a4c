/* SPDX-License-Identifier: MIT */
/* Views that write, without a mount: the staging tree is s, the database t.livery. */
#ifndef TESTS_UNIT_LIVE_UTIL_H
#define TESTS_UNIT_LIVE_UTIL_H

#include <sys/xattr.h>
#include <unistd.h>

#include "common/buf.h"
#include "fs/live/live.h"
#include "tests/unit/tree.h"

#define DB     "t.livery"
#define INTENT "t.livery-intent"

/* Power cuts are not what is tested here, and disks are slow. */
int syncfs(int fd)
{
	(void)fd;
	return 0;
}

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* False where the tree was copied: inode numbers are others then. */
static bool hints_hold = true;

/* What the view said, one text a line. */
static struct buf said;

static inline void live_say(void *arg, const char *text)
{
	(void)arg;
	buf_addf(&said, "%s\n", text);
}

static inline struct live *must_live(struct labeler *labeler)
{
	struct live_options o = {.labeler = labeler, .say = live_say};
	struct err e = {0};
	struct live *l;

	if (live_open(&l, must_stage("s"), must_open(DB, DB_LIVE), &o, &e) < 0)
		errx(1, "%s", e.msg);
	return l;
}

static inline void must_close(struct live *l)
{
	struct err e = {0};

	if (live_close(l, &e) < 0)
		errx(1, "%s", e.msg);
}

/* One name looked up; NULL with errno where that fails. */
static inline struct live_node *look(
	struct live *l, struct live_node *dir, const char *name, struct stat *st)
{
	struct live_entry found;
	int rc = live_lookup(l, dir, name, &found);

	if (rc < 0) {
		errno = -rc;
		return NULL;
	}
	if (st)
		*st = found.st;
	return found.node;
}

/* By a path, "" is the root; gives all references on the way but the last back. */
static inline struct live_node *at(struct live *l, const char *path)
{
	struct live_node *n = live_root(l);
	char name[256];

	while (n && *path) {
		size_t len = strcspn(path, "/");
		struct live_node *above = n;

		memcpy(name, path, len);
		name[len] = '\0';
		path += len + (path[len] == '/');
		n = look(l, above, name, NULL);
		if (above != live_root(l))
			live_forget(l, above, 1);
	}
	return n;
}

static inline struct live_node *must_at(struct live *l, const char *path)
{
	struct live_node *n = at(l, path);

	if (!n)
		err(1, "%s", path);
	return n;
}

/* The directory of a path, and the last name in it. */
static inline struct live_node *above(struct live *l, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char dir[300];

	*name = slash ? slash + 1 : path;
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 0, path);
	return must_at(l, dir);
}

static inline int make_at(struct live *l, const char *path, uint32_t mode, uint64_t rdev)
{
	struct live_new what = {mode, 022, rdev, S_ISLNK(mode) ? "to/where" : NULL};
	struct live_entry made;
	const char *name;
	struct live_node *dir = above(l, path, &name);

	return live_make(l, dir, name, &what, &made);
}

static inline int link_at(struct live *l, const char *from, const char *to)
{
	struct live_entry made;
	const char *name;
	struct live_node *dir = above(l, to, &name);

	return live_link(l, must_at(l, from), dir, name, &made);
}

static inline int remove_at(struct live *l, const char *path, bool directory)
{
	const char *name;
	struct live_node *dir = above(l, path, &name);

	return live_remove(l, dir, name, directory);
}

static inline int rename_at(
	struct live *l, const char *from, const char *to, unsigned flags)
{
	const char *name, *to_name;
	struct live_node *dir = above(l, from, &name);
	struct live_node *to_dir = above(l, to, &to_name);

	return live_rename(l, dir, name, to_dir, to_name, flags);
}

static inline int chown_node(struct live *l, struct live_node *n, uid_t uid, gid_t gid)
{
	struct stat st = {.st_uid = uid, .st_gid = gid};

	return live_setattr(l, n, &st, LIVE_UID | LIVE_GID, &st);
}

static inline int chmod_node(struct live *l, struct live_node *n, mode_t mode)
{
	struct stat st = {.st_mode = mode};

	return live_setattr(l, n, &st, LIVE_MODE, &st);
}

static inline int truncate_node(struct live *l, struct live_node *n, off_t size)
{
	struct stat st = {.st_size = size};

	return live_setattr(l, n, &st, LIVE_SIZE, &st);
}

/* Ends the program where what must work does not. */
static inline void must(int rc, const char *what)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}

static inline void describe_attributes(
	struct live *l, struct live_node *n, struct buf *out)
{
	struct buf names = {0}, value = {0};

	must(live_listxattr(l, n, true, &names), "listxattr");
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1) {
		value.len = 0;
		must(live_getxattr(l, n, names.data + i, true, &value), names.data + i);
		buf_addf(out, " %s=", names.data + i);
		for (size_t k = 0; k < value.len; k++)
			buf_addf(out, "%02x", (unsigned char)value.data[k]);
	}
	buf_free(&names);
	buf_free(&value);
}

/* All that a view shows of a directory and below, but inode numbers and times. */
static inline void describe(
	struct live *l, struct live_node *dir, const char *path, struct buf *out)
{
	struct live_dir *d = live_opendir(l, dir);
	struct live_dirent ent;
	struct stat st;
	char below[600];

	must(live_dir_begin(d, false), path);
	for (size_t i = 0; live_dir_at(d, i, &ent); i++) {
		struct live_node *n = look(l, dir, ent.name, &st);

		if (!n)
			err(1, "%s/%s", path, ent.name);
		snprintf(below, sizeof(below), "%s/%s", path, ent.name);
		buf_addf(out, "%s %o %u:%u links %u rdev %llx size %lld", below,
			st.st_mode, st.st_uid, st.st_gid, (unsigned)st.st_nlink,
			(unsigned long long)st.st_rdev, (long long)st.st_size);
		if ((ent.type & S_IFMT) != (st.st_mode & S_IFMT))
			buf_addf(out, " LISTED AS %o", ent.type);
		describe_attributes(l, n, out);
		buf_addc(out, '\n');
		if (S_ISDIR(st.st_mode))
			describe(l, n, below, out);
		live_forget(l, n, 1);
	}
	live_dir_end(d);
	live_closedir(d);
}

struct children {
	char names[400][DB_NAME_MAX + 1];
	struct db_record r[400];
	int count;
};

static inline int add_child(
	void *arg, const char *name, size_t len, const struct db_record *r)
{
	struct children *c = arg;

	if (c->count == 400)
		errx(1, "too many names");
	memcpy(c->names[c->count], name, len);
	c->names[c->count][len] = '\0';
	c->r[c->count++] = *r;
	return 0;
}

static inline int disagree_below(struct db *db, int64_t id, int fd)
{
	struct children *c = calloc(1, sizeof(*c));
	struct err e = {0};
	int bad = 0;

	if (!c || db_children(db, id, add_child, c, &e) < 0)
		errx(1, "%s", e.msg);
	for (int i = 0; i < c->count; i++) {
		const struct db_record *r = &c->r[i];
		struct stat st = {0};
		int sub;

		if (fstatat(fd, c->names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!engine_type_holds(r->type, st.st_mode, (uint64_t)st.st_size) ||
			(hints_hold && r->hint.ino != st.st_ino)) {
			printf("# record %lld is of %s, staging: %o %llu\n",
				(long long)r->id, c->names[i], st.st_mode,
				(unsigned long long)st.st_ino);
			bad++;
		}
		if (!S_ISDIR(r->type))
			continue;
		sub = openat(fd, c->names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
		bad += disagree_below(db, r->id, sub);
		close(sub);
	}
	free(c);
	return bad;
}

static inline void print_finding(void *arg, const char *text)
{
	(void)arg;
	printf("# %s\n", text);
}

/* How much is wrong: names whose file is missing or another, and db_check(). */
static inline int disagreements(struct db *db)
{
	int fd = open("s", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int bad = disagree_below(db, DB_ROOT, fd);
	struct err e = {0};

	close(fd);
	return bad + abs(db_check(db, print_finding, NULL, &e));
}

/* At rest, with no view: also that it left nothing beside the database. */
static inline void agrees(const char *what)
{
	struct db *db = must_open(DB, DB_READ);

	is_int(disagreements(db), 0, "%s: database and tree agree", what);
	db_close(db);
	ok(!exists(INTENT), "%s: no intent is left", what);
}

static inline void start_over(void)
{
	static const char *const files[] = {
		DB, DB "-wal", DB "-shm", INTENT, "saved", "text"};

	if (exists("s"))
		scratch_clear("s");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	put_dir("s");
}

#endif
