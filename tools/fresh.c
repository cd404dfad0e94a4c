/* SPDX-License-Identifier: MIT */
#include "tools/fresh.h"

#include <errno.h>
#include <unistd.h>

bool fresh_is(const char *path)
{
	return access(path, F_OK) < 0 && errno == ENOENT;
}

void fresh_remove(struct db *db)
{
	struct db_record root;
	struct err ignored;

	db_rollback(db);
	if (db_name_total(db, &ignored) == 0 &&
		db_record_get(db, DB_ROOT, &root, &ignored) == 1 &&
		root.mode == DB_SILENT && root.uid == DB_SILENT &&
		root.gid == DB_SILENT && !root.label && !root.has_xattrs)
		unlink(db_path(db));
}
