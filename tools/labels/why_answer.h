/* SPDX-License-Identifier: MIT */
/*
 * Why a path has its label: what the database holds, what the policy says and by which
 * rule, and which of a file's names decides.
 */
#ifndef TOOLS_LABELS_WHY_ANSWER_H
#define TOOLS_LABELS_WHY_ANSWER_H

#include "fs/engine.h"
#include "labeler/labeler.h"

/* What the database holds for the path. */
enum why_recorded {
	WHY_NO_FILE, /* nothing is at the path */
	WHY_NO_DATABASE,
	WHY_NO_RECORD,
	WHY_NO_LABEL, /* a record without one */
	WHY_EXCLUDED, /* marked as what <<none>> excludes */
	WHY_LABEL,
};

/* One of several names of a file. */
struct why_name {
	char *path; /* below the root, without leading '/' */
	struct labeler_result result;
	bool decides;  /* the bytewise first */
	bool conflict; /* the policy gives it another label than the one that decides */
	bool asked;    /* the path that was asked about */
};

struct why_query {
	struct engine *en;
	struct labeler *labeler;
	const struct labeler_options *options;
	const char *prefix; /* absolute and clean */
	mode_t type;        /* --type, 0: that of the file */
};

struct why {
	const struct why_query *query;
	const char *path; /* below the root, without leading '/' */
	char *target;     /* what the policy was asked for: with the prefix */
	mode_t type;      /* of the question */
	mode_t found;     /* of the file; 0: nothing is there */
	enum why_recorded recorded;
	const char *recorded_label;   /* with WHY_LABEL */
	struct labeler_explanation x; /* of this path, whether or not it decides */
	struct why_name *names; /* bytewise; none where the file has one name only */
	size_t name_count;
	const struct why_name *decides; /* among names; NULL: the path itself */
	struct labeler_result result;   /* what the file gets */
	bool conflict; /* the policy gives this name another label than the file */
	bool compared; /* database and policy can be compared */
	bool differs;  /* and differ */
};

/*
 * The answer for a path below the engine's root; out is freed by why_free(), after a
 * failure too. query and path must outlive it. Returns 0 or -1.
 */
int why_answer(
	struct why *out, const struct why_query *query, const char *path, struct err *e);
void why_free(struct why *w);

#define cleanup_why __attribute__((cleanup(why_free)))

/* The policy has another label for the one result than for the other. */
bool why_labels_differ(const struct labeler_result *a, const struct labeler_result *b);

/* A verdict as one word for programs, and in plain words for people. */
#define WHY_REASON_MAX 128
const char *why_verdict_name(enum labeler_verdict v);
void why_reason(const struct why *w, const struct labeler_match *m,
	char text[static WHY_REASON_MAX]);

/* To standard output: lines, or one JSON object without a newline. */
void why_print_text(const struct why *w);
void why_print_json(const struct why *w);

#endif
