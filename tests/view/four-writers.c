/* SPDX-License-Identifier: MIT */
/*
 * four-writers run SECONDS SEED VIEW LOGS
 *	Four processes at once: each does what a build does in a directory of its own and,
 *	under names of its own, in one that all share; and all contend for the same files.
 *	Each compares with its model at the end.
 * four-writers check VIEW LOGS
 *	The same comparison again, from the logs.
 *
 * Exits 0 where nothing is lost, 1 on differences, 2 on errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/view/killed.h"

#define WRITERS 4
#define RECORD  16
#define TOKEN   6000
#define EXCLS   400

/* What each writer was told has succeeded. In memory that all share, and kept in LOGS. */
struct total {
	uint64_t steps, locked, appended, counted, tokens, won;
};

struct contest {
	unsigned int me;
	struct total *total;
	int locked, appended;
	unsigned int excl;
};

static const char *view, *logs;
static struct total *totals;

#define REALLY(what)                                                                     \
	do {                                                                             \
		if (!(what))                                                             \
			die("%s:%d: %s: %s", __FILE__, __LINE__, #what,                  \
				strerror(errno));                                        \
	} while (0)

static int open_dir(const char *name)
{
	char path[2 * MAX_PATH];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", view, name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static void record(char *text, unsigned int me, uint64_t n)
{
	char tmp[64];

	snprintf(tmp, sizeof(tmp), "%u %013" PRIu64 "\n", me, n);
	memcpy(text, tmp, RECORD);
}

/* At the end of the file as fstat tells it, which only the lock makes safe. */
static void append_locked(struct contest *c)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char text[RECORD];
	struct stat st;

	REALLY(fcntl(c->locked, F_SETLKW, &lock) == 0);
	REALLY(fstat(c->locked, &st) == 0);
	if (st.st_size % RECORD != 0)
		die("locked: a record is torn");
	record(text, c->me, c->total->locked);
	REALLY(pwrite(c->locked, text, RECORD, st.st_size) == RECORD);
	lock.l_type = F_UNLCK;
	REALLY(fcntl(c->locked, F_SETLK, &lock) == 0);
	c->total->locked++;
}

static void append(struct contest *c)
{
	char text[RECORD];

	record(text, c->me, c->total->appended);
	REALLY(write(c->appended, text, RECORD) == RECORD);
	c->total->appended++;
}

