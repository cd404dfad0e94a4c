/* SPDX-License-Identifier: MIT */
/* Why a path has its label, for a person: the label, the rule, and then the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "tools/labels/why_answer.h"
#include "tools/modes.h"

static void print(const char *text)
{
	quote_print(stdout, text, strlen(text));
}

/* An expression as it stands in the file: with its backslashes as they are. */
static void print_expression(const char *text)
{
	size_t size = 4 * strlen(text) + 8; /* each byte may become \ooo */
	cleanup_free char *safe = malloc(size);

	if (safe)
		fputs(quote_text(safe, size, text), stdout);
	else
		print(text);
}

/* Starts a line; further lines of a section have an empty title. */
static void title(const char *text)
{
	printf("  %-10s", text);
}

static void print_place(const char *file, unsigned line)
{
	print(file);
	printf(":%u", line);
}

/* FILE:LINE: and the rule as it stands there. */
static void print_rule(const struct labeler_rule *r)
{
	const char *type = labeler_type_text(r->type);

	print_place(r->file, r->line);
	fputs(": ", stdout);
	print_expression(r->regex);
	printf("  %s%s", type ? type : "", type ? "  " : "");
	print(r->context);
}

static void print_result(const struct labeler_result *r)
{
	switch (r->answer) {
	case LABELER_LABEL:
		print(r->rule->context);
		break;
	case LABELER_EXCLUDED:
		fputs("no label (the policy says <<none>>)", stdout);
		break;
	case LABELER_UNMATCHED:
		fputs("no label (no rule matches)", stdout);
		break;
	}
}

static void rule_lines(const struct why *w)
{
	title("rule");
	if (w->result.rule)
		print_rule(w->result.rule);
	else
		fputs("none matches", stdout);
	putchar('\n');
	if (!w->decides || w->decides->asked)
		return;
	title("");
	fputs("asked for /", stdout);
	print(w->decides->path);
	puts(", the first of this file's names, which decides");
	if (w->conflict) {
		title("conflict");
		fputs("for this name the policy says ", stdout);
		print_result(&w->x.result);
		putchar('\n');
	}
	if (w->x.result.rule && w->x.result.rule != w->result.rule) {
		title(w->conflict ? "" : "own rule");
		print_rule(w->x.result.rule);
		putchar('\n');
	}
}

static void print_recorded(const struct why *w)
{
	switch (w->recorded) {
	case WHY_LABEL:
		print(w->recorded_label);
		break;
	case WHY_EXCLUDED:
		fputs("no label, recorded as excluded by <<none>>", stdout);
		break;
	case WHY_NO_LABEL:
		fputs("no label", stdout);
		break;
	default:
		fputs("no record of it, and so no label", stdout);
		break;
	}
}

static void database_line(const struct why *w)
{
	if (w->recorded == WHY_NO_FILE)
		return;
	title("database");
	if (w->recorded == WHY_NO_DATABASE) {
		puts("there is none");
		return;
	}
	if (w->compared && !w->differs && w->result.answer == LABELER_LABEL) {
		puts("agrees");
		return;
	}
	if (w->compared)
		fputs(w->differs ? "DIFFERS: " : "agrees: ", stdout);
	print_recorded(w);
	if (!w->compared)
		printf(" (as a %s)", modes_type_name(w->found));
	else if (!w->differs && w->recorded == WHY_LABEL)
		fputs(" (<<none>> leaves a label as it is)", stdout);
	putchar('\n');
}

static void type_line(const struct why *w)
{
	title("type");
	fputs(modes_type_name(w->type), stdout);
	if (!w->found)
		fputs(", as --type says; nothing is there", stdout);
	else if (w->found != w->type)
		printf(", as --type says; in the tree it is a %s",
			modes_type_name(w->found));
	putchar('\n');
}

static void key_lines(const struct why *w)
{
	const struct labeler_explanation *x = &w->x;

	if (x->key[0] == '/' && strcmp(x->key + 1, w->path) == 0)
		return;
	title("key");
	print(x->key);
	puts(", which the rules are held against");
	if (strcmp(w->query->prefix, "/") != 0) {
		title("");
		fputs("--prefix=", stdout);
		print(w->query->prefix);
		putchar('\n');
	}
	for (size_t i = 0; i < x->sub_count; i++) {
		title("");
		print_place(x->subs[i].file, x->subs[i].line);
		fputs(": ", stdout);
		print(x->subs[i].from);
		fputs(" -> ", stdout);
		print(x->subs[i].to);
		putchar('\n');
	}
}

static void match_lines(const struct why *w)
{
	bool first = true;

	for (size_t i = 0; i < w->x.match_count; i++) {
		const struct labeler_match *m = &w->x.matches[i];
		char reason[WHY_REASON_MAX];

		if (m->verdict == LABELER_WINS)
			continue;
		title(first ? "lost" : "");
		first = false;
		print_rule(m->rule);
		putchar('\n');
		why_reason(w, m, reason);
		title("");
		printf("  %s\n", reason);
	}
	if (!w->x.versions_known) {
		title("lost");
		puts("not known: --engine=libselinux tells only which rule counts");
	}
}

static void name_lines(const struct why *w)
{
	for (size_t i = 0; i < w->name_count; i++) {
		const struct why_name *n = &w->names[i];

		title(i ? "" : "names");
		putchar('/');
		print(n->path);
		if (n->decides)
			fputs(" (decides)", stdout);
		if (n->conflict) {
			fputs(" (conflict: the policy says ", stdout);
			print_result(&n->result);
			if (n->result.rule) {
				fputs(", ", stdout);
				print_place(n->result.rule->file, n->result.rule->line);
			}
			putchar(')');
		}
		putchar('\n');
	}
}

/* A line for each answer, with all versions that give it. */
static void version_lines(const struct why *w)
{
	const struct labeler_result *v = w->x.versions;
	unsigned done = 0;

	if (!w->x.versions_known || !w->x.result.differs)
		return;
	for (int i = 0; i < LABELER_VERSIONS; i++) {
		if (done & 1u << i)
			continue;
		title(done ? "" : "versions");
		printf("libselinux %s", labeler_version_text((enum labeler_version)i));
		done |= 1u << i;
		for (int j = i + 1; j < LABELER_VERSIONS; j++) {
			if (v[j].rule != v[i].rule)
				continue;
			printf(", %s", labeler_version_text((enum labeler_version)j));
			done |= 1u << j;
		}
		fputs(": ", stdout);
		print_result(&v[i]);
		if (v[i].rule) {
			fputs(", ", stdout);
			print_place(v[i].rule->file, v[i].rule->line);
		}
		putchar('\n');
	}
}

void why_print_text(const struct why *w)
{
	putchar('/');
	print(w->path);
	fputs(": ", stdout);
	print_result(&w->result);
	putchar('\n');
	rule_lines(w);
	database_line(w);
	type_line(w);
	key_lines(w);
	match_lines(w);
	name_lines(w);
	version_lines(w);
}
