/* SPDX-License-Identifier: MIT */
/*
 * Whether the next message is worth looking for. A thread that sleeps until there is one
 * has to be woken, mostly on another processor, which takes longer than most answers
 * (fs/follow.h). One that looks again and again is not woken, but takes a processor for
 * itself. That pays while one program asks and asks, and nobody else needs the processor:
 * so it is tried where messages come soon, each after the answer before, and kept for as
 * long as they come sooner that way.
 *
 * Here is what decides; fs/receiver.h does it. A struct eager is shared by all threads of
 * a session. Counts are near enough: threads that count at once may lose some.
 */
#ifndef FS_EAGER_H
#define FS_EAGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define EAGER_WINDOW 64 /* messages that are looked at together */
/* Nanoseconds from an answer to the next message. */
#define EAGER_SHARED 20000  /* less: mostly, no other processor was woken */
#define EAGER_QUICK  100000 /* soon, on the mean */
/* They must come sooner by so much, in percent of the usual, for it to be kept. */
#define EAGER_FASTER 85
/* Windows without looking after it was in vain, and with it until it is tried again. */
#define EAGER_REST_MAX 64
#define EAGER_STAY_MAX 256
/* Callers that are remembered. */
#define EAGER_CALLERS 64

/* Times are clock_ns(). */
struct eager {
	_Atomic bool on;
	_Atomic int64_t answered; /* the last message */
	_Atomic pid_t caller;     /* of the last message */
	_Atomic pid_t asked[EAGER_CALLERS];
	_Atomic uint64_t under_way; /* answers: how many, and the sum of their callers */
	_Atomic int messages;       /* of this window */
	_Atomic int aside;          /* of them, those of callers that ask at once */
	_Atomic int far;            /* of them, those that did not come at once */
	_Atomic int64_t waited;     /* for them, after each answer */
	_Atomic int64_t usual;      /* the mean of that while it was off */
	_Atomic int windows;        /* until what is now is changed */
	_Atomic int rest, stay;     /* the last of these */
	_Atomic int trial;          /* windows until it is compared with the usual */
};

void eager_init(struct eager *g);

/* The next message is worth looking for. */
static inline bool eager_on(const struct eager *g)
{
	return atomic_load_explicit(&g->on, memory_order_relaxed);
}

/*
 * A message of that thread (its kernel number; 0, the kernel's own, says nothing) has
 * come. held: he may run on one processor only, where he is followed.
 */
void eager_heard(struct eager *g, pid_t caller, bool held, int64_t now);

/* He has his answer. */
void eager_answered(struct eager *g, pid_t caller, int64_t now);

/* Another program has taken the processor from the thread that looks. */
void eager_taken(struct eager *g);

#endif
