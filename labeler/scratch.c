/* SPDX-License-Identifier: MIT */
#include "labeler/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "labeler/parse.h"

#define NAME_SIZE 64 /* bytes, more than SCRATCH_BASE and the longest suffix */

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static const char *part_name(char name[NAME_SIZE], enum policy_part part)
{
	snprintf(name, NAME_SIZE, "%s%s", SCRATCH_BASE, policy_suffix(part));
	return name;
}

static int write_part(const struct scratch *s, enum policy_part part, const char *data,
	size_t len, struct err *e)
{
	char name[NAME_SIZE];
	cleanup_close int fd = -1;

	part_name(name, part);
	fd = openat(
		s->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || write_all(fd, data, len) < 0) {
		err_sys(e, s->dir, "cannot write the policy for libselinux");
		return err_hint(e, "TMPDIR says where there is room");
	}
	return 0;
}

static int add_line(
	struct buf *text, const struct policy *p, size_t i, enum scratch_content content)
{
	const struct labeler_rule *r = &p->rules[i];
	const char *type = labeler_type_text(r->type);
	bool none = strcmp(r->context, POLICY_NO_LABEL) == 0;

	if (content == SCRATCH_EXCLUSIONS && !none)
		return 0;
	if (buf_adds(text, r->regex) < 0)
		return -1;
	if (none && content == SCRATCH_MARKED)
		return buf_addf(text, " %s " POLICY_NO_LABEL "\n", type ? type : "");
	return buf_addf(text, " %s r%zu\n", type ? type : "", i);
}

static int write_rules(const struct scratch *s, const struct policy *p,
	enum policy_part part, enum scratch_content content, struct err *e)
{
	const struct policy_file *f = &p->files[part];
	cleanup_buf struct buf text = {0};

	for (size_t i = f->first; i < f->first + f->count; i++)
		if (add_line(&text, p, i, content) < 0)
			return err_sys(e, f->shown, "cannot hand on the policy");
	/* The base file must be there. */
	if (text.len == 0 && part != POLICY_BASE)
		return 0;
	return write_part(s, part, text.data, text.len, e);
}

static int make_dir(struct scratch *s, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX];
	int n;

	if (!tmp || tmp[0] != '/')
		tmp = "/tmp";
	n = snprintf(dir, sizeof(dir), "%s/livery-XXXXXX", tmp);
	if (n < 0 || (size_t)n + NAME_SIZE > sizeof(dir)) {
		errno = ENAMETOOLONG;
		return err_sys(e, NULL, "cannot use TMPDIR");
	}
	if (!mkdtemp(dir)) {
		err_sys(e, tmp, "cannot make a temporary directory");
		return err_hint(e, "TMPDIR says where");
	}
	memcpy(s->dir, dir, sizeof(dir));
	s->fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->fd < 0)
		return err_sys(e, dir, "cannot open a temporary directory");
	return 0;
}

int scratch_write(struct scratch *s, const struct policy *p, enum scratch_content content,
	struct err *e)
{
	if (make_dir(s, e) < 0)
		return -1;
	for (int i = 0; i < POLICY_PARTS; i++) {
		const struct policy_file *f = &p->files[i];

		if (!f->data)
			continue;
		if (i < POLICY_RULE_PARTS) {
			if (write_rules(s, p, (enum policy_part)i, content, e) < 0)
				return -1;
		} else if (write_part(s, (enum policy_part)i, f->data, f->len, e) < 0) {
			return -1;
		}
	}
	return 0;
}

void scratch_remove(struct scratch *s)
{
	char name[NAME_SIZE];
	int saved = errno;

	if (s->fd >= 0) {
		for (int i = 0; i < POLICY_PARTS; i++)
			unlinkat(s->fd, part_name(name, (enum policy_part)i), 0);
		close(s->fd);
	}
	if (s->dir[0])
		rmdir(s->dir);
	s->fd = -1;
	s->dir[0] = '\0';
	errno = saved;
}

int scratch_rule(size_t *rule, const char *context, const struct policy *p)
{
	unsigned long n;
	char *end;

	if (context[0] != 'r' || context[1] < '0' || context[1] > '9')
		return -1;
	n = strtoul(context + 1, &end, 10);
	if (*end || n >= p->count)
		return -1;
	*rule = n;
	return 0;
}

const struct labeler_rule *scratch_blamed(
	const struct scratch *s, const char *message, const struct policy *p)
{
	size_t len = strlen(s->dir);
	char name[NAME_SIZE];

	if (len == 0 || strncmp(message, s->dir, len) != 0 || message[len] != '/')
		return NULL;
	message += len + 1;
	for (int i = 0; i < POLICY_RULE_PARTS; i++) {
		const struct policy_file *f = &p->files[i];
		size_t n = strlen(part_name(name, (enum policy_part)i));
		unsigned line;

		if (strncmp(message, name, n) == 0 &&
			sscanf(message + n, ": line %u", &line) == 1 && line >= 1 &&
			line <= f->count)
			return &p->rules[f->first + line - 1];
	}
	return NULL;
}
