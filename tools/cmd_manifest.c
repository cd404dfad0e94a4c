/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/manifest.h"
#include "image/source.h"
#include "tools/commands.h"
#include "tools/image.h"
#include "tools/locate.h"
#include "tools/progress.h"

static struct engine_options engine_options;
static const char *opt_db;
static bool opt_digest, opt_native, options_ready;

static int option(int key, const char *value, struct err *e)
{
	if (!options_ready && engine_options_init(&engine_options, e) < 0)
		return -1;
	options_ready = true;
	if (key == OPT_DIGEST)
		opt_digest = true;
	else if (key == OPT_NATIVE)
		opt_native = true;
	else if (key == OPT_DROP)
		return image_parse_drop(value, &engine_options, e);
	else
		opt_db = value;
	return 0;
}

static void on_finding(void *arg, const struct finding *f)
{
	struct err *e = arg;

	if (finding_breaks_seal(f->kind) && !e->code)
		err_set(e, ERR_REFUSED, "%s: %s", f->path, f->text);
}

static int list_staging(struct listing *l, const struct place *p, struct err *e)
{
	struct engine *en;
	struct err finding = {0};
	int rc;

	engine_options.trusted = true;
	engine_options.want_labels = false;
	if (place_open(p, DB_SEALED, &engine_options, &en, e) < 0)
		return -1;
	rc = list_engine(l, en, e);
	if (rc == 0) {
		engine_check_seal(en);
		engine_findings(en, on_finding, &finding);
	}
	engine_close(en);
	if (rc == 0 && finding.code) {
		*e = finding;
		return -1;
	}
	return rc;
}

/* A staging tree that is a mount point itself; what is mounted there is no view of it. */
static bool has_database(const char *path)
{
	cleanup_place struct place p = {0}, view = {0};
	struct err ignored;
	long pid;

	return opt_db || (locate_view(&view, path, &pid, &ignored) == 0 &&
				 locate_tree(&p, path, NULL, &ignored) == 0 &&
				 access(p.db, F_OK) == 0);
}

/*
 * What the user means: a tree with a database is a staging tree, a file is an image, and
 * where something is mounted it is what the kernel shows there. Anything else is
 * probably a staging tree whose database was not found, and listing it as it is would be
 * wrong in silence.
 */
static int list_any(struct listing *l, const char *path, struct err *e)
{
	cleanup_place struct place p = {0};
	struct statx st;
	bool image;

	if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &st) < 0)
		return err_sys(e, path, "cannot find");
	if (opt_db && opt_native)
		return err_set(e, ERR_USAGE, "--db and --native exclude each other");
	image = !S_ISDIR(st.stx_mode);
	if (image && (opt_native || opt_db))
		return err_set(e, ERR_USAGE, "%s: --%s is for directories", path,
			opt_native ? "native" : "db");
	if (image || opt_native ||
		(st.stx_attributes & STATX_ATTR_MOUNT_ROOT && !has_database(path))) {
		if (engine_options.no_labels || engine_options.no_acls)
			return err_set(
				e, ERR_USAGE, "%s: --drop is for staging trees", path);
		return image ? list_image(l, path, e) : list_directory(l, path, e);
	}
	if (locate_tree(&p, path, opt_db, e) < 0)
		return -1;
	if (list_staging(l, &p, e) == 0)
		return 0;
	return e->code == ERR_SYS && e->sys == ENOENT && access(p.db, F_OK) < 0
		       ? err_hint(
				 e, "--native lists the directory as the kernel shows it")
		       : -1;
}

static void on_name(void *arg)
{
	progress_step(arg);
}

static int run(const struct command *c, int argc, char **argv, struct err *e)
{
	cleanup_listing struct listing l = {0};
	char digest[MANIFEST_DIGEST_SIZE];
	struct progress progress;
	int rc;

	(void)c;
	(void)argc;
	if (!options_ready && engine_options_init(&engine_options, e) < 0)
		return -1;
	if (listing_init(&l, argv[0], e) < 0)
		return -1;
	l.on_name = on_name;
	l.on_name_arg = &progress;
	progress_start(&progress, "read");
	rc = list_any(&l, argv[0], e);
	progress_clear(&progress);
	if (rc < 0)
		return -1;
	if (!opt_digest) {
		manifest_print(stdout, &l);
		return EXIT_FINE;
	}
	if (manifest_digest(&l, digest, e) < 0)
		return -1;
	puts(digest);
	return EXIT_FINE;
}

static const struct command_option command_options[] = {
	{OPT_DIGEST, "digest", NULL, "print the SHA-256 of the manifest instead"},
	{OPT_DROP, "drop", "WHAT,...", "leave out labels, acls or xattrs (all of them)"},
	{OPT_NATIVE, "native", NULL, "a directory as the kernel shows it"},
	OPTION_DB,
	{0},
};

const struct command cmd_manifest = {
	.name = "manifest",
	.synopsis = "STAGING|MOUNTPOINT|IMAGE",
	.summary = "Print what a tree holds, one line an inode, with digests",
	.details =
		"Of a staging tree with its database, a view, a running system (/), or "
		"an\n"
		"image: the same tree gives the same lines and the same digest. What is\n"
		"mounted below a mount point is looked behind, by root only.\n"
		"SOURCE_DATE_EPOCH caps the times of a staging tree.",
	.options = command_options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
	.option = option,
};
