/* SPDX-License-Identifier: MIT */
/* A writer: choose, log, call, log, compare with what the model says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/view/killed.h"

void writer_open(struct writer *w, const char *log, const char *prefix, uint64_t seed)
{
	struct replay r;

	memset(w, 0, sizeof(*w));
	w->log = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (w->log < 0)
		die("%s: %s", log, strerror(errno));
	model_init(&w->model, prefix);
	log_replay(log, &w->model, &r);
	if (r.outcome == IN_FLIGHT)
		die("%s: check the tree first: an operation is in flight", log);
	/* Whoever held a descriptor has ended. */
	w->model.held = NULL;
	w->chooser.random.state = seed * 2 + 1;
	w->chooser.prefix = prefix;
	w->chooser.serial = (unsigned int)r.all;
	w->performer.held = -1;
	w->performer.sync_dir = -1;
}

void writer_close(struct writer *w)
{
	close(w->log);
	if (w->performer.held >= 0)
		close(w->performer.held);
	model_free(&w->model);
}

enum ended writer_step(struct writer *w)
{
	char text[2 * MAX_PATH + 100];
	struct op op;
	int got, want;

	choose(&w->chooser, &w->model, &op);
	log_op(w->log, &op);
	got = perform(&w->performer, &op);
	if (got == GONE) {
		log_short(w->log, w->performer.done);
		return ENDED_GONE;
	}
	log_result(w->log, got);
	want = model_apply(&w->model, &op);
	if (got == want)
		return ENDED_AS_TOLD;
	op_text(&op, text, sizeof(text));
	fprintf(stderr, "%s: %s, where it had to be: %s\n", text, strerror(got),
		strerror(want));
	return ENDED_WRONG;
}
