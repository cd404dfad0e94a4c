/* SPDX-License-Identifier: MIT */
/* Which operation comes next: a function of the seed and of what succeeded so far. */
#ifndef TESTS_VIEW_GENERATE_H
#define TESTS_VIEW_GENERATE_H

#include "tests/view/model.h"

void generate(struct model *m, struct op *op);

/* Those for what a file has beside its bytes. */
void generate_mode(struct model *m, struct op *op);
void generate_fchmod(struct model *m, struct op *op);
void generate_owner(struct model *m, struct op *op);
void generate_fchown(struct model *m, struct op *op);
void generate_times(struct model *m, struct op *op);
void generate_futimens(struct model *m, struct op *op);
void generate_attribute(struct model *m, struct op *op);
void generate_acl(struct model *m, struct op *op);
void generate_list_attributes(struct model *m, struct op *op);

unsigned random_mode(struct model *m);

#endif
