/* SPDX-License-Identifier: MIT */
#include "fs/hold.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "fs/hold_kin.h"
#include "fs/hold_whole.h"

/* So many questions within these nanoseconds: it mostly waits for answers. */
#define MANY      64
#define BUSY_TIME 15000000
#define SILENT    10 /* so few between two looks, and it is busy no more */
/* Looks until the other way is tried for the first time, and at last. */
#define TRY_FIRST 3
#define TRY_LAST  50
/* It must be faster by so much, in percent of the usual, to be kept. */
#define FASTER 125
/* So many new callers within these nanoseconds: programs come and go. */
#define SOME      16
#define COME_TIME 200000000
#define CALLERS   256 /* that are counted at a time, by their numbers' last digits */

#define SLOTS      64
#define LOOK_EVERY WHOLE_LOOK /* nanoseconds: as long may one be silent, or new */
#define TRY_FOR    4000000    /* nanoseconds: a slower way costs most of that */
#define BEING_MADE (-1)

/* One that is busy. */
struct slot {
	_Atomic pid_t thread;  /* 0 none */
	_Atomic int processor; /* that it is held on */
};

/*
 * What the looking thread knows of the one in a slot. Whether it gets on better where it
 * is held is tried from time to time: that processor may be another program's too.
 */
struct watch {
	pid_t thread;
	bool free, trial;     /* not held now; how it is now is being tried */
	int64_t looked;       /* the last look, nanoseconds */
	unsigned seen;        /* questions that it had asked by then */
	int64_t usual;        /* questions a second before the trial */
	unsigned looks, next; /* since the last trial; after so many comes another */
};

struct caller {
	_Atomic pid_t thread;
	_Atomic unsigned asked;
	_Atomic unsigned before; /* of them, those before since */
	_Atomic int64_t since;   /* nanoseconds */
};

struct hold {
	pid_t root;
	_Atomic pid_t server; /* the process that answers the view; it places itself */
	cpu_set_t home;       /* where all may run */
	_Atomic bool never;
	sem_t some;               /* one is held, perhaps, or many come and go */
	sem_t over;               /* hold_end() */
	pthread_t looking;        /* the server's */
	_Atomic unsigned asked;   /* questions of all */
	_Atomic unsigned came;    /* callers that were others than before */
	_Atomic int64_t came_at;  /* some of them, nanoseconds */
	_Atomic int whole_on;     /* all are held on that processor; -1: not as a whole */
	struct whole whole;       /* this and what follows is the looking thread's */
	int64_t looked;           /* for whole */
	unsigned seen, seen_came; /* by then */
	struct watch watches[SLOTS];
	struct slot slots[SLOTS];
	struct caller callers[CALLERS];
};

int hold_only_processor(pid_t thread)
{
	cpu_set_t may;

	if (sched_getaffinity(thread, sizeof(may), &may) < 0 || CPU_COUNT(&may) != 1)
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &may))
			return i;
	return -1;
}

struct hold *hold_new(pid_t root)
{
	struct hold *h;
	cpu_set_t home;

	if (sched_getaffinity(0, sizeof(home), &home) < 0 || CPU_COUNT(&home) < 2 ||
		!kin_known())
		return NULL;
	h = mmap(NULL, sizeof(*h), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	if (h == MAP_FAILED)
		return NULL;
	h->root = root;
	h->home = home;
	atomic_store(&h->whole_on, -1);
	sem_init(&h->some, true, 0);
	sem_init(&h->over, true, 0);
	return h;
}

static struct slot *find(struct hold *h, pid_t thread)
{
	for (int i = 0; i < SLOTS; i++)
		if (atomic_load(&h->slots[i].thread) == thread)
			return &h->slots[i];
	return NULL;
}

static struct slot *take_slot(struct hold *h)
{
	for (int i = 0; i < SLOTS; i++) {
		pid_t none = 0;

		if (atomic_compare_exchange_strong(
			    &h->slots[i].thread, &none, BEING_MADE))
			return &h->slots[i];
	}
	return NULL;
}

static unsigned asked_by(const struct hold *h, pid_t thread)
{
	const struct caller *c = &h->callers[thread % CALLERS];

	return atomic_load(&c->thread) == thread ? atomic_load(&c->asked) : 0;
}

/* Of those where it may run the one with the fewest held; at best the one in use here. */
static int choose(const struct hold *h)
{
	unsigned held[CPU_SETSIZE] = {0};
	int here = sched_getcpu(), best = -1;

	for (int i = 0; i < SLOTS; i++)
		if (atomic_load(&h->slots[i].thread) > 0)
			held[atomic_load(&h->slots[i].processor)]++;
	if (here >= 0 && CPU_ISSET(here, &h->home))
		best = here;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &h->home) && (best < 0 || held[i] < held[best]))
			best = i;
	return best;
}

static void put(int processor, pid_t thread)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	sched_setaffinity(thread, sizeof(one), &one);
}

