/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "tools/commands.h"
#include "tools/labels/policy.h"
#include "tools/labels/why_answer.h"
#include "tools/labels/why_place.h"
#include "tools/locate.h"

static const char *opt_db, *opt_staging, *opt_policy, *opt_prefix;
static struct labeler_options opt_labeler;
static mode_t opt_type;
static bool opt_json;

static int type_option(const char *value, struct err *e)
{
	static const struct {
		const char *name;
		mode_t type;
	} types[] = {
		{"f", S_IFREG},
		{"file", S_IFREG},
		{"d", S_IFDIR},
		{"dir", S_IFDIR},
		{"directory", S_IFDIR},
		{"l", S_IFLNK},
		{"link", S_IFLNK},
		{"symlink", S_IFLNK},
		{"c", S_IFCHR},
		{"char", S_IFCHR},
		{"b", S_IFBLK},
		{"block", S_IFBLK},
		{"p", S_IFIFO},
		{"fifo", S_IFIFO},
		{"s", S_IFSOCK},
		{"socket", S_IFSOCK},
	};
	char quoted[256];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(value, types[i].name) == 0) {
			opt_type = types[i].type;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE,
		"--type is f (file), d (dir), l (link), c (char), b (block), p (fifo) or "
		"s (socket), not '%s'",
		quote_path(quoted, sizeof(quoted), value));
}

static int option(int key, const char *value, struct err *e)
{
	switch (key) {
	case OPT_DB:
		opt_db = value;
		break;
	case OPT_STAGING:
		opt_staging = value;
		break;
	case OPT_POLICY:
		opt_policy = value;
		break;
	case OPT_PREFIX:
		opt_prefix = value;
		break;
	case OPT_JSON:
		opt_json = true;
		break;
	case OPT_TYPE:
		return type_option(value, e);
	default:
		return policy_option(&opt_labeler, key, value, e);
	}
	return 0;
}

/* The tree of the path before: paths on a command line mostly share one. */
struct tree {
	struct place place;
	struct engine *en;
	struct labeler *labeler;
};

static void tree_close(struct tree *t)
{
	labeler_close(t->labeler);
	engine_close(t->en);
	place_free(&t->place);
	*t = (struct tree){0};
}

/* Opens the tree at p, which stays the caller's but for what it needs no more. */
static int tree_open(struct tree *t, struct place *p, struct err *e)
{
	if (t->en && strcmp(t->place.staging, p->staging) == 0 &&
		strcmp(t->place.db, p->db) == 0)
		return 0;
	tree_close(t);
	if (why_open(p, opt_db != NULL, &t->en, e) < 0 ||
		policy_open(&t->labeler, engine_stage(t->en), opt_policy, &opt_labeler,
			e) < 0)
		return -1;
	t->place = (struct place){.staging = take_ptr(p->staging), .db = take_ptr(p->db)};
	return 0;
}

/* An exit code, or -1. */
static int one(
	struct tree *t, const char *given, const char *prefix, bool first, struct err *e)
{
	cleanup_place struct place p = {0};
	cleanup_why struct why w = {0};
	struct why_query q = {
		.options = &opt_labeler, .prefix = prefix, .type = opt_type};

	if (why_locate(&p, given, opt_staging, opt_db, e) < 0 || tree_open(t, &p, e) < 0)
		return -1;
	q.en = t->en;
	q.labeler = t->labeler;
	if (why_answer(&w, &q, p.path, e) < 0)
		return -1;
	if (!first)
		fputs(opt_json ? ",\n " : "\n", stdout);
	else if (opt_json)
		putchar('[');
	if (opt_json)
		why_print_json(&w);
	else
		why_print_text(&w);
	return w.differs ? EXIT_FINDINGS : EXIT_FINE;
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_free char *prefix = policy_prefix(opt_prefix, e);
	struct tree t = {0};
	int worst = EXIT_FINE;
	int i, rc = 0;

	(void)c;
	if (!prefix)
		return -1;
	for (i = 0; i < argc && rc >= 0; i++) {
		rc = one(&t, argv[i], prefix, i == 0, e);
		if (rc > worst)
			worst = rc;
	}
	/* What was printed before an error is whole. */
	if (opt_json)
		printf("%s]\n", rc < 0 && i == 1 ? "[" : "");
	tree_close(&t);
	return rc < 0 ? -1 : worst;
}

static const struct command_option options[] = {
	{OPT_TYPE, "type", "TYPE",
		"as if the path were f, d, l, c, b, p or s (see above)"},
	OPTION_POLICY,
	OPTION_PREFIX,
	OPTION_SEMANTICS,
	OPTION_ENGINE,
	OPTION_JSON,
	OPTION_STAGING,
	OPTION_DB,
	{0},
};

const struct command cmd_why = {
	.name = "why",
	.synopsis = "PATH...",
	.summary = "Explain which rule of the policy gives a path its label",
	.details =
		"Each PATH is in a staging tree or in a view; a symbolic link at its "
		"end\n"
		"is not followed. Says what label the policy gives and by which rule,\n"
		"whether the database agrees, which rules match too and why they do not\n"
		"count, what substitutions did, which name of a file with hard links\n"
		"decides, and where the answer depends on libselinux's version.\n\n"
		"A path that does not exist needs --type: f (or file), d (dir), l "
		"(link),\n"
		"c (char), b (block), p (fifo) or s (socket). For one that exists, "
		"--type\n"
		"asks what a file of that type would get.\n\n"
		"Exits 1 where the database has another label than the policy gives.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.run = run,
	.option = option,
};
