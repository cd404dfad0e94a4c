/* SPDX-License-Identifier: MIT */
/* When a daemon looks for messages instead of sleeping, on a clock of the test's own. */
#include "fs/eager.h"
#include "tests/unit/tap.h"

#define SOON   (2 * EAGER_SHARED)
#define SOONER (EAGER_SHARED / 2)
#define TAR    101
#define FIND   102

static int64_t now = 1000000000;

/* True: it was on at some time. */
static bool hear(struct eager *g, pid_t caller, int64_t waited, int messages)
{
	bool ever = false;

	for (int i = 0; i < messages; i++) {
		now += waited;
		eager_heard(g, caller, false, now);
		now += 1000;
		eager_answered(g, caller, now);
		ever |= eager_on(g);
	}
	return ever;
}

/* Windows of messages that come sooner where they are looked for, until it changes. */
static int windows_until(struct eager *g, bool on, int64_t sooner, int most)
{
	int n = 0;

	while (n < most && eager_on(g) != on) {
		hear(g, TAR, eager_on(g) ? sooner : SOON, EAGER_WINDOW);
		n++;
	}
	return n;
}

static struct eager fresh(void)
{
	struct eager g;

	eager_init(&g);
	eager_answered(&g, 0, now);
	return g;
}

static struct eager turned_on(void)
{
	struct eager g = fresh();

	hear(&g, TAR, SOON, EAGER_WINDOW);
	return g;
}

/* It was worth it so often that it is kept for long. */
static struct eager trusted(void)
{
	struct eager g = turned_on();

	for (int i = 0; i < 8; i++) {
		windows_until(&g, false, SOONER, 1000);
		windows_until(&g, true, SOONER, 1000);
	}
	hear(&g, TAR, SOONER, 3 * EAGER_WINDOW);
	return g;
}

static void test_begin(void)
{
	struct eager g = fresh();
	bool ever;

	ok(!eager_on(&g), "a view's daemon begins by sleeping");
	hear(&g, TAR, SOON, EAGER_WINDOW - 1);
	ok(!eager_on(&g), "some messages that come soon change nothing");
	hear(&g, TAR, SOON, 1);
	ok(eager_on(&g), "after many, the next is looked for");

	g = fresh();
	ok(!hear(&g, TAR, EAGER_QUICK * 2, 4 * EAGER_WINDOW),
		"messages that do not come soon are not looked for");
	g = fresh();
	ok(!hear(&g, TAR, EAGER_SHARED, 4 * EAGER_WINDOW),
		"nor those that come at once, since nobody is woken for them");
	ever = false;
	for (int i = 0; i < 20 * EAGER_WINDOW; i++)
		ever |= hear(&g, TAR, i % 32 ? SOONER : 2 * EAGER_QUICK, 1);
	ok(!ever, "but for some, behind other programs");

	g = fresh();
	for (int i = 0; i < 4 * EAGER_WINDOW; i++) {
		now += SOON;
		eager_heard(&g, TAR, true, now);
		eager_answered(&g, TAR, now);
		ever |= eager_on(&g);
	}
	ok(!ever, "nor those of a caller that is followed");

	g = fresh();
	ok(!hear(&g, 0, SOON, 4 * EAGER_WINDOW), "nor the kernel's own");
}

static void test_callers(void)
{
	struct eager g = fresh();
	bool ever = false;

	for (int i = 0; i < 2 * EAGER_WINDOW; i++)
		ever |= hear(&g, i % 2 ? TAR : FIND, SOON, 1);
	ok(!ever, "two callers that ask at the same time are answered by more threads");
	for (int i = 0; i < EAGER_WINDOW; i++)
		hear(&g, 1000 + i / 3, SOON, 1);
	ok(eager_on(&g), "many that come and go one after the other are as one");

	g = turned_on();
	hear(&g, TAR, SOONER, EAGER_WINDOW);
	ok(eager_on(&g), "what one caller asks is looked for");
	for (int i = 0; i < EAGER_WINDOW; i++)
		hear(&g, i % 2 ? TAR : FIND, SOONER, 1);
	ok(!eager_on(&g), "until another asks at the same time");

	for (int n = 3; n <= 40; n += 37) {
		g = fresh();
		ever = false;
		for (int i = 0; i < 4 * EAGER_WINDOW; i++)
			ever |= hear(&g, 2000 + i % n, SOON, 1);
		ok(!ever, "%d that take turns are answered by more threads too", n);
		g = trusted();
		for (int i = 0; i < 2 * EAGER_WINDOW; i++)
			hear(&g, 2000 + i % n, 0, 1);
		ok(!eager_on(&g), "and nothing is looked for once they come");
	}
}

