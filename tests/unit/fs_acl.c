/* SPDX-License-Identifier: MIT */
/* ACLs as bytes, and which attributes a view can show. */
#include "fs/acl.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/xattr.h"
#include "tests/unit/tap.h"

/* Version 2; user::rwx, user:1000:r, group::rx, mask::rwx, other::none */
static const unsigned char sorted[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0,
	4, 0, 0xe8, 3, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255, 0x10, 0, 7, 0, 255, 255, 255,
	255, 0x20, 0, 0, 0, 255, 255, 255, 255};

static void test_build(void)
{
	cleanup_buf struct buf b = {0};

	acl_start(&b);
	acl_add(&b, ACL_TAG_OTHER, 0, 77);
	acl_add(&b, ACL_TAG_MASK, 7, 0);
	acl_add(&b, ACL_TAG_USER, 4, 1000);
	acl_add(&b, ACL_TAG_GROUP_OBJ, 5, ACL_NO_ID);
	acl_add(&b, ACL_TAG_USER_OBJ, 7, 3);
	acl_sort(&b);
	is_int(b.len, sizeof(sorted), "length of an ACL");
	ok(memcmp(b.data, sorted, sizeof(sorted)) == 0, "sorted as the kernel has it");
	ok(acl_valid(b.data, b.len), "and valid");
}

static void test_sort_ids(void)
{
	static const uint32_t ids[] = {70000, 3, 256, 0xfffffffe, 1, 255};
	static const uint32_t want[] = {1, 3, 255, 256, 70000, 0xfffffffe};
	cleanup_buf struct buf b = {0};
	int bad = 0;

	acl_start(&b);
	for (int i = 0; i < 6; i++)
		acl_add(&b, ACL_TAG_GROUP, 1, ids[i]);
	acl_sort(&b);
	for (int i = 0; i < 6; i++)
		bad += memcmp(b.data + 4 + 8 * i + 4, &want[i], 4) != 0;
	is_int(bad, 0, "ids are sorted as numbers");
	b.len = 4;
	acl_sort(&b);
	ok(!acl_valid(b.data, b.len), "an ACL without entries is none");
	while (b.len < 4096 + 4)
		acl_add(&b, ACL_TAG_GROUP, 1, (uint32_t)b.len);
	ok(!acl_valid(b.data, b.len), "nor is one of more than 4096 bytes");
	ok(acl_valid(b.data, b.len - 8), "with one entry less it is");
}

static void test_mode(void)
{
	static const unsigned char plain[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255,
		4, 0, 5, 0, 255, 255, 255, 255, 0x20, 0, 4, 0, 255, 255, 255, 255};
	unsigned char copy[sizeof(sorted)];

	is_int(acl_mode(sorted, sizeof(sorted)), 0770, "the mode of an ACL has its mask");
	is_int(acl_mode(plain, sizeof(plain)), 0654, "or else its owning group");
	memcpy(copy, sorted, sizeof(copy));
	acl_set_mode(copy, sizeof(copy), 0641);
	is_int(acl_mode(copy, sizeof(copy)), 0641, "a mode that was set");
	is_int(copy[22], 5, "leaves the owning group alone");
	ok(acl_valid(copy, sizeof(copy)), "and a valid ACL");
}

static void invalid(size_t at, unsigned char byte, const char *what)
{
	unsigned char copy[sizeof(sorted)];

	memcpy(copy, sorted, sizeof(copy));
	copy[at] = byte;
	ok(!acl_valid(copy, sizeof(copy)), "not valid: %s", what);
}

static void test_valid(void)
{
	unsigned char nobody[12] = {2, 0, 0, 0, 2, 0, 4, 0, 255, 255, 255, 255};
	int bad = 0;

	for (size_t len = 0; len < sizeof(sorted); len++)
		bad += acl_valid(sorted, len) != (len > 4 && (len - 4) % 8 == 0);
	is_int(bad, 0, "cut at every length");
	invalid(0, 1, "version 1");
	invalid(3, 1, "a large version");
	invalid(4, 3, "an unknown tag");
	invalid(5, 1, "a large tag");
	invalid(6, 8, "a permission that does not exist");
	invalid(7, 1, "a large permission");
	ok(!acl_valid(nobody, sizeof(nobody)), "not valid: a user without id");
	nobody[4] = 8;
	ok(!acl_valid(nobody, sizeof(nobody)), "not valid: a group without id");
}

