/* SPDX-License-Identifier: MIT */
#include "pack/make.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "pack/archive.h"
#include "pack/ext.h"
#include "pack/ext_size.h"

#define SIZE_TRIES 6

/* Makes a squashfs of an archive; of squashfs-tools-ng. */
#define SQUASHFS_STREAM_TOOL    "tar2sqfs"
#define SQUASHFS_STREAM_PACKAGE "squashfs-tools-ng"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

/* What makes mke2fs, mksquashfs and mkfs.erofs independent of the clock. */
struct clock {
	char epoch[48], fake[48];
	const char *env[4];
};

static const char *const *clock_env(struct clock *c, const struct identity *id)
{
	snprintf(c->epoch, sizeof(c->epoch), "SOURCE_DATE_EPOCH=%" PRId64, id->now);
	snprintf(c->fake, sizeof(c->fake), "E2FSPROGS_FAKE_TIME=%" PRId64, id->now);
	c->env[0] = c->epoch;
	c->env[1] = c->fake;
	/* A file that is not there: mke2fs's own defaults, whatever the host's say. */
	c->env[2] = "MKE2FS_CONFIG=/nonexistent/mke2fs.conf";
	c->env[3] = NULL;
	return c->env;
}

/* Runs a tool. What it says though it did not fail are warnings. */
static int run_tool(const struct making *m, const struct tool_args *a, struct err *e)
{
	cleanup_buf struct buf said = {0};
	struct clock clock;
	struct tool t;
	int rc = tool_start(&t, m->format->package, a, clock_env(&clock, m->id), -1, e);

	if (rc == 0)
		rc = tool_wait(&t, m->tick, m->tick_arg, NULL, &said, e);
	if (rc == 0 && said.len)
		fprintf(stderr, "%.*s", (int)said.len, said.data);
	return rc;
}

static int add_options(const struct making *m, struct tool_args *a)
{
	int rc = 0;

	for (char *const *p = m->options; *p; p++)
		rc |= tool_arg_copy(a, *p);
	return rc;
}

/* The features that the user asks mke2fs for, as "-O LIST" or "-OLIST". */
static bool has_feature(const struct making *m, const char *feature)
{
	size_t len = strlen(feature);

	for (char *const *p = m->options; *p; p++) {
		const char *list = strncmp(*p, "-O", 2) != 0 ? NULL
				   : (*p)[2]                 ? *p + 2
							     : p[1];

		while (list && *list) {
			size_t n = strcspn(list, ",");

			if (n == len && strncmp(list, feature, n) == 0)
				return true;
			list += n + (list[n] == ',');
		}
	}
	return false;
}

static bool wants_journal(const struct making *m)
{
	if (has_feature(m, "^has_journal"))
		return false;
	for (char *const *p = m->options; *p; p++)
		if (strcmp(*p, "-j") == 0)
			return true;
	return strcmp(m->format->name, "ext2") != 0 || has_feature(m, "has_journal");
}

/*
 * The last -E is the one that mke2fs heeds: what the user gives with it is joined with
 * ours. Attributes are left to ext_finish(): those of the staging tree are the host's.
 */
static int add_ext_options(const struct making *m, struct tool_args *a)
{
	char seed[UUID_TEXT_SIZE];
	cleanup_buf struct buf extended = {0};
	int rc = 0;

	identity_uuid(m->id, "ext hash seed", seed);
	rc |= buf_addf(&extended, "hash_seed=%s,lazy_itable_init=0,no_copy_xattrs", seed);
	for (char *const *p = m->options; *p; p++)
		if (strcmp(*p, "-E") == 0 && p[1])
			rc |= buf_addf(&extended, ",%s", *++p);
		else if (strncmp(*p, "-E", 2) == 0 && (*p)[2])
			rc |= buf_addf(&extended, ",%s", *p + 2);
		else
			rc |= tool_arg_copy(a, *p);
	return rc | tool_arg(a, "-E") | tool_arg(a, "%s", extended.data);
}

