/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/quote.h"
#include "tools/commands.h"
#include "tools/labels/diff.h"
#include "tools/labels/policy.h"
#include "tools/locate.h"
#include "tools/modes.h"
#include "tools/progress.h"
#include "tools/show.h"

static const char *opt_db;
static bool opt_json, opt_rules;

static int option(int key, const char *value, struct err *e)
{
	(void)e;
	if (key == OPT_DB)
		opt_db = value;
	else if (key == OPT_JSON)
		opt_json = true;
	else
		opt_rules = true;
	return 0;
}

static void print(const char *text)
{
	quote_print(stdout, text, strlen(text));
}

static void print_label(const struct labeler_result *r)
{
	if (r->answer == LABELER_UNMATCHED)
		printf("<no match>");
	else
		print(r->rule->context);
}

static void print_rule(const struct labeler_result *r)
{
	if (!r->rule) {
		printf("no rule");
		return;
	}
	print(r->rule->file);
	printf(":%u", r->rule->line);
}

static void print_change(const struct label_change *c)
{
	print(c->path);
	printf(": ");
	print_label(&c->side[DIFF_OLD]);
	printf(" -> ");
	print_label(&c->side[DIFF_NEW]);
	if (opt_rules) {
		printf(" (");
		print_rule(&c->side[DIFF_OLD]);
		printf(" -> ");
		print_rule(&c->side[DIFF_NEW]);
		putchar(')');
	}
	putchar('\n');
}

static void json_text(const char *key, const char *text)
{
	printf(", ");
	show_json_bytes(stdout, key, text, strlen(text));
}

static void json_side(const char *key, const struct labeler_result *r)
{
	static const char *const answers[] = {
		[LABELER_UNMATCHED] = "unmatched",
		[LABELER_LABEL] = "label",
		[LABELER_EXCLUDED] = "excluded",
	};

	printf(", \"%s\": {\"answer\": \"%s\"", key, answers[r->answer]);
	if (r->answer == LABELER_LABEL)
		json_text("label", r->rule->context);
	else
		printf(", \"label\": null");
	if (r->rule) {
		printf(", \"rule\": {\"line\": %u", r->rule->line);
		json_text("file", r->rule->file);
		json_text("regex", r->rule->regex);
		printf("}}");
	} else {
		printf(", \"rule\": null}");
	}
}

/* Paths are from the tree's root, as in all JSON of these commands. */
static void print_json(const struct label_diff *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct label_change *c = &d->changes[i];
		const char *path = c->path + 1;

		printf("%s{", i ? ",\n " : "[");
		show_json_bytes(stdout, "path", path, strlen(path));
		printf(", \"type\": \"%s\"", modes_type_name(c->mode));
		json_side("old", &c->side[DIFF_OLD]);
		json_side("new", &c->side[DIFF_NEW]);
		putchar('}');
	}
	printf("%s]\n", d->count ? "" : "[");
}

static void print_text(const char *staging, const struct label_diff *d)
{
	uint64_t lost = 0, gained = 0, other = 0;

	for (size_t i = 0; i < d->count; i++) {
		bool had = d->changes[i].side[DIFF_OLD].answer == LABELER_LABEL;
		bool has = d->changes[i].side[DIFF_NEW].answer == LABELER_LABEL;

		print_change(&d->changes[i]);
		lost += had && !has;
		gained += !had && has;
		other += had && has;
	}
	print(staging);
	printf(": %" PRIu64 " inodes, %zu differ: %" PRIu64 " get another label, %" PRIu64
	       " lose theirs, %" PRIu64 " gain one, %" PRIu64
	       " have none for another reason\n",
		d->inodes, d->count, other, lost, gained,
		(uint64_t)d->count - other - lost - gained);
}

static void step(void *arg)
{
	progress_step(arg);
}

/* Types of devices are known from the database; a tree without one has none. */
static int open_tree(const struct place *p, struct engine **en, struct err *e)
{
	struct engine_options o = {0};
	struct stage *stage;
	struct stat st;

	if (opt_db || lstat(p->db, &st) == 0 || errno != ENOENT)
		return place_open(p, DB_READ, &o, en, e);
	if (stage_open(&stage, p->staging, e) < 0)
		return -1;
	return engine_open(en, stage, NULL, &o, e);
}

static int find(struct label_diff *d, const struct place *p,
	struct labeler *const labelers[DIFF_SIDES], struct err *e)
{
	struct progress progress;
	struct engine *en;
	int rc;

	if (open_tree(p, &en, e) < 0)
		return -1;
	progress_start(&progress, "compared");
	rc = label_diff_find(d, en, labelers, step, &progress, e);
	progress_clear(&progress);
	engine_close(en);
	return rc;
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_place struct place p = {0};
	struct labeler *labelers[DIFF_SIDES] = {0};
	struct label_diff d = {0};
	int rc = locate_tree(&p, argv[DIFF_SIDES], opt_db, e);

	(void)c;
	(void)argc;
	for (int i = 0; rc == 0 && i < DIFF_SIDES; i++)
		rc = policy_open(&labelers[i], NULL, argv[i], NULL, e);
	if (rc == 0)
		rc = find(&d, &p, labelers, e);
	if (rc == 0 && opt_json)
		print_json(&d);
	else if (rc == 0)
		print_text(p.staging, &d);
	if (rc == 0)
		rc = d.count ? EXIT_FINDINGS : EXIT_FINE;
	label_diff_free(&d);
	for (int i = 0; i < DIFF_SIDES; i++)
		labeler_close(labelers[i]);
	return rc;
}

static const struct command_option options[] = {
	{'v', "verbose", NULL,
		"with each label the rule that gives it, by file and line"},
	OPTION_JSON,
	OPTION_DB,
	{0},
};

const struct command cmd_diff_labels = {
	.name = "diff-labels",
	.synopsis = "OLD-POLICY NEW-POLICY STAGING",
	.summary = "List the files that change label between two policies",
	.details =
		"A policy is what label --policy takes; the one that the tree carries "
		"is\n"
		"STAGING/etc/selinux/TYPE. Nothing is written, and a database need not "
		"be\n"
		"there. '<no match>' is no rule. Exits 1 where a label differs.",
	.options = options,
	.min_args = 3,
	.max_args = 3,
	.run = run,
	.option = option,
};
