/* SPDX-License-Identifier: MIT */
#include "tools/labels/why_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/walk.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

void why_free(struct why *w)
{
	labeler_explanation_free(&w->x);
	for (size_t i = 0; i < w->name_count; i++)
		free(w->names[i].path);
	free(w->names);
	free(w->target);
	*w = (struct why){0};
}

/* The path on the target: prefix is "/" or has no '/' at its end. */
static char *target_path(const struct why_query *q, const char *path)
{
	const char *prefix = strcmp(q->prefix, "/") == 0 ? "" : q->prefix;
	char *full;

	if (*prefix && !*path)
		return strdup(prefix);
	return asprintf(&full, "%s/%s", prefix, path) < 0 ? NULL : full;
}

bool why_labels_differ(const struct labeler_result *a, const struct labeler_result *b)
{
	if (a->rule == b->rule)
		return false;
	return !a->rule || !b->rule || strcmp(a->rule->context, b->rule->context) != 0;
}

/* The node at the path; NULL with e unset where nothing is. */
static int find(struct why *w, struct node **n, struct err *e)
{
	char quoted[1024];

	*n = engine_find(w->query->en, w->path, e);
	if (*n)
		return 0;
	if (e->code == ERR_SYS && e->sys == ENOTDIR)
		return err_set(e, ERR_INPUT,
			"/%s: a name above it is no directory but a file or a symbolic "
			"link, and links are not followed here; say where it leads to",
			quote_path(quoted, sizeof(quoted), w->path));
	if (e->code != ERR_SYS || e->sys != ENOENT)
		return -1;
	if (!w->query->type)
		return err_set(e, ERR_INPUT,
			"/%s: not in the staging tree %s; say --type f, d, l, c, b, p or "
			"s to ask what such a file would get",
			quote_path(quoted, sizeof(quoted), w->path),
			stage_path(engine_stage(w->query->en)));
	*e = (struct err){0};
	return 0;
}

static void look_at_record(struct why *w, const struct node *n)
{
	w->recorded_label = n ? engine_label(n) : NULL;
	if (!n)
		w->recorded = WHY_NO_FILE;
	else if (!engine_db(w->query->en))
		w->recorded = WHY_NO_DATABASE;
	else if (w->recorded_label)
		w->recorded = WHY_LABEL;
	else if (engine_label_excluded(n))
		w->recorded = WHY_EXCLUDED;
	else
		w->recorded = engine_record(n) ? WHY_NO_LABEL : WHY_NO_RECORD;
}

/*
 * With <<none>>, a label that is there is as it should be: the policy leaves it alone.
 * One that no rule gives is not the policy's.
 */
static bool record_differs(const struct why *w)
{
	switch (w->result.answer) {
	case LABELER_LABEL:
		return w->recorded != WHY_LABEL ||
		       strcmp(w->recorded_label, w->result.rule->context) != 0;
	case LABELER_EXCLUDED:
		return w->recorded != WHY_LABEL && w->recorded != WHY_EXCLUDED;
	case LABELER_UNMATCHED:
		break;
	}
	return w->recorded == WHY_LABEL || w->recorded == WHY_EXCLUDED;
}

struct same_file {
	struct why *w;
	struct db_hint hint;
	size_t room;
};

static int note_name(void *arg, const struct walk_step *s, struct err *e)
{
	struct same_file *f = arg;
	struct why *w = f->w;
	struct db_hint hint;

	if (!engine_host_linked(s->node))
		return 0;
	engine_hint(s->node, &hint);
	if (hint.dev != f->hint.dev || hint.ino != f->hint.ino)
		return 0;
	if (w->name_count == f->room) {
		size_t room = f->room ? f->room * 2 : 8;
		struct why_name *p = reallocarray(w->names, room, sizeof(*p));

		if (!p)
			return no_memory(e);
		w->names = p;
		f->room = room;
	}
	w->names[w->name_count] = (struct why_name){
		.path = strdup(s->path),
		.asked = strcmp(s->path, w->path) == 0,
	};
	return w->names[w->name_count++].path ? 0 : no_memory(e);
}

