/* SPDX-License-Identifier: MIT */
/*
 * An archive from arbitrary bytes, unpacked into a fresh staging tree. Beside the tree is
 * a directory that must stay empty, and the directory above both must keep its names.
 */
#include <archive.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/fuzz/scratch.h"
#include "tools/unpack.h"

#define INPUT_MAX   65536
#define CONTENT_MAX (16 << 20) /* a small archive may stand for a large file */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* libarchive asks for what a header says, up to 4 GiB; it may be told no. */
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=256";
}

static void warned(void *arg, const char *text)
{
	(void)arg;
	if (!*text || strchr(text, '\n'))
		abort();
}

static void prepare(void)
{
	const struct rlimit limit = {CONTENT_MAX, CONTENT_MAX};

	if (scratch_fd >= 0)
		return;
	scratch_make();
	/* SIGXFSZ is ignored: such a write fails with EFBIG. */
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void finding(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
	abort();
}

static void unpack(struct archive *a)
{
	struct unpack u = {.warn = warned};
	struct stage *stage;
	char path[64];
	struct err e = {0};
	struct db *db;
	int rc;

	scratch_path(path, "tree");
	if (stage_open(&stage, path, &e) < 0)
		errx(1, "%s", e.msg);
	scratch_path(path, "db");
	if (db_open(&db, path, DB_CREATE, &e) < 0 || db_begin(db, &e) < 0 ||
		writer_open(&u.writer, stage, db, &e) < 0)
		errx(1, "%s", e.msg);
	u.stage = stage;
	rc = unpack_begin(&u, a, &e);
	if (rc == 0)
		rc = unpack_archive(&u, a, &e);
	if (rc < 0 && (e.code == ERR_NONE || !e.msg[0]))
		abort();
	writer_close(u.writer);
	if (rc == 0 && db_commit(db, &e) == 0 && db_check(db, finding, NULL, &e) != 0)
		abort();
	db_close(db);
	stage_close(stage);
}

/* The names in a directory, without "." and "..". */
static int names_in(const char *name)
{
	DIR *d = fdopendir(openat(scratch_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int n = -2;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive *a;

	if (size > INPUT_MAX)
		return 0;
	prepare();
	if (mkdirat(scratch_fd, "tree", 0700) < 0 || mkdirat(scratch_fd, "out", 0700) < 0)
		err(1, "%s", scratch_dir);
	a = archive_read_new();
	archive_read_support_filter_all(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_cpio(a);
	if (archive_read_open_memory(a, data, size) == ARCHIVE_OK)
		unpack(a);
	archive_read_free(a);
	if (names_in("out") != 0)
		abort();
	unlinkat(scratch_fd, "db", 0);
	scratch_clear("tree");
	unlinkat(scratch_fd, "out", AT_REMOVEDIR);
	if (names_in(".") != 0)
		abort();
	return 0;
}