static const char cap2[XATTR_CAPS_SZ_2] = {1, 0, 0, 2, 0, 4};
static const char cap3[XATTR_CAPS_SZ_3] = {1, 0, 0, 3, 0, 4};
static const char cap2_plain[XATTR_CAPS_SZ_2] = {0, 0, 0, 2, 0, 4};
static const char cap2_flag[XATTR_CAPS_SZ_2] = {2, 0, 0, 2, 0, 4};
static const char cap3_flag[XATTR_CAPS_SZ_3] = {1, 1, 0, 3, 0, 4};
static const char cap3_root[XATTR_CAPS_SZ_3] = {
	[0] = 1, [3] = 3, [20] = '\xfe', '\xff', '\xff', '\xff'};
static const char cap3_nobody[XATTR_CAPS_SZ_3] = {
	[0] = 1, [3] = 3, [20] = '\xff', '\xff', '\xff', '\xff'};
static const char cap1[XATTR_CAPS_SZ_1] = {1, 0, 0, 1, 0, 4};

static const struct {
	uint32_t type;
	const char *name;
	const void *value;
	size_t len;
	enum xattr_fate want;
} fates[] = {
	{S_IFREG, "user.x", "", 0, XATTR_SHOWN},
	{S_IFDIR, "user.x", "v", 1, XATTR_SHOWN},
	{S_IFLNK, "user.x", "v", 1, XATTR_HIDDEN},
	{S_IFCHR, "user.x", "v", 1, XATTR_HIDDEN},
	{S_IFIFO, "user.x", "v", 1, XATTR_HIDDEN},
	{S_IFREG, "trusted.x", "v", 1, XATTR_HIDDEN},
	{S_IFDIR, "trusted.overlay.opaque", "y", 1, XATTR_HIDDEN},
	{S_IFREG, "security.capability", cap2, sizeof(cap2), XATTR_SHOWN},
	{S_IFREG, "security.capability", cap3, sizeof(cap3), XATTR_SHOWN},
	{S_IFREG, "security.capability", cap2_plain, sizeof(cap2), XATTR_SHOWN},
	{S_IFREG, "security.capability", cap2_flag, sizeof(cap2), XATTR_BAD},
	{S_IFREG, "security.capability", cap3_flag, sizeof(cap3), XATTR_BAD},
	{S_IFREG, "security.capability", cap3_root, sizeof(cap3), XATTR_SHOWN},
	{S_IFREG, "security.capability", cap3_nobody, sizeof(cap3), XATTR_BAD},
	{S_IFREG, "security.capability", cap1, sizeof(cap1), XATTR_BAD},
	{S_IFREG, "security.capability", cap2, sizeof(cap2) - 1, XATTR_BAD},
	{S_IFREG, "security.capability", cap3, sizeof(cap2), XATTR_BAD},
	{S_IFREG, "security.capability", "", 0, XATTR_BAD},
	{S_IFREG, "system.posix_acl_access", sorted, sizeof(sorted), XATTR_SHOWN},
	{S_IFREG, "system.posix_acl_access", sorted, 12, XATTR_SHOWN},
	{S_IFREG, "system.posix_acl_access", sorted, 5, XATTR_BAD},
	{S_IFREG, "system.posix_acl_access", sorted, 4, XATTR_BAD},
	{S_IFREG, "system.posix_acl_access", "", 0, XATTR_BAD},
	{S_IFCHR, "system.posix_acl_access", sorted, sizeof(sorted), XATTR_SHOWN},
	{S_IFLNK, "system.posix_acl_access", sorted, sizeof(sorted), XATTR_HIDDEN},
	{S_IFDIR, "system.posix_acl_default", sorted, sizeof(sorted), XATTR_SHOWN},
	{S_IFDIR, "system.posix_acl_default", "x", 1, XATTR_BAD},
	{S_IFREG, "system.posix_acl_default", sorted, sizeof(sorted), XATTR_HIDDEN},
	{S_IFLNK, "system.posix_acl_default", sorted, sizeof(sorted), XATTR_HIDDEN},
	{S_IFREG, "security.selinux", "u:r:t", 6, XATTR_HIDDEN},
	{S_IFREG, "security.ima", "\1", 1, XATTR_SHOWN},
	{S_IFREG, "noname", "v", 1, XATTR_HIDDEN},
	{S_IFREG, "livery.view", "v", 1, XATTR_HIDDEN},
	{S_IFDIR, "livery.other", "v", 1, XATTR_HIDDEN},
};

