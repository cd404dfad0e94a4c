/* SPDX-License-Identifier: MIT */
/*
 * A directory's nodes, made when somebody first asks: its names in the staging tree and
 * its records in the database, both sorted, merged in one pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/dirlist.h"

bool engine_type_holds(uint32_t type, uint32_t mode, uint64_t size)
{
	if ((type == S_IFCHR || type == S_IFBLK) && S_ISREG(mode) && size == 0)
		return true;
	return (mode & S_IFMT) == type;
}

/* Other trees may hold links to the staging file, and recorded names may be gone. */
static int count_links(struct engine *en, struct node *n, struct err *e)
{
	int64_t names = db_name_count(en->db, n->record, e);

	if (names < 0)
		return -1;
	n->nlink = names < n->host_nlink ? (uint32_t)names : n->host_nlink;
	return 0;
}

static struct node *make_node(struct engine *en, struct node *dir,
	const struct stage_entry *s, struct db_record *r, struct err *e)
{
	struct node *n = arena_alloc(&en->arena, sizeof(*n));
	char *name = arena_strdup(&en->arena, s->name);
	bool split = false;
	bool linked;

	if (!n || !name) {
		err_set(e, ERR_SYS, "out of memory");
		return NULL;
	}
	*n = (struct node){.parent = dir, .name = name};
	if (r->id && !engine_type_holds(r->type, s->st.stx_mode, s->st.stx_size)) {
		engine_find_fault(en, n, FINDING_REPLACED,
			"its record is of another type than what is there now, and is "
			"not used");
		r->id = 0;
	}
	linked = !S_ISDIR(s->st.stx_mode) && (r->id ? r->names > 1 : s->st.stx_nlink > 1);
	if (linked) {
		struct node *known =
			links_find(en, r->id, stage_dev(&s->st), s->st.stx_ino, &split);

		if (known)
			return known;
	}
	if (node_fill(en, n, &s->st, r->id ? r : NULL, e) < 0)
		return NULL;
	if (split) {
		n->split = true;
		n->ino = NODE_UNRECORDED | s->st.stx_ino;
		n->nlink = 1;
		engine_find_fault(en, n, FINDING_SPLIT,
			"shares a record with another name, but is a file of its own "
			"now");
	} else if (linked && r->id && count_links(en, n, e) < 0)
		return NULL;
	if (linked && links_add(en, n) < 0) {
		err_set(e, ERR_SYS, "out of memory");
		return NULL;
	}
	if (r->id && r->has_xattrs && node_load_xattrs(en, n, e) < 0)
		return NULL;
	return n;
}

static int make_nodes(
	struct engine *en, struct node *dir, struct dirlist *l, bool ahead, struct err *e)
{
	struct dir *d = arena_alloc(
		&en->arena, sizeof(*d) + l->list.count * sizeof(d->entries[0]));
	bool all_bare;

	if (!d)
		return err_set(e, ERR_SYS, "out of memory");
	d->count = l->list.count;
	d->ahead = ahead;
	all_bare = l->bare != NULL;
	for (size_t i = 0; i < l->list.count; i++) {
		struct node *n =
			make_node(en, dir, &l->list.entries[i], &l->records[i], e);

		if (!n)
			return -1;
		d->entries[i].node = n;
		d->entries[i].name =
			n->parent == dir && strcmp(n->name, l->list.entries[i].name) == 0
				? n->name
				: arena_strdup(&en->arena, l->list.entries[i].name);
		if (!d->entries[i].name)
			return err_set(e, ERR_SYS, "out of memory");
		if (l->bare && l->bare[i])
			n->host_xattrs_done = true;
		all_bare = all_bare && l->bare[i];
	}
	atomic_init(&d->host_xattrs, all_bare);
	/* An ACL that is left out still has its say in the mode. */
	if (en->opt.no_acls && node_load_host_xattrs(en, dir, d, e) < 0)
		return -1;
	atomic_store_explicit(&dir->dir, d, memory_order_release);
	return 0;
}

/*
 * What is not there any more was there when its name was shown: for a reader that is an
 * error, never "no such name", which readdir(3) takes for the end of a directory.
 */
static void judge(struct engine *en, struct node *dir, struct err *e)
{
	enum finding_kind kind = FINDING_UNREADABLE;

	if (e->code == ERR_INPUT) {
		kind = FINDING_DATABASE;
	} else if (e->code == ERR_REFUSED || e->sys == ENOENT || e->sys == ENOTDIR ||
		   e->sys == ELOOP || e->sys == ESTALE) {
		kind = FINDING_CHANGED;
		e->code = ERR_REFUSED;
	}
	engine_find_fault(en, dir, kind, "%s", e->msg);
}

struct dirlist_key node_dirlist_key(const struct node *dir)
{
	return (struct dirlist_key){dir->seen.dev, dir->seen.ino, dir->record};
}

static int read_dir(
	struct dirlist *l, struct engine *en, const struct node *dir, struct err *e)
{
	const struct dirlist_key key = node_dirlist_key(dir);
	cleanup_free char *path = engine_path(dir);

	if (!path)
		return err_set(e, ERR_SYS, "out of memory");
	if (dirlist_read(l, en, path, &key, false, e) < 0)
		return -1;
	return dirlist_merge(l, en, e);
}

int node_load(struct engine *en, struct node *dir, struct dirlist *ready, struct err *e)
{
	struct dirlist own = {0};
	struct dirlist *l = ready ? ready : &own;
	int rc = ready ? 0 : read_dir(l, en, dir, e);

	if (rc == 0)
		rc = make_nodes(en, dir, l, ready != NULL, e);
	if (rc < 0) {
		links_drop(en, dir);
		judge(en, dir, e);
	}
	dirlist_free(&own);
	return rc;
}
