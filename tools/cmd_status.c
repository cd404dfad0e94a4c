/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tools/commands.h"
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

static int repair(const struct place *p, struct report *r, struct err *e)
{
	struct engine *en;
	int rc;

	if (open_tree(p, DB_WRITE, &en, e) < 0)
		return -1;
	rc = db_begin(engine_db(en), e);
	if (rc == 0)
		rc = repair_tree(en, report_drift, r, e);
	if (rc >= 0)
		rc = db_commit(engine_db(en), e);
	engine_close(en);
	if (rc < 0)
		return -1;
	report_end(r, p->staging, "the database and the tree agree");
	if (r->findings && !opt_json)
		printf("%s: the database follows the tree in all of these\n", p->staging);
	return EXIT_FINE;
}

static int run_status(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_place struct place p = {0};
	struct report r = {.json = opt_json};
	struct engine *en;
	int rc;

	(void)c;
	(void)argc;
	if (locate_tree(&p, argv[0], opt_db, e) < 0)
		return -1;
	if (opt_repair)
		return repair(&p, &r, e);
	if (open_tree(&p, DB_READ, &en, e) < 0)
		return -1;
	rc = drift_find(en, report_drift, &r, e);
	engine_close(en);
	if (rc < 0) {
		report_break(&r);
		return -1;
	}
	return report_end(&r, p.staging, "the database and the tree agree");
}

static const struct command_option status_options[] = {
	{OPT_REPAIR, "repair", NULL, "let the database follow the tree, and say in what"},
	OPTION_JSON,
	OPTION_DB,
	{0},
};

const struct command cmd_status = {
	.name = "status",
	.synopsis = "STAGING",
	.summary = "Tell where the staging tree and its database disagree",
	.details =
		"unrecorded: no record, shown with defaults. gone: no file. replaced: "
		"of\n"
		"another type than its record. moved: its file is under another name.\n"
		"split: names of one file that are separate files now. Exits 1 on any.\n"
		"With --repair, records of what is gone are dropped, records of what "
		"was\n"
		"moved follow it, and every other file gets a record of its own.",
	.options = status_options,
	.min_args = 1,
	.max_args = 1,
	.run = run_status,
	.option = option,
};
