/* SPDX-License-Identifier: MIT */
/* What an ordinary user's process is not given through FUSE; docs/writing.md has the same
 * list. */
#include "tests/view/posix.h"

static const char devices[] = "mknod of a device takes CAP_MKNOD";
static const char hardlinks[] =
	"fs.protected_hardlinks: not of somebody else's, but plain files";
static const char own_acl[] = "the kernel lets only the owner set an ACL";

const struct deviation deviations[] = {
	{"mknod: a character device", EPERM, 0, true, devices},
	{"mknod: a block device", EPERM, 0, true, devices},
	{"link: a symlink", EPERM, FOREIGN | HARDLINKS, true, hardlinks},
	{"link: a fifo", EPERM, FOREIGN | HARDLINKS, true, hardlinks},
	{"link: a socket", EPERM, FOREIGN | HARDLINKS, true, hardlinks},
	{"link: a file with setuid", EPERM, FOREIGN | HARDLINKS, true, hardlinks},
	{"link: a file with setgid and x for the group", EPERM, FOREIGN | HARDLINKS, true,
		hardlinks},
	{"open: O_NOATIME", EPERM, FOREIGN, true,
		"the kernel lets only the owner do that"},
	{"setgid directory: open O_CREAT 02755 keeps setgid", 0, 0, true,
		"the kernel drops it unless the caller is of that group"},
	{"fcntl: F_SETLEASE", EACCES, FOREIGN, false,
		"the kernel lets only the owner do that"},
	{"setxattr: trusted.*", EPERM, 0, true, "takes CAP_SYS_ADMIN"},
	{"setxattr: security.*", EPERM, 0, true, "takes CAP_SYS_ADMIN"},
	{"setxattr: security.capability", EPERM, 0, true, "takes CAP_SETFCAP"},
	{"ACL: of a new file, mode and ACL are one", EPERM, FOREIGN | ACL_CHECK, true,
		own_acl},
	{"ACL: of a file of somebody else", EPERM, ACL_CHECK, true, own_acl},
	{"ACL: one that says no more than the mode is the mode", EPERM,
		FOREIGN | ACL_CHECK, true, own_acl},
	{"ACL: a directory's default one is inherited", EPERM, FOREIGN | ACL_CHECK, true,
		own_acl},
	{"ACL: what is refused", EPERM, FOREIGN | ACL_CHECK, true, own_acl},
};
const size_t deviation_count = COUNT(deviations);
