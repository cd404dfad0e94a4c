// SPDX-License-Identifier: MIT
/*
 * The whole tree as text, a line a name: sorted, and of each file all that two
 * filesystems must agree on. Names of one file show the first of them. Fields end with a
 * tab.
 */
#include "fs/side.h"
#include "tests/view/worker.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FILES_MAX 4096

struct scan {
	struct worker *w;
	struct result *r;
	char path[PATH_ROOM];
	struct seen {
		ino_t ino;
		char *path;
	} seen[FILES_MAX];
	size_t count;
	bool without_trusted;
};

static void say_escaped(struct result *r, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c > 32 && c < 127 && c != '\\')
			say_bytes(r, bytes + i, 1);
		else
			say(r, "\\x%02x", c);
	}
}

/* FNV-1a. The bytes are not hostile, and a difference shows in 64 bits. */
static uint64_t content(const char *path)
{
	static char buf[65536];
	uint64_t h = 0xcbf29ce484222325u;
	int fd = open(path, O_RDONLY | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return (uint64_t)errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			h = (h ^ (unsigned char)buf[i]) * 0x100000001b3u;
	if (n < 0)
		h = (uint64_t)errno;
	close(fd);
	return h;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is anybody's needs no side channel; and with its prefix, long names are too long.
 */
static void side_name(char *to, size_t size, const char *name, bool side)
{
	snprintf(to, size, "%s%.300s", side && strncmp(name, "user.", 5) ? SIDE_ATTR : "",
		name);
}

/* In a view by the side channel, which lists what the kernel would not let through. */
static void say_attributes(struct scan *s)
{
	char names[16384], value[4096], name[400];
	char *sorted[256];
	size_t count = 0;
	ssize_t n = s->w->side ? lgetxattr(s->path, SIDE_LIST, names, sizeof(names))
			       : llistxattr(s->path, names, sizeof(names));

	if (n < 0)
		say(s->r, "(%s)", error_name(errno));
	for (char *p = names; p < names + n && count < 256; p += strlen(p) + 1)
		if (!s->without_trusted || strncmp(p, "trusted.", 8))
			sorted[count++] = p;
	if (count)
		qsort(sorted, count, sizeof(sorted[0]), by_text);
	for (size_t i = 0; i < count; i++) {
		side_name(name, sizeof(name), sorted[i], s->w->side);
		n = lgetxattr(s->path, name, value, sizeof(value));
		say_escaped(s->r, sorted[i], strlen(sorted[i]));
		say(s->r, "=");
		if (n < 0)
			say(s->r, "(%s)", error_name(errno));
		else
			say_escaped(s->r, value, (size_t)n);
		say(s->r, ",");
	}
}

void remove_attributes(const char *path, bool side)
{
	char names[16384], name[400];
	ssize_t n = side ? lgetxattr(path, SIDE_LIST, names, sizeof(names))
			 : llistxattr(path, names, sizeof(names));

	for (char *p = names; p < names + n; p += strlen(p) + 1) {
		side_name(name, sizeof(name), p, side);
		lremovexattr(path, name);
	}
}

static void say_link(struct scan *s, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return;
	for (size_t i = 0; i < s->count; i++) {
		if (s->seen[i].ino == st->st_ino) {
			say_escaped(s->r, s->seen[i].path, strlen(s->seen[i].path));
			return;
		}
	}
	if (s->count == FILES_MAX)
		errx(2, "the tree has more than %d files", FILES_MAX);
	s->seen[s->count].ino = st->st_ino;
	s->seen[s->count++].path = strdup(s->path);
}

static void say_content(struct scan *s, const struct stat *st)
{
	char target[PATH_ROOM];
	ssize_t n;

	if (S_ISREG(st->st_mode)) {
		say(s->r, "%016llx", (unsigned long long)content(s->path));
	} else if (S_ISLNK(st->st_mode)) {
		n = readlink(s->path, target, sizeof(target));
		if (n < 0)
			say(s->r, "(%s)", error_name(errno));
		else
			say_escaped(s->r, target, (size_t)n);
	}
}

static void say_file(struct scan *s, const struct stat *st)
{
	struct result *r = s->r;
	bool device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);

	say_escaped(r, s->path, strlen(s->path));
	say(r, "\t%#o\t%u\t%u\t%llu\t%lld\t%#llx\t", st->st_mode, st->st_uid, st->st_gid,
		(unsigned long long)st->st_nlink,
		S_ISDIR(st->st_mode) ? 0ll : (long long)st->st_size,
		device ? (unsigned long long)st->st_rdev : 0ull);
	say_time(s->w, r, &st->st_mtim);
	say(r, "\t");
	say_link(s, st);
	say(r, "\t");
	say_content(s, st);
	say(r, "\t");
	say_attributes(s);
	say(r, "\n");
}

static void scan_path(struct scan *s)
{
	struct dirent **names = NULL;
	struct stat st;
	size_t len = strlen(s->path);
	int n;

	if (lstat(s->path, &st) < 0) {
		say(s->r, "%s (%s)\n", s->path, error_name(errno));
		return;
	}
	say_file(s, &st);
	if (!S_ISDIR(st.st_mode))
		return;
	n = scandir(s->path, &names, NULL, alphasort);
	if (n < 0)
		say(s->r, "%s (%s)\n", s->path, error_name(errno));
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (strcmp(name, ".") && strcmp(name, "..")) {
			snprintf(s->path + len, sizeof(s->path) - len, "/%s", name);
			scan_path(s);
			s->path[len] = '\0';
		}
		free(names[i]);
	}
	free(names);
}

void scan_tree(struct worker *w, struct result *r, bool without_trusted)
{
	static struct scan s;

	s.w = w;
	s.r = r;
	s.count = 0;
	s.without_trusted = without_trusted;
	strcpy(s.path, ".");
	scan_path(&s);
	while (s.count)
		free(s.seen[--s.count].path);
}
