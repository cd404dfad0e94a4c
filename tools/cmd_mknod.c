/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fs/writer.h"
#include "tools/commands.h"
#include "tools/fresh.h"
#include "tools/loan.h"
#include "tools/locate.h"
#include "tools/modes.h"

static const char *opt_db, *opt_staging, *opt_mode;

static int option(int key, const char *value, struct err *e)
{
	(void)e;
	if (key == OPT_DB)
		opt_db = value;
	else if (key == OPT_STAGING)
		opt_staging = value;
	else
		opt_mode = value;
	return 0;
}

static int number(const char *text, unsigned long max, unsigned *out, struct err *e)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 0);
	if (errno || *end || text[0] < '0' || text[0] > '9' || v > max)
		return err_set(
			e, ERR_USAGE, "'%s': a device number is 0 to %lu", text, max);
	*out = (unsigned)v;
	return 0;
}

/* The kernel's device numbers have 12 and 20 bits (linux/kdev_t.h). */
static int parse_type(int argc, char **argv, struct writer_meta *m, struct err *e)
{
	const char *type = argv[1];
	bool device = strcmp(type, "b") == 0 || strcmp(type, "c") == 0 ||
		      strcmp(type, "u") == 0;
	uint32_t perm = 0644;
	unsigned major, minor;

	if (!device && strcmp(type, "p") != 0)
		return err_set(e, ERR_USAGE, "'%s': the type is c (or u), b or p", type);
	if (argc != (device ? 4 : 2))
		return err_set(e, ERR_USAGE,
			device ? "a device needs MAJOR and MINOR"
			       : "a fifo has no device number");
	if (opt_mode && !modes_apply(opt_mode, false, &perm))
		return err_set(e, ERR_USAGE, "'%s' is no mode", opt_mode);
	m->mode = perm | (strcmp(type, "p") == 0          ? S_IFIFO
				 : strcmp(type, "b") == 0 ? S_IFBLK
							  : S_IFCHR);
	if (!device)
		return 0;
	if (number(argv[2], 0xfff, &major, e) < 0 ||
		number(argv[3], 0xfffff, &minor, e) < 0)
		return -1;
	m->rdev = makedev(major, minor);
	return 0;
}

static bool parent_there(struct engine *en, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = strndup(path, slash ? (size_t)(slash - path) : 0);

	return dir && engine_find(en, dir, e);
}

/* In an open tree. */
static int make(struct engine *en, const char *staging, const char *path,
	const struct writer_meta *m, struct err *e)
{
	struct db *db = engine_db(en);
	struct writer *w;
	int rc;

	/* Nothing that is there is replaced. */
	if (engine_find(en, path, e)) {
		errno = EEXIST;
		return err_sys(e, path, "%s", staging);
	}
	if (e->sys != ENOENT || !parent_there(en, path, e) ||
		writer_open(&w, engine_stage(en), db, e) < 0)
		return -1;
	/* Modes are for the record to say: see cmd_unpack.c. */
	umask(022);
	rc = db_begin(db, e);
	if (rc == 0)
		rc = writer_make(w, path, m, NULL, e);
	if (rc == 0) {
		rc = db_commit(db, e);
		if (rc < 0)
			writer_unmake(w, path);
	}
	writer_close(w);
	return rc;
}

static int make_at(const struct place *p, const struct writer_meta *m, struct err *e)
{
	/* A tree that is named gets a database; one that was found has it. */
	enum db_mode mode = opt_staging ? DB_CREATE : DB_WRITE;
	bool fresh = fresh_is(p->db);
	struct engine_options o = {0};
	cleanup_loan struct loan loan = {0};
	struct engine *en;
	int rc;

	if (loan_take(&loan, p, e) < 0 || place_open(p, mode, &o, &en, e) < 0)
		return -1;
	rc = make(en, p->staging, p->path, m, e);
	if (rc < 0 && fresh)
		fresh_remove(engine_db(en));
	engine_close(en);
	return rc;
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_place struct place p = {0};
	struct writer_meta m = {0};

	(void)c;
	if (parse_type(argc, argv, &m, e) < 0 ||
		locate_path(&p, argv[0], opt_staging, opt_db, e) < 0 ||
		make_at(&p, &m, e) < 0)
		return -1;
	return EXIT_FINE;
}

static const struct command_option options[] = {
	{'m', "mode", "MODE", "its mode (default: 0644)"},
	OPTION_STAGING,
	OPTION_DB,
	{0},
};

const struct command cmd_mknod = {
	.name = "mknod",
	.synopsis = "PATH TYPE [MAJOR MINOR]",
	.summary = "Make a device node or a fifo, owned by 0:0",
	.details = "TYPE is c or b with MAJOR and MINOR, or p. A device is a record over "
		   "an\n"
		   "empty file in the staging tree.",
	.options = options,
	.min_args = 2,
	.max_args = 4,
	.run = run,
	.option = option,
};
