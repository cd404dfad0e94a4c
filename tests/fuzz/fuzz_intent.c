/* SPDX-License-Identifier: MIT */
/*
 * What a view that was killed left behind, from arbitrary bytes: settling it touches no
 * file, and leaves a sound database.
 *
 * Input: three bytes, then the intent. The first says how the database differs from the
 * tree (VARIANTS), the second whose inode number the intent names (FILES; any other
 * leaves what is there). Where the third is odd, the rest is the file as it is; else it
 * is a short form: kind, parent of from and to, number and type of the record, two bytes
 * of mode, then from, to and label, each up to a NUL.
 */
#include "fs/live/intent_slot.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing here has to survive a power cut. */
int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static const struct {
	const char *path;
	uint32_t type;
	int64_t parent; /* of its record */
} files[] = {
	{"tree", S_IFDIR, 0},
	{"tree/d", S_IFDIR, 1},
	{"tree/d/c", S_IFDIR, 2},
	{"tree/d/c/x", S_IFREG, 3},
	{"tree/f", S_IFREG, 1},
	{"tree/dev", S_IFCHR, 1},
	{"tree/n", S_IFDIR, 1},
	{"tree/plain", 0, 0},
	{"tree/link", 0, 0},
	{"tree/f2", 0, 0},
	{"out", 0, 0},
	{"out/victim", 0, 0},
};
#define FILES    (sizeof(files) / sizeof(files[0]))
#define RECORDS  7
#define VARIANTS 6

static struct statx seen[FILES];
static struct {
	char *bytes;
	size_t size;
} sound[VARIANTS];

static struct statx look(const char *path)
{
	struct statx st;

	if (statx(scratch_fd, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) < 0)
		abort();
	return st;
}

static void make_tree(void)
{
	if (mkdirat(scratch_fd, "tree", 0700) < 0 ||
		mkdirat(scratch_fd, "out", 0700) < 0 ||
		mkdirat(scratch_fd, "tree/d", 0700) < 0 ||
		mkdirat(scratch_fd, "tree/d/c", 0700) < 0 ||
		mkdirat(scratch_fd, "tree/n", 0700) < 0 ||
		symlinkat("../out", scratch_fd, "tree/link") < 0)
		err(1, "%s", scratch_dir);
	scratch_put("tree/d/c/x", "x", 1);
	scratch_put("tree/f", "f", 1);
	scratch_put("tree/dev", "", 0);
	scratch_put("tree/plain", "", 0);
	scratch_put("out/victim", "precious", 8);
	if (linkat(scratch_fd, "tree/f", scratch_fd, "tree/f2", 0) < 0)
		err(1, "link");
	for (size_t i = 0; i < FILES; i++)
		seen[i] = look(files[i].path);
}

static void name(struct db *db, int64_t parent, const char *text, int64_t id)
{
	struct err e;

	if (db_name_put(db, parent, text, strlen(text), id, &e) < 0)
		errx(1, "%s", e.msg);
}

/* What the names were before the operation, or became by hand. */
static void vary(struct db *db, size_t variant)
{
	struct db_record r = db_record_new(S_IFDIR);
	int64_t orphan;
	struct err e;

	switch (variant) {
	case 1: /* f had another name and n one elsewhere */
		if (db_name_move(db, 1, "f", 1, 1, "old", 3, &e) < 0 ||
			db_name_move(db, 1, "n", 1, 2, "n", 1, &e) < 0)
			errx(1, "%s", e.msg);
		break;
	case 2: /* d and n were exchanged */
		db_name_unlink(db, 1, "d", 1, &orphan, &e);
		db_name_unlink(db, 1, "n", 1, &orphan, &e);
		name(db, 1, "d", 7);
		name(db, 1, "n", 2);
		break;
	case 3: /* something is gone, in a directory that is gone */
		if (db_record_put(db, &r, &e) < 0)
			errx(1, "%s", e.msg);
		name(db, 1, "gone", r.id);
		r.id = 0;
		if (db_record_put(db, &r, &e) < 0)
			errx(1, "%s", e.msg);
		name(db, r.id - 1, "below", r.id);
		break;
	case 4: /* a directory without a name, for who had it open */
		if (db_name_unlink(db, 1, "d", 1, &orphan, &e) < 0)
			errx(1, "%s", e.msg);
		break;
	case 5: /* all links recorded, all else not */
		name(db, 1, "f2", 5);
		db_name_drop(db, 1, "d", 1, &e);
		break;
	}
}

