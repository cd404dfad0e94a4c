/* SPDX-License-Identifier: MIT */
#include "labeler/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/quote.h"
#include "labeler/parse.h"

#define COMPILED_MAGIC                                                                   \
	0xf97cff8au /* of a file_contexts.bin, in the host's byte order                  \
		     */

static const char *const suffixes[POLICY_PARTS] = {
	[POLICY_BASE] = "",
	[POLICY_HOMEDIRS] = ".homedirs",
	[POLICY_LOCAL] = ".local",
	[POLICY_SUBS_DIST] = ".subs_dist",
	[POLICY_SUBS] = ".subs",
};

const char *policy_suffix(enum policy_part part)
{
	return suffixes[part];
}

static int refuse(struct err *e, const char *path, const char *why)
{
	char quoted[1024];

	return err_set(
		e, ERR_INPUT, "%s: %s", quote_path(quoted, sizeof(quoted), path), why);
}

static int no_base(struct err *e, const char *path)
{
	errno = ENOENT;
	err_sys(e, path, "there is no policy");
	return err_hint(
		e, "install one, or name the directory that holds its file_contexts");
}

/* errno says why openat() failed. Returns 0 where the file is just not there, or -1. */
static int not_opened(const struct labeler_source *src, const char *name,
	const char *path, struct err *e)
{
	struct stat st;
	int saved = errno;

	if (fstatat(src->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (saved == ENOENT && errno == ENOENT)
			return 0;
	} else if (S_ISLNK(st.st_mode)) {
		if (!src->follow)
			return refuse(e, path,
				"is a symbolic link, which is not followed here; put "
				"the file itself in its place");
		if (saved == ENOENT)
			return refuse(e, path, "is a symbolic link that leads nowhere");
	} else if (!S_ISREG(st.st_mode)) {
		return refuse(e, path, "is not a regular file");
	}
	errno = saved;
	return err_sys(e, path, "cannot open");
}

/* Returns 1, 0 where the file is not there, or -1. */
static int open_part(int *fd, size_t *size, const struct labeler_source *src,
	const char *name, const char *path, struct err *e)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;

	*fd = openat(src->dirfd, name, flags | (src->follow ? 0 : O_NOFOLLOW));
	if (*fd < 0)
		return not_opened(src, name, path, e);
	if (fstat(*fd, &st) < 0)
		return err_sys(e, path, "cannot read");
	if (!S_ISREG(st.st_mode))
		return refuse(e, path, "is not a regular file");
	*size = st.st_size > 0 ? (size_t)st.st_size : 0;
	return 1;
}

/* Reads to the end, however the file changes meanwhile. */
static int read_part(int fd, struct policy_file *f, size_t size, struct err *e)
{
	cleanup_free char *data = NULL;
	size_t cap = size + 1;
	size_t len = 0;

	if (size > POLICY_FILE_MAX)
		return refuse(
			e, f->shown, "is larger than 64 MiB; is it a file_contexts?");
	data = malloc(cap + 1);
	if (!data)
		return err_sys(e, f->shown, "cannot read");
	for (;;) {
		ssize_t n = read(fd, data + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, f->shown, "cannot read");
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == cap)
			return refuse(e, f->shown, "grew while it was read; try again");
	}
	data[len] = '\0';
	f->data = take_ptr(data);
	f->len = len;
	return 0;
}

static int load_part(struct policy_file *f, const struct labeler_source *src,
	enum policy_part part, struct err *e)
{
	cleanup_buf struct buf name = {0};
	cleanup_buf struct buf shown = {0};
	cleanup_close int fd = -1;
	size_t size = 0;
	int got;

	if (buf_addf(&name, "%s%s", src->base, suffixes[part]) < 0 ||
		buf_addf(&shown, "%s/%s", src->shown, name.data) < 0)
		return err_sys(e, src->shown, "cannot read the policy");
	f->shown = take_ptr(shown.data);
	got = open_part(&fd, &size, src, name.data, f->shown, e);
	if (got <= 0)
		return got;
	return read_part(fd, f, size, e);
}

static int check_base(const struct policy_file *f, struct err *e)
{
	const uint32_t magic = COMPILED_MAGIC;

	if (!f->data)
		return no_base(e, f->shown);
	if (f->len >= sizeof(magic) && memcmp(f->data, &magic, sizeof(magic)) == 0)
		return refuse(e, f->shown,
			"is a compiled policy; name the text that it was made from, "
			"which "
			"has no .bin at its end");
	if (f->len == 0)
		return refuse(e, f->shown,
			"is empty; build or install the policy anew (semodule -B)");
	return 0;
}

int policy_load(struct policy *p, const struct labeler_source *src, struct err *e)
{
	if (!src->base[0] || strchr(src->base, '/'))
		return err_set(
			e, ERR_USAGE, "a policy's base file is named without a path");
	for (int i = 0; i < POLICY_PARTS; i++) {
		struct policy_file *f = &p->files[i];

		if (load_part(f, src, (enum policy_part)i, e) < 0)
			return -1;
		if (i == POLICY_BASE && check_base(f, e) < 0)
			return -1;
		if (!f->data)
			continue;
		if (i < POLICY_RULE_PARTS) {
			if (parse_rules(p, f, e) < 0)
				return -1;
		} else if (parse_subs(f, e) < 0) {
			return -1;
		}
		if (i == POLICY_BASE && f->count == 0)
			return refuse(e, f->shown,
				"holds no rule; build or install the policy anew "
				"(semodule -B)");
	}
	return 0;
}

void policy_free(struct policy *p)
{
	for (int i = 0; i < POLICY_PARTS; i++) {
		free(p->files[i].shown);
		free(p->files[i].data);
	}
	free(p->rules);
	nfa_free(&p->trial);
	*p = (struct policy){0};
}
