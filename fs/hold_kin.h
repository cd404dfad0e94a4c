/* SPDX-License-Identifier: MIT */
/* The threads of all processes that descend from one, by proc(5). */
#ifndef FS_HOLD_KIN_H
#define FS_HOLD_KIN_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether the kernel tells who was started by whom (CONFIG_PROC_CHILDREN). */
bool kin_known(void);

/* A thread that a process below root has, or is. */
bool kin_below(pid_t root, pid_t thread);

/* It runs, or waits for a processor only. */
bool kin_runs(pid_t thread);

/*
 * Calls fn for each thread of the processes below root; not for root's own, nor for those
 * of the process except and of what is below that. Who starts or ends meanwhile may be
 * left out.
 */
typedef void kin_fn(void *arg, pid_t thread);
void kin_each(pid_t root, pid_t except, kin_fn *fn, void *arg);

#endif
