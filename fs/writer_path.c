/* SPDX-License-Identifier: MIT */
#include "fs/writer_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"

#define LINKS_MAX 40 /* as the kernel's MAXSYMLINKS */

static int refused(struct err *e, const char *path, const char *why)
{
	char quoted[1024];

	return err_set(
		e, ERR_REFUSED, "%s: %s", quote_path(quoted, sizeof(quoted), path), why);
}

int writer_named(struct err *e, const char *path)
{
	char quoted[1024];

	return err_wrap(e, "%s", quote_path(quoted, sizeof(quoted), path));
}

void writer_forget(struct writer *w)
{
	if (w->dir.fd >= 0)
		close(w->dir.fd);
	w->dir.fd = -1;
	w->cached.len = 0;
}

int writer_record(struct writer *w, const struct writer_dir *dir, const char *name,
	uint32_t type, int64_t *id, struct err *e)
{
	struct db_record r;
	size_t len = strlen(name);
	int rc = db_name_get(w->db, dir->record, name, len, &r, e);

	if (rc < 0)
		return -1;
	if (rc == 0 || r.type != (type & S_IFMT)) {
		r = db_record_new(type);
		if (db_record_put(w->db, &r, e) < 0 ||
			db_name_put(w->db, dir->record, name, len, r.id, e) < 0)
			return -1;
	}
	*id = r.id;
	return 0;
}

/* Splits off the next component: its length, 0 at the end. "." is passed over. */
static size_t component(const char **p)
{
	size_t len;

	for (;;) {
		while (**p == '/')
			(*p)++;
		len = strcspn(*p, "/");
		if (len != 1 || **p != '.')
			return len;
		(*p)++;
	}
}

/* The state of one look-up: what is left to go, and the directories gone through. */
struct lookup {
	struct writer_dir *stack; /* stack[0] is the root */
	size_t depth, room;
	char *rest; /* owned */
	const char *next;
	int links;
};

static void lookup_free(struct lookup *l)
{
	while (l->depth)
		close(l->stack[--l->depth].fd);
	free(l->stack);
	free(l->rest);
}

static int enter(struct lookup *l, int fd, int64_t record, struct err *e)
{
	if (l->depth == l->room) {
		size_t room = l->room ? l->room * 2 : 16;
		struct writer_dir *p = reallocarray(l->stack, room, sizeof(*p));

		if (!p) {
			close(fd);
			return err_set(e, ERR_SYS, "out of memory");
		}
		l->stack = p;
		l->room = room;
	}
	l->stack[l->depth++] = (struct writer_dir){fd, record};
	return 0;
}

/* Goes on at a link's target, which must be relative. */
static int follow(struct lookup *l, int fd, const char *path, struct err *e)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(fd, "", target, sizeof(target));
	char *rest = NULL;

	if (n <= 0 || n == (ssize_t)sizeof(target))
		return refused(
			e, path, "goes through a symbolic link that cannot be read");
	target[n] = '\0';
	if (target[0] == '/')
		return refused(e, path,
			"goes through a symbolic link that leads out of the "
			"staging tree");
	if (++l->links > LINKS_MAX)
		return refused(e, path, "goes through too many symbolic links");
	if (asprintf(&rest, "%s/%s", target, l->next) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	free(l->rest);
	l->rest = rest;
	l->next = rest;
	return 0;
}

static int step_up(struct lookup *l, const char *path, struct err *e)
{
	if (!l->links)
		return refused(
			e, path, "'..' in a name could lead out of the staging tree");
	if (l->depth == 1)
		return refused(e, path,
			"goes through a symbolic link that leads out of the "
			"staging tree");
	close(l->stack[--l->depth].fd);
	return 0;
}

static int make_dir(struct writer *w, const struct writer_dir *dir, const char *name,
	const char *path, struct err *e)
{
	struct db_record r = db_record_new(S_IFDIR);

	if (mkdirat(dir->fd, name, 0755) < 0)
		return err_sys(e, path, "cannot make the directory");
	r.mode = 0755;
	r.uid = 0;
	r.gid = 0;
	if (db_record_put(w->db, &r, e) < 0 ||
		db_name_put(w->db, dir->record, name, strlen(name), r.id, e) < 0)
		return writer_named(e, path);
	return 0;
}

