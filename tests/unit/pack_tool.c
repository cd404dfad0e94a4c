/* SPDX-License-Identifier: MIT */
/* Programs that are run: their ends, their words, their environment, and interrupts. */
#include "pack/tool.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/scratch.h"

static struct err e;
static struct buf out;

/* What tool_run() says of a shell script; what it printed is in out. */
static int run(const char *script)
{
	cleanup_tool_args struct tool_args a = {0};

	buf_free(&out);
	buf_adds(&out, "");
	e = (struct err){0};
	if (tool_arg(&a, "%s", "sh") || tool_arg(&a, "-c") || tool_arg_copy(&a, script))
		errx(1, "out of memory");
	return tool_run("dash", &a, NULL, NULL, NULL, &out, &e);
}

static void fails(const char *script, const char *want)
{
	is_int(run(script), -1, "%s", script);
	is_str(e.msg, want, "what is said of it");
	is_int(e.code, ERR_SYS, "and its kind");
}

static void test_ends(void)
{
	is_int(run("exit 0"), 0, "a good end");
	is_int(run("echo words >&2"), 0, "words alone are no failure");
	fails("exit 7", "sh failed with exit status 7: ");
	fails("echo why >&2; exit 1", "sh failed with exit status 1: why");
	fails("echo why; exit 1", "sh failed with exit status 1: why");
	fails("echo that; echo why >&2; exit 255", "sh failed with exit status 255: why");
	fails("printf 'two\\nlines \\n\\n\\n' >&2; exit 1",
		"sh failed with exit status 1: two\\nlines");
	fails("kill -9 $$", "sh was ended by signal 9: ");
	fails("echo why >&2; kill -6 $$", "sh was ended by signal 6: why");
}

static void test_long_words(void)
{
	const char *end;

	is_int(run("i=0; while [ $i -lt 900 ]; do echo line$i >&2; i=$((i+1)); done; "
		   "exit 3"),
		-1, "a failure with many words");
	end = e.msg + strlen(e.msg) - 7;
	is_str(end, "line899", "the last ones are told");
	ok(strstr(e.msg, ": line0\\n...\\n"), "the very first one is, too");
	ok(!strstr(e.msg, "line5\\n") && one_line(e.msg), "those behind it are not");
	is_int(run("head -c 5000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 3"), -1,
		"one long line");
	ok(strstr(e.msg, "xend") && strstr(e.msg, "x\\n...\\nx"), "is cut in its middle");
	is_int(run("printf '\\303\\n\\033[2J\\377' >&2; exit 1"), -1, "odd words");
	ok(one_line(e.msg), "are one line");
}

static void test_output(void)
{
	struct buf said = {0};
	cleanup_tool_args struct tool_args a = {0};
	struct tool t;

	is_int(run("printf 'a\\000b'"), 0, "output");
	ok(out.len == 3 && memcmp(out.data, "a\0b", 3) == 0,
		"is kept with all its bytes");
	is_int(run("head -c 300000 /dev/zero"), 0, "much output");
	is_int(out.len, 300000, "is kept whole");
	tool_arg(&a, "sh");
	tool_arg(&a, "-c");
	tool_arg(&a, "echo %s; echo %s >&2; exit 2", "one", "two");
	is_int(tool_start(&t, "dash", &a, NULL, -1, &e), 0, "started");
	is_int(tool_wait(&t, NULL, NULL, &out, &said, &e), -1, "and failed");
	is_str(said.data, "two\n", "its words are given");
	is_str(out.data + 300000, "one\n", "and its output");
	buf_free(&said);
}

static void test_arguments(void)
{
	cleanup_tool_args struct tool_args a = {0};
	char all[256];
	struct buf want = {0};

	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = 0;
	tool_arg(&a, "printf");
	tool_arg(&a, "%%s|");
	tool_arg(&a, "%s", "");
	tool_arg(&a, "%s", all);
	tool_arg_copy(&a, "%s%n -x");
	is_int(a.count, 5, "five arguments");
	ok(!a.items[5], "and an end");
	buf_free(&out);
	is_int(tool_run("coreutils", &a, NULL, NULL, NULL, &out, &e), 0, "odd arguments");
	buf_addf(&want, "|%s|%%s%%n -x|", all);
	is_str(out.data, want.data, "arrive as they are");
	buf_free(&want);
}

static int run_env(const char *const *env)
{
	cleanup_tool_args struct tool_args a = {0};

	buf_free(&out);
	if (tool_arg(&a, "env"))
		errx(1, "out of memory");
	return tool_run("coreutils", &a, env, NULL, NULL, &out, &e);
}

