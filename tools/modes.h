/* SPDX-License-Identifier: MIT */
/* Modes as chmod(1) takes them and as ls(1) prints them. */
#ifndef TOOLS_MODES_H
#define TOOLS_MODES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Applies a mode text, octal ("4755") or symbolic ("u+s,go-w", letters of POSIX), to
 * *mode (07777 bits). is_dir decides what 'X' means. False: no mode.
 */
bool modes_apply(const char *text, bool is_dir, uint32_t *mode);

/* "drwxr-xr-x" into buf: ten characters and NUL. */
void modes_text(uint32_t mode, char buf[11]);

/* "directory", "character device" … */
const char *modes_type_name(uint32_t mode);

#endif
