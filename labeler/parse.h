/* SPDX-License-Identifier: MIT */
/*
 * Reading the lines of a policy's files as libselinux 3.4 does (label_support.c and
 * label_file.c there), and refusing what it would refuse or misread.
 *
 * Rules: fields are separated by isspace() of the C locale; a line whose first byte
 * behind blanks is '#' is a comment; a NUL ends a line; two fields (expression, context)
 * or three (expression, type, context), more are ignored, and only those three are
 * checked. Fields from 65,535 bytes on, which 3.8 and later refuse, are refused.
 *
 * Substitutions: two fields a line, more are ignored; at most 1,021 bytes a line, since
 * libselinux takes what follows for a line of its own.
 */
#ifndef LABELER_PARSE_H
#define LABELER_PARSE_H

#include <stdbool.h>

#include "common/err.h"
#include "labeler/policy.h"

/* isspace() of the C locale: what separates must not depend on who runs us. */
static inline bool parse_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Adds the rules of f, whose data is there, to p. Changes the data. 0 or -1. */
int parse_rules(struct policy *p, struct policy_file *f, struct err *e);

/* Checks the substitutions of f, whose data is there. 0 or -1. */
int parse_subs(const struct policy_file *f, struct err *e);

#endif
