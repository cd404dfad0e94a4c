/* SPDX-License-Identifier: MIT */
/* However many threads read, the same digests and the same error come out. */
#include "image/digest_queue.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "fs/walk.h"
#include "image/compare.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/source.h"
#include "tests/unit/listing_util.h"
#include "tests/unit/tree.h"

#define MANY 3000

static const unsigned threads[] = {1, 2, 8, 100, 0};
#define THREADS (sizeof(threads) / sizeof(*threads))

/* --- a queue alone, of files that are nothing but their numbers */

static struct work {
	struct listing_inode in[MANY];
	pthread_t caller;
	long fails, fails_late;  /* these cannot be read, the second one after a while */
	useconds_t others_sleep; /* before they read */
	_Atomic bool blocked;    /* helpers wait with the file that they have */
	bool together;           /* the caller begins when a helper has begun */
	_Atomic int now, most, done, by_others, wrong_masks;
	int added;
	_Atomic int dropped[MANY]; /* by number */
} work;

static void start_work(void)
{
	memset(&work, 0, sizeof(work));
	work.caller = pthread_self();
	work.fails = work.fails_late = -1;
}

static void check_mask(bool other)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	work.wrong_masks += sigismember(&mask, SIGINT) != other;
}

static void wait_for(const _Atomic int *n)
{
	for (int i = 0; !*n && i < 20000; i++)
		usleep(1000);
}

static int read_number(
	void *arg, const struct digest_file *f, char *buffer, struct err *e)
{
	long n = f->in - work.in;
	bool other = !pthread_equal(pthread_self(), work.caller);
	int now = ++work.now;

	buffer[0] = buffer[DIGEST_BUFFER - 1] = 'x';
	if (arg != &work || f->node != &work.in[n])
		errx(1, "what is not its own");
	if (work.most < now)
		work.most = now;
	check_mask(other);
	work.by_others += other;
	if (!other && work.together) {
		wait_for(&work.by_others);
		work.together = false;
	}
	while (other && work.blocked)
		usleep(1000);
	if (other && work.others_sleep)
		usleep(work.others_sleep);
	if (n == work.fails_late)
		usleep(20000);
	if (n != work.fails) {
		memcpy(f->in->sha256, &n, sizeof(n));
		f->in->digested = true;
	}
	work.now--;
	work.done++;
	if (n == work.fails || n == work.fails_late)
		return err_set(e, ERR_REFUSED, "%ld: %s", n, f->path);
	return 0;
}

static struct digest_queue *must_begin(unsigned n)
{
	struct digest_queue *q;
	struct err e = {0};

	if (digest_queue_begin(&q, n, read_number, &work, &e) < 0)
		errx(1, "%s", e.msg);
	return q;
}

static void drop_number(void *node)
{
	long n = (struct listing_inode *)node - work.in;

	work.dropped[n]++;
}

static int add_number(struct digest_queue *q, long n, uint64_t size)
{
	work.in[n].size = size;
	work.added++;
	return digest_queue_add(
		q, &(struct digest_file){&work.in[n], "path", &work.in[n], drop_number});
}

/* Each that was added was either read or dropped, and once. */
static void each_has_ended(void)
{
	long bad = 0, dropped = 0;

	for (long n = 0; n < MANY; n++) {
		dropped += work.dropped[n];
		bad += work.dropped[n] > 1 || (work.dropped[n] && work.in[n].digested);
	}
	is_int(bad, 0, "what is read is not dropped");
	is_int(work.done + dropped, work.added, "and what is not read is");
}

static void each_is_its_own(long from, long to, const char *what)
{
	long bad = 0;

	for (long n = from; n < to; n++)
		bad += !work.in[n].digested ||
		       memcmp(work.in[n].sha256, &n, sizeof(n)) != 0;
	is_int(bad, 0, "%s: each has its own digest", what);
}

