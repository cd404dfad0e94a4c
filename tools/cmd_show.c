/* SPDX-License-Identifier: MIT */
/* ls and stat. */
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/quote.h"
#include "tools/commands.h"
#include "tools/locate.h"
#include "tools/show.h"

static const char *opt_db, *opt_staging;
static bool opt_json, opt_itself, opt_numeric;

static int option(int key, const char *value, struct err *e)
{
	(void)e;
	switch (key) {
	case OPT_DB:
		opt_db = value;
		break;
	case OPT_STAGING:
		opt_staging = value;
		break;
	case OPT_JSON:
		opt_json = true;
		break;
	case 'd':
		opt_itself = true;
		break;
	case 'n':
		opt_numeric = true;
		break;
	}
	return 0;
}

typedef int show_fn(struct engine *en, struct node *n, const char *path,
	const char *given, const struct names *names, struct err *e);

/* Opens the tree that holds a path and shows what is there. */
static int with_path(const char *given, show_fn *show, struct err *e)
{
	cleanup_place struct place p = {0};
	struct engine_options o = {0};
	struct names *names = NULL;
	struct engine *en;
	struct node *n;
	int rc;

	if (engine_options_init(&o, e) < 0)
		return -1;
	o.trusted = true;
	if (locate_path(&p, given, opt_staging, opt_db, e) < 0 ||
		place_open(&p, DB_READ, &o, &en, e) < 0)
		return -1;
	n = engine_find(en, p.path, e);
	rc = n ? 0 : -1;
	if (rc == 0 && !opt_numeric)
		rc = names_open(&names, engine_stage(en), e) < 0 ? -1
								 : names_check(names, e);
	if (rc == 0)
		rc = show(en, n, p.path, given, names, e);
	names_close(names);
	engine_close(en);
	return rc;
}

static bool first_json;

static int one_json(struct engine *en, struct node *n, const char *path, struct err *e)
{
	printf("%s", first_json ? "[" : ",\n ");
	first_json = false;
	return show_json(en, n, path, e);
}

static int show_paths(int count, char **paths, show_fn *show, struct err *e)
{
	int rc = EXIT_FINE;

	first_json = true;
	for (int i = 0; rc == EXIT_FINE && i < count; i++)
		rc = with_path(paths[i], show, e);
	if (opt_json)
		printf("%s]\n", first_json ? "[" : "");
	return rc;
}

static int list_entry(struct engine *en, const struct entry *entry, const char *dir,
	const struct names *names, const struct show_widths *w, struct err *e)
{
	cleanup_buf struct buf path = {0};

	if (!opt_json)
		return show_line(en, entry->node, entry->name, names, w, e);
	if (buf_addf(&path, "%s%s%s", dir, *dir ? "/" : "", entry->name) < 0)
		return err_set(e, ERR_SYS, "out of memory");
	return one_json(en, entry->node, path.data, e);
}

/* Not 0 where several paths are listed: a directory's name then stands above it. */
static int heading;

static int show_ls(struct engine *en, struct node *n, const char *path, const char *given,
	const struct names *names, struct err *e)
{
	const struct entry *entries;
	struct show_widths w = {0};
	size_t count;

	if (opt_itself || !engine_is_dir(n))
		return opt_json ? one_json(en, n, path, e)
				: show_line(en, n, given, names, &w, e);
	if (engine_list(en, n, &entries, &count, e) < 0)
		return -1;
	if (heading && !opt_json) {
		printf("%s", heading++ > 1 ? "\n" : "");
		quote_print(stdout, given, strlen(given));
		printf(":\n");
	}
	for (size_t i = 0; i < count; i++)
		show_measure(en, entries[i].node, names, &w);
	for (size_t i = 0; i < count; i++)
		if (list_entry(en, &entries[i], path, names, &w, e) < 0)
			return -1;
	return 0;
}

static int run_ls(const struct command *c, int argc, char **argv, struct err *e)
{
	(void)c;
	heading = argc > 1;
	return show_paths(argc, argv, show_ls, e);
}

static int show_stat(struct engine *en, struct node *n, const char *path,
	const char *given, const struct names *names, struct err *e)
{
	(void)given;
	return opt_json ? one_json(en, n, path, e) : show_full(en, n, path, names, e);
}

static int run_stat(const struct command *c, int argc, char **argv, struct err *e)
{
	(void)c;
	return show_paths(argc, argv, show_stat, e);
}

static const struct command_option ls_options[] = {
	{'d', "directory", NULL, "directories themselves, not what is in them"},
	{'n', "numeric", NULL, "numbers for owners"},
	OPTION_JSON,
	OPTION_STAGING,
	OPTION_DB,
	{0},
};

const struct command cmd_ls = {
	.name = "ls",
	.synopsis = "PATH...",
	.summary = "List as ls -lZ would in the view; no mount is needed",
	.details = "Each PATH is in a staging tree or in a view. A label '?' is none.",
	.options = ls_options,
	.min_args = 1,
	.max_args = -1,
	.run = run_ls,
	.option = option,
};

static const struct command_option stat_options[] = {
	{'n', "numeric", NULL, "numbers for owners"},
	OPTION_JSON,
	OPTION_STAGING,
	OPTION_DB,
	{0},
};

const struct command cmd_stat = {
	.name = "stat",
	.synopsis = "PATH...",
	.summary = "Show one record in full, attributes included",
	.options = stat_options,
	.min_args = 1,
	.max_args = -1,
	.run = run_stat,
	.option = option,
};
