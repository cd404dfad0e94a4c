/* SPDX-License-Identifier: MIT */
/* An attribute's value as setfattr(1) takes it: text, "text", 0xHEX or 0sBASE64. */
#ifndef TOOLS_XATTR_VALUE_H
#define TOOLS_XATTR_VALUE_H

#include "common/buf.h"
#include "common/err.h"

int xattr_value_parse(const char *text, struct buf *out, struct err *e);

#endif
