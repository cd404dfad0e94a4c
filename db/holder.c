/* SPDX-License-Identifier: MIT */
/* Which process holds a lock, as far as /proc shows it. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "db/internal.h"

/*
 * fdinfo shows "lock: 1: OFDLCK  ADVISORY  WRITE -1 fd:00:123 1610612736 1610612737";
 * neighbours of one kind are one range.
 */
static bool fdinfo_holds_lock(const char *path, long long byte)
{
	cleanup_fclose FILE *f = fopen(path, "re");
	char line[256];

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		const char *ofd = strstr(line, "OFDLCK");
		long long first, last;

		if (ofd &&
			sscanf(ofd, "%*s %*s %*s %*s %*s %lld %lld", &first, &last) ==
				2 &&
			first <= byte && byte <= last)
			return true;
	}
	return false;
}

static bool process_holds_lock(const char *pid, const struct stat *db, long long byte)
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
		if (fdinfo_holds_lock(info, byte))
			return true;
	}
	return false;
}

static void describe(const char *pid, char *buf, size_t size)
{
	char path[300];
	char args[256];
	char quoted[400];
	cleanup_close int cmd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	cmd = open(path, O_RDONLY | O_CLOEXEC);
	n = cmd < 0 ? 0 : read(cmd, args, sizeof(args));
	for (ssize_t i = 0; i + 1 < n; i++)
		if (!args[i])
			args[i] = ' ';
	while (n > 0 && !args[n - 1])
		n--;
	quote_bytes(quoted, sizeof(quoted), args, n > 0 ? (size_t)n : 0);
	snprintf(buf, size, " (process %s: %s)", pid, quoted);
}

void db_holder_find(int fd, enum db_lock_byte byte, struct db_holder *h)
{
	cleanup_closedir DIR *proc = opendir("/proc");
	struct stat st;
	struct dirent *de;

	*h = (struct db_holder){.live = db_lock_held(fd, LOCK_LIVE)};
	if (!proc || fstat(fd, &st) < 0)
		return;
	while ((de = readdir(proc))) {
		if (!isdigit((unsigned char)de->d_name[0]) ||
			atol(de->d_name) == getpid() ||
			!process_holds_lock(de->d_name, &st, byte))
			continue;
		/* The view has lent where the two are not the same process. */
		h->live = byte == LOCK_LIVE ||
			  process_holds_lock(de->d_name, &st, LOCK_LIVE);
		describe(de->d_name, h->text, sizeof(h->text));
		return;
	}
}
