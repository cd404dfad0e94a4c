/* SPDX-License-Identifier: MIT */
#include "run/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV /* Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#if !defined(__x86_64__)
#error "run/ knows the system calls of x86-64 only"
#endif

#define FOREIGN_CALLS 0x40000000 /* x32: __X32_SYSCALL_BIT */
#define NO_CALL       UINT32_MAX
#define FILTER_MAX    512

struct program {
	struct sock_filter code[FILTER_MAX];
	unsigned short len;
};

/* One that does not fit is counted all the same: see filter_install(). */
static void add(struct program *p, struct sock_filter f)
{
	if (p->len < FILTER_MAX)
		p->code[p->len] = f;
	p->len++;
}

static void load(struct program *p, size_t offset)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct program *p, uint32_t action)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The next instruction, or if not, the one behind skip more. */
static void unless(struct program *p, uint16_t test, uint32_t k, uint8_t skip)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, k, 0, skip));
}

static void skip_if(struct program *p, uint16_t test, uint32_t k, uint8_t skip)
{
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, k, skip, 0));
}

/* The low half of an argument: those that are looked at are int. */
static size_t argument(unsigned n)
{
	return offsetof(struct seccomp_data, args) + n * sizeof(uint64_t);
}

static bool applies(const struct call_when *w, unsigned scopes)
{
	return w->test == CALL_HAS || (w->test == CALL_LACKS && scopes & CALL_NAMESPACE);
}

#define TEST_LENGTH 3

static void add_test(struct program *p, const struct call_when *w, uint32_t action)
{
	load(p, argument(w->argument));
	if (w->test == CALL_HAS)
		unless(p, BPF_JSET, w->mask, 1);
	else
		skip_if(p, BPF_JSET, w->mask, 1);
	answer(p, action);
}

static void hold_back(struct program *p, const struct call_entry *c, unsigned scopes)
{
	uint32_t action = c->answer ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO;
	const size_t most = sizeof(c->when) / sizeof(c->when[0]);
	unsigned tests = 0;

	for (size_t i = 0; i < most; i++)
		tests += applies(&c->when[i], scopes);
	if (!tests) {
		unless(p, BPF_JEQ, (uint32_t)c->nr, 1);
		answer(p, action);
		return;
	}
	unless(p, BPF_JEQ, (uint32_t)c->nr, (uint8_t)(TEST_LENGTH * tests + 1));
	for (size_t i = 0; i < most; i++)
		if (applies(&c->when[i], scopes))
			add_test(p, &c->when[i], action);
	answer(p, SECCOMP_RET_ALLOW);
}

static void write_program(struct program *p, unsigned scopes)
{
	load(p, offsetof(struct seccomp_data, arch));
	skip_if(p, BPF_JEQ, AUDIT_ARCH_X86_64, 1);
	answer(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	/* A tracer's way to have a call not made; the kernel knows none such. */
	unless(p, BPF_JEQ, NO_CALL, 1);
	answer(p, SECCOMP_RET_ALLOW);
	unless(p, BPF_JGE, FOREIGN_CALLS, 1);
	answer(p, SECCOMP_RET_KILL_PROCESS);
	/* Its calls would pass by the filter. */
	unless(p, BPF_JEQ, SYS_io_uring_setup, 1);
	answer(p, SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t i = 0; i < calls_count; i++)
		if ((calls[i].scope & scopes) == calls[i].scope)
			hold_back(p, &calls[i], scopes);
	answer(p, SECCOMP_RET_ALLOW);
}

int filter_install(unsigned scopes, struct err *e)
{
	struct program p = {.len = 0};
	struct sock_fprog prog = {.filter = p.code};
	unsigned long flags =
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	long fd;

	write_program(&p, scopes);
	if (p.len > FILTER_MAX)
		return err_set(e, ERR_SYS, "the filter of system calls is too long");
	prog.len = p.len;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, NULL, "cannot give up new privileges");
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (fd >= 0)
		return (int)fd;
	if (errno == EBUSY)
		return err_set(e, ERR_REFUSED,
			"cannot hold back system calls: somebody above does that already "
			"('livery run' in 'livery run', a container's or a sandbox's "
			"supervisor), and the kernel allows one");
	if (errno == EINVAL)
		return err_set(e, ERR_SYS,
			"cannot hold back system calls: that takes Linux 5.19 or newer, "
			"with CONFIG_SECCOMP_FILTER");
	return err_sys(e, NULL, "cannot hold back system calls (seccomp)");
}
