/* SPDX-License-Identifier: MIT */
#include "tools/commands.h"

const struct command *const commands[] = {
	&cmd_unpack,
	&cmd_label,
	&cmd_why,
	&cmd_diff_labels,
	&cmd_mount,
	&cmd_umount,
	&cmd_run,
	&cmd_ls,
	&cmd_stat,
	&cmd_chown,
	&cmd_chmod,
	&cmd_mknod,
	&cmd_setfattr,
	&cmd_status,
	&cmd_verify,
	&cmd_manifest,
	&cmd_image,
	&cmd_completion,
	&cmd_help,
	NULL,
};