static void make_sound(size_t variant)
{
	char path[64];
	struct err e;
	struct db *db;
	int fd;

	scratch_path(path, "db");
	if (db_open(&db, path, DB_CREATE, &e) < 0 || db_begin(db, &e) < 0)
		errx(1, "%s", e.msg);
	for (size_t i = 0; i < RECORDS; i++) {
		struct db_record r = db_record_new(files[i].type);

		r.id = files[i].parent ? 0 : DB_ROOT;
		r.hint.ino = variant == 5 ? 0 : seen[i].stx_ino;
		if (db_record_put(db, &r, &e) < 0)
			errx(1, "%s", e.msg);
		if (r.id != DB_ROOT)
			name(db, files[i].parent, strrchr(files[i].path, '/') + 1, r.id);
	}
	db_xattr_put(db, 2, "system.posix_acl_default",
		"\2\0\0\0\1\0\7\0\377\377\377\377", 12, &e);
	vary(db, variant);
	if (db_commit(db, &e) < 0)
		errx(1, "%s", e.msg);
	db_close(db);
	fd = openat(scratch_fd, "db", O_RDONLY | O_CLOEXEC);
	sound[variant].size = (size_t)lseek(fd, 0, SEEK_END);
	sound[variant].bytes = malloc(sound[variant].size);
	if (pread(fd, sound[variant].bytes, sound[variant].size, 0) !=
		(ssize_t)sound[variant].size)
		err(1, "%s", path);
	close(fd);
	scratch_clear("db");
}

static void prepare(void)
{
	if (scratch_fd >= 0)
		return;
	scratch_make();
	make_tree();
	for (size_t i = 0; i < VARIANTS; i++)
		make_sound(i);
}

static void take_text(const uint8_t **p, const uint8_t *end, char *to, size_t room)
{
	size_t n = 0;

	while (*p < end && **p && n < room)
		to[n++] = (char)*(*p)++;
	if (*p < end)
		++*p;
}

static void short_form(const uint8_t *p, size_t size, struct intent_slot *s)
{
	const uint8_t *end = p + size;
	uint8_t head[7] = {0};

	memcpy(s->magic, INTENT_MAGIC, sizeof(s->magic));
	memcpy(head, p, size < sizeof(head) ? size : sizeof(head));
	p += size < sizeof(head) ? size : sizeof(head);
	s->kind = head[0];
	s->from_parent = head[1];
	s->to_parent = head[2];
	s->record = db_record_new((uint32_t)head[4] << 12);
	s->record.id = head[3];
	s->record.mode = head[5] | (uint32_t)head[6] << 8;
	take_text(&p, end, s->from, sizeof(s->from));
	take_text(&p, end, s->to, sizeof(s->to));
	take_text(&p, end, s->label, sizeof(s->label));
}

static void put_intent(const uint8_t *data, size_t size)
{
	struct intent_slot s;
	size_t len = sizeof(s);

	memset(&s, 0, sizeof(s));
	if (data[2] & 1) {
		len = size - 3 < sizeof(s) ? size - 3 : sizeof(s);
		memcpy(&s, data + 3, len);
	} else {
		short_form(data + 3, size - 3, &s);
	}
	if (data[1] < FILES) {
		s.ino = seen[data[1]].stx_ino;
		s.record.hint.ino = s.ino;
	}
	scratch_put("db-intent", &s, len);
}

static void check_files(void)
{
	char text[9] = {0};
	int fd = openat(scratch_fd, "out/victim", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text)) != 8 || strcmp(text, "precious") != 0)
		abort();
	close(fd);
	for (size_t i = 0; i < FILES; i++) {
		struct statx st = look(files[i].path);

		if (st.stx_ino != seen[i].stx_ino || st.stx_mode != seen[i].stx_mode ||
			st.stx_size != seen[i].stx_size ||
			st.stx_nlink != seen[i].stx_nlink ||
			memcmp(&st.stx_ctime, &seen[i].stx_ctime, sizeof(st.stx_ctime)))
			abort();
	}
}

static void finding(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
}

/* Each record can be read as well: the check does not look at all that a reader does. */
static void check_database(struct db *db)
{
	struct db_record r;
	struct err e;

	if (db_check(db, finding, NULL, &e) != 0)
		abort();
	for (int64_t id = 1; id < 16; id++)
		if (db_record_get(db, id, &r, &e) < 0) {
			fprintf(stderr, "%s\n", e.msg);
			abort();
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct stage *stage;
	struct db *db;
	char path[64];
	size_t variant;

	if (size < 3 || size > 3 + sizeof(struct intent_slot) + 8)
		return 0;
	prepare();
	variant = data[0] % VARIANTS;
	scratch_put("db", sound[variant].bytes, sound[variant].size);
	put_intent(data, size);
	scratch_path(path, "tree");
	if (stage_open(&stage, path, &e) < 0)
		errx(1, "%s", e.msg);
	scratch_path(path, "db");
	if (db_open(&db, path, DB_WRITE, &e) < 0)
		errx(1, "%s", e.msg);
	if (intent_settle(stage, db, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		abort();
	}
	if (faccessat(scratch_fd, "db-intent", F_OK, 0) == 0)
		abort();
	check_database(db);
	check_files();
	db_close(db);
	stage_close(stage);
	unlinkat(scratch_fd, "db", 0);
	return 0;
}
