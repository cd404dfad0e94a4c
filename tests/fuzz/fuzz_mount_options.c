/* SPDX-License-Identifier: MIT */
/* Mount options from arbitrary text, as -o and as a line of fstab gives them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/quote.h"
#include "fs/mount_options.h"

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the contract promises of an answer. */
static void parse(const char *text, bool fstab)
{
	struct mount_options m;
	struct err e = {0};

	if (mount_options_init(&m, &e) < 0)
		abort();
	if (mount_options_parse(&m, text, fstab, &e) < 0 ||
		mount_options_check(&m, &e) < 0) {
		if (e.code == ERR_NONE || !e.msg[0] || strchr(e.msg, '\n'))
			abort();
		return;
	}
	if (m.threads > 256 || m.engine.uid == UINT32_MAX || m.engine.gid == UINT32_MAX)
		abort();
	if (m.engine.clamp_time < 0 ||
		strncmp(m.kernel, m.writable ? "rw" : "ro", 2) != 0)
		abort();
	if (m.writable && (m.allow_other || m.engine.clamp))
		abort();
	if (!m.writable && m.label_new)
		abort();
	if (fstab && m.writable && !m.said_writable)
		abort();
	if (strlen(m.policy) >= sizeof(m.policy) || strlen(m.db) >= sizeof(m.db) ||
		strlen(m.user) >= sizeof(m.user))
		abort();
	if (!fstab && m.user[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size > INPUT_MAX)
		return 0;
	unsetenv("SOURCE_DATE_EPOCH");
	text = malloc(size + 1);
	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	parse(text, false);
	parse(text, true);
	free(text);
	return 0;
}
