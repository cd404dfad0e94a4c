/* SPDX-License-Identifier: MIT */
#include "fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fs/device.h"
#include "fs/live/ops.h"
#include "fs/ops.h"
#include "fs/serve.h"
#include "fs/xattr.h"

struct session {
	struct view view;
	struct fuse_session *se;
	const char *mountpoint;
	bool unprobed; /* what the kernel says of labels does not count */
	void (*ready)(void *arg);
	void *arg;
	pthread_t server; /* runs the loop, and alone unmounts */
	pthread_t prober;
	bool probing;
	struct err probe_error;
};

bool session_host_selinux(const char *root)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/fs/selinux/enforce", root);
	return access(path, F_OK) == 0;
}

/* libfuse looks in the directory it was built for, then in PATH. */
static bool fusermount_there(void)
{
	const char *path = getenv("PATH");

	if (access("/usr/bin/fusermount3", X_OK) == 0)
		return true;
	while (path && *path) {
		size_t len = strcspn(path, ":");
		char file[PATH_MAX];

		snprintf(file, sizeof(file), "%.*s/fusermount3", (int)len, path);
		if (access(file, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

int session_check_host(struct err *e)
{
	cleanup_close int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	/* Under 'livery run', geteuid(2) is no answer. */
	if (getauxval(AT_EUID) != 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return err_set(e, ERR_REFUSED,
			"cannot mount a view: fusermount3 gets no privileges here, as "
			"under "
			"'livery run' and in sandboxes (no_new_privs); mount it outside "
			"of "
			"that");
	/* libfuse would mount as root does, and nobody could end that. */
	if (getauxval(AT_EUID) != 0 && geteuid() == 0)
		return err_set(e, ERR_REFUSED,
			"cannot mount a view: this process is told that it is root, "
			"which "
			"it is not, as under fakeroot (LD_PRELOAD); mount it outside of "
			"that, or start that in 'livery run'");
	if (fd < 0) {
		int why = errno;

		err_sys(e, "/dev/fuse", "cannot mount a view");
		if (why == ENOENT || why == ENODEV || why == ENXIO)
			return err_hint(e,
				"load the kernel's module (modprobe fuse), or let "
				"the container have the device");
		return err_hint(e, "it should have mode 0666, as udev's rule gives it");
	}
	if (geteuid() == 0)
		return 0;
	if (!fusermount_there())
		return err_set(e, ERR_SYS,
			"cannot mount a view: there is no fusermount3: install the "
			"package "
			"fuse3");
	/* fusermount3 reads it when it unmounts, and only then. */
	if (access("/etc/mtab", R_OK) < 0) {
		err_sys(e, "/etc/mtab", "fusermount3 could not end a view");
		return err_hint(e, "make it: ln -s /proc/self/mounts /etc/mtab");
	}
	return 0;
}

/*
 * Asks the mount for the root's label as any tool would, and the daemon past the kernel.
 * Where the two differ the kernel answers labels itself, whatever /sys/fs/selinux shows.
 */
static int probe_labels(const char *mountpoint, char *shown, int *len, struct err *e)
{
	char meant[DB_LABEL_MAX + 1];
	ssize_t m = lgetxattr(mountpoint, SIDE_LABEL, meant, sizeof(meant));
	ssize_t n;

	if (m < 0)
		return err_sys(e, mountpoint, "the new view does not answer");
	n = lgetxattr(mountpoint, XATTR_LABEL, shown, DB_LABEL_MAX + 1);
	*len = n > 0 ? (int)n : 0;
	return (n < 0 && m == 0) || (n == m + 1 && memcmp(shown, meant, (size_t)m) == 0);
}

int session_labels_pass(const char *mountpoint, struct err *e)
{
	char shown[DB_LABEL_MAX + 1];
	int len;

	return probe_labels(mountpoint, shown, &len, e);
}

static int probe(struct session *s, struct err *e)
{
	char shown[DB_LABEL_MAX + 1];
	int len = 0, rc = probe_labels(s->mountpoint, shown, &len, e);

	if (rc < 0)
		return -1;
	if (rc > 0 || s->unprobed)
		return 0;
	return err_set(e, ERR_REFUSED,
		"%s: this host's kernel answers security.selinux itself (%.*s), so the "
		"view would show wrong labels; use 'livery run --ro STAGING -- COMMAND', "
		"or mount with -o no-labels",
		s->mountpoint, len, shown);
}

static void *probe_thread(void *arg)
{
	struct session *s = arg;

	if (probe(s, &s->probe_error) == 0) {
		stats_begin(s->view.stats);
		s->ready(s->arg);
	} else {
		/* As if the user had ended it: libfuse's handler ends the loop. */
		pthread_kill(s->server, SIGTERM);
	}
	return NULL;
}

static void on_init(struct view *v)
{
	struct session *s = v->session;

	s->probing = pthread_create(&s->prober, NULL, probe_thread, s) == 0;
	if (!s->probing) {
		err_set(&s->probe_error, ERR_SYS, "cannot start a thread");
		fuse_session_exit(s->se);
	}
}

/* The name that mount(8) lists; a comma or a newline in it would break the list. */
static void source_name(const char *path, char *out, size_t size)
{
	for (const char *p = path; *p; p++)
		if (*p == ',' || *p == '\\' || (unsigned char)*p < 0x21 || *p == 0x7f)
			path = "livery";
	snprintf(out, size, "-ofsname=%s", path);
}

static int make_args(
	struct fuse_args *args, const char *staging, const struct mount_options *m)
{
	char source[PATH_MAX + 16];
	char kernel[sizeof(m->kernel) + 4];

	source_name(staging, source, sizeof(source));
	snprintf(kernel, sizeof(kernel), "-o%s", m->kernel);
	if (fuse_opt_add_arg(args, "livery") < 0 || fuse_opt_add_arg(args, source) < 0 ||
		fuse_opt_add_arg(args, "-osubtype=livery") < 0 ||
		fuse_opt_add_arg(args, kernel) < 0)
		return -1;
	/* Nobody checks permissions but the kernel, so it must where others come in. */
	if (m->allow_other &&
		fuse_opt_add_arg(args, "-oallow_other,default_permissions") < 0)
		return -1;
	return m->debug ? fuse_opt_add_arg(args, "-odebug") : 0;
}

/*
 * Most changes that wait for the end of a loan hold no thread (live_put_off()). Some do,
 * such as writing to a file that has attributes, and must not keep readers from one.
 */
#define MORE_THREADS 62

static unsigned thread_count(const struct session *s, unsigned wanted)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (!wanted)
		wanted = n > 1 ? (unsigned)n : 1;
	return s->view.live ? wanted + MORE_THREADS : wanted;
}

/*
 * On another processor, or there is nothing to gain. Who stores what is ready may have to
 * wait for an answer to somebody else, which takes a second thread (fs/ops_content.c).
 */
static bool reads_ahead(const struct session *s, unsigned threads)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1 && thread_count(s, threads) > 1;
}

static int mounted(struct session *s, const struct mount_options *m, struct err *e)
{
	const struct serve_options o = {
		.threads = thread_count(s, m->threads),
		.hold = m->hold,
		.ahead = s->view.ahead,
		.stats = s->view.stats,
		.raw = s->view.live ? live_op_raw : NULL,
		.arg = &s->view,
	};
	int rc;

	if (fuse_set_signal_handlers(s->se) < 0)
		return err_set(e, ERR_SYS, "cannot set signal handlers");
	rc = serve_session(s->se, &o, e);
	/* What they answer goes to the session's descriptor. */
	if (s->view.live)
		live_wait_put_off(s->view.live);
	fuse_remove_signal_handlers(s->se);
	fuse_session_unmount(s->se);
	if (s->probing)
		pthread_join(s->prober, NULL);
	if (s->probe_error.code) {
		*e = s->probe_error;
		return -1;
	}
	return rc;
}

static fuse_ino_t number(const struct session *s, struct live_node *n)
{
	return ops_number(s->view.live, n);
}

/* The kernel forgets an inode's attributes, and a name that is another file's now. */
static void forget_changed(
	void *arg, struct live_node *n, struct live_node *dir, const char *name)
{
	struct session *s = arg;

	fuse_lowlevel_notify_inval_inode(s->se, number(s, n), -1, 0);
	if (name)
		fuse_lowlevel_notify_inval_entry(
			s->se, number(s, dir), name, strlen(name));
}

/* Mounts and serves; the session is made. */
static int run(struct session *s, const struct mount_options *m, struct err *e)
{
	int rc;

	if (fuse_session_mount(s->se, s->mountpoint) < 0)
		return err_set(e, ERR_SYS,
			"%s: cannot mount the view (see above for the reason)",
			s->mountpoint);
	if (s->view.live) {
		live_on_change(s->view.live, forget_changed, s);
		if (device_keep_bits(s->se, e) < 0) {
			fuse_session_unmount(s->se);
			return -1;
		}
	}
	rc = mounted(s, m, e);
	if (s->view.live)
		live_end_loans(s->view.live);
	return rc;
}

int session_run(struct engine *en, struct live *l, const char *mountpoint,
	const struct mount_options *m, struct stats *stats, void (*ready)(void *arg),
	void *arg, struct err *e)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct session s = {
		.view = {.engine = en,
			.live = l,
			.owner = geteuid(),
			.on_init = on_init,
			.stats = stats},
		.mountpoint = mountpoint,
		.unprobed = m->engine.no_labels || m->supervised,
		.ready = ready,
		.arg = arg,
		.server = pthread_self(),
	};
	int rc = -1;

	s.view.session = &s;
	s.view.staging = stage_path(l ? live_stage(l) : engine_stage(en));
	s.view.db_path = db_path(l ? live_db(l) : engine_db(en));
	if (pthread_key_create(&s.view.read_buffer, free) != 0)
		return err_set(e, ERR_SYS, "no thread-specific memory is left");
	if (make_args(&args, s.view.staging, m) == 0)
		s.se = fuse_session_new(
			&args, l ? &live_ops : &view_ops, sizeof(view_ops), &s.view);
	s.view.se = s.se;
	if (en && reads_ahead(&s, m->threads)) {
		s.view.ahead = ahead_new(en);
		engine_read_ahead(en, s.view.ahead);
	}
	if (s.se)
		rc = run(&s, m, e);
	else
		err_set(e, ERR_SYS, "libfuse takes none of this (it says why above)");
	if (s.se)
		fuse_session_destroy(s.se);
	fuse_opt_free_args(&args);
	if (en)
		engine_read_ahead(en, NULL);
	ahead_free(s.view.ahead);
	pthread_key_delete(s.view.read_buffer);
	return rc;
}
