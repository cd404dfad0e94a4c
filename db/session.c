/* SPDX-License-Identifier: MIT */
/*
 * Sessions begin and end one after the other (LOCK_TURN), and each has a place as long as
 * it lasts (LOCK_SESSION, shared). Both go with the process that has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/internal.h"

struct db_session {
	int fd;
};

static int wait_turn(const struct db_session *s)
{
	int rc;

	do {
		rc = db_lock_wait(s->fd, LOCK_TURN);
	} while (rc < 0 && errno == EINTR);
	return rc;
}

int db_session_begin(struct db_session **out, const char *path, struct err *e)
{
	struct db_session *s = malloc(sizeof(*s));

	*out = NULL;
	if (!s)
		return err_set(e, ERR_SYS, "out of memory");
	/* An exclusive lock wants a descriptor that can write. */
	s->fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->fd < 0 || wait_turn(s) < 0 ||
		db_lock_set(s->fd, LOCK_SESSION, F_RDLCK) < 0) {
		err_sys(e, path, "cannot lock the database");
		db_session_end(s);
		return -1;
	}
	*out = s;
	return 0;
}

void db_session_began(struct db_session *s)
{
	if (s)
		db_lock_set(s->fd, LOCK_TURN, F_UNLCK);
}

bool db_session_last(struct db_session *s)
{
	if (wait_turn(s) < 0 || db_lock_set(s->fd, LOCK_SESSION, F_UNLCK) < 0)
		return true;
	return !db_lock_held(s->fd, LOCK_SESSION);
}

void db_session_end(struct db_session *s)
{
	if (s && s->fd >= 0)
		close(s->fd);
	free(s);
}
