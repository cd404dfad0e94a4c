/* SPDX-License-Identifier: MIT */
#include "tools/labels/policy.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "tools/command.h"
#include "tools/locate.h"

#define BASE       "file_contexts"
#define CONFIG_MAX 65536 /* bytes of etc/selinux/config */
#define FILES      "contexts/files"

/* A given path: PATH, PATH/file_contexts or PATH/contexts/files/file_contexts. */
static int open_given(struct labeler **out, const char *path,
	const struct labeler_options *options, struct err *e)
{
	static const char *const below[] = {"", "/" FILES};
	struct labeler_source src = {.base = BASE, .follow = true};
	cleanup_free char *dir = strdup(path);
	cleanup_close int fd = -1;
	struct stat st;
	char *slash;

	if (!dir)
		return err_set(e, ERR_SYS, "out of memory");
	if (stat(path, &st) < 0)
		return err_sys(e, path, "cannot open the policy");
	if (!S_ISDIR(st.st_mode)) {
		slash = strrchr(dir, '/');
		src.base = slash ? slash + 1 : path;
		src.shown = slash == dir ? "/" : slash ? dir : ".";
		if (slash && slash != dir)
			*slash = '\0';
		fd = open(src.shown, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		src.dirfd = fd;
		return fd < 0 ? err_sys(e, src.shown,
					"cannot open the policy's directory")
			      : labeler_open(out, &src, options, e);
	}
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		char full[PATH_MAX];

		snprintf(full, sizeof(full), "%s%s", path, below[i]);
		fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && faccessat(fd, BASE, F_OK, 0) == 0) {
			src.shown = full;
			src.dirfd = fd;
			return labeler_open(out, &src, options, e);
		}
		if (fd >= 0)
			close(take_fd(&fd));
	}
	return err_set(
		e, ERR_INPUT, "%s: holds no " BASE ", nor does " FILES " in it", path);
}

/* SELINUXTYPE of etc/selinux/config, as selinux_config(5) has it; "" if none is there. */
static int read_type(const struct stage *stage, char type[NAME_MAX + 1], struct err *e)
{
	int fd = stage_openat(
		stage, "etc/selinux/config", O_RDONLY | O_NOCTTY | O_NONBLOCK, e);
	cleanup_fclose FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	cleanup_free char *line = NULL;
	size_t room = 0;
	struct stat st;

	type[0] = '\0';
	if (fd < 0)
		return e->sys == ENOENT ? 0 : -1;
	if (!f)
		return err_set(e, ERR_SYS, "out of memory");
	if (fstat(fd, &st) == 0 && st.st_size > CONFIG_MAX)
		return err_set(e, ERR_INPUT,
			"%s/etc/selinux/config: is larger than 64 KiB; is it "
			"selinux_config(5)?",
			stage_path(stage));
	while (getline(&line, &room, f) > 0) {
		char *p = line;
		size_t len;

		while (isspace((unsigned char)*p))
			p++;
		if (strncmp(p, "SELINUXTYPE=", 12) != 0)
			continue;
		p += 12;
		len = strcspn(p, " \t\r\n");
		if (len == 0 || len > NAME_MAX || memchr(p, '/', len) || p[0] == '.')
			return err_set(e, ERR_INPUT,
				"%s/etc/selinux/config: SELINUXTYPE names no policy",
				stage_path(stage));
		memcpy(type, p, len);
		type[len] = '\0';
	}
	return 0;
}

/* How many directories in etc/selinux carry a file_contexts; type is the last one. */
static int count_types(const struct stage *stage, char type[NAME_MAX + 1], struct err *e)
{
	cleanup_close int fd =
		stage_openat(stage, "etc/selinux", O_RDONLY | O_DIRECTORY, e);
	struct stage_list list;
	int found = 0;

	if (fd < 0 && e->sys == ENOENT)
		return 0;
	if (fd < 0 || stage_list(fd, "etc/selinux", &list, e) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		char below[NAME_MAX + sizeof("/" FILES "/" BASE)];
		cleanup_close int file = -1;

		snprintf(
			below, sizeof(below), "%s/" FILES "/" BASE, list.entries[i].name);
		file = stage_open_below(fd, below, O_PATH, 0);
		if (file >= 0) {
			found++;
			snprintf(type, NAME_MAX + 1, "%s", list.entries[i].name);
		}
	}
	stage_list_free(&list);
	return found;
}

