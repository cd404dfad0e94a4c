/* SPDX-License-Identifier: MIT */
/*
 * Input of the targets that need a policy and paths: the text of file_contexts; a line of
 * '%' and a letter starts another part: %h .homedirs, %l .local, %d .subs_dist, %s .subs,
 * %p the paths. A path's line is a type as in ls -l ('?': none) and, behind one byte, the
 * path, in which a byte 1 stands for a newline.
 */
#ifndef TESTS_FUZZ_POLICY_INPUT_H
#define TESTS_FUZZ_POLICY_INPUT_H

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "labeler/labeler.h"

#define INPUT_MAX   4096 /* bytes; larger ones only repeat themselves */
#define INPUT_PARTS 5
#define INPUT_PATHS 16
/* Short, since an expression may take time that is exponential in a path's length. */
#define INPUT_PATH_MAX 20

static const struct {
	char letter;
	const char *name;
} input_parts[INPUT_PARTS] = {
	{'\0', "file_contexts"},
	{'h', "file_contexts.homedirs"},
	{'l', "file_contexts.local"},
	{'d', "file_contexts.subs_dist"},
	{'s', "file_contexts.subs"},
};

struct input_path {
	char path[INPUT_PATH_MAX + 1];
	mode_t mode;
};

struct input {
	struct input_path paths[INPUT_PATHS];
	size_t count;
};

static char input_dir[64];
static int input_fd = -1;
static bool input_there[INPUT_PARTS];

static inline void input_remove(void)
{
	for (size_t i = 0; i < INPUT_PARTS; i++)
		unlinkat(input_fd, input_parts[i].name, 0);
	rmdir(input_dir);
}

/* The private directory, in memory where that is possible; what else is written too. */
static inline void input_make_dir(void)
{
	static const char memory[] = "/dev/shm";
	const char *top = access(memory, W_OK | X_OK) == 0 ? memory : "/tmp";

	if (input_fd >= 0)
		return;
	snprintf(input_dir, sizeof(input_dir), "%s/livery-fuzz-XXXXXX", top);
	if (setenv("TMPDIR", top, 1) < 0 || !mkdtemp(input_dir))
		err(1, "%s", top);
	input_fd = open(input_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (input_fd < 0 || atexit(input_remove) != 0)
		err(1, "%s", input_dir);
}

/* part is one of input_parts. */
static inline void input_put(size_t part, const void *data, size_t size)
{
	const char *name = input_parts[part].name;
	int fd = openat(input_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) < 0)
		err(1, "%s/%s", input_dir, name);
	input_there[part] = true;
}

static inline mode_t input_mode(uint8_t letter)
{
	switch (letter) {
	case '-':
		return S_IFREG;
	case 'b':
		return S_IFBLK;
	case 'c':
		return S_IFCHR;
	case 'd':
		return S_IFDIR;
	case 'l':
		return S_IFLNK;
	case 'p':
		return S_IFIFO;
	case 's':
		return S_IFSOCK;
	}
	return 0;
}

/* A NUL ends a path. */
static inline void input_add_path(struct input *in, const uint8_t *line, size_t len)
{
	struct input_path *p;

	if (len < 2 || in->count == INPUT_PATHS)
		return;
	p = &in->paths[in->count++];
	p->mode = input_mode(line[0]);
	line += 2;
	len -= 2;
	if (len > INPUT_PATH_MAX)
		len = INPUT_PATH_MAX;
	memcpy(p->path, line, len);
	p->path[len] = '\0';
	for (char *s = p->path; *s; s++)
		if (*s == 1)
			*s = '\n';
}

static inline const uint8_t *input_line_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));

	return newline ? newline : end;
}

static inline void input_paths(struct input *in, const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		const uint8_t *stop = input_line_end(at, end);

		input_add_path(in, at, (size_t)(stop - at));
		at = stop < end ? stop + 1 : end;
	}
}

/* The part that the line begins, INPUT_PARTS for the paths, or -1. */
static inline int input_part(const uint8_t *line, size_t len)
{
	if (len != 2 || line[0] != '%')
		return -1;
	if (line[1] == 'p')
		return INPUT_PARTS;
	for (int i = 1; i < INPUT_PARTS; i++)
		if (line[1] == (uint8_t)input_parts[i].letter)
			return i;
	return -1;
}

static inline void input_keep(
	struct input *in, int part, const uint8_t *from, const uint8_t *to)
{
	if (part == INPUT_PARTS)
		input_paths(in, from, to);
	else
		input_put((size_t)part, from, (size_t)(to - from));
}

/* Writes the policy's files and has the paths in `in`. */
static inline void input_read(struct input *in, const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	const uint8_t *from = data;
	int part = 0;

	in->count = 0;
	input_make_dir();
	for (size_t i = 1; i < INPUT_PARTS; i++) {
		if (input_there[i])
			unlinkat(input_fd, input_parts[i].name, 0);
		input_there[i] = false;
	}
	for (const uint8_t *at = data; at < end;) {
		const uint8_t *stop = input_line_end(at, end);
		int next = input_part(at, (size_t)(stop - at));

		if (next >= 0) {
			input_keep(in, part, from, at);
			part = next;
			from = stop < end ? stop + 1 : end;
		}
		at = stop < end ? stop + 1 : end;
	}
	input_keep(in, part, from, end);
}

static inline int input_open(struct labeler **l, enum labeler_engine engine,
	enum labeler_version version, struct err *e)
{
	const struct labeler_source src = {
		.dirfd = input_fd, .base = "file_contexts", .shown = "POLICY"};
	const struct labeler_options options = {.engine = engine, .version = version};

	*e = (struct err){0};
	if (labeler_open(l, &src, &options, e) == 0)
		return 0;
	if (*l || e->code == ERR_NONE || !e->msg[0])
		abort();
	return -1;
}

#endif
