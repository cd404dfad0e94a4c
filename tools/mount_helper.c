/* SPDX-License-Identifier: MIT */
/* mount.livery: what mount(8) calls for a line of fstab(5) whose type is livery. */
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/mount.h"

/* Exit codes of mount(8). */
#define MOUNT_USAGE   1
#define MOUNT_FAILURE 32

/* root mounts for somebody else, as mount.fuse3's setuid= does. */
static int become(const char *user, struct err *e)
{
	const struct passwd *pw = getpwnam(user);

	if (!pw)
		return err_set(e, ERR_USAGE,
			"mount option setuid=%s: there is no such user", user);
	if (initgroups(user, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 ||
		setuid(pw->pw_uid) < 0)
		return err_sys(e, NULL, "cannot become user %s", user);
	return 0;
}

static int helper(int argc, char **argv, struct err *e)
{
	struct mount_options m;
	bool fake = false;
	int key;

	if (mount_options_init(&m, e) < 0)
		return -1;
	/* -s, -n and -v ask for nothing that matters here; -t and -N say what is known.
	 */
	while ((key = getopt(argc, argv, "sfnvo:t:N:")) != -1) {
		if (key == '?')
			return err_set(e, ERR_USAGE,
				"usage: mount.livery STAGING MOUNTPOINT [-sfnv] "
				"[-o OPTIONS]");
		fake |= key == 'f';
		if (key == 'o' && mount_options_parse(&m, optarg, true, e) < 0)
			return -1;
	}
	if (argc - optind != 2)
		return err_set(e, ERR_USAGE,
			"usage: mount.livery STAGING MOUNTPOINT [-sfnv] [-o OPTIONS]");
	if (mount_options_check(&m, e) < 0)
		return -1;
	if (fake)
		return EXIT_FINE;
	if (*m.user && become(m.user, e) < 0)
		return -1;
	return mount_view(argv[optind], argv[optind + 1], false, &m, e);
}

int mount_helper(int argc, char **argv)
{
	struct err e = {0};
	int rc = helper(argc, argv, &e);

	if (rc < 0)
		err_print(&e);
	if (rc == 0)
		return 0;
	return rc < 0 && e.code == ERR_USAGE ? MOUNT_USAGE : MOUNT_FAILURE;
}
