/* SPDX-License-Identifier: MIT */
/* status and verify: is the tree what the database says, and is it ready for an image? */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/walk.h"
#include "tools/commands.h"
#include "tools/drift.h"
#include "tools/locate.h"
#include "tools/repair.h"
#include "tools/show.h"

static const char *opt_db;
static bool opt_json, opt_allow, opt_repair;

static int option(int key, const char *value, struct err *e)
{
	(void)e;
	if (key == OPT_DB)
		opt_db = value;
	else if (key == OPT_JSON)
		opt_json = true;
	else if (key == OPT_REPAIR)
		opt_repair = true;
	else
		opt_allow = true;
	return 0;
}

struct report {
	struct engine *en;
	uint64_t inodes, findings;
	bool first;
};

/* One line, or one JSON object, about a path. */
static void finding(struct report *r, const char *kind, const char *path, const char *to,
	const char *text)
{
	r->findings++;
	if (opt_json) {
		printf("%s{\"finding\": \"%s\", ", r->first ? "[" : ",\n ", kind);
		show_json_bytes(stdout, "path", path, strlen(path));
		if (to) {
			printf(", ");
			show_json_bytes(stdout, "to", to, strlen(to));
		}
		if (text) {
			printf(", ");
			show_json_bytes(stdout, "text", text, strlen(text));
		}
		printf("}");
	} else {
		printf("%s /", kind);
		quote_print(stdout, path, strlen(path));
		if (to) {
			printf(" -> /");
			quote_print(stdout, to, strlen(to));
		}
		if (text)
			printf(" (%s)", text);
		putchar('\n');
	}
	r->first = false;
}

static void on_drift(void *arg, const struct drift *d)
{
	finding(arg, drift_name(d->kind), d->path, d->to, NULL);
}

static int finish(struct report *r, const char *staging, const char *fine)
{
	if (opt_json)
		printf("%s]\n", r->first ? "[" : "");
	else if (!r->findings)
		printf("%s: %s\n", staging, fine);
	return r->findings ? EXIT_FINDINGS : EXIT_FINE;
}

static int open_tree(
	const struct place *p, enum db_mode mode, struct engine **en, struct err *e)
{
	struct engine_options o = {0};

	return place_open(p, mode, &o, en, e);
}

static int repair(const struct place *p, struct report *r, struct err *e)
{
	int rc;

	if (open_tree(p, DB_WRITE, &r->en, e) < 0)
		return -1;
	rc = db_begin(engine_db(r->en), e);
	if (rc == 0)
		rc = repair_tree(r->en, on_drift, r, e);
	if (rc >= 0)
		rc = db_commit(engine_db(r->en), e);
	engine_close(r->en);
	if (rc < 0)
		return -1;
	finish(r, p->staging, "the database and the tree agree");
	if (r->findings && !opt_json)
		printf("%s: the database follows the tree in all of these\n", p->staging);
	return EXIT_FINE;
}

static int run_status(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_place struct place p = {0};
	struct report r = {.first = true};
	int rc;

	(void)c;
	(void)argc;
	if (locate_tree(&p, argv[0], opt_db, e) < 0)
		return -1;
	if (opt_repair)
		return repair(&p, &r, e);
	if (open_tree(&p, DB_READ, &r.en, e) < 0)
		return -1;
	rc = drift_find(r.en, on_drift, &r, e);
	engine_close(r.en);
	return rc < 0 ? -1 : finish(&r, p.staging, "the database and the tree agree");
}

/* Whether a tool could read it: content is not read, only opened. */
static void check_readable(
	struct report *r, const struct walk_step *s, const struct stat *st)
{
	struct err e;
	char byte;

	if (S_ISREG(st->st_mode) && engine_read(r->en, s->node, &byte, 0, 0, &e) < 0)
		finding(r, "unreadable", s->path, NULL, e.msg);
}

static int pass_by(void *arg, const struct xattr *x)
{
	(void)arg;
	(void)x;
	return 0;
}

static int verify_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct report *r = arg;
	struct stat st;

	r->inodes++;
	engine_stat(r->en, s->node, &st);
	if (!opt_allow && !engine_label(s->node) && !engine_label_excluded(s->node))
		finding(r, "unlabeled", s->path, NULL, NULL);
	check_readable(r, s, &st);
	return engine_xattrs(r->en, s->node, pass_by, NULL, e);
}

static void on_check(void *arg, const char *text)
{
	finding(arg, "database", "", NULL, text);
}

/* What the engine found while it read: attributes that no reader could be given. */
static void on_finding(void *arg, const struct finding *f)
{
	if (f->kind == FINDING_BAD_XATTR)
		finding(arg, "attribute", f->path + 1, NULL, f->text);
}

static int run_verify(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_place struct place p = {0};
	struct report r = {.first = true};
	char fine[96];
	int rc;

	(void)c;
	(void)argc;
	if (locate_tree(&p, argv[0], opt_db, e) < 0 ||
		open_tree(&p, DB_READ, &r.en, e) < 0)
		return -1;
	rc = db_check(engine_db(r.en), on_check, &r, e);
	if (rc >= 0)
		rc = drift_find(r.en, on_drift, &r, e);
	if (rc >= 0)
		rc = engine_walk(r.en, engine_root(r.en), "", verify_step, &r, e);
	if (rc >= 0)
		engine_findings(r.en, on_finding, &r);
	engine_close(r.en);
	snprintf(fine, sizeof(fine), "%" PRIu64 " names, all recorded%s and readable",
		r.inodes, opt_allow ? "" : ", labeled");
	return rc < 0 ? -1 : finish(&r, p.staging, fine);
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

static const struct command_option verify_options[] = {
	{OPT_ALLOW_UNLABELED, "allow-unlabeled", NULL,
		"an inode without a label is fine"},
	OPTION_JSON,
	OPTION_DB,
	{0},
};

const struct command cmd_verify = {
	.name = "verify",
	.synopsis = "STAGING",
	.summary = "Check that a staging tree is ready: all recorded, labeled, readable",
	.details = "Checks the database file as well. Exits 1 on any finding.",
	.options = verify_options,
	.min_args = 1,
	.max_args = 1,
	.run = run_verify,
	.option = option,
};