static void test_environment(void)
{
	const char *const more[] = {"LIVERY_A=1 2", "LIVERY_B=", NULL};
	static char path[4096];

	snprintf(path, sizeof(path), "%s", getenv("PATH") ? getenv("PATH") : "");
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("HOME", "/h", 1);
	setenv("TMPDIR", "/t", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	setenv("LANG", "de_DE.UTF-8", 1);
	setenv("TZ", "Asia/Tokyo", 1);
	setenv("MKE2FS_CONFIG", "/nowhere", 1);
	setenv("LD_LIBRARY_PATH", "/nowhere", 1);
	is_int(run_env(more), 0, "with an environment of ours");
	is_str(out.data,
		"LC_ALL=C\nTZ=UTC\nPATH=/usr/bin:/bin\nHOME=/h\nTMPDIR=/t\nLIVERY_A=1 2\n"
		"LIVERY_B=\n",
		"nothing else of the caller's");
	unsetenv("HOME");
	unsetenv("TMPDIR");
	is_int(run_env(NULL), 0, "with less");
	is_str(out.data, "LC_ALL=C\nTZ=UTC\nPATH=/usr/bin:/bin\n", "it stays away");
	setenv("PATH", path, 1);
	unsetenv("LC_ALL");
	unsetenv("LANG");
	unsetenv("TZ");
	unsetenv("LD_LIBRARY_PATH");
}

static void test_finding(void)
{
	cleanup_tool_args struct tool_args a = {0};
	char old[4096];
	char *file;

	tool_arg(&a, "livery-no-such-tool");
	is_int(tool_run("some-package", &a, NULL, NULL, NULL, NULL, &e), -1,
		"no such tool");
	is_str(e.msg, "there is no livery-no-such-tool: install the package some-package",
		"names the package");
	snprintf(old, sizeof(old), "%s", getenv("PATH"));
	put_dir("bin");
	put_text("bin/mine", "#!/bin/sh\n");
	setenv("PATH", "/nowhere::bin", 1);
	ok(!tool_find("mine", "p", &e), "a file that cannot be executed");
	chmod("bin/mine", 0755);
	file = tool_find("mine", "p", &e);
	is_str(file, "bin/mine", "one that can");
	free(file);
	chmod("bin/mine", 0755);
	put_text("here", "#!/bin/sh\n");
	chmod("here", 0755);
	ok(!tool_find("here", "p", &e), "the current directory is not searched");
	put_text("bin/odd", "#!/no/such/shell\n");
	chmod("bin/odd", 0755);
	tool_args_free(&a);
	tool_arg(&a, "odd");
	is_int(tool_run("p", &a, NULL, NULL, NULL, NULL, &e), -1,
		"one that cannot be started");
	ok(strstr(e.msg, "odd") && e.code == ERR_SYS, "is told: %s", e.msg);
	setenv("PATH", "/nowhere", 1);
	file = tool_find("mke2fs", "e2fsprogs", &e);
	ok(file && strstr(file, "sbin/mke2fs"), "sbin is searched without being in PATH");
	free(file);
	setenv("PATH", old, 1);
}

static void test_stdin(void)
{
	cleanup_tool_args struct tool_args a = {0};
	struct tool t;
	int fd;

	is_int(run("cat; echo end"), 0, "no standard input");
	is_str(out.data, "end\n", "is an empty one");
	put_text("in", "given");
	fd = open("in", O_RDONLY | O_CLOEXEC);
	tool_arg(&a, "cat");
	buf_free(&out);
	is_int(tool_start(&t, "coreutils", &a, NULL, fd, &e), 0, "with a file");
	close(fd);
	is_int(tool_wait(&t, NULL, NULL, &out, NULL, &e), 0, "as standard input");
	is_str(out.data, "given", "it is read");
}

static int open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

static int times_in(const char *text, const char *word)
{
	int n = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		n++;
	return n;
}

static void test_descriptors(void)
{
	int before = open_files();

	is_int(run("ls -l /proc/self/fd"), 0, "descriptors of a program");
	is_int(times_in(out.data, "/memfd:livery-output"), 1, "output once");
	is_int(times_in(out.data, "/memfd:livery-errors"), 1, "errors once");
	run("exit 1");
	is_int(open_files(), before, "and ours are closed again");
}

static void count_tick(void *arg)
{
	++*(int *)arg;
}

static void kill_self(void *arg)
{
	count_tick(arg);
	kill(getpid(), SIGTERM);
}

static void say_end(void)
{
	ssize_t n = write(1, "undone\n", 7);

	(void)n;
}

/* In a child, which writes to a pipe: what an interrupt does while no tool runs. */
static void idle(bool hold)
{
	char text[64] = "";
	int ends[2], status = 0;
	pid_t pid;

	if (pipe(ends) < 0)
		abort();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		tool_catch_signals(say_end);
		if (hold)
			tool_hold();
		raise(SIGINT);
		_exit(tool_interrupted() ? 7 : 8);
	}
	close(ends[1]);
	waitpid(pid, &status, 0);
	is_int(read(ends[0], text, sizeof(text) - 1), hold ? 0 : 7, "what is undone");
	close(ends[0]);
	if (hold)
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 7, "held: noted only");
	else
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "idle: ends by it");
}

static void test_interrupt(void)
{
	cleanup_tool_args struct tool_args a = {0};
	struct timespec from, to;
	struct tool t;
	int ticks = 0;

	tool_arg(&a, "sleep");
	tool_arg(&a, "0.5");
	is_int(tool_run("coreutils", &a, NULL, count_tick, &ticks, NULL, &e), 0,
		"a while");
	ok(ticks >= 1 && ticks <= 4, "is told a few times: %d", ticks);
	tool_catch_signals(say_end);
	ok(!tool_interrupted(), "not interrupted yet");
	/* Signals that are ignored here are not there. */
	is_int(run("kill -PIPE $$; echo alive"), -1, "a broken pipe ends a program");
	is_str(e.msg, "sh was ended by signal 13: ", "as it should");
	tool_args_free(&a);
	tool_arg(&a, "sleep");
	tool_arg(&a, "5");
	clock_gettime(CLOCK_MONOTONIC, &from);
	is_int(tool_start(&t, "coreutils", &a, NULL, -1, &e), 0, "a long one");
	is_int(tool_wait(&t, kill_self, &ticks, NULL, NULL, &e), -1,
		"that is interrupted");
	clock_gettime(CLOCK_MONOTONIC, &to);
	is_str(e.msg, "interrupted while sleep ran", "fails");
	ok(to.tv_sec - from.tv_sec < 3, "soon");
	ok(tool_interrupted(), "which is remembered");
}

int main(void)
{
	scratch_make();
	test_ends();
	test_long_words();
	test_output();
	test_arguments();
	test_environment();
	test_finding();
	test_stdin();
	test_descriptors();
	idle(false);
	idle(true);
	test_interrupt();
	buf_free(&out);
	return done_testing();
}
