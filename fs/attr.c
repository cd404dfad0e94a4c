/* SPDX-License-Identifier: MIT */
/*
 * What a node shows: the record's word where it says something, else the staging file's.
 *
 * Images must come out the same everywhere, and mke2fs -d copies access and change times
 * too. So all three times of the view are the modification time, and a directory's size
 * is a constant: what the staging tree's filesystem makes of them never shows.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fs/node.h"

void seen_from_statx(struct seen *s, const struct statx *st)
{
	*s = (struct seen){
		.dev = stage_dev(st),
		.ino = st->stx_ino,
		.mtime = st->stx_mtime.tv_sec,
		.mtime_ns = st->stx_mtime.tv_nsec,
		.ctime = st->stx_ctime.tv_sec,
		.ctime_ns = st->stx_ctime.tv_nsec,
		.size = (int64_t)st->stx_size,
	};
}

void seen_from_stat(struct seen *s, const struct stat *st)
{
	*s = (struct seen){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.mtime = st->st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.ctime = st->st_ctim.tv_sec,
		.ctime_ns = (uint32_t)st->st_ctim.tv_nsec,
		.size = st->st_size,
	};
}

bool seen_equal(const struct seen *a, const struct seen *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->mtime == b->mtime &&
	       a->mtime_ns == b->mtime_ns && a->ctime == b->ctime &&
	       a->ctime_ns == b->ctime_ns && a->size == b->size;
}

/* A file that came after the tree was labeled makes an image wrong. */
static void check_label(struct engine *en, struct node *n)
{
	if (en->want_labels && !n->label && !n->excluded)
		engine_find_fault(en, n, FINDING_UNLABELED, "has no label");
}

int node_fill(struct engine *en, struct node *n, const struct statx *st,
	const struct db_record *r, struct err *e)
{
	bool ours = st->stx_uid == en->owner;
	uint32_t type = r ? r->type : st->stx_mode & S_IFMT;
	uint32_t perm = r && r->mode != DB_SILENT ? r->mode : st->stx_mode & 07777;

	seen_from_statx(&n->seen, st);
	n->btime = st->stx_mask & STATX_BTIME ? st->stx_btime.tv_sec : 0;
	n->btime_ns = st->stx_mask & STATX_BTIME ? st->stx_btime.tv_nsec : 0;
	n->blocks = S_ISDIR(type) ? 0 : (int64_t)st->stx_blocks;
	n->mode = type | (S_ISLNK(type) ? 0777 : perm);
	n->uid = r && r->uid != DB_SILENT ? r->uid : ours ? en->opt.uid : st->stx_uid;
	n->gid = r && r->gid != DB_SILENT ? r->gid : ours ? en->opt.gid : st->stx_gid;
	n->record = r ? r->id : 0;
	n->ino = r ? (uint64_t)r->id : NODE_UNRECORDED | st->stx_ino;
	/* A record with several names counts them: see load.c. */
	n->nlink = r && !S_ISDIR(type) ? 1 : st->stx_nlink;
	n->host_nlink = st->stx_nlink;
	n->rdev = 0;
	if (S_ISCHR(type) || S_ISBLK(type))
		n->rdev = r ? r->rdev : makedev(st->stx_rdev_major, st->stx_rdev_minor);
	n->label = NULL;
	if (r && r->label && !en->opt.no_labels) {
		n->label = db_label_text(en->db, r->label, e);
		if (!n->label)
			return err_wrap(e, "record %" PRId64, r->id);
		n->excluded = strcmp(n->label, LABEL_EXCLUDED) == 0;
		if (n->excluded)
			n->label = NULL;
	}
	check_label(en, n);
	return 0;
}

void engine_stat(const struct engine *en, const struct node *n, struct stat *st)
{
	struct timespec t = {n->seen.mtime, n->seen.mtime_ns};

	if (en->opt.clamp && t.tv_sec >= en->opt.clamp_time)
		t = (struct timespec){en->opt.clamp_time, 0};
	*st = (struct stat){
		.st_ino = n->ino,
		.st_mode = n->mode,
		.st_nlink = n->nlink,
		.st_uid = n->uid,
		.st_gid = n->gid,
		.st_rdev = n->rdev,
		.st_size = S_ISDIR(n->mode) ? SHOW_DIR_SIZE : n->seen.size,
		.st_blksize = SHOW_BLOCK_SIZE,
		.st_blocks = n->blocks,
		.st_atim = t,
		.st_mtim = t,
		.st_ctim = t,
	};
}

int64_t engine_record(const struct node *n)
{
	return n->record;
}

struct node *engine_parent(const struct node *n)
{
	return n->parent;
}

bool engine_is_dir(const struct node *n)
{
	return S_ISDIR(n->mode);
}

const char *engine_label(const struct node *n)
{
	return n->label;
}

bool engine_label_excluded(const struct node *n)
{
	return n->excluded;
}

bool engine_split(const struct node *n)
{
	return n->split;
}

bool engine_host_linked(const struct node *n)
{
	return n->host_nlink > 1 && !S_ISDIR(n->mode);
}

void engine_hint(const struct node *n, struct db_hint *hint)
{
	hint->dev = n->seen.dev;
	hint->ino = n->seen.ino;
	hint->btime = n->btime ? n->btime * 1000000000 + n->btime_ns : 0;
}
