/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "tools/labels/work.h"

/* Names that are to be labeled. */
static int adopt_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct labeling *l = arg;
	const struct label_link *file = label_links_find(l->links, s->node);

	if (label_excluded(l->job, s->path) || (file && file->left))
		return 0;
	return label_links_adopt(l->links, l->job->en, s, e);
}

/* Further names of the files that are, wherever they are. */
static int adopt_link_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct labeling *l = arg;
	const struct label_link *file = label_links_find(l->links, s->node);

	if (!file || !file->done)
		return 0;
	return label_links_adopt(l->links, l->job->en, s, e);
}

static int adopt(struct labeling *l, struct err *e)
{
	struct engine *en = l->job->en;

	if (!l->adopt)
		return 0;
	if (label_walk(l, adopt_step, l, e) < 0)
		return -1;
	if (l->whole || !l->linked)
		return 0;
	return engine_walk(en, engine_root(en), "", adopt_link_step, l, e);
}

struct row {
	int64_t record;
	struct label_rule *rule;
};

static int by_record(const void *a, const void *b)
{
	int64_t x = ((const struct row *)a)->record;
	int64_t y = ((const struct row *)b)->record;

	return x < y ? -1 : x > y;
}

/* In the order of the file: each of its pages is then read and written once. */
static int write_labels(struct labeling *l, struct err *e)
{
	struct db *db = engine_db(l->job->en);
	cleanup_free struct row *rows = calloc(l->change_count + 1, sizeof(*rows));

	if (!rows)
		return err_set(e, ERR_SYS, "out of memory");
	for (size_t i = 0; i < l->change_count; i++)
		rows[i] = (struct row){
			engine_record(l->changes[i].node), l->changes[i].rule};
	qsort(rows, l->change_count, sizeof(*rows), by_record);
	for (size_t i = 0; i < l->change_count; i++) {
		int64_t label = label_rules_intern(rows[i].rule, db, e);

		if (label < 0 || db_record_set_label(db, rows[i].record, label, e) < 0)
			return -1;
	}
	return 0;
}

/* What is noted already is not written again. */
static int note(struct labeling *l, struct err *e)
{
	struct db *db = engine_db(l->job->en);
	cleanup_free char *labeled = NULL;
	bool all = l->whole && !l->report->left;

	for (size_t i = 0; i < l->job->exclude_count; i++)
		all &= !l->job->excludes[i].names;
	if (db_note_get(db, NOTE_LABELED, &labeled, e) < 0)
		return -1;
	if (l->whole && l->report->unmatched)
		return labeled ? db_note_drop(db, NOTE_LABELED, e) : 0;
	return all && !labeled ? db_note_put(db, NOTE_LABELED, "all", e) : 0;
}

int label_store(struct labeling *l, struct err *e)
{
	return adopt(l, e) < 0 || write_labels(l, e) < 0 ? -1 : note(l, e);
}
