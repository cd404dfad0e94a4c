/* SPDX-License-Identifier: MIT */
/* Mount options: each of them, bad values, escapes, the words of fstab. */
#include "fs/mount_options.h"

#include <stdlib.h>
#include <string.h>

#include "common/quote.h"
#include "tests/unit/tap.h"

static struct err e;

static struct mount_options fresh(void)
{
	struct mount_options m;

	if (mount_options_init(&m, &e) < 0)
		printf("# %s\n", e.msg);
	return m;
}

static void accepted(const char *text, bool fstab)
{
	struct mount_options m = fresh();

	is_int(mount_options_parse(&m, text, fstab, &e), 0, "%s: '%s'",
		fstab ? "fstab" : "-o", text);
}

/* named: what the message must name. */
static void refused(const char *text, bool fstab, const char *named)
{
	struct mount_options m = fresh();
	char quoted[80];

	e = (struct err){0};
	is_int(mount_options_parse(&m, text, fstab, &e), -1, "%s: '%s' is refused",
		fstab ? "fstab" : "-o", quote_path(quoted, sizeof(quoted), text));
	ok(e.code == ERR_USAGE && strstr(e.msg, named), "and named: %.100s", e.msg);
}

static void test_defaults(void)
{
	struct mount_options m;

	unsetenv("SOURCE_DATE_EPOCH");
	m = fresh();
	ok(!m.engine.no_labels && !m.engine.clamp && !m.allow_other && !m.debug &&
			!m.stats,
		"no flag by default");
	ok(m.engine.uid == 0 && m.engine.gid == 0 && m.threads == 0, "owner 0:0");
	is_str(m.kernel, "ro", "read-only");
	ok(!*m.db && !*m.user, "no database, no user");
	is_int(mount_options_check(&m, &e), 0, "nothing is said, and nothing is wrong");
	ok(!m.writable && !m.label_new && !*m.policy, "it does not write");
	is_str(m.kernel, "ro", "read-only still");
	setenv("SOURCE_DATE_EPOCH", "1234567890", 1);
	m = fresh();
	ok(m.engine.clamp && m.engine.clamp_time == 1234567890, "SOURCE_DATE_EPOCH");
	mount_options_parse(&m, "clamp=5", false, &e);
	is_int(m.engine.clamp_time, 5, "clamp= wins over it");
	setenv("SOURCE_DATE_EPOCH", "yesterday", 1);
	is_int(mount_options_init(&m, &e), -1, "a SOURCE_DATE_EPOCH that is none");
	ok(strstr(e.msg, "yesterday") != NULL, "is named: %s", e.msg);
	setenv("SOURCE_DATE_EPOCH", "-1", 1);
	is_int(mount_options_init(&m, &e), -1, "a negative one");
	setenv("SOURCE_DATE_EPOCH", "", 1);
	is_int(mount_options_init(&m, &e), 0, "an empty one is none");
	unsetenv("SOURCE_DATE_EPOCH");
}

static void test_values(void)
{
	struct mount_options m = fresh();

	is_int(mount_options_parse(&m,
		       "ro,no-labels,allow_other,debug,default-owner=12:4294967294,"
		       "clamp=0,threads=256,stats,db=/a b/c.livery,noexec",
		       false, &e),
		0, "all that have a meaning");
	ok(m.engine.no_labels && m.allow_other && m.debug && m.stats, "flags");
	ok(m.engine.uid == 12 && m.engine.gid == 4294967294, "default-owner");
	ok(m.engine.clamp && m.engine.clamp_time == 0, "clamp");
	is_int(m.threads, 256, "threads");
	is_str(m.db, "/a b/c.livery", "db");
	is_str(m.kernel, "ro,noexec", "what the kernel is told");
	mount_options_parse(&m, "noexec,,noexec,", false, &e);
	is_str(m.kernel, "ro,noexec", "once, however often it is said");
	mount_options_parse(&m, "db=/a\\,b\\\\c,threads=1", false, &e);
	is_str(m.db, "/a,b\\c", "escaped commas and backslashes");
	is_int(m.threads, 1, "and what is behind them");
	mount_options_parse(&m, "db=/x\\", false, &e);
	is_str(m.db, "/x\\", "a backslash at the end is one");
	mount_options_parse(&m, "setuid=builder", true, &e);
	is_str(m.user, "builder", "setuid");
}

