/* SPDX-License-Identifier: MIT */
/* Extended attributes and ACLs, as far as Linux has them on its own filesystems. */
#include "tests/view/posix.h"

#include <linux/limits.h>
#include <sys/xattr.h>

/* The kernel's form of an ACL: version 2, then tag, permissions and id of each entry. */
static const unsigned char acl[] = {2, 0, 0, 0, /**/
	1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,     /* user::rw- */
	2, 0, 4, 0, 0x92, 0x10, 0, 0,           /* user:4242:r-- */
	4, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,     /* group::r-- */
	16, 0, 5, 0, 0xff, 0xff, 0xff, 0xff,    /* mask::r-x */
	32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};   /* other::--- */
static const char access_acl[] = "system.posix_acl_access";
static const char default_acl[] = "system.posix_acl_default";

static bool listed(const char *path, const char *name)
{
	char names[4096];
	ssize_t len = works(llistxattr(path, names, sizeof(names)));

	for (char *p = names; p < names + len; p += strlen(p) + 1)
		if (!strcmp(p, name))
			return true;
	return false;
}

static void set_and_get(const char *path, const char *name)
{
	char buf[64];

	fails(lgetxattr(path, name, buf, sizeof(buf)), ENODATA);
	works(lsetxattr(path, name, "value", 5, 0));
	is(lgetxattr(path, name, NULL, 0), 5);
	is(lgetxattr(path, name, buf, sizeof(buf)), 5);
	is(memcmp(buf, "value", 5), 0);
	that(listed(path, name));
	works(lremovexattr(path, name));
	fails(lgetxattr(path, name, buf, sizeof(buf)), ENODATA);
	that(!listed(path, name));
}

TEST(user_attribute, "setxattr: user.* on files and directories, flags and sizes")
{
	char buf[8], value[2000];
	struct stat before;

	put("file", "");
	works(mkdir("dir", 0755));
	set_and_get("file", "user.name");
	set_and_get("dir", "user.name");
	fails(setxattr("file", "user.a", "1", 1, XATTR_REPLACE), ENODATA);
	before = of("file");
	tick();
	works(setxattr("file", "user.a", "1", 1, XATTR_CREATE));
	moved_on("file", &before, CTIME);
	fails(setxattr("file", "user.a", "2", 1, XATTR_CREATE), EEXIST);
	works(setxattr("file", "user.a", "22", 2, XATTR_REPLACE));
	is(getxattr("file", "user.a", buf, sizeof(buf)), 2);
	fails(getxattr("file", "user.a", buf, 1), ERANGE);
	works(setxattr("file", "user.empty", "", 0, 0));
	is(getxattr("file", "user.empty", buf, sizeof(buf)), 0);
	memset(value, 'v', sizeof(value));
	works(setxattr("file", "user.long", value, sizeof(value), 0));
	is(getxattr("file", "user.long", NULL, 0), sizeof(value));
	fails(listxattr("file", buf, 3), ERANGE);
	fails(removexattr("file", "user.none"), ENODATA);
	works(link("file", "other"));
	is(getxattr("other", "user.a", buf, sizeof(buf)), 2);
}

TEST(user_attribute_kinds, "setxattr: user.* on symlinks, fifos and sockets is EPERM")
{
	static const enum kind kinds[] = {SYMLINK, FIFO, SOCKET};
	char buf[8];

	for (size_t i = 0; i < COUNT(kinds); i++) {
		make(kinds[i], "name");
		fails(lsetxattr("name", "user.a", "1", 1, 0), EPERM);
		fails(lgetxattr("name", "user.a", buf, sizeof(buf)), ENODATA);
		works(unlink("name"));
	}
}

TEST(attribute_errors, "setxattr: names and values that are refused")
{
	char name[XATTR_NAME_MAX + 2];
	static char value[XATTR_SIZE_MAX + 1];

	put("file", "");
	memset(name, 'n', sizeof(name) - 1);
	memcpy(name, "user.", 5);
	name[sizeof(name) - 1] = 0;
	fails(setxattr("file", name, "", 0, 0), ERANGE);
	fails(setxattr("file", "", "", 0, 0), ERANGE);
	fails(setxattr("file", "nonamespace", "", 0, 0), EOPNOTSUPP);
	fails(setxattr("file", "user.a", value, sizeof(value), 0), E2BIG);
	fails(setxattr("file", "user.a", "1", 1, 0x8000), EINVAL);
}

TEST(attribute_others, "setxattr: user.* on a file of mode 0 of somebody else")
{
	put("file", "");
	works(chown("file", 4242, 4242));
	works(chmod("file", 0));
	set_and_get("file", "user.name");
}

TEST(attribute_sticky, "setxattr: user.* on a sticky directory of somebody else")
{
	works(mkdir("dir", 0755));
	works(chown("dir", 4242, 4242));
	works(chmod("dir", 01777));
	set_and_get("dir", "user.name");
}

