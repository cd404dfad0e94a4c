/* SPDX-License-Identifier: MIT */
#include "tools/report.h"

#include <stdio.h>
#include <string.h>

#include "common/quote.h"
#include "tools/command.h"
#include "tools/show.h"

static void json_field(const char *key, const char *text)
{
	printf(", ");
	show_json_bytes(stdout, key, text, strlen(text));
}

static void start_object(struct report *r, const char *kind)
{
	printf("%s{\"finding\": \"%s\"", r->findings++ ? ",\n " : "[", kind);
}

/* One line, or one JSON object, about a path. */
void report_finding(struct report *r, const char *kind, const char *path, const char *to,
	const char *text)
{
	if (r->json) {
		start_object(r, kind);
		json_field("path", path);
		if (to)
			json_field("to", to);
		if (text)
			json_field("text", text);
		printf("}");
	} else {
		r->findings++;
		printf("%s /", kind);
		quote_print(stdout, path, strlen(path));
		if (to) {
			printf(" -> /");
			quote_print(stdout, to, strlen(to));
		}
		if (text)
			printf(" (%s)", text);
		putchar('\n');
	}
}

void report_difference(struct report *r, const char *image, const struct difference *d)
{
	if (r->json) {
		start_object(r, "difference");
		json_field("image", image);
		json_field("path", d->path);
		json_field("field", d->field);
		json_field("expected", d->expected);
		json_field("found", d->found);
		putchar('}');
		return;
	}
	r->findings++;
	quote_print(stdout, image, strlen(image));
	fputs(": /", stdout);
	quote_print(stdout, d->path, strlen(d->path));
	printf(" %s: expected %s, found %s\n", d->field, d->expected, d->found);
}

void report_drift(void *arg, const struct drift *d)
{
	report_finding(arg, drift_name(d->kind), d->path, d->to, NULL);
}

int report_end(struct report *r, const char *staging, const char *fine)
{
	if (r->json)
		printf("%s]\n", r->findings ? "" : "[");
	else if (!r->findings)
		printf("%s: %s\n", staging, fine);
	return r->findings ? EXIT_FINDINGS : EXIT_FINE;
}

void report_break(struct report *r)
{
	if (r->json)
		printf("%s]\n", r->findings ? "" : "[");
}
