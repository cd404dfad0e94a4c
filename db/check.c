/* SPDX-License-Identifier: MIT */
/* The whole file read and judged: SQLite's own check, then ours. */
#include <string.h>

#include "common/buf.h"
#include "common/quote.h"
#include "db/internal.h"

/* Each query gives a row a finding; the text of the row is the finding. */
static const char *const queries[] = {
	"SELECT 'name ' || quote(n.name) || ' of record ' || n.parent ||"
	" ' points to a record that is not there' FROM name AS n"
	" LEFT JOIN record AS r ON r.id = n.record WHERE r.id IS NULL",

	"SELECT 'name ' || quote(n.name) || ' is in record ' || n.parent ||"
	" ', which is no directory' FROM name AS n"
	" LEFT JOIN record AS r ON r.id = n.parent WHERE r.type IS NOT 16384",

	"SELECT 'name ' || quote(name) || ' of record ' || parent || ' cannot be one'"
	" FROM name WHERE typeof(name) != 'blob' OR length(name) NOT BETWEEN 1 AND 255"
	" OR instr(name, x'2f') OR instr(name, x'00') OR name IN (x'2e', x'2e2e')",

	/* Reached from the root by names; what is not is an orphan or hangs in a cycle.
	 */
	"WITH RECURSIVE seen(id) AS (VALUES (1) UNION SELECT n.record FROM seen"
	" JOIN name AS n ON n.parent = seen.id)"
	" SELECT 'record ' || id || ' has no name that leads to the root' FROM record"
	" WHERE id NOT IN seen",

	"SELECT 'record ' || r.id || ' is a directory with several names' FROM record AS "
	"r"
	" WHERE r.type = 16384 AND (SELECT count(*) FROM name AS n WHERE n.record = "
	"r.id) > 1",

	"SELECT 'record 1, the root, is no directory' WHERE"
	" coalesce((SELECT type FROM record WHERE id = 1), 0) != 16384",

	"SELECT 'record ' || id || ' has type ' || quote(type) FROM record WHERE type "
	"NOT IN"
	" (4096, 8192, 16384, 24576, 32768, 40960, 49152)",

	"SELECT 'record ' || id || ' has mode ' || quote(mode) FROM record"
	" WHERE mode IS NOT NULL AND (typeof(mode) != 'integer' OR mode NOT BETWEEN 0 "
	"AND 4095)",

	"SELECT 'record ' || id || ' has owner ' || quote(uid) || ':' || quote(gid)"
	" FROM record WHERE uid IS NOT NULL AND (typeof(uid) != 'integer' OR uid NOT "
	"BETWEEN 0"
	" AND 4294967294) OR gid IS NOT NULL AND (typeof(gid) != 'integer' OR gid NOT "
	"BETWEEN 0"
	" AND 4294967294)",

	"SELECT 'record ' || id || ' has a device number and is no device' FROM record"
	" WHERE rdev IS NOT NULL AND type NOT IN (8192, 24576)",

	"SELECT 'record ' || id || ' has a label that is not there' FROM record"
	" WHERE label IS NOT NULL AND label NOT IN (SELECT id FROM label)",

	"SELECT 'attribute ' || quote(name) || ' of record ' || record || ' cannot be "
	"one'"
	" FROM xattr WHERE typeof(name) != 'blob' OR length(name) NOT BETWEEN 1 AND 255"
	" OR instr(name, x'00') OR typeof(value) != 'blob' OR length(value) > 65536",

	"SELECT 'record ' || id || ' has a number outside 1 to 2^53' FROM record"
	" WHERE id NOT BETWEEN 1 AND 9007199254740992",

	"SELECT 'attribute ' || quote(name) || ' belongs to no record' FROM xattr"
	" WHERE record NOT IN (SELECT id FROM record)",
};

/* Rows become findings; SQLite's "ok" is none. Returns their number. */
static int run_query(
	struct db *db, const char *sql, db_finding_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int found = 0;
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);
		char quoted[2048];

		if (!text || strcmp(text, "ok") != 0) {
			found++;
			fn(arg, text ? quote_path(quoted, sizeof(quoted), text)
				     : "a value that cannot be read");
		}
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? found : db_fail(db, e, "check the database");
}

int db_check(struct db *db, db_finding_fn *fn, void *arg, struct err *e)
{
	int found = run_query(db, "PRAGMA integrity_check(100)", fn, arg, e);

	/* What is damaged below SQLite's level answers nothing above it. */
	if (found != 0)
		return found;
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		int n = run_query(db, queries[i], fn, arg, e);

		if (n < 0)
			return -1;
		found += n;
	}
	return found;
}