static int run_mke2fs(const struct making *m, const char *dir,
	const struct ext_size *size, struct err *e)
{
	cleanup_tool_args struct tool_args a = {0};
	char uuid[UUID_TEXT_SIZE];
	int rc = 0;

	identity_uuid(m->id, "filesystem", uuid);
	rc |= tool_arg(&a, "%s", m->format->tool) | tool_arg(&a, "-q") |
	      tool_arg(&a, "-F") | tool_arg(&a, "-t") |
	      tool_arg(&a, "%s", m->format->name);
	rc |= tool_arg(&a, "-U") | tool_arg(&a, "%s", uuid) | tool_arg(&a, "-b") |
	      tool_arg(&a, "%d", LISTING_BLOCK) | tool_arg(&a, "-I") |
	      tool_arg(&a, "256");
	rc |= tool_arg(&a, "-N") | tool_arg(&a, "%" PRIu64, size->inodes);
	rc |= add_ext_options(m, &a) | tool_arg(&a, "-d") | tool_arg(&a, "%s", dir);
	rc |= tool_arg(&a, "%s", m->out) |
	      tool_arg(&a, "%" PRIu64 "k", size->bytes / 1024);
	if (rc != 0)
		return no_memory(e);
	return run_tool(m, &a, e);
}

/* What mke2fs says when the blocks or inodes do not do. */
static bool no_room(const struct err *e)
{
	static const char *const words[] = {"Could not allocate", "No free", "no free",
		"Not enough space", "too big for a filesystem"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(e->msg, words[i]))
			return true;
	return false;
}

static int make_ext(const struct making *m, const char *dir, struct err *e)
{
	bool journal = wants_journal(m);
	struct ext_size size = ext_size_for(m->listing, journal);
	int rc = -1;

	if (m->size && journal && m->size < EXT_JOURNAL_MIN)
		return err_set(e, ERR_USAGE,
			"--size is too small: %s needs 8M for its journal ('-- -O "
			"^has_journal' does without)",
			m->format->name);
	if (m->size)
		size.bytes = m->size;
	/* Options of the user's may take more room than was reckoned with. */
	for (int i = 0; rc < 0 && i < SIZE_TRIES && !tool_interrupted(); i++) {
		if (truncate(m->out, 0) < 0)
			return err_sys(e, m->out, "cannot empty");
		rc = run_mke2fs(m, dir, &size, e);
		if (rc == 0)
			rc = ext_finish(m->out, m->listing, m->id->now, e);
		if (rc < 0 && !no_room(e))
			return -1;
		if (rc < 0 && m->size)
			return err_hint(e, "--size is too small for the tree");
		size.bytes += (size.bytes / 8 + 0xfffff) & ~(uint64_t)0xfffff;
		size.inodes += size.inodes / 2;
	}
	return rc;
}

static int run_mksquashfs(const struct making *m, const char *dir, struct err *e)
{
	cleanup_tool_args struct tool_args a = {0};
	int rc = tool_arg(&a, "%s", m->format->tool) | tool_arg(&a, "%s", dir) |
		 tool_arg(&a, "%s", m->out) | tool_arg(&a, "-noappend") |
		 tool_arg(&a, "-quiet") | tool_arg(&a, "-no-progress") |
		 add_options(m, &a);

	if (rc != 0)
		return no_memory(e);
	return run_tool(m, &a, e);
}

static int erofs_args(const struct making *m, struct tool_args *a)
{
	char uuid[UUID_TEXT_SIZE];

	identity_uuid(m->id, "filesystem", uuid);
	return tool_arg(a, "%s", m->format->tool) | tool_arg(a, "-U") |
	       tool_arg(a, "%s", uuid) | add_options(m, a);
}

/* mkfs.erofs 1.5 cuts a name of 255 bytes short and then does not find the file. */
static int explain_erofs(const struct making *m, struct err *e)
{
	for (size_t i = 0; i < m->listing->count; i++) {
		const char *path = m->listing->entries[i].path;
		const char *slash = strrchr(path, '/');

		if (strlen(slash ? slash + 1 : path) == NAME_MAX)
			return err_hint(e,
				"versions before 1.6 fail on names of %d bytes, and "
				"there "
				"is /%s",
				NAME_MAX, path);
	}
	return -1;
}

static int run_mkerofs(const struct making *m, const char *dir, struct err *e)
{
	cleanup_tool_args struct tool_args a = {0};
	int rc = erofs_args(m, &a) | tool_arg(&a, "%s", m->out) | tool_arg(&a, "%s", dir);

	if (rc != 0)
		return no_memory(e);
	rc = run_tool(m, &a, e);
	return rc < 0 ? explain_erofs(m, e) : 0;
}

