/* SPDX-License-Identifier: MIT */
/* Which files a policy is read from, and what becomes of the copy for libselinux. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "labeler/scratch.h"
#include "tests/unit/labeler_util.h"

static struct place place;

static void refused(const char *what, bool follow, int code, const char *message)
{
	struct labeler *l = (struct labeler *)&place;
	struct err e;

	is_int(place_open(&place, &l, follow, &e), -1, "%s is refused", what);
	ok(l == NULL, "%s: no labeler", what);
	is_int(e.code, code, "%s: code", what);
	is_str(e.msg, message, "%s: message", what);
}

static void start(void)
{
	place_clear(&place);
	place_text(&place, "file_contexts", "/a ca\n");
}

static void test_missing(void)
{
	struct labeler *l;
	struct err e;

	start();
	is_int(place_open(&place, &l, false, &e), 0, "no companion at all");
	is_int(labeler_rule_count(l), 1, "one rule then");
	labeler_close(l);
	place_clear(&place);
	place_text(&place, "file_contexts.local", "/a ca\n");
	refused("a missing base file", false, ERR_SYS,
		"there is no policy: POLICY/file_contexts: No such file or directory; "
		"install one, or name the directory that holds its file_contexts");
	is_int(place_open(&place, &l, true, &e), -1, "the same where links are followed");
	is_int(e.sys, ENOENT, "errno");
}

static void test_kinds(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	place_clear(&place);
	if (mkfifoat(place.fd, "file_contexts", 0600) < 0)
		err(1, "mkfifo");
	refused("a FIFO", false, ERR_INPUT,
		"POLICY/file_contexts: is not a regular file");
	start();
	if (mkdirat(place.fd, "file_contexts.homedirs", 0700) < 0)
		err(1, "mkdir");
	refused("a directory", false, ERR_INPUT,
		"POLICY/file_contexts.homedirs: is not a regular file");
	start();
	snprintf(
		addr.sun_path, sizeof(addr.sun_path), "%s/file_contexts.subs", place.dir);
	if (s < 0 || bind(s, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		err(1, "bind");
	refused("a socket", true, ERR_INPUT,
		"POLICY/file_contexts.subs: is not a regular file");
	close(s);
	start();
	if (symlinkat("/dev/null", place.fd, "file_contexts.subs_dist") < 0)
		err(1, "symlink");
	refused("a link to a device", true, ERR_INPUT,
		"POLICY/file_contexts.subs_dist: is not a regular file");
}

static void test_links(void)
{
	static const char not_followed[] = "POLICY/file_contexts.local: is a symbolic "
					   "link, which is not followed here; "
					   "put the file itself in its place";
	struct labeler *l;
	struct err e;

	start();
	place_text(&place, "elsewhere", "/b cb\n");
	if (symlinkat("elsewhere", place.fd, "file_contexts.local") < 0)
		err(1, "symlink");
	refused("a link", false, ERR_INPUT, not_followed);
	is_int(place_open(&place, &l, true, &e), 0, "a link is followed where asked to");
	is_int(labeler_rule_count(l), 2, "and read");
	labeler_close(l);
	unlinkat(place.fd, "elsewhere", 0);
	refused("a dangling link", false, ERR_INPUT, not_followed);
	refused("a dangling link that is followed", true, ERR_INPUT,
		"POLICY/file_contexts.local: is a symbolic link that leads nowhere");
	place_clear(&place);
	if (symlinkat("file_contexts", place.fd, "file_contexts") < 0)
		err(1, "symlink");
	refused("a loop", true, ERR_SYS,
		"cannot open: POLICY/file_contexts: Too many levels of symbolic links");
}

static void test_size(void)
{
	int fd;

	start();
	fd = openat(
		place.fd, "file_contexts.homedirs", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (64 << 20) + 1) < 0)
		err(1, "ftruncate");
	refused("a file over 64 MiB", false, ERR_INPUT,
		"POLICY/file_contexts.homedirs: is larger than 64 MiB; is it a "
		"file_contexts?");
	close(fd);
}

static void test_base_name(void)
{
	static const char *const names[] = {
		"", "tmp/file_contexts", "/etc/passwd", "../x"};
	struct labeler_source src = {.dirfd = place.fd, .shown = "POLICY"};
	struct labeler *l;
	struct err e;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		src.base = names[i];
		is_int(labeler_open(&l, &src, NULL, &e), -1, "base name '%s'", names[i]);
		is_int(e.code, ERR_USAGE, "base name '%s': code", names[i]);
	}
	place_text(&place, "other", "/a ca\n");
	place_text(&place, "other.local", "/b cb\n");
	src.base = "other";
	is_int(labeler_open(&l, &src, NULL, &e), 0, "a base name of one's own");
	is_str(labeler_rule_at(l, 1)->file, "POLICY/other.local", "its companion");
	labeler_close(l);
}

static void test_names_are_quoted(void)
{
	struct labeler_source src = {
		.dirfd = place.fd, .base = "file_contexts", .shown = "a\nb"};
	struct labeler *l;
	struct err e;

	place_clear(&place);
	place_text(&place, "file_contexts", "/a -\x1b c\n");
	is_int(labeler_open(&l, &src, NULL, &e), -1, "control characters");
	is_str(e.msg,
		"a\\nb/file_contexts:1:4: unknown file type '-\\033'; it is one of -- -b "
		"-c "
		"-d -l -p -s, or left out",
		"are quoted");
}

static void test_scratch(void)
{
	const struct labeler_options libselinux = {.engine = LABELER_LIBSELINUX};
	const struct labeler_source src = {
		.dirfd = place.fd, .base = "file_contexts", .shown = "POLICY"};
	struct labeler *l;
	struct err e;
	char gone[128];

	start();
	is_int(labeler_open(&l, &src, &libselinux, &e), 0, "the policy by libselinux");
	is_int(place_left_behind(&place), 0, "the copy is gone as soon as it is loaded");
	labeler_close(l);

	snprintf(gone, sizeof(gone), "%s/nowhere", place.dir);
	setenv("TMPDIR", gone, 1);
	is_int(labeler_open(&l, &src, &libselinux, &e), -1, "no TMPDIR");
	ok(strstr(e.msg, "cannot make a temporary directory: ") == e.msg &&
			strstr(e.msg, "/nowhere: No such file or directory; TMPDIR says "
				      "where"),
		"its message: %s", e.msg);
	setenv("TMPDIR", place.tmp, 1);
}

static void test_blame(void)
{
	struct labeler_rule rules[] = {{.line = 7}, {.line = 9}, {.line = 2}};
	struct policy p = {.rules = rules, .count = 3};
	struct scratch s = {.dir = "/tmp/d", .fd = -1};
	size_t rule = 9;

	p.files[POLICY_BASE].count = 2;
	p.files[POLICY_LOCAL].first = 2;
	p.files[POLICY_LOCAL].count = 1;
	ok(scratch_blamed(&s, "/tmp/d/file_contexts:  line 2 is bad", &p) == &rules[1],
		"a message on the base file");
	ok(scratch_blamed(&s, "/tmp/d/file_contexts.local: line 1 is bad", &p) ==
			&rules[2],
		"a message on .local");
	ok(!scratch_blamed(&s, "/tmp/d/file_contexts:  line 3 is bad", &p),
		"no such line");
	ok(!scratch_blamed(&s, "/tmp/d/file_contexts.homedirs: line 1", &p),
		"no such file");
	ok(!scratch_blamed(&s, "/tmp/dd/file_contexts: line 1", &p), "elsewhere");
	ok(!scratch_blamed(&s, "out of memory", &p), "no file at all");
	is_int(scratch_rule(&rule, "r2", &p), 0, "a marker");
	is_int(rule, 2, "its rule");
	is_int(scratch_rule(&rule, "r3", &p), -1, "a marker past the end");
	is_int(scratch_rule(&rule, "r", &p), -1, "half a marker");
	is_int(scratch_rule(&rule, "r1x", &p), -1, "a marker and more");
	is_int(scratch_rule(&rule, "x1", &p), -1, "no marker");
}

int main(void)
{
	place_make(&place);
	test_missing();
	test_kinds();
	test_links();
	test_size();
	test_base_name();
	test_names_are_quoted();
	test_scratch();
	test_blame();
	is_int(place_left_behind(&place), 0, "nothing is left in TMPDIR");
	place_remove(&place);
	return done_testing();
}
