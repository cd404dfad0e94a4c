/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/node.h"

bool finding_breaks_seal(enum finding_kind kind)
{
	return kind == FINDING_CHANGED || kind == FINDING_UNREADABLE ||
	       kind == FINDING_UNLABELED || kind == FINDING_BAD_XATTR ||
	       kind == FINDING_DATABASE;
}

/* Takes the texts over; what does not fit is only counted. */
static int keep(struct engine *en, struct finding *f)
{
	struct finding *p;

	if (en->finding_count >= FINDINGS_MAX || !f->path || !f->text)
		return -1;
	p = reallocarray(en->findings, en->finding_count + 1, sizeof(*p));
	if (!p)
		return -1;
	en->findings = p;
	p[en->finding_count++] = *f;
	*f = (struct finding){0};
	return 0;
}

static char *finding_path(const struct node *n)
{
	char *path = n ? engine_path(n) : NULL;
	char *full = NULL;

	if (!n)
		return strdup("");
	if (!path || asprintf(&full, "/%s", path) < 0)
		full = NULL;
	free(path);
	return full;
}

void engine_find_fault(
	struct engine *en, struct node *n, enum finding_kind kind, const char *fmt, ...)
{
	struct finding f = {.kind = kind};
	uint16_t *told = n ? &n->told : &en->told;
	va_list ap;

	pthread_mutex_lock(&en->findings_lock);
	if (*told & 1u << kind) {
		pthread_mutex_unlock(&en->findings_lock);
		return;
	}
	*told |= (uint16_t)(1u << kind);
	en->seal_broken |= finding_breaks_seal(kind);
	va_start(ap, fmt);
	if (vasprintf(&f.text, fmt, ap) < 0)
		f.text = NULL;
	va_end(ap);
	f.path = finding_path(n);
	if (en->on_finding && f.path && f.text)
		en->on_finding(en->on_finding_arg, &f);
	if (keep(en, &f) < 0)
		en->findings_dropped++;
	free(f.path);
	free(f.text);
	pthread_mutex_unlock(&en->findings_lock);
}

size_t engine_findings(
	struct engine *en, void (*fn)(void *arg, const struct finding *f), void *arg)
{
	size_t total;

	pthread_mutex_lock(&en->findings_lock);
	for (size_t i = 0; i < en->finding_count; i++)
		fn(arg, &en->findings[i]);
	total = en->finding_count + en->findings_dropped;
	pthread_mutex_unlock(&en->findings_lock);
	return total;
}

bool engine_seal_broken(struct engine *en)
{
	bool broken;

	pthread_mutex_lock(&en->findings_lock);
	broken = en->seal_broken;
	pthread_mutex_unlock(&en->findings_lock);
	return broken;
}

void engine_on_finding(
	struct engine *en, void (*fn)(void *arg, const struct finding *f), void *arg)
{
	en->on_finding = fn;
	en->on_finding_arg = arg;
}

void findings_free(struct engine *en)
{
	for (size_t i = 0; i < en->finding_count; i++) {
		free(en->findings[i].path);
		free(en->findings[i].text);
	}
	free(en->findings);
}