int make_from_directory(const struct making *m, const char *dir, struct err *e)
{
	switch (m->format->family) {
	case FORMAT_EXT:
		return make_ext(m, dir, e);
	case FORMAT_SQUASHFS:
		return run_mksquashfs(m, dir, e);
	case FORMAT_EROFS:
		return run_mkerofs(m, dir, e);
	case FORMAT_ARCHIVE:
		break;
	}
	return err_set(e, ERR_USAGE, "%s is not made from a directory", m->format->name);
}

/* Only from 1.7 on, and only where it was built with it. */
static int check_erofs_tar(struct err *e)
{
	cleanup_tool_args struct tool_args a = {0};
	cleanup_buf struct buf help = {0};
	struct err ignored;

	if (tool_arg(&a, "mkfs.erofs") != 0 || tool_arg(&a, "--help") != 0)
		return no_memory(e);
	cleanup_free char *file = tool_find("mkfs.erofs", "erofs-utils", e);

	if (!file)
		return -1;
	/* Older ones print their help to standard error, and fail. */
	if (tool_run("erofs-utils", &a, NULL, NULL, NULL, &help, &ignored) < 0 ||
		!help.data || !strstr(help.data, "--tar"))
		return err_set(e, ERR_REFUSED,
			"this mkfs.erofs cannot read a tar archive (erofs-utils 1.7 and "
			"later can), so an erofs image needs a view: a host with "
			"/dev/fuse and without SELinux");
	return 0;
}

int make_check_stream(const struct format *f, struct err *e)
{
	cleanup_free char *file = NULL;

	if (f->family == FORMAT_EROFS)
		return check_erofs_tar(e);
	if (f->family != FORMAT_SQUASHFS)
		return 0;
	file = tool_find(SQUASHFS_STREAM_TOOL, SQUASHFS_STREAM_PACKAGE, e);
	return file ? 0 : -1;
}

/* The tool reads the archive from a pipe while it is written. */
static int pipe_to(const struct making *m, const char *package, const struct tool_args *a,
	struct engine *en, struct err *e)
{
	cleanup_close int from = -1, to = -1;
	struct tool t;
	struct clock clock;
	struct err why;
	int pipes[2], rc;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, NULL, "cannot make a pipe");
	from = pipes[0];
	to = pipes[1];
	if (tool_start(&t, package, a, clock_env(&clock, m->id), from, e) < 0)
		return -1;
	close(take_fd(&from));
	rc = archive_stream(to, ARCHIVE_TAR, en, m->listing, e);
	close(take_fd(&to));
	/* When the tool ended early, its own words are the reason. */
	if (tool_wait(&t, m->tick, m->tick_arg, NULL, NULL, &why) < 0 &&
		(rc == 0 || e->sys == EPIPE)) {
		*e = why;
		rc = -1;
	}
	return rc;
}

static int stream_archive(const struct making *m, struct engine *en, struct err *e)
{
	cleanup_close int fd = open(m->out, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, m->out, "cannot write");
	return archive_stream(fd,
		strcmp(m->format->name, "cpio") == 0 ? ARCHIVE_CPIO : ARCHIVE_TAR, en,
		m->listing, e);
}

int make_from_stream(const struct making *m, struct engine *en, struct err *e)
{
	cleanup_tool_args struct tool_args a = {0};
	int rc = 0;

	if (m->format->family == FORMAT_ARCHIVE)
		return stream_archive(m, en, e);
	if (make_check_stream(m->format, e) < 0)
		return -1;
	if (m->format->family == FORMAT_SQUASHFS) {
		/* sqfstar would do too, but it passes over the root directory. */
		rc = tool_arg(&a, SQUASHFS_STREAM_TOOL) | tool_arg(&a, "--quiet") |
		     tool_arg(&a, "--force") | tool_arg(&a, "--no-skip") |
		     tool_arg(&a, "--exportable") | tool_arg(&a, "--compressor=gzip") |
		     add_options(m, &a) | tool_arg(&a, "%s", m->out);
	} else {
		rc = erofs_args(m, &a) | tool_arg(&a, "--tar=f") |
		     tool_arg(&a, "%s", m->out);
	}
	if (rc != 0)
		return no_memory(e);
	return pipe_to(m,
		m->format->family == FORMAT_SQUASHFS ? SQUASHFS_STREAM_PACKAGE
						     : m->format->package,
		&a, en, e);
}
