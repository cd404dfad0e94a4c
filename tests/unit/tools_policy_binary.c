/* SPDX-License-Identifier: MIT */
/* Which binary policy a staging tree is checked by. */
#include "tools/labels/policy_binary.h"

#include "tests/unit/binary_policy.h"
#include "tests/unit/tree.h"
#include "tools/labels/policy.h"

#define OURS   "system_u:object_r:etc_t:s0"
#define OLDER  "system_u:object_r:older_t:s0"
#define OTHERS "system_u:object_r:other_t:s0"

static struct stage *stage;
static struct err e;

/* Opens the tree's own, or path's; NULL: there is none, or (failed) it was an error. */
static struct label_check *open_one(const char *path, bool *failed)
{
	struct label_check *c;

	e = (struct err){0};
	*failed = policy_binary_open(&c, stage, path, &e) < 0;
	return c;
}

static void finds(const char *path, const char *context, const char *what)
{
	bool failed;
	struct label_check *c = open_one(path, &failed);

	ok(!failed && c, "%s: opened", what);
	if (c)
		is_int(label_check_context(c, context, &e), 1, "%s: that one", what);
	label_check_close(c);
}

static void finds_none(const char *what)
{
	bool failed;

	ok(!open_one(NULL, &failed) && !failed, "%s: none", what);
}

static void refuses(const char *path, const char *want, const char *what)
{
	bool failed;

	ok(!open_one(path, &failed) && failed, "%s: refused", what);
	ok(strstr(e.msg, want), "%s", e.msg);
}

static void put_type(const char *type)
{
	static const char *const below[] = {
		"", "/policy", "/contexts", "/contexts/files"};
	char path[256];

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		snprintf(path, sizeof(path), "s/etc/selinux/%s%s", type, below[i]);
		put_dir(path);
	}
	snprintf(path, sizeof(path), "s/etc/selinux/%s/contexts/files/file_contexts",
		type);
	put_text(path, "/.* " OURS "\n");
}

/* A policy of that version, or only its header where libsepol makes none. */
static void put_policy(const char *type, unsigned version, const char *more)
{
	uint32_t words[] = {htole32(0xf97cff8c), htole32(8), 0, 0, htole32(version), 0};
	char path[256];

	snprintf(path, sizeof(path), "s/etc/selinux/%s/policy/policy.%u", type, version);
	memcpy(words + 2, "SE Linux", 8);
	if (version > label_check_newest() || version < 24)
		put_file(path, words, sizeof(words));
	else
		policy_make(path, version, true, more);
}

#define TYPE(name) "(type " name ") (roletype object_r " name ")"

static void test_versions(void)
{
	char want[128];

	finds_none("an empty tree");
	put_dir("s/etc");
	put_dir("s/etc/selinux");
	finds_none("no type");
	put_text("s/etc/selinux/config", "SELINUXTYPE=default\n");
	finds_none("a type that is not there");
	put_type("default");
	finds_none("no binary policy");
	put_text("s/etc/selinux/default/policy/policy.kern", "");
	put_text("s/etc/selinux/default/policy/policy.", "");
	put_text("s/etc/selinux/default/policy/policy.031", "");
	put_text("s/etc/selinux/default/policy/policy.31.bak", "");
	put_text("s/etc/selinux/default/policy/policy.9999999999", "");
	put_text("s/etc/selinux/default/policy/33", "");
	finds_none("other names");
	put_policy("default", label_check_newest() + 7, NULL);
	snprintf(want, sizeof(want),
		"/s/etc/selinux/default/policy/policy.%u: has version %u, ",
		label_check_newest() + 7, label_check_newest() + 7);
	refuses(NULL, want, "only a newer one");
	ok(strstr(e.msg, "--no-check"), "with the way out");
	put_policy("default", 9, NULL);
	refuses(NULL, want, "a newer one and one out of date");
	put_policy("default", 29, TYPE("older_t"));
	finds(NULL, OLDER, "an older one");
	put_policy("default", 31, NULL);
	finds(NULL, OURS, "the newer of two");
	ok(!strstr(e.msg, "version"), "without a word on others");
}

static void test_types(void)
{
	put_type("mls");
	put_policy("mls", 30, TYPE("other_t"));
	put_text("s/etc/selinux/config", "# SELINUXTYPE=default\nSELINUXTYPE=mls\n");
	finds(NULL, OTHERS, "the type of config");
	unlink("s/etc/selinux/config");
	refuses(NULL, "several policies in etc/selinux", "two types and no config");
	unlink("s/etc/selinux/default/contexts/files/file_contexts");
	finds(NULL, OTHERS, "the only type with a file_contexts");
	finds("s/etc/selinux/default/policy/policy.29", OLDER, "a given path");
	refuses("nowhere", "cannot open the binary policy: nowhere: No such file",
		"no file");
	refuses("s", "s: is not a regular file", "a directory");
}

static void test_links(void)
{
	char *root = realpath("s/etc/selinux/mls", NULL);
	char target[4096];

	snprintf(target, sizeof(target), "%s/policy/policy.30", root);
	put_link(target, "s/etc/selinux/mls/policy/policy.31");
	refuses(NULL, "Too many levels of symbolic links", "a link to a policy");
	finds("s/etc/selinux/mls/policy/policy.31", OTHERS, "a given link");
	unlink("s/etc/selinux/mls/policy/policy.31");
	if (rename("s/etc/selinux/mls/policy", "policy") < 0)
		err(1, "rename");
	put_link("../../../../policy", "s/etc/selinux/mls/policy");
	refuses(NULL, "etc/selinux/mls/policy: Not a directory",
		"a link out of the tree");
	unlink("s/etc/selinux/mls/policy");
	put_dir("s/etc/selinux/mls/policy");
	if (mkfifo("s/etc/selinux/mls/policy/policy.31", 0600) < 0)
		err(1, "mkfifo");
	refuses(NULL, "policy.31: is not a regular file", "a pipe");
	free(root);
}

int main(void)
{
	scratch_make();
	put_dir("s");
	stage = must_stage("s");
	test_versions();
	test_types();
	test_links();
	stage_close(stage);
	return done_testing();
}
