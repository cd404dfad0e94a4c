/* SPDX-License-Identifier: MIT */
/* When a session is held as a whole: by made-up rates, look by look. */
#include "fs/hold_whole.h"
#include "tests/unit/tap.h"

/* What happens in a second, free and held. */
struct world {
	unsigned free_rate, held_rate;
	unsigned came, running;
	bool uneven;   /* two looks with much, two with little, and so on */
	unsigned late; /* questions more in the first look after it was let go */
};

/* So many looks: of a hundred, in how many was it held? */
static unsigned go_on(struct whole *w, const struct world *world, unsigned looks)
{
	unsigned held = 0;
	bool was = false;

	for (unsigned i = 0; i < looks; i++) {
		unsigned asked = (w->held ? world->held_rate : world->free_rate) / 50 +
				 (was && !w->held ? world->late : 0);
		struct whole_seen seen = {.took = WHOLE_LOOK,
			.asked = world->uneven ? asked / 2 + asked * (i / 2 % 2) : asked,
			.came = world->came,
			.running = world->running};

		held += was = w->held;
		whole_look(w, &seen);
	}
	return held * 100 / looks;
}

static const struct world one_by_one = {12000, 18000, 5, 1, false, 0};
static const struct world at_once = {12000, 7000, 5, 1, false, 0};
static const struct world quiet = {2000, 2000, 5, 1, false, 0};

static void test_held(void)
{
	struct world uneven = one_by_one, late = one_by_one;
	struct whole w = {0};

	go_on(&w, &one_by_one, 30);
	ok(w.up && w.held, "faster held: held after half a second");
	ok(go_on(&w, &one_by_one, 3000) > 95, "nearly all of the time");
	w = (struct whole){0};
	uneven.uneven = true;
	ok(go_on(&w, &uneven, 3000) > 95, "also where it goes up and down");
	w = (struct whole){0};
	late.late = 4000;
	go_on(&w, &late, 30);
	ok(w.held, "what was asked while all were on their way does not count");
}

static void test_free(void)
{
	struct whole w = {0};

	go_on(&w, &at_once, 30);
	ok(w.up && !w.held, "slower held: not held");
	ok(go_on(&w, &at_once, 3000) < 5, "but for a trial now and then");
	ok(go_on(&w, &at_once, 3000) > 0, "which there is");
	go_on(&w, &one_by_one, 450);
	ok(w.held, "faster from now on: held within some seconds");
	go_on(&w, &at_once, 450);
	ok(!w.held, "and not, when it is slower again");
}

static void test_same(void)
{
	const struct world same = {10000, 10000, 5, 1, false, 0};
	struct whole w = {0};

	go_on(&w, &same, 30);
	ok(w.up && !w.held, "no faster held: not held");
}

static void test_crowded(void)
{
	struct world crowded = one_by_one;
	struct whole w = {0};

	crowded.running = 2;
	go_on(&w, &one_by_one, 30);
	go_on(&w, &crowded, 2);
	ok(w.held, "two run at once for a moment: still held");
	go_on(&w, &one_by_one, 1);
	go_on(&w, &crowded, 2);
	ok(w.held, "another moment");
	go_on(&w, &crowded, 1);
	ok(!w.held && w.up, "for three looks: let go");
	is_int(go_on(&w, &one_by_one, 90), 0, "for some seconds");
	go_on(&w, &one_by_one, 450);
	ok(w.held, "not for good");
	w = (struct whole){0};
	go_on(&w, &crowded, 30);
	ok(!w.held, "what runs at once from the beginning is not held");
}

static void test_quiet(void)
{
	const struct world alone = {20000, 30000, 0, 1, false, 0};
	struct whole w = {0};

	go_on(&w, &quiet, 100);
	ok(!w.up && !w.held, "few questions: nothing to look at");
	go_on(&w, &alone, 100);
	ok(!w.up, "many by one that was there before: neither");
	go_on(&w, &one_by_one, 30);
	go_on(&w, &quiet, 24);
	ok(w.held, "a pause");
	go_on(&w, &one_by_one, 1);
	go_on(&w, &quiet, 24);
	ok(w.held, "and another");
	go_on(&w, &alone, 60);
	ok(w.held, "held as long as anybody asks a lot");
	go_on(&w, &quiet, 25);
	ok(!w.held && !w.up, "let go after half a second of silence");
}

int main(void)
{
	test_held();
	test_free();
	test_same();
	test_crowded();
	test_quiet();
	return done_testing();
}
