/* SPDX-License-Identifier: MIT */
/*
 * Who may use the database. One byte far behind SQLite's own lock bytes (which start at
 * 1 GiB, see its os.h) is locked shared by sealed views and exclusively by the writer.
 * Open-file-description locks (fcntl(2)) do not interfere with SQLite's, and the kernel
 * drops them with their holder, so that none is ever stale.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "db/internal.h"

#define LOCK_BYTE 0x60000000

/* fdinfo shows "lock: 1: OFDLCK  ADVISORY  WRITE -1 fd:00:123 1610612736 1610612736". */
static bool fdinfo_holds_lock(const char *path)
{
	cleanup_fclose FILE *f = fopen(path, "re");
	char line[256];
	char byte[32];

	if (!f)
		return false;
	snprintf(byte, sizeof(byte), " %d %d", LOCK_BYTE, LOCK_BYTE);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "OFDLCK") && strstr(line, byte))
			return true;
	return false;
}

static bool process_holds_lock(const char *pid, const struct stat *db)
{
	char dirname[300];
	cleanup_closedir DIR *d = NULL;
	struct dirent *de;

	snprintf(dirname, sizeof(dirname), "/proc/%s/fd", pid);
	d = opendir(dirname);
	while (d && (de = readdir(d))) {
		char info[600];
		struct stat st;

		if (fstatat(dirfd(d), de->d_name, &st, 0) < 0 ||
			st.st_dev != db->st_dev || st.st_ino != db->st_ino)
			continue;
		snprintf(info, sizeof(info), "/proc/%s/fdinfo/%s", pid, de->d_name);
		if (fdinfo_holds_lock(info))
			return true;
	}
	return false;
}

/* " (process N: its command line)" where the holder can be seen, else "". */
static void describe_holder(int fd, char *buf, size_t size)
{
	cleanup_closedir DIR *proc = opendir("/proc");
	struct stat st;
	struct dirent *de;

	buf[0] = '\0';
	if (!proc || fstat(fd, &st) < 0)
		return;
	while ((de = readdir(proc))) {
		char path[300];
		char args[256];
		char quoted[400];
		cleanup_close int cmd = -1;
		ssize_t n;

		if (!isdigit((unsigned char)de->d_name[0]) ||
			atol(de->d_name) == getpid())
			continue;
		if (!process_holds_lock(de->d_name, &st))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", de->d_name);
		cmd = open(path, O_RDONLY | O_CLOEXEC);
		n = cmd < 0 ? 0 : read(cmd, args, sizeof(args));
		for (ssize_t i = 0; i + 1 < n; i++)
			if (!args[i])
				args[i] = ' ';
		while (n > 0 && !args[n - 1])
			n--;
		quote_bytes(quoted, sizeof(quoted), args, n > 0 ? (size_t)n : 0);
		snprintf(buf, size, " (process %s: %s)", de->d_name, quoted);
		return;
	}
}

int db_lock(int fd, const char *path, enum db_mode mode, struct err *e)
{
	struct flock lock = {
		.l_type = mode == DB_SEALED ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BYTE,
		.l_len = 1,
	};
	char holder[800];
	struct flock probe;

	if (mode == DB_READ || fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return err_sys(e, path, "cannot lock the database");
	probe = lock;
	if (fcntl(fd, F_OFD_GETLK, &probe) < 0)
		probe.l_type = F_WRLCK;
	describe_holder(fd, holder, sizeof(holder));
	if (probe.l_type == F_RDLCK)
		return err_set(e, ERR_BUSY,
			"%s: a sealed view shows this database%s; end it with 'livery "
			"umount' before you change anything",
			path, holder);
	return err_set(e, ERR_BUSY,
		"%s: another command is writing to this database%s; wait until it ends",
		path, holder);
}
