/* SPDX-License-Identifier: MIT */
#include "tools/loan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#include "common/cleanup.h"
#include "db/db.h"
#include "fs/side.h"

#define RETRY_MILLISECONDS 50
#define RETRIES            60 /* for a daemon to end whose mount is gone */

struct search {
	char *mountpoint;
	int error; /* of one that was found and does not lend */
	char *refused;
};

static int ask(void *arg, const char *mountpoint)
{
	struct search *s = arg;

	if (setxattr(mountpoint, SIDE_LEND, "", 0, 0) < 0) {
		s->error = errno;
		free(s->refused);
		s->refused = strdup(mountpoint);
		return 0;
	}
	s->mountpoint = strdup(mountpoint);
	return 1;
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

/* 1 lent, 0 no such view was found, -1 error. */
static int find_lender(struct loan *l, const char *db, struct err *e)
{
	struct search s = {0};
	int rc;

	/* The file was there when it was borrowed, and may be gone with its view. */
	rc = locate_writers(db, ask, &s);
	l->mountpoint = s.mountpoint;
	if (rc == 1 && !l->mountpoint)
		rc = no_memory(e);
	if (rc == 0 && s.error) {
		errno = s.error;
		rc = err_sys(e, s.refused, "the view does not lend its database");
	}
	free(s.refused);
	return rc;
}

static void give_up(struct loan *l)
{
	db_loan_end(l->borrowed);
	l->borrowed = NULL;
}

/* Opening it says which process has it; or that nobody has any more. */
static int unreachable(const char *db, struct err *e)
{
	struct db *opened;

	if (db_open(&opened, db, DB_WRITE, e) == 0) {
		db_close(opened);
		return 0;
	}
	if (e->code != ERR_BUSY)
		return -1;
	return err_hint(e, "only the view's owner can ask it to lend the database");
}

int loan_take(struct loan *l, const struct place *p, struct err *e)
{
	const struct timespec pause = {.tv_nsec = RETRY_MILLISECONDS * 1000000L};
	int rc = 0;

	*l = (struct loan){0};
	for (int i = 0; i < RETRIES; i++) {
		rc = db_borrow(&l->borrowed, p->db, e);
		if (rc <= 0)
			return rc < 0 ? -1 : place_settle(p, e);
		rc = find_lender(l, p->db, e);
		if (rc > 0)
			return 0;
		/* Without a mount, its daemon may be about to end. */
		give_up(l);
		if (rc < 0)
			return -1;
		nanosleep(&pause, NULL);
	}
	return unreachable(p->db, e);
}

void loan_end(struct loan *l)
{
	char answer[16];

	if (l->borrowed) {
		give_up(l);
		/* A view that was ended meanwhile has nothing to show. */
		if (getxattr(l->mountpoint, SIDE_LEND, answer, sizeof(answer)) < 0 &&
			errno != ENODATA && errno != ENOENT && errno != ENOTSUP)
			fprintf(stderr,
				"livery: warning: %s: the change is made, but the view "
				"does not show it: %s\n",
				l->mountpoint, strerror(errno));
	}
	free(l->mountpoint);
	*l = (struct loan){0};
}
