/* SPDX-License-Identifier: MIT */
#include "tools/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"

#define EVERY_MS 100

void progress_start(struct progress *p, const char *what)
{
	*p = (struct progress){
		.what = what,
		.terminal = isatty(STDERR_FILENO),
		.shown_at = clock_ms(),
	};
}

void progress_step(struct progress *p)
{
	int64_t now;

	p->count++;
	if (!p->terminal)
		return;
	now = clock_ms();
	if (now - p->shown_at < EVERY_MS)
		return;
	fprintf(stderr, "\r%s %" PRIu64 " files", p->what, p->count);
	p->shown_at = now;
	p->visible = true;
}

void progress_clear(struct progress *p)
{
	if (p->visible)
		fprintf(stderr, "\r\033[K");
	p->visible = false;
}
