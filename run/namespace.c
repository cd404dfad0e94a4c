/* SPDX-License-Identifier: MIT */
#include "run/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

static int write_map(const char *file, const char *text, struct err *e)
{
	cleanup_close int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_sys(e, file, "cannot set up the user namespace");
	return 0;
}

int namespace_enter(uid_t uid, gid_t gid, struct err *e)
{
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "0 %u 1", uid);
	snprintf(gids, sizeof(gids), "0 %u 1", gid);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
		err_sys(e, NULL, "cannot make a user namespace");
		return err_hint(e,
			"this host does not let users have them (sysctl "
			"kernel.unprivileged_userns_clone, user.max_user_namespaces, "
			"kernel.apparmor_restrict_unprivileged_userns)");
	}
	if (write_map("/proc/self/setgroups", "deny", e) < 0 ||
		write_map("/proc/self/uid_map", uids, e) < 0 ||
		write_map("/proc/self/gid_map", gids, e) < 0)
		return -1;
	/* What is unmounted outside goes here too, or its daemon could not end. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, NULL, "cannot keep mounts to the namespace");
	return 0;
}

/* Where the tree has no such directory, or a symbolic link in its place, none is there.
 */
static int show(const char *root, const char *what, struct err *e)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", root, what);
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	if (mount(what, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(e, path, "cannot show the host's %s", what);
	return 0;
}

int namespace_chroot(const char *root, struct err *e)
{
	if (show(root, "/dev", e) < 0 || show(root, "/proc", e) < 0 ||
		show(root, "/sys", e) < 0)
		return -1;
	if (chroot(root) < 0 || chdir("/") < 0)
		return err_sys(e, root, "cannot make the view the root directory");
	return 0;
}