static void test_words(void)
{
	static const char *const everywhere[] = {"", ",", "ro", "nosuid", "nodev",
		"noatime", "nodiratime", "relatime", "rw", "writable", "policy",
		"policy=/etc/selinux/mls", "noexec", "no-labels", "allow_other", "debug",
		"stats"};
	static const char *const fstab[] = {"exec", "suid", "dev", "async", "defaults",
		"auto", "noauto", "user", "user=joe", "users", "nouser", "owner", "group",
		"_netdev", "nofail", "x-systemd.automount", "x-", "X-mount.mkdir=0755",
		"comment=a word", "setuid=joe"};

	for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++) {
		accepted(everywhere[i], false);
		accepted(everywhere[i], true);
	}
	for (size_t i = 0; i < sizeof(fstab) / sizeof(fstab[0]); i++) {
		accepted(fstab[i], true);
		refused(fstab[i], false, "there is no such option");
	}
	accepted("ro,noauto,user,x-a,nofail,db=/d", true);
}

static void test_refused(void)
{
	static const struct {
		const char *text, *named;
	} cases[] = {
		{"writable=1", "writable=1"},
		{"policy=", "policy="},
		{"frobnicate", "mount option frobnicate: there is no such option"},
		{"ro,no-label", "no-label:"},
		{"NO-LABELS", "NO-LABELS"},
		{"no-labels=1", "no-labels=1"},
		{"db", "mount option db:"},
		{"db=", "db="},
		{"a\nb", "a\\nb"},
		{" ro", " ro"},
		{"default-owner=", "UID:GID"},
		{"default-owner=1", "default-owner=1"},
		{"default-owner=1:", "UID:GID"},
		{"default-owner=:1", "UID:GID"},
		{"default-owner=a:b", "UID:GID"},
		{"default-owner=1:2:3", "UID:GID"},
		{"default-owner=-1:0", "UID:GID"},
		{"default-owner=4294967295:0", "UID:GID"},
		{"default-owner=0:4294967295", "UID:GID"},
		{"default-owner=0:99999999999999999999999", "UID:GID"},
		{"default-owner= 1:2", "UID:GID"},
		{"clamp=", "SECONDS"},
		{"clamp=now", "clamp=now"},
		{"clamp=-1", "SECONDS"},
		{"clamp=9223372036854775808", "SECONDS"},
		{"clamp=1.5", "SECONDS"},
		{"threads=0", "threads=0"},
		{"threads=257", "threads=257"},
		{"threads=", "threads="},
		{"threads=2x", "threads=2x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		refused(cases[i].text, false, cases[i].named);
		refused(cases[i].text, true, cases[i].named);
	}
	refused("setuid=a-name-of-more-than-thirty-two-bytes", true, "setuid=");
	refused("setuid=", true, "setuid=");
}

static const struct access {
	const char *text;
	bool fstab, writable;
	const char *kernel;
} accesses[] = {
	{"ro", false, false, "ro"},
	{"rw", false, true, "rw"},
	{"writable", false, true, "rw"},
	{"rw,writable", false, true, "rw"},
	{"ro,rw", false, true, "rw"},
	{"rw,ro", false, false, "ro"},
	{"noexec,rw", false, true, "rw,noexec"},
	{"", true, false, "ro"},
	{"ro,noexec", true, false, "ro,noexec"},
	{"rw,ro", true, false, "ro"},
	{"writable", true, true, "rw"},
	{"rw,writable,noauto", true, true, "rw"},
	{"writable,noexec,rw", true, true, "rw,noexec"},
};

static void test_access(void)
{
	struct mount_options m;

	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		const struct access *a = &accesses[i];
		const char *where = a->fstab ? "fstab" : "-o";

		m = fresh();
		mount_options_parse(&m, a->text, a->fstab, &e);
		is_int(mount_options_check(&m, &e), 0, "%s '%s' is fine", where, a->text);
		ok(m.writable == a->writable, "%s '%s': %s", where, a->text,
			a->writable ? "writes" : "does not write");
		is_str(m.kernel, a->kernel, "%s '%s': the kernel is told", where,
			a->text);
	}
	setenv("SOURCE_DATE_EPOCH", "5", 1);
	m = fresh();
	mount_options_parse(&m, "rw", false, &e);
	is_int(mount_options_check(&m, &e), 0, "rw with SOURCE_DATE_EPOCH");
	ok(!m.engine.clamp, "which does not count then");
	m = fresh();
	mount_options_parse(&m, "rw,ro", false, &e);
	mount_options_check(&m, &e);
	ok(m.engine.clamp && m.engine.clamp_time == 5, "and does for a sealed view");
	unsetenv("SOURCE_DATE_EPOCH");
	m = fresh();
	mount_options_parse(&m, "rw,policy=/p\\,q,allow-unlabeled", false, &e);
	is_int(mount_options_check(&m, &e), 0, "rw with a policy");
	ok(m.label_new, "labels new files");
	is_str(m.policy, "/p,q", "by that policy");
	m = fresh();
	mount_options_parse(&m, "policy,writable", true, &e);
	is_int(mount_options_check(&m, &e), 0, "writable with the tree's own policy");
	ok(m.label_new && !*m.policy, "labels new files by it");
}

