/* SPDX-License-Identifier: MIT */
#include "pack/verity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

static int pad(const char *path, uint64_t *blocks, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, path, "cannot examine the image");
	*blocks = ((uint64_t)st.st_size + VERITY_BLOCK - 1) / VERITY_BLOCK;
	return truncate(path, (off_t)(*blocks * VERITY_BLOCK)) < 0
		       ? err_sys(e, path, "cannot pad the image")
		       : 0;
}

/* "Root hash:      \t HEX" */
static int parse(struct verity *v, const char *out, struct err *e)
{
	const char *at = out ? strstr(out, "Root hash:") : NULL;

	if (!at || sscanf(at, "Root hash: %128[0-9a-f]", v->root_hash) != 1)
		return err_set(e, ERR_SYS, "veritysetup did not print a root hash");
	return 0;
}

int verity_make(struct verity *v, const char *path, const char *hash_file,
	const struct making *m, struct err *e)
{
	cleanup_tool_args struct tool_args a = {0};
	cleanup_buf struct buf out = {0};
	uint8_t salt[32];
	int rc;

	*v = (struct verity){0};
	if (pad(path, &v->data_blocks, e) < 0)
		return -1;
	v->hash_offset = hash_file ? 0 : v->data_blocks * VERITY_BLOCK;
	identity_bytes(m->id, "verity salt", salt);
	manifest_hex(salt, sizeof(salt), v->salt);
	identity_uuid(m->id, "verity", v->uuid);
	rc = tool_arg(&a, "veritysetup") | tool_arg(&a, "format") |
	     tool_arg(&a, "--hash=sha256") | tool_arg(&a, "--salt=%s", v->salt) |
	     tool_arg(&a, "--uuid=%s", v->uuid) |
	     tool_arg(&a, "--data-block-size=%d", VERITY_BLOCK) |
	     tool_arg(&a, "--hash-block-size=%d", VERITY_BLOCK) |
	     tool_arg(&a, "--data-blocks=%" PRIu64, v->data_blocks) |
	     tool_arg(&a, "--hash-offset=%" PRIu64, v->hash_offset) |
	     tool_arg(&a, "%s", path) | tool_arg(&a, "%s", hash_file ? hash_file : path);
	if (rc != 0)
		return err_set(e, ERR_SYS, "out of memory");
	if (tool_run("cryptsetup-bin", &a, NULL, m->tick, m->tick_arg, &out, e) < 0)
		return -1;
	return parse(v, out.data, e);
}
