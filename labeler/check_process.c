/* SPDX-License-Identifier: MIT */
#include "labeler/check_process.h"

#include <errno.h>
#include <fcntl.h>
#include <sepol/sepol.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	SOCKET = 3,
	POLICY = 4,
	FIRST_OTHER = 5,
	OUT_OF_WAY = 16
};

/* What libsepol says first during a call; what follows only says who called. */
struct said {
	char text[CHECK_SAID_MAX];
};

static void hear(void *arg, sepol_handle_t *h, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void hear(void *arg, sepol_handle_t *h, const char *fmt, ...)
{
	struct said *said = arg;
	va_list ap;

	if (said->text[0] || sepol_msg_get_level(h) != SEPOL_MSG_ERR)
		return;
	va_start(ap, fmt);
	vsnprintf(said->text, sizeof(said->text), fmt, ap);
	va_end(ap);
}

static void send_packet(const char *bytes, size_t len)
{
	if (send(SOCKET, bytes, len, MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* Tells how the loading went. */
static void report(enum check_answer a, const struct said *said)
{
	char packet[1 + CHECK_SAID_MAX];
	size_t len = strlen(said->text);

	packet[0] = (char)a;
	memcpy(packet + 1, said->text, len);
	send_packet(packet, 1 + len);
	if (a != CHECK_READY)
		_exit(0);
}

/*
 * Nothing of the caller's stays open: neither its database nor its locks may outlive it
 * here.
 */
static int keep_only(const struct check_job *job)
{
	int null = open("/dev/null", O_RDWR);
	int from[FIRST_OTHER] = {null, null, null, job->socket, job->policy};

	/* None of them may be among the numbers that are taken below. */
	for (int i = 0; i < FIRST_OTHER; i++)
		from[i] = fcntl(from[i], F_DUPFD, OUT_OF_WAY);
	for (int i = 0; i < FIRST_OTHER; i++)
		if (from[i] < 0 || dup2(from[i], i) < 0)
			return -1;
	closefrom(FIRST_OTHER);
	return 0;
}

/*
 * An interrupt from the terminal is the caller's business: it may want to go on. What the
 * caller would do about signals must not be done here.
 */
static void reset_signals(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Bytes of private memory that count for RLIMIT_DATA, the caller's heap among them. */
static bool data_size(size_t *out)
{
	unsigned long data;
	FILE *f = fopen("/proc/self/statm", "re");
	bool got = f && fscanf(f, "%*u %*u %*u %*u %*u %lu", &data) == 1;

	if (f)
		fclose(f);
	if (got)
		*out = data * (size_t)sysconf(_SC_PAGESIZE);
	return got;
}

/* A policy takes about eight times its size. */
static int limit_memory(size_t policy)
{
	struct rlimit none = {0};
	struct rlimit data;
	size_t now;
	rlim_t want;

	if (!data_size(&now) || getrlimit(RLIMIT_DATA, &data) < 0)
		return -1;
	want = (rlim_t)now + ((rlim_t)64 << 20) + (rlim_t)policy * 16;
	if (data.rlim_max != RLIM_INFINITY && want > data.rlim_max)
		want = data.rlim_max;
	data.rlim_cur = data.rlim_max = want;
	return setrlimit(RLIMIT_DATA, &data) | setrlimit(RLIMIT_CORE, &none);
}

/* SIGPROF ends the process when the time is over. */
static void limit_time(unsigned ms)
{
	struct itimerval t = {.it_value = {ms / 1000, ms % 1000 * 1000}};

	if (setitimer(ITIMER_PROF, &t, NULL) < 0)
		_exit(1);
}

static char *read_policy(size_t size, struct said *said)
{
	char *data = malloc(size);
	size_t have = 0;

	while (data && have < size) {
		ssize_t n = pread(POLICY, data + have, size - have, (off_t)have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			snprintf(said->text, sizeof(said->text), "cannot read it: %s",
				n < 0 ? strerror(errno) : "it became shorter");
			report(CHECK_REFUSED, said);
		}
		have += (size_t)n;
	}
	return data;
}

static sepol_policydb_t *load(sepol_handle_t *h, size_t size, struct said *said)
{
	char *data = read_policy(size, said);
	sepol_policy_file_t *file = NULL;
	sepol_policydb_t *db = NULL;

	if (!h || !data || sepol_policydb_create(&db) < 0 ||
		sepol_policy_file_create(&file) < 0)
		report(CHECK_MEMORY, said);
	sepol_msg_set_callback(h, hear, said);
	sepol_policy_file_set_handle(file, h);
	sepol_policy_file_set_mem(file, data, size);
	errno = 0;
	if (sepol_policydb_read(db, file) < 0)
		report(errno == ENOMEM ? CHECK_MEMORY : CHECK_REFUSED, said);
	sepol_policy_file_free(file);
	free(data);
	report(CHECK_READY, said);
	return db;
}

static enum check_answer judge(sepol_handle_t *h, const sepol_policydb_t *db,
	const char *context, struct said *said)
{
	sepol_context_t *c = NULL;
	bool valid;

	said->text[0] = '\0';
	errno = 0;
	/* <<none>> is taken apart without an error, and without a context. */
	valid = sepol_context_from_string(h, context, &c) == 0 && c &&
		sepol_context_check(h, db, c) == 0;
	if (!valid && errno == ENOMEM)
		return CHECK_MEMORY;
	sepol_context_free(c);
	return valid ? CHECK_VALID : CHECK_UNKNOWN;
}

/* len bytes of contexts, the last one with its NUL too. */
static void judge_all(sepol_handle_t *h, const sepol_policydb_t *db, const char *contexts,
	size_t len, struct said *said)
{
	static char answers[CHECK_PACKET_MAX + CHECK_SAID_MAX];
	size_t n = 0;

	for (const char *p = contexts; p < contexts + len; p += strlen(p) + 1)
		answers[n++] = (char)judge(h, db, p, said);
	if (n == 1) {
		memcpy(answers + 1, said->text, strlen(said->text));
		n += strlen(said->text);
	}
	send_packet(answers, n);
}

_Noreturn void check_process(const struct check_job *job)
{
	static char contexts[CHECK_PACKET_MAX];
	struct said said = {0};
	sepol_handle_t *h;
	sepol_policydb_t *db;

	if (keep_only(job) < 0)
		_exit(1);
	reset_signals();
	if (limit_memory(job->size) != 0)
		_exit(1);
	limit_time(job->ms);
	/* What libsepol says without a handle has no other way than standard error. */
	sepol_debug(0);
	h = sepol_handle_create();
	db = load(h, job->size, &said);
	for (;;) {
		ssize_t n = recv(SOCKET, contexts, sizeof(contexts), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || contexts[n - 1])
			_exit(0);
		limit_time(job->ms);
		judge_all(h, db, contexts, (size_t)n, &said);
	}
}
