/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

void side_getxattr(fuse_req_t req, struct node *n, const char *name, size_t size)
{
	struct view *v = fuse_req_userdata(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	cleanup_buf struct buf out = {0};
	int rc = 0;

	if (ctx->uid != v->owner && ctx->uid != 0) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	if (strcmp(name, SIDE_VIEW) == 0) {
		rc = view_describe(v, &out);
	} else if (strcmp(name, SIDE_PATH) == 0) {
		rc = answer_path(n, &out);
	} else if (strcmp(name, SIDE_LABEL) == 0) {
		const char *label = engine_label(n);

		rc = label ? buf_adds(&out, label) : 0;
	} else if (strcmp(name, SIDE_SEAL) == 0) {
		rc = answer_seal(v->engine, &out);
	} else {
		fuse_reply_err(req, ENODATA);
		return;
	}
	if (rc < 0)
		fuse_reply_err(req, ENOMEM);
	else if (out.len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, out.data ? out.data : "", out.len);
}
