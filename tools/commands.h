/* SPDX-License-Identifier: MIT */
/* Every command, in the order in which help lists them. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include "tools/command.h"

extern const struct command cmd_unpack;
extern const struct command cmd_label;
extern const struct command cmd_why;
extern const struct command cmd_diff_labels;
extern const struct command cmd_mount;
extern const struct command cmd_umount;
extern const struct command cmd_run;
extern const struct command cmd_ls;
extern const struct command cmd_stat;
extern const struct command cmd_chown;
extern const struct command cmd_chmod;
extern const struct command cmd_mknod;
extern const struct command cmd_setfattr;
extern const struct command cmd_status;
extern const struct command cmd_verify;
extern const struct command cmd_manifest;
extern const struct command cmd_image;
extern const struct command cmd_completion;
extern const struct command cmd_help;

/* mount.livery SPEC DIR [-sfnv] [-o OPTIONS]: the helper that mount(8) calls. */
int mount_helper(int argc, char **argv);

#endif
