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

int labeler_open(struct labeler **out, const struct labeler_source *src, struct err *e)
{
	struct labeler *l = calloc(1, sizeof(*l));

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

int labeler_lookup(struct labeler *l, const char *path, mode_t mode,
	const struct labeler_rule **rule, struct err *e)
{
	char quoted[1024];
	size_t i;
	int got;

	*rule = NULL;
	if (path[0] != '/')
		return err_set(e, ERR_USAGE,
			"a policy knows only absolute paths, not '%s'",
			quote_path(quoted, sizeof(quoted), path));
	got = engine_libselinux_lookup(l->engine, path, mode & S_IFMT, &i, e);
	if (got < 0)
		return -1;
	if (got == 0)
		return LABELER_UNMATCHED;
	*rule = &l->policy.rules[i];
	return strcmp((*rule)->context, NO_LABEL) == 0 ? LABELER_EXCLUDED : LABELER_LABEL;
}

size_t labeler_rule_count(const struct labeler *l)
{
	return l->policy.count;
}

const struct labeler_rule *labeler_rule_at(const struct labeler *l, size_t i)
{
	return i < l->policy.count ? &l->policy.rules[i] : NULL;
}
