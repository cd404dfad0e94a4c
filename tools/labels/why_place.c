/* SPDX-License-Identifier: MIT */
#include "tools/labels/why_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/quote.h"

static void trim_slashes(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
}

/* Cuts names off the end until what stands before the last one is there. */
static int find_head(char *path, struct err *e)
{
	trim_slashes(path);
	for (;;) {
		char *slash = strrchr(path, '/');
		cleanup_free char *dir = NULL;
		cleanup_free char *real = NULL;

		if (!slash || slash == path)
			return 0;
		dir = strndup(path, (size_t)(slash - path));
		if (!dir)
			return err_set(e, ERR_SYS, "out of memory");
		real = realpath(dir, NULL);
		/* Any other error is told by who tries it next. */
		if (real || errno != ENOENT)
			return 0;
		*slash = '\0';
		trim_slashes(path);
	}
}

/* Adds the names of rest to the path in the tree. */
static int add_rest(struct place *p, const char *given, const char *rest, struct err *e)
{
	cleanup_buf struct buf path = {0};
	char quoted[1024];

	if (buf_adds(&path, p->path) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	for (size_t len; rest += strspn(rest, "/"), len = strcspn(rest, "/"), len;
		rest += len) {
		if (len == 1 && rest[0] == '.')
			continue;
		if (len == 2 && memcmp(rest, "..", 2) == 0)
			return err_set(e, ERR_USAGE,
				"%s: '..' behind what does not exist; say the path "
				"without it",
				quote_path(quoted, sizeof(quoted), given));
		if ((path.len && buf_addc(&path, '/') < 0) ||
			buf_add(&path, rest, len) < 0)
			return err_set(e, ERR_SYS, "out of memory");
	}
	free(p->path);
	p->path = take_ptr(path.data);
	return 0;
}

/*
 * Links before the last name are followed as the host follows them, which for an absolute
 * one in a tree is out of the tree.
 */
static int hint_link(char *path, struct err *e)
{
	char quoted[1024];
	char *slash;

	trim_slashes(path);
	while ((slash = strrchr(path, '/')) && slash != path) {
		struct stat st;

		*slash = '\0';
		trim_slashes(path);
		if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
			return err_hint(e,
				"%s is a symbolic link and was followed here; say the "
				"path that it stands for in the tree",
				quote_path(quoted, sizeof(quoted), path));
	}
	return -1;
}

/*
 * A view answers for a file, whichever of its names was asked; so it is asked for the
 * directory. 1 in a view, 0 not, -1 error.
 */
static int in_view(struct place *p, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = NULL;
	cleanup_free char *real = NULL;
	struct stat st;
	long pid;
	int rc;

	if (lstat(path, &st) < 0 || S_ISDIR(st.st_mode))
		return 0;
	dir = slash == path ? strdup("/")
	      : slash       ? strndup(path, (size_t)(slash - path))
			    : strdup(".");
	real = dir ? realpath(dir, NULL) : NULL;
	rc = real ? locate_view(p, real, &pid, e) : 0;
	if (rc > 0 && add_rest(p, path, slash ? slash + 1 : path, e) < 0)
		return -1;
	return rc;
}

int why_locate(struct place *p, const char *path, const char *staging, const char *db,
	struct err *e)
{
	cleanup_free char *head = strdup(path);
	int rc;

	*p = (struct place){0};
	if (!head)
		return err_set(e, ERR_SYS, "out of memory");
	if (find_head(head, e) < 0)
		return -1;
	rc = in_view(p, head, e);
	if (rc < 0 || (rc == 0 && locate_path(p, head, staging, db, e) < 0))
		return hint_link(head, e);
	return path[strlen(head)] ? add_rest(p, path, path + strlen(head), e) : 0;
}

int why_open(const struct place *p, bool need_db, struct engine **en, struct err *e)
{
	struct engine_options o = {0};
	struct stage *stage;
	struct stat st;

	if (need_db || lstat(p->db, &st) == 0 || errno != ENOENT)
		return place_open(p, DB_READ, &o, en, e);
	*en = NULL;
	if (stage_open(&stage, p->staging, e) < 0)
		return -1;
	return engine_open(en, stage, NULL, &o, e);
}