static void all_are_read(unsigned n, useconds_t others_sleep)
{
	struct digest_queue *q;
	struct err e = {.code = ERR_BUSY};
	char what[64];
	int stopped = 0;

	snprintf(what, sizeof(what), "threads: %u, slow by %u", n, others_sleep);
	start_work();
	work.others_sleep = others_sleep;
	work.together = n > 1;
	q = must_begin(n);
	for (long i = 0; i < MANY; i++)
		stopped += add_number(q, i, (uint64_t)(i % 9 ? i % 7000 : i << 10)) != 0;
	is_int(digest_queue_end(q, 0, &e), 0, "%s: no error", what);
	is_int(work.now, 0, "%s: nobody reads any more", what);
	each_is_its_own(0, MANY, what);
	is_int(work.done, MANY, "%s: each is read once", what);
	is_int(stopped, 0, "%s: nothing is stopped", what);
	each_has_ended();
	is_int(work.wrong_masks, 0, "%s: the caller alone gets signals", what);
	is_int(e.code, ERR_BUSY, "%s: the error stays as it was", what);
	if (n)
		ok(work.most <= (int)(n < DIGEST_THREADS_MAX ? n : DIGEST_THREADS_MAX),
			"%s: no more than these, %d", what, work.most);
	if (n > 1)
		ok(work.by_others > 0, "%s: others read %d", what, work.by_others);
}

/* Files are read when they are added. */
static void test_alone(void)
{
	struct digest_queue *q;
	struct err e = {0};
	int late = 0;

	start_work();
	q = must_begin(1);
	for (long i = 0; i < 100; i++) {
		late += add_number(q, i, 1 << 20) != 0;
		late += work.done != i + 1;
	}
	is_int(late, 0, "one thread: each is read at once");
	is_int(work.by_others, 0, "by the caller");
	is_int(digest_queue_end(q, 0, &e), 0, "and that was all");
	is_int(work.done, 100, "nothing is left for the end");
}

/* What is added last is waited for, whoever reads it. */
static void test_slow_end(void)
{
	struct digest_queue *q;
	struct err e = {0};

	start_work();
	work.others_sleep = 30000;
	work.together = true;
	q = must_begin(4);
	for (long i = 0; i < 8; i++)
		add_number(q, i, 1 << 20);
	is_int(digest_queue_end(q, 0, &e), 0, "slow helpers: no error");
	ok(work.by_others > 0, "they have read");
	each_is_its_own(0, 8, "slow helpers");
}

/* All helpers are held up. */
static void bounded(uint64_t size, long most)
{
	struct digest_queue *q;
	struct err e = {0};
	long ahead = 0;

	start_work();
	work.blocked = true;
	q = must_begin(3);
	for (long i = 0; i < MANY; i++) {
		add_number(q, i, size);
		if (ahead < i + 1 - work.done)
			ahead = i + 1 - work.done;
	}
	ok(ahead > 2 && ahead <= most, "files of %llu bytes: at most %ld wait, %ld did",
		(unsigned long long)size, most, ahead);
	work.blocked = false;
	is_int(digest_queue_end(q, 0, &e), 0, "then they go on");
	each_is_its_own(0, MANY, "held up");
}

static void first_error(unsigned n, long fails, long late, long want, int rc)
{
	struct digest_queue *q;
	struct err e = {.code = ERR_USAGE, .msg = "the caller's"};
	char text[64];
	long i = 0, end = want < 0 ? MANY : want;

	start_work();
	work.fails = fails;
	work.fails_late = late;
	q = must_begin(n);
	while (i < MANY && add_number(q, i, 20000) == 0)
		i++;
	is_int(digest_queue_end(q, rc, &e), want < 0 ? rc : -1, "threads: %u, the end",
		n);
	snprintf(text, sizeof(text), "%ld: path", want);
	is_str(e.msg, want < 0 ? "the caller's" : text, "the first error counts");
	is_int(e.code, want < 0 ? ERR_USAGE : ERR_REFUSED, "with its code");
	is_int(work.now, 0, "nobody reads any more");
	each_has_ended();
	each_is_its_own(0, end, "before the error");
	if (want >= 0 && n == 1)
		ok(i == want && work.done == want + 1, "and nothing behind it is read");
}

