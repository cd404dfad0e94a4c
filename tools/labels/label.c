/* SPDX-License-Identifier: MIT */
#include "tools/labels/label.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/drift.h"
#include "tools/labels/work.h"
#include "tools/locate.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

struct label_exclude *label_excluded(const struct label_job *job, const char *path)
{
	for (size_t i = 0; i < job->exclude_count; i++) {
		struct label_exclude *x = &job->excludes[i];

		if (!*x->path || path_inside(path, x->path))
			return x;
	}
	return NULL;
}

/* Bytewise, save that '/' comes first: what is below a directory follows it. */
static int by_path(const void *x, const void *y)
{
	const unsigned char *a = *(const unsigned char *const *)x;
	const unsigned char *b = *(const unsigned char *const *)y;

	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (*a == '/' ? 1 : *a ? *a + 1 : 0) - (*b == '/' ? 1 : *b ? *b + 1 : 0);
}

static int choose_paths(struct labeling *l, struct err *e)
{
	const struct label_job *job = l->job;

	l->paths = calloc(job->path_count + 1, sizeof(*l->paths));
	if (!l->paths)
		return no_memory(e);
	if (job->path_count)
		memcpy(l->paths, job->paths, job->path_count * sizeof(*l->paths));
	qsort(l->paths, job->path_count, sizeof(*l->paths), by_path);
	l->whole = job->path_count && !*l->paths[0];
	l->deep = l->whole || job->recursive;
	for (size_t i = 0; i < job->path_count; i++) {
		const char *last = l->path_count ? l->paths[l->path_count - 1] : NULL;

		if (last && (l->whole || strcmp(last, l->paths[i]) == 0 ||
				    (l->deep && path_inside(l->paths[i], last))))
			continue;
		l->paths[l->path_count++] = l->paths[i];
	}
	return 0;
}

struct shallow {
	walk_fn *fn;
	void *arg;
};

static int shallow_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct shallow *sh = arg;
	int rc = sh->fn(sh->arg, s, e);

	return rc ? rc : WALK_PRUNE;
}

int label_walk(struct labeling *l, walk_fn *fn, void *arg, struct err *e)
{
	struct engine *en = l->job->en;
	struct shallow sh = {fn, arg};

	for (size_t i = 0; i < l->path_count; i++) {
		struct node *n = engine_find(en, l->paths[i], e);
		int rc;

		if (!n)
			return -1;
		rc = l->deep ? engine_walk(en, n, l->paths[i], fn, arg, e)
			     : engine_walk(en, n, l->paths[i], shallow_step, &sh, e);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int note_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct labeling *l = arg;

	return label_links_note(l->links, s, label_excluded(l->job, s->path), e);
}

static int scan_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct labeling *l = arg;

	l->linked |= engine_host_linked(s->node);
	l->recorded += s->dir && engine_record(s->node);
	if (!edit_recorded(s) && !label_excluded(l->job, s->path)) {
		l->adopt = true;
		l->unrecorded |= !engine_record(s->node);
	}
	return l->whole ? note_step(l, s, e) : 0;
}

/* Links may lead anywhere in the tree: all names are known before one is decided. */
static int scan(struct labeling *l, struct err *e)
{
	struct engine *en = l->job->en;
	struct db *db = engine_db(en);

	if (l->whole && db && db_read_ahead(db, e) < 0)
		return -1;
	if (label_walk(l, scan_step, l, e) < 0)
		return -1;
	if (!l->whole && l->linked) {
		if (db && db_read_ahead(db, e) < 0)
			return -1;
		if (engine_walk(en, engine_root(en), "", note_step, l, e) < 0)
			return -1;
	}
	label_links_settle(l->links);
	return 0;
}

static void count_moved(void *arg, const struct drift *d)
{
	*(uint64_t *)arg += d->kind == DRIFT_MOVED;
}

/*
 * Labeling records every name: a file that was moved would lose its owner and mode. For
 * that a name must be new, and another must be gone.
 */
static int check_moved(struct labeling *l, struct err *e)
{
	struct engine *en = l->job->en;
	struct db *db = engine_db(en);
	uint64_t moved = 0;
	int64_t names;

	if (!db || !l->unrecorded)
		return 0;
	names = db_name_total(db, e);
	if (names < 0)
		return -1;
	if (!names || (l->whole && (uint64_t)names == l->recorded))
		return 0;
	if (drift_find(en, count_moved, &moved, e) < 0)
		return -1;
	if (moved)
		return err_set(e, ERR_REFUSED,
			"%s: %" PRIu64 " files were moved since they were recorded "
			"('livery status' names them); 'livery status --repair' lets "
			"their records follow",
			stage_path(engine_stage(en)), moved);
	return 0;
}

static int decide_step(void *arg, const struct walk_step *s, struct err *e)
{
	return label_decide(arg, s, e);
}

static void tell_unused(void *arg, const struct labeler_rule *rule)
{
	struct labeling *l = arg;
	const struct label_finding f = {.event = LABEL_UNUSED, .rule = rule};

	l->report->unused++;
	l->job->hooks->event(l->job->hooks->arg, &f);
}

static int decide(struct labeling *l, struct err *e)
{
	if (choose_paths(l, e) < 0 || scan(l, e) < 0 || check_moved(l, e) < 0)
		return -1;
	if (label_walk(l, decide_step, l, e) < 0)
		return -1;
	if (l->job->coverage)
		label_rules_unused(l->rules, tell_unused, l);
	return l->job->check ? label_rules_check(l->rules, l->job->check, e) : 0;
}

static int prepare(struct labeling *l, struct err *e)
{
	const char *prefix = l->job->prefix;

	if (label_rules_open(&l->rules, l->job->labeler, e) < 0)
		return -1;
	l->links = label_links_new();
	l->prefix_len = strcmp(prefix, "/") == 0 ? 0 : strlen(prefix);
	if (!l->links || buf_add(&l->key, prefix, l->prefix_len) < 0)
		return no_memory(e);
	return 0;
}

int label_run(const struct label_job *job, struct label_report *report, struct err *e)
{
	struct labeling l = {.job = job, .report = report};
	struct db *db = engine_db(job->en);
	int rc = job->dry_run ? 0 : db_begin(db, e);

	*report = (struct label_report){0};
	if (rc == 0)
		rc = prepare(&l, e);
	if (rc == 0)
		rc = decide(&l, e);
	if (rc == 0 && !job->dry_run)
		rc = label_store(&l, e);
	if (rc == 0 && !job->dry_run)
		rc = db_commit(db, e);
	if (rc < 0 && !job->dry_run)
		db_rollback(db);
	if (rc == 0 && job->changes)
		label_tell_changes(&l);
	for (size_t i = 0; i < l.change_count; i++)
		free(l.changes[i].path);
	label_rules_close(l.rules);
	label_links_free(l.links);
	buf_free(&l.key);
	free(l.paths);
	free(l.above);
	free(l.changes);
	return rc < 0 ? -1 : 0;
}
