// SPDX-License-Identifier: MIT
/*
 * operations [OPTION...] VIEW NATIVE: does random operations as an ordinary user in VIEW
 * and as root in NATIVE, both empty directories, and compares what comes of each. Run it
 * as root.
 *
 *   --uid N, --gid N  the user of VIEW (default: root there too)
 *   --seed N          the same seed gives the same operations (default: a fresh one)
 *   --count N         operations (default 10000)
 *   --scan N          compare the whole trees every N operations (default 500)
 *   --keep            do not empty the trees first; with --count 0: only compare them
 *   --sealed          VIEW is read-only: it lists no trusted.* and has no side channel
 *   --survey          go on behind differences, with empty trees; list each kind once
 *   --trace           print each operation
 *   --plain           VIEW is a native directory too: no difference is known
 *   --run LIVERY      VIEW is a staging tree, and the user's worker is started by that
 *                     program's `run`: what it lifts is not known, and nothing is done
 *                     by the side channel
 *
 * `operations --worker FD DIRECTORY` is that worker.
 *
 * Exit status: 0 no difference but known ones, 1 differences, 2 the test could not run.
 */
#include "tests/view/differ.h"
#include "tests/view/generate.h"
#include "tests/view/worker.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define RECENT    25
#define KINDS_MAX 400

static struct options {
	uid_t uid;
	gid_t gid;
	uint64_t seed;
	unsigned long count;
	unsigned long scan;
	bool keep;
	bool survey;
	bool trace;
	bool plain;
	bool sealed;
	const char *run;
} options;

static struct hand view, native;
static struct model model;
static struct comparison comparison;
static unsigned long number;
static unsigned long done[OP_KINDS], succeeded[OP_KINDS];
static struct op recent[RECENT];

static struct {
	char text[200];
	unsigned long count;
} kinds[KINDS_MAX];

static void both(const struct op *op)
{
	worker_send(&view, op);
	worker_send(&native, op);
	worker_wait(&view);
	worker_wait(&native);
}

static struct op plain_op(enum kind kind)
{
	return (struct op){.kind = kind, .slot = -1, .slot2 = -1, .dir = -1, .dir2 = -1};
}

static void print_recent(void)
{
	puts("the operations before it:");
	for (unsigned long n = number > RECENT ? number - RECENT + 1 : 1; n < number;
		n++) {
		printf("  %lu: ", n);
		describe_op(stdout, &recent[n % RECENT]);
	}
}

/* True if differences of this kind were not met yet. */
static bool is_new_kind(const struct difference *d)
{
	char text[200];
	int i;

	snprintf(text, sizeof(text), "%s%s: %s%s%s (view %s, native %s)",
		kind_names[d->op->kind], d->op->side ? " (side channel)" : "",
		field_names[d->field],
		d->field > FIELD_TEXT && d->field < FIELD_LINE ? " of " : "",
		d->field > FIELD_TEXT && d->field < FIELD_LINE ? subject_names[d->about]
							       : "",
		error_name(d->view->err), error_name(d->native->err));
	for (i = 0; i < KINDS_MAX && kinds[i].count; i++) {
		if (strcmp(kinds[i].text, text) == 0) {
			kinds[i].count++;
			return false;
		}
	}
	if (i == KINDS_MAX)
		return false;
	memcpy(kinds[i].text, text, sizeof(text));
	kinds[i].count = 1;
	return true;
}

static void report(const struct difference *d)
{
	if (!is_new_kind(d))
		return;
	printf("--- seed %llu, operation %lu ", (unsigned long long)options.seed, number);
	describe_difference(stdout, d, comparison.started);
	if (!options.survey)
		print_recent();
}

static void check(const struct op *op)
{
	both(op);
	compare(&comparison, op, view.result, native.result);
}

static void scan(void)
{
	struct op op = plain_op(OP_SCAN);

	op.flags = options.sealed; /* without trusted.* */
	check(&op);
	model_learn(&model, native.result->text, native.result->len);
}

