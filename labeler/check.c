/* SPDX-License-Identifier: MIT */
#include "labeler/check.h"

#include <endian.h>
#include <errno.h>
#include <sepol/sepol.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "labeler/check_process.h"

#define SIZE_MAX_POLICY ((off_t)256 << 20)
#define TIME_MS         10000 /* three hundred times what a real policy takes */

/* First words of the files that libsepol reads, little-endian. */
#define MAGIC_KERNEL  0xf97cff8cU
#define MAGIC_MODULE  0xf97cff8dU
#define MAGIC_PACKAGE 0xf97cff8fU

struct label_check {
	char *shown; /* quoted */
	pid_t pid;   /* -1: it has ended or must not be asked, and why says why */
	int socket;
	unsigned ms;
	bool loaded;
	struct err why;
	char packet[CHECK_PACKET_MAX + CHECK_SAID_MAX];
};

unsigned label_check_oldest(void)
{
	return (unsigned)sepol_policy_kern_vers_min();
}

unsigned label_check_newest(void)
{
	return (unsigned)sepol_policy_kern_vers_max();
}

static uint32_t word_at(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* A policy starts with its magic, the length of its kind's name, that name, a version. */
static int judge_header(
	const unsigned char *p, size_t len, const char *shown, struct err *e)
{
	uint32_t magic = len >= 4 ? word_at(p) : 0;
	uint32_t name = len >= 8 ? word_at(p + 4) : 0;
	uint32_t version;

	if (magic == MAGIC_MODULE || magic == MAGIC_PACKAGE)
		return err_set(e, ERR_INPUT,
			"%s: is a module of a policy, and no context can be checked by "
			"that; name the policy that is loaded (policy.N)",
			shown);
	if (magic != MAGIC_KERNEL)
		return err_set(e, ERR_INPUT, "%s: is no binary policy of SELinux", shown);
	if (name > 32 || len < 8 + name + 4)
		return err_set(e, ERR_INPUT, "%s: is damaged, or cut short", shown);
	version = word_at(p + 8 + name);
	if (version > label_check_newest())
		return err_set(e, ERR_INPUT,
			"%s: has version %u, and the libsepol that is installed knows "
			"none "
			"above %u; install a newer one, or say --no-check",
			shown, version, label_check_newest());
	if (version < label_check_oldest())
		return err_set(e, ERR_INPUT,
			"%s: has version %u, and libsepol knows none below %u; say "
			"--no-check",
			shown, version, label_check_oldest());
	return 0;
}

/* What can be said of it without libsepol; size is its size. */
static int judge_file(int fd, const char *shown, size_t *size, struct err *e)
{
	unsigned char head[8 + 32 + 4];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_sys(e, NULL, "%s: cannot examine the policy", shown);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "%s: is not a regular file", shown);
	if (st.st_size > SIZE_MAX_POLICY)
		return err_set(e, ERR_INPUT,
			"%s: is larger than 256 MiB; is it a binary policy?", shown);
	do {
		n = pread(fd, head, sizeof(head), 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, NULL, "%s: cannot read the policy", shown);
	*size = (size_t)st.st_size;
	return judge_header(head, (size_t)n < *size ? (size_t)n : *size, shown, e);
}

static int start(struct label_check *c, int fd, size_t size, struct err *e)
{
	struct check_job job = {.policy = fd, .size = size, .ms = c->ms};
	sigset_t all, before;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, NULL, "%s: cannot check by it", c->shown);
	job.socket = pair[1];
	c->socket = pair[0];
	/* A handler of the caller's must not run in both processes. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	c->pid = fork();
	if (c->pid == 0)
		check_process(&job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(pair[1]);
	if (c->pid < 0)
		return err_sys(e, NULL, "%s: cannot check by it", c->shown);
	return 0;
}

/* No answer will come from it, for the reason that why has. */
static int give_up(struct label_check *c, struct err *e)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	c->pid = -1;
	*e = c->why;
	return -1;
}

