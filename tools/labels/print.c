/* SPDX-License-Identifier: MIT */
#include "tools/labels/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/quote.h"
#include "tools/show.h"

#define NO_LABEL "<no label>"

static const char *const kinds[] = {
	[LABEL_UNMATCHED] = "unmatched",
	[LABEL_EXCLUSION] = "excluded",
	[LABEL_CONFLICT] = "conflict",
	[LABEL_CHANGE] = "relabel",
	[LABEL_VERSION] = "version",
	[LABEL_LEFT] = "left",
	[LABEL_CATCH_ALL] = "catch-all",
	[LABEL_UNUSED] = "unused",
};

static void put(const char *text)
{
	quote_print(stdout, text, strlen(text));
}

static void put_path(const char *before, const char *path)
{
	printf("%s/", before);
	put(path);
}

static void put_rule(const struct labeler_rule *r)
{
	put(r->file);
	printf(":%u", r->line);
}

static const char *result_text(const struct labeler_result *r)
{
	return r->rule ? r->rule->context : NO_LABEL;
}

/* The version that was asked for first, then those that say something else. */
static bool version_told(
	const struct label_printer *p, const struct label_finding *f, int i)
{
	return i == (int)p->version || f->result->differs & 1u << i;
}

static void print_versions(const struct label_printer *p, const struct label_finding *f)
{
	printf(": ");
	put(result_text(f->result));
	printf(" (%s)", labeler_version_text(p->version));
	for (int i = 0; i < LABELER_VERSIONS; i++) {
		if (i == (int)p->version || !version_told(p, f, i))
			continue;
		printf(", ");
		put(result_text(&f->why->versions[i]));
		printf(" (%s)", labeler_version_text((enum labeler_version)i));
	}
}

static void print_unused(const struct labeler_rule *r)
{
	printf("unused ");
	put_rule(r);
	putchar(' ');
	put(r->regex);
	if (r->type)
		printf(" %s", labeler_type_text(r->type));
	putchar(' ');
	put(r->context);
}

static void print_change(const struct label_printer *p, const struct label_finding *f)
{
	put_path(p->dry_run ? "Would relabel " : "Relabeled ", f->path);
	printf(" from ");
	put(f->from ? f->from : NO_LABEL);
	printf(" to ");
	put(f->to);
}

static void print_line(const struct label_printer *p, const struct label_finding *f)
{
	if (f->event != LABEL_CHANGE && f->path) {
		printf("%s ", kinds[f->event]);
		put_path("", f->path);
	}
	switch (f->event) {
	case LABEL_UNMATCHED:
		break;
	case LABEL_EXCLUSION:
		printf(" (");
		put_rule(f->rule);
		printf(" says <<none>>)");
		break;
	case LABEL_CONFLICT:
		printf(" would be ");
		put(f->rule ? f->rule->context : "unlabeled");
		put_path(", but it is a hard link of ", f->other);
		printf(", whose name comes first and decides");
		break;
	case LABEL_CHANGE:
		print_change(p, f);
		break;
	case LABEL_VERSION:
		print_versions(p, f);
		break;
	case LABEL_LEFT:
		put_path(", a hard link of ", f->other);
		printf(", which is to be left alone");
		break;
	case LABEL_CATCH_ALL:
		putchar(' ');
		put(f->rule->context);
		printf(" (");
		put_rule(f->rule);
		putchar(')');
		break;
	case LABEL_UNUSED:
		print_unused(f->rule);
		break;
	}
	putchar('\n');
}

static void json_start(struct label_printer *p, const char *kind)
{
	printf("%s{\"finding\": \"%s\"", p->count++ ? ",\n " : "[", kind);
}

static void json_text(const char *key, const char *text)
{
	if (!text) {
		printf(", \"%s\": null", key);
		return;
	}
	printf(", ");
	show_json_bytes(stdout, key, text, strlen(text));
}

