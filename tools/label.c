/* SPDX-License-Identifier: MIT */
#include "tools/label.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/edit.h"

/* A file with several names: which path comes first, and what it got. */
struct linked {
	struct node *node;
	char *path;
	const struct labeler_rule *rule; /* NULL: unmatched */
	bool done;
};

struct labeling {
	struct engine *en;
	struct labeler *labeler;
	const struct label_hooks *hooks;
	struct label_report *report;
	struct edit_links *links;
	struct linked *linked; /* sorted by node once the first walk is over */
	size_t count, room;
	/* Rules repeat: the label of the last ones by rule. */
	const struct labeler_rule *last_rule;
	int64_t last_label;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

static int note(void *arg, const struct walk_step *s, struct err *e)
{
	struct labeling *l = arg;

	if (edit_links_note(l->links, s, e) < 0)
		return -1;
	if (!engine_host_linked(s->node))
		return 0;
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct linked *p = reallocarray(l->linked, room, sizeof(*p));

		if (!p)
			return no_memory(e);
		l->linked = p;
		l->room = room;
	}
	l->linked[l->count] = (struct linked){.node = s->node, .path = strdup(s->path)};
	return l->linked[l->count++].path ? 0 : no_memory(e);
}

/* By file, and for one file by path: the bytewise first comes first. */
static int by_node(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* One entry a file is kept: its first path. */
static void settle_links(struct labeling *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++)
		l->linked[i].node = edit_links_node(l->links, l->linked[i].node);
	if (l->count)
		qsort(l->linked, l->count, sizeof(*l->linked), by_node);
	for (size_t i = 0; i < l->count; i++) {
		if (kept && l->linked[kept - 1].node == l->linked[i].node) {
			free(l->linked[i].path);
			continue;
		}
		l->linked[kept++] = l->linked[i];
	}
	l->count = kept;
}

static struct linked *find_linked(struct labeling *l, const struct node *n)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->linked[mid].node < n)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->count && l->linked[low].node == n ? &l->linked[low] : NULL;
}

static void tell(struct labeling *l, enum label_event event, const char *path,
	const struct labeler_rule *rule, const char *first)
{
	if (l->hooks->event)
		l->hooks->event(l->hooks->arg, event, path, rule, first);
}

static int look_up(struct labeling *l, const char *path, const struct node *n,
	const struct labeler_rule **rule, struct err *e)
{
	cleanup_free char *absolute = NULL;
	struct labeler_result r;
	struct stat st;

	if (asprintf(&absolute, "/%s", path) < 0) {
		absolute = NULL;
		return no_memory(e);
	}
	engine_stat(l->en, n, &st);
	if (labeler_lookup(l->labeler, absolute, st.st_mode, &r, e) < 0)
		return err_wrap(e, "%s", path);
	*rule = r.rule;
	return (int)r.answer;
}

static int store(struct labeling *l, int64_t record, const struct labeler_rule *rule,
	bool only_if_none, struct err *e)
{
	struct db *db = engine_db(l->en);
	struct db_record r;

	if (rule != l->last_rule) {
		l->last_label =
			db_label_intern(db, rule->context, strlen(rule->context), e);
		if (l->last_label < 0)
			return -1;
		l->last_rule = rule;
	}
	if (db_record_get(db, record, &r, e) < 0)
		return -1;
	if (r.label == l->last_label || (only_if_none && r.label))
		return 0;
	l->report->changed++;
	return db_record_set_label(db, record, l->last_label, e);
}

static int label_inode(struct labeling *l, const char *path, struct node *n,
	int64_t record, const struct labeler_rule **rule, struct err *e)
{
	int answer = look_up(l, path, n, rule, e);

	if (answer < 0)
		return -1;
	l->report->inodes++;
	if (l->hooks->step)
		l->hooks->step(l->hooks->arg);
	switch ((enum labeler_answer)answer) {
	case LABELER_UNMATCHED:
		l->report->unmatched++;
		tell(l, LABEL_UNMATCHED, path, NULL, NULL);
		return 0;
	case LABELER_EXCLUDED:
		l->report->excluded++;
		tell(l, LABEL_EXCLUSION, path, *rule, NULL);
		return store(l, record, *rule, true, e);
	case LABELER_LABEL:
		break;
	}
	return store(l, record, *rule, false, e);
}

/* A further name gets its file's label; what the policy says of it is compared. */
static int check_conflict(
	struct labeling *l, const char *path, const struct linked *file, struct err *e)
{
	const struct labeler_rule *rule;
	const char *had = file->rule ? file->rule->context : NULL;

	if (look_up(l, path, file->node, &rule, e) < 0)
		return -1;
	if (rule == file->rule || (rule && had && strcmp(rule->context, had) == 0))
		return 0;
	l->report->conflicts++;
	tell(l, LABEL_CONFLICT, path, rule, file->path);
	return 0;
}

static int label_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct labeling *l = arg;
	struct node *n = edit_links_node(l->links, s->node);
	struct linked *file = find_linked(l, n);
	const struct labeler_rule *rule = NULL;
	int64_t record;

	if (edit_links_adopt(l->links, l->en, s, &record, e) < 0)
		return -1;
	if (!file)
		return label_inode(l, s->path, n, record, &rule, e);
	if (!file->done) {
		file->done = true;
		if (label_inode(l, file->path, n, record, &file->rule, e) < 0)
			return -1;
	}
	return strcmp(s->path, file->path) == 0 ? 0 : check_conflict(l, s->path, file, e);
}

int label_tree(struct engine *en, struct labeler *labeler,
	const struct label_hooks *hooks, struct label_report *report, struct err *e)
{
	struct labeling l = {
		.en = en,
		.labeler = labeler,
		.hooks = hooks,
		.report = report,
		.links = edit_links_new(),
	};
	int rc = l.links ? 0 : no_memory(e);

	*report = (struct label_report){0};
	if (rc == 0)
		rc = engine_walk(en, engine_root(en), "", note, &l, e);
	if (rc == 0) {
		settle_links(&l);
		rc = engine_walk(en, engine_root(en), "", label_step, &l, e);
	}
	for (size_t i = 0; i < l.count; i++)
		free(l.linked[i].path);
	free(l.linked);
	edit_links_free(l.links);
	return rc;
}
