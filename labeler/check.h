/* SPDX-License-Identifier: MIT */
/*
 * Whether a binary policy knows a context: user, role, type and range, and that they may
 * stand together. libsepol is the judge.
 *
 * It knows nothing of files: a type that is meant for processes is as valid on a file as
 * any other, though the kernel will not let a process put it there.
 *
 * A policy is untrusted input, and libsepol loops for minutes over some damaged ones. So
 * it runs in a process of its own, which holds nothing of the caller's, is bounded in
 * time and memory, and whose end is an error like any other. Loading a policy takes it
 * 20 to 35 ms and 13 MB, a context one microsecond, and a question some tens of them,
 * however many contexts it is about: ask about many at once, and about each only once.
 *
 * A label_check is used by one thread at a time.
 */
#ifndef LABELER_CHECK_H
#define LABELER_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct label_check;

/*
 * Begins to read the policy in the regular file fd, which stays the caller's and is not
 * needed any more afterwards; at most 256 MiB. shown is its path for messages. A file
 * that is no policy, and one that is newer than libsepol, are errors here; what libsepol
 * finds wrong with it is told by label_check_wait() and by all questions. Returns 0, or
 * -1 with *out NULL.
 */
int label_check_open(struct label_check **out, int fd, const char *shown, struct err *e);

/* Waits until the policy is loaded; nobody needs to. Returns 0, or -1: it cannot be. */
int label_check_wait(struct label_check *c, struct err *e);

/*
 * 1: the policy has the context; 0: it has not, and e says why; -1: libsepol could not
 * say. <<none>> is no context.
 */
int label_check_context(struct label_check *c, const char *context, struct err *e);

/* The same for many: valid[i] is true where the policy has contexts[i]. 0 or -1. */
int label_check_contexts(struct label_check *c, const char *const *contexts, size_t count,
	bool *valid, struct err *e);

void label_check_close(struct label_check *c);

/* Versions of policies that the libsepol which is installed can read. */
unsigned label_check_oldest(void);
unsigned label_check_newest(void);

/* label_check_open() with its limit: milliseconds on a processor, for loading and for
   each question. */
int label_check_open_within(
	struct label_check **out, int fd, const char *shown, unsigned ms, struct err *e);

#endif
