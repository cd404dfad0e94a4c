/* SPDX-License-Identifier: MIT */
#include "tools/labels/policy_binary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "tools/labels/policy.h"

#define PREFIX "policy."

/* A pipe must not make us wait, nor a terminal become ours. */
#define OPEN_FLAGS (O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)

/* N of policy.N as libsemanage writes it, or 0. */
static unsigned version_of(const char *name)
{
	const char *p = name + strlen(PREFIX);
	size_t digits;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	digits = strspn(p, "0123456789");
	if (p[0] == '0' || digits == 0 || digits > 9 || p[digits])
		return 0;
	return (unsigned)strtoul(p, NULL, 10);
}

static bool readable(unsigned version)
{
	return version >= label_check_oldest() && version <= label_check_newest();
}

/*
 * The highest version in a directory that libsepol can read; without any the highest of
 * all, for the message. 0: there is none.
 */
static int best_version(int dirfd, const char *below, unsigned *out, struct err *e)
{
	struct stage_list list;

	*out = 0;
	if (stage_list(dirfd, below, &list, e) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		unsigned v = version_of(list.entries[i].name);

		if (v && readable(v) >= readable(*out) &&
			(v > *out || readable(v) > readable(*out)))
			*out = v;
	}
	stage_list_free(&list);
	return 0;
}

static int open_version(struct label_check **out, const struct stage *stage,
	const char *below, unsigned version, struct err *e)
{
	char path[NAME_MAX + 128];
	cleanup_free char *shown = NULL;
	cleanup_close int fd = -1;

	snprintf(path, sizeof(path), "%s/" PREFIX "%u", below, version);
	if (asprintf(&shown, "%s/%s", stage_path(stage), path) < 0) {
		shown = NULL;
		return err_set(e, ERR_SYS, "out of memory");
	}
	fd = stage_openat(stage, path, OPEN_FLAGS, e);
	return fd < 0 ? -1 : label_check_open(out, fd, shown, e);
}

static int open_own(struct label_check **out, const struct stage *stage, struct err *e)
{
	char type[NAME_MAX + 1];
	char below[NAME_MAX + 64];
	char quoted[1024];
	unsigned version;
	cleanup_close int fd = -1;
	int found = policy_type(stage, type, e);

	if (found <= 0)
		return found;
	if (found > 1)
		return err_set(e, ERR_INPUT,
			"%s: several policies in etc/selinux, and no etc/selinux/config "
			"that says which; say --check POLICY or --no-check",
			quote_path(quoted, sizeof(quoted), stage_path(stage)));
	snprintf(below, sizeof(below), "etc/selinux/%s/policy", type);
	fd = stage_openat(stage, below, O_RDONLY | O_DIRECTORY, e);
	if (fd < 0)
		return e->sys == ENOENT ? 0 : -1;
	if (best_version(fd, below, &version, e) < 0)
		return -1;
	return version ? open_version(out, stage, below, version, e) : 0;
}

int policy_binary_open(struct label_check **out, const struct stage *stage,
	const char *path, struct err *e)
{
	cleanup_close int fd = -1;

	*out = NULL;
	if (!path)
		return open_own(out, stage, e);
	fd = open(path, OPEN_FLAGS);
	if (fd < 0)
		return err_sys(e, path, "cannot open the binary policy");
	return label_check_open(out, fd, path, e);
}
