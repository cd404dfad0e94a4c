/* SPDX-License-Identifier: MIT */
/* Why a path has its label, for programs. */
#include <stdio.h>
#include <string.h>

#include "tools/labels/why_answer.h"
#include "tools/modes.h"
#include "tools/show.h"

static void text_field(const char *key, const char *text)
{
	if (text)
		show_json_bytes(stdout, key, text, strlen(text));
	else
		printf("\"%s\": null", key);
}

static void next_text(const char *key, const char *text)
{
	fputs(", ", stdout);
	text_field(key, text);
}

static void next_bool(const char *key, bool value)
{
	printf(", \"%s\": %s", key, value ? "true" : "false");
}

static const char *type_text(mode_t type)
{
	return type ? modes_type_name(type) : NULL;
}

static void place_fields(const char *file, unsigned line)
{
	text_field("file", file);
	printf(", \"line\": %u", line);
}

static void rule_fields(const struct labeler_rule *r)
{
	place_fields(r->file, r->line);
	next_text("regex", r->regex);
	next_text("type", labeler_type_text(r->type));
	next_text("context", r->context);
}

/* "answer", "label" and "rule". */
static void result_fields(const struct labeler_result *r)
{
	static const char *const answers[] = {
		[LABELER_UNMATCHED] = "unmatched",
		[LABELER_LABEL] = "label",
		[LABELER_EXCLUDED] = "excluded",
	};

	printf("\"answer\": \"%s\"", answers[r->answer]);
	next_text("label", r->answer == LABELER_LABEL ? r->rule->context : NULL);
	fputs(", \"rule\": ", stdout);
	if (r->rule) {
		putchar('{');
		rule_fields(r->rule);
		putchar('}');
	} else {
		fputs("null", stdout);
	}
}

static void database(const struct why *w)
{
	static const char *const states[] = {
		[WHY_NO_FILE] = "no file",
		[WHY_NO_DATABASE] = "no database",
		[WHY_NO_RECORD] = "no record",
		[WHY_NO_LABEL] = "no label",
		[WHY_EXCLUDED] = "excluded",
		[WHY_LABEL] = "label",
	};

	printf(", \"database\": {\"state\": \"%s\"", states[w->recorded]);
	next_text("label", w->recorded_label);
	fputs("}, \"differs\": ", stdout);
	fputs(!w->compared ? "null" : w->differs ? "true" : "false", stdout);
}

static void substitutions(const struct labeler_explanation *x)
{
	fputs(", \"substitutions\": [", stdout);
	for (size_t i = 0; i < x->sub_count; i++) {
		fputs(i ? ", {" : "{", stdout);
		place_fields(x->subs[i].file, x->subs[i].line);
		next_text("from", x->subs[i].from);
		next_text("to", x->subs[i].to);
		putchar('}');
	}
	putchar(']');
}

static void matches(const struct why *w)
{
	fputs(", \"matches\": [", stdout);
	for (size_t i = 0; i < w->x.match_count; i++) {
		const struct labeler_match *m = &w->x.matches[i];
		char reason[WHY_REASON_MAX];

		fputs(i ? ", {" : "{", stdout);
		rule_fields(m->rule);
		next_text("verdict", why_verdict_name(m->verdict));
		why_reason(w, m, reason);
		next_text("reason", reason);
		putchar('}');
	}
	putchar(']');
}

static void names(const struct why *w)
{
	fputs(", \"names\": [", stdout);
	for (size_t i = 0; i < w->name_count; i++) {
		const struct why_name *n = &w->names[i];

		fputs(i ? ", {" : "{", stdout);
		text_field("path", n->path);
		next_bool("decides", n->decides);
		next_bool("conflict", n->conflict);
		fputs(", ", stdout);
		result_fields(&n->result);
		putchar('}');
	}
	putchar(']');
}

/* "versions" is null where they are not known. */
static void versions(const struct why *w)
{
	bool known = w->x.versions_known;

	fputs(known ? ", \"versions\": [" : ", \"versions\": null", stdout);
	for (int i = 0; known && i < LABELER_VERSIONS; i++) {
		fputs(i ? ", {" : "{", stdout);
		text_field("version", labeler_version_text((enum labeler_version)i));
		fputs(", ", stdout);
		result_fields(&w->x.versions[i]);
		putchar('}');
	}
	if (known)
		putchar(']');
}

void why_print_json(const struct why *w)
{
	putchar('{');
	text_field("path", w->path);
	next_text("type", type_text(w->type));
	next_text("type_in_tree", type_text(w->found));
	fputs(", ", stdout);
	result_fields(&w->result);
	database(w);
	next_text("decided_by", w->decides ? w->decides->path : w->path);
	next_bool("conflict", w->conflict);
	names(w);
	next_text("target", w->target);
	next_text("key", w->x.key);
	substitutions(&w->x);
	matches(w);
	next_bool("version_dependent", w->x.result.differs != 0);
	versions(w);
	putchar('}');
}
