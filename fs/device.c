/* SPDX-License-Identifier: MIT */
#include "fs/device.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2

/* libfuse 3.17 on: what was asked for at INIT is answered. */
int device_keep_bits(struct fuse_session *se, struct err *e)
{
	(void)se;
	(void)e;
	return 0;
}

#else

/* A process serves one session, and the kernel asks INIT once, before all else. */
static uint32_t offered;
static _Atomic uint64_t init_unique; /* 0: answered, or not yet asked */

static ssize_t device_read(int fd, void *buf, size_t size, void *userdata)
{
	ssize_t n = read(fd, buf, size);
	const struct fuse_in_header *in = buf;
	const struct fuse_init_in *init = (const void *)(in + 1);

	(void)userdata;
	if (n >= (ssize_t)(sizeof(*in) + offsetof(struct fuse_init_in, flags) +
			   sizeof(init->flags)) &&
		in->opcode == FUSE_INIT) {
		offered = init->flags;
		atomic_store(&init_unique, in->unique);
	}
	return n;
}

static ssize_t device_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	const struct fuse_out_header *head = iov[0].iov_base;
	uint64_t unique = atomic_load(&init_unique);
	struct fuse_init_out *out;

	(void)userdata;
	if (unique && head->unique == unique && head->error == 0 && count > 1) {
		atomic_store(&init_unique, 0);
		out = iov[1].iov_base;
		if (iov[1].iov_len >=
			offsetof(struct fuse_init_out, flags) + sizeof(out->flags))
			out->flags |= offered &
				      (FUSE_HANDLE_KILLPRIV | FUSE_HANDLE_KILLPRIV_V2);
	}
	return writev(fd, iov, count);
}

int device_keep_bits(struct fuse_session *se, struct err *e)
{
	static const struct fuse_custom_io io = {
		.read = device_read,
		.writev = device_writev,
	};

	if (fuse_session_custom_io(se, &io, fuse_session_fd(se)) != 0)
		return err_set(e, ERR_SYS, "libfuse does not let its device be used");
	return 0;
}

#endif
