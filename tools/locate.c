/* SPDX-License-Identifier: MIT */
#include "tools/locate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/descriptor.h"
#include "common/quote.h"
#include "fs/live/intent.h"
#include "fs/side.h"
#include "tools/mounts.h"

#define SUFFIX ".livery"

void place_free(struct place *p)
{
	free(p->staging);
	free(p->db);
	free(p->path);
	*p = (struct place){0};
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

char *locate_absolute(const char *path, struct err *e)
{
	cleanup_free char *copy = strdup(path);
	cleanup_free char *dir = NULL;
	char *base, *slash, *full = NULL;
	size_t len = strlen(path);

	if (!copy) {
		no_memory(e);
		return NULL;
	}
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	base = slash ? slash + 1 : copy;
	if (!*copy || strcmp(base, ".") == 0 || strcmp(base, "..") == 0 || !*base) {
		full = *copy ? realpath(copy, NULL) : (errno = ENOENT, NULL);
		if (!full)
			err_sys(e, path, "cannot find");
		return full;
	}
	if (slash)
		*slash = '\0';
	dir = realpath(slash ? (*copy ? copy : "/") : ".", NULL);
	if (!dir)
		err_sys(e, path, "cannot find");
	else if (asprintf(&full, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, base) < 0)
		full = NULL;
	if (dir && !full)
		no_memory(e);
	return full;
}

static char *default_db(const char *staging)
{
	char *db;

	return asprintf(&db, "%s" SUFFIX, staging) < 0 ? NULL : db;
}

bool path_inside(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strcmp(dir, "/") == 0 ||
	       (strncmp(path, dir, len) == 0 && (!path[len] || path[len] == '/'));
}

char *locate_within(const char *path, struct err *e)
{
	char *clean = malloc(strlen(path) + 1);
	char quoted[1024];
	size_t len = 0, n;

	if (!clean)
		no_memory(e);
	for (const char *p = path; clean && *p; p += n + (p[n] == '/')) {
		n = strcspn(p, "/");
		if (n == 2 && memcmp(p, "..", 2) == 0) {
			err_set(e, ERR_USAGE, "%s: say the path without '..'",
				quote_path(quoted, sizeof(quoted), path));
			free(take_ptr(clean));
			return NULL;
		}
		if (!n || (n == 1 && *p == '.'))
			continue;
		if (len)
			clean[len++] = '/';
		memcpy(clean + len, p, n);
		len += n;
	}
	if (clean)
		clean[len] = '\0';
	return clean;
}

int locate_tree(struct place *p, const char *staging, const char *db, struct err *e)
{
	struct stat st;

	*p = (struct place){0};
	/* A link to a tree is the tree: its database lies beside what it leads to. */
	if (stat(staging, &st) < 0)
		p->staging = locate_absolute(staging, e);
	else if (!(p->staging = realpath(staging, NULL)))
		err_sys(e, staging, "cannot find");
	if (!p->staging)
		return -1;
	if (strcmp(p->staging, "/") == 0 && !db)
		return err_set(e, ERR_USAGE, "/ has no place beside it: say --db FILE");
	/* Absolute, since a daemon leaves the current directory. */
	p->db = db ? locate_absolute(db, e) : default_db(p->staging);
	p->path = strdup("");
	if (db && !p->db)
		return -1;
	if (!p->db || !p->path)
		return no_memory(e);
	if (path_inside(p->db, p->staging))
		return err_set(e, ERR_REFUSED,
			"%s: the database would be part of the tree %s; keep it beside "
			"it",
			p->db, p->staging);
	return 0;
}

/* ECONNABORTED: it dies just now, with the question in its hands. */
static int reach_error(int why)
{
	return why == ECONNABORTED ? ENOTCONN : why;
}

int locate_reach(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return reach_error(errno);
	if (getxattr(path, SIDE_VIEW, NULL, 0) < 0 && reach_error(errno) == ENOTCONN)
		return ENOTCONN;
	return 0;
}

int locate_view(struct place *p, const char *path, long *pid, struct err *e)
{
	cleanup_close int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char proc[DESCRIPTOR_PATH];
	char text[2 * PATH_MAX + 64];
	struct statfs sf;
	ssize_t n;
	char *db, *number;

	*p = (struct place){0};
	if (fd < 0 || fstatfs(fd, &sf) < 0 || sf.f_type != FUSE_SUPER_MAGIC)
		return 0;
	descriptor_path(fd, proc);
	n = getxattr(proc, SIDE_VIEW, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	db = memchr(text, '\0', (size_t)n);
	number = db ? memchr(db + 1, '\0', (size_t)(text + n - db - 1)) : NULL;
	if (!number)
		return 0;
	*pid = atol(number + 1);
	p->staging = strdup(text);
	p->db = strdup(db + 1);
	n = getxattr(proc, SIDE_PATH, text, sizeof(text) - 1);
	if (n < 0)
		return err_sys(e, path, "the view does not answer");
	text[n] = '\0';
	p->path = strdup(text);
	return p->staging && p->db && p->path ? 1 : no_memory(e);
}

struct writers {
	struct stat db;
	locate_writer_fn *fn;
	void *arg;
};

static int if_writer(void *arg, const char *mountpoint, bool writable)
{
	const struct writers *w = arg;
	cleanup_place struct place p = {0};
	struct err ignored;
	struct stat st;
	long pid;

	if (!writable || locate_view(&p, mountpoint, &pid, &ignored) != 1 ||
		stat(p.db, &st) < 0 || st.st_dev != w->db.st_dev ||
		st.st_ino != w->db.st_ino)
		return 0;
	return w->fn(w->arg, mountpoint);
}

int locate_writers(const char *db, locate_writer_fn *fn, void *arg)
{
	struct writers w = {.fn = fn, .arg = arg};

	/* A view may be left whose database had that path before. */
	if (stat(db, &w.db) < 0 || !db_is_live(db))
		return 0;
	return mounts_each_view(if_writer, &w);
}

/* Cuts off the last component; false at the root. */
static bool cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	return true;
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* What lies beside a link is no tree's: see locate_tree(). */
static bool has_db(const char *dir, char **db)
{
	struct stat st;

	*db = is_link(dir) ? NULL : default_db(dir);
	if (*db && stat(*db, &st) == 0 && S_ISREG(st.st_mode))
		return true;
	free(*db);
	*db = NULL;
	return false;
}

/*
 * The directory at or above full that has a database beside it. A tree's content may hold
 * a file of such a name too: where two would do, the user must say which. 1 found, 0
 * none, which e tells, -1 error.
 */
static int find_above(struct place *p, const char *full, struct err *e)
{
	cleanup_free char *dir = strdup(full);
	char quoted[1024];

	if (!dir)
		return no_memory(e);
	do {
		cleanup_free char *db = NULL;

		if (!has_db(dir, &db))
			continue;
		if (p->db)
			return err_set(e, ERR_REFUSED,
				"%s: belongs to the tree of %s or to that of %s; say "
				"--staging DIR",
				quote_path(quoted, sizeof(quoted), full), p->db, db);
		p->staging = strdup(dir);
		p->db = take_ptr(db);
		p->path = strdup(full + strlen(dir) + (full[strlen(dir)] == '/'));
		if (!p->staging || !p->path)
			return no_memory(e);
	} while (cut(dir));
	if (p->db)
		return 1;
	err_set(e, ERR_SYS,
		"%s: neither it nor a directory above it has a database (NAME.livery) "
		"beside "
		"it; 'livery unpack' and 'livery label' make one, or say --staging DIR",
		quote_path(quoted, sizeof(quoted), full));
	return 0;
}

/* The last component of a path may be a new name in a view. */
static int find_in_view(struct place *p, const char *full, struct err *e)
{
	cleanup_free char *dir = strdup(full);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	char *joined;
	long pid;
	int rc = locate_view(p, full, &pid, e);
	struct stat st;

	if (rc != 0 || !slash || slash == dir || lstat(full, &st) == 0)
		return rc;
	*slash = '\0';
	rc = locate_view(p, dir, &pid, e);
	if (rc <= 0)
		return rc;
	if (asprintf(&joined, "%s%s%s", p->path, *p->path ? "/" : "", slash + 1) < 0)
		return no_memory(e);
	free(p->path);
	p->path = joined;
	return 1;
}

/* As find_above(), of the one tree that was said. */
static int find_in_tree(struct place *p, const char *full, const char *staging,
	const char *db, struct err *e)
{
	char quoted[1024];
	size_t len;

	if (locate_tree(p, staging, db, e) < 0)
		return -1;
	len = strlen(p->staging);
	if (strncmp(full, p->staging, len) != 0 || (full[len] && full[len] != '/')) {
		err_set(e, ERR_USAGE, "%s: not in the staging tree %s",
			quote_path(quoted, sizeof(quoted), full), p->staging);
		return 0;
	}
	free(p->path);
	p->path = strdup(full[len] ? full + len + 1 : "");
	return p->path ? 1 : no_memory(e);
}

/* As find_above(), in views too. */
static int find(struct place *p, const char *full, const char *staging, const char *db,
	struct err *e)
{
	int rc;

	*p = (struct place){0};
	rc = find_in_view(p, full, e);
	if (rc != 0)
		return rc;
	if (!staging && db)
		return err_set(e, ERR_USAGE, "with --db, say --staging DIR as well");
	return staging ? find_in_tree(p, full, staging, db, e) : find_above(p, full, e);
}

int locate_path(struct place *p, const char *path, const char *staging, const char *db,
	struct err *e)
{
	cleanup_free char *full = locate_absolute(path, e);
	cleanup_free char *target = NULL;
	struct err none;
	int rc;

	*p = (struct place){0};
	if (!full)
		return -1;
	rc = find(p, full, staging, db, e);
	if (rc != 0 || !is_link(full) || !(target = realpath(full, NULL)))
		return rc > 0 ? 0 : -1;
	none = *e; /* it names what was given */
	place_free(p);
	rc = find(p, target, staging, db, e);
	if (rc == 0)
		*e = none;
	return rc > 0 ? 0 : -1;
}

int place_check_finished(struct db *db, struct err *e)
{
	cleanup_free char *note = NULL;

	if (db_note_get(db, NOTE_UNFINISHED, &note, e) < 0)
		return -1;
	if (note)
		return err_set(e, ERR_REFUSED,
			"%s: %s did not come to its end, so the tree is incomplete; run "
			"it "
			"again, or remove the tree and its database",
			db_path(db), note);
	return 0;
}

/* What a view notes beside its database while it is up. */
static bool left_by_view(const char *db)
{
	cleanup_free char *file = realpath(db, NULL);
	cleanup_free char *path = NULL;

	if (!file || asprintf(&path, "%s-intent", file) < 0) {
		path = NULL;
		return false;
	}
	return access(path, F_OK) == 0;
}

int place_settle(const struct place *p, struct err *e)
{
	struct stage *stage;
	struct db *db = NULL;
	int rc;

	if (!left_by_view(p->db))
		return 0;
	if (stage_open(&stage, p->staging, e) < 0)
		return -1;
	rc = db_open(&db, p->db, DB_WRITE, e);
	if (rc == 0)
		rc = intent_settle(stage, db, e);
	else if (e->code == ERR_BUSY)
		rc = 0;
	db_close(db);
	stage_close(stage);
	return rc;
}

/* A sealed view is of a tree that is settled; with it open, no other kind can be up. */
static int open_db(
	const struct place *p, enum db_mode mode, struct db **db, struct err *e)
{
	int rc = db_open(db, p->db, mode, e);

	if (rc < 0 && e->code == ERR_SYS && e->sys == ENOENT && mode != DB_CREATE)
		err_hint(e, "'livery unpack' and 'livery label' make one");
	if (rc < 0 || mode != DB_SEALED || !left_by_view(p->db))
		return rc;
	db_close(take_ptr(*db));
	rc = place_settle(p, e);
	return rc < 0 ? -1 : db_open(db, p->db, mode, e);
}

int place_open(const struct place *p, enum db_mode mode, const struct engine_options *o,
	struct engine **en, struct err *e)
{
	struct stage *stage;
	struct db *db = NULL;

	*en = NULL;
	if (stage_open(&stage, p->staging, e) < 0)
		return -1;
	if (open_db(p, mode, &db, e) < 0 || place_check_finished(db, e) < 0) {
		db_close(db);
		stage_close(stage);
		return -1;
	}
	return engine_open(en, stage, db, o, e);
}
