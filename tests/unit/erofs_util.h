/* SPDX-License-Identifier: MIT */
/* Making EROFS images for tests, of files with content that is always the same. */
#ifndef TESTS_UNIT_EROFS_UTIL_H
#define TESTS_UNIT_EROFS_UTIL_H

#include <fcntl.h>
#include <sys/wait.h>

#include "image/digest.h"
#include "image/source.h"
#include "tests/unit/scratch.h"

#define NAME "image"

/* Bytes that do not compress, or words that do; the same ones each time. */
static inline void fill(unsigned char *p, size_t len, bool words, uint64_t seed)
{
	static const char *const text[] = {"livery ", "coat ", "of ", "arms\n"};

	for (size_t at = 0; at < len;) {
		size_t word;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		word = (seed >> 33) % 5;
		if (!words || word == 4) {
			p[at++] = (unsigned char)(seed >> (words ? 50 : 56));
			continue;
		}
		for (const char *s = text[word]; *s && at < len; s++)
			p[at++] = (unsigned char)*s;
	}
}

static inline void put_filled(const char *path, size_t len, bool words)
{
	unsigned char *p = malloc(len + 1);

	fill(p, len, words, len);
	put_file(path, p, len);
	free(p);
}

/* Runs mkfs.erofs with these flags; what it says is not shown unless it fails. */
static inline void make_image(
	const char *const flags[6], const char *tree, const char *file)
{
	const char *argv[10] = {"mkfs.erofs", "--quiet"};
	int n = 2, status;
	pid_t pid;

	for (int i = 0; i < 6 && flags[i]; i++)
		argv[n++] = flags[i];
	argv[n++] = file;
	argv[n] = tree;
	pid = fork();
	if (pid == 0) {
		int fd = open("mkfs.log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "mkfs.erofs %s: %s", flags[0] ? flags[0] : "",
			get_file("mkfs.log", NULL));
}

static inline int list(
	struct listing *l, int fd, const struct listing *expected, struct err *e)
{
	*e = (struct err){0};
	if (listing_init(l, NAME, e) < 0)
		errx(1, "%s", e->msg);
	l->expected = expected;
	return list_erofs(l, fd, e);
}

#endif
