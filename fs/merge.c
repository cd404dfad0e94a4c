/* SPDX-License-Identifier: MIT */
#include "fs/merge.h"

#include <string.h>

struct merging {
	const struct stage_list *list;
	struct db_record *records;
	size_t next; /* first name that the records have not passed */
};

/* A record for each name in bytewise order. */
static int merge(void *arg, const char *name, size_t len, const struct db_record *r)
{
	struct merging *m = arg;

	while (m->next < m->list->count) {
		const char *have = m->list->entries[m->next].name;
		size_t have_len = strlen(have);
		int c = memcmp(have, name, have_len < len ? have_len : len);

		if (c == 0)
			c = have_len < len ? -1 : have_len > len;
		if (c == 0)
			m->records[m->next] = *r;
		if (c >= 0)
			return 0;
		m->next++;
	}
	return 0;
}

int merge_records(struct db *db, int64_t parent, const struct stage_list *list,
	struct db_record *records, struct err *e)
{
	struct merging m = {list, records, 0};

	return db_children(db, parent, merge, &m, e);
}