/* If it is still as it was put; what it chose itself stays. */
static void give_back(const struct hold *h, pid_t thread, int processor)
{
	if (hold_only_processor(thread) == processor)
		sched_setaffinity(thread, sizeof(h->home), &h->home);
}

static void hold_on(struct hold *h, pid_t thread)
{
	struct slot *s = take_slot(h);
	int processor;

	if (!s)
		return;
	processor = choose(h);
	atomic_store(&s->processor, processor);
	atomic_store(&s->thread, thread);
	put(processor, thread);
	/* It was let go meanwhile, by another thread. */
	if (atomic_load(&s->thread) != thread)
		give_back(h, thread, processor);
	sem_post(&h->some);
}

static void is_busy(struct hold *h, pid_t thread)
{
	cpu_set_t may;

	if (!find(h, thread) && sched_getaffinity(thread, sizeof(may), &may) == 0 &&
		CPU_EQUAL(&may, &h->home) && kin_below(h->root, thread))
		hold_on(h, thread);
}

/* Programs come and go: they may have to be looked at as a whole. */
static void another_came(struct hold *h, int64_t now)
{
	if (atomic_fetch_add(&h->came, 1) % SOME == 0 &&
		now - atomic_exchange(&h->came_at, now) < COME_TIME)
		sem_post(&h->some);
}

/* Counts are near enough: threads that count at once may lose some. */
bool hold_heard(struct hold *h, pid_t thread)
{
	struct caller *c = h && thread > 0 ? &h->callers[thread % CALLERS] : NULL;
	unsigned asked;
	bool busy, same;
	int64_t now;

	if (!c || atomic_load(&h->never))
		return false;
	atomic_fetch_add_explicit(&h->asked, 1, memory_order_relaxed);
	asked = atomic_fetch_add_explicit(&c->asked, 1, memory_order_relaxed);
	if (atomic_load_explicit(&c->thread, memory_order_relaxed) == thread &&
		asked - atomic_load_explicit(&c->before, memory_order_relaxed) < MANY)
		return false;
	now = clock_ns();
	same = atomic_exchange(&c->thread, thread) == thread;
	busy = same && now - atomic_load(&c->since) < BUSY_TIME;
	atomic_store(&c->since, now);
	atomic_store(&c->before, asked);
	if (busy)
		is_busy(h, thread);
	else if (!same)
		another_came(h, now);
	return busy;
}

static void let_go(const struct hold *h, struct slot *s)
{
	pid_t thread = atomic_load(&s->thread);

	if (thread <= 0 ||
		!atomic_compare_exchange_strong(&s->thread, &thread, BEING_MADE))
		return;
	give_back(h, thread, atomic_load(&s->processor));
	atomic_store(&s->thread, 0);
}

/* --- all of the session */

static void free_stray(void *arg, pid_t thread)
{
	struct hold *h = arg;

	if (!find(h, thread) && hold_only_processor(thread) >= 0)
		sched_setaffinity(thread, sizeof(h->home), &h->home);
}

/* Threads that are held without having a slot: who started them was held. */
static void free_strays(struct hold *h)
{
	kin_each(h->root, atomic_load(&h->server), free_stray, h);
}

struct holding {
	struct hold *h;
	int processor;
	unsigned running; /* more than one is enough to know */
};

static void hold_free(void *arg, pid_t thread)
{
	struct holding *g = arg;
	cpu_set_t now;

	if (g->running < 2 && kin_runs(thread))
		g->running++;
	if (find(g->h, thread) || sched_getaffinity(thread, sizeof(now), &now) < 0 ||
		!CPU_EQUAL(&now, &g->h->home))
		return;
	put(g->processor, thread);
	/* All were let go meanwhile, by another thread. */
	if (atomic_load(&g->h->whole_on) != g->processor)
		give_back(g->h, thread, g->processor);
}

/*
 * Puts all where they belong now; how many could run. Who was started meanwhile by one
 * that was not there yet is found at the next look.
 */
static unsigned place_all(struct hold *h)
{
	struct holding g = {.h = h, .processor = atomic_load(&h->whole_on)};

	if (g.processor < 0)
		free_strays(h);
	else
		kin_each(h->root, atomic_load(&h->server), hold_free, &g);
	return g.running;
}

/* --- when */

void hold_release(struct hold *h)
{
	if (!h)
		return;
	for (int i = 0; i < SLOTS; i++)
		let_go(h, &h->slots[i]);
	atomic_store(&h->whole_on, -1);
	free_strays(h);
}

void hold_never(struct hold *h)
{
	if (h && !atomic_exchange(&h->never, true))
		hold_release(h);
}

/* From held to free, or back. Who was let go meanwhile, by another thread, stays free. */
static void change(const struct hold *h, const struct slot *s, struct watch *w)
{
	int processor = atomic_load(&s->processor);

	w->free = !w->free;
	if (!w->free)
		put(processor, w->thread);
	if (w->free || atomic_load(&s->thread) != w->thread)
		give_back(h, w->thread, processor);
}

