/* SPDX-License-Identifier: MIT */
/* The seccomp filter (seccomp(2), Documentation/userspace-api/seccomp_filter.rst). */
#ifndef RUN_FILTER_H
#define RUN_FILTER_H

#include "common/err.h"
#include "run/calls.h"

/*
 * Puts the filter of run/calls.h on the calling thread, for good and for all that it
 * starts, with no_new_privs: what is held back goes to the listener that is returned
 * (close-on-exec). Programs of another architecture are killed, io_uring is not there.
 * scopes: those that apply, or'ed. -1 with e set, which says what the host lacks.
 */
int filter_install(unsigned scopes, struct err *e);

#endif