/* What setfacl -b leaves: never more for the owning group than it had. */
static void test_mode_without(void)
{
	struct buf b = {0};

	acl_start(&b);
	acl_add(&b, ACL_TAG_USER_OBJ, 6, ACL_NO_ID);
	acl_add(&b, ACL_TAG_GROUP_OBJ, 5, ACL_NO_ID);
	acl_add(&b, ACL_TAG_OTHER, 4, ACL_NO_ID);
	is_int(acl_mode_without(b.data, b.len, 0104672), 0104672,
		"without a mask as it is");
	acl_add(&b, ACL_TAG_USER, 7, 77);
	acl_add(&b, ACL_TAG_MASK, 7, ACL_NO_ID);
	is_int(acl_mode_without(b.data, b.len, 0104674), 0104654,
		"the mask is not the group");
	is_int(acl_mode_without(b.data, b.len, 0104614), 0104614,
		"nothing is allowed anew");
	buf_free(&b);
}

static const char tags[] = "uUgGmo";

/* By letters of tags[]; names get the ids from 7 on. */
static struct buf acl_of(const char *letters)
{
	static const enum acl_tag each[] = {ACL_TAG_USER_OBJ, ACL_TAG_USER,
		ACL_TAG_GROUP_OBJ, ACL_TAG_GROUP, ACL_TAG_MASK, ACL_TAG_OTHER};
	struct buf b = {0};
	uint32_t id = 7;

	acl_start(&b);
	for (; *letters; letters++)
		acl_add(&b, each[strchr(tags, *letters) - tags], 5, id++);
	return b;
}

static void test_complete(void)
{
	static const char *const good[] = {"ugo", "ugmo", "uUgmo", "ugGmo", "uUUUgGGmo"};
	static const char *const bad[] = {"", "u", "ug", "uo", "go", "ugm", "umo", "gmo",
		"uUgo", "ugGo", "uUgGo", "uugo", "uggo", "ugoo", "ugmmo", "guo", "uog",
		"ugom", "Uugmo", "ugUmo", "uGgmo", "ugmGo", "ugomo", "ugmou"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cleanup_buf struct buf b = acl_of(good[i]);

		ok(acl_complete(b.data, b.len), "complete: %s", good[i]);
		ok(acl_valid(b.data, b.len), "and valid");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cleanup_buf struct buf b = acl_of(bad[i]);

		ok(!acl_complete(b.data, b.len), "not complete: '%s'", bad[i]);
	}
}

/* Only what has the three entries of a mode is one; its mode is then all it says. */
static void test_is_mode(void)
{
	cleanup_buf struct buf plain = acl_of("ugo"), mask = acl_of("ugmo");
	cleanup_buf struct buf named = acl_of("uUgmo");

	ok(acl_is_mode(plain.len), "three entries are a mode");
	ok(!acl_is_mode(mask.len), "a mask is more");
	ok(!acl_is_mode(named.len), "so is a name");
	ok(!acl_is_mode(4) && !acl_is_mode(0), "none are none");
	acl_set_mode(plain.data, plain.len, 0641);
	is_int(acl_mode(plain.data, plain.len), 0641, "any mode can be one");
}

int main(void)
{
	test_build();
	test_sort_ids();
	test_mode();
	test_valid();
	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++)
		is_int(xattr_fate(fates[i].type, fates[i].name, fates[i].value,
			       fates[i].len),
			fates[i].want, "type %06o, %s of %zu bytes", fates[i].type,
			fates[i].name, fates[i].len);
	test_mode_without();
	test_complete();
	test_is_mode();
	return done_testing();
}
