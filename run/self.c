/* SPDX-License-Identifier: MIT */
/* Who the program is: root, with every capability; and where it runs. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "fs/hold.h"
#include "run/calls.h"

#define ALL_CAPABILITIES ((UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1)

static void three_zeros(struct call *c)
{
	uint32_t zero = 0;
	int rc = 0;

	for (int i = 0; rc == 0 && i < 3; i++)
		rc = call_write(c, c->args[i], &zero, sizeof(zero));
	call_result(c, rc);
}

void call_getresuid(struct call *c)
{
	three_zeros(c);
}

void call_getresgid(struct call *c)
{
	three_zeros(c);
}

/* capget(2): a version that is not known is the kernel's to answer. */
void call_capget(struct call *c)
{
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	size_t words = 2;
	int rc = target_read(&c->t, c->args[0], &head, sizeof(head));

	if (rc == 0 && head.version == _LINUX_CAPABILITY_VERSION_1)
		words = 1;
	else if (rc == 0 && head.version != _LINUX_CAPABILITY_VERSION_2 &&
		 head.version != _LINUX_CAPABILITY_VERSION_3)
		words = 0;
	if (rc < 0 || !words || !c->args[1]) {
		call_go_on(c);
		return;
	}
	memset(data, 0, sizeof(data));
	for (size_t i = 0; i < words; i++)
		data[i].effective = data[i].permitted =
			(uint32_t)(ALL_CAPABILITIES >> (32 * i));
	call_result(c, call_write(c, c->args[1], data, words * sizeof(data[0])));
}

/* Where it is held for a moment is not where it may run. */
void call_sched_getaffinity(struct call *c)
{
	hold_release(c->view->hold);
	call_go_on(c);
}

void call_sched_setaffinity(struct call *c)
{
	hold_never(c->view->hold);
	call_go_on(c);
}
