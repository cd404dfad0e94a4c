/* SPDX-License-Identifier: MIT */
#include "tools/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/quote.h"

struct name {
	char *text;
	uint32_t id, gid; /* gid: a user's login group */
};

struct list {
	struct name *names;
	size_t count;
	struct err unread; /* why the file could not be read */
};

struct names {
	struct list users, groups;
};

static bool parse_id(const char *s, uint32_t *id)
{
	unsigned long long v;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoull(s, &end, 10);
	*id = (uint32_t)v;
	return !errno && !*end && v < UINT32_MAX;
}

/* A line "name:x:ID:GID:…" or "name:x:ID:…"; others are passed over, as getpwent does. */
static int add_line(struct list *l, char *line, bool user, struct err *e)
{
	char *name = strsep(&line, ":");
	char *id;
	char *gid = NULL;
	struct name n = {0};
	struct name *grown;

	strsep(&line, ":");
	id = strsep(&line, ":");
	if (user)
		gid = strsep(&line, ":");
	if (!id || !*name || !parse_id(id, &n.id) ||
		(user && (!gid || !parse_id(gid, &n.gid))))
		return 0;
	grown = reallocarray(l->names, l->count + 1, sizeof(*grown));
	if (!grown || !(n.text = strdup(name))) {
		l->names = grown ? grown : l->names;
		return err_set(e, ERR_SYS, "out of memory");
	}
	l->names = grown;
	grown[l->count++] = n;
	return 0;
}

static int read_file(const struct stage *stage, const char *path, bool user,
	struct list *l, struct err *e)
{
	int fd = stage_openat(stage, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, e);
	cleanup_fclose FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	cleanup_free char *line = NULL;
	struct stat st;
	size_t room = 0;
	ssize_t n;

	if (fd < 0)
		return e->sys == ENOENT ? 0 : -1;
	if (!f) {
		close(fd);
		return err_sys(e, path, "cannot read");
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "%s/%s: not a regular file",
			stage_path(stage), path);
	errno = 0;
	while ((n = getline(&line, &room, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (add_line(l, line, user, e) < 0)
			return -1;
	}
	return ferror(f) ? err_sys(e, path, "cannot read") : 0;
}

int names_open(struct names **out, const struct stage *stage, struct err *e)
{
	struct names *n = calloc(1, sizeof(*n));

	*out = NULL;
	if (!n)
		return err_set(e, ERR_SYS, "out of memory");
	if (read_file(stage, "etc/passwd", true, &n->users, e) < 0)
		n->users.unread = *e;
	if (read_file(stage, "etc/group", false, &n->groups, e) < 0)
		n->groups.unread = *e;
	*out = n;
	return 0;
}

static bool behind_link(const struct err *why)
{
	return why->code == ERR_SYS && (why->sys == ELOOP || why->sys == ENOTDIR);
}

static int list_check(const struct list *l, struct err *e)
{
	if (!l->unread.code || behind_link(&l->unread))
		return 0;
	*e = l->unread;
	return -1;
}

int names_check(const struct names *n, struct err *e)
{
	return list_check(&n->users, e) < 0 ? -1 : list_check(&n->groups, e);
}

static void list_free(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->names[i].text);
	free(l->names);
}

void names_close(struct names *n)
{
	if (!n)
		return;
	list_free(&n->users);
	list_free(&n->groups);
	free(n);
}

static const char *by_id(const struct list *l, uint32_t id)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->names[i].id == id)
			return l->names[i].text;
	return NULL;
}

const char *names_user(const struct names *n, uint32_t uid)
{
	return by_id(&n->users, uid);
}

const char *names_group(const struct names *n, uint32_t gid)
{
	return by_id(&n->groups, gid);
}

static const struct name *by_name(const struct list *l, const char *text)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->names[i].text, text) == 0)
			return &l->names[i];
	return NULL;
}

static int no_owner(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%s': say OWNER, OWNER:GROUP or :GROUP", text);
}

int names_owner_syntax(const char *text, struct err *e)
{
	return !*text || strcmp(text, ":") == 0 ? no_owner(text, e) : 0;
}

/* A name first, as chown(1) has it, then a number. */
static int resolve(const struct list *l, const char *text, const char *kind,
	const char *file, uint32_t *id, const struct name **found, struct err *e)
{
	char quoted[300];

	*found = by_name(l, text);
	if (*found) {
		*id = (*found)->id;
		return 0;
	}
	if (parse_id(text, id))
		return 0;
	quote_path(quoted, sizeof(quoted), text);
	if (l->unread.code) {
		*e = l->unread;
		return err_wrap(e, "%s '%s'", kind, quoted);
	}
	return err_set(e, ERR_USAGE,
		"no %s '%s' in the staging tree's %s; names come from there, numbers "
		"always work",
		kind, quoted, file);
}

int names_parse_owner(const struct names *n, const char *text, uint32_t *uid,
	uint32_t *gid, struct err *e)
{
	cleanup_free char *owner = strdup(text);
	const struct name *found;
	char *group;

	if (!owner)
		return err_set(e, ERR_SYS, "out of memory");
	group = strchr(owner, ':');
	if (group)
		*group++ = '\0';
	if (!*owner && (!group || !*group))
		return no_owner(text, e);
	if (*owner) {
		if (resolve(&n->users, owner, "user", "etc/passwd", uid, &found, e) < 0)
			return -1;
		if (group && !*group && !found)
			return err_set(e, ERR_USAGE,
				"'%s': the login group of a number is not known", text);
		if (group && !*group)
			*gid = found->gid;
	}
	if (group && *group)
		return resolve(&n->groups, group, "group", "etc/group", gid, &found, e);
	return 0;
}