/* What waits behind a file that cannot be read is not read any more. */
static void test_given_up(void)
{
	struct digest_queue *q;
	struct err e = {0};
	int bad = 0;

	start_work();
	work.blocked = true;
	work.fails = 0;
	q = must_begin(2);
	bad += add_number(q, 0, 1 << 20) != 0;
	wait_for(&work.by_others);
	for (long i = 1; i < 200; i++)
		bad += add_number(q, i, 100) != 0;
	is_int(bad, 0, "behind a file that takes its time, many wait");
	work.blocked = false;
	for (long i = 200; i < 1000 && add_number(q, i, 0) == 0; i++)
		usleep(1000);
	is_int(digest_queue_end(q, 0, &e), -1, "it cannot be read");
	is_int(work.done, 1, "and none of the others is");
	each_has_ended();
}

static void test_queue(void)
{
	for (size_t i = 0; i < THREADS; i++) {
		all_are_read(threads[i], 0);
		all_are_read(threads[i], 300);
		first_error(threads[i], 57, -1, 57, 0);
		first_error(threads[i], 60, 57, 57, 0);
		first_error(threads[i], 0, -1, 0, -1);
		first_error(threads[i], MANY - 1, MANY - 2, MANY - 2, -1);
		first_error(threads[i], -1, -1, -1, -1);
	}
	test_alone();
	test_slow_end();
	test_given_up();
	bounded(0, 1024 + 2);
	bounded(1 << 20, 64 + 2);
}

/* --- trees */

static void put_bytes(const char *path, size_t len, unsigned seed)
{
	char *p = malloc(len + 1);

	if (!p)
		errx(1, "out of memory");
	for (size_t i = 0; i < len; i++)
		p[i] = (char)((seed = seed * 1103515245 + 12345) >> 16);
	put_file(path, p, len);
	free(p);
}

static void put_sparse(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, 1200001) < 0 || pwrite(fd, "x", 1, 8192) != 1 ||
		pwrite(fd, "x", 1, 900000) != 1 || close(fd) < 0)
		err(1, "%s", path);
}

static void put_tree(void)
{
	char path[64], other[64];

	scratch_clear("s");
	put_dir("s");
	for (unsigned d = 0; d < 8; d++) {
		snprintf(path, sizeof(path), "s/d%u", d);
		put_dir(path);
		for (unsigned i = 0; i < 80; i++) {
			snprintf(path, sizeof(path), "s/d%u/f%02u", d, i);
			put_bytes(path, i * 131, d * 80 + i);
		}
		snprintf(path, sizeof(path), "s/d%u/big", d);
		put_bytes(path, 80000 * (8 - d) + 1, d);
		snprintf(path, sizeof(path), "s/d%u/empty", d);
		put_text(path, "");
		snprintf(path, sizeof(path), "s/d%u/sparse", d);
		put_sparse(path);
		snprintf(path, sizeof(path), "s/d%u/big", (d + 3) % 8);
		snprintf(other, sizeof(other), "s/d%u/linked", d);
		if (d < 5 && link(path, other) < 0 && errno != ENOENT)
			err(1, "%s", other);
	}
	put_link("f00", "s/link");
}

static struct engine *open_tree(void)
{
	const struct engine_options o = {.uid = geteuid(), .gid = getegid()};

	return must_engine("s", NULL, DB_READ, o);
}

static void list_by(struct listing *l, unsigned n, bool native)
{
	struct err e = {0};
	struct engine *en = open_tree();

	must_init(l, "s");
	l->threads = n;
	if ((native ? list_directory(l, "s", &e) : list_engine(l, en, &e)) < 0)
		errx(1, "%s", e.msg);
	engine_check_seal(en);
	ok(!engine_seal_broken(en), "threads: %u, no findings", n);
	engine_close(en);
}

static void show(void *arg, const struct difference *d)
{
	(void)arg;
	printf("# %s %s: %s, %s\n", d->path, d->field, d->expected, d->found);
}

