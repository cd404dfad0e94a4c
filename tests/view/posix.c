/* SPDX-License-Identifier: MIT */
/*
 * posix [--fuse|--run] [--owner UID:GID] [--only TEXT] DIRECTORY: see posix.h.
 *
 * With --fuse the deviations of posix_deviations.c are expected, and each must really
 * occur; with --run only those that `livery run`, which must have started it, leaves.
 * --owner says whom new files belong to (default 0:0), --only runs tests with that in
 * their names.
 */
#include "tests/view/posix.h"

#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <sys/wait.h>

struct test {
	char *name;
	posix_fn *fn;
	const void *arg;
};

static struct test *tests;
static size_t test_count;
static int report_fd = -1;
static int failed;
/* Whose deviations are expected. */
static enum world {
	ROOT, /* nobody's */
	FUSE,
	RUN
} world;
uid_t new_uid;
gid_t new_gid;

/* What a test's process leaves in the pipe. */
struct verdict {
	int error;
	char text[1000];
};

void posix_add(posix_fn *fn, const void *arg, const char *fmt, ...)
{
	struct test *grown = reallocarray(tests, test_count + 1, sizeof(*tests));
	va_list ap;
	char *name;

	va_start(ap, fmt);
	if (!grown || vasprintf(&name, fmt, ap) < 0)
		abort();
	va_end(ap);
	tests = grown;
	tests[test_count++] = (struct test){name, fn, arg};
}

void posix_fail(const char *file, int line, int error, const char *fmt, ...)
{
	struct verdict verdict = {.error = error};
	va_list ap;
	int len;

	len = snprintf(verdict.text, sizeof(verdict.text), "%s:%d: ", file, line);
	va_start(ap, fmt);
	vsnprintf(verdict.text + len, sizeof(verdict.text) - len, fmt, ap);
	va_end(ap);
	if (write(report_fd, &verdict, sizeof(verdict)) != sizeof(verdict))
		_exit(3);
	_exit(1);
}

long long check_works(const char *file, int line, const char *text, long long result)
{
	if (result == -1)
		posix_fail(file, line, errno, "%s: %s", text, strerrorname_np(errno));
	return result;
}

void check_fails(const char *file, int line, const char *text, int want, int or_this,
	long long result)
{
	if (result != -1)
		posix_fail(file, line, 0, "%s: %lld, not %s", text, result,
			strerrorname_np(want));
	if (errno != want && errno != or_this)
		posix_fail(file, line, errno, "%s: %s, not %s", text,
			strerrorname_np(errno), strerrorname_np(want));
}

void check_is(const char *file, int line, const char *text, long long got, long long want)
{
	if (got != want)
		posix_fail(file, line, 0, "%s: %lld (0%llo), not %lld (0%llo)", text, got,
			(unsigned long long)got, want, (unsigned long long)want);
}

static int remove_one(const char *path, const struct stat *st __attribute__((unused)),
	int type __attribute__((unused)), struct FTW *ftw __attribute__((unused)))
{
	if (remove(path) == 0)
		return 0;
	printf("# cannot remove %s: %s\n", path, strerrorname_np(errno));
	return -1;
}

/* Runs one test: true if all its checks held. */
static bool run(const struct test *test, struct verdict *verdict)
{
	int pipe_fd[2], status;
	pid_t pid;

	*verdict = (struct verdict){0};
	fflush(stdout);
	if (mkdir("test", 0777) || pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) ||
		(pid = fork()) == -1) {
		snprintf(verdict->text, sizeof(verdict->text), "cannot begin: %m");
		return false;
	}
	if (pid == 0) {
		report_fd = pipe_fd[1];
		setpgid(0, 0);
		alarm(90);
		if (chdir("test"))
			posix_fail(__FILE__, __LINE__, errno, "chdir: %m");
		test->fn(test->arg);
		_exit(0);
	}
	close(pipe_fd[1]);
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL);
	if (status && read(pipe_fd[0], verdict, sizeof(*verdict)) <= 0)
		snprintf(
			verdict->text, sizeof(verdict->text), "wait status 0x%x", status);
	close(pipe_fd[0]);
	if (nftw("test", remove_one, 16, FTW_DEPTH | FTW_PHYS) && !verdict->text[0]) {
		snprintf(verdict->text, sizeof(verdict->text), "something stays behind");
		return false;
	}
	return status == 0;
}

static unsigned int conditions(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0, all = 0;
	FILE *file = fopen("/proc/sys/fs/protected_hardlinks", "re");

	/* Of geteuid(2) `livery run` says what it likes. */
	if (new_uid != getauxval(AT_EUID))
		all |= FOREIGN;
	if (file && fgetc(file) == '1')
		all |= HARDLINKS;
	if (file)
		fclose(file);
	if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
		(major > 6 || (major == 6 && minor >= 2)))
		all |= ACL_CHECK;
	return all;
}

static const struct deviation *deviation_of(const char *name, unsigned int now)
{
	for (size_t i = 0; i < deviation_count && world != ROOT; i++) {
		const struct deviation *d = &deviations[i];

		if (!strcmp(d->test, name) && !(d->when & ~now) &&
			!(d->lifted && world == RUN))
			return d;
	}
	return NULL;
}

static bool exists(const char *name)
{
	for (size_t i = 0; i < test_count; i++)
		if (!strcmp(tests[i].name, name))
			return true;
	return false;
}

static void print(int number, bool pass, const char *name, const char *note)
{
	printf("%sok %d - %s%s%s\n", pass ? "" : "not ", number, name, *note ? " # " : "",
		note);
	failed += !pass;
}

static void one(int number, const struct test *test, const struct deviation *deviation)
{
	struct verdict verdict;
	bool pass = run(test, &verdict);

	if (!deviation) {
		print(number, pass, test->name, "");
	} else if (pass) {
		print(number, false, test->name,
			"works, but the list of deviations has it");
	} else if (verdict.error != deviation->error) {
		print(number, false, test->name, "deviates in another way than expected");
		printf("# expected: %s\n", strerrorname_np(deviation->error));
	} else {
		print(number, true, test->name, deviation->reason);
	}
	if (!pass && (!deviation || verdict.error != deviation->error))
		printf("# %s\n", verdict.text);
}

static int run_all(const char *only)
{
	unsigned int now = conditions();
	int number = 0;

	for (size_t i = 0; i < test_count; i++)
		if (!only || strstr(tests[i].name, only))
			one(++number, &tests[i], deviation_of(tests[i].name, now));
	for (size_t i = 0; i < deviation_count; i++)
		if (!exists(deviations[i].test))
			print(++number, false, deviations[i].test,
				"there is no such test");
	printf("1..%d\n", number);
	if (failed)
		printf("# %d of %d failed\n", failed, number);
	return failed || !number ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	int i;

	/* A copy of this program is what runs while others want to write to it. */
	if (argc == 2 && !strcmp(argv[1], "--idle"))
		return (int)read(STDIN_FILENO, &i, 1);
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--fuse"))
			world = FUSE;
		else if (!strcmp(argv[i], "--run"))
			world = RUN;
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			only = argv[++i];
		else if (!strcmp(argv[i], "--owner") && i + 1 < argc &&
			 sscanf(argv[i + 1], "%u:%u", &new_uid, &new_gid) == 2)
			i++;
		else
			break;
	}
	if (i != argc - 1 || chdir(argv[i])) {
		fprintf(stderr, "posix [--fuse|--run] [--owner UID:GID] [--only TEXT] "
				"DIRECTORY\n");
		return 2;
	}
	umask(0);
	signal(SIGPIPE, SIG_IGN);
	return run_all(only);
}
