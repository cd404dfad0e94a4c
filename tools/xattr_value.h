/* SPDX-License-Identifier: MIT */
/* Values of attributes as they come from outside. */
#ifndef TOOLS_XATTR_VALUE_H
#define TOOLS_XATTR_VALUE_H

#include "common/buf.h"
#include "common/err.h"

/* As setfattr(1) takes one: text, "text", 0xHEX or 0sBASE64. */
int xattr_value_parse(const char *text, struct buf *out, struct err *e);

#endif
