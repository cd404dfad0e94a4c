/* SPDX-License-Identifier: MIT */
#include "labeler/engine_libselinux.h"

#include <errno.h>
#include <pthread.h>
#include <selinux/label.h>
#include <selinux/selinux.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/quote.h"
#include "labeler/scratch.h"

/*
 * libselinux cannot tell <<none>> from no match, nor name the winning rule. So it is
 * given the policy with each context replaced by a marker that says which rule it is;
 * and, to ask after "no match", the rules with <<none>> alone.
 */
struct engine_libselinux {
	const struct policy *policy;
	struct selabel_handle *handle;
	struct selabel_handle *exclusions; /* NULL: there are none */
};

/* The first line that libselinux logs during a call; the ones behind it repeat it. */
struct heard {
	char text[600];
};

/* The callback is the process's; what is heard belongs to the thread that calls. */
static _Thread_local struct heard *listener;
static union selinux_callback earlier;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static int hear(int type, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int hear(int type, const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (!listener)
		return earlier.func_log ? earlier.func_log(type, "%s", line) : 0;
	len = strcspn(line, "\n");
	if (!listener->text[0])
		quote_bytes(listener->text, sizeof(listener->text), line, len);
	return 0;
}

/*
 * Never taken out again: another thread may be using it, and without a listener it only
 * hands on.
 */
static void install(void)
{
	earlier = selinux_get_callback(SELINUX_CB_LOG);
	selinux_set_callback(SELINUX_CB_LOG, (union selinux_callback){.func_log = hear});
}

static struct selabel_handle *open_handle(const struct scratch *s, struct heard *heard)
{
	char path[PATH_MAX + sizeof("/" SCRATCH_BASE)];
	struct selinux_opt opts[] = {
		{.type = SELABEL_OPT_PATH, .value = path},
		{.type = SELABEL_OPT_VALIDATE, .value = NULL},
	};
	struct selabel_handle *handle;

	snprintf(path, sizeof(path), "%s/%s", s->dir, SCRATCH_BASE);
	listener = heard;
	errno = 0;
	handle = selabel_open(SELABEL_CTX_FILE, opts, sizeof(opts) / sizeof(opts[0]));
	listener = NULL;
	return handle;
}

static int not_loaded(const struct scratch *s, const struct heard *heard,
	const struct policy *p, struct err *e)
{
	const struct labeler_rule *r = scratch_blamed(s, heard->text, p);
	const char *shown = r ? r->file : p->files[POLICY_BASE].shown;
	char quoted[1024];

	if (!heard->text[0])
		return err_sys(e, shown, "libselinux cannot load the policy");
	quote_path(quoted, sizeof(quoted), shown);
	if (r)
		return err_set(e, ERR_INPUT, "%s:%u: libselinux refuses this rule: %s",
			quoted, r->line, heard->text);
	return err_set(e, ERR_INPUT, "%s: libselinux refuses the policy: %s", quoted,
		heard->text);
}

static struct selabel_handle *load(
	const struct policy *p, enum scratch_content content, struct err *e)
{
	cleanup_scratch struct scratch s = SCRATCH_NONE;
	struct selabel_handle *handle;
	struct heard heard = {0};

	if (scratch_write(&s, p, content, e) < 0)
		return NULL;
	handle = open_handle(&s, &heard);
	if (!handle)
		not_loaded(&s, &heard, p, e);
	return handle;
}

static bool has_exclusions(const struct policy *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->rules[i].context, POLICY_NO_LABEL) == 0)
			return true;
	return false;
}

int engine_libselinux_open(
	struct engine_libselinux **out, const struct policy *p, struct err *e)
{
	struct engine_libselinux *g = calloc(1, sizeof(*g));

	*out = NULL;
	if (!g)
		return err_sys(e, p->files[POLICY_BASE].shown, "cannot load the policy");
	pthread_once(&installed, install);
	g->policy = p;
	g->handle = load(p, SCRATCH_MARKED, e);
	if (g->handle && has_exclusions(p))
		g->exclusions = load(p, SCRATCH_EXCLUSIONS, e);
	if (!g->handle || (has_exclusions(p) && !g->exclusions)) {
		engine_libselinux_close(g);
		return -1;
	}
	*out = g;
	return 0;
}

void engine_libselinux_close(struct engine_libselinux *g)
{
	if (!g)
		return;
	if (g->handle)
		selabel_close(g->handle);
	if (g->exclusions)
		selabel_close(g->exclusions);
	free(g);
}

/*
 * libselinux leaves errno alone when an expression does not compile. parse.c lets none
 * such pass, but the PCRE2 that libselinux was built with need not be ours.
 */
static int not_looked_up(const struct heard *heard, const char *path, struct err *e)
{
	char quoted[1024];

	if (errno && !heard->text[0])
		return err_sys(e, path, "libselinux cannot look up");
	return err_set(e, ERR_INPUT, "libselinux cannot look up: %s: %s",
		quote_path(quoted, sizeof(quoted), path),
		heard->text[0] ? heard->text
			       : "an expression on the way does not compile");
}

static int ask(const struct engine_libselinux *g, struct selabel_handle *handle,
	const char *path, mode_t mode, size_t *rule, struct err *e)
{
	struct heard heard = {0};
	char *context = NULL;
	int got;

	listener = &heard;
	errno = 0;
	got = selabel_lookup_raw(handle, &context, path, (int)mode);
	listener = NULL;
	if (got < 0 && errno == ENOENT && !heard.text[0])
		return 0;
	if (got < 0)
		return not_looked_up(&heard, path, e);
	got = scratch_rule(rule, context, g->policy);
	if (got < 0)
		err_set(e, ERR_SYS,
			"libselinux answered with a context that it was not given: %s",
			context);
	freecon(context);
	return got < 0 ? -1 : 1;
}

int engine_libselinux_lookup(struct engine_libselinux *g, const char *path, mode_t mode,
	size_t *rule, struct err *e)
{
	int got = ask(g, g->handle, path, mode, rule, e);

	if (got == 0 && g->exclusions)
		return ask(g, g->exclusions, path, mode, rule, e);
	return got;
}
