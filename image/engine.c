/* SPDX-License-Identifier: MIT */
/* A listing of a staging tree with its database. */
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "fs/walk.h"
#include "image/digest.h"
#include "image/source.h"

#define BUFFER_SIZE ((size_t)1 << 18)

struct reader {
	struct listing *l;
	struct engine *en;
	char *buffer;
};

/* The engine sees when a file is no longer as it was loaded. */
static int digest_node(
	struct reader *r, struct node *n, struct listing_inode *in, struct err *e)
{
	struct digest d;
	off_t size = (off_t)in->size;

	digest_start(&d);
	while ((off_t)d.size < size) {
		off_t at = (off_t)d.size;
		ssize_t got = engine_read(r->en, n, r->buffer, BUFFER_SIZE, at, e);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		digest_add(&d, r->buffer, (size_t)got);
	}
	if (d.size != in->size)
		return err_set(e, ERR_REFUSED, "a file changed while it was read");
	digest_finish(&d, in);
	return 0;
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
	if (engine_xattrs(r->en, s->node, add_xattr, &to, e) != 0)
		return -1;
	return listing_wants_content(r->l, s->path, in) ? digest_node(r, s->node, in, e)
							: 0;
}

static int on_step(void *arg, const struct walk_step *s, struct err *e)
{
	struct reader *r = arg;
	struct listing_inode *in;
	struct stat st;
	int rc;

	engine_stat(r->en, s->node, &st);
	rc = listing_add(
		r->l, s->path, S_ISDIR(st.st_mode) ? 0 : (uintptr_t)s->node, &in, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (fill(r, s, &st, in, e) < 0)
		return err_wrap(e, "/%s", s->path);
	return 0;
}

int list_engine(struct listing *l, struct engine *en, struct err *e)
{
	cleanup_free char *buffer = malloc(BUFFER_SIZE);
	struct reader r = {l, en, buffer};

	if (!buffer)
		return err_set(e, ERR_SYS, "out of memory");
	if (engine_walk(en, engine_root(en), "", on_step, &r, e) < 0)
		return -1;
	return listing_finish(l, e);
}
