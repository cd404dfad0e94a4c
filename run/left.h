/* SPDX-License-Identifier: MIT */
/* What the program leaves behind when it ends. */
#ifndef RUN_LEFT_H
#define RUN_LEFT_H

#include <stdbool.h>

/*
 * Kills all below this process whose calls are held back, which the view's daemon and the
 * guard are not. True once none is left. It reaps whoever dies meanwhile.
 */
bool left_kill(int listener);

#endif
