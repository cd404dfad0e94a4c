/* SPDX-License-Identifier: MIT */
#include "fs/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/quote.h"
#include "fs/ahead.h"
#include "fs/dirlist.h"

int engine_options_init(struct engine_options *o, struct err *e)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char *end;

	*o = (struct engine_options){0};
	if (!epoch || !*epoch)
		return 0;
	errno = 0;
	o->clamp_time = strtoll(epoch, &end, 10);
	if (errno || *end || epoch[0] < '0' || epoch[0] > '9')
		return err_set(e, ERR_USAGE,
			"SOURCE_DATE_EPOCH is '%.60s': it must be whole seconds since "
			"1970",
			epoch);
	o->clamp = true;
	return 0;
}

static int read_notes(struct engine *en, struct err *e)
{
	char *labeled = NULL;

	if (!en->db || !en->opt.want_labels || en->opt.no_labels)
		return 0;
	if (db_note_get(en->db, NOTE_LABELED, &labeled, e) < 0)
		return -1;
	en->want_labels = labeled != NULL;
	free(labeled);
	return 0;
}

/* The root's node; its record is there from the start of every database. */
static int make_root(struct engine *en, struct err *e)
{
	struct node *n = arena_alloc(&en->arena, sizeof(*n));
	struct db_record r = {0};
	struct statx st;
	int rc = 0;

	if (!n)
		return err_set(e, ERR_SYS, "out of memory");
	*n = (struct node){.name = ""};
	if (statx(stage_root(en->stage), "", AT_EMPTY_PATH,
		    STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		return err_sys(
			e, stage_path(en->stage), "cannot examine the staging tree");
	en->owner = st.stx_uid;
	if (en->db)
		rc = db_record_get(en->db, DB_ROOT, &r, e);
	if (rc < 0)
		return -1;
	if (en->db && (rc == 0 || r.type != S_IFDIR))
		return err_set(e, ERR_INPUT,
			"%s: damaged: no record of the root directory", db_path(en->db));
	if (node_fill(en, n, &st, rc ? &r : NULL, e) < 0)
		return -1;
	en->root = n;
	if (rc && r.has_xattrs && node_load_xattrs(en, n, e) < 0)
		return -1;
	return en->opt.no_acls ? node_load_own_xattrs(en, n, e) : 0;
}

int engine_open(struct engine **out, struct stage *stage, struct db *db,
	const struct engine_options *o, struct err *e)
{
	struct engine *en = calloc(1, sizeof(*en));

	*out = NULL;
	if (!en) {
		stage_close(stage);
		db_close(db);
		return err_set(e, ERR_SYS, "out of memory");
	}
	en->stage = stage;
	en->db = db;
	en->opt = *o;
	pthread_mutex_init(&en->load_lock, NULL);
	pthread_mutex_init(&en->findings_lock, NULL);
	content_init(en);
	if (read_notes(en, e) < 0 || make_root(en, e) < 0) {
		engine_close(en);
		return -1;
	}
	*out = en;
	return 0;
}

void engine_close(struct engine *en)
{
	if (!en)
		return;
	content_close(en);
	findings_free(en);
	free(en->links);
	arena_free(&en->arena);
	db_close(en->db);
	stage_close(en->stage);
	pthread_mutex_destroy(&en->load_lock);
	pthread_mutex_destroy(&en->findings_lock);
	free(en);
}

struct stage *engine_stage(struct engine *en)
{
	return en->stage;
}

struct db *engine_db(struct engine *en)
{
	return en->db;
}

struct node *engine_root(struct engine *en)
{
	return en->root;
}

int engine_list(struct engine *en, struct node *dir, const struct entry **entries,
	size_t *count, struct err *e)
{
	struct dir *d = node_dir(dir);
	int rc = 0;

	if (!S_ISDIR(dir->mode)) {
		errno = ENOTDIR;
		return err_sys(e, dir->name, "cannot list");
	}
	if (!d) {
		struct dirlist *ready = ahead_take(en->ahead, dir);

		pthread_mutex_lock(&en->load_lock);
		if (!node_dir(dir))
			rc = node_load(en, dir, ready, e);
		pthread_mutex_unlock(&en->load_lock);
		dirlist_drop(ready);
		if (rc < 0)
			return -1;
		d = node_dir(dir);
	}
	*entries = d->entries;
	*count = d->count;
	return 0;
}

bool engine_loaded(const struct node *dir)
{
	return node_dir(dir) != NULL;
}

void engine_read_ahead(struct engine *en, struct ahead *a)
{
	en->ahead = a;
}

static int compare_name(const void *key, const void *elem)
{
	return strcmp(key, ((const struct entry *)elem)->name);
}

struct node *engine_lookup(
	struct engine *en, struct node *dir, const char *name, struct err *e)
{
	const struct entry *entries;
	const struct entry *found = NULL;
	size_t count;

	if (engine_list(en, dir, &entries, &count, e) < 0)
		return NULL;
	if (count)
		found = bsearch(name, entries, count, sizeof(*entries), compare_name);
	if (!found) {
		e->code = ERR_SYS;
		e->sys = ENOENT;
		strcpy(e->msg, strerror(ENOENT));
		return NULL;
	}
	return found->node;
}

struct node *engine_find(struct engine *en, const char *path, struct err *e)
{
	struct node *n = en->root;
	const char *rest = path;
	char quoted[1024];

	while (n && *rest) {
		size_t len = strcspn(rest, "/");
		char name[DB_NAME_MAX + 1];

		if (len > DB_NAME_MAX) {
			errno = ENAMETOOLONG;
			err_sys(e, path, "%s", stage_path(en->stage));
			return NULL;
		}
		memcpy(name, rest, len);
		name[len] = '\0';
		n = engine_lookup(en, n, name, e);
		rest += len;
		rest += *rest == '/';
	}
	if (!n && e->code == ERR_SYS && e->sys == ENOENT)
		err_wrap(e, "%s: %s", stage_path(en->stage),
			quote_path(quoted, sizeof(quoted), path));
	return n;
}

char *engine_path(const struct node *n)
{
	size_t size = 0; /* each name and the '/' or NUL behind it */
	char *path, *p;

	for (const struct node *i = n; i->parent; i = i->parent)
		size += strlen(i->name) + 1;
	if (!size)
		return strdup("");
	path = malloc(size);
	if (!path)
		return NULL;
	p = path + size;
	*--p = '\0';
	for (; n->parent; n = n->parent) {
		size_t len = strlen(n->name);

		p -= len;
		memcpy(p, n->name, len);
		if (n->parent->parent)
			*--p = '/';
	}
	return path;
}

int engine_statvfs(struct engine *en, struct statvfs *sv, struct err *e)
{
	if (fstatvfs(stage_root(en->stage), sv) < 0)
		return err_sys(e, stage_path(en->stage), "cannot examine the filesystem");
	return 0;
}