/* The faster way is kept, and the other tried for a moment. rate: questions a second. */
static void compare(
	const struct hold *h, const struct slot *s, struct watch *w, int64_t rate)
{
	if (w->trial) {
		w->trial = false;
		if (rate * 100 < w->usual * FASTER)
			change(h, s, w);
		w->looks = 0;
		w->next = w->next * 2 < TRY_LAST ? w->next * 2 : TRY_LAST;
	} else if (++w->looks >= w->next) {
		w->trial = true;
		w->usual = rate;
		change(h, s, w);
	}
}

/* Whoever is in the slot now; false: nobody, or one that wakes us as soon as it is. */
static bool watch(
	const struct hold *h, const struct slot *s, struct watch *w, int64_t now)
{
	pid_t thread = atomic_load(&s->thread);

	if (thread == w->thread)
		return thread > 0;
	*w = (struct watch){.thread = thread,
		.looked = now,
		.seen = asked_by(h, thread),
		.next = TRY_FIRST};
	return thread > 0;
}

/* After how many nanoseconds it is to be looked at again; 0: there is nobody. */
static long look_at(struct hold *h, int i, int64_t now)
{
	struct watch *w = &h->watches[i];
	struct slot *s = &h->slots[i];
	unsigned asked, lately;
	int64_t took;
	long pause;

	if (!watch(h, s, w, now))
		return 0;
	asked = asked_by(h, w->thread);
	lately = asked - w->seen;
	took = now - w->looked;
	pause = w->trial ? TRY_FOR : LOOK_EVERY;
	/* Too early, or too few to say anything. */
	if (took < pause / 2 || (w->trial && lately < MANY && took < LOOK_EVERY))
		return pause;
	w->seen = asked;
	w->looked = now;
	if (!asked || (lately < SILENT && !w->trial)) {
		let_go(h, s);
		w->thread = 0;
		return LOOK_EVERY;
	}
	compare(h, s, w, lately * INT64_C(1000000000) / took);
	return w->trial ? TRY_FOR : LOOK_EVERY;
}

/* True: there is something to look at again. */
static bool look_at_whole(struct hold *h, int64_t now, unsigned running)
{
	unsigned asked = atomic_load(&h->asked), came = atomic_load(&h->came);
	struct whole_seen seen = {
		now - h->looked, asked - h->seen, came - h->seen_came, running};
	bool held = atomic_load(&h->whole_on) >= 0;

	/* Looks come more often where a thread is on trial. */
	if (seen.took < LOOK_EVERY * 3 / 4)
		return h->whole.up;
	h->looked = now;
	h->seen = asked;
	h->seen_came = came;
	if (h->whole.held && !held)
		h->whole = (struct whole){0};
	/* Nobody looked for long: what happened is not of now. */
	if (seen.took > LOOK_EVERY * 4)
		return true;
	whole_look(&h->whole, &seen);
	if (h->whole.held != held) {
		atomic_store(&h->whole_on, held ? -1 : choose(h));
		place_all(h);
		/* Said since look() asked: nobody would look at them any more. */
		if (atomic_load(&h->never))
			hold_release(h);
	}
	return h->whole.up;
}

/* After how many nanoseconds there is somebody to look at again; 0: there is nobody. */
static long look(struct hold *h)
{
	unsigned running = 0;
	int64_t now = clock_ns();
	long next = 0;

	for (int i = 0; i < SLOTS; i++) {
		long pause = look_at(h, i, now);

		if (pause && (!next || pause < next))
			next = pause;
	}
	if (atomic_load(&h->never))
		return next;
	if (next || h->whole.up)
		running = place_all(h);
	if (look_at_whole(h, now, running) && !next)
		next = LOOK_EVERY;
	return next;
}

/* False: the end has come meanwhile. */
static bool pause_for(struct hold *h, long nanoseconds)
{
	const struct timespec until = clock_after(nanoseconds);
	int rc;

	do
		rc = sem_clockwait(&h->over, CLOCK_MONOTONIC, &until);
	while (rc < 0 && errno == EINTR);
	return rc < 0;
}

static void *keep_looking(void *arg)
{
	struct hold *h = arg;
	long next = 0;

	do {
		while (!next && sem_wait(&h->some) < 0 && errno == EINTR)
			;
		if (!pause_for(h, next ? next : LOOK_EVERY))
			return NULL;
		next = look(h);
	} while (true);
}

int hold_begin(struct hold *h)
{
	if (!h)
		return 0;
	atomic_store(&h->server, getpid());
	return -pthread_create(&h->looking, NULL, keep_looking, h);
}

void hold_end(struct hold *h)
{
	if (!h)
		return;
	hold_never(h);
	sem_post(&h->over);
	sem_post(&h->some);
	pthread_join(h->looking, NULL);
}
