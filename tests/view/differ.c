// SPDX-License-Identifier: MIT
#include "tests/view/differ.h"

#include <stdlib.h>
#include <string.h>

const char *const field_names[FIELD_COUNT] = {
#define X(name, text) text,
	FIELDS(X)
#undef X
};

static bool counts(const struct comparison *c, const struct known *k)
{
	return c->is_view && !(c->is_run && k->lifted);
}

/* False: both are as far apart now as they must be; more comparing says nothing. */
static bool found(struct comparison *c, struct difference *d, enum field field)
{
	d->field = field;
	for (size_t i = 0; i < known_count; i++) {
		if (!counts(c, &known[i]) || !known[i].is(d))
			continue;
		known[i].count++;
		if (known[i].remedy == REMEDY_NONE)
			return true;
		c->remedy = &known[i];
		return false;
	}
	c->unknown++;
	c->report(d);
	return false;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_recent(const struct comparison *c, const struct timespec *t)
{
	return t->tv_sec >= c->started - 3600 && t->tv_sec <= c->started + 86400;
}

static bool alike(
	const struct comparison *c, const struct timespec *a, const struct timespec *b)
{
	return same_time(a, b) || (is_recent(c, a) && is_recent(c, b));
}

/* Access times are compared where a call has just set one: reading changes them, or not.
 */
static bool sets_atime(const struct difference *d, const struct brief *b)
{
	const struct op *op = d->op;

	if (d->native->err || op->times[0].tv_nsec == UTIME_OMIT)
		return false;
	if (op->kind == OP_FUTIMENS)
		return d->about == ABOUT_SLOT;
	return op->kind == OP_UTIMENS && d->about == ABOUT_PATH &&
	       (op->flags || !S_ISLNK(b->mode));
}

static bool compare_brief(struct comparison *c, struct difference *d,
	const struct brief *v, const struct brief *n)
{
	if (v->err != n->err)
		return found(c, d, FIELD_PRESENT);
	if (v->err)
		return true;
	return (v->mode == n->mode || found(c, d, FIELD_MODE)) &&
	       (v->uid == n->uid || found(c, d, FIELD_UID)) &&
	       (v->gid == n->gid || found(c, d, FIELD_GID)) &&
	       (v->nlink == n->nlink || found(c, d, FIELD_NLINK)) &&
	       (v->size == n->size || found(c, d, FIELD_SIZE)) &&
	       (v->rdev == n->rdev || found(c, d, FIELD_RDEV)) &&
	       (!sets_atime(d, n) || alike(c, &v->atime, &n->atime) ||
		       found(c, d, FIELD_ATIME)) &&
	       (alike(c, &v->mtime, &n->mtime) || found(c, d, FIELD_MTIME));
}

/* What is at a name may be another file afterwards: then times tell nothing. */
static bool compare_moves(struct comparison *c, struct difference *d)
{
	const struct brief *v1 = &d->view->before[d->about],
			   *v2 = &d->view->after[d->about];
	const struct brief *n1 = &d->native->before[d->about];
	const struct brief *n2 = &d->native->after[d->about];

	if (v1->err || v2->err || n1->err || n2->err)
		return true;
	return (!same_time(&v1->mtime, &v2->mtime) ==
			       !same_time(&n1->mtime, &n2->mtime) ||
		       found(c, d, FIELD_MTIME_MOVES)) &&
	       (!same_time(&v1->ctime, &v2->ctime) ==
			       !same_time(&n1->ctime, &n2->ctime) ||
		       found(c, d, FIELD_CTIME_MOVES));
}

static bool compare_looks(struct comparison *c, struct difference *d)
{
	bool moves = c->fine_clock && d->op->kind != OP_RENAME && d->op->kind != OP_OPEN;

	for (unsigned about = 0; about < ABOUT_COUNT; about++) {
		if (!d->native->looked[about])
			continue;
		d->about = about;
		if ((d->op->look & LOOK_AFTER) &&
			!compare_brief(
				c, d, &d->view->after[about], &d->native->after[about]))
			return false;
		if (moves && d->op->look == (LOOK_BEFORE | LOOK_AFTER) &&
			!compare_moves(c, d))
			return false;
	}
	return true;
}

static char *take_line(const char **text, const char *end)
{
	const char *nl = memchr(*text, '\n', (size_t)(end - *text));
	char *line;

	if (!nl)
		nl = end;
	line = strndup(*text, (size_t)(nl - *text));
	*text = nl < end ? nl + 1 : end;
	return line;
}

static void compare_trees(struct comparison *c, struct difference *d)
{
	const char *v = d->view->text, *n = d->native->text;
	const char *v_end = v + d->view->len, *n_end = n + d->native->len;
	bool more = true;

	while (more && (v < v_end || n < n_end)) {
		char *a = take_line(&v, v_end), *b = take_line(&n, n_end);

		d->view_line = a;
		d->native_line = b;
		more = strcmp(a, b) == 0 || found(c, d, FIELD_LINE);
		free(a);
		free(b);
	}
}

void compare(struct comparison *c, const struct op *op, const struct result *view,
	const struct result *native)
{
	struct difference d = {.op = op, .view = view, .native = native, .user = c->user};

	c->remedy = NULL;
	if (op->kind == OP_SCAN) {
		compare_trees(c, &d);
		return;
	}
	if (view->err != native->err && !found(c, &d, FIELD_ERROR))
		return;
	if (view->err == native->err && view->ret != native->ret &&
		!found(c, &d, FIELD_RETURN))
		return;
	if ((view->len != native->len || memcmp(view->text, native->text, view->len)) &&
		!found(c, &d, FIELD_TEXT))
		return;
	compare_looks(c, &d);
}

static void describe_time(
	FILE *out, const char *what, const struct timespec *t, time_t started)
{
	if (t->tv_sec >= started - 3600 && t->tv_sec <= started + 86400)
		fprintf(out, " %s +%lld.%09ld", what, (long long)(t->tv_sec - started),
			t->tv_nsec);
	else
		fprintf(out, " %s %lld.%09ld", what, (long long)t->tv_sec, t->tv_nsec);
}

static void describe_brief(FILE *out, const struct brief *b, time_t started)
{
	if (b->err) {
		fprintf(out, "%s\n", error_name(b->err));
		return;
	}
	fprintf(out, "mode %#o owner %u:%u links %llu size %lld device %#llx", b->mode,
		b->uid, b->gid, (unsigned long long)b->nlink, (long long)b->size,
		(unsigned long long)b->rdev);
	describe_time(out, "atime", &b->atime, started);
	describe_time(out, "mtime", &b->mtime, started);
	describe_time(out, "ctime", &b->ctime, started);
	fputc('\n', out);
}

static void describe_result(FILE *out, const char *who, const struct difference *d,
	const struct result *r, time_t started)
{
	fprintf(out, "  %s: %lld, %s\n", who, r->ret, error_name(r->err));
	if (r->len && (d->field <= FIELD_TEXT)) {
		fputs("    read: ", out);
		describe_bytes(out, r->text, r->len);
		fputc('\n', out);
	}
	for (unsigned i = 0; i < ABOUT_COUNT; i++) {
		if (!r->looked[i])
			continue;
		if (d->op->look & LOOK_BEFORE) {
			fprintf(out, "    %s before: ", subject_names[i]);
			describe_brief(out, &r->before[i], started);
		}
		if (d->op->look & LOOK_AFTER) {
			fprintf(out, "    %s after: ", subject_names[i]);
			describe_brief(out, &r->after[i], started);
		}
	}
}

void describe_difference(FILE *out, const struct difference *d, time_t started)
{
	fprintf(out, "differs in %s", field_names[d->field]);
	if (d->field > FIELD_TEXT && d->field < FIELD_LINE)
		fprintf(out, " of %s", subject_names[d->about]);
	fputs(":\n  ", out);
	describe_op(out, d->op);
	if (d->field == FIELD_LINE) {
		fprintf(out, "  view:   %s\n  native: %s\n", d->view_line,
			d->native_line);
		return;
	}
	describe_result(out, "view  ", d, d->view, started);
	describe_result(out, "native", d, d->native, started);
}

void print_known(FILE *out, const struct comparison *c)
{
	fputs("known differences (docs/writing.md) and how often they were met:\n", out);
	for (size_t i = 0; i < known_count; i++)
		if (counts(c, &known[i]))
			fprintf(out, "  %7lu %s: %s\n", known[i].count, known[i].name,
				known[i].reason);
}
