/* SPDX-License-Identifier: MIT */
/* A filesystem image as a disk of a virtual machine, by qemu-img. */
#ifndef PACK_DISK_H
#define PACK_DISK_H

#include "pack/make.h"

enum disk_kind {
	DISK_NONE,
	DISK_VHD, /* dynamic, as Xen, Hyper-V and Azure read it */
	DISK_QCOW2,
};

/*
 * Converts raw to out, which is there and empty. The disk is exactly as large as raw, and
 * neither clock nor chance is in it. check: read it back and compare with raw.
 */
int disk_convert(const char *raw, const char *out, enum disk_kind kind, bool check,
	const struct making *m, struct err *e);

#endif