/* One component on the way: a directory, or a link to one. */
static int step_down(struct writer *w, struct lookup *l, const char *name, bool make,
	const char *path, struct err *e)
{
	struct writer_dir *dir = &l->stack[l->depth - 1];
	cleanup_close int fd = stage_open_below(dir->fd, name, O_PATH, 0);
	char quoted[1024];
	struct stat st;
	int64_t id;

	if (fd < 0 && errno == ENOENT && make) {
		if (make_dir(w, dir, name, path, e) < 0)
			return -1;
		fd = stage_open_below(dir->fd, name, O_PATH, 0);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, path, "cannot look up '%s' on the way",
			quote_path(quoted, sizeof(quoted), name));
	if (S_ISLNK(st.st_mode))
		return follow(l, fd, path, e);
	if (!S_ISDIR(st.st_mode))
		return refused(e, path, "goes through a name that is no directory");
	if (writer_record(w, dir, name, S_IFDIR, &id, e) < 0)
		return writer_named(e, path);
	return enter(l, take_fd(&fd), id, e);
}

static int next_name(
	struct lookup *l, char name[DB_NAME_MAX + 1], const char *path, struct err *e)
{
	size_t len = component(&l->next);

	if (len > DB_NAME_MAX)
		return refused(e, path, "a name in it has more than 255 bytes");
	memcpy(name, l->next, len);
	name[len] = '\0';
	l->next += len;
	return 0;
}

/* Walks the directory part; what is left on the stack's top is the directory. */
static int walk(
	struct writer *w, struct lookup *l, bool make, const char *path, struct err *e)
{
	char name[DB_NAME_MAX + 1];
	int root = fcntl(stage_root(w->stage), F_DUPFD_CLOEXEC, 3);

	if (root < 0)
		return err_sys(e, path, "cannot look up");
	if (enter(l, root, DB_ROOT, e) < 0)
		return -1;
	for (;;) {
		if (next_name(l, name, path, e) < 0)
			return -1;
		if (!*name)
			return 0;
		if (strcmp(name, "..") == 0 ? step_up(l, path, e) < 0
					    : step_down(w, l, name, make, path, e) < 0)
			return -1;
	}
}

/* Length of the directory part of a path, and its last name. */
static int split(
	const char *path, size_t *dir_len, char name[DB_NAME_MAX + 1], struct err *e)
{
	size_t end = strlen(path);
	size_t start;

	for (;;) {
		while (end && path[end - 1] == '/')
			end--;
		start = end;
		while (start && path[start - 1] != '/')
			start--;
		if (end - start != 1 || path[start] != '.')
			break;
		end = start;
	}
	if (end - start == 2 && memcmp(path + start, "..", 2) == 0)
		return refused(
			e, path, "'..' in a name could lead out of the staging tree");
	if (end - start > DB_NAME_MAX)
		return refused(e, path, "its name has more than 255 bytes");
	memcpy(name, path + start, end - start);
	name[end - start] = '\0';
	*dir_len = start;
	return 0;
}

int writer_place(struct writer *w, const char *path, bool make, struct writer_place *p,
	struct err *e)
{
	struct lookup l = {0};
	size_t len = 0;
	int rc;

	if (w->stale)
		writer_forget(w);
	w->stale = false;
	if (split(path, &len, p->name, e) < 0)
		return -1;
	if (w->dir.fd >= 0 && w->cached.len == len &&
		(len == 0 || memcmp(w->cached.data, path, len) == 0)) {
		p->dir = w->dir;
		return 0;
	}
	l.rest = strndup(path, len);
	l.next = l.rest;
	rc = l.rest ? walk(w, &l, make, path, e) : err_set(e, ERR_SYS, "out of memory");
	if (rc == 0) {
		writer_forget(w);
		w->dir = l.stack[--l.depth];
		if (buf_add(&w->cached, path, len) < 0)
			writer_forget(w);
		p->dir = w->dir;
		rc = w->dir.fd < 0 ? err_set(e, ERR_SYS, "out of memory") : 0;
	}
	lookup_free(&l);
	return rc;
}
