/* SPDX-License-Identifier: MIT */
/* Databases, stages and engines for tests; what must work ends the program if it fails.
 */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include "db/db.h"
#include "fs/engine.h"
#include "tests/unit/scratch.h"

static inline struct db *must_open(const char *path, enum db_mode mode)
{
	struct err e = {0};
	struct db *db;

	if (db_open(&db, path, mode, &e) < 0)
		errx(1, "%s", e.msg);
	return db;
}

/* A record below parent; everything but the type is silent. Returns its id. */
static inline int64_t must_add(
	struct db *db, int64_t parent, const char *name, uint32_t type)
{
	struct db_record r = db_record_new(type);
	struct err e = {0};

	if (db_record_put(db, &r, &e) < 0 ||
		db_name_put(db, parent, name, strlen(name), r.id, &e) < 0)
		errx(1, "%s", e.msg);
	return r.id;
}

static inline void must_link(struct db *db, int64_t parent, const char *name, int64_t id)
{
	struct err e = {0};

	if (db_name_put(db, parent, name, strlen(name), id, &e) < 0)
		errx(1, "%s", e.msg);
}

static inline struct stage *must_stage(const char *path)
{
	struct stage *stage;
	struct err e = {0};

	if (stage_open(&stage, path, &e) < 0)
		errx(1, "%s", e.msg);
	return stage;
}

/* db: path of the database, or NULL. */
static inline struct engine *must_engine(
	const char *staging, const char *db, enum db_mode mode, struct engine_options o)
{
	struct stage *stage = must_stage(staging);
	struct err e = {0};
	struct engine *en;

	if (engine_open(&en, stage, db ? must_open(db, mode) : NULL, &o, &e) < 0)
		errx(1, "%s", e.msg);
	return en;
}

static inline struct node *must_find(struct engine *en, const char *path)
{
	struct err e = {0};
	struct node *n = engine_find(en, path, &e);

	if (!n)
		errx(1, "%s", e.msg);
	return n;
}

#endif