static const struct clash {
	const char *text;
	bool fstab;
	const char *named; /* what the message must name */
} clashes[] = {
	{"rw,allow_other", false, "rw and allow_other"},
	{"rw,writable,allow_other", true, "rw and allow_other"},
	{"rw,clamp=5", false, "rw and clamp="},
	{"clamp=5,writable", false, "rw and clamp="},
	{"policy", false, "policy and ro"},
	{"ro,policy=/p", false, "policy and ro"},
	{"ro,policy", true, "policy and ro"},
	{"ro,writable", false, "ro and writable"},
	{"writable,ro", true, "ro and writable"},
	{"rw", true, "say ro, or writable"},
	{"rw,noauto,user", true, "say ro, or writable"},
	{"rw,policy", true, "say ro, or writable"},
	{"ro,rw", true, "say ro, or writable"},
};

static void test_clashes(void)
{
	for (size_t i = 0; i < sizeof(clashes) / sizeof(clashes[0]); i++) {
		const struct clash *c = &clashes[i];
		struct mount_options m = fresh();

		is_int(mount_options_parse(&m, c->text, c->fstab, &e), 0, "'%s'",
			c->text);
		e = (struct err){0};
		is_int(mount_options_check(&m, &e), -1, "%s '%s' is refused",
			c->fstab ? "fstab" : "-o", c->text);
		ok(e.code == ERR_USAGE && strstr(e.msg, c->named),
			"and the message says why: %.100s", e.msg);
	}
}

static void test_lengths(void)
{
	char text[9000];
	struct mount_options m = fresh();

	memset(text, 'p', sizeof(text));
	memcpy(text, "db=", 3);
	text[3 + 4095] = '\0';
	is_int(mount_options_parse(&m, text, false, &e), 0, "db= with 4095 bytes");
	is_int(strlen(m.db), 4095, "all of them");
	text[3 + 4095] = 'p';
	text[3 + 4096] = '\0';
	refused(text, false, "too long");
	text[3 + 4096] = 'p';
	text[sizeof(text) - 1] = '\0';
	refused(text, false, "too long");
	for (size_t i = 3; i + 1 < sizeof(text); i += 2)
		text[i] = '\\';
	refused(text, false, "too long");
}

static void test_owner(void)
{
	uint32_t uid = 7, gid = 8;

	is_int(mount_options_owner("1000:100", &uid, &gid), 0, "an owner");
	ok(uid == 1000 && gid == 100, "both numbers");
	is_int(mount_options_owner("1:x", &uid, &gid), -1, "half an owner");
	ok(uid == 1000 && gid == 100, "changes nothing");
}

int main(void)
{
	test_defaults();
	test_values();
	test_words();
	test_refused();
	test_access();
	test_clashes();
	test_lengths();
	test_owner();
	return done_testing();
}
