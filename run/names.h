/* SPDX-License-Identifier: MIT */
/* What the calls that make files share. */
#ifndef RUN_NAMES_H
#define RUN_NAMES_H

#include "run/calls.h"

/* Makes an inode by the view's daemon, with the target's umask. 0 or -errno. */
int names_make(struct call *c, int dir, const char *name, uint32_t mode, uint32_t rdev);

/* The kernel takes the setgid bit from a new file of this mode, in a setgid directory. */
bool names_lose_setgid(uint32_t mode);

#endif
