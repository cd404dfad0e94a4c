/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/ops.h"

#define ANSWER_MAX 65000 /* the kernel takes XATTR_SIZE_MAX */

struct report {
	struct buf *out;
	size_t told;
	int rc;
};

/* "! path: text" for what breaks the seal, "- path: text" for the rest. */
static void report_finding(void *arg, const struct finding *f)
{
	struct report *r = arg;
	char quoted[4096];

	if (r->out->len > ANSWER_MAX - 8192)
		return;
	r->told++;
	r->rc |= buf_addf(r->out, "%c %s%s%s\n", finding_breaks_seal(f->kind) ? '!' : '-',
		quote_path(quoted, sizeof(quoted), f->path), *f->path ? ": " : "",
		f->text);
}

static int answer_seal(struct engine *en, struct buf *out)
{
	struct report r = {.out = out};
	size_t total;

	engine_check_seal(en);
	total = engine_findings(en, report_finding, &r);
	if (total > r.told)
		r.rc |= buf_addf(out, "%c and %zu more\n",
			engine_seal_broken(en) ? '!' : '-', total - r.told);
	return r.rc;
}

int view_answer_stats(const struct view *v, struct buf *out)
{
	if (!v->stats)
		return -ENODATA;
	return stats_table(v->stats, out) < 0 ? -ENOMEM : 0;
}

int view_describe(const struct view *v, struct buf *out)
{
	if (buf_adds(out, v->staging) < 0 || buf_addc(out, '\0') < 0 ||
		buf_adds(out, v->db_path) < 0 || buf_addc(out, '\0') < 0 ||
		buf_addf(out, "%ld", (long)getpid()) < 0)
		return -1;
	return buf_addc(out, '\0');
}

static int answer_path(struct node *n, struct buf *out)
{
	cleanup_free char *path = engine_path(n);

	return path ? buf_add(out, path, strlen(path) + 1) : -1;
}

static int answer_attribute(
	struct engine *en, struct node *n, const char *name, struct buf *out)
{
	struct xattr x;
	struct err e;
	int rc = engine_xattr_raw(en, n, name, &x, &e);

	if (rc <= 0)
		return rc < 0 ? -err_errno(&e) : -ENODATA;
	return buf_add(out, x.value, x.len) < 0 ? -ENOMEM : 0;
}

static int add_name(void *arg, const struct xattr *x)
{
	return buf_add(arg, x->name, strlen(x->name) + 1);
}

static int answer_list(struct engine *en, struct node *n, struct buf *out)
{
	struct err e = {.code = ERR_SYS, .sys = ENOMEM};

	if (engine_xattrs_raw(en, n, add_name, out, &e) < 0)
		return -err_errno(&e);
	return out->len > XATTR_LIST_MAX ? -E2BIG : 0;
}

/* 0 or -errno. */
static int answer(struct view *v, struct node *n, const char *name, struct buf *out)
{
	int rc = 0;

	if (strncmp(name, SIDE_ATTR, strlen(SIDE_ATTR)) == 0)
		return answer_attribute(v->engine, n, name + strlen(SIDE_ATTR), out);
	if (strcmp(name, SIDE_LIST) == 0)
		return answer_list(v->engine, n, out);
	if (strcmp(name, SIDE_STATS) == 0)
		return view_answer_stats(v, out);
	if (strcmp(name, SIDE_VIEW) == 0)
		rc = view_describe(v, out);
	else if (strcmp(name, SIDE_PATH) == 0)
		rc = answer_path(n, out);
	else if (strcmp(name, SIDE_LABEL) == 0)
		rc = engine_label(n) ? buf_adds(out, engine_label(n)) : 0;
	else if (strcmp(name, SIDE_SEAL) == 0)
		rc = answer_seal(v->engine, out);
	else
		return -ENODATA;
	return rc < 0 ? -ENOMEM : 0;
}

void side_getxattr(fuse_req_t req, struct node *n, const char *name, size_t size)
{
	struct view *v = fuse_req_userdata(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	cleanup_buf struct buf out = {0};
	int rc = -ENODATA;

	stats_own(v->stats, FUSE_GETXATTR);
	if (ctx->uid == v->owner || ctx->uid == 0)
		rc = answer(v, n, name, &out);
	if (rc < 0)
		fuse_reply_err(req, -rc);
	else
		view_reply_bytes(req, out.data, out.len, size);
}
