/* SPDX-License-Identifier: MIT */
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define BEGUN_MAX 4

/* Names that a signal's handler may remove at any moment. */
static char *volatile begun[BEGUN_MAX];

static void note(char *was, char *now)
{
	for (int i = 0; i < BEGUN_MAX; i++)
		if (begun[i] == was) {
			begun[i] = now;
			return;
		}
}

void output_end_all(void)
{
	for (int i = 0; i < BEGUN_MAX; i++)
		if (begun[i])
			unlink(begun[i]);
}

/*
 * ".NAME.XXXXXX" beside it; a long name is cut, so that the result is none too long. It
 * is absolute: tools take a name that starts with '-' or holds ':' for something else.
 */
static char *temp_name(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	cleanup_free char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
	cleanup_free char *full = realpath(slash ? dir : ".", NULL);
	char *temp;

	if (!full) {
		err_sys(e, path, "cannot write");
		return NULL;
	}
	if (asprintf(&temp, "%s/.%.200s.XXXXXX", full, base) < 0) {
		err_set(e, ERR_SYS, "out of memory");
		return NULL;
	}
	return temp;
}

int output_begin(struct output *o, const char *path, struct err *e)
{
	mode_t mask = umask(0);
	struct stat st;
	int fd;

	umask(mask);
	*o = (struct output){.path = path};
	if (!*path || path[strlen(path) - 1] == '/')
		return err_set(e, ERR_USAGE, "%s: not the name of a file", path);
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(
			e, ERR_REFUSED, "%s: is there and is no regular file", path);
	o->temp = temp_name(path, e);
	if (!o->temp)
		return -1;
	fd = mkostemp(o->temp, O_CLOEXEC);
	if (fd < 0) {
		err_sys(e, path, "cannot write");
		free(take_ptr(o->temp));
		return -1;
	}
	note(NULL, o->temp);
	/* As open(2) would have made it. */
	if (fchmod(fd, 0666 & ~mask) < 0) {
		err_sys(e, o->temp, "cannot set its mode");
		close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

static int sync_path(const char *path, int flags)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	return fd < 0 ? -1 : fsync(fd);
}

int output_finish(struct output *o, struct err *e)
{
	if (sync_path(o->temp, 0) < 0)
		return err_sys(e, o->path, "cannot bring it to disk");
	if (rename(o->temp, o->path) < 0)
		return err_sys(e, o->path, "cannot give it its name");
	note(o->temp, NULL);
	*strrchr(o->temp, '/') = '\0';
	if (sync_path(*o->temp ? o->temp : "/", O_DIRECTORY) < 0)
		return err_sys(e, o->path, "cannot bring its name to disk");
	free(take_ptr(o->temp));
	return 0;
}

void output_name_error(const struct output *o, struct err *e)
{
	size_t len = o->temp ? strlen(o->temp) : 0;
	char msg[ERR_MSG_MAX];
	char *at = len ? strstr(e->msg, o->temp) : NULL;

	while (at) {
		size_t done = (size_t)(at - e->msg);

		snprintf(msg, sizeof(msg), "%.*s%s%s", (int)done, e->msg, o->path,
			at + len);
		strcpy(e->msg, msg);
		at = strstr(e->msg + done + strlen(o->path), o->temp);
	}
}

void output_end(struct output *o)
{
	if (o->temp) {
		unlink(o->temp);
		note(o->temp, NULL);
	}
	free(o->temp);
	o->temp = NULL;
}