static int by_path(const void *a, const void *b)
{
	const struct why_name *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* As `livery label` has it: the bytewise first path decides for the file. */
static int settle_names(struct why *w, struct err *e)
{
	qsort(w->names, w->name_count, sizeof(*w->names), by_path);
	for (size_t i = 0; i < w->name_count; i++) {
		struct why_name *n = &w->names[i];
		cleanup_free char *target = target_path(w->query, n->path);

		if (!target)
			return no_memory(e);
		if (labeler_lookup(w->query->labeler, target, w->type, &n->result, e) < 0)
			return -1;
		n->decides = i == 0;
		n->conflict = why_labels_differ(&n->result, &w->names[0].result);
	}
	w->decides = &w->names[0];
	w->result = w->decides->result;
	w->conflict = why_labels_differ(&w->x.result, &w->result);
	return 0;
}

static int find_names(struct why *w, const struct node *n, struct err *e)
{
	struct engine *en = w->query->en;
	struct same_file f = {.w = w};

	if (!engine_host_linked(n))
		return 0;
	engine_hint(n, &f.hint);
	if (engine_walk(en, engine_root(en), "", note_name, &f, e) != 0)
		return -1;
	if (w->name_count > 1)
		return settle_names(w, e);
	while (w->name_count)
		free(w->names[--w->name_count].path);
	return 0;
}

int why_answer(
	struct why *w, const struct why_query *query, const char *path, struct err *e)
{
	struct node *n;
	struct stat st;

	*w = (struct why){.query = query, .path = path};
	w->target = target_path(query, path);
	if (!w->target)
		return no_memory(e);
	if (find(w, &n, e) < 0)
		return -1;
	if (n) {
		engine_stat(query->en, n, &st);
		w->found = st.st_mode & S_IFMT;
	}
	w->type = query->type ? query->type : w->found;
	look_at_record(w, n);
	if (labeler_explain(query->labeler, w->target, w->type, &w->x, e) < 0)
		return -1;
	w->result = w->x.result;
	if (w->type != w->found)
		return 0;
	if (find_names(w, n, e) < 0)
		return -1;
	w->compared = w->recorded != WHY_NO_DATABASE;
	w->differs = w->compared && record_differs(w);
	return 0;
}

const char *why_verdict_name(enum labeler_verdict v)
{
	static const char *const names[] = {
		[LABELER_WINS] = "wins",
		[LABELER_OVERRULED] = "overruled",
		[LABELER_INEXACT] = "inexact",
		[LABELER_EXACT_TWIN] = "exact twin",
		[LABELER_OTHER_TYPE] = "other type",
		[LABELER_NOT_ASKED] = "not asked",
	};

	return names[v];
}

static const char *type_plural(mode_t type)
{
	switch (type) {
	case S_IFDIR:
		return "directories";
	case S_IFLNK:
		return "symbolic links";
	case S_IFCHR:
		return "character devices";
	case S_IFBLK:
		return "block devices";
	case S_IFIFO:
		return "fifos";
	case S_IFSOCK:
		return "sockets";
	default:
		return "regular files";
	}
}

void why_reason(const struct why *w, const struct labeler_match *m,
	char text[static WHY_REASON_MAX])
{
	const char *version = labeler_version_text(w->query->options->version);

	switch (m->verdict) {
	case LABELER_WINS:
		strcpy(text, "counts");
		break;
	case LABELER_OVERRULED:
		strcpy(text, "a later rule counts");
		break;
	case LABELER_INEXACT:
		strcpy(text, "an exact path counts before any expression");
		break;
	case LABELER_EXACT_TWIN:
		snprintf(text, WHY_REASON_MAX,
			"the same exact path has another rule, which libselinux %s "
			"prefers",
			version);
		break;
	case LABELER_OTHER_TYPE:
		snprintf(text, WHY_REASON_MAX, "is for %s only",
			type_plural(m->rule->type));
		break;
	case LABELER_NOT_ASKED:
		snprintf(text, WHY_REASON_MAX,
			"libselinux %s does not come to ask this rule", version);
		break;
	}
}
