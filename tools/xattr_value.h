/* SPDX-License-Identifier: MIT */
/* Values of attributes as they come from outside. */
#ifndef TOOLS_XATTR_VALUE_H
#define TOOLS_XATTR_VALUE_H

#include "common/buf.h"
#include "common/err.h"

/* As setfattr(1) takes one: text, "text", 0xHEX or 0sBASE64. */
int xattr_value_parse(const char *text, struct buf *out, struct err *e);

/* -1 for what cannot be a label (given without the NUL at its end). */
int xattr_label_check(const char *label, size_t len, struct err *e);

#endif
