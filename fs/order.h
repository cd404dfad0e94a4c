/* SPDX-License-Identifier: MIT */
/*
 * The order in which a walk comes to names: those of a directory bytewise, below each
 * directory what it holds. A hard-linked file stands only where its node has its name.
 * All of it goes by what is loaded, loads nothing, and takes no lock.
 */
#ifndef FS_ORDER_H
#define FS_ORDER_H

#include "fs/node.h"

/* The index of the first entry behind this node, in the directory that has its name. */
size_t order_behind(const struct node *n);

/* The loaded directory behind this one; NULL: none is left. */
struct node *order_next_loaded(struct node *dir);

/*
 * The next regular file behind this node; NULL: none is left, or a directory that is not
 * loaded comes before it.
 */
struct node *order_next_file(struct node *n);

/* Less than, equal to, or greater than 0 as a comes before, is, or comes after b. */
int order_compare(const struct node *a, const struct node *b);

#endif
