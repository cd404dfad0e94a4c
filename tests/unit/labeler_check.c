/* SPDX-License-Identifier: MIT */
/* Contexts held against a binary policy, and policies that are damaged. */
#include "labeler/check.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/binary_policy.h"

#define VERSION 31 /* that every libsepol in use reads and writes */

static struct err e;

static int open_file(struct label_check **c, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (fd < 0)
		err(1, "%s", path);
	e = (struct err){0};
	rc = label_check_open(c, fd, path, &e);
	close(fd);
	return rc;
}

static struct label_check *must_open(const char *path)
{
	struct label_check *c;

	if (open_file(&c, path) < 0 || label_check_wait(c, &e) < 0)
		errx(1, "%s", e.msg);
	return c;
}

static const struct {
	const char *context;
	bool mls, plain; /* valid with and without MLS */
	const char *why;
} contexts[] = {
	{"system_u:object_r:etc_t:s0", true, false, ""},
	{"system_u:object_r:bin_t:s0-s1:c0.c1", true, false, ""},
	{"user_u:user_r:user_t:s0:c0", true, false, ""},
	/* the range of a user is no bound for object_r */
	{"user_u:object_r:etc_t:s0:c1", true, false, ""},
	{"system_u:object_r:old_etc_t:s0", true, false, ""},
	{"system_u:system_r:kernel_t:s0", true, false, ""},
	/* no question of libsepol's: the type is a process's */
	{"system_u:object_r:kernel_t:s0", true, false, ""},
	{"system_u:object_r:etc_t", false, true, "MLS"},
	{"nobody_u:object_r:etc_t:s0", false, false, "nobody_u"},
	{"system_u:nobody_r:etc_t:s0", false, false, "nobody_r"},
	{"system_u:object_r:nothing_t:s0", false, false, "nothing_t"},
	{"system_u:object_r:file_type:s0", false, false, "file_type"},
	{"system_u:user_r:user_t:s0", false, false, "user_r"},
	{"user_u:user_r:user_t:s0:c1", false, false, "s0:c1"},
	{"system_u:object_r:etc_t:s2", false, false, "s2"},
	{"system_u:object_r:etc_t:s1-s0", false, false, "s1-s0"},
	{"system_u:object_r:etc_t:s0 ", false, false, "s0 "},
	{" system_u:object_r:etc_t:s0", false, false, " system_u"},
	{"system_u:object_r", false, false, "system_u:object_r"},
	{"system_u:object_r:et\nc_t:s0", false, false, "et\\nc_t"},
	{"<<none>>", false, false, "is not in the policy"},
	{"", false, false, "malformed"},
};

#define CONTEXTS (sizeof(contexts) / sizeof(contexts[0]))

static void test_contexts(bool mls)
{
	struct label_check *c = must_open(mls ? "mls" : "plain");

	for (size_t i = 0; i < CONTEXTS; i++) {
		bool want = mls ? contexts[i].mls : contexts[i].plain;
		int got;

		e = (struct err){0};
		got = label_check_context(c, contexts[i].context, &e);
		is_int(got, want, "%s: context %zu", mls ? "mls" : "plain", i);
		if (mls && !want)
			ok(strstr(e.msg, contexts[i].why) && one_line(e.msg),
				"it says why: %s", e.msg);
	}
	label_check_close(c);
}

