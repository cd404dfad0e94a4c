/* SPDX-License-Identifier: MIT */
/* Users and groups as the staging tree's own files name them. */
#include "tools/names.h"

#include "tests/unit/tree.h"

static struct stage *stage;
static struct names *names;
static struct err e;

static void owner(const char *text, uint32_t uid, uint32_t gid)
{
	uint32_t u = 77, g = 88;

	is_int(names_parse_owner(names, text, &u, &g, &e), 0, "'%s'", text);
	ok(u == uid && g == gid, "'%s' is %u:%u", text, u, g);
}

static void refused(const char *text, const char *want)
{
	uint32_t u, g;

	e = (struct err){0};
	is_int(names_parse_owner(names, text, &u, &g, &e), -1, "'%s' is refused", text);
	ok(e.code == ERR_USAGE && strstr(e.msg, want), "%s", e.msg);
}

static void test_no_files(void)
{
	is_int(names_open(&names, stage, &e), 0, "a tree without etc");
	ok(!names_user(names, 0) && !names_group(names, 0), "names nobody");
	owner("0:0", 0, 0);
	refused("root", "no user 'root'");
	refused(":root", "no group 'root'");
	names_close(names);
	names_close(NULL);
}

static void test_files(void)
{
	put_dir("s/etc");
	put_text("s/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
				 "# comment\n"
				 "\n"
				 ":x:5:5::\n"
				 "half:x:1\n"
				 "nogid:x:1:\n"
				 "bad:x:1x:1::\n"
				 "big:x:4294967295:1::\n"
				 "_apt:x:42:65534::/nonexistent:/bin/false\n"
				 "second:x:42:7::/:\n"
				 "12:x:99:98::/:\n"
				 "max:x:4294967294:4294967294::/:\n"
				 "last:x:8:9");
	put_text("s/etc/group", "root:x:0:\nshadow:x:42:a,b\nutmp::43\nbad:x::\n+\n");
	is_int(names_open(&names, stage, &e), 0, "a tree with etc/passwd and etc/group");
	is_str(names_user(names, 0), "root", "user 0");
	is_str(names_user(names, 42), "_apt", "the first of two names");
	is_str(names_user(names, 8), "last", "a line without its end");
	ok(!names_user(names, 5) && !names_user(names, 1),
		"broken lines are passed over");
	is_str(names_group(names, 42), "shadow", "group 42");
	is_str(names_group(names, 43), "utmp", "a line without members");
	ok(!names_group(names, 7), "no group 7");
}

static void test_owners(void)
{
	owner("root", 0, 88);
	owner("_apt:shadow", 42, 42);
	owner("_apt:", 42, 65534);
	owner(":shadow", 77, 42);
	owner("1000", 1000, 88);
	owner("1000:2000", 1000, 2000);
	owner(":43", 77, 43);
	owner("second", 42, 88);
	owner("max:4294967294", 4294967294u, 4294967294u);
	owner("12:0", 99, 0);
	refused("", "OWNER");
	refused(":", "OWNER");
	refused("nobody", "no user 'nobody' in the staging tree's etc/passwd");
	refused("root:none", "no group 'none' in the staging tree's etc/group");
	refused("big", "no user");
	refused("4294967295", "no user");
	refused(":4294967295", "no group");
	refused("-1", "no user");
	refused("1000:", "login group");
	refused("root:root:root", "no group");
	names_close(names);
}

/* What cannot be read fails only what needs a name from it. */
static void unreadable(bool harmless, const char *what)
{
	uint32_t uid = 1, gid = 2;

	is_int(names_open(&names, stage, &e), 0, "etc/passwd is %s", what);
	is_int(names_check(names, &e), harmless ? 0 : -1, "%s: names_check", what);
	owner("5:6", 5, 6);
	owner(":shadow", 77, 42);
	e = (struct err){0};
	is_int(names_parse_owner(names, "root", &uid, &gid, &e), -1, "%s: a name", what);
	ok(strstr(e.msg, "root") && strstr(e.msg, "etc/passwd") && one_line(e.msg), "%s",
		e.msg);
	ok(!names_user(names, 0), "%s: names nobody", what);
	names_close(names);
}

static void test_other_files(void)
{
	unlink("s/etc/passwd");
	put_link("/etc/passwd", "s/etc/passwd");
	unreadable(true, "a link, which is not followed");
	unlink("s/etc/passwd");
	if (mkfifo("s/etc/passwd", 0600) < 0)
		err(1, "mkfifo");
	unreadable(false, "a FIFO, which is not waited for");
	unlink("s/etc/passwd");
	put_dir("s/etc/passwd");
	unreadable(false, "a directory");
	is_int(names_owner_syntax("root:", &e), 0, "names_owner_syntax");
	is_int(names_owner_syntax(":", &e), -1, "of nothing");
	is_int(names_owner_syntax("", &e), -1, "of less");
}

int main(void)
{
	scratch_make();
	put_dir("s");
	stage = must_stage("s");
	test_no_files();
	test_files();
	test_owners();
	test_other_files();
	stage_close(stage);
	return done_testing();
}