static void reset(void)
{
	struct op op = plain_op(OP_RESET);
	uint64_t random = model.random;

	both(&op);
	model_start(&model, random);
}

static void only(const struct hand *hand, const struct op *op)
{
	worker_send(hand, op);
	worker_wait(hand);
}

/* The name that root made alone: the last one that the operation has. */
static void unlink_made(const struct op *op)
{
	struct op fix = plain_op(OP_UNLINK);

	fix.dir = op->has_path2 ? op->dir2 : op->dir;
	memcpy(fix.path, op->has_path2 ? op->path2 : op->path, sizeof(fix.path));
	only(&native, &fix);
	if (native.result->err)
		errx(2, "what root made cannot be removed: %s",
			error_name(native.result->err));
	/* Making and removing have left their time on the directory. */
	fix.kind = OP_UTIMENS;
	parent_path(fix.path);
	fix.times[0].tv_sec = fix.times[1].tv_sec = 1234567890;
	check(&fix);
}

/* A file that never had a name can be given one once, and root's has had it. */
static void close_both(int slot)
{
	struct op fix = plain_op(OP_CLOSE);

	fix.slot = slot;
	check(&fix);
	model.slots[slot].open = false;
}

/* The two results are compared once more, then with what the side channel gave. */
static void by_side(const struct op *op)
{
	struct op again = *op;

	again.side = true;
	only(&view, &again);
	compare(&comparison, &again, view.result, native.result);
}

static struct op mode_fix(const struct op *op)
{
	bool by_slot = op->kind == OP_FCHOWN || (op->flags & O_TMPFILE) == O_TMPFILE;
	struct op fix = *op;

	fix.kind = by_slot ? OP_FCHMOD : OP_CHMOD;
	fix.flags = 0;
	fix.slot = by_slot ? op->slot : -1;
	fix.mode = native.result->after[by_slot ? ABOUT_SLOT : ABOUT_PATH].mode & 07777;
	return fix;
}

/* The worker's answer is gone when the remedy is done; returns if root had succeeded. */
static bool remedy(const struct op *op)
{
	struct op fix = plain_op(OP_CLOSE);
	bool success = !native.result->err;

	fix.slot = op->slot;
	switch (comparison.remedy->remedy) {
	case REMEDY_SIDE:
		by_side(op);
		return success;
	case REMEDY_UNLINK:
		unlink_made(op);
		if (op->kind == OP_LINK_SLOT)
			close_both(op->slot);
		return false;
	case REMEDY_CLOSE:
		only(&native, &fix);
		model.slots[op->slot].open = false;
		return false;
	case REMEDY_TRUNCATE:
		fix.kind = OP_FTRUNCATE;
		break;
	case REMEDY_REWIND:
		fix.kind = OP_SEEK; /* SEEK_SET 0 */
		break;
	case REMEDY_MODE:
		fix = mode_fix(op);
		break;
	case REMEDY_NONE:
		return success;
	}
	check(&fix);
	return success;
}

static void step(void)
{
	struct op *op = &recent[number % RECENT];
	unsigned long unknown = comparison.unknown;
	bool success;

	generate(&model, op);
	if (options.trace) {
		printf("%lu: ", number);
		describe_op(stdout, op);
		fflush(stdout);
	}
	check(op);
	success = !native.result->err;
	if (comparison.remedy)
		success = remedy(op);
	done[op->kind]++;
	succeeded[op->kind] += success;
	if (success)
		model_note(&model, op);
	if (op->kind == OP_OPEN && !success)
		model.slots[op->slot].open = false;
	if (comparison.unknown == unknown && number % options.scan == 0)
		scan();
	if (comparison.unknown != unknown && options.survey)
		reset();
}

