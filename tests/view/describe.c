// SPDX-License-Identifier: MIT
/* Operations in words. */
#include "tests/view/op.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

const char *const kind_names[OP_KINDS] = {
#define X(name, text) text,
	KINDS(X)
#undef X
};

const char *const subject_names[ABOUT_COUNT] = {
#define X(name, text) text,
	SUBJECTS(X)
#undef X
};

const char *error_name(int err)
{
	const char *name = err ? strerrorname_np(err) : "success";

	return name ? name : "an unknown error";
}

void describe_bytes(FILE *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (i == 300) {
			fprintf(out, "… (%zu bytes)", len);
			return;
		}
		if (c == '\n' && len > 40)
			fputs("\n      ", out);
		else if (isprint(c) && c != '\\')
			fputc(c, out);
		else
			fprintf(out, "\\x%02x", c);
	}
}

static void describe_path(FILE *out, const char *what, int dir, const char *path)
{
	size_t len = strlen(path);

	fprintf(out, " %s\"", what);
	if (len > 260) {
		describe_bytes(out, path, 40);
		fprintf(out, "… (%zu bytes)", len);
	} else {
		describe_bytes(out, path, len);
	}
	fputc('"', out);
	if (dir >= 0)
		fprintf(out, " from slot %d", dir);
}

static void describe_open_flags(FILE *out, int flags)
{
	static const struct {
		int bits;
		const char *name;
	} known[] = {
		{O_CREAT, "CREAT"},
		{O_EXCL, "EXCL"},
		{O_TRUNC, "TRUNC"},
		{O_APPEND, "APPEND"},
		{O_NOFOLLOW, "NOFOLLOW"},
		{O_TMPFILE, "TMPFILE"},
		{O_DIRECTORY, "DIRECTORY"},
		{O_PATH, "PATH"},
		{O_NOATIME, "NOATIME"},
		{O_SYNC, "SYNC"},
	};
	static const char *const ways[] = {"RDONLY", "WRONLY", "RDWR", "mode 3"};

	fprintf(out, " %s", ways[flags & O_ACCMODE]);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if ((flags & known[i].bits) != known[i].bits)
			continue;
		fprintf(out, "|%s", known[i].name);
		flags &= ~known[i].bits;
	}
}

static void describe_numbers(FILE *out, const struct op *op)
{
	if (op->kind == OP_OPEN)
		describe_open_flags(out, op->flags);
	else if (op->flags)
		fprintf(out, " flags %#x", (unsigned)op->flags);
	if (op->mode)
		fprintf(out, " mode %#o", op->mode);
	if (op->kind == OP_CHOWN || op->kind == OP_FCHOWN)
		fprintf(out, " to %d:%d", (int)op->uid, (int)op->gid);
	if (op->rdev)
		fprintf(out, " device %#llx", (unsigned long long)op->rdev);
	if (op->off)
		fprintf(out, " offset %lld", (long long)op->off);
	if (op->off2)
		fprintf(out, " second offset %lld", (long long)op->off2);
	if (op->len)
		fprintf(out, " length %zu", op->len);
	if (op->kind == OP_UTIMENS || op->kind == OP_FUTIMENS)
		fprintf(out, " times %lld.%09ld %lld.%09ld",
			(long long)op->times[0].tv_sec, op->times[0].tv_nsec,
			(long long)op->times[1].tv_sec, op->times[1].tv_nsec);
}

void describe_op(FILE *out, const struct op *op)
{
	fputs(kind_names[op->kind], out);
	if (op->side)
		fputs(" (side channel)", out);
	if (op->slot >= 0)
		fprintf(out, " slot %d", op->slot);
	if (op->slot2 >= 0)
		fprintf(out, " and %d", op->slot2);
	if (op->has_path)
		describe_path(out, "", op->dir, op->path);
	if (op->kind == OP_SYMLINK)
		describe_path(out, "target ", -1, op->path2);
	else if (op->has_path2)
		describe_path(out, "and ", op->dir2, op->path2);
	describe_numbers(out, op);
	if (op->name[0]) {
		fputs(" attribute ", out);
		describe_bytes(out, op->name, strlen(op->name));
		if (op->value_len) {
			fputs(" = ", out);
			describe_bytes(out, (const char *)op->value, op->value_len);
		}
	}
	fputc('\n', out);
}
