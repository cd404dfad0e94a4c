/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "tools/commands.h"
#include "tools/loan.h"
#include "tools/locate.h"
#include "tools/repair.h"
#include "tools/report.h"

static const char *opt_db;
static bool opt_json, opt_repair;

static int option(int key, const char *value, struct err *e)
{
	(void)e;
	if (key == OPT_DB)
		opt_db = value;
	else if (key == OPT_JSON)
		opt_json = true;
	else
		opt_repair = true;
	return 0;
}

static int open_tree(
	const struct place *p, enum db_mode mode, struct engine **en, struct err *e)
{
	struct engine_options o = {0};

	return place_open(p, mode, &o, en, e);
}

/*
 * The database knows the path, or a file is there. The engine is not asked: which name of
 * what was split is told depends on what it loads first.
 */
static int check_known(struct engine *en, const char *path, struct err *e)
{
	cleanup_close int fd = stage_openat(engine_stage(en), path, O_PATH, e);
	struct db_record r = {.id = DB_ROOT};
	char quoted[1024];
	int rc = 1;

	if (fd >= 0)
		return 0;
	for (const char *p = path; rc == 1 && *p;) {
		size_t len = strcspn(p, "/");

		rc = db_name_get(engine_db(en), r.id, p, len, &r, e);
		p += len + (p[len] == '/');
	}
	if (rc == 0)
		err_set(e, ERR_USAGE,
			"/%s: neither in the tree %s nor in its database; paths start at "
			"the tree's root",
			quote_path(quoted, sizeof(quoted), path),
			stage_path(engine_stage(en)));
	return rc == 1 ? 0 : -1;
}

static int check_scope(struct engine *en, const struct drift_scope *s, struct err *e)
{
	for (size_t i = 0; i < s->count; i++)
		if (check_known(en, s->paths[i], e) < 0)
			return -1;
	return 0;
}

static int end(struct report *r, const struct place *p, const struct drift_scope *s)
{
	return report_end(r, p->staging,
		s->count ? "the database and the tree agree there"
			 : "the database and the tree agree");
}

static int repair_opened(struct engine *en, const struct drift_scope *s,
	struct drift_list *drift, struct err *e)
{
	if (check_scope(en, s, e) < 0 || db_begin(engine_db(en), e) < 0 ||
		repair_tree(en, s, drift, e) < 0)
		return -1;
	return db_commit(engine_db(en), e);
}

/* What was done is told once it is done. */
static int repair(const struct place *p, const struct drift_scope *s, struct err *e)
{
	cleanup_loan struct loan loan = {0};
	cleanup_drift_list struct drift_list drift = {0};
	struct report r = {.json = opt_json};
	struct engine *en;
	int rc;

	if (loan_take(&loan, p, e) < 0 || open_tree(p, DB_WRITE, &en, e) < 0)
		return -1;
	rc = repair_opened(en, s, &drift, e);
	engine_close(en);
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < drift.count; i++) {
		const struct drift *d = &drift.items[i].d;

		if (drift.items[i].chosen)
			report_finding(&r, drift_name(d->kind), d->path, d->to,
				repair_done(d->kind));
	}
	end(&r, p, s);
	if (r.findings && !opt_json)
		printf("%s: the database follows the tree in all of these\n", p->staging);
	return EXIT_FINE;
}

struct telling {
	struct report report;
	const struct drift_scope *scope;
};

static void tell(void *arg, const struct drift *d)
{
	struct telling *t = arg;

	if (drift_in_scope(t->scope, d))
		report_drift(&t->report, d);
}

static int status(const struct place *p, const struct drift_scope *s, struct err *e)
{
	struct telling t = {{.json = opt_json}, s};
	struct engine *en;
	int rc;

	if (open_tree(p, DB_READ, &en, e) < 0)
		return -1;
	rc = check_scope(en, s, e);
	if (rc == 0) {
		rc = drift_find(en, tell, &t, e);
		if (rc < 0)
			report_break(&t.report);
	}
	engine_close(en);
	return rc < 0 ? -1 : end(&t.report, p, s);
}

/* A tree, a view, or a path in either. */
static int locate_first(struct place *p, const char *path, struct err *e)
{
	long pid;
	int rc;

	if (opt_db)
		return locate_tree(p, path, opt_db, e);
	rc = locate_view(p, path, &pid, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (locate_tree(p, path, NULL, e) == 0) {
		cleanup_place struct place other = {0};
		struct err ignored;

		if (access(p->db, F_OK) == 0 ||
			locate_path(&other, path, NULL, NULL, &ignored) < 0)
			return 0;
	}
	place_free(p);
	return locate_path(p, path, NULL, NULL, e);
}

/* Another path of the same tree. */
static int locate_next(
	const struct place *first, const char *path, char **out, struct err *e)
{
	cleanup_place struct place p = {0};
	char quoted[1024];

	if (locate_path(&p, path, opt_db ? first->staging : NULL, opt_db, e) < 0)
		return -1;
	if (strcmp(p.staging, first->staging) != 0)
		return err_set(e, ERR_USAGE, "%s: not in the tree %s",
			quote_path(quoted, sizeof(quoted), path), first->staging);
	*out = take_ptr(p.path);
	return 0;
}

/*
 * Behind a tree, paths are the tree's own, as findings give them. Where the first operand
 * is a path in a tree, the others are such too.
 */
static int run_located(
	const struct place *first, int argc, char **argv, char **paths, struct err *e)
{
	struct drift_scope s = {.paths = (const char *const *)paths};
	bool inside = *first->path, whole = false;

	for (int i = inside ? 0 : 1; i < argc; i++) {
		if (!inside && !(paths[s.count] = locate_within(argv[i], e)))
			return -1;
		if (inside && locate_next(first, argv[i], &paths[s.count], e) < 0)
			return -1;
		whole |= !*paths[s.count++];
	}
	if (whole)
		s.count = 0;
	return opt_repair ? repair(first, &s, e) : status(first, &s, e);
}

static int run_status(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_place struct place first = {0};
	char **paths = calloc((size_t)argc, sizeof(*paths));
	int rc = paths ? 0 : err_set(e, ERR_SYS, "out of memory");

	(void)c;
	if (rc == 0)
		rc = locate_first(&first, argv[0], e);
	if (rc == 0)
		rc = run_located(&first, argc, argv, paths, e);
	for (int i = 0; paths && i < argc; i++)
		free(paths[i]);
	free(paths);
	return rc;
}

static const struct command_option status_options[] = {
	{OPT_REPAIR, "repair", NULL, "let the database follow the tree, and say in what"},
	OPTION_JSON,
	OPTION_DB,
	{0},
};

const struct command cmd_status = {
	.name = "status",
	.synopsis = "STAGING [PATH...] | PATH...",
	.summary = "Tell where the staging tree and its database disagree",
	.details =
		"unrecorded: no record, shown with defaults. gone: no file. replaced: "
		"of\n"
		"another type than its record. moved: its file is under another name.\n"
		"split: names of one file that are separate files now. Exits 1 on any.\n"
		"With --repair, records of what is gone are dropped, records of what "
		"was\n"
		"moved follow it, and every other file gets a record of its own. PATHs "
		"behind\n"
		"STAGING start at the tree's root, as they are printed; a PATH alone is "
		"one in\n"
		"a tree or a view. Then only what is or was there or below is told or "
		"settled.",
	.options = status_options,
	.min_args = 1,
	.max_args = -1,
	.run = run_status,
	.option = option,
};
