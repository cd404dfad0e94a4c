/* SPDX-License-Identifier: MIT */
/*
 * The side channel: questions of livery's own commands, asked as attributes whose names
 * start with SIDE_PREFIX through the mount. The kernel passes such names on unchecked,
 * past a security module too, and no tool lists them. Answers go to the mount's owner and
 * to root only. Ask on a descriptor's /proc/self/fd link, and with room for the answer.
 */
#ifndef FS_SIDE_H
#define FS_SIDE_H

#define SIDE_PREFIX "livery."
#define SIDE_VIEW                                                                        \
	"livery.view"           /* staging tree, database, daemon's pid; each with NUL   \
				 */
#define SIDE_PATH "livery.path" /* the inode's path in the staging tree, with NUL */
#define SIDE_LABEL                                                                       \
	"livery.label" /* the label that the view means to show; may be empty */

/*
 * Attribute NAME of the inode, past the kernel's checks, as getxattr(2) gives it to root:
 * get, and in a view that writes also set and remove. A label has its NUL. ENODATA where
 * there is none; from a view without labels for security.selinux too.
 */
#define SIDE_ATTR "livery.attr."
/*
 * The names of all attributes, trusted.* among them, each with NUL, sorted bytewise:
 * those that SIDE_ATTR gives. E2BIG: more than XATTR_LIST_MAX bytes.
 */
#define SIDE_LIST "livery.list"

/* What follows is for views that write. */
/*
 * Set on a directory: makes a node in it, as mknod(2) does for root. The value is text
 * without NUL, "MODE UMASK RDEV NAME": MODE octal with the type's bits (a regular file, a
 * fifo, a socket, a device), UMASK octal, in whose place a default ACL counts, RDEV
 * decimal as makedev(3) gives it, NAME the rest to the value's end. EINVAL for anything
 * else, and for a NAME that is ".", ".." or has a '/'.
 */
#define SIDE_MKNOD "livery.mknod"
/*
 * Set on a directory: makes a hard link in it, as link(2) does for root. The value is
 * "SOURCE\0INODE NAME", without NUL at its end: SOURCE as SIDE_PATH gives it (a symbolic
 * link is linked itself, and none is followed on the way; "" where it has no name, and is
 * open), INODE its number in the view,
 * decimal, NAME the new name. ESTALE where SOURCE is another inode, since something was
 * renamed; EINVAL for anything else, and for a NAME as above; EPERM where SOURCE is a
 * directory.
 */
#define SIDE_LINK "livery.link"
/*
 * Set (to anything) by a command that has borrowed the database: once this returns, it
 * may open it. Got by a command whose loan has ended: once this returns, the view shows
 * what it did.
 */
#define SIDE_LEND "livery.lend"

/*
 * What is due before a view ends. A sealed one checks its seal: a line for each finding,
 * "! path: text" breaks it, "- …" does not. One that writes has all on the disk once it
 * has answered (with nothing).
 */
#define SIDE_SEAL "livery.seal"

/* The table of fs/stats.h so far; ENODATA where nothing is counted. */
#define SIDE_STATS "livery.stats"

#endif
