/* SPDX-License-Identifier: MIT */
#include "fs/eager.h"

/* Nanoseconds. Whoever is silent for longer does other things; others are in his way. */
#define SILENT   20000000
#define WAIT_MAX 4000000

void eager_init(struct eager *g)
{
	*g = (struct eager){.rest = 1, .stay = 1};
}

#define GET(field)        atomic_load_explicit(&g->field, memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&g->field, value, memory_order_relaxed)

static int at_most(int n, int most)
{
	return n < most ? n : most;
}

static void begin_window(struct eager *g)
{
	SET(messages, 0);
	SET(aside, 0);
	SET(far, 0);
	SET(waited, 0);
}

static void turn_off(struct eager *g, int windows)
{
	SET(windows, windows);
	SET(on, false);
}

static void in_vain(struct eager *g, int times)
{
	SET(rest, at_most(GET(rest) * times, EAGER_REST_MAX));
	SET(stay, 1);
	turn_off(g, GET(rest));
}

/* The first window has the changes in it, of threads and of processors. */
static void look_at_trial(struct eager *g, int64_t mean)
{
	if (GET(trial) > 1) {
		SET(trial, GET(trial) - 1);
		return;
	}
	SET(trial, 0);
	if (mean * 100 > GET(usual) * EAGER_FASTER) {
		in_vain(g, 2);
		return;
	}
	SET(rest, 1);
	SET(stay, at_most(GET(stay) * 2, EAGER_STAY_MAX));
	SET(windows, GET(stay));
}

static void window_over(struct eager *g)
{
	int64_t mean = GET(waited) / EAGER_WINDOW;
	bool fit = mean < EAGER_QUICK && GET(aside) < EAGER_WINDOW / 4;

	if (GET(windows) > 0)
		SET(windows, GET(windows) - 1);
	if (GET(on)) {
		if (!fit)
			turn_off(g, 0);
		else if (GET(trial))
			look_at_trial(g, mean);
		else if (!GET(windows))
			turn_off(g, 0);
	} else if (fit && GET(far) > EAGER_WINDOW / 2 && !GET(windows)) {
		SET(usual, mean);
		SET(trial, 2);
		SET(on, true);
	}
	begin_window(g);
}

/*
 * Some that take turns ask at once; one after the other are as good as one. Who asks
 * again after somebody else has takes turns, however many do.
 */
static bool together(struct eager *g, pid_t caller)
{
	unsigned place = (unsigned)caller % EAGER_CALLERS;
	bool again;

	if (caller == GET(caller))
		return false;
	again = caller == GET(asked[place]);
	SET(asked[place], caller);
	SET(caller, caller);
	return again;
}

#define ONE_ANSWER ((uint64_t)1 << 40)

static uint64_t answer_of(pid_t caller)
{
	return ONE_ANSWER + (uint64_t)caller;
}

/* Somebody else waits for his answer. The caller himself may, for what is read ahead. */
static bool begin_answer(struct eager *g, pid_t caller)
{
	uint64_t before = atomic_fetch_add_explicit(
		&g->under_way, answer_of(caller), memory_order_relaxed);

	return before % ONE_ANSWER != before / ONE_ANSWER * (uint64_t)caller;
}

void eager_heard(struct eager *g, pid_t caller, bool held, int64_t now)
{
	int64_t waited = now - GET(answered);
	bool others;

	if (caller == 0)
		return;
	others = begin_answer(g, caller);
	if (waited > SILENT)
		return;
	if (together(g, caller) || others || held)
		SET(aside, GET(aside) + 1);
	if (waited > EAGER_SHARED)
		SET(far, GET(far) + 1);
	SET(waited, GET(waited) + (waited < WAIT_MAX ? waited : WAIT_MAX));
	SET(messages, GET(messages) + 1);
	if (GET(messages) >= EAGER_WINDOW)
		window_over(g);
}

void eager_answered(struct eager *g, pid_t caller, int64_t now)
{
	SET(answered, now);
	if (caller)
		atomic_fetch_sub_explicit(
			&g->under_way, answer_of(caller), memory_order_relaxed);
}

void eager_taken(struct eager *g)
{
	if (GET(on)) {
		in_vain(g, 4);
		begin_window(g);
	}
}
