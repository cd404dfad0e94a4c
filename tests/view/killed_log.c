/* SPDX-License-Identifier: MIT */
/*
 * The log: a line "> operation" before each call, "+ error" after it. "~ bytes" where the
 * call was cut short by the daemon's end, "= happened bytes" where the checker has found
 * out what became of it. Lines are written whole, and last as long as the kernel does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/view/killed.h"

static const char *const names[OP_KINDS] = {
	[OP_CREATE] = "create",
	[OP_WRITE] = "write",
	[OP_APPEND] = "append",
	[OP_MAP] = "map",
	[OP_TRUNCATE] = "truncate",
	[OP_CHMOD] = "chmod",
	[OP_CHOWN] = "chown",
	[OP_TIMES] = "times",
	[OP_MKDIR] = "mkdir",
	[OP_MKNOD] = "mknod",
	[OP_RMDIR] = "rmdir",
	[OP_UNLINK] = "unlink",
	[OP_SYMLINK] = "symlink",
	[OP_LINK] = "link",
	[OP_RENAME] = "rename",
	[OP_SETXATTR] = "setxattr",
	[OP_RMXATTR] = "rmxattr",
	[OP_HELD_WRITE] = "held-write",
	[OP_HELD_CHMOD] = "held-chmod",
	[OP_HELD_CHOWN] = "held-chown",
	[OP_HELD_TRUNCATE] = "held-truncate",
	[OP_FSYNC] = "fsync",
	[OP_HELD_FSYNC] = "held-fsync",
	[OP_SYNCFS] = "syncfs",
};

const char *op_name(enum kind kind)
{
	return names[kind];
}

void op_text(const struct op *op, char *text, size_t room)
{
	snprintf(text, room, "%s %s %s %" PRIu64 " %" PRIu64 " %" PRIu64, names[op->kind],
		op->a[0] ? op->a : "-", op->b[0] ? op->b : "-", op->n[0], op->n[1],
		op->n[2]);
}

static void put_line(int log, const char *line)
{
	size_t len = strlen(line);

	if (write(log, line, len) != (ssize_t)len)
		die("the log: %s", strerror(errno));
}

void log_op(int log, const struct op *op)
{
	char text[2 * MAX_PATH + 100];
	char line[sizeof(text) + 4];

	op_text(op, text, sizeof(text));
	snprintf(line, sizeof(line), "> %s\n", text);
	put_line(log, line);
}

static void put_number(int log, const char *fmt, long long a, long long b)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %lld %lld\n", fmt, a, b);
	put_line(log, line);
}

void log_result(int log, int error)
{
	put_number(log, "+", error, 0);
}

void log_short(int log, size_t len)
{
	put_number(log, "~", (long long)len, 0);
}

void log_settled(int log, bool happened, long long part)
{
	put_number(log, "=", happened, part);
}

static void parse_op(const char *line, struct op *op)
{
	char name[32];

	memset(op, 0, sizeof(*op));
	if (sscanf(line, "> %31s %511s %511s %" SCNu64 " %" SCNu64 " %" SCNu64, name,
		    op->a, op->b, &op->n[0], &op->n[1], &op->n[2]) != 6)
		die("the log has a line that is none: %s", line);
	for (int k = 0; k < OP_KINDS; k++)
		if (strcmp(names[k], name) == 0) {
			op->kind = (enum kind)k;
			return;
		}
	die("the log has an operation that is none: %s", line);
}

static void replay_result(struct model *m, struct replay *r, const char *line)
{
	long long a, b;

	if (r->outcome != IN_FLIGHT || sscanf(line + 1, "%lld %lld", &a, &b) != 2)
		die("the log has a line out of place: %s", line);
	if (line[0] == '~') {
		r->at_least = (size_t)a;
		return;
	}
	r->outcome = NOTHING_IN_FLIGHT;
	if (line[0] == '+')
		r->acknowledged++;
	if (line[0] == '+' ? a != 0 : a == 0)
		return;
	if (line[0] == '=' && b >= 0)
		a = model_apply_part(m, &r->flight, (size_t)b);
	else
		a = model_apply(m, &r->flight);
	if (a != 0)
		die("the log's %s %s cannot have succeeded: %s", op_name(r->flight.kind),
			r->flight.a, strerror((int)a));
}

void log_replay(const char *path, struct model *m, struct replay *r)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	memset(r, 0, sizeof(*r));
	if (!f)
		die("%s: %s", path, strerror(errno));
	while ((len = getline(&line, &room, f)) > 0) {
		/* The writer itself may have been stopped within a line, in a copy. */
		if (line[len - 1] != '\n')
			break;
		if (line[0] != '>') {
			replay_result(m, r, line);
			continue;
		}
		if (r->outcome == IN_FLIGHT)
			die("%s: two operations in flight", path);
		parse_op(line, &r->flight);
		r->outcome = IN_FLIGHT;
		r->at_least = 0;
		r->all++;
	}
	free(line);
	fclose(f);
}
