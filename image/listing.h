/* SPDX-License-Identifier: MIT */
/*
 * A listing: every name of a tree with what its inode is, in memory. Staging trees,
 * mounted trees and images are all read into one, so that a manifest is printed and two
 * trees are compared by the same code whatever they come from.
 *
 * A reader adds names in any order and fills each new inode; listing_finish() sorts them
 * and checks that they make a tree. What comes from an image is not trusted: bad names,
 * doubled names and names below something that is no directory are errors.
 *
 * A listing belongs to one thread, which may have others compute digests of what it
 * adds (image/digest_queue.h). Everything in it lives until listing_free().
 */
#ifndef IMAGE_LISTING_H
#define IMAGE_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define LISTING_NAMES_MAX  (1u << 24)          /* names in one tree */
#define LISTING_PATHS_MAX  (UINT64_C(1) << 31) /* bytes of all paths together */
#define LISTING_PATH_MAX   65535               /* bytes of a path, without NUL */
#define LISTING_TARGET_MAX 4095  /* bytes of a symbolic link's target, without NUL */
#define LISTING_VALUE_MAX  65536 /* bytes of an attribute's value */
#define LISTING_XATTRS_MAX 1024  /* attributes of an inode */
#define LISTING_BLOCK      4096  /* bytes; see data_blocks */

struct listing_xattr {
	const char *name;
	const void *value;
	size_t len; /* bytes of value */
};

struct listing_inode {
	uint32_t mode; /* type and permissions */
	uint32_t uid, gid;
	uint32_t major, minor; /* of a device */
	uint32_t mtime_ns;
	int64_t mtime;      /* seconds since 1970 */
	bool whole_seconds; /* the image keeps no fraction of a second here */
	bool digested;      /* sha256 holds; regular files only */
	uint8_t sha256[32];
	uint64_t size; /* bytes of a regular file's content, or of a link's target */
	uint64_t data_blocks; /* blocks of the content that are not all zero, if digested
			       */
	const char *target;   /* of a symbolic link, else NULL */
	const struct listing_xattr *xattrs; /* sorted bytewise by name */
	size_t xattr_count;
	const char *first; /* first of its paths; set by listing_finish() */
	uint32_t names;    /* how many it has */
	uint32_t links;    /* how many the image says it has; 0: it does not say */
};

struct listing_entry {
	const char *path; /* from the root, without leading '/'; "" is the root */
	struct listing_inode *inode;
};

struct listing {
	const char *name; /* of the image or directory, for messages; the caller's */
	/*
	 * What the tree should be, or NULL. Content is digested only where there is a
	 * file of the same size at the same path, and of files at other paths no more
	 * than all files of the tree hold: an image from outside cannot make a reader
	 * digest without end.
	 */
	const struct listing *expected;
	void (*on_name)(void *arg); /* called for each name, for progress; or NULL */
	void *on_name_arg;
	unsigned threads; /* that read content; 0: see digest_queue_begin() */

	struct listing_entry *entries; /* sorted after listing_finish() */
	size_t count, room;
	struct listing_store *store; /* memory, and inodes by id */
};

#define cleanup_listing __attribute__((cleanup(listing_free)))
int listing_init(struct listing *l, const char *name, struct err *e);
void listing_free(struct listing *l);

/*
 * Adds a name. id tells inodes apart in this source (an inode number, a place in the
 * image); 0: this one has no other name. Returns 0 with a new, zeroed inode to fill, 1
 * when the inode was there already (this is another name of it, nothing to fill), -1 on
 * error. A leading "/" or "./" is the caller's to remove.
 */
int listing_add(struct listing *l, const char *path, uint64_t id,
	struct listing_inode **inode, struct err *e);

/* Adds another name to an inode that listing_add() gave. */
int listing_link(
	struct listing *l, const char *path, struct listing_inode *inode, struct err *e);

/* The rest fill an inode; bytes are copied. size is set with the target. */
int listing_set_target(struct listing *l, struct listing_inode *in, const char *target,
	size_t len, struct err *e);
int listing_add_xattr(struct listing *l, struct listing_inode *in, const char *name,
	const void *value, size_t len, struct err *e);

/* Whether the content of a file (mode and size are set) is to be digested. */
bool listing_wants_content(
	const struct listing *l, const char *path, const struct listing_inode *in);

/* An inode added before under this id, or NULL. */
struct listing_inode *listing_by_id(const struct listing *l, uint64_t id);

/* The entry at a path as it was added; before listing_finish() too. NULL: none. */
const struct listing_entry *listing_find(const struct listing *l, const char *path);

/*
 * Sorts: a directory before what it holds, names of one directory bytewise. Errors: no
 * root, a name twice, a parent that is missing or no directory, a directory with two
 * names.
 */
int listing_finish(struct listing *l, struct err *e);

/* The order of paths in a listing: component by component, bytewise. As strcmp(). */
int listing_compare_paths(const char *a, const char *b);

/* The label without its NUL, as a pointer into the value and a length; NULL: none. */
const char *listing_label(const struct listing_inode *in, size_t *len);
const struct listing_xattr *listing_xattr(
	const struct listing_inode *in, const char *name);

#endif
