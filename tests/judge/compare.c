/* SPDX-License-Identifier: MIT */
/*
 * compare POLICY-DIR QUERIES VERSION=ANSWERS...
 *
 * Our answers against those of judge, for each version of libselinux that is named.
 * QUERIES are as judge reads them, and ANSWERS what it gave for the first ones of them,
 * or for all. Each query is asked by its path and once more from the cursor of its
 * directory, and the versions that a result says it differs from must be those whose
 * judges differ.
 *
 * Exit 0, 1 with the first differences, or 2.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "labeler/labeler.h"

#define SHOWN_MAX   20
#define DEPTH       64
#define EXPLAIN_ONE 97 /* of so many queries is explained too */

struct input {
	char *data;
	size_t len;
	const char *at; /* the next record */
};

/* The directories that lead to the last query, and a cursor for each. */
struct walk {
	char *path;
	size_t ends[DEPTH];
	struct labeler_cursor cursors[DEPTH];
	size_t depth;
};

struct side {
	bool used;
	struct input answers;
	struct labeler *labeler;
	struct walk walk;
	const char *answer; /* the judge's, to the query at hand, or NULL */
	unsigned long compared;
};

static struct side sides[LABELER_VERSIONS];
static unsigned long differences;

static void read_input(struct input *in, const char *name)
{
	FILE *f = fopen(name, "re");
	long size;

	if (!f || fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0)
		err(2, "%s", name);
	rewind(f);
	in->data = malloc((size_t)size + 1);
	if (!in->data || fread(in->data, 1, (size_t)size, f) != (size_t)size)
		err(2, "%s", name);
	fclose(f);
	in->data[size] = '\0';
	in->len = (size_t)size;
	in->at = in->data;
}

static const char *next(struct input *in)
{
	const char *at = in->at;

	if (!at || at >= in->data + in->len)
		return NULL;
	in->at = at + strlen(at) + 1;
	return at;
}

static const char *label(const struct labeler_result *r)
{
	return r->answer == LABELER_LABEL ? r->rule->context : "";
}

static const struct labeler_rule *rule_of(const struct labeler *l, const char *context)
{
	for (size_t i = 0; i < labeler_rule_count(l); i++)
		if (strcmp(labeler_rule_at(l, i)->context, context) == 0)
			return labeler_rule_at(l, i);
	return NULL;
}

static void show(const char *who, const struct labeler_rule *r, const char *text)
{
	char quoted[4096];

	printf("  %s: ", who);
	if (!r) {
		printf("%s\n", *text ? text : "no label");
		return;
	}
	printf("%s:%u: %s %o %s\n", r->file, r->line,
		quote_path(quoted, sizeof(quoted), r->regex), (unsigned)r->type,
		r->context);
}

static void differ(enum labeler_version v, const char *path, mode_t mode,
	const struct labeler_result *got, const char *how)
{
	const struct side *s = &sides[v];
	char quoted[8192];

	if (++differences > SHOWN_MAX)
		return;
	printf("DIFFERENT (%s, %s): %o %s\n", labeler_version_text(v), how,
		(unsigned)mode, quote_path(quoted, sizeof(quoted), path));
	show("judge", rule_of(s->labeler, s->answer), s->answer);
	show("ours ", got->rule, label(got));
}

static void check(enum labeler_version v, const char *path, mode_t mode,
	const struct labeler_result *got, const char *how)
{
	if (strcmp(label(got), sides[v].answer) != 0) {
		differ(v, path, mode, got, how);
		return;
	}
	for (int other = 0; other < LABELER_VERSIONS; other++) {
		const struct side *o = &sides[other];
		bool same = !(got->differs & 1u << other);

		if (o->answer && same != (strcmp(o->answer, sides[v].answer) == 0)) {
			differ(v, path, mode, got,
				same ? "says that it does not differ"
				     : "says that it differs");
			return;
		}
	}
}

static bool is_clean(const char *path)
{
	size_t len = strlen(path);

	return path[0] == '/' && len > 1 && path[len - 1] != '/' && !strstr(path, "//");
}

static void enter(struct side *s, const char *path, size_t len, struct err *e)
{
	const struct labeler_cursor *above =
		s->walk.depth > 0 && len % 7 ? &s->walk.cursors[s->walk.depth - 1] : NULL;
	char *dir = strndup(path, len > 0 ? len : 1);

	if (!dir || labeler_enter(s->labeler, above, dir, &s->walk.cursors[s->walk.depth],
			    e) < 0)
		errx(2, "labeler_enter: %s", e->msg);
	s->walk.ends[s->walk.depth++] = len;
	free(dir);
}