static long wrong_digests(const struct listing *l)
{
	long wrong = 0;

	for (size_t i = 0; i < l->count; i++) {
		const struct listing_inode *in = l->entries[i].inode;
		struct listing_inode want = {0};
		struct digest d;
		size_t len;
		char *bytes;

		if (!S_ISREG(in->mode))
			continue;
		if (chdir("s") < 0)
			err(1, "s");
		bytes = get_file(l->entries[i].path, &len);
		digest_start(&d);
		digest_add(&d, bytes, len);
		digest_finish(&d, &want);
		wrong += !in->digested || want.data_blocks != in->data_blocks ||
			 memcmp(want.sha256, in->sha256, sizeof(want.sha256)) != 0;
		free(bytes);
		if (chdir("..") < 0)
			err(1, "..");
	}
	return wrong;
}

static void test_tree(void)
{
	cleanup_listing struct listing one = {0};
	char want[MANIFEST_DIGEST_SIZE], got[MANIFEST_DIGEST_SIZE];
	struct err e = {0};

	put_tree();
	list_by(&one, 1, false);
	ok(one.count > 660, "many names");
	is_int(wrong_digests(&one), 0, "one thread: all digests are right");
	is_int(manifest_digest(&one, want, &e), 0, "their manifest");
	for (size_t i = 0; i < 2 * THREADS; i++) {
		cleanup_listing struct listing l = {0};

		list_by(&l, threads[i / 2], i % 2);
		is_int(compare_listings(&one, &l, show, NULL, &e), 0,
			"threads: %u%s, nothing differs", threads[i / 2],
			i % 2 ? ", native" : "");
		is_int(manifest_digest(&l, got, &e), 0, "a manifest");
		is_str(got, want, "with the same digest");
	}
}

static int pass(void *arg, const struct walk_step *s, struct err *e)
{
	(void)arg;
	(void)s;
	(void)e;
	return 0;
}

static void count_finding(void *arg, const struct finding *f)
{
	*(int *)arg += f->kind == FINDING_CHANGED && strcmp(f->path, "/d3/f40") == 0;
}

/* What is loaded, and then changed, is an error. late: a name that the walk cannot add.
 */
static void changed_says(unsigned n, bool late, const char *want)
{
	cleanup_listing struct listing l = {0};
	struct engine *en;
	struct err e = {0};
	int told = 0;

	put_tree();
	en = open_tree();
	if (engine_walk(en, engine_root(en), "", pass, NULL, &e) < 0)
		errx(1, "%s", e.msg);
	must_init(&l, "s");
	l.threads = n;
	if (late)
		put_name(&l, "link", S_IFREG);
	if (strstr(want, "d3")) {
		put_text("s/d3/f40", "changed");
		put_text("s/d3/f60", "changed");
		put_text("s/d3/f41", "changed");
		put_text("s/d7/f01", "changed");
	}
	is_int(list_engine(&l, en, &e), -1, "threads: %u, an error", n);
	is_str(e.msg, want, "which it is");
	engine_findings(en, count_finding, &told);
	is_int(told, strstr(want, "d3") != NULL, "and whether there is a finding");
	engine_close(en);
}

static void native_says(unsigned n, const char *path, const char *want)
{
	cleanup_listing struct listing l = {0};
	struct err e = {0};

	must_init(&l, path);
	l.threads = n;
	is_int(list_directory(&l, path, &e), -1, "threads: %u, %s is refused", n, path);
	is_str(e.msg, want, "with the first one's reason");
}

static void test_errors(void)
{
	static const char changed[] = "/d3/f40: the staging file changed under the view";

	for (size_t i = 0; i < THREADS; i++) {
		changed_says(threads[i], false, changed);
		changed_says(threads[i], true, changed);
		changed_says(threads[i], true, "s: it holds the name /link twice");
	}
	/* Files that say that they are empty, and are not. */
	for (int i = 0; i < 100; i++)
		if (dup(0) < 0)
			err(1, "dup");
	for (size_t i = 0; i < THREADS; i++)
		native_says(threads[i], "/proc/self/fdinfo",
			"/proc/self/fdinfo: /0: it changed while it was read");
}

int main(void)
{
	scratch_make();
	test_queue();
	test_tree();
	test_errors();
	return done_testing();
}