int policy_type(const struct stage *stage, char type[NAME_MAX + 1], struct err *e)
{
	if (read_type(stage, type, e) < 0)
		return -1;
	return *type ? 1 : count_types(stage, type, e);
}

/* The type's name; an error where there is not exactly one. */
static int only_type(const struct stage *stage, char type[NAME_MAX + 1], struct err *e)
{
	int found = policy_type(stage, type, e);

	if (found == 1)
		return 0;
	if (found < 0)
		return -1;
	return err_set(e, ERR_INPUT,
		found ? "%s: several policies in etc/selinux, and no etc/selinux/config "
			"that "
			"says which; say --policy PATH"
		      : "%s: no policy in it (etc/selinux); install one in the tree, or "
			"say "
			"--policy PATH",
		stage_path(stage));
}

static int open_own(struct labeler **out, const struct stage *stage,
	const struct labeler_options *options, struct err *e)
{
	struct labeler_source src = {.base = BASE};
	char type[NAME_MAX + 1];
	char below[NAME_MAX + 64];
	cleanup_free char *shown = NULL;
	cleanup_close int fd = -1;

	if (only_type(stage, type, e) < 0)
		return -1;
	snprintf(below, sizeof(below), "etc/selinux/%s/" FILES, type);
	if (asprintf(&shown, "%s/%s", stage_path(stage), below) < 0) {
		shown = NULL;
		return err_set(e, ERR_SYS, "out of memory");
	}
	fd = stage_openat(stage, below, O_RDONLY | O_DIRECTORY, e);
	if (fd < 0 && e->sys == ENOENT)
		return err_set(e, ERR_INPUT,
			"%s: no such policy in the tree (SELINUXTYPE=%s); install it "
			"there, or "
			"say --policy PATH",
			shown, type);
	if (fd < 0)
		return -1;
	src.dirfd = fd;
	src.shown = shown;
	return labeler_open(out, &src, options, e);
}

int policy_open(struct labeler **out, const struct stage *stage, const char *path,
	const struct labeler_options *options, struct err *e)
{
	return path ? open_given(out, path, options, e)
		    : open_own(out, stage, options, e);
}

static int version_option(struct labeler_options *o, const char *value, struct err *e)
{
	char quoted[256];

	for (int v = 0; v < LABELER_VERSIONS; v++) {
		if (strcmp(value, labeler_version_text((enum labeler_version)v)) == 0) {
			o->version = (enum labeler_version)v;
			return 0;
		}
	}
	if (strcmp(value, "3.8.1") == 0) {
		o->version = LABELER_3_8;
		return 0;
	}
	return err_set(e, ERR_USAGE, "--semantics is 3.4, 3.8 or 3.11, not '%s'",
		quote_path(quoted, sizeof(quoted), value));
}

int policy_option(struct labeler_options *o, int key, const char *value, struct err *e)
{
	char quoted[256];

	if (key == OPT_SEMANTICS)
		return version_option(o, value, e);
	if (strcmp(value, "matcher") == 0)
		o->engine = LABELER_MATCHER;
	else if (strcmp(value, "libselinux") == 0)
		o->engine = LABELER_LIBSELINUX;
	else
		return err_set(e, ERR_USAGE,
			"--engine is matcher or libselinux, not '%s'",
			quote_path(quoted, sizeof(quoted), value));
	return 0;
}

char *policy_prefix(const char *value, struct err *e)
{
	cleanup_free char *below = NULL;
	char *prefix;

	if (value && value[0] != '/') {
		err_set(e, ERR_USAGE, "--prefix is an absolute path");
		return NULL;
	}
	below = locate_within(value ? value : "/", e);
	if (!below) {
		err_wrap(e, "--prefix");
		return NULL;
	}
	if (asprintf(&prefix, "/%s", below) < 0) {
		err_set(e, ERR_SYS, "out of memory");
		return NULL;
	}
	return prefix;
}
