/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/walk.h"
#include "image/source.h"
#include "tools/commands.h"
#include "tools/image.h"
#include "tools/locate.h"
#include "tools/report.h"

static const char *opt_db;
static bool opt_json, opt_allow;
static struct engine_options engine_options;

static int option(int key, const char *value, struct err *e)
{
	if (key == OPT_DROP)
		return image_parse_drop(value, &engine_options, e);
	if (key == OPT_DB)
		opt_db = value;
	else if (key == OPT_JSON)
		opt_json = true;
	else
		opt_allow = true;
	return 0;
}

struct check {
	struct report report;
	struct engine *en;
	const char *image; /* that is compared */
	uint64_t names;
};

/* Whether a tool could read it: content is not read, only opened. */
static void check_readable(
	struct check *c, const struct walk_step *s, const struct stat *st)
{
	struct err e;
	char byte;

	if (S_ISREG(st->st_mode) && engine_read(c->en, s->node, &byte, 0, 0, &e) < 0)
		report_finding(&c->report, "unreadable", s->path, NULL, e.msg);
}

static int pass_by(void *arg, const struct xattr *x)
{
	(void)arg;
	(void)x;
	return 0;
}

static int verify_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct check *c = arg;
	struct stat st;

	c->names++;
	engine_stat(c->en, s->node, &st);
	if (!opt_allow && !engine_options.no_labels && !engine_label(s->node) &&
		!engine_label_excluded(s->node))
		report_finding(&c->report, "unlabeled", s->path, NULL, NULL);
	check_readable(c, s, &st);
	return engine_xattrs(c->en, s->node, pass_by, NULL, e);
}

static void on_check(void *arg, const char *text)
{
	struct check *c = arg;

	report_finding(&c->report, "database", "", NULL, text);
}

/* What the engine found while it read: attributes that no reader could be given. */
static void on_finding(void *arg, const struct finding *f)
{
	struct check *c = arg;

	if (f->kind == FINDING_BAD_XATTR)
		report_finding(&c->report, "attribute", f->path + 1, NULL, f->text);
}

/* The tree itself: its database, its files, its labels. */
static int verify_tree(struct check *c, struct err *e)
{
	int rc = db_check(engine_db(c->en), on_check, c, e);

	if (rc >= 0)
		rc = drift_find(c->en, report_drift, &c->report, e);
	if (rc >= 0)
		rc = engine_walk(c->en, engine_root(c->en), "", verify_step, c, e);
	if (rc >= 0)
		engine_findings(c->en, on_finding, c);
	return rc < 0 ? -1 : 0;
}

static void on_difference(void *arg, const struct difference *d)
{
	struct check *c = arg;

	report_difference(&c->report, c->image, d);
}

static int verify_images(struct check *c, char **images, struct err *e)
{
	cleanup_listing struct listing expected = {0};

	if (listing_init(&expected, "the staging tree", e) < 0 ||
		list_engine(&expected, c->en, e) < 0)
		return -1;
	for (; *images; images++) {
		c->image = *images;
		if (image_compare(&expected, *images, on_difference, c, e) < 0)
			return -1;
	}
	return 0;
}

static int run_verify(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_place struct place p = {0};
	struct engine_options given = engine_options;
	struct check k = {.report = {.json = opt_json}};
	char fine[128];
	int rc;

	(void)c;
	if (engine_options_init(&engine_options, e) < 0 ||
		locate_tree(&p, argv[0], opt_db, e) < 0)
		return -1;
	engine_options.no_labels = given.no_labels;
	engine_options.no_acls = given.no_acls;
	engine_options.no_xattrs = given.no_xattrs;
	engine_options.trusted = true;
	if (place_open(&p, DB_READ, &engine_options, &k.en, e) < 0)
		return -1;
	rc = verify_tree(&k, e);
	if (rc == 0 && argc > 1)
		rc = verify_images(&k, argv + 1, e);
	engine_close(k.en);
	snprintf(fine, sizeof(fine), "%" PRIu64 " names, all recorded%s and readable%s",
		k.names, opt_allow || engine_options.no_labels ? "" : ", labeled",
		argc > 1 ? "; the images hold exactly these" : "");
	if (rc < 0) {
		report_break(&k.report);
		return -1;
	}
	return report_end(&k.report, p.staging, fine);
}

static const struct command_option verify_options[] = {
	{OPT_ALLOW_UNLABELED, "allow-unlabeled", NULL,
		"an inode without a label is fine"},
	{OPT_DROP, "drop", "WHAT,...", "expect no labels, acls or xattrs (none at all)"},
	OPTION_JSON,
	OPTION_DB,
	{0},
};

const struct command cmd_verify = {
	.name = "verify",
	.synopsis = "STAGING [IMAGE...]",
	.summary =
		"Check that a staging tree is ready, and that images hold what it says",
	.details =
		"The tree: all is recorded, labeled and readable, and the database file "
		"is\n"
		"sound. Images (ext2, ext3, ext4, squashfs, erofs, tar, cpio): every "
		"inode\n"
		"is read and compared, without mounting. Exits 1 on any finding, 2 "
		"where\n"
		"an image is damaged. SOURCE_DATE_EPOCH should be what it was when the\n"
		"image was made.",
	.options = verify_options,
	.min_args = 1,
	.max_args = -1,
	.run = run_verify,
	.option = option,
};
