/* SPDX-License-Identifier: MIT */
/*
 * The engine: what is at a name, and what are its attributes and its content, for a
 * staging tree seen through its database. It knows no libfuse; a mount and the commands
 * that need none both ask it.
 *
 * A node is one inode as the view shows it. Nodes are made when their directory is
 * loaded and live until engine_close(). All functions here are safe to call from several
 * threads at once, except engine_open(), engine_close() and the editing of fs/edit.h.
 *
 * Everything is read as it is now and then held to that: a staging file that differs
 * later from what was loaded is a finding, and reading it fails with EIO.
 */
#ifndef FS_ENGINE_H
#define FS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "common/err.h"
#include "db/db.h"
#include "fs/stage.h"

struct engine;
struct node;

struct engine_options {
	uint32_t uid,
		gid;    /* default owner of what the caller owns, where no record says */
	bool no_labels; /* do not show security.selinux */
	bool no_acls;   /* nor POSIX ACLs; modes are then what setfacl -b leaves */
	bool no_xattrs; /* nor any other attribute */
	bool trusted;   /* show trusted.* too: not for mounts, see fs/xattr.h */
	bool want_labels;   /* where NOTE_LABELED is set, all must have one */
	bool clamp;         /* show no time later than clamp_time */
	int64_t clamp_time; /* seconds since 1970 */
};

/*
 * A note of the database, there when every inode had its label from a policy. What comes
 * without one after that is a finding.
 */
#define NOTE_LABELED "labeled"

/* Defaults, with SOURCE_DATE_EPOCH taken from the environment. */
int engine_options_init(struct engine_options *o, struct err *e);

/*
 * Takes over stage and db (also when it fails). db may be NULL: then every record is
 * silent.
 */
int engine_open(struct engine **out, struct stage *stage, struct db *db,
	const struct engine_options *o, struct err *e);
void engine_close(struct engine *en);

struct stage *engine_stage(struct engine *en);
struct db *engine_db(struct engine *en);
struct node *engine_root(struct engine *en);

/* A name in a directory. */
struct entry {
	const char *name;
	struct node *node;
};

/* The names in a directory, sorted bytewise; read from the staging tree when first asked.
 */
int engine_list(struct engine *en, struct node *dir, const struct entry **entries,
	size_t *count, struct err *e);

/* Its names were read already. */
bool engine_loaded(const struct node *dir);

/* What reads ahead (fs/ahead.h) of the callers from now on; NULL: nothing does. */
struct ahead;
void engine_read_ahead(struct engine *en, struct ahead *a);

/* The node at a name; NULL with e->sys ENOENT where there is none. */
struct node *engine_lookup(
	struct engine *en, struct node *dir, const char *name, struct err *e);

/* The node at a path below the root ("" is the root); no symbolic link is followed. */
struct node *engine_find(struct engine *en, const char *path, struct err *e);

/* Never fails: what it tells was read when the directory above was loaded. */
void engine_stat(const struct engine *en, const struct node *n, struct stat *st);

/*
 * Whether a record of a type holds for a staging file of this mode and size. A device is
 * shown over an empty file; all other types are their own.
 */
bool engine_type_holds(uint32_t type, uint32_t mode, uint64_t size);

/* The record behind a node; 0 where it has none (or one that does not hold). */
int64_t engine_record(const struct node *n);
struct node *engine_parent(const struct node *n);
bool engine_is_dir(const struct node *n);

/* The label without its NUL; NULL: unlabeled, or labels are not shown. */
const char *engine_label(const struct node *n);

/*
 * What the database holds as the label of an inode that the policy excludes by <<none>>:
 * it is shown without a label, and that is as it should be.
 */
#define LABEL_EXCLUDED "<<none>>"
bool engine_label_excluded(const struct node *n);

/* The node shares its record with a file that is another one in the staging tree. */
bool engine_split(const struct node *n);

/* The staging file has several hard links; where the others are is not known. */
bool engine_host_linked(const struct node *n);

/* Where the staging file is, as records remember it. */
void engine_hint(const struct node *n, struct db_hint *hint);

/* One path of the node, from the root, without leading '/' (malloc'd; NULL: no memory).
 */
char *engine_path(const struct node *n);

/* Target of a symbolic link, NUL-terminated, into buf of size bytes. */
int engine_readlink(
	struct engine *en, struct node *n, char *buf, size_t size, struct err *e);

/* Bytes read from a regular file, 0 at its end. */
ssize_t engine_read(struct engine *en, struct node *n, void *buf, size_t size, off_t off,
	struct err *e);

/* whence: SEEK_DATA or SEEK_HOLE. ENXIO past the end. */
off_t engine_seek(
	struct engine *en, struct node *n, off_t off, int whence, struct err *e);

int engine_statvfs(struct engine *en, struct statvfs *sv, struct err *e);

/*
 * Attributes that a reader of the view gets, sorted bytewise: the label with its NUL as
 * security.selinux, those of the record, and where it has none of that name, the staging
 * file's own user.*, security.capability and POSIX ACLs.
 */
struct xattr {
	const char *name;
	const void *value;
	size_t len; /* bytes of value */
};

/* Calls back for each; a non-zero answer ends it and is returned. */
typedef int engine_xattr_fn(void *arg, const struct xattr *x);
int engine_xattrs(
	struct engine *en, struct node *n, engine_xattr_fn *fn, void *arg, struct err *e);

/* 1 found (valid until engine_close()), 0 there is none, -1 error. */
int engine_xattr(struct engine *en, struct node *n, const char *name, struct xattr *x,
	struct err *e);

/* The same for who reads past the kernel (fs/side.h): with trusted.* of the record. */
int engine_xattrs_raw(
	struct engine *en, struct node *n, engine_xattr_fn *fn, void *arg, struct err *e);
int engine_xattr_raw(struct engine *en, struct node *n, const char *name, struct xattr *x,
	struct err *e);

/*
 * Findings: what went wrong while the tree was shown and a reader may have missed. A
 * path is told once for each kind.
 */
enum finding_kind {
	FINDING_CHANGED,    /* the staging file is not as it was when it was loaded */
	FINDING_UNREADABLE, /* content or directory could not be read */
	FINDING_BAD_XATTR,  /* an attribute in the database that no reader could be given
			     */
	FINDING_UNLABELED,  /* shown without a label, and want_labels */
	FINDING_REPLACED,   /* a record of another type than the staging file: not used */
	FINDING_SPLIT,      /* names of one record that are separate files now */
	FINDING_DATABASE,   /* the database changed, or is gone, or is damaged */
	FINDING_KINDS,
};

struct finding {
	enum finding_kind kind;
	char *path; /* with a leading '/'; "" where it is about no file */
	char *text;
};

/* True for what makes images of the view wrong: all but REPLACED and SPLIT. */
bool finding_breaks_seal(enum finding_kind kind);

/* True once there was a finding that breaks the seal. */
bool engine_seal_broken(struct engine *en);

/* Compares everything that was loaded with what is there now; adds to the findings. */
void engine_check_seal(struct engine *en);

/* Calls back for each finding so far, oldest first, under a lock. Returns how many there
 * were, of which at most FINDINGS_MAX are kept with their text. */
#define FINDINGS_MAX 1000
size_t engine_findings(
	struct engine *en, void (*fn)(void *arg, const struct finding *f), void *arg);

/* Called at once for each new finding, from any thread. */
void engine_on_finding(
	struct engine *en, void (*fn)(void *arg, const struct finding *f), void *arg);

#endif