/* Without fine time stamps, which Linux has since 6.13, two changes may get one time. */
static bool has_fine_clock(void)
{
	struct op op = plain_op(OP_CHMOD);
	struct timespec was = {0};
	bool fine = true;

	op.has_path = true;
	op.look = LOOK_AFTER;
	strcpy(op.path, ".");
	for (int i = 0; i < 50; i++) {
		const struct timespec *is = &native.result->after[ABOUT_PATH].ctime;

		op.mode = 0755;
		both(&op);
		fine = fine && (is->tv_sec != was.tv_sec || is->tv_nsec != was.tv_nsec);
		was = *is;
	}
	return fine;
}

static unsigned long long number_from(const char *text)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || !*text || *end)
		errx(2, "%s is not a number", text);
	return n;
}

static void take_options(int argc, char **argv)
{
	static const struct option long_options[] = {{"uid", 1, NULL, 'u'},
		{"gid", 1, NULL, 'g'}, {"seed", 1, NULL, 's'}, {"count", 1, NULL, 'n'},
		{"scan", 1, NULL, 'c'}, {"keep", 0, NULL, 'k'}, {"survey", 0, NULL, 'y'},
		{"trace", 0, NULL, 't'}, {"plain", 0, NULL, 'p'},
		{"sealed", 0, NULL, 'e'}, {"run", 1, NULL, 'r'}, {NULL, 0, NULL, 0}};
	int c;

	options.count = 10000;
	options.scan = 500;
	if (getrandom(&options.seed, sizeof(options.seed), 0) != sizeof(options.seed))
		err(2, "getrandom");
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == 'u')
			options.uid = (uid_t)number_from(optarg);
		else if (c == 'g')
			options.gid = (gid_t)number_from(optarg);
		else if (c == 's')
			options.seed = number_from(optarg);
		else if (c == 'n')
			options.count = number_from(optarg);
		else if (c == 'c')
			options.scan = number_from(optarg);
		else if (c == 'k')
			options.keep = true;
		else if (c == 'y')
			options.survey = true;
		else if (c == 't')
			options.trace = true;
		else if (c == 'p')
			options.plain = true;
		else if (c == 'e')
			options.sealed = true;
		else if (c == 'r')
			options.run = optarg;
		else
			exit(2);
	}
	if (argc - optind != 2 || options.scan == 0)
		errx(2, "usage: operations [OPTION...] VIEW NATIVE");
}

static int summary(void)
{
	printf("calls, and how many of them succeeded natively:\n");
	for (unsigned i = 0; i < OP_KINDS; i++)
		if (done[i])
			printf("  %7lu %7lu %s\n", done[i], succeeded[i], kind_names[i]);
	print_known(stdout, &comparison);
	if (options.survey && comparison.unknown) {
		puts("differences that are not known:");
		for (int i = 0; i < KINDS_MAX && kinds[i].count; i++)
			printf("  %7lu %s\n", kinds[i].count, kinds[i].text);
	}
	printf("seed %llu: %lu operations, %lu differences that are not known%s\n",
		(unsigned long long)options.seed, number - 1, comparison.unknown,
		comparison.fine_clock
			? ""
			: "; the clock is coarse, changes of times not compared");
	return comparison.unknown ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--worker") == 0)
		worker_serve((int)number_from(argv[2]), argv[3]);
	take_options(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %llu, %lu operations\n", (unsigned long long)options.seed,
		options.count);
	comparison = (struct comparison){.is_view = !options.plain,
		.is_run = options.run,
		.user = options.uid,
		.started = time(NULL),
		.report = report};
	worker_start(&view,
		&(struct worker_options){"the view", argv[optind], options.uid,
			options.gid, !options.plain && !options.sealed && !options.run,
			options.run});
	worker_start(&native, &(struct worker_options){.what = "the native directory",
				      .tree = argv[optind + 1]});
	model_start(&model, options.seed);
	if (!options.keep)
		reset();
	comparison.fine_clock = !options.count || has_fine_clock();
	scan();
	for (number = 1; number <= options.count; number++) {
		if (comparison.unknown && !options.survey)
			break;
		step();
	}
	if (!comparison.unknown)
		scan();
	worker_end(&view);
	worker_end(&native);
	return summary();
}
