/* SPDX-License-Identifier: MIT */
#include "pack/disk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

/*
 * The footer of a VHD, "Virtual Hard Disk Image Format Specification" 1.0, big-endian; a
 * dynamic disk has a copy of it at its start.
 */
#define FOOTER_SIZE     512
#define FOOTER_TIME     24 /* 32 bits: seconds since 2000-01-01 UTC */
#define FOOTER_CHECKSUM 64 /* 32 bits: complement of the sum of all other bytes */
#define FOOTER_UUID     68 /* 16 bytes */
#define VHD_EPOCH       946684800

static void fix_footer(unsigned char *f, const struct identity *id)
{
	int64_t since = id->now > VHD_EPOCH ? id->now - VHD_EPOCH : 0;
	uint32_t time = htobe32((uint32_t)(since <= UINT32_MAX ? since : UINT32_MAX));
	uint32_t sum = 0;
	uint8_t uuid[32];

	identity_bytes(id, "vhd", uuid);
	memcpy(f + FOOTER_TIME, &time, sizeof(time));
	memcpy(f + FOOTER_UUID, uuid, 16);
	memset(f + FOOTER_CHECKSUM, 0, sizeof(sum));
	for (size_t i = 0; i < FOOTER_SIZE; i++)
		sum += f[i];
	sum = htobe32(~sum);
	memcpy(f + FOOTER_CHECKSUM, &sum, sizeof(sum));
}

static int fix_vhd(const char *path, const struct identity *id, struct err *e)
{
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char footer[FOOTER_SIZE];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, path, "cannot open the disk");
	if (st.st_size < 2 * FOOTER_SIZE ||
		pread(fd, footer, FOOTER_SIZE, st.st_size - FOOTER_SIZE) != FOOTER_SIZE ||
		memcmp(footer, "conectix", 8) != 0)
		return err_set(e, ERR_INPUT, "%s: qemu-img made no VHD of it", path);
	fix_footer(footer, id);
	if (pwrite(fd, footer, FOOTER_SIZE, 0) != FOOTER_SIZE ||
		pwrite(fd, footer, FOOTER_SIZE, st.st_size - FOOTER_SIZE) != FOOTER_SIZE)
		return err_sys(e, path, "cannot write the disk");
	return 0;
}

static int run(const struct making *m, const struct tool_args *a, struct err *e)
{
	return tool_run("qemu-utils", a, NULL, m->tick, m->tick_arg, NULL, e);
}

/* In order, and as one stream: where blocks lie in the disk does not depend on timing. */
static int convert(const char *raw, const char *out, enum disk_kind kind,
	const struct making *m, struct err *e)
{
	cleanup_tool_args struct tool_args a = {0};
	int rc = tool_arg(&a, "qemu-img") | tool_arg(&a, "convert") |
		 tool_arg(&a, "-m1") | tool_arg(&a, "-f") | tool_arg(&a, "raw") |
		 tool_arg(&a, "-O");

	rc |= tool_arg(&a, kind == DISK_VHD ? "vpc" : "qcow2");
	/* Otherwise a VHD's size is rounded up to what cylinders and heads can say. */
	if (kind == DISK_VHD)
		rc |= tool_arg(&a, "-o") | tool_arg(&a, "force_size=on");
	rc |= tool_arg(&a, "%s", raw) | tool_arg(&a, "%s", out);
	return rc != 0 ? err_set(e, ERR_SYS, "out of memory") : run(m, &a, e);
}

static int compare(const char *raw, const char *out, enum disk_kind kind,
	const struct making *m, struct err *e)
{
	cleanup_tool_args struct tool_args a = {0};
	int rc = tool_arg(&a, "qemu-img") | tool_arg(&a, "compare") | tool_arg(&a, "-f") |
		 tool_arg(&a, "raw") | tool_arg(&a, "-F");

	rc |= tool_arg(&a, kind == DISK_VHD ? "vpc" : "qcow2") | tool_arg(&a, "%s", raw) |
	      tool_arg(&a, "%s", out);
	if (rc != 0)
		return err_set(e, ERR_SYS, "out of memory");
	return run(m, &a, e) < 0 ? err_wrap(e, "the disk is not what the image is") : 0;
}

int disk_convert(const char *raw, const char *out, enum disk_kind kind, bool check,
	const struct making *m, struct err *e)
{
	if (convert(raw, out, kind, m, e) < 0)
		return -1;
	if (kind == DISK_VHD && fix_vhd(out, m->id, e) < 0)
		return -1;
	return check ? compare(raw, out, kind, m, e) : 0;
}
