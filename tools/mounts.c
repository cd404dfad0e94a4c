/* SPDX-License-Identifier: MIT */
#include "tools/mounts.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

/* proc(5) writes blanks and the like in a mountinfo field as \ooo. */
static void unescape(char *text)
{
	char *out = text;

	for (const char *p = text; *p;) {
		if (p[0] == '\\' && p[1] && p[2] && p[3]) {
			*out++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 |
					(p[3] - '0'));
			p += 4;
		} else {
			*out++ = *p++;
		}
	}
	*out = '\0';
}

/* "ID PARENT DEV ROOT MOUNTPOINT OPTIONS … - TYPE SOURCE …"; NULL: no view. */
static char *parse(char *line, bool *writable)
{
	const char *type = strstr(line, " - ");
	char *rest = line, *point = NULL;
	const char *options;

	if (!type || strncmp(type + 3, "fuse.livery ", 12) != 0)
		return NULL;
	for (int i = 0; i < 5; i++)
		point = strsep(&rest, " ");
	options = strsep(&rest, " ");
	if (!point || !options)
		return NULL;
	unescape(point);
	*writable = strncmp(options, "rw", 2) == 0;
	return point;
}

int mounts_each_view(mounts_fn *fn, void *arg)
{
	cleanup_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	size_t room = 0;
	int rc = 0;

	while (f && rc == 0 && getline(&line, &room, f) > 0) {
		bool writable;
		char *point = parse(line, &writable);

		if (point)
			rc = fn(arg, point, writable);
	}
	return rc;
}
