/* SPDX-License-Identifier: MIT */
#include "fs/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/show.h"
#include "fs/writer_path.h"

int writer_open(struct writer **out, struct stage *stage, struct db *db, struct err *e)
{
	struct writer *w = calloc(1, sizeof(*w));

	*out = w;
	if (!w)
		return err_set(e, ERR_SYS, "out of memory");
	w->stage = stage;
	w->db = db;
	w->dir.fd = -1;
	return 0;
}

void writer_close(struct writer *w)
{
	if (!w)
		return;
	writer_forget(w);
	buf_free(&w->cached);
	for (size_t i = 0; i < w->time_count; i++)
		free(w->times[i].path);
	free(w->times);
	free(w);
}

/* Type of what is at a place now; 0: nothing. */
static int type_at(
	const struct writer_place *p, const char *path, uint32_t *type, struct err *e)
{
	struct stat st;

	*type = 0;
	if (fstatat(p->dir.fd, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		*type = st.st_mode & S_IFMT;
	else if (errno != ENOENT)
		return err_sys(e, path, "cannot examine");
	return 0;
}

/* Makes way for something new under a name. */
static int clear(struct writer *w, const struct writer_place *p, uint32_t old,
	const char *path, struct err *e)
{
	char quoted[1024];

	if (unlinkat(p->dir.fd, p->name, old == S_IFDIR ? AT_REMOVEDIR : 0) < 0) {
		if (old == S_IFDIR && (errno == ENOTEMPTY || errno == EEXIST))
			return err_set(e, ERR_REFUSED,
				"%s: cannot replace a directory that is not empty",
				quote_path(quoted, sizeof(quoted), path));
		return err_sys(e, path, "cannot replace what is there");
	}
	if (db_name_drop(w->db, p->dir.record, p->name, strlen(p->name), e) < 0)
		return writer_named(e, path);
	/* The directory that was looked up last may have been this one. */
	if (old == S_IFDIR || old == S_IFLNK)
		w->stale = true;
	return 0;
}

static int make_file(const struct writer_place *p, const struct writer_meta *m,
	const char *path, int *fd, struct err *e)
{
	int file;

	file = stage_open_below(p->dir.fd, p->name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY, show_staging_mode(m->mode));
	if (file < 0)
		return err_sys(e, path, "cannot make the file");
	if (fd)
		*fd = file;
	else
		close(file);
	return 0;
}

static int make_inode(const struct writer_place *p, const struct writer_meta *m,
	const char *path, int *fd, struct err *e)
{
	char quoted[1024];
	int rc;

	switch (m->mode & S_IFMT) {
	case S_IFREG:
		return make_file(p, m, path, fd, e);
	case S_IFCHR:
	case S_IFBLK: {
		struct writer_meta placeholder = {.mode = S_IFREG};

		return make_file(p, &placeholder, path, NULL, e);
	}
	case S_IFDIR:
		rc = mkdirat(p->dir.fd, p->name, 0755);
		break;
	case S_IFLNK:
		rc = symlinkat(m->target, p->dir.fd, p->name);
		break;
	case S_IFIFO:
	case S_IFSOCK:
		rc = mknodat(p->dir.fd, p->name, (m->mode & S_IFMT) | 0644, 0);
		break;
	default:
		return err_set(e, ERR_INPUT, "%s: of no type that a filesystem knows",
			quote_path(quoted, sizeof(quoted), path));
	}
	return rc < 0 ? err_sys(e, path, "cannot make it in the staging tree") : 0;
}

static int statx_at(const struct writer_place *p, struct statx *st)
{
	return statx(p->dir.fd, p->name,
		AT_SYMLINK_NOFOLLOW | (*p->name ? 0 : AT_EMPTY_PATH),
		STATX_TYPE | STATX_INO | STATX_BTIME, st);
}

static struct db_hint hint_of(const struct statx *st)
{
	return (struct db_hint){stage_dev(st), st->stx_ino, stage_btime(st)};
}

static int put_attrs(
	struct writer *w, int64_t id, const struct writer_meta *m, struct err *e)
{
	for (size_t i = 0; i < m->attr_count; i++)
		if (db_xattr_put(w->db, id, m->attrs[i].name, m->attrs[i].value,
			    m->attrs[i].len, e) < 0)
			return -1;
	return 0;
}

static int drop_xattr(void *arg, const char *name, const void *value, size_t len)
{
	struct buf *names = arg;

	(void)value;
	return buf_add(names, name, strlen(name) + 1) < 0 || len > DB_XVALUE_MAX ? -1 : 0;
}

/* A directory that is there already keeps nothing of its old attributes. */
static int forget_attrs(struct writer *w, int64_t id, struct err *e)
{
	cleanup_buf struct buf names = {0};

	if (db_xattr_each(w->db, id, drop_xattr, &names, e) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1)
		if (db_xattr_drop(w->db, id, names.data + i, e) < 0)
			return -1;
	return 0;
}

static int put_record(struct writer *w, const struct writer_place *p,
	const struct writer_meta *m, bool fresh, struct err *e)
{
	struct db_record r = db_record_new(m->mode);
	struct statx st;

	if (!*p->name)
		r.id = DB_ROOT;
	else if (!fresh && writer_record(w, &p->dir, p->name, m->mode, &r.id, e) < 0)
		return -1;
	r.mode = m->mode & 07777;
	r.uid = m->uid;
	r.gid = m->gid;
	r.rdev = S_ISCHR(m->mode) || S_ISBLK(m->mode) ? m->rdev : 0;
	if (statx_at(p, &st) < 0)
		return err_sys(e, NULL, "cannot examine what was made");
	r.hint = hint_of(&st);
	if (m->label) {
		r.label = db_label_intern(w->db, m->label, strlen(m->label), e);
		if (r.label < 0)
			return -1;
	}
	if (r.id && forget_attrs(w, r.id, e) < 0)
		return -1;
	if (db_record_put(w->db, &r, e) < 0 || put_attrs(w, r.id, m, e) < 0)
		return -1;
	if (!*p->name || !fresh)
		return 0;
	return db_name_put(w->db, p->dir.record, p->name, strlen(p->name), r.id, e);
}

static int keep_record(struct writer *w, const struct writer_place *p,
	const struct writer_meta *m, bool fresh, const char *path, struct err *e)
{
	return put_record(w, p, m, fresh, e) < 0 ? writer_named(e, path) : 0;
}

/* dpkg's rule: a directory does not replace a link that leads to one. */
static bool link_to_dir(struct writer *w, const char *path)
{
	cleanup_free char *inside = NULL;
	struct writer_place p;
	struct err ignored;

	if (asprintf(&inside, "%s/x", path) < 0) {
		inside = NULL;
		return false;
	}
	return writer_place(w, inside, false, &p, &ignored) == 0;
}

/* When the directory was last changed, for undo(). */
static void note_dir_time(struct writer *w, const struct writer_place *p)
{
	struct stat st;

	w->dir_time = fstat(p->dir.fd, &st) == 0
			      ? st.st_mtim
			      : (struct timespec){.tv_nsec = UTIME_OMIT};
}

/* Takes back what was made last: the tree is as before. */
static void undo(struct writer *w, const struct writer_place *p, uint32_t type)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, w->dir_time};

	if (unlinkat(p->dir.fd, p->name, type == S_IFDIR ? AT_REMOVEDIR : 0) == 0)
		utimensat(p->dir.fd, ".", times, 0);
}