TEST(attribute_unlinked, "fsetxattr: user.* on an unlinked file")
{
	char buf[8];
	int fd = open_rw("file");

	works(fsetxattr(fd, "user.a", "1", 1, 0));
	works(unlink("file"));
	is(fgetxattr(fd, "user.a", buf, sizeof(buf)), 1);
	works(fsetxattr(fd, "user.b", "22", 2, 0));
	is(fgetxattr(fd, "user.b", buf, sizeof(buf)), 2);
	put("file", "");
	fails(getxattr("file", "user.a", buf, sizeof(buf)), ENODATA);
}

TEST(trusted_attribute, "setxattr: trusted.*")
{
	put("file", "");
	set_and_get("file", "trusted.name");
}

TEST(security_attribute, "setxattr: security.*")
{
	put("file", "");
	set_and_get("file", "security.posix-test");
}

TEST(capability, "setxattr: security.capability")
{
	static const unsigned char value[20] = {1, 0, 0, 2, 0, 4};
	unsigned char buf[32];

	put("file", "");
	works(setxattr("file", "security.capability", value, sizeof(value), 0));
	is(getxattr("file", "security.capability", buf, sizeof(buf)), sizeof(value));
	is(memcmp(buf, value, sizeof(value)), 0);
	/* A new owner does not inherit it. */
	works(chown("file", 5, 5));
	fails(getxattr("file", "security.capability", buf, sizeof(buf)), ENODATA);
}

/* --- ACLs */

TEST(acl_file, "ACL: of a new file, mode and ACL are one")
{
	unsigned char buf[64];

	put("file", "");
	works(setxattr("file", access_acl, acl, sizeof(acl), 0));
	is(of("file").st_mode, S_IFREG | 0650);
	is(getxattr("file", access_acl, buf, sizeof(buf)), sizeof(acl));
	is(memcmp(buf, acl, sizeof(acl)), 0);
	works(chmod("file", 0604));
	is(getxattr("file", access_acl, buf, sizeof(buf)), sizeof(acl));
	is(buf[4 + 3 * 8 + 2], 0);
	is(buf[4 + 4 * 8 + 2], 4);
	works(removexattr("file", access_acl));
	fails(getxattr("file", access_acl, buf, sizeof(buf)), ENODATA);
	/* What the mask was is the group's now. */
	is(of("file").st_mode & 0707, 0604);
}

TEST(acl_others, "ACL: of a file of somebody else")
{
	put("file", "");
	works(chown("file", 4242, 4242));
	works(setxattr("file", access_acl, acl, sizeof(acl), 0));
	is(of("file").st_mode, S_IFREG | 0650);
}

TEST(acl_minimal, "ACL: one that says no more than the mode is the mode")
{
	static const unsigned char minimal[] = {2, 0, 0, 0, /**/
		1, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, 4, 0, 5, 0, 0xff, 0xff, 0xff, 0xff,
		32, 0, 4, 0, 0xff, 0xff, 0xff, 0xff};
	unsigned char buf[64];

	put("file", "");
	works(setxattr("file", access_acl, minimal, sizeof(minimal), 0));
	is(of("file").st_mode, S_IFREG | 0754);
	fails(getxattr("file", access_acl, buf, sizeof(buf)), ENODATA);
	that(!listed("file", access_acl));
}

TEST(acl_default, "ACL: a directory's default one is inherited")
{
	unsigned char buf[64];

	umask(077);
	works(mkdir("dir", 0755));
	works(setxattr("dir", default_acl, acl, sizeof(acl), 0));
	is(of("dir").st_mode, S_IFDIR | 0700);
	/* The umask does not count where there is one. */
	works(close(works(open("dir/file", O_WRONLY | O_CREAT, 0666))));
	is(of("dir/file").st_mode, S_IFREG | 0640);
	is(getxattr("dir/file", access_acl, buf, sizeof(buf)), sizeof(acl));
	is(buf[4 + 8 + 2], 4);
	is(buf[4 + 3 * 8 + 2], 4);
	works(mkdir("dir/sub", 0777));
	is(of("dir/sub").st_mode, S_IFDIR | 0650);
	is(getxattr("dir/sub", default_acl, buf, sizeof(buf)), sizeof(acl));
	is(memcmp(buf, acl, sizeof(acl)), 0);
	works(mkfifo("dir/fifo", 0666));
	is(of("dir/fifo").st_mode, S_IFIFO | 0640);
	works(symlink("x", "dir/link"));
	is(of("dir/link").st_mode, S_IFLNK | 0777);
}

TEST(acl_errors, "ACL: what is refused")
{
	static const unsigned char broken[] = {
		2, 0, 0, 0, 1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff};
	unsigned char bad_version[sizeof(acl)];
	struct stat before;

	memcpy(bad_version, acl, sizeof(acl));
	bad_version[0] = 3;
	put("file", "");
	works(symlink("file", "link"));
	before = of("file");
	tick();
	fails(setxattr("file", access_acl, broken, sizeof(broken), 0), EINVAL);
	fails(setxattr("file", access_acl, bad_version, sizeof(acl), 0), EOPNOTSUPP);
	fails(setxattr("file", access_acl, acl, 7, 0), EINVAL);
	fails(setxattr("file", default_acl, acl, sizeof(acl), 0), EACCES);
	fails(lsetxattr("link", access_acl, acl, sizeof(acl), 0), EOPNOTSUPP);
	moved_on("file", &before, 0);
}
