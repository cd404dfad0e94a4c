/* SPDX-License-Identifier: MIT */
#include "fs/hold.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"

/* So many questions within these nanoseconds: it mostly waits for answers. */
#define MANY      64
#define BUSY_TIME 15000000
#define SILENT    10 /* so few between two looks, and it is busy no more */
/* Looks until the other way is tried for the first time, and at last. */
#define TRY_FIRST 3
#define TRY_LAST  50
/* It must be faster by so much, in percent of the usual, to be kept. */
#define FASTER  125
#define CALLERS 256 /* that are counted at a time, by their numbers' last digits */

#define SLOTS      64
#define LOOK_EVERY 20000000 /* nanoseconds: as long may one be silent, or new */
#define TRY_FOR    4000000  /* nanoseconds: a slower way costs most of that */
#define BEING_MADE (-1)
#define DEEPEST    64 /* generations that are looked at */

/*
 * One that is busy. Whether it gets on better where it is held is tried from time to
 * time: that processor may be another program's too.
 */
struct slot {
	_Atomic pid_t thread; /* 0 none */
	int processor;        /* that it is held on */
	cpu_set_t before;     /* where it might run */
	/* What follows is the looking thread's. */
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
	sem_t some;        /* one is held, perhaps */
	pthread_t looking; /* the server's */
	struct slot slots[SLOTS];
	struct caller callers[CALLERS];
};

int hold_only_processor(pid_t thread, cpu_set_t *may)
{
	if (sched_getaffinity(thread, sizeof(*may), may) < 0)
		CPU_ZERO(may);
	if (CPU_COUNT(may) != 1)
		return -1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, may))
			return i;
	return -1;
}

struct hold *hold_new(pid_t root)
{
	struct hold *h;
	cpu_set_t home;

	if (sched_getaffinity(0, sizeof(home), &home) < 0 || CPU_COUNT(&home) < 2 ||
		access("/proc/thread-self/children", R_OK) < 0)
		return NULL;
	h = mmap(NULL, sizeof(*h), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	if (h == MAP_FAILED)
		return NULL;
	h->root = root;
	h->home = home;
	sem_init(&h->some, true, 0);
	return h;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
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
static int choose(struct hold *h, const cpu_set_t *may)
{
	unsigned held[CPU_SETSIZE] = {0};
	int here = sched_getcpu(), best = -1;

	for (int i = 0; i < SLOTS; i++)
		if (atomic_load(&h->slots[i].thread) > 0)
			held[h->slots[i].processor]++;
	if (here >= 0 && CPU_ISSET(here, may))
		best = here;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, may) && (best < 0 || held[i] < held[best]))
			best = i;
	return best;
}

