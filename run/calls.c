/* SPDX-License-Identifier: MIT */
#include "run/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Linux 6.13; headers may be older. */
#ifndef SYS_setxattrat
#define SYS_setxattrat    463
#define SYS_getxattrat    464
#define SYS_listxattrat   465
#define SYS_removexattrat 466
#endif

/* Block devices have the bit of S_IFCHR too (inode(7)). */
const struct call_entry calls[] = {
	{SYS_setxattr, call_setxattr, CALL_ALWAYS, {{0}}},
	{SYS_lsetxattr, call_lsetxattr, CALL_ALWAYS, {{0}}},
	{SYS_fsetxattr, call_fsetxattr, CALL_ALWAYS, {{0}}},
	{SYS_setxattrat, call_setxattrat, CALL_ALWAYS, {{0}}},
	{SYS_getxattr, call_getxattr, CALL_ATTRIBUTES, {{0}}},
	{SYS_lgetxattr, call_lgetxattr, CALL_ATTRIBUTES, {{0}}},
	{SYS_fgetxattr, call_fgetxattr, CALL_ATTRIBUTES, {{0}}},
	{SYS_getxattrat, call_getxattrat, CALL_ATTRIBUTES, {{0}}},
	{SYS_listxattr, call_listxattr, CALL_ATTRIBUTES, {{0}}},
	{SYS_llistxattr, call_llistxattr, CALL_ATTRIBUTES, {{0}}},
	{SYS_flistxattr, call_flistxattr, CALL_ATTRIBUTES, {{0}}},
	{SYS_listxattrat, call_listxattrat, CALL_ATTRIBUTES, {{0}}},
	{SYS_removexattr, call_removexattr, CALL_ALWAYS, {{0}}},
	{SYS_lremovexattr, call_lremovexattr, CALL_ALWAYS, {{0}}},
	{SYS_fremovexattr, call_fremovexattr, CALL_ALWAYS, {{0}}},
	{SYS_removexattrat, call_removexattrat, CALL_ALWAYS, {{0}}},
	{SYS_mknod, call_mknod, CALL_ALWAYS, {{CALL_HAS, 1, S_IFCHR | S_ISGID}}},
	{SYS_mknodat, call_mknodat, CALL_ALWAYS, {{CALL_HAS, 2, S_IFCHR | S_ISGID}}},
	{SYS_link, call_link, CALL_ALWAYS, {{0}}},
	{SYS_linkat, call_linkat, CALL_ALWAYS, {{0}}},
	{SYS_open, call_open, CALL_ALWAYS,
		{{CALL_HAS, 1, O_NOATIME}, {CALL_HAS, 2, S_ISGID},
			{CALL_LACKS, 1, O_DIRECTORY | O_PATH}}},
	{SYS_openat, call_openat, CALL_ALWAYS,
		{{CALL_HAS, 2, O_NOATIME}, {CALL_HAS, 3, S_ISGID},
			{CALL_LACKS, 2, O_DIRECTORY | O_PATH}}},
	{SYS_openat2, call_openat2, CALL_ALWAYS, {{0}}},
	{SYS_creat, call_creat, CALL_ALWAYS,
		{{CALL_HAS, 1, S_ISGID}, {CALL_LACKS, 1, 0}}},
	{SYS_getresuid, call_getresuid, CALL_ALWAYS, {{0}}},
	{SYS_getresgid, call_getresgid, CALL_ALWAYS, {{0}}},
	{SYS_capget, call_capget, CALL_ALWAYS, {{0}}},
	{SYS_sched_getaffinity, call_sched_getaffinity, CALL_ALWAYS, {{0}}},
	{SYS_sched_setaffinity, call_sched_setaffinity, CALL_ALWAYS, {{0}}},
	{SYS_stat, call_stat, CALL_NAMESPACE, {{0}}},
	{SYS_lstat, call_lstat, CALL_NAMESPACE, {{0}}},
	{SYS_fstat, call_fstat, CALL_NAMESPACE, {{0}}},
	{SYS_newfstatat, call_newfstatat, CALL_NAMESPACE, {{0}}},
	{SYS_statx, call_statx, CALL_NAMESPACE, {{0}}},
	{SYS_chown, call_chown, CALL_NAMESPACE, {{0}}},
	{SYS_lchown, call_lchown, CALL_NAMESPACE, {{0}}},
	{SYS_fchown, call_fchown, CALL_NAMESPACE, {{0}}},
	{SYS_fchownat, call_fchownat, CALL_NAMESPACE, {{0}}},
	{SYS_getuid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_geteuid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_getgid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_getegid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_getgroups, NULL, CALL_ALWAYS, {{0}}}, /* there are none */
	{SYS_setuid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_setgid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_setreuid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_setregid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_setresuid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_setresgid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_setfsuid, NULL, CALL_ALWAYS, {{0}}}, /* what it was before */
	{SYS_setfsgid, NULL, CALL_ALWAYS, {{0}}},
	{SYS_setgroups, NULL, CALL_ALWAYS, {{0}}},
	{SYS_capset, NULL, CALL_ALWAYS, {{0}}},
};
const size_t calls_count = sizeof(calls) / sizeof(calls[0]);

void call_result(struct call *c, int64_t result)
{
	c->result = result;
}

void call_go_on(struct call *c)
{
	c->go_on = true;
}

void call_fail(struct call *c, int rc)
{
	/* What this process lacks says nothing about the call. */
	if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM) {
		call_result(c, rc);
		return;
	}
	if (rc != -EIO) {
		call_go_on(c);
		return;
	}
	fprintf(stderr,
		"livery: run: process %d may not be looked into (it was made undumpable, "
		"or "
		"this host forbids it), so its call %d fails\n",
		c->t.tid, c->nr);
	call_result(c, -EIO);
}

bool call_waits(struct call *c)
{
	if (ioctl(c->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &c->id) == 0)
		return true;
	call_result(c, -ESRCH);
	return false;
}

int call_write(struct call *c, uint64_t address, const void *from, size_t size)
{
	return call_waits(c) ? target_write(&c->t, address, from, size) : -ESRCH;
}

int call_path(struct call *c, uint64_t address, int dirfd, struct place_name *p)
{
	int rc;

	p->dirfd = dirfd;
	rc = target_string(&c->t, address, p->path, sizeof(p->path));
	return rc < 0 ? rc : 0;
}

void call_answer(struct call *c)
{
	c->fd = -1;
	c->result = -ENOSYS;
	for (size_t i = 0; i < calls_count; i++)
		if (calls[i].nr == c->nr && calls[i].answer) {
			calls[i].answer(c);
			return;
		}
}