/* Many at once get the answers that they get one by one, wherever packets end. */
static void test_many(void)
{
	enum {
		COUNT = 20000
	};
	static const char *many[COUNT];
	static bool valid[COUNT];
	struct label_check *c = must_open("mls");
	char *huge = malloc(70000);
	char *large = malloc(65536);
	int wrong = 0;

	memset(huge, 'x', 69999);
	huge[69999] = '\0';
	memset(large, 'x', 65535);
	large[65535] = '\0';
	for (size_t i = 0; i < COUNT; i++)
		many[i] = i % 997 == 3   ? huge
			  : i % 997 == 5 ? large
					 : contexts[i % CONTEXTS].context;
	memset(valid, 2, sizeof(valid));
	is_int(label_check_contexts(c, many, COUNT, valid, &e), 0, "%d contexts", COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		bool odd = many[i] == huge || many[i] == large;

		wrong += valid[i] != (!odd && contexts[i % CONTEXTS].mls);
	}
	is_int(wrong, 0, "each as if it were alone");
	is_int(label_check_contexts(c, many, 0, valid, &e), 0, "none");
	is_int(label_check_context(c, huge, &e), 0, "more than an attribute holds");
	is_str(e.msg, "is longer than 65535 bytes", "is said so");
	is_int(label_check_context(c, large, &e), 0, "as much as one holds");
	ok(!strstr(e.msg, "is longer"), "is asked about");
	is_int(label_check_context(c, contexts[0].context, &e), 1, "and a valid one");
	label_check_close(c);
	free(huge);
	free(large);
}

static void refused(const char *path, enum err_code code, const char *want)
{
	struct label_check *c = NULL;
	int rc = open_file(&c, path);

	if (rc == 0)
		rc = label_check_wait(c, &e);
	is_int(rc, -1, "%s: refused", path);
	is_int(e.code, code, "%s: code", path);
	ok(strncmp(e.msg, path, strlen(path)) == 0 && strstr(e.msg, want), "%s", e.msg);
	if (c) {
		is_int(label_check_context(c, "a:b:c", &e), -1, "%s: no answer", path);
		ok(strstr(e.msg, want), "for the same reason");
	}
	label_check_close(c);
}

static void put_header(const char *path, uint32_t magic, uint32_t len, uint32_t version)
{
	uint32_t words[] = {htole32(magic), htole32(len), 0, 0, htole32(version), 0};

	memcpy(words + 2, "SE Linux", 8);
	put_file(path, words, sizeof(words));
}

static void test_other_files(void)
{
	const uint32_t kernel = 0xf97cff8c;
	char text[200];
	int fd;

	put_text("empty", "");
	refused("empty", ERR_INPUT, "is no binary policy of SELinux");
	put_text("text", "/etc(/.*)? system_u:object_r:etc_t:s0\n");
	refused("text", ERR_INPUT, "is no binary policy of SELinux");
	put_header("module", kernel + 1, 8, VERSION);
	refused("module", ERR_INPUT, "is a module of a policy");
	put_header("package", kernel + 3, 8, VERSION);
	refused("package", ERR_INPUT, "is a module of a policy");
	put_header("head", kernel, 0xffffffff, VERSION);
	refused("head", ERR_INPUT, "is damaged, or cut short");
	put_header("short", kernel, 8, VERSION);
	refused("short", ERR_INPUT, "libsepol refuses the policy: ");
	put_header("newer", kernel, 8, label_check_newest() + 1);
	snprintf(text, sizeof(text),
		"newer: has version %u, and the libsepol that is installed knows none "
		"above %u; install a newer one, or say --no-check",
		label_check_newest() + 1, label_check_newest());
	refused("newer", ERR_INPUT, text);
	put_header("older", kernel, 8, label_check_oldest() - 1);
	refused("older", ERR_INPUT, "and libsepol knows none below");
	put_dir("dir");
	refused("dir", ERR_INPUT, "is not a regular file");
	if (mkfifo("fifo", 0600) < 0)
		err(1, "fifo");
	refused("fifo", ERR_INPUT, "is not a regular file");
	put_header("large", kernel, 8, VERSION);
	if (truncate("large", (256 << 20) + 1) < 0)
		err(1, "large");
	refused("large", ERR_INPUT, "is larger than 256 MiB");
	put_header("a\nb", 0, 8, VERSION);
	fd = open("a\nb", O_RDONLY | O_CLOEXEC);
	is_int(label_check_open(&(struct label_check *){NULL}, fd, "a\nb", &e), -1,
		"a name with a line break");
	is_str(e.msg, "a\\nb: is no binary policy of SELinux", "is quoted");
	close(fd);
}

/* What happened to a damaged policy. */
static int loaded, said_no, timed_out, out_of_memory, died, unclear;

