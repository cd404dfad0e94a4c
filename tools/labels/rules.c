/* SPDX-License-Identifier: MIT */
#include "tools/labels/rules.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/quote.h"

struct label_rules {
	struct label_rule *rules; /* in the order of the files */
	size_t count;
	uint32_t *slots; /* open addressing by address: index + 1, 0: free */
	size_t mask;
	struct label_rule *last; /* rules repeat */
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

static uint32_t *slot(const struct label_rules *r, const struct labeler_rule *rule)
{
	size_t i = (((uintptr_t)rule * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & r->mask;

	while (r->slots[i] && r->rules[r->slots[i] - 1].rule != rule)
		i = (i + 1) & r->mask;
	return &r->slots[i];
}

int label_rules_open(struct label_rules **out, const struct labeler *l, struct err *e)
{
	size_t count = labeler_rule_count(l);
	struct label_rules *r = calloc(1, sizeof(*r));

	*out = r;
	if (!r)
		return no_memory(e);
	for (r->mask = 63; r->mask < 2 * count;)
		r->mask = r->mask * 2 + 1;
	r->slots = calloc(r->mask + 1, sizeof(*r->slots));
	r->rules = calloc(count + 1, sizeof(*r->rules));
	if (!r->slots || !r->rules)
		return no_memory(e);
	for (size_t i = 0; i < count; i++) {
		r->rules[i].rule = labeler_rule_at(l, i);
		*slot(r, r->rules[i].rule) = (uint32_t)i + 1;
	}
	r->count = count;
	return 0;
}

void label_rules_close(struct label_rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		free(r->rules[i].path);
	free(r->rules);
	free(r->slots);
	free(r);
}

struct label_rule *label_rules_find(
	struct label_rules *r, const struct labeler_rule *rule)
{
	if (!r->last || r->last->rule != rule)
		r->last = &r->rules[*slot(r, rule) - 1];
	return r->last;
}

int label_rules_use(struct label_rule *r, const char *path, struct err *e)
{
	if (r->path)
		return 0;
	r->path = strdup(path);
	return r->path ? 0 : no_memory(e);
}

static int unknown(const struct label_rule *r, struct err *e)
{
	char file[512], context[512], path[512];
	struct err why = *e;

	err_set(e, ERR_INPUT, "%s:%u: the policy does not know %s, which /%s would get",
		quote_path(file, sizeof(file), r->rule->file), r->rule->line,
		quote_path(context, sizeof(context), r->rule->context),
		quote_path(path, sizeof(path), r->path));
	if (why.code && *why.msg)
		err_hint(e, "%s", why.msg);
	return err_hint(e, "correct the rule, or say --check POLICY or --no-check");
}

int label_rules_check(struct label_rules *r, struct label_check *c, struct err *e)
{
	cleanup_free const char **contexts = calloc(r->count + 1, sizeof(*contexts));
	cleanup_free struct label_rule **used = calloc(r->count + 1, sizeof(*used));
	cleanup_free bool *valid = calloc(r->count + 1, sizeof(*valid));
	size_t count = 0;

	if (!contexts || !used || !valid)
		return no_memory(e);
	for (size_t i = 0; i < r->count; i++) {
		if (!r->rules[i].path)
			continue;
		used[count] = &r->rules[i];
		contexts[count++] = r->rules[i].rule->context;
	}
	if (label_check_contexts(c, contexts, count, valid, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (valid[i])
			continue;
		*e = (struct err){0};
		/* Asked alone, it says why. */
		if (label_check_context(c, contexts[i], e) < 0)
			return -1;
		return unknown(used[i], e);
	}
	return 0;
}

int64_t label_rules_intern(struct label_rule *r, struct db *db, struct err *e)
{
	char quoted[512];

	if (r->label)
		return r->label;
	r->label = db_label_intern(db, r->rule->context, strlen(r->rule->context), e);
	if (r->label > 0)
		return r->label;
	r->label = 0;
	return err_wrap(e, "%s:%u", quote_path(quoted, sizeof(quoted), r->rule->file),
		r->rule->line);
}

void label_rules_unused(const struct label_rules *r,
	void (*fn)(void *arg, const struct labeler_rule *rule), void *arg)
{
	for (size_t i = 0; i < r->count; i++)
		if (!r->rules[i].matched)
			fn(arg, r->rules[i].rule);
}