int writer_make(struct writer *w, const char *path, const struct writer_meta *meta,
	int *fd, struct err *e)
{
	uint32_t type = meta->mode & S_IFMT;
	struct writer_place p;
	char quoted[1024];
	uint32_t old;

	if (fd)
		*fd = -1;
	if (writer_place(w, path, true, &p, e) < 0)
		return -1;
	if (!*p.name) {
		if (type != S_IFDIR)
			return err_set(e, ERR_REFUSED,
				"%s: the root of a tree is a directory",
				quote_path(quoted, sizeof(quoted), path));
		return keep_record(w, &p, meta, false, path, e);
	}
	if (type_at(&p, path, &old, e) < 0)
		return -1;
	if (old == S_IFDIR && type == S_IFDIR)
		return keep_record(w, &p, meta, false, path, e);
	if (old == S_IFLNK && type == S_IFDIR && link_to_dir(w, path))
		return 1;
	if (old == S_IFLNK && writer_place(w, path, true, &p, e) < 0)
		return -1;
	if (old && clear(w, &p, old, path, e) < 0)
		return -1;
	note_dir_time(w, &p);
	if (make_inode(&p, meta, path, fd, e) < 0)
		return -1;
	if (keep_record(w, &p, meta, true, path, e) == 0)
		return 0;
	undo(w, &p, type);
	if (fd && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return -1;
}

void writer_unmake(struct writer *w, const char *path)
{
	struct writer_place p;
	struct err ignored;
	uint32_t type;

	if (writer_place(w, path, false, &p, &ignored) == 0 && *p.name &&
		type_at(&p, path, &type, &ignored) == 0 && type)
		undo(w, &p, type);
}

static int link_refused(
	struct err *e, const char *path, const char *target, const char *why)
{
	char quoted[2][1000];

	return err_set(e, ERR_REFUSED, "%s: a hard link to %s, %s",
		quote_path(quoted[0], sizeof(quoted[0]), path),
		quote_path(quoted[1], sizeof(quoted[1]), target), why);
}

/* What a hard link is to name, and in *dir a descriptor of its directory to keep. */
static int find_target(struct writer *w, const char *path, const char *target,
	struct writer_place *from, struct db_record *r, int *dir, struct err *e)
{
	int rc;

	if (writer_place(w, target, false, from, e) < 0) {
		if (e->code == ERR_SYS && e->sys == ENOENT)
			return link_refused(e, path, target, "which is not there");
		err_wrap(e, "hard link");
		return writer_named(e, path);
	}
	if (!*from->name)
		return link_refused(e, path, target, "which is a directory");
	rc = db_name_get(w->db, from->dir.record, from->name, strlen(from->name), r, e);
	if (rc < 0)
		return writer_named(e, path);
	if (rc == 0)
		return link_refused(e, path, target, "which is not there");
	if (r->type == S_IFDIR)
		return link_refused(e, path, target, "which is a directory");
	/* The next look-up may close the writer's descriptor. */
	*dir = fcntl(from->dir.fd, F_DUPFD_CLOEXEC, 3);
	return *dir < 0 ? err_sys(e, target, "cannot open the directory") : 0;
}

static int make_link(struct writer *w, const struct writer_place *to, int target_dir,
	const char *target_name, int64_t record, const char *path, struct err *e)
{
	if (linkat(target_dir, target_name, to->dir.fd, to->name, 0) < 0)
		return err_sys(e, path, "cannot make the hard link");
	if (db_name_put(w->db, to->dir.record, to->name, strlen(to->name), record, e) < 0)
		return writer_named(e, path);
	return 0;
}

int writer_link(
	struct writer *w, const char *path, const char *target, int *fd, struct err *e)
{
	cleanup_close int target_dir = -1;
	struct writer_place from, to;
	struct db_record r;
	uint32_t old;

	if (fd)
		*fd = -1;
	if (find_target(w, path, target, &from, &r, &target_dir, e) < 0 ||
		writer_place(w, path, true, &to, e) < 0)
		return -1;
	if (!*to.name)
		return link_refused(e, path, target, "over the root of the tree");
	if (type_at(&to, path, &old, e) < 0)
		return -1;
	if (to.dir.record != from.dir.record || strcmp(to.name, from.name) != 0) {
		if (old && clear(w, &to, old, path, e) < 0)
			return -1;
		if (make_link(w, &to, target_dir, from.name, r.id, path, e) < 0)
			return -1;
	} else if (!old) {
		return link_refused(e, path, target, "which is not there");
	}
	if (fd && r.type == S_IFREG) {
		*fd = stage_open_below(
			to.dir.fd, to.name, O_WRONLY | O_NOCTTY | O_NONBLOCK, 0);
		if (*fd < 0)
			return err_sys(e, path, "cannot open");
	}
	return 0;
}

static int set_time(const struct writer_place *p, const char *path,
	const struct timespec *mtime, struct err *e)
{
	const struct timespec times[2] = {*mtime, *mtime};
	const char *name = *p->name ? p->name : ".";
	struct stat st;

	if (utimensat(p->dir.fd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ||
		fstatat(p->dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, path, "cannot set the time");
	return st.st_mtim.tv_sec != mtime->tv_sec;
}

int writer_set_time(
	struct writer *w, const char *path, const struct timespec *mtime, struct err *e)
{
	struct writer_place p;

	return writer_place(w, path, false, &p, e) < 0 ? -1
						       : set_time(&p, path, mtime, e);
}

int writer_dir_time(
	struct writer *w, const char *path, const struct timespec *mtime, struct err *e)
{
	struct writer_place p;
	struct statx st;
	struct writer_time *t;

	if (writer_place(w, path, false, &p, e) < 0)
		return -1;
	if (statx_at(&p, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, path, "cannot examine");
	if (w->time_count == w->time_room) {
		size_t room = w->time_room ? w->time_room * 2 : 64;

		t = reallocarray(w->times, room, sizeof(*t));
		if (!t)
			return err_set(e, ERR_SYS, "out of memory");
		w->times = t;
		w->time_room = room;
	}
	t = &w->times[w->time_count];
	*t = (struct writer_time){
		.path = strdup(path), .dir = hint_of(&st), .mtime = *mtime};
	if (!t->path)
		return err_set(e, ERR_SYS, "out of memory");
	w->time_count++;
	return set_time(&p, path, mtime, e);
}

/* What came later may have taken the directory's place, or that of one above it. */
static int set_dir_time(struct writer *w, const struct writer_time *t, struct err *e)
{
	struct writer_place p;
	struct db_hint now;
	struct statx st;

	if (writer_place(w, t->path, false, &p, e) < 0)
		return e->code == ERR_REFUSED || e->sys == ENOENT ? 0 : -1;
	if (statx_at(&p, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, t->path, "cannot examine");
	now = hint_of(&st);
	if (!S_ISDIR(st.stx_mode) || now.dev != t->dir.dev || now.ino != t->dir.ino ||
		now.btime != t->dir.btime)
		return 0;
	return set_time(&p, t->path, &t->mtime, e) < 0 ? -1 : 0;
}

/* In the order of the archive: of two entries for one directory the later counts. */
int writer_finish(struct writer *w, struct err *e)
{
	for (size_t i = 0; i < w->time_count; i++)
		if (set_dir_time(w, &w->times[i], e) < 0)
			return -1;
	return 0;
}