static void try_damaged(const void *data, size_t len)
{
	struct label_check *c;
	int fd = open("damaged", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool valid[CONTEXTS];
	const char *all[CONTEXTS];
	int rc;

	for (size_t i = 0; i < CONTEXTS; i++)
		all[i] = contexts[i].context;
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		err(1, "damaged");
	e = (struct err){0};
	rc = label_check_open_within(&c, fd, "damaged", 50, &e);
	close(fd);
	if (rc == 0)
		rc = label_check_contexts(c, all, CONTEXTS, valid, &e);
	if (rc == 0)
		loaded++;
	else if (strstr(e.msg, "needs more than"))
		timed_out++;
	else if (strstr(e.msg, "needs more memory"))
		out_of_memory++;
	else if (strstr(e.msg, "does not survive"))
		died++;
	else if (strstr(e.msg, "damaged: ") == e.msg && one_line(e.msg))
		said_no++;
	else
		unclear++;
	label_check_close(c);
}

static void test_damage(void)
{
	size_t len;
	char *data = get_file("mls", &len);
	char *copy = malloc(len);
	size_t step = under_valgrind() ? 15 : 3; /* odd: both kinds of damage occur */
	int cuts = 0;

	for (size_t cut = 0; cut < len; cut += cut < 24 || cut + 24 > len ? 1 : step * 6)
		cuts++, try_damaged(data, cut);
	is_int(loaded, 0, "no policy that is cut short is loaded");
	is_int(said_no, cuts, "each is refused");
	for (size_t i = 0; i < len; i += step) {
		memcpy(copy, data, len);
		if (i % 2)
			copy[i] = (char)(copy[i] ^ 1 << i / step / 2 % 8);
		else
			copy[i] = (char)0xff;
		try_damaged(copy, len);
	}
	printf("# loaded %d, refused %d, time %d, memory %d, died %d\n", loaded, said_no,
		timed_out, out_of_memory, died);
	is_int(unclear, 0, "every damage has a message");
	ok(loaded > 0 && said_no > cuts, "some load, more are refused");
	free(copy);
	free(data);
}

/* A real policy for which the time is too short, as a damaged one's would be. */
static void test_time(void)
{
	struct label_check *c;
	struct buf more = {0};
	int fd;

	for (int i = 0; i < 16000; i++)
		buf_addf(&more,
			"(type t%d_t) (roletype object_r t%d_t)"
			"(allow t%d_t file_type (file (read)))"
			"(allow kernel_t t%d_t (file (read)))",
			i, i, i, i);
	policy_make("larger", VERSION, true, more.data);
	buf_free(&more);
	fd = open("larger", O_RDONLY | O_CLOEXEC);
	is_int(label_check_open_within(&c, fd, "larger", 1, &e), 0, "a larger policy");
	is_int(label_check_context(c, contexts[0].context, &e), -1, "is not loaded");
	is_str(e.msg,
		"larger: libsepol needs more than 1 ms for this policy: it is damaged",
		"in a millisecond");
	label_check_close(c);
	signal(SIGPROF, SIG_IGN);
	is_int(label_check_open_within(&c, fd, "larger", 1, &e), 0, "nor");
	is_int(label_check_wait(c, &e), -1, "where the caller ignores such signals");
	label_check_close(c);
	signal(SIGPROF, SIG_DFL);
	is_int(label_check_open(&c, fd, "larger", &e), 0, "with its usual time");
	is_int(label_check_context(c, "system_u:object_r:t15999_t:s0", &e), 1, "it is");
	label_check_close(c);
	close(fd);
}

/* The only child, or -1. */
static pid_t find_child(void)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	pid_t found = -1;

	while (d && (entry = readdir(d))) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		pid_t parent = -1;
		char path[64];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = pid > 0 ? fopen(path, "re") : NULL;
		if (f && fscanf(f, "%*d (%*[^)]) %*c %d", &parent) == 1 &&
			parent == getpid())
			found = pid;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return found;
}