/* Goes to the directory of path, from where the last query was. */
static bool walk_to(struct side *s, const char *path, struct err *e)
{
	struct walk *w = &s->walk;
	size_t kept = 0;
	size_t len;

	while (kept < w->depth && strncmp(w->path, path, w->ends[kept]) == 0 &&
		path[w->ends[kept]] == '/')
		kept++;
	w->depth = kept;
	len = kept > 0 ? w->ends[kept - 1] : 0;
	if (kept == 0)
		enter(s, path, 0, e);
	for (const char *slash; (slash = strchr(path + len + 1, '/'));) {
		if (w->depth == DEPTH)
			return false;
		len = (size_t)(slash - path);
		enter(s, path, len, e);
	}
	free(w->path);
	w->path = strdup(path);
	return w->path != NULL;
}

struct sought {
	const struct labeler_rule *rule;
	bool found;
};

static void seek(void *arg, const struct labeler_rule *r)
{
	struct sought *s = arg;

	s->found |= r == s->rule;
}

static void check_explained(
	enum labeler_version v, const char *path, mode_t mode, struct err *e)
{
	struct side *s = &sides[v];
	struct labeler_explanation x;
	struct sought winner = {0};

	if (labeler_explain(s->labeler, path, mode, &x, e) < 0)
		errx(2, "labeler_explain: %s", e->msg);
	check(v, path, mode, &x.result, "explained");
	for (int other = 0; x.versions_known && other < LABELER_VERSIONS; other++)
		if (sides[other].answer &&
			strcmp(label(&x.versions[other]), sides[other].answer) != 0)
			differ(v, path, mode, &x.versions[other],
				"explained for another version");
	if (x.result.rule && (x.match_count == 0 || x.matches[0].rule != x.result.rule))
		differ(v, path, mode, &x.result, "explained without its winner");
	winner.rule = x.result.rule;
	if (labeler_each_match(s->labeler, path, mode, seek, &winner, e) < 0)
		errx(2, "labeler_each_match: %s", e->msg);
	if (winner.rule && !winner.found)
		differ(v, path, mode, &x.result, "not among the rules that match");
	labeler_explanation_free(&x);
}

static void ask(enum labeler_version v, const char *path, mode_t mode, unsigned long n)
{
	struct side *s = &sides[v];
	struct labeler_result got;
	struct err e = {0};

	s->compared++;
	if (labeler_lookup(s->labeler, path, mode, &got, &e) < 0)
		errx(2, "%s", e.msg);
	check(v, path, mode, &got, "by path");
	if (is_clean(path) && walk_to(s, path, &e)) {
		const struct labeler_cursor *at = &s->walk.cursors[s->walk.depth - 1];

		if (labeler_lookup_in(s->labeler, at, path, mode, &got, &e) < 0)
			errx(2, "%s", e.msg);
		check(v, path, mode, &got, "from its directory");
	}
	if (n % EXPLAIN_ONE == 0)
		check_explained(v, path, mode, &e);
}

static void use_side(const char *arg, const struct labeler_source *src)
{
	const char *equals = strchr(arg, '=');
	struct err e = {0};

	for (int v = 0; equals && v < LABELER_VERSIONS; v++) {
		const char *text = labeler_version_text((enum labeler_version)v);
		struct labeler_options o = {
			.engine = LABELER_MATCHER, .version = (enum labeler_version)v};

		if (strncmp(arg, text, (size_t)(equals - arg)) != 0 ||
			text[equals - arg] != '\0')
			continue;
		sides[v].used = true;
		read_input(&sides[v].answers, equals + 1);
		if (labeler_open(&sides[v].labeler, src, &o, &e) < 0)
			errx(2, "%s", e.msg);
		return;
	}
	errx(2, "%s: not a version and the file of its answers", arg);
}

int main(int argc, char **argv)
{
	struct labeler_source src = {.base = "file_contexts"};
	struct input queries;
	const char *query;

	if (argc < 4)
		errx(2, "usage: compare POLICY-DIR QUERIES VERSION=ANSWERS...");
	src.shown = argv[1];
	src.dirfd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (src.dirfd < 0)
		err(2, "%s", argv[1]);
	read_input(&queries, argv[2]);
	for (int i = 3; i < argc; i++)
		use_side(argv[i], &src);
	for (unsigned long n = 0; (query = next(&queries)); n++) {
		char *path;
		mode_t mode = (mode_t)strtoul(query, &path, 8);

		for (int v = 0; v < LABELER_VERSIONS; v++)
			sides[v].answer = next(&sides[v].answers);
		for (int v = 0; v < LABELER_VERSIONS; v++)
			if (sides[v].answer)
				ask((enum labeler_version)v, path + 1, mode, n);
	}
	for (int v = 0; v < LABELER_VERSIONS; v++)
		if (sides[v].used)
			printf("%s %lu\n", labeler_version_text((enum labeler_version)v),
				sides[v].compared);
	if (differences > SHOWN_MAX)
		printf("… and %lu more differences\n", differences - SHOWN_MAX);
	return differences > 0;
}
