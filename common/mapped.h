/* SPDX-License-Identifier: MIT */
/* Files that are written to by way of a mapping. */
#ifndef COMMON_MAPPED_H
#define COMMON_MAPPED_H

#include <stdbool.h>

/*
 * btrfs wants new room whenever a page of a file that was flushed is changed, and kills
 * who changes it in a mapping (SIGBUS) where there is none.
 */
bool mapped_wants_room(int fd);

/* From now on it is changed in place: for a file that is still empty. */
void mapped_in_place(int fd);

#endif