/* The limits of that process as prlimit(2) has them: both parts. */
static void test_limits(void)
{
	struct label_check *c = must_open("mls");
	pid_t pid = find_child();
	struct rlimit core, data, ours;

	if (prlimit(pid, RLIMIT_CORE, NULL, &core) < 0 ||
		prlimit(pid, RLIMIT_DATA, NULL, &data) < 0 ||
		getrlimit(RLIMIT_DATA, &ours) < 0)
		err(1, "prlimit %d", pid);
	is_int(core.rlim_max, 0, "no core is dumped");
	ok(under_valgrind() ||
			(data.rlim_max < ours.rlim_max && data.rlim_cur == data.rlim_max),
		"memory is bounded");
	kill(pid, SIGKILL);
	is_int(label_check_context(c, contexts[0].context, &e), -1, "it was killed");
	is_str(e.msg,
		"mls: libsepol does not survive this policy (signal 9): it is damaged",
		"by somebody");
	is_int(label_check_context(c, contexts[0].context, &e), -1, "and stays so");
	label_check_close(c);
}

/* Neither descriptors of the caller's nor its handlers are in the process. */
static void test_alone(void)
{
	struct label_check *c;
	int ends[2];
	struct pollfd p;

	if (pipe(ends) < 0 || dup2(ends[1], 100) < 0)
		err(1, "pipe");
	c = must_open("mls");
	close(ends[1]);
	close(100);
	p = (struct pollfd){.fd = ends[0], .events = POLLIN};
	ok(poll(&p, 1, 10000) == 1 && p.revents == POLLHUP,
		"the caller's files are not held open");
	close(ends[0]);
	label_check_close(c);
	is_int(waitpid(-1, NULL, 0), -1, "no process is left");
	is_int(errno, ECHILD, "none at all");
}

static int *signals;

static void count_signal(int sig)
{
	(void)sig;
	__atomic_fetch_add(signals, 1, __ATOMIC_SEQ_CST);
}

static void test_signals(void)
{
	const struct sigaction count = {.sa_handler = count_signal};
	struct sigaction before;
	struct label_check *c;
	sigset_t mask;

	signals = mmap(NULL, sizeof(*signals), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (signals == MAP_FAILED || setpgid(0, 0) < 0)
		err(1, "setpgid");
	sigaction(SIGINT, &count, &before);
	c = must_open("mls");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	ok(!sigismember(&mask, SIGINT), "the caller's signals are as they were");
	kill(0, SIGINT);
	is_int(label_check_context(c, contexts[0].context, &e), 1,
		"an interrupt from the terminal does not end the process");
	is_int(__atomic_load_n(signals, __ATOMIC_SEQ_CST), 1,
		"nor run the caller's handler twice");
	label_check_close(c);
	sigaction(SIGINT, &before, NULL);

	signal(SIGCHLD, SIG_IGN);
	c = must_open("mls");
	is_int(label_check_context(c, contexts[0].context, &e), 1,
		"where nobody waits for children");
	label_check_close(c);
	put_header("short", 0xf97cff8c, 8, VERSION);
	refused("short", ERR_INPUT, "libsepol refuses the policy: ");
	signal(SIGCHLD, SIG_DFL);
	munmap(signals, sizeof(*signals));
}

/* Two at a time, and a policy that goes away. */
static void test_two(void)
{
	struct label_check *a = must_open("mls");
	struct label_check *b = must_open("plain");

	unlink("plain");
	is_int(label_check_context(a, "user_u:object_r:bin_t", &e), 0, "one of two");
	is_int(label_check_context(b, "user_u:object_r:bin_t", &e), 1, "the other");
	label_check_close(a);
	is_int(label_check_context(b, "user_u:object_r:etc_t", &e), 1, "goes on");
	label_check_close(b);
	label_check_close(NULL);
}

int main(void)
{
	scratch_make();
	policy_make("mls", VERSION, true, NULL);
	policy_make("plain", VERSION, false, NULL);
	test_contexts(true);
	test_contexts(false);
	test_many();
	test_other_files();
	test_damage();
	test_time();
	test_limits();
	test_alone();
	test_signals();
	test_two();
	return done_testing();
}
