/* SPDX-License-Identifier: MIT */
/* What each file gets, and what there is to say about it. */
#include <stdlib.h>
#include <string.h>

#include "common/quote.h"
#include "tools/labels/work.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

static void tell(const struct labeling *l, const struct label_finding *f)
{
	l->job->hooks->event(l->job->hooks->arg, f);
}

/* The path with the prefix before it, in l->key. */
static int make_key(struct labeling *l, const char *path, struct err *e)
{
	l->key.len = l->prefix_len;
	if (((*path || !l->prefix_len) && buf_addc(&l->key, '/') < 0) ||
		buf_adds(&l->key, path) < 0)
		return no_memory(e);
	return 0;
}

static int failed(const char *path, struct err *e)
{
	char quoted[1024];

	return err_wrap(e, "/%s", quote_path(quoted, sizeof(quoted), path));
}

/* dir: the directory that it is right in; NULL: not at hand. */
static int look_up(struct labeling *l, const char *path, mode_t mode,
	const struct labeler_cursor *dir, struct labeler_result *r, struct err *e)
{
	struct labeler *lr = l->job->labeler;
	int rc;

	if (make_key(l, path, e) < 0)
		return -1;
	rc = dir ? labeler_lookup_in(lr, dir, l->key.data, mode, r, e)
		 : labeler_lookup(lr, l->key.data, mode, r, e);
	return rc < 0 ? failed(path, e) : 0;
}

/* For what is below the directory that was looked up last. */
static int enter(struct labeling *l, const struct walk_step *s, struct err *e)
{
	struct labeler_cursor *above = l->above;

	if (s->depth >= l->above_room) {
		size_t room = s->depth + 32;

		above = reallocarray(above, room, sizeof(*above));
		if (!above)
			return no_memory(e);
		l->above = above;
		l->above_room = room;
	}
	above += s->depth;
	if (labeler_enter(l->job->labeler, s->depth ? above - 1 : NULL, l->key.data,
		    above, e) < 0)
		return failed(s->path, e);
	return 0;
}

struct matches {
	struct label_rules *rules;
	const struct labeler_rule *catch_all;
	size_t others;
};

static void note_match(void *arg, const struct labeler_rule *r)
{
	struct matches *m = arg;

	label_rules_find(m->rules, r)->matched = true;
	if (labeler_is_catch_all(r))
		m->catch_all = r;
	else
		m->others++;
}

/* The rules that match what was looked up last; path NULL: a further name. */
static int cover(struct labeling *l, const char *path, mode_t mode, struct err *e)
{
	struct matches m = {.rules = l->rules};
	struct label_finding f = {.event = LABEL_CATCH_ALL, .path = path};

	if (!l->job->coverage)
		return 0;
	if (labeler_each_match(l->job->labeler, l->key.data, mode, note_match, &m, e) < 0)
		return -1;
	if (!path || m.others || !m.catch_all)
		return 0;
	l->report->catch_all++;
	f.rule = m.catch_all;
	tell(l, &f);
	return 0;
}

static int tell_versions(struct labeling *l, const char *path, mode_t mode,
	const struct labeler_result *r, struct err *e)
{
	struct labeler_explanation why = {0};
	const struct label_finding f = {
		.event = LABEL_VERSION, .path = path, .result = r, .why = &why};
	int rc = labeler_explain(l->job->labeler, l->key.data, mode, &why, e);

	l->report->versions++;
	if (rc == 0)
		tell(l, &f);
	labeler_explanation_free(&why);
	return rc < 0 ? failed(path, e) : 0;
}

static int change(struct labeling *l, const char *path, struct node *n,
	struct label_rule *rule, struct err *e)
{
	struct label_change *c = l->changes;

	if (l->change_count == l->change_room) {
		size_t room = l->change_room ? l->change_room * 2 : 256;

		c = reallocarray(c, room, sizeof(*c));
		if (!c)
			return no_memory(e);
		l->changes = c;
		l->change_room = room;
	}
	c += l->change_count;
	*c = (struct label_change){.node = n, .rule = rule};
	if (l->job->changes && !(c->path = strdup(path)))
		return no_memory(e);
	l->change_count++;
	l->report->changed++;
	return 0;
}

