/* SPDX-License-Identifier: MIT */
/*
 * The command table: dispatch, --help, shell completion and the check of the manual all
 * read it.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <stddef.h>

#include "common/err.h"

enum {
	EXIT_FINE = 0,
	EXIT_FINDINGS = 1, /* differences, or something to look at */
	EXIT_ERROR = 2,
};

/* Keys of options that have no letter. */
enum {
	OPT_ALLOW_UNLABELED = 256,
	OPT_CHECK,
	OPT_CHROOT,
	OPT_COVERAGE,
	OPT_DB,
	OPT_DIGEST,
	OPT_DROP,
	OPT_DRY_RUN,
	OPT_ENGINE,
	OPT_EXCLUDE,
	OPT_HASH_FILE,
	OPT_JSON,
	OPT_NATIVE,
	OPT_NO_CHECK,
	OPT_NO_VERIFY,
	OPT_POLICY,
	OPT_PREFIX,
	OPT_QCOW2,
	OPT_REPAIR,
	OPT_RO,
	OPT_SEMANTICS,
	OPT_SIZE,
	OPT_STAGING,
	OPT_TYPE,
	OPT_USERNS,
	OPT_VERITY,
	OPT_VHD,
	OPT_WITHOUT_FUSE,
};

struct command_option {
	int key;          /* its letter, or one of the above */
	const char *name; /* long name, or NULL */
	const char *arg;  /* what to call its value; NULL: it takes none */
	const char *help;
};

struct command {
	const char *name;
	const char *synopsis;                 /* operands */
	const char *summary;                  /* one line, no full stop */
	const char *details;                  /* for --help; may be NULL */
	const struct command_option *options; /* ends with key 0; may be NULL */
	int min_args, max_args;               /* operands; max -1: any number */
	/*
	 * Called with the options parsed away: argv[0] … are the operands. Returns an
	 * exit code; -1 with e set is EXIT_ERROR.
	 */
	int (*run)(const struct command *c, int argc, char **argv, struct err *e);
	/* Called for each option before run; -1 with e set ends the command. */
	int (*option)(int key, const char *value, struct err *e);
};

extern const struct command *const commands[]; /* ends with NULL */

const struct command *command_find(const char *name);
void command_help(const struct command *c);

/* Parses options and operands and runs it. Returns the exit code. */
int command_run(const struct command *c, int argc, char **argv);

/* One option of the common kind, for tables. */
#define OPTION_DB                                                                        \
	{                                                                                \
		OPT_DB, "db", "FILE", "the database (default: STAGING.livery)"           \
	}
#define OPTION_STAGING                                                                   \
	{                                                                                \
		OPT_STAGING, "staging", "DIR", "the staging tree that the paths are in"  \
	}
#define OPTION_JSON                                                                      \
	{                                                                                \
		OPT_JSON, "json", NULL, "print JSON, for programs"                       \
	}
#define OPTION_POLICY                                                                    \
	{                                                                                \
		OPT_POLICY, "policy", "PATH", "file_contexts, or a policy's directory"   \
	}
#define OPTION_SEMANTICS                                                                 \
	{                                                                                \
		OPT_SEMANTICS, "semantics", "VERSION",                                   \
			"label as libselinux 3.4, 3.8 or 3.11 does (default: 3.11)"      \
	}
#define OPTION_ENGINE                                                                    \
	{                                                                                \
		OPT_ENGINE, "engine", "NAME",                                            \
			"matcher (default), or libselinux: the one installed here"       \
	}
#define OPTION_PREFIX                                                                    \
	{                                                                                \
		OPT_PREFIX, "prefix", "PATH",                                            \
			"where the tree's root will be on the target (default: /)"       \
	}

#endif
