/* SPDX-License-Identifier: MIT */
/* How the names in an image answer to those of a listing. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pack/ext_parts.h"

#define LINKS_MAX 65000 /* EXT4_LINK_MAX */

static int changed(struct finish *f, const char *path, struct err *e, const char *what)
{
	return err_set(e, ERR_INPUT,
		"%s: /%s %s: the staging tree was changed while the image was made, or "
		"mke2fs did not copy it right",
		f->x.name, path, what);
}

/* The inode number that a path of the listing has in the image; 0: it has none. */
static uint32_t number(struct finish *f, const char *path)
{
	const struct listing_entry *at = listing_find(&f->have, path);

	return at ? f->x.places[at - f->have.entries].ino : 0;
}

static bool special(uint32_t mode)
{
	return !S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode);
}

static int compare(struct finish *f, const char *path, const struct listing_inode *have,
	const struct listing_inode *want, struct err *e)
{
	/* A device's place may be held by an empty file. */
	if (special(want->mode) &&
		(special(have->mode) || (S_ISREG(have->mode) && have->size == 0)))
		return 0;
	if ((want->mode & S_IFMT) != (have->mode & S_IFMT))
		return changed(f, path, e, "is of another type in the image");
	if (S_ISREG(want->mode) && want->size != have->size)
		return changed(f, path, e, "has another size in the image");
	if (S_ISLNK(want->mode) && strcmp(want->target, have->target) != 0)
		return changed(f, path, e, "has another target in the image");
	return 0;
}

static int plan_inode(struct finish *f, const struct listing_entry *to, uint32_t ino,
	uint32_t first, struct err *e)
{
	const struct listing_inode *want = to->inode;

	/* Links of symbolic links are separate inodes to mke2fs; files' links are not. */
	if (ino != first && (S_ISREG(want->mode) || S_ISDIR(want->mode)))
		return err_set(e, ERR_INPUT,
			"%s: /%s and /%s are one file in the tree and two in the image",
			f->x.name, want->first, to->path);
	if (f->want[first] && f->want[first] != want)
		return err_set(e, ERR_INPUT,
			"%s: /%s and /%s are two files in the tree and one in the image",
			f->x.name, f->want[first]->first, to->path);
	f->want[first] = want;
	return 0;
}

static int plan_name(struct finish *f, size_t i, struct err *e)
{
	const struct listing_entry *have = &f->have.entries[i];
	const struct listing_entry *to = listing_find(f->l, have->path);
	struct ext_place place = f->x.places[i];
	uint32_t first;

	if (!to) {
		/* What mke2fs adds is in the image where the tree has it too. */
		if (strcmp(have->path, "lost+found") != 0 || !S_ISDIR(have->inode->mode))
			return changed(f, have->path, e, "is in the image only");
		f->edit[place.dir] = true;
		return 0;
	}
	first = number(f, to->inode->first);
	if (!first)
		return changed(f, to->inode->first, e, "is not in the image");
	if (compare(f, have->path, have->inode, to->inode, e) < 0 ||
		plan_inode(f, to, place.ino, first, e) < 0)
		return -1;
	f->goal[i] = first;
	if (first != place.ino ||
		(have->inode->mode & S_IFMT) != (to->inode->mode & S_IFMT))
		f->edit[place.dir] = true;
	f->links[first]++;
	if (S_ISDIR(to->inode->mode)) {
		f->links[first]++;
		/* The root is its own parent, and ".." is no further link. */
		if (*have->path)
			f->links[place.dir]++;
	}
	return 0;
}

/* A directory with more links than fit has the count 1; ext4_inc_count(). */
static int check_links(struct finish *f, uint32_t ino, struct err *e)
{
	if (f->links[ino] <= LINKS_MAX)
		return 0;
	if (!S_ISDIR(f->want[ino]->mode) || !ext2fs_has_feature_dir_nlink(f->x.fs->super))
		return err_set(e, ERR_REFUSED,
			"%s: /%s has %u links, and this filesystem keeps no more than %d",
			f->x.name, f->want[ino]->first, f->links[ino], LINKS_MAX);
	f->links[ino] = 1;
	return 0;
}

int ext_plan(struct finish *f, struct err *e)
{
	size_t inodes = (size_t)f->x.fs->super->s_inodes_count + 1;
	size_t i;

	f->goal = calloc(f->have.count, sizeof(*f->goal));
	f->want = calloc(inodes, sizeof(*f->want));
	f->links = calloc(inodes, sizeof(*f->links));
	f->edit = calloc(inodes, sizeof(*f->edit));
	if (!f->goal || !f->want || !f->links || !f->edit)
		return err_sys(e, f->x.name, "cannot finish");
	for (i = 0; i < f->l->count; i++)
		if (!number(f, f->l->entries[i].path))
			return changed(
				f, f->l->entries[i].path, e, "is not in the image");
	for (i = 0; i < f->have.count; i++)
		if (plan_name(f, i, e) < 0)
			return -1;
	for (i = 1; i < inodes; i++)
		if (f->want[i] && check_links(f, (uint32_t)i, e) < 0)
			return -1;
	return 0;
}