void label_tell_changes(const struct labeling *l)
{
	for (size_t i = 0; i < l->change_count; i++) {
		const struct label_change *c = &l->changes[i];
		const struct label_finding f = {
			.event = LABEL_CHANGE,
			.path = c->path,
			.from = engine_label_excluded(c->node) ? LABEL_EXCLUDED
							       : engine_label(c->node),
			.to = c->rule->rule->context,
		};

		tell(l, &f);
	}
}

/* A label that is there already is not written; nor is <<none>> over any. */
static int settle(struct labeling *l, const char *path, struct node *n,
	const struct labeler_result *r, struct err *e)
{
	struct label_finding f = {.path = path, .rule = r->rule};
	const char *had = engine_label(n);
	struct label_rule *rule;

	if (r->answer == LABELER_UNMATCHED) {
		l->report->unmatched++;
		f.event = LABEL_UNMATCHED;
		tell(l, &f);
		return 0;
	}
	rule = label_rules_find(l->rules, r->rule);
	if (r->answer == LABELER_EXCLUDED) {
		l->report->excluded++;
		f.event = LABEL_EXCLUSION;
		tell(l, &f);
		return had || engine_label_excluded(n) ? 0 : change(l, path, n, rule, e);
	}
	if (label_rules_use(rule, path, e) < 0)
		return -1;
	if (had && strcmp(had, r->rule->context) == 0)
		return 0;
	return change(l, path, n, rule, e);
}

static int decide_inode(struct labeling *l, const char *path, struct node *n,
	const struct labeler_cursor *dir, const struct labeler_rule **rule, struct err *e)
{
	struct labeler_result r;
	struct stat st;

	engine_stat(l->job->en, n, &st);
	if (look_up(l, path, st.st_mode, dir, &r, e) < 0)
		return -1;
	*rule = r.rule;
	l->report->inodes++;
	if (l->job->hooks->step)
		l->job->hooks->step(l->job->hooks->arg);
	if (cover(l, path, st.st_mode, e) < 0)
		return -1;
	if (r.differs && tell_versions(l, path, st.st_mode, &r, e) < 0)
		return -1;
	return settle(l, path, n, &r, e);
}

/* A further name gets its file's label; what the policy says of it is compared. */
static int check_conflict(struct labeling *l, const struct walk_step *s,
	const struct label_link *file, const struct labeler_cursor *dir, struct err *e)
{
	const char *had = file->rule ? file->rule->context : NULL;
	struct label_finding f = {
		.event = LABEL_CONFLICT, .path = s->path, .other = file->path};
	struct labeler_result r;
	struct stat st;

	engine_stat(l->job->en, file->node, &st);
	if (look_up(l, s->path, st.st_mode, dir, &r, e) < 0 ||
		cover(l, NULL, st.st_mode, e) < 0)
		return -1;
	if (r.rule == file->rule || (r.rule && had && strcmp(r.rule->context, had) == 0))
		return 0;
	l->report->conflicts++;
	f.rule = r.rule;
	tell(l, &f);
	return 0;
}

static int decide_link(struct labeling *l, const struct walk_step *s,
	struct label_link *file, const struct labeler_cursor *dir, struct err *e)
{
	bool first = strcmp(s->path, file->path) == 0;
	const struct label_finding f = {
		.event = LABEL_LEFT, .path = s->path, .other = file->left};

	if (file->left) {
		l->report->left++;
		tell(l, &f);
		return 0;
	}
	l->adopt |= file->adopt;
	if (!file->done) {
		file->done = true;
		if (decide_inode(l, file->path, file->node, first ? dir : NULL,
			    &file->rule, e) < 0)
			return -1;
	}
	return first ? 0 : check_conflict(l, s, file, dir, e);
}

int label_decide(struct labeling *l, const struct walk_step *s, struct err *e)
{
	const struct labeler_cursor *dir = s->depth ? &l->above[s->depth - 1] : NULL;
	struct label_exclude *x = label_excluded(l->job, s->path);
	const struct labeler_rule *rule;
	struct label_link *file;

	if (x) {
		x->names++;
		return 0;
	}
	file = label_links_find(l->links, s->node);
	if (file)
		return decide_link(l, s, file, dir, e);
	if (decide_inode(l, s->path, s->node, dir, &rule, e) < 0)
		return -1;
	return engine_is_dir(s->node) ? enter(l, s, e) : 0;
}
