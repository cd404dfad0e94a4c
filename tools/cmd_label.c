/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/quote.h"
#include "tools/commands.h"
#include "tools/drift.h"
#include "tools/label.h"
#include "tools/locate.h"
#include "tools/policy.h"
#include "tools/progress.h"

static const char *opt_db, *opt_policy;
static bool opt_allow;

static int option(int key, const char *value, struct err *e)
{
	(void)e;
	if (key == OPT_DB)
		opt_db = value;
	else if (key == OPT_POLICY)
		opt_policy = value;
	else
		opt_allow = true;
	return 0;
}

static void step(void *arg)
{
	progress_step(arg);
}

static void print(const char *text)
{
	quote_print(stdout, text, strlen(text));
}

static void event(void *arg, enum label_event event, const char *path,
	const struct labeler_rule *rule, const char *first)
{
	progress_clear(arg);
	switch (event) {
	case LABEL_UNMATCHED:
		printf("unmatched /");
		print(path);
		break;
	case LABEL_EXCLUSION:
		printf("excluded /");
		print(path);
		printf(" (");
		print(rule->file);
		printf(":%u says <<none>>)", rule->line);
		break;
	case LABEL_CONFLICT:
		printf("conflict /");
		print(path);
		printf(" would be ");
		print(rule ? rule->context : "unlabeled");
		printf(", but it is a hard link of /");
		print(first);
		printf(", whose name comes first and decides");
		break;
	}
	putchar('\n');
}

static void count_moved(void *arg, const struct drift *d)
{
	*(uint64_t *)arg += d->kind == DRIFT_MOVED;
}

/* Labeling records every name: a file that was moved would lose its owner and mode. */
static int check_moved(struct engine *en, const char *staging, struct err *e)
{
	uint64_t moved = 0;

	if (drift_find(en, count_moved, &moved, e) < 0)
		return -1;
	if (moved)
		return err_set(e, ERR_REFUSED,
			"%s: %" PRIu64
			" files were moved since they were recorded ('livery "
			"status' names them); 'livery status --repair' lets their "
			"records "
			"follow",
			staging, moved);
	return 0;
}

static int label(
	struct engine *en, struct labeler *l, struct label_report *report, struct err *e)
{
	struct progress progress;
	struct label_hooks hooks = {.event = event, .step = step, .arg = &progress};
	struct db *db = engine_db(en);
	int rc;

	progress_start(&progress, "labeled");
	if (db_begin(db, e) < 0)
		return -1;
	rc = label_tree(en, l, &hooks, report, e);
	if (rc == 0)
		rc = report->unmatched ? db_note_drop(db, NOTE_LABELED, e)
				       : db_note_put(db, NOTE_LABELED, "all", e);
	progress_clear(&progress);
	return rc < 0 ? -1 : db_commit(db, e);
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_place struct place p = {0};
	struct engine_options o = {0};
	struct label_report r = {0};
	struct labeler *l = NULL;
	struct engine *en;
	struct stage *stage;
	int rc;

	(void)c;
	(void)argc;
	if (locate_tree(&p, argv[0], opt_db, e) < 0 ||
		stage_open(&stage, p.staging, e) < 0)
		return -1;
	/* No database is made for a policy that cannot be used. */
	rc = policy_open(&l, stage, opt_policy, NULL, e);
	stage_close(stage);
	if (rc < 0)
		return -1;
	rc = place_open(&p, DB_CREATE, &o, &en, e);
	if (rc == 0)
		rc = check_moved(en, p.staging, e);
	if (rc == 0)
		rc = label(en, l, &r, e);
	engine_close(en);
	labeler_close(l);
	if (rc < 0)
		return -1;
	printf("%s: %" PRIu64 " inodes, %" PRIu64 " changed, %" PRIu64
	       " unmatched, %" PRIu64 " excluded by <<none>>, %" PRIu64
	       " hard-link conflicts\n",
		p.staging, r.inodes, r.changed, r.unmatched, r.excluded, r.conflicts);
	if (r.unmatched && !opt_allow) {
		fprintf(stderr,
			"livery: %" PRIu64 " inodes (listed above) match no rule of the "
			"policy, which gives them no label; add rules, or say "
			"--allow-unlabeled\n",
			r.unmatched);
		return EXIT_FINDINGS;
	}
	return EXIT_FINE;
}

static const struct command_option options[] = {
	OPTION_POLICY,
	{OPT_ALLOW_UNLABELED, "allow-unlabeled", NULL,
		"exit 0 though no rule matched a file"},
	OPTION_DB,
	{0},
};

const struct command cmd_label = {
	.name = "label",
	.synopsis = "STAGING",
	.summary = "Label a whole tree by a policy's file_contexts",
	.details =
		"Without --policy, the policy is the one that the tree carries in\n"
		"etc/selinux. Lists what no rule matches, what <<none>> excludes and "
		"hard\n"
		"links whose names disagree; of those, the bytewise first path decides.",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
	.option = option,
};
