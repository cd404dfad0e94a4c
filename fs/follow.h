/* SPDX-License-Identifier: MIT */
/*
 * A thread that answers messages follows its caller to the processor that he is held on
 * (taskset(1), sched_setaffinity(2)). Waking a thread on another, idle processor costs
 * more than most answers do, above all in a virtual machine; two that share a processor
 * just change places. Callers that may run on several processors are answered from
 * wherever the kernel likes, unless they belong to a session that holds who asks a lot
 * (fs/hold.h).
 *
 * A struct follower belongs to one thread.
 */
#ifndef FS_FOLLOW_H
#define FS_FOLLOW_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

#include "fs/hold.h"

struct follower {
	cpu_set_t home;    /* where the thread may run by itself */
	bool settled;      /* that is one processor, or not known: it follows nobody */
	struct hold *hold; /* may hold callers; NULL: nobody does */
	pid_t caller;      /* of the last message */
	int held;          /* the processor he is held on; -1: may run on several */
	int place;         /* the processor that the thread is held on; -1: home */
	unsigned age;      /* messages since held was asked for */
	unsigned row;      /* messages in a row from callers who are held there */
};

/* For the calling thread. hold: of its session, or NULL. */
void follow_begin(struct follower *f, struct hold *hold);

/* A message of that thread (its kernel number, 0 unknown) has come. */
void follow_caller(struct follower *f, pid_t caller);

#endif
