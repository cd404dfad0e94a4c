/* SPDX-License-Identifier: MIT */
/*
 * A command that writes to the database of a tree that is mounted with -o rw. The view's
 * daemon is the database's writer, and lends it to one command at a time: it is asked
 * through the mount (fs/side.h), and takes the database back when the command ends,
 * however that is.
 */
#ifndef TOOLS_LOAN_H
#define TOOLS_LOAN_H

#include "tools/locate.h"

struct loan {
	struct db_loan *borrowed; /* NULL: nobody had to be asked */
	char *mountpoint;         /* of the view whose daemon lends */
};

/*
 * Before the database is opened with DB_WRITE or DB_CREATE. Waits for whoever has
 * borrowed it before. Where no view writes to it, there is nothing to borrow; what one
 * that was killed left is settled then. Until loan_end(), what reads or writes in the
 * view may have to wait: do neither.
 */
int loan_take(struct loan *l, const struct place *p, struct err *e);

/*
 * After the database was closed: once this returns, the view shows what was changed. A
 * view that cannot show it is a warning, since the change itself is made.
 */
void loan_end(struct loan *l);

#define cleanup_loan __attribute__((cleanup(loan_end)))

#endif
