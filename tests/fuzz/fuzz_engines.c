/* SPDX-License-Identifier: MIT */
/*
 * A policy and paths, our matcher against the linked libselinux: another winning rule is
 * a crash. Input: see policy_input.h.
 *
 * Left out is what PCRE2 needs many steps for (libselinux then says "no match", ours
 * gives the answer or an error), and which of several rules with <<none>> it was,
 * since 3.8 (see labeler/engine_libselinux.h).
 */
#include "tests/fuzz/policy_input.h"
#include "tests/fuzz/slow.h"
#include "tests/unit/linked_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum labeler_version version; /* of the library that is linked */

static enum labeler_version find_version(void)
{
	const struct labeler_source src = {
		.dirfd = input_fd, .base = "file_contexts", .shown = "POLICY"};

	input_put(0, LINKED_BASE, strlen(LINKED_BASE));
	input_put(2, LINKED_LOCAL, strlen(LINKED_LOCAL));
	input_put(4, LINKED_SUBS, strlen(LINKED_SUBS));
	return linked_version(&src);
}

static void show(const char *who, const struct labeler_result *r)
{
	if (r->rule)
		fprintf(stderr, "%s: %s:%u '%s'\n", who, r->rule->file, r->rule->line,
			r->rule->regex);
	else
		fprintf(stderr, "%s: no rule\n", who);
}

static bool same(const struct labeler_result *a, const struct labeler_result *b)
{
	if (a->answer != b->answer || !a->rule != !b->rule)
		return false;
	return !a->rule || (a->rule->line == b->rule->line &&
				   strcmp(a->rule->file, b->rule->file) == 0);
}

static void compare(struct labeler *ours, struct labeler *theirs, const struct slow *slow,
	const struct input_path *p)
{
	struct labeler_result got, want;
	struct err e = {0};

	if (p->path[0] != '/' || slow_path(slow, ours, p->path))
		return;
	if (labeler_lookup(theirs, p->path, p->mode, &want, &e) < 0 ||
		labeler_lookup(ours, p->path, p->mode, &got, &e) < 0) {
		fprintf(stderr, "'%s': %s\n", p->path, e.msg);
		abort();
	}
	if (same(&got, &want))
		return;
	if (version != LABELER_3_4 && got.answer == LABELER_EXCLUDED &&
		want.answer == LABELER_EXCLUDED)
		return;
	fprintf(stderr, "'%s' %o\n", p->path, p->mode);
	show("ours", &got);
	show("libselinux", &want);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct labeler *ours, *theirs;
	struct slow slow;
	struct input in;
	struct err e;

	if (size > INPUT_MAX)
		return 0;
	if (input_fd < 0) {
		input_make_dir();
		version = find_version();
	}
	input_read(&in, data, size);
	if (in.count == 0 || input_open(&ours, LABELER_MATCHER, version, &e) < 0)
		return 0;
	/* What ours takes, the library has to take. */
	if (input_open(&theirs, LABELER_LIBSELINUX, LABELER_3_11, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		abort();
	}
	slow_begin(&slow, ours);
	for (size_t i = 0; i < in.count; i++)
		compare(ours, theirs, &slow, &in.paths[i]);
	slow_end(&slow);
	labeler_close(theirs);
	labeler_close(ours);
	return 0;
}