/* proc(5): what stands behind the name, which may hold anything, begins "S PPID". */
static pid_t parent_of(pid_t thread)
{
	cleanup_fclose FILE *f = NULL;
	char path[32], line[512];
	const char *behind;
	size_t n;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", thread);
	f = fopen(path, "re");
	n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;
	line[n] = '\0';
	behind = strrchr(line, ')');
	return behind && sscanf(behind, ") %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_ours(const struct hold *h, pid_t thread)
{
	for (int depth = 0; thread > 1 && depth < DEEPEST; depth++) {
		thread = parent_of(thread);
		if (thread == h->root)
			return true;
	}
	return false;
}

static bool put(const struct slot *s, pid_t thread)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(s->processor, &one);
	return sched_setaffinity(thread, sizeof(one), &one) == 0;
}

static void hold_on(struct hold *h, pid_t thread, const cpu_set_t *may)
{
	struct slot *s = take_slot(h);

	if (!s)
		return;
	s->before = *may;
	s->processor = choose(h, may);
	s->free = s->trial = false;
	s->looked = now_ns();
	s->seen = asked_by(h, thread);
	s->looks = 0;
	s->next = TRY_FIRST;
	if (!put(s, thread)) {
		atomic_store(&s->thread, 0);
		return;
	}
	atomic_store(&s->thread, thread);
	sem_post(&h->some);
}

static void is_busy(struct hold *h, pid_t thread)
{
	cpu_set_t may;

	if (!find(h, thread) && hold_only_processor(thread, &may) < 0 &&
		CPU_COUNT(&may) > 1 && is_ours(h, thread))
		hold_on(h, thread, &may);
}

/* Counts are near enough: threads that count at once may lose some. */
bool hold_heard(struct hold *h, pid_t thread)
{
	struct caller *c = h && thread > 0 ? &h->callers[thread % CALLERS] : NULL;
	unsigned asked;
	int64_t now;
	bool busy;

	if (!c || atomic_load(&h->never))
		return false;
	asked = atomic_fetch_add_explicit(&c->asked, 1, memory_order_relaxed);
	if (atomic_load_explicit(&c->thread, memory_order_relaxed) == thread &&
		asked - atomic_load_explicit(&c->before, memory_order_relaxed) < MANY)
		return false;
	now = now_ns();
	busy = atomic_exchange(&c->thread, thread) == thread &&
	       now - atomic_load(&c->since) < BUSY_TIME;
	atomic_store(&c->since, now);
	atomic_store(&c->before, asked);
	if (busy)
		is_busy(h, thread);
	return busy;
}

/* If it is still as it was put; what it chose itself stays. */
static void give_back(pid_t thread, int processor, const cpu_set_t *before)
{
	cpu_set_t now;

	if (hold_only_processor(thread, &now) == processor)
		sched_setaffinity(thread, sizeof(*before), before);
}

static void let_go(struct slot *s)
{
	pid_t thread = atomic_load(&s->thread);

	if (thread <= 0 ||
		!atomic_compare_exchange_strong(&s->thread, &thread, BEING_MADE))
		return;
	give_back(thread, s->processor, &s->before);
	atomic_store(&s->thread, 0);
}

/* --- who was started by one that was held */

/* A thread of the session that is held without having a slot. */
static void free_stray(struct hold *h, pid_t thread)
{
	cpu_set_t now;

	if (!find(h, thread) && hold_only_processor(thread, &now) >= 0)
		sched_setaffinity(thread, sizeof(h->home), &h->home);
}

static void free_strays_below(struct hold *h, pid_t process, int depth);

static void free_children(struct hold *h, pid_t process, pid_t thread, int depth)
{
	cleanup_fclose FILE *f = NULL;
	char path[64];
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", process, thread);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1)
		if (child != atomic_load(&h->server))
			free_strays_below(h, child, depth + 1);
}

static void free_strays_below(struct hold *h, pid_t process, int depth)
{
	cleanup_closedir DIR *d = NULL;
	struct dirent *ent;
	char path[32];

	if (depth > DEEPEST)
		return;
	snprintf(path, sizeof(path), "/proc/%d/task", process);
	d = opendir(path);
	while (d && (ent = readdir(d))) {
		pid_t thread = (pid_t)atoi(ent->d_name);

		if (thread <= 0)
			continue;
		if (process != h->root)
			free_stray(h, thread);
		free_children(h, process, thread, depth);
	}
}

/* --- when */

void hold_release(struct hold *h)
{
	if (!h)
		return;
	for (int i = 0; i < SLOTS; i++)
		let_go(&h->slots[i]);
	free_strays_below(h, h->root, 0);
}

void hold_never(struct hold *h)
{
	if (h && !atomic_exchange(&h->never, true))
		hold_release(h);
}

/* From held to free, or back. Who was let go meanwhile, by another thread, stays free. */
static void change(struct slot *s, pid_t thread)
{
	s->free = !s->free;
	if (!s->free)
		put(s, thread);
	if (s->free || atomic_load(&s->thread) != thread)
		give_back(thread, s->processor, &s->before);
}

/* The faster way is kept, and the other tried for a moment. rate: questions a second. */
static void compare(struct slot *s, pid_t thread, int64_t rate)
{
	if (s->trial) {
		s->trial = false;
		if (rate * 100 < s->usual * FASTER)
			change(s, thread);
		s->looks = 0;
		s->next = s->next * 2 < TRY_LAST ? s->next * 2 : TRY_LAST;
	} else if (++s->looks >= s->next) {
		s->trial = true;
		s->usual = rate;
		change(s, thread);
	}
}

static void look_at(const struct hold *h, struct slot *s, int64_t now)
{
	pid_t thread = atomic_load(&s->thread);
	unsigned asked = thread > 0 ? asked_by(h, thread) : 0;
	unsigned lately = asked - s->seen;
	int64_t took = now - s->looked;

	if (thread <= 0 || took < (s->trial ? TRY_FOR : LOOK_EVERY) / 2)
		return;
	/* Too few to say anything. */
	if (s->trial && lately < MANY && took < LOOK_EVERY)
		return;
	s->seen = asked;
	s->looked = now;
	if (!asked || (lately < SILENT && !s->trial))
		let_go(s);
	else
		compare(s, thread, lately * INT64_C(1000000000) / took);
}

/* After how many nanoseconds there is somebody to look at again; 0: there is nobody. */
static long look(struct hold *h)
{
	int64_t now = now_ns();
	long next = 0;

	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = &h->slots[i];

		if (atomic_load(&s->thread) == 0)
			continue;
		look_at(h, s, now);
		next = s->trial || next == TRY_FOR ? TRY_FOR : LOOK_EVERY;
	}
	if (next && !atomic_load(&h->never))
		free_strays_below(h, h->root, 0);
	return next;
}

/* It can be cancelled only where it waits. */
static void *keep_looking(void *arg)
{
	struct timespec pause = {0};
	struct hold *h = arg;

	for (;;) {
		while (sem_wait(&h->some) < 0 && errno == EINTR)
			;
		pause.tv_nsec = LOOK_EVERY;
		do {
			nanosleep(&pause, NULL);
			pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
			pause.tv_nsec = look(h);
			pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		} while (pause.tv_nsec);
	}
	return NULL;
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
	pthread_cancel(h->looking);
	pthread_join(h->looking, NULL);
}
