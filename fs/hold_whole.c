/* SPDX-License-Identifier: MIT */
#include "fs/hold_whole.h"

/* Questions a second that make it worth to be looked at. */
#define MANY 4000
/* So many looks in a row with fewer: it is over. */
#define QUIET 25
/* So many in a row with two that could run at once: one processor is not enough. */
#define CROWDED 3

/* A trial: free and held by turns, so that what runs meanwhile is much the same. */
#define WINDOWS      4
#define WINDOW_LOOKS 6 /* the first does not count: all are on their way */
/* It must be faster held by so much, in percent. */
#define FASTER 105
/* Looks from one trial to the next, at first and at most. */
#define NEXT_FIRST 100
#define NEXT_LAST  400

static void begin_trial(struct whole *w)
{
	w->trial = true;
	w->window = w->looks = 0;
	w->asked[0] = w->asked[1] = w->took[0] = w->took[1] = 0;
}

static void end_trial(struct whole *w, bool held)
{
	w->trial = false;
	w->held = held;
	w->looks = w->crowded = 0;
	w->next = !w->next                  ? NEXT_FIRST
		  : w->next * 2 < NEXT_LAST ? w->next * 2
					    : NEXT_LAST;
}

/* Questions a second; what took nothing had none. */
static double rate(const struct whole *w, bool held)
{
	return w->took[held] ? (double)w->asked[held] * 1e9 / (double)w->took[held] : 0;
}

static void go_on_trying(struct whole *w, const struct whole_seen *seen)
{
	if (w->looks++) {
		w->asked[w->held] += seen->asked;
		w->took[w->held] += seen->took;
	}
	if (w->looks < WINDOW_LOOKS)
		return;
	w->looks = 0;
	w->held = !w->held;
	if (++w->window == WINDOWS)
		end_trial(w, rate(w, true) * 100 >= rate(w, false) * FASTER);
}

void whole_look(struct whole *w, const struct whole_seen *seen)
{
	bool busy = (w->up || seen->came) &&
		    (double)seen->asked * 1e9 >= (double)seen->took * MANY;

	w->quiet = busy ? 0 : w->quiet + 1;
	w->crowded = seen->running > 1 ? w->crowded + 1 : 0;
	if (w->quiet >= QUIET || (!w->up && !busy)) {
		*w = (struct whole){0};
		return;
	}
	if (!w->up) {
		w->up = true;
		begin_trial(w);
	} else if (w->held && w->crowded >= CROWDED) {
		end_trial(w, false);
	} else if (w->trial) {
		go_on_trying(w, seen);
	} else if (++w->looks >= w->next) {
		begin_trial(w);
	}
}
