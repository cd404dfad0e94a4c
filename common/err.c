/* SPDX-License-Identifier: MIT */
#include "common/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/quote.h"

static void append(struct err *e, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void append(struct err *e, const char *fmt, va_list ap)
{
	size_t used = strlen(e->msg);
	size_t room = sizeof(e->msg) - used;
	char safe[ERR_MSG_MAX];
	int n = vsnprintf(e->msg + used, room, fmt, ap);

	if (n >= 0 && (size_t)n >= room) {
		size_t cut = sizeof(e->msg) - sizeof("…");

		/* Not in the middle of a character. */
		while (cut && ((unsigned char)e->msg[cut] & 0xc0) == 0x80)
			cut--;
		memcpy(e->msg + cut, "…", sizeof("…"));
	}
	/* Whatever a path or a library's text brings along, a message is one line. */
	if (!quote_is_text(e->msg))
		strcpy(e->msg, quote_text(safe, sizeof(safe), e->msg));
}

static void appendf(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void appendf(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(e, fmt, ap);
	va_end(ap);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->sys = 0;
	e->msg[0] = '\0';
	va_start(ap, fmt);
	append(e, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *e, const char *path, const char *fmt, ...)
{
	int saved = errno;
	char quoted[1024];
	va_list ap;

	e->code = ERR_SYS;
	e->sys = saved;
	e->msg[0] = '\0';
	va_start(ap, fmt);
	append(e, fmt, ap);
	va_end(ap);
	if (path)
		appendf(e, ": %s", quote_path(quoted, sizeof(quoted), path));
	appendf(e, ": %s", strerror(saved));
	errno = saved;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char old[ERR_MSG_MAX];
	va_list ap;

	memcpy(old, e->msg, sizeof(old));
	e->msg[0] = '\0';
	va_start(ap, fmt);
	append(e, fmt, ap);
	va_end(ap);
	appendf(e, ": %s", old);
	return -1;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	appendf(e, "; ");
	va_start(ap, fmt);
	append(e, fmt, ap);
	va_end(ap);
	return -1;
}

int err_errno(const struct err *e)
{
	if (e->code == ERR_SYS && e->sys > 0)
		return e->sys;
	return e->code == ERR_BUSY ? EBUSY : EIO;
}

void err_print(const struct err *e)
{
	fprintf(stderr, "livery: %s\n", e->msg);
}