/* Answers that take longer than what others ask meanwhile. */
static void test_slow(void)
{
	struct eager g = fresh();

	eager_heard(&g, FIND, false, now);
	ok(!hear(&g, TAR, SOON, 4 * EAGER_WINDOW),
		"while one waits for his answer, two threads answer another");
	eager_answered(&g, FIND, now);
	hear(&g, TAR, SOON, EAGER_WINDOW);
	ok(eager_on(&g), "until he has it");

	g = trusted();
	eager_heard(&g, FIND, false, now);
	hear(&g, TAR, SOONER, EAGER_WINDOW);
	ok(!eager_on(&g), "as soon as one is seen to wait");

	g = fresh();
	for (int i = 0; i < 3; i++)
		eager_heard(&g, TAR, false, now);
	hear(&g, 0, SOON, 3);
	hear(&g, TAR, SOON, EAGER_WINDOW);
	ok(eager_on(&g), "but for the caller's own, which the kernel reads ahead");
}

static void test_in_vain(void)
{
	struct eager g = turned_on();
	int rest = 1;

	is_int(windows_until(&g, false, SOON, 9), 2,
		"what comes no sooner is tried once");
	for (int most = 2; most <= EAGER_REST_MAX * 4; most *= 2) {
		rest = windows_until(&g, true, SOON, 1000);
		if (rest != (most < EAGER_REST_MAX ? most : EAGER_REST_MAX))
			break;
		windows_until(&g, false, SOON, 9);
	}
	is_int(rest, EAGER_REST_MAX,
		"and tried again after twice as long, up to a limit");
	windows_until(&g, true, SOON, 1000);
	is_int(windows_until(&g, false, SOONER, 9), 4,
		"it is kept when it is sooner then");
	for (int i = 0; i < 2; i++) {
		windows_until(&g, true, SOON, 9);
		windows_until(&g, false, SOONER, 99);
	}
	windows_until(&g, true, SOON, 9);
	eager_taken(&g);
	ok(!eager_on(&g), "whose processor is taken away sleeps at once");
	is_int(windows_until(&g, true, SOON, 1000), 4, "and for some time");
	is_int(windows_until(&g, false, SOONER, 9), 4, "and trusts it less, then");
}

static void test_kept(void)
{
	struct eager g = turned_on();
	int kept = 0, before = 0, off = 0;

	for (int i = 0; i < 14; i++) {
		before = kept;
		kept = windows_until(&g, false, SOONER, 1000);
		off += windows_until(&g, true, SOONER, 1000);
		if (kept <= before && kept <= EAGER_STAY_MAX)
			break;
	}
	is_int(kept, EAGER_STAY_MAX + 2, "what is sooner is kept for longer each time");
	is_int(off, 14, "and compared with the other way for a window between");
}

static void test_silence(void)
{
	struct eager g = turned_on();

	hear(&g, TAR, SOONER, 3 * EAGER_WINDOW / 2);
	now += INT64_C(60000000000);
	eager_heard(&g, TAR, false, now);
	eager_answered(&g, TAR, now);
	hear(&g, TAR, SOONER, EAGER_WINDOW / 2);
	ok(eager_on(&g), "a minute in which nobody asks says nothing");
	hear(&g, TAR, EAGER_QUICK * 2, 2 * EAGER_WINDOW);
	ok(!eager_on(&g), "who asks now and then is not waited for awake");
}

int main(void)
{
	test_begin();
	test_callers();
	test_slow();
	test_in_vain();
	test_kept();
	test_silence();
	return done_testing();
}