/* The process ended of itself. */
static int ended(struct label_check *c, struct err *e)
{
	int status = 0;
	pid_t got;

	do {
		got = waitpid(c->pid, &status, 0);
	} while (got < 0 && errno == EINTR);
	c->pid = -1;
	if (got > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		err_set(&c->why, ERR_INPUT,
			"%s: libsepol needs more than %u ms for this policy: it is "
			"damaged",
			c->shown, c->ms);
	else if (got > 0 && WIFSIGNALED(status))
		err_set(&c->why, ERR_INPUT,
			"%s: libsepol does not survive this policy (signal %d): it is "
			"damaged",
			c->shown, WTERMSIG(status));
	else
		err_set(&c->why, ERR_SYS, "%s: the process that checks by it cannot run",
			c->shown);
	return give_up(c, e);
}

static int no_memory(struct label_check *c, struct err *e)
{
	err_set(&c->why, ERR_INPUT,
		"%s: libsepol needs more memory for this policy than one of its size may "
		"take: it is damaged",
		c->shown);
	return give_up(c, e);
}

/* Reads an answer into c->packet; its length, or -1. */
static ssize_t hear(struct label_check *c, struct err *e)
{
	ssize_t n;

	do {
		n = recv(c->socket, c->packet, sizeof(c->packet), 0);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n < 0)
		kill(c->pid, SIGKILL);
	return ended(c, e);
}

/* What libsepol said, behind the first byte of an answer. */
static const char *said(
	const struct label_check *c, ssize_t n, char quoted[static 4 * CHECK_SAID_MAX])
{
	while (n > 1 && c->packet[n - 1] == '\n')
		n--;
	return quote_bytes(quoted, (size_t)4 * CHECK_SAID_MAX, c->packet + 1,
		n > 1 ? (size_t)n - 1 : 0);
}

int label_check_wait(struct label_check *c, struct err *e)
{
	char quoted[4 * CHECK_SAID_MAX];
	ssize_t n;

	if (c->pid < 0) {
		*e = c->why;
		return -1;
	}
	if (c->loaded)
		return 0;
	n = hear(c, e);
	if (n < 0)
		return -1;
	if (c->packet[0] == CHECK_MEMORY)
		return no_memory(c, e);
	c->loaded = c->packet[0] == CHECK_READY;
	if (c->loaded)
		return 0;
	said(c, n, quoted);
	err_set(&c->why, ERR_INPUT, "%s: libsepol refuses the policy: %s", c->shown,
		*quoted ? quoted : "it is damaged, or cut short");
	return give_up(c, e);
}

int label_check_open_within(
	struct label_check **out, int fd, const char *shown, unsigned ms, struct err *e)
{
	char quoted[1024];
	struct label_check *c;
	size_t size = 0;

	*out = NULL;
	quote_path(quoted, sizeof(quoted), shown);
	if (judge_file(fd, quoted, &size, e) < 0)
		return -1;
	c = calloc(1, sizeof(*c));
	if (!c || !(c->shown = strdup(quoted))) {
		free(c);
		return err_set(e, ERR_SYS, "out of memory");
	}
	c->socket = c->pid = -1;
	c->ms = ms;
	if (start(c, fd, size, e) < 0) {
		label_check_close(c);
		return -1;
	}
	*out = c;
	return 0;
}

int label_check_open(struct label_check **out, int fd, const char *shown, struct err *e)
{
	return label_check_open_within(out, fd, shown, TIME_MS, e);
}

/* Puts a context into the packet at len; false: it has no room, or would never have. */
static bool pack(struct label_check *c, size_t *len, const char *context)
{
	size_t size = strlen(context) + 1;

	if (size > CHECK_PACKET_MAX - *len)
		return false;
	memcpy(c->packet + *len, context, size);
	*len += size;
	return true;
}

/* Sends the packet and reads the answer, which has n bytes at least. */
static ssize_t ask(struct label_check *c, size_t len, size_t n, struct err *e)
{
	ssize_t got;

	do {
		got = send(c->socket, c->packet, len, MSG_NOSIGNAL);
	} while (got < 0 && errno == EINTR);
	/* A process that has ended is found when its answer is waited for. */
	if (got < 0 && errno != EPIPE && errno != ECONNRESET) {
		err_sys(&c->why, NULL, "%s: cannot check by it", c->shown);
		return give_up(c, e);
	}
	got = hear(c, e);
	if (got < 0)
		return -1;
	if ((size_t)got < n) {
		kill(c->pid, SIGKILL);
		return ended(c, e);
	}
	return memchr(c->packet, CHECK_MEMORY, n) ? no_memory(c, e) : got;
}

int label_check_context(struct label_check *c, const char *context, struct err *e)
{
	char quoted[4 * CHECK_SAID_MAX];
	size_t len = 0;
	ssize_t n;

	if (label_check_wait(c, e) < 0)
		return -1;
	if (!pack(c, &len, context)) {
		err_set(e, ERR_INPUT, "is longer than %d bytes", CHECK_PACKET_MAX - 1);
		return 0;
	}
	n = ask(c, len, 1, e);
	if (n < 0)
		return -1;
	if (c->packet[0] == CHECK_VALID)
		return 1;
	said(c, n, quoted);
	err_set(e, ERR_INPUT, "%s", *quoted ? quoted : "is not in the policy");
	return 0;
}

int label_check_contexts(struct label_check *c, const char *const *contexts, size_t count,
	bool *valid, struct err *e)
{
	size_t next = 0;

	if (label_check_wait(c, e) < 0)
		return -1;
	while (next < count) {
		size_t first = next;
		size_t len = 0;

		while (next < count && pack(c, &len, contexts[next]))
			next++;
		if (next == first) {
			valid[next++] = false; /* fits into no packet */
			continue;
		}
		if (ask(c, len, next - first, e) < 0)
			return -1;
		for (size_t i = first; i < next; i++)
			valid[i] = c->packet[i - first] == CHECK_VALID;
	}
	return 0;
}

void label_check_close(struct label_check *c)
{
	struct err ignored;

	if (!c)
		return;
	give_up(c, &ignored);
	if (c->socket >= 0)
		close(c->socket);
	free(c->shown);
	free(c);
}
