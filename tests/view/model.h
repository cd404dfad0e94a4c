/* SPDX-License-Identifier: MIT */
/*
 * What the generator knows of the tree: enough that most operations meet something. It
 * may be out of date (names reached through symbolic links are not followed) until the
 * next scan; nothing is judged by it.
 */
#ifndef TESTS_VIEW_MODEL_H
#define TESTS_VIEW_MODEL_H

#include "tests/view/op.h"

#define NODES_MAX 512
#define NODE_ROOT 0

struct node {
	bool used;
	int parent;
	mode_t type;
	char name[260];
};

struct open_file {
	bool open;
	int node; /* what was opened, or -1 */
	mode_t type;
	int flags;
};

struct model {
	uint64_t random;
	struct node nodes[NODES_MAX];
	size_t count; /* names in the tree */
	struct open_file slots[SLOTS];
	/* What the last operation's paths mean: a node, or a name in a directory; -1:
	 * neither. */
	struct picked {
		int node;
		int parent;
		char leaf[260];
	} picked[2];
};

#define TYPE(t)    (1u << (((t)&S_IFMT) >> 12))
#define TYPES_ALL  0xffffu
#define TYPES_FILE (TYPES_ALL & ~TYPE(S_IFDIR))

void model_start(struct model *m, uint64_t seed);
/* Takes the tree from the text of a scan. */
void model_learn(struct model *m, const char *text, size_t len);
/* Takes an operation that succeeded. */
void model_note(struct model *m, const struct op *op);

/*
 * Choose path 0 or 1 of an operation. `types` is a set of TYPE(); `free_form` lets the
 * path start at an open directory.
 */
void pick_existing(
	struct model *m, struct op *op, int which, unsigned types, bool free_form);
void pick_new(struct model *m, struct op *op, int which, bool free_form);
/* One that exists in `percent` cases; the others are new, missing, too long and so on. */
void pick_path(struct model *m, struct op *op, int which, unsigned types,
	unsigned percent, bool free_form);

/* A slot with an open file of these types, in most cases. */
int pick_slot(struct model *m, unsigned types);

#endif
