/* SPDX-License-Identifier: MIT */
#include "tools/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define EVERY_MS 100

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_start(struct progress *p, const char *what)
{
	*p = (struct progress){
		.what = what,
		.terminal = isatty(STDERR_FILENO),
		.shown_at = now_ms(),
	};
}

void progress_step(struct progress *p)
{
	int64_t now;

	p->count++;
	if (!p->terminal)
		return;
	now = now_ms();
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
