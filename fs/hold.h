/* SPDX-License-Identifier: MIT */
/*
 * Programs that belong to a session, and are held on one processor for as long as they
 * ask and ask: what answers them follows them there (fs/follow.h), and two that share a
 * processor change places where each would else wake the other's idle one. Only
 * descendants of the session's own process belong to it; nobody else is ever held.
 *
 * Who is silent for a moment is let go, and so is whoever was started meanwhile by one
 * that is held: who comes to life on one processor must not stay there. Where it gets on
 * better when it is not held, since others use that processor too, it is not. Where many
 * come and go one after the other, all are held together (fs/hold_whole.h).
 *
 * A struct hold is shared by all threads, and by processes that are forked after
 * hold_new(). All functions take NULL for a session that holds nobody.
 */
#ifndef FS_HOLD_H
#define FS_HOLD_H

#include <stdbool.h>
#include <sys/types.h>

struct hold;

/*
 * root: the process whose descendants they are. It stays mapped until the process ends.
 * NULL: nobody can be held (there is one processor only, no memory, or a kernel without
 * CONFIG_PROC_CHILDREN, where it could not be told who was started by one that is held).
 */
struct hold *hold_new(pid_t root);

/*
 * In the process that answers the view: starts the thread that lets go of who is silent,
 * for hold_end() to end, if this returned 0 (or -errno). Signals that are for others are
 * blocked.
 */
int hold_begin(struct hold *h);

/* From now on nobody is held. */
void hold_end(struct hold *h);

/*
 * A thread has asked something: holds it where it asks a lot. True: where it may run
 * should be looked at again. One that is held on one processor anyway is left alone.
 */
bool hold_heard(struct hold *h, pid_t thread);

/*
 * The processor that a thread is held on, by whomever; -1: it may run on several, or is
 * gone.
 */
int hold_only_processor(pid_t thread);

/* Lets go of all, before somebody looks at what he may run on. */
void hold_release(struct hold *h);

/* The same for good: somebody chose processors himself. */
void hold_never(struct hold *h);

#endif
