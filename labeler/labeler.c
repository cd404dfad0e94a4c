/* SPDX-License-Identifier: MIT */
#include "labeler/labeler.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/quote.h"
#include "labeler/engine_libselinux.h"
#include "labeler/explain.h"
#include "labeler/matcher.h"
#include "labeler/policy.h"

struct labeler {
	struct policy policy;
	struct engine_libselinux *libselinux; /* or NULL, and then matcher is in use */
	struct matcher matcher;
};

int labeler_open(struct labeler **out, const struct labeler_source *src,
	const struct labeler_options *options, struct err *e)
{
	static const struct labeler_options defaults;
	const struct labeler_options *o = options ? options : &defaults;
	struct labeler *l = calloc(1, sizeof(*l));
	int rc;

	*out = NULL;
	if (!l)
		return err_sys(e, src->shown, "cannot read the policy");
	if (o->engine == LABELER_LIBSELINUX && o->version != LABELER_3_11) {
		free(l);
		return err_set(e, ERR_USAGE,
			"libselinux answers as the version that is installed; ask for "
			"other versions' semantics without --engine");
	}
	rc = policy_load(&l->policy, src, e);
	if (rc == 0 && o->engine == LABELER_LIBSELINUX)
		rc = engine_libselinux_open(&l->libselinux, &l->policy, e);
	else if (rc == 0)
		rc = matcher_make(&l->matcher, &l->policy, o->version, e);
	if (rc < 0) {
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
	engine_libselinux_close(l->libselinux);
	matcher_free(&l->matcher);
	policy_free(&l->policy);
	free(l);
}

static int check_path(const char *path, struct err *e)
{
	char quoted[1024];

	if (path[0] == '/')
		return 0;
	return err_set(e, ERR_USAGE, "a policy knows only absolute paths, not '%s'",
		quote_path(quoted, sizeof(quoted), path));
}

static int look_up_by_libselinux(struct labeler *l, const char *path, mode_t mode,
	struct labeler_result *out, struct err *e)
{
	size_t i;
	int got = engine_libselinux_lookup(l->libselinux, path, mode & S_IFMT, &i, e);

	if (got <= 0)
		return got;
	out->rule = &l->policy.rules[i];
	out->answer = strcmp(out->rule->context, POLICY_NO_LABEL) == 0 ? LABELER_EXCLUDED
								       : LABELER_LABEL;
	return 0;
}

int labeler_lookup(struct labeler *l, const char *path, mode_t mode,
	struct labeler_result *out, struct err *e)
{
	*out = (struct labeler_result){0};
	if (check_path(path, e) < 0)
		return -1;
	if (l->libselinux)
		return look_up_by_libselinux(l, path, mode, out, e);
	return matcher_lookup(&l->matcher, path, mode, out, e);
}

int labeler_enter(struct labeler *l, const struct labeler_cursor *parent,
	const char *path, struct labeler_cursor *out, struct err *e)
{
	*out = (struct labeler_cursor){0};
	if (check_path(path, e) < 0)
		return -1;
	if (l->libselinux)
		return 0;
	return matcher_enter(&l->matcher, parent, path, out, e);
}

int labeler_lookup_in(struct labeler *l, const struct labeler_cursor *dir,
	const char *path, mode_t mode, struct labeler_result *out, struct err *e)
{
	if (l->libselinux || path[0] != '/')
		return labeler_lookup(l, path, mode, out, e);
	*out = (struct labeler_result){0};
	return matcher_lookup_in(&l->matcher, dir, path, mode, out, e);
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

static int explain_by_libselinux(struct labeler *l, const char *path, mode_t mode,
	struct labeler_explanation *out, struct err *e)
{
	if (look_up_by_libselinux(l, path, mode, &out->result, e) < 0)
		return -1;
	out->key = strdup(path);
	out->matches = calloc(1, sizeof(*out->matches));
	if (!out->key || !out->matches)
		return err_sys(e, path, "cannot explain a label");
	if (out->result.rule)
		out->matches[out->match_count++].rule = out->result.rule;
	return 0;
}

int labeler_explain(struct labeler *l, const char *path, mode_t mode,
	struct labeler_explanation *out, struct err *e)
{
	*out = (struct labeler_explanation){0};
	if (check_path(path, e) < 0)
		return -1;
	if (l->libselinux)
		return explain_by_libselinux(l, path, mode, out, e);
	return explain_path(&l->matcher, path, mode, out, e);
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

	if (check_path(path, e) < 0)
		return -1;
	if (!l->libselinux)
		return explain_each(&l->matcher, path, mode, fn, arg, e);
	if (labeler_lookup(l, path, mode, &r, e) < 0)
		return -1;
	if (r.rule)
		fn(arg, r.rule);
	return 0;
}
