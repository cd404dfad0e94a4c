/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "image/archive_reader.h"
#include "tools/commands.h"
#include "tools/loan.h"
#include "tools/locate.h"
#include "tools/progress.h"
#include "tools/unpack.h"

static const char *opt_db;

static int option(int key, const char *value, struct err *e)
{
	(void)key;
	(void)e;
	opt_db = value;
	return 0;
}

static void step(void *arg)
{
	progress_step(arg);
}

static void warn(void *arg, const char *text)
{
	progress_clear(arg);
	fprintf(stderr, "livery: %s\n", text);
}

/* All in one transaction, and a note for as long as it lasts. */
static int unpack_into(struct stage *stage, struct db *db, struct archive_reader *r,
	struct unpack *u, struct err *e)
{
	int rc;

	if (db_note_put(db, NOTE_UNFINISHED, "'livery unpack'", e) < 0 ||
		db_begin(db, e) < 0)
		return -1;
	u->stage = stage;
	if (writer_open(&u->writer, stage, db, e) < 0)
		return -1;
	rc = unpack_archive(u, r->inner, e);
	writer_close(u->writer);
	if (rc == 0)
		rc = archive_reader_finish(r, e);
	if (rc == 0)
		rc = db_note_drop(db, NOTE_UNFINISHED, e);
	if (rc == 0)
		rc = db_commit(db, e);
	return rc;
}

/* Makes the staging tree and its database, and fills them. */
static int unpack_to(
	const struct place *p, struct archive_reader *r, struct unpack *u, struct err *e)
{
	cleanup_loan struct loan loan = {0};
	struct stage *stage = NULL;
	struct db *db = NULL;
	int rc;

	if (mkdir(p->staging, 0777) < 0 && errno != EEXIST)
		return err_sys(e, p->staging, "cannot make the staging tree");
	if (stage_open(&stage, p->staging, e) < 0)
		return -1;
	rc = loan_take(&loan, p, e);
	if (rc == 0)
		rc = db_open(&db, p->db, DB_CREATE, e);
	if (db) {
		rc = unpack_into(stage, db, r, u, e);
		if (rc < 0)
			err_hint(e, "%s is incomplete: unpack again, or remove it and %s",
				p->staging, p->db);
	}
	db_close(db);
	stage_close(stage);
	return rc;
}

/* Nothing is made before the archive is known to be one. */
static int with_archive(
	const struct place *p, const char *file, struct unpack *u, struct err *e)
{
	bool piped = strcmp(file, "-") == 0;
	const char *name = piped ? "standard input" : file;
	cleanup_close int fd = piped ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				     : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct archive_reader r;
	int rc;

	if (fd < 0)
		return err_sys(e, name, "cannot open the archive");
	rc = archive_reader_open(&r, fd, name, ARCHIVE_FILTERS_ALL, false, e);
	if (rc == 0 && unpack_begin(u, r.inner, e) < 0)
		rc = err_wrap(e, "%s", name);
	if (rc == 0)
		rc = unpack_to(p, &r, u, e);
	archive_reader_close(&r);
	return rc;
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	struct progress progress;
	struct unpack u = {.step = step, .warn = warn, .arg = &progress};
	cleanup_place struct place p = {0};
	int rc;

	(void)c;
	(void)argc;
	if (locate_tree(&p, argv[1], opt_db, e) < 0)
		return -1;
	umask(022);
	progress_start(&progress, "unpacked");
	rc = with_archive(&p, argv[0], &u, e);
	progress_clear(&progress);
	if (rc < 0)
		return -1;
	if (u.refused)
		return err_set(e, ERR_REFUSED,
			"%" PRIu64 " of %" PRIu64
			" entries were refused (named above); all "
			"others are in %s",
			u.refused, u.refused + u.entries, p.staging);
	printf("%s: unpacked %" PRIu64 " entries, database %s\n", p.staging, u.entries,
		p.db);
	return EXIT_FINE;
}

static const struct command_option options[] = {OPTION_DB, {0}};

const struct command cmd_unpack = {
	.name = "unpack",
	.synopsis = "ARCHIVE STAGING",
	.summary = "Extract a tar or cpio archive as an ordinary user",
	.details = "Content goes to the directory STAGING, which is made if it is not "
		   "there;\n"
		   "owners, modes, devices and attributes go to the database. ARCHIVE "
		   "'-' is\n"
		   "standard input. Into a tree that was unpacked before, it adds and "
		   "replaces.",
	.options = options,
	.min_args = 2,
	.max_args = 2,
	.run = run,
	.option = option,
};
