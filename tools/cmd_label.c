/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "tools/commands.h"
#include "tools/fresh.h"
#include "tools/labels/policy.h"
#include "tools/labels/policy_binary.h"
#include "tools/labels/print.h"
#include "tools/loan.h"
#include "tools/locate.h"

static const char *opt_db, *opt_staging, *opt_policy, *opt_check, *opt_prefix;
static bool opt_allow, opt_no_check, opt_dry_run, opt_verbose, opt_recursive;
static bool opt_coverage, opt_json;
static struct labeler_options opt_labeler;
static struct label_exclude *opt_excludes;
static size_t opt_exclude_count;

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

static int add_exclude(const char *value, struct err *e)
{
	struct label_exclude *x =
		reallocarray(opt_excludes, opt_exclude_count + 1, sizeof(*x));
	char *path;

	if (!x)
		return no_memory(e);
	opt_excludes = x;
	path = locate_within(value, e);
	if (!path)
		return err_wrap(e, "--exclude");
	x[opt_exclude_count++] = (struct label_exclude){.path = path};
	return 0;
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
	case OPT_CHECK:
		opt_check = value;
		break;
	case OPT_NO_CHECK:
		opt_no_check = true;
		break;
	case OPT_PREFIX:
		opt_prefix = value;
		break;
	case OPT_EXCLUDE:
		return add_exclude(value, e);
	case OPT_COVERAGE:
		opt_coverage = true;
		break;
	case OPT_JSON:
		opt_json = true;
		break;
	case 'n':
		opt_dry_run = true;
		break;
	case 'v':
		opt_verbose = true;
		break;
	case 'r':
		opt_recursive = true;
		break;
	case OPT_ALLOW_UNLABELED:
		opt_allow = true;
		break;
	default:
		return policy_option(&opt_labeler, key, value, e);
	}
	return 0;
}

static bool is_no_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/*
 * A path in a tree or in a view, or a tree. A directory that is in no tree is one itself,
 * which gets its database now.
 */
static int locate_operand(struct place *p, const char *path, int count, struct err *e)
{
	if (opt_db && !opt_staging && count == 1)
		return locate_tree(p, path, opt_db, e);
	if (locate_path(p, path, opt_staging, opt_db, e) == 0)
		return 0;
	if (opt_staging || e->code != ERR_SYS || e->sys || is_no_directory(path))
		return -1;
	place_free(p);
	return locate_tree(p, path, NULL, e);
}

/* No database is made for a policy that cannot be used. */
static int open_policies(struct labeler **l, struct label_check **check,
	const char *staging, struct err *e)
{
	struct stage *stage;
	int rc = stage_open(&stage, staging, e);

	*l = NULL;
	*check = NULL;
	if (rc < 0)
		return -1;
	/* It is read while the rest is done. */
	if (!opt_no_check)
		rc = policy_binary_open(check, stage, opt_check, e);
	if (rc == 0)
		rc = policy_open(l, stage, opt_policy, &opt_labeler, e);
	stage_close(stage);
	return rc;
}

/* For a dry run the database is only read, and need not be there. */
static int open_engine(struct engine **en, const struct place *p, struct err *e)
{
	struct engine_options o = {0};
	struct stage *stage;

	*en = NULL;
	if (!opt_dry_run)
		return place_open(p, DB_CREATE, &o, en, e);
	if (!fresh_is(p->db))
		return place_open(p, DB_READ, &o, en, e);
	if (stage_open(&stage, p->staging, e) < 0)
		return -1;
	return engine_open(en, stage, NULL, &o, e);
}

static void step(void *arg)
{
	struct label_printer *p = arg;

	progress_step(&p->progress);
}

static void warn(void *arg, const char *message)
{
	struct label_printer *p = arg;

	progress_clear(&p->progress);
	fprintf(stderr, "livery: warning: %s\n", message);
}

static int label_opened(struct label_job *job, const struct place *p,
	struct label_report *r, struct err *e)
{
	cleanup_loan struct loan loan = {0};
	bool fresh = !opt_dry_run && fresh_is(p->db);
	int rc = opt_dry_run ? 0 : loan_take(&loan, p, e);

	job->en = NULL;
	if (rc == 0)
		rc = open_engine(&job->en, p, e);
	if (rc == 0)
		rc = label_run(job, r, e);
	if (rc < 0 && fresh && job->en)
		fresh_remove(engine_db(job->en));
	engine_close(job->en);
	return rc;
}

