/* SPDX-License-Identifier: MIT */
/*
 * A policy from arbitrary bytes: opened, looked up, walked, explained, listed, in all
 * versions. Input: see policy_input.h.
 */
#include "tests/fuzz/policy_input.h"
#include "tests/fuzz/slow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct labeler_result *a, const struct labeler_result *b)
{
	return a->answer == b->answer && a->rule == b->rule && a->differs == b->differs;
}

static void check_failed(const struct err *e)
{
	if (e->code == ERR_NONE || !e->msg[0])
		abort();
}

/* What the contract promises of an answer. */
static void check(const struct labeler_result *r, mode_t mode)
{
	const struct labeler_rule *rule = r->rule;

	if ((r->answer == LABELER_UNMATCHED) != !rule || r->differs >> LABELER_VERSIONS)
		abort();
	if (rule && (strcmp(rule->context, "<<none>>") == 0) !=
			    (r->answer == LABELER_EXCLUDED))
		abort();
	if (rule && mode && rule->type && rule->type != mode)
		abort();
}

struct seen {
	const struct labeler_explanation *x;
	size_t count;
};

/* A rule of labeler_each_match() is among those of labeler_explain(). */
static void see(void *arg, const struct labeler_rule *r)
{
	struct seen *s = arg;
	const struct labeler_match *m = NULL;

	for (size_t i = 0; i < s->x->match_count; i++)
		if (s->x->matches[i].rule == r)
			m = &s->x->matches[i];
	if (!m || m->verdict == LABELER_OTHER_TYPE)
		abort();
	s->count++;
}

static void check_matches(struct labeler *l, const struct input_path *p,
	const struct labeler_explanation *x)
{
	struct seen seen = {.x = x};
	struct err e = {0};
	size_t least = 0, most = 0;

	for (size_t i = 0; i < x->match_count; i++) {
		const struct labeler_match *m = &x->matches[i];

		if ((m->verdict == LABELER_WINS) != (m->rule == x->result.rule))
			abort();
		if ((i == 0) != (m->verdict == LABELER_WINS) && x->result.rule)
			abort();
		/* What is not asked is told only where it stands behind a <<none>>. */
		most += m->verdict != LABELER_OTHER_TYPE;
		least += m->verdict != LABELER_OTHER_TYPE &&
			 m->verdict != LABELER_NOT_ASKED;
	}
	if (x->result.rule && x->match_count == 0)
		abort();
	if (labeler_each_match(l, p->path, p->mode, see, &seen, &e) < 0 ||
		seen.count < least || seen.count > most)
		abort();
}

static void explain(struct labeler *l, enum labeler_version v, const struct input_path *p,
	const struct labeler_result *want)
{
	struct labeler_explanation x;
	struct err e = {0};

	if (labeler_explain(l, p->path, p->mode, &x, &e) < 0) {
		check_failed(&e);
	} else {
		if (!x.key || !same(&x.result, want) || x.sub_count > 2)
			abort();
		for (size_t i = 0; i < x.sub_count; i++)
			if (!x.subs[i].file || !x.subs[i].line || !x.subs[i].to)
				abort();
		if (!x.versions_known || x.versions[v].answer != want->answer ||
			x.versions[v].rule != want->rule)
			abort();
		check_matches(l, p, &x);
	}
	labeler_explanation_free(&x);
}

/* Looks up path below the directories that lead to it. */
static void walk(struct labeler *l, const struct input_path *p,
	const struct labeler_result *want, bool failed)
{
	struct labeler_cursor up, down;
	struct labeler_result r;
	struct err e = {0};
	char dir[INPUT_PATH_MAX + 1];

	if (labeler_enter(l, NULL, "/", &up, &e) < 0) {
		check_failed(&e);
		return;
	}
	for (const char *s = strchr(p->path + 1, '/'); s; s = strchr(s + 1, '/')) {
		memcpy(dir, p->path, (size_t)(s - p->path));
		dir[s - p->path] = '\0';
		if (labeler_enter(l, &up, dir, &down, &e) < 0) {
			check_failed(&e);
			return;
		}
		up = down;
	}
	if (labeler_lookup_in(l, &up, p->path, p->mode, &r, &e) < 0) {
		check_failed(&e);
		if (!failed)
			abort();
	} else if (failed || !same(&r, want)) {
		abort();
	}
}

static void look_up(struct labeler *l, enum labeler_version v, const struct input_path *p)
{
	char clean[INPUT_PATH_MAX + 1];
	struct labeler_result r;
	struct err e = {0};
	int rc = labeler_lookup(l, p->path, p->mode, &r, &e);

	if (rc < 0 && r.rule)
		abort();
	if (rc < 0)
		check_failed(&e);
	else
		check(&r, p->mode);
	if (rc == 0)
		explain(l, v, p, &r);
	strcpy(clean, p->path);
	one_rule_clean(clean);
	if (strcmp(clean, p->path) == 0 && p->path[0] == '/' && p->path[1])
		walk(l, p, &r, rc < 0);
}

static void use(struct labeler *l, enum labeler_version v, const struct input *in)
{
	for (size_t i = 0; i < labeler_rule_count(l); i++) {
		const struct labeler_rule *r = labeler_rule_at(l, i);

		if (!r->regex[0] || !r->context[0] || r->line == 0)
			abort();
	}
	for (size_t i = 0; i < in->count; i++)
		look_up(l, v, &in->paths[i]);
}

/* What one version's labeler says of another is what that one says. */
static void cross(struct labeler *const *l, const struct input_path *p)
{
	struct labeler_explanation x;
	struct err e = {0};

	if (labeler_explain(l[0], p->path, p->mode, &x, &e) == 0) {
		for (int v = 1; v < LABELER_VERSIONS; v++) {
			struct labeler_result r;
			const struct labeler_rule *said = x.versions[v].rule;

			if (labeler_lookup(l[v], p->path, p->mode, &r, &e) < 0)
				continue;
			if (r.answer != x.versions[v].answer ||
				(said && (said->line != r.rule->line ||
						 strcmp(said->file, r.rule->file) != 0)))
				abort();
		}
	}
	labeler_explanation_free(&x);
}

static void drop_slow(struct input *in, struct labeler *l)
{
	size_t kept = 0;
	struct slow s;

	slow_begin(&s, l);
	for (size_t i = 0; i < in->count; i++)
		if (!slow_path(&s, l, in->paths[i].path))
			in->paths[kept++] = in->paths[i];
	in->count = kept;
	slow_end(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct labeler *l[LABELER_VERSIONS];
	struct input in;
	struct err e;
	int opened = 0;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	input_read(&in, data, size);
	for (int v = 0; v < LABELER_VERSIONS; v++)
		opened += input_open(&l[v], LABELER_MATCHER, (enum labeler_version)v,
				  &e) == 0;
	if (opened != 0 && opened != LABELER_VERSIONS)
		abort();
	if (opened)
		drop_slow(&in, l[0]);
	for (int v = 0; v < opened; v++)
		use(l[v], (enum labeler_version)v, &in);
	for (size_t i = 0; opened && i < in.count; i++)
		cross(l, &in.paths[i]);
	for (int v = 0; v < LABELER_VERSIONS; v++)
		labeler_close(l[v]);
	return 0;
}
