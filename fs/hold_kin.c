/* SPDX-License-Identifier: MIT */
#include "fs/hold_kin.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

#define DEEPEST 64 /* generations that are looked at */

bool kin_known(void)
{
	return access("/proc/thread-self/children", R_OK) == 0;
}

/* What stands behind the name, which may hold anything, begins "STATE PPID". */
static bool look_up(pid_t thread, char *state, pid_t *parent)
{
	cleanup_fclose FILE *f = NULL;
	char path[32], line[512];
	const char *behind;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", thread);
	f = fopen(path, "re");
	n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;
	line[n] = '\0';
	behind = strrchr(line, ')');
	return behind && sscanf(behind, ") %c %d", state, parent) == 2;
}

bool kin_below(pid_t root, pid_t thread)
{
	char state;

	for (int depth = 0; thread > 1 && depth < DEEPEST; depth++) {
		if (!look_up(thread, &state, &thread))
			return false;
		if (thread == root)
			return true;
	}
	return false;
}

bool kin_runs(pid_t thread)
{
	pid_t parent;
	char state;

	return look_up(thread, &state, &parent) && state == 'R';
}

struct walk {
	pid_t root, except;
	kin_fn *fn;
	void *arg;
};

static void each_of(const struct walk *w, pid_t process, int depth);

static void each_child(const struct walk *w, pid_t process, pid_t thread, int depth)
{
	cleanup_fclose FILE *f = NULL;
	char path[64];
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", process, thread);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &child) == 1)
		if (child != w->except)
			each_of(w, child, depth + 1);
}

static void each_of(const struct walk *w, pid_t process, int depth)
{
	cleanup_closedir DIR *d = NULL;
	struct dirent *ent;
	char path[32];

	if (depth > DEEPEST)
		return;
	snprintf(path, sizeof(path), "/proc/%d/task", process);
	d = opendir(path);
	while (d && (ent = readdir(d))) {
		pid_t thread = (pid_t)atoi(ent->d_name);

		if (thread <= 0)
			continue;
		if (process != w->root)
			w->fn(w->arg, thread);
		each_child(w, process, thread, depth);
	}
}

void kin_each(pid_t root, pid_t except, kin_fn *fn, void *arg)
{
	struct walk w = {root, except, fn, arg};

	each_of(&w, root, 0);
}