static void json_count(const char *key, uint64_t count)
{
	printf(", \"%s\": %" PRIu64, key, count);
}

static void json_rule(const struct labeler_rule *r)
{
	json_text("file", r->file);
	json_count("line", r->line);
	json_text("regex", r->regex);
	if (r->type)
		json_text("type", labeler_type_text(r->type));
	json_text("context", r->context);
}

static void json_versions(const struct label_printer *p, const struct label_finding *f)
{
	bool more = false;

	printf(", \"versions\": {");
	for (int i = 0; i < LABELER_VERSIONS; i++) {
		const struct labeler_result *r =
			i == (int)p->version ? f->result : &f->why->versions[i];

		if (!version_told(p, f, i))
			continue;
		printf("%s\"%s\": ", more ? ", " : "",
			labeler_version_text((enum labeler_version)i));
		more = true;
		if (r->rule)
			quote_json(stdout, r->rule->context, strlen(r->rule->context));
		else
			printf("null");
	}
	putchar('}');
}

static void print_json(struct label_printer *p, const struct label_finding *f)
{
	json_start(p, kinds[f->event]);
	if (f->path)
		json_text("path", f->path);
	if (f->other)
		json_text("link", f->other);
	if (f->event == LABEL_CHANGE) {
		json_text("from", f->from);
		json_text("to", f->to);
	}
	if (f->event == LABEL_VERSION)
		json_versions(p, f);
	if (f->rule)
		json_rule(f->rule);
	putchar('}');
}

void label_print_event(void *arg, const struct label_finding *f)
{
	struct label_printer *p = arg;

	progress_clear(&p->progress);
	if (p->json)
		print_json(p, f);
	else
		print_line(p, f);
}

static void json_summary(
	struct label_printer *p, const char *staging, const struct label_report *r)
{
	json_start(p, "summary");
	json_text("staging", staging);
	printf(", \"dry_run\": %s", p->dry_run ? "true" : "false");
	json_count("inodes", r->inodes);
	json_count("changed", r->changed);
	json_count("unmatched", r->unmatched);
	json_count("excluded", r->excluded);
	json_count("conflicts", r->conflicts);
	json_count("versions", r->versions);
	json_count("left", r->left);
	if (p->coverage) {
		json_count("unused", r->unused);
		json_count("catch_all", r->catch_all);
	}
	putchar('}');
}

static void print_excludes(
	struct label_printer *p, const struct label_exclude *excludes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (p->json) {
			json_start(p, "left-alone");
			json_text("path", excludes[i].path);
			json_count("names", excludes[i].names);
			putchar('}');
			continue;
		}
		put_path("left alone ", excludes[i].path);
		printf(": %" PRIu64 " names\n", excludes[i].names);
	}
}

void label_print_summary(struct label_printer *p, const char *staging,
	const struct label_exclude *excludes, size_t exclude_count,
	const struct label_report *r)
{
	progress_clear(&p->progress);
	print_excludes(p, excludes, exclude_count);
	if (p->json) {
		json_summary(p, staging, r);
		return;
	}
	printf("%s: %" PRIu64 " inodes, %" PRIu64 " %s, %" PRIu64 " unmatched, %" PRIu64
	       " excluded by <<none>>, %" PRIu64 " hard-link conflicts",
		staging, r->inodes, r->changed, p->dry_run ? "would change" : "changed",
		r->unmatched, r->excluded, r->conflicts);
	if (r->versions)
		printf(", %" PRIu64 " that depend on the version of libselinux",
			r->versions);
	if (r->left)
		printf(", %" PRIu64 " names left alone for a hard link", r->left);
	if (p->coverage)
		printf(", %" PRIu64 " rules unused, %" PRIu64
		       " inodes matched by the catch-all alone",
			r->unused, r->catch_all);
	putchar('\n');
}

void label_print_end(struct label_printer *p)
{
	progress_clear(&p->progress);
	if (p->json)
		printf("%s]\n", p->count ? "" : "[");
}