static uint64_t read_counter(void)
{
	char text[32] = "";
	int fd = open("counter", O_RDONLY | O_CLOEXEC);

	REALLY(fd >= 0);
	REALLY(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strtoull(text, NULL, 10);
}

/* A directory is the lock; the file is replaced, as configuration files are. */
static void count_up(struct contest *c)
{
	char text[32];
	int fd;

	if (mkdir("lock", 0700) < 0) {
		REALLY(errno == EEXIST);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64 "\n", read_counter() + 1);
	fd = open("counter.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	REALLY(fd >= 0);
	REALLY(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	REALLY(rename("counter.new", "counter") == 0);
	REALLY(rmdir("lock") == 0);
	c->total->counted++;
}

/* All rename onto one name. Whoever opens it finds one writer's token, whole. */
static void pass_token(struct contest *c)
{
	char name[32], text[TOKEN];
	int fd;

	snprintf(name, sizeof(name), "token.%u", c->me);
	memset(text, 'a' + (int)c->me, TOKEN);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	REALLY(fd >= 0);
	REALLY(write(fd, text, TOKEN) == TOKEN);
	close(fd);
	REALLY(chmod(name, 0640 + c->me) == 0);
	REALLY(rename(name, "token") == 0);
	fd = open("token", O_RDONLY | O_CLOEXEC);
	REALLY(fd >= 0);
	memset(text, 0, TOKEN);
	REALLY(read(fd, text, TOKEN) == TOKEN);
	close(fd);
	for (size_t i = 1; i < TOKEN; i++)
		if (text[i] != text[0])
			die("the token is torn at byte %zu", i);
	c->total->tokens++;
}

/* Each of these names is made by exactly one. */
static void make_exclusively(struct contest *c)
{
	char name[32];
	int fd;

	if (c->excl == EXCLS)
		return;
	snprintf(name, sizeof(name), "excl%u", c->excl++);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	REALLY(fd >= 0 || errno == EEXIST);
	if (fd >= 0) {
		c->total->won++;
		close(fd);
	}
}

static void contend(struct contest *c, struct random *r)
{
	uint64_t n = rnd(r, 100);

	if (n < 30)
		append_locked(c);
	else if (n < 60)
		append(c);
	else if (n < 75)
		count_up(c);
	else if (n < 85) /* ext4 writes a file out when it replaces another */
		pass_token(c);
	else
		make_exclusively(c);
}

static void open_writer(struct writer *w, unsigned int me, bool shared, uint64_t seed)
{
	static char prefixes[WRITERS][8];
	char path[2 * MAX_PATH];

	snprintf(prefixes[me], sizeof(prefixes[me]), "w%u-", me);
	snprintf(path, sizeof(path), "%s/%s%u", logs, shared ? "shared" : "own", me);
	writer_open(w, path, shared ? prefixes[me] : "", seed);
}

static void step(struct writer *w, int dir, struct total *t)
{
	REALLY(fchdir(dir) == 0);
	if (writer_step(w) != ENDED_AS_TOLD)
		die("an operation went wrong");
	t->steps++;
}

static unsigned int compare(struct writer *w, int dir, const char *what, unsigned int me)
{
	unsigned int wrong = check_tree(&w->model, dir, true);

	if (wrong)
		fprintf(stderr, "%s of writer %u: %u differences\n", what, me, wrong);
	return wrong;
}

static int run_one(unsigned int me, time_t end, uint64_t seed)
{
	char name[16];
	struct contest c = {.me = me, .total = &totals[me]};
	struct random r = {seed * 2 + 1};
	int all = open_dir("all"), shared = open_dir("shared"), own;
	struct writer w, s;
	unsigned int wrong;

	snprintf(name, sizeof(name), "own%u", me);
	own = open_dir(name);
	c.locked = openat(all, "locked", O_RDWR | O_CLOEXEC);
	c.appended = openat(all, "appended", O_WRONLY | O_APPEND | O_CLOEXEC);
	REALLY(c.locked >= 0 && c.appended >= 0);
	open_writer(&w, me, false, seed + 1);
	open_writer(&s, me, true, seed + 2);
	while (time(NULL) < end) {
		step(&w, own, c.total);
		step(&s, shared, c.total);
		REALLY(fchdir(all) == 0);
		contend(&c, &r);
	}
	wrong = compare(&w, own, "own tree", me) + compare(&s, shared, "shared tree", me);
	writer_close(&w);
	writer_close(&s);
	return wrong != 0;
}

/* Every record of every writer, once and in its order. */
static unsigned int check_records(int all, const char *name, const uint64_t *want)
{
	uint64_t next[WRITERS] = {0};
	char text[RECORD], expected[RECORD];
	int fd = openat(all, name, O_RDONLY | O_CLOEXEC);
	unsigned int wrong = 0;
	ssize_t n;
	FILE *f;

	REALLY(fd >= 0);
	f = fdopen(fd, "r");
	REALLY(f != NULL);
	while ((n = (ssize_t)fread(text, 1, RECORD, f)) == RECORD) {
		unsigned int me = (unsigned int)(text[0] - '0');

		if (me >= WRITERS)
			break;
		record(expected, me, next[me]++);
		if (memcmp(text, expected, RECORD) != 0)
			break;
	}
	if (n != 0) {
		fprintf(stderr, "%s: a record is torn or out of order\n", name);
		wrong++;
	}
	fclose(f);
	for (unsigned int i = 0; i < WRITERS; i++)
		if (next[i] != want[i]) {
			fprintf(stderr,
				"%s: %" PRIu64 " records of writer %u, not %" PRIu64 "\n",
				name, next[i], i, want[i]);
			wrong++;
		}
	return wrong;
}

static unsigned int expect(const char *what, uint64_t got, uint64_t want)
{
	if (got == want)
		return 0;
	fprintf(stderr, "%s: %" PRIu64 ", not %" PRIu64 "\n", what, got, want);
	return 1;
}

/* What is left in the directory that all contended for, and nothing else. */
struct left {
	uint64_t excl, other;
};
static bool each_left(const char *name, void *arg)
{
	struct left *l = arg;

	if (strncmp(name, "excl", 4) == 0)
		l->excl++;
	else if (strcmp(name, "locked") != 0 && strcmp(name, "appended") != 0 &&
		 strcmp(name, "counter") != 0 && strcmp(name, "token") != 0) {
		fprintf(stderr, "all/%s: must not be\n", name);
		l->other++;
	}
	return true;
}

static unsigned int check_contest(void)
{
	uint64_t locked[WRITERS], appended[WRITERS], counted = 0, won = 0;
	struct left l = {0, 0};
	int all = open_dir("all");
	unsigned int wrong;
	struct stat st;
	char first = 0;
	int fd;

	for (unsigned int i = 0; i < WRITERS; i++) {
		locked[i] = totals[i].locked;
		appended[i] = totals[i].appended;
		counted += totals[i].counted;
		won += totals[i].won;
	}
	wrong = check_records(all, "locked", locked) +
		check_records(all, "appended", appended);
	REALLY(fchdir(all) == 0);
	wrong += expect("counter", read_counter(), counted);
	REALLY(for_names(all, each_left, &l));
	wrong += expect("names made exclusively", l.excl, won) + (l.other != 0);
	fd = open("token", O_RDONLY | O_CLOEXEC);
	REALLY(fd >= 0 && fstat(fd, &st) == 0 && read(fd, &first, 1) == 1);
	wrong += expect(
		"the token's mode", st.st_mode & 07777, 0640 + (uint64_t)(first - 'a'));
	close(fd);
	close(all);
	return wrong;
}

static void put_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	REALLY(fd >= 0);
	REALLY(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void prepare(void)
{
	int dir = open_dir("."), all;
	char name[16];

	REALLY(mkdirat(dir, "all", 0755) == 0 && mkdirat(dir, "shared", 0755) == 0);
	for (int i = 0; i < WRITERS; i++) {
		snprintf(name, sizeof(name), "own%d", i);
		REALLY(mkdirat(dir, name, 0755) == 0);
	}
	all = open_dir("all");
	put_file(all, "locked", "");
	put_file(all, "appended", "");
	put_file(all, "counter", "0\n");
	put_file(all, "token", "a");
	REALLY(fchmodat(all, "token", 0640, 0) == 0);
	close(all);
	close(dir);
}

static FILE *totals_file(const char *mode)
{
	char path[2 * MAX_PATH];
	FILE *f;

	snprintf(path, sizeof(path), "%s/totals", logs);
	f = fopen(path, mode);
	REALLY(f != NULL);
	return f;
}

static int run(time_t seconds, uint64_t seed)
{
	uint64_t sum[3] = {0};
	bool failed = false;
	pid_t pids[WRITERS];
	int status;
	FILE *f;

	umask(THE_UMASK);
	prepare();
	for (unsigned int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		REALLY(pids[i] >= 0);
		if (pids[i] == 0)
			exit(run_one(i, time(NULL) + seconds, seed + i * 10));
	}
	for (unsigned int i = 0; i < WRITERS; i++) {
		REALLY(waitpid(pids[i], &status, 0) == pids[i]);
		if (status != 0) {
			fprintf(stderr, "writer %u ended with status %#x\n", i,
				(unsigned int)status);
			failed = true;
		}
		sum[0] += totals[i].steps;
		sum[1] += totals[i].locked + totals[i].appended;
		sum[2] += totals[i].counted + totals[i].tokens + totals[i].won;
	}
	f = totals_file("w");
	REALLY(fwrite(totals, sizeof(*totals), WRITERS, f) == WRITERS);
	REALLY(fclose(f) == 0);
	printf("%" PRIu64 " operations, %" PRIu64 " records, %" PRIu64
	       " of all at the same names\n",
		sum[0], sum[1], sum[2]);
	return check_contest() != 0 || failed;
}

static int check_again(void)
{
	FILE *f = totals_file("r");
	unsigned int wrong;

	REALLY(fread(totals, sizeof(*totals), WRITERS, f) == WRITERS);
	fclose(f);
	wrong = check_contest();
	for (unsigned int i = 0; i < WRITERS; i++) {
		struct writer w;
		char name[16];

		snprintf(name, sizeof(name), "own%u", i);
		open_writer(&w, i, false, 0);
		wrong += compare(&w, open_dir(name), "own tree", i);
		writer_close(&w);
		open_writer(&w, i, true, 0);
		wrong += compare(&w, open_dir("shared"), "shared tree", i);
		writer_close(&w);
	}
	return wrong != 0;
}

/* The working directory changes all the time. */
static void find_places(const char *v, const char *l)
{
	view = realpath(v, NULL);
	logs = realpath(l, NULL);
	REALLY(view && logs);
}

int main(int argc, char **argv)
{
	totals = mmap(NULL, sizeof(*totals) * WRITERS, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REALLY(totals != MAP_FAILED);
	if (argc == 6 && strcmp(argv[1], "run") == 0) {
		find_places(argv[4], argv[5]);
		return run(strtol(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
	}
	if (argc == 4 && strcmp(argv[1], "check") == 0) {
		find_places(argv[2], argv[3]);
		return check_again();
	}
	die("usage: four-writers run SECONDS SEED VIEW LOGS | check VIEW LOGS");
}
