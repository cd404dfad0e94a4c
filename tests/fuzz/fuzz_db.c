/* SPDX-License-Identifier: MIT */
/*
 * A database from arbitrary bytes, opened and read in every way a command reads one.
 *
 * Input: one byte; where it is odd, the rest is the file as it is. Otherwise the rest is
 * laid over a sound database, in pieces of three bytes of place and one of length (low
 * byte first), and then so many bytes: that gets past the header.
 */
#include "db/db.h"
#include "fs/edit.h"
#include "fs/walk.h"
#include "tests/fuzz/scratch.h"

#define INPUT_MAX (1 << 17)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *sound, *file;
static size_t sound_size;

static int64_t add(struct db *db, int64_t parent, const char *name, uint32_t type)
{
	struct db_record r = db_record_new(type);
	struct err e;

	r.uid = 5;
	if (db_record_put(db, &r, &e) < 0 ||
		db_name_put(db, parent, name, strlen(name), r.id, &e) < 0)
		errx(1, "%s", e.msg);
	return r.id;
}

/* The database and the small staging tree that it belongs to. */
static void prepare(void)
{
	char path[64];
	struct err e;
	struct db *db;
	int64_t dir;
	struct stat st;
	int fd;

	if (scratch_fd >= 0)
		return;
	scratch_make();
	if (mkdirat(scratch_fd, "tree", 0700) < 0 ||
		mkdirat(scratch_fd, "tree/dir", 0700) < 0)
		err(1, "%s", scratch_dir);
	scratch_put("tree/dir/file", "x", 1);
	scratch_put("tree/null", "", 0);
	if (linkat(scratch_fd, "tree/null", scratch_fd, "tree/zero", 0) < 0)
		err(1, "link");
	scratch_path(path, "sound");
	if (db_open(&db, path, DB_CREATE, &e) < 0)
		errx(1, "%s", e.msg);
	dir = add(db, DB_ROOT, "dir", S_IFDIR);
	add(db, dir, "file", S_IFREG);
	db_name_put(db, DB_ROOT, "zero", 4, add(db, DB_ROOT, "null", S_IFCHR), &e);
	db_record_set_label(db, dir, db_label_intern(db, "u:r:t", 5, &e), &e);
	db_xattr_put(db, dir, "user.a", "v", 1, &e);
	db_note_put(db, "key", "value", &e);
	db_close(db);
	fd = openat(scratch_fd, "sound", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	sound_size = (size_t)st.st_size;
	sound = malloc(sound_size);
	file = malloc(sound_size);
	if (!sound || !file || read(fd, sound, sound_size) != st.st_size)
		err(1, "%s", path);
	close(fd);
}

static void put_database(const uint8_t *data, size_t size)
{
	if (data[0] & 1) {
		scratch_put("db", data + 1, size - 1);
		return;
	}
	memcpy(file, sound, sound_size);
	data++;
	size--;
	while (size > 4) {
		size_t at = data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
		size_t len = data[3];

		data += 4;
		size -= 4;
		for (size_t i = 0; i < len && size; i++) {
			file[(at + i) % sound_size] = (char)*data++;
			size--;
		}
	}
	scratch_put("db", file, sound_size);
}

static int visit_xattr(void *arg, const char *name, const void *value, size_t len)
{
	(void)arg;
	if (!*name || strlen(name) > DB_XNAME_MAX || len > DB_XVALUE_MAX ||
		(len && !memchr(value, *(const char *)value, len)))
		abort();
	return 0;
}

struct queue {
	int64_t ids[64];
	size_t count;
};

static int visit(void *arg, const char *name, size_t len, const struct db_record *r)
{
	struct queue *q = arg;

	if (!len || len > DB_NAME_MAX || memchr(name, '/', len) ||
		memchr(name, '\0', len))
		abort();
	if (r->id < 1 || (r->mode != DB_SILENT && r->mode > 07777))
		abort();
	if (q->count < sizeof(q->ids) / sizeof(q->ids[0]))
		q->ids[q->count++] = r->id;
	return 0;
}

static void finding(void *arg, const char *text)
{
	(void)arg;
	if (!*text || strchr(text, '\n'))
		abort();
}

static void told(int rc, const struct err *e)
{
	if (rc < 0 && (e->code == ERR_NONE || !e->msg[0] || strchr(e->msg, '\n')))
		abort();
}

static void read_database(struct db *db)
{
	struct queue q = {.ids = {DB_ROOT}, .count = 1};
	struct db_record r;
	struct err e = {0};
	char *text;

	for (size_t i = 0; i < q.count; i++) {
		told(db_children(db, q.ids[i], visit, &q, &e), &e);
		told(db_xattr_each(db, q.ids[i], visit_xattr, NULL, &e), &e);
		if (db_record_get(db, q.ids[i], &r, &e) == 1 && r.label &&
			!db_label_text(db, r.label, &e))
			told(-1, &e);
		if (db_record_path(db, q.ids[i], &text, &e) == 1)
			free(text);
	}
	if (db_note_get(db, "key", &text, &e) == 0)
		free(text);
	db_check(db, finding, NULL, &e);
}

static int ignore_xattr(void *arg, const struct xattr *x)
{
	(void)arg;
	return !x->name;
}

static int step(void *arg, const struct walk_step *s, struct err *e)
{
	struct stat st;

	engine_stat(arg, s->node, &st);
	engine_xattrs(arg, s->node, ignore_xattr, NULL, e);
	return 0;
}

/* Takes the database over. */
static struct engine *use_engine(struct db *db)
{
	struct engine_options o = {0};
	struct stage *stage;
	struct engine *en;
	struct err e = {0};
	char path[64];

	scratch_path(path, "tree");
	if (stage_open(&stage, path, &e) < 0)
		errx(1, "%s", e.msg);
	if (engine_open(&en, stage, db, &o, &e) < 0) {
		told(-1, &e);
		return NULL;
	}
	told(engine_walk(en, engine_root(en), "", step, en, &e), &e);
	engine_check_seal(en);
	return en;
}

static void edit(struct db *db)
{
	struct engine *en = use_engine(db);
	struct node *n;
	struct err e = {0};
	int64_t id;

	if (!en)
		return;
	n = engine_find(en, "dir/file", &e);
	if (n && db_begin(db, &e) == 0) {
		told(edit_adopt_path(en, "dir/file", n, &id, &e), &e);
		told(db_name_drop(db, DB_ROOT, "dir", 3, &e), &e);
		db_commit(db, &e);
	}
	engine_close(en);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct db *db;
	char path[64];

	if (size == 0 || size > INPUT_MAX)
		return 0;
	prepare();
	put_database(data, size);
	scratch_path(path, "db");
	if (db_open(&db, path, DB_READ, &e) < 0) {
		told(-1, &e);
	} else {
		read_database(db);
		engine_close(use_engine(db));
		if (db_open(&db, path, DB_WRITE, &e) == 0)
			edit(db);
	}
	unlinkat(scratch_fd, "db", 0);
	unlinkat(scratch_fd, "db-journal", 0);
	return 0;
}
