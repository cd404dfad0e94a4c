/* SPDX-License-Identifier: MIT */
/* A listing of a staging tree with its database. */
#include <string.h>
#include <sys/sysmacros.h>

#include "fs/walk.h"
#include "image/digest.h"
#include "image/digest_queue.h"
#include "image/source.h"

struct reader {
	struct listing *l;
	struct engine *en;
	struct digest_queue *digests;
};

/* The engine sees when a file is no longer as it was loaded. */
static int digest_content(
	struct engine *en, const struct digest_file *f, char *buffer, struct err *e)
{
	struct digest d;
	off_t size = (off_t)f->in->size;

	digest_start(&d);
	while ((off_t)d.size < size) {
		off_t at = (off_t)d.size;
		ssize_t got = engine_read(en, f->node, buffer, DIGEST_BUFFER, at, e);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		digest_add(&d, buffer, (size_t)got);
	}
	if (d.size != f->in->size)
		return err_set(e, ERR_REFUSED, "a file changed while it was read");
	digest_finish(&d, f->in);
	return 0;
}

static int digest_node(
	void *arg, const struct digest_file *f, char *buffer, struct err *e)
{
	return digest_content(arg, f, buffer, e) < 0 ? err_wrap(e, "/%s", f->path) : 0;
}

struct add_to {
	struct listing *l;
	struct listing_inode *in;
	struct err *e;
};

static int add_xattr(void *arg, const struct xattr *x)
{
	struct add_to *to = arg;

	return listing_add_xattr(to->l, to->in, x->name, x->value, x->len, to->e);
}

static int fill(struct reader *r, const struct walk_step *s, const struct stat *st,
	struct listing_inode *in, struct err *e)
{
	struct add_to to = {r->l, in, e};
	char target[LISTING_TARGET_MAX + 2];

	in->mode = st->st_mode;
	in->uid = st->st_uid;
	in->gid = st->st_gid;
	in->mtime = st->st_mtim.tv_sec;
	in->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
	if (S_ISBLK(st->st_mode) || S_ISCHR(st->st_mode)) {
		in->major = major(st->st_rdev);
		in->minor = minor(st->st_rdev);
	} else if (S_ISREG(st->st_mode)) {
		in->size = (uint64_t)st->st_size;
	} else if (S_ISLNK(st->st_mode)) {
		if (engine_readlink(r->en, s->node, target, sizeof(target), e) < 0 ||
			listing_set_target(r->l, in, target, strlen(target), e) < 0)
			return -1;
	}
	return engine_xattrs(r->en, s->node, add_xattr, &to, e) != 0 ? -1 : 0;
}

static int on_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct reader *r = arg;
	struct digest_file f = {.node = s->node};
	struct stat st;
	int rc;

	engine_stat(r->en, s->node, &st);
	rc = listing_add(
		r->l, s->path, S_ISDIR(st.st_mode) ? 0 : (uintptr_t)s->node, &f.in, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (fill(r, s, &st, f.in, e) < 0)
		return err_wrap(e, "/%s", s->path);
	if (!listing_wants_content(r->l, s->path, f.in))
		return 0;
	f.path = r->l->entries[r->l->count - 1].path;
	return digest_queue_add(r->digests, &f);
}

int list_engine(struct listing *l, struct engine *en, struct err *e)
{
	struct reader r = {.l = l, .en = en};
	int rc;

	if (digest_queue_begin(&r.digests, l->threads, digest_node, en, e) < 0)
		return -1;
	rc = engine_walk(en, engine_root(en), "", on_step, &r, e);
	return digest_queue_end(r.digests, rc, e) < 0 ? -1 : listing_finish(l, e);
}