/* Places in one tree. */
static int label_places(struct label_printer *printer, const char *prefix,
	const struct place *places, size_t count, struct label_report *r, struct err *e)
{
	const struct label_hooks hooks = {label_print_event, step, printer};
	cleanup_free const char **paths = calloc(count, sizeof(*paths));
	struct label_job job = {
		.prefix = prefix,
		.paths = paths,
		.path_count = count,
		.excludes = opt_excludes,
		.exclude_count = opt_exclude_count,
		.recursive = opt_recursive,
		.dry_run = opt_dry_run,
		.changes = opt_dry_run || opt_verbose,
		.coverage = opt_coverage,
		.hooks = &hooks,
	};
	int rc;

	if (!paths)
		return no_memory(e);
	for (size_t i = 0; i < count; i++)
		paths[i] = places[i].path;
	for (size_t i = 0; i < opt_exclude_count; i++)
		opt_excludes[i].names = 0;
	progress_start(&printer->progress, "labeled");
	rc = open_policies(&job.labeler, &job.check, places->staging, e);
	if (rc == 0)
		rc = labeler_warn(job.labeler, warn, printer, e);
	if (rc == 0)
		rc = label_opened(&job, places, r, e);
	label_check_close(job.check);
	labeler_close(job.labeler);
	if (rc == 0)
		label_print_summary(
			printer, places->staging, opt_excludes, opt_exclude_count, r);
	return rc;
}

static bool same_tree(const struct place *a, const struct place *b)
{
	return strcmp(a->staging, b->staging) == 0 && strcmp(a->db, b->db) == 0;
}

/* How many inodes no rule matched; -1 on error. */
static int64_t label_all(struct label_printer *printer, const char *prefix,
	const struct place *places, size_t count, struct err *e)
{
	struct label_report r;
	int64_t unmatched = 0;
	size_t end;

	for (size_t i = 0; i < count; i = end) {
		for (end = i + 1; end < count && same_tree(&places[i], &places[end]);)
			end++;
		if (label_places(printer, prefix, &places[i], end - i, &r, e) < 0)
			return -1;
		unmatched += (int64_t)r.unmatched;
	}
	return unmatched;
}

static int run_located(const struct place *places, size_t count, struct err *e)
{
	struct label_printer printer = {
		.json = opt_json,
		.dry_run = opt_dry_run,
		.coverage = opt_coverage,
		.version = opt_labeler.version,
	};
	cleanup_free char *prefix = policy_prefix(opt_prefix, e);
	int64_t unmatched;

	if (!prefix)
		return -1;
	unmatched = label_all(&printer, prefix, places, count, e);
	label_print_end(&printer);
	if (unmatched <= 0 || opt_allow)
		return unmatched < 0 ? -1 : EXIT_FINE;
	fprintf(stderr,
		"livery: %" PRId64 " inodes (listed above) match no rule of the policy, "
		"which gives them no label; add rules, or say --allow-unlabeled\n",
		unmatched);
	return EXIT_FINDINGS;
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	struct place *places = calloc((size_t)argc, sizeof(*places));
	int rc = places ? 0 : no_memory(e);

	(void)c;
	if (rc == 0 && opt_check && opt_no_check)
		rc = err_set(e, ERR_USAGE, "--check or --no-check, not both");
	if (rc == 0 && opt_coverage && opt_labeler.engine == LABELER_LIBSELINUX)
		rc = err_set(e, ERR_USAGE,
			"--coverage wants --engine=matcher: libselinux tells only which "
			"rule won");
	for (int i = 0; rc == 0 && i < argc; i++)
		rc = locate_operand(&places[i], argv[i], argc, e);
	if (rc == 0)
		rc = run_located(places, (size_t)argc, e);
	for (int i = 0; places && i < argc; i++)
		place_free(&places[i]);
	free(places);
	for (size_t i = 0; i < opt_exclude_count; i++)
		free(opt_excludes[i].path);
	free(opt_excludes);
	return rc;
}

static const struct command_option options[] = {
	{'r', "recursive", NULL, "directories with all that is in them"},
	{'n', "dry-run", NULL, "change nothing, print what would change"},
	{'v', "verbose", NULL, "print what changes"},
	OPTION_POLICY,
	OPTION_PREFIX,
	{OPT_EXCLUDE, "exclude", "PATH",
		"leave that part of the tree alone; may be repeated"},
	{OPT_CHECK, "check", "POLICY",
		"the binary policy that must know all labels (default: the tree's)"},
	{OPT_NO_CHECK, "no-check", NULL, "do not check labels by a binary policy"},
	{OPT_COVERAGE, "coverage", NULL,
		"list unused rules, and what only the catch-all matches"},
	OPTION_SEMANTICS,
	OPTION_ENGINE,
	{OPT_ALLOW_UNLABELED, "allow-unlabeled", NULL,
		"exit 0 though no rule matched a file"},
	OPTION_JSON,
	OPTION_STAGING,
	OPTION_DB,
	{0},
};

const struct command cmd_label = {
	.name = "label",
	.synopsis = "STAGING | PATH...",
	.summary = "Label a tree, or paths in one, by a policy's file_contexts",
	.details =
		"Without --policy, the policy is the one that the tree carries in\n"
		"etc/selinux. A staging tree is labeled whole; of a path in one, that "
		"file,\n"
		"or with -r all below it. Lists what no rule matches, what <<none>> "
		"excludes,\n"
		"labels that depend on the version of libselinux, and hard links whose "
		"names\n"
		"disagree; of those, the bytewise first path decides. Paths that are "
		"printed,\n"
		"and that of --exclude, start at the tree's root. A label that the "
		"binary\n"
		"policy does not know is an error, and nothing is written then.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.run = run,
	.option = option,
};
