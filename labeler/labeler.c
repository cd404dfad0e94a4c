/* SPDX-License-Identifier: MIT */
#include "labeler/labeler.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/quote.h"
#include "labeler/engine_libselinux.h"
#include "labeler/policy.h"

#define NO_LABEL "<<none>>" /* spelled just so; anything else is a context */

struct labeler {
	struct policy policy;
	struct engine_libselinux *engine;
};

int labeler_open(struct labeler **out, const struct labeler_source *src,
	const struct labeler_options *options, struct err *e)
{
	struct labeler *l = calloc(1, sizeof(*l));

	(void)options;
	*out = NULL;
	if (!l)
		return err_sys(e, src->shown, "cannot read the policy");
	if (policy_load(&l->policy, src, e) < 0 ||
		engine_libselinux_open(&l->engine, &l->policy, e) < 0) {
		labeler_close(l);
		return -1;
	}
	*out = l;
	return 0;
}

void labeler_close(struct labeler *l)
{
	if (!l)
		return;
	engine_libselinux_close(l->engine);
	policy_free(&l->policy);
	free(l);
}

static void answer(struct labeler_result *out, const struct labeler_rule *rule)
{
	out->rule = rule;
	out->answer = !rule                                  ? LABELER_UNMATCHED
		      : strcmp(rule->context, NO_LABEL) == 0 ? LABELER_EXCLUDED
							     : LABELER_LABEL;
}

int labeler_lookup(struct labeler *l, const char *path, mode_t mode,
	struct labeler_result *out, struct err *e)
{
	char quoted[1024];
	size_t i;
	int got;

	*out = (struct labeler_result){0};
	if (path[0] != '/')
		return err_set(e, ERR_USAGE,
			"a policy knows only absolute paths, not '%s'",
			quote_path(quoted, sizeof(quoted), path));
	got = engine_libselinux_lookup(l->engine, path, mode & S_IFMT, &i, e);
	if (got > 0)
		answer(out, &l->policy.rules[i]);
	return got < 0 ? -1 : 0;
}

int labeler_enter(struct labeler *l, const struct labeler_cursor *parent,
	const char *path, struct labeler_cursor *out, struct err *e)
{
	(void)l;
	(void)parent;
	(void)path;
	(void)e;
	*out = (struct labeler_cursor){0};
	return 0;
}

int labeler_lookup_in(struct labeler *l, const struct labeler_cursor *dir,
	const char *path, mode_t mode, struct labeler_result *out, struct err *e)
{
	(void)dir;
	return labeler_lookup(l, path, mode, out, e);
}

size_t labeler_rule_count(const struct labeler *l)
{
	return l->policy.count;
}

const struct labeler_rule *labeler_rule_at(const struct labeler *l, size_t i)
{
	return i < l->policy.count ? &l->policy.rules[i] : NULL;
}

const char *labeler_version_text(enum labeler_version v)
{
	static const char *const texts[LABELER_VERSIONS] = {
		[LABELER_3_11] = "3.11",
		[LABELER_3_8] = "3.8",
		[LABELER_3_4] = "3.4",
	};

	return texts[v];
}

bool labeler_is_catch_all(const struct labeler_rule *r)
{
	static const char *const forms[] = {
		"/.*", ".*", "(/.*)?", "/(.*)?", "/.*?", ".*?", "/?.*", "(.*)?"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (r->type == 0 && strcmp(r->regex, forms[i]) == 0)
			return true;
	return false;
}

int labeler_explain(struct labeler *l, const char *path, mode_t mode,
	struct labeler_explanation *out, struct err *e)
{
	*out = (struct labeler_explanation){0};
	if (labeler_lookup(l, path, mode, &out->result, e) < 0)
		return -1;
	out->key = strdup(path);
	out->matches = calloc(1, sizeof(*out->matches));
	if (!out->key || !out->matches)
		return err_sys(e, path, "cannot explain");
	if (out->result.rule)
		out->matches[out->match_count++].rule = out->result.rule;
	return 0;
}

void labeler_explanation_free(struct labeler_explanation *x)
{
	free(x->key);
	free(x->matches);
	*x = (struct labeler_explanation){0};
}

int labeler_each_match(struct labeler *l, const char *path, mode_t mode,
	void (*fn)(void *arg, const struct labeler_rule *r), void *arg, struct err *e)
{
	struct labeler_result r;

	if (labeler_lookup(l, path, mode, &r, e) < 0)
		return -1;
	if (r.rule)
		fn(arg, r.rule);
	return 0;
}
