/* SPDX-License-Identifier: MIT */
/*
 * Nodes and the engine's state, for the files of the engine only. What is not atomic in
 * a node is constant once its directory is published, unless a comment says otherwise.
 */
#ifndef FS_NODE_H
#define FS_NODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "fs/engine.h"
#include "fs/show.h"

struct attr_list {
	size_t count;
	struct xattr items[]; /* sorted by name; names and values in the arena */
};

/* What the staging file was when it was loaded. */
struct seen {
	uint64_t dev, ino;
	int64_t mtime, ctime; /* seconds */
	uint32_t mtime_ns, ctime_ns;
	int64_t size;
};

struct dir {
	size_t count;
	_Atomic bool host_xattrs; /* those of the entries were looked at */
	bool ahead;               /* it was read before somebody asked (fs/ahead.h) */
	struct entry entries[];
};

struct node {
	struct node *parent; /* NULL: the root; of the name that was loaded first */
	const char *name;
	struct node *next_link; /* chain in the table of hard links */
	int64_t link_record;    /* its key there: the record when it was loaded */
	int64_t record;
	uint64_t ino;
	struct seen seen;
	int64_t blocks; /* of 512 bytes */
	uint64_t rdev;
	uint32_t mode; /* type and permissions as shown */
	uint32_t uid, gid, nlink;
	uint32_t host_nlink; /* links of the staging file, in this tree or elsewhere */
	uint32_t btime_ns;
	int64_t btime;
	bool host_xattrs_done; /* under load_lock */
	bool acl_left_out;     /* its say is in the mode; under load_lock */
	bool excluded;         /* labeled LABEL_EXCLUDED: the policy says <<none>> */
	bool split;            /* shares its record with another file: FINDING_SPLIT */
	uint16_t told; /* findings that were reported, bit 1 << kind; under findings_lock
			*/
	const char *label;
	_Atomic(struct dir *) dir;         /* NULL: not loaded */
	_Atomic(struct attr_list *) attrs; /* NULL: none */
};

/* What is loaded of a directory; NULL: nothing. */
static inline struct dir *node_dir(const struct node *n)
{
	return atomic_load_explicit(&n->dir, memory_order_acquire);
}

struct arena {
	struct arena_chunk *chunks;
	size_t left;
	char *next;
};

#define FD_SLOTS 64

struct fd_slot {
	pthread_mutex_t lock;
	const struct node *node;
	struct open_file *file;
};

struct engine {
	struct stage *stage;
	struct db *db; /* under load_lock */
	struct engine_options opt;
	_Atomic bool root_xattrs; /* as dir's host_xattrs, for the root */
	uid_t owner;              /* who the default owner stands for */
	bool want_labels;         /* labels are shown, and none should be missing */
	struct node *root;
	struct ahead *ahead;       /* NULL: nothing is read ahead */
	pthread_mutex_t load_lock; /* making nodes: arena, db, links */
	struct arena arena;
	struct node **links; /* nodes with several names, by record or inode number */
	size_t link_count, link_buckets;
	struct fd_slot slots[FD_SLOTS];
	pthread_mutex_t findings_lock;
	struct finding *findings;
	size_t finding_count, findings_dropped;
	uint16_t told; /* as a node's, for what is about no node */
	bool seal_broken;
	void (*on_finding)(void *arg, const struct finding *f);
	void *on_finding_arg;
};

/* arena.c: memory that lives as long as the engine; NULL when there is none. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
void arena_free(struct arena *a);

/* links.c: the node that this record and staging file already have; NULL: none. *split is
 * set where the record already stands for another file. */
struct node *links_find(
	struct engine *en, int64_t record, uint64_t dev, uint64_t ino, bool *split);
int links_add(struct engine *en, struct node *n);

/* Forgets the nodes of a directory that could not be loaded. */
void links_drop(struct engine *en, const struct node *dir);

/*
 * load.c: makes dir's nodes; load_lock held by the caller. ready: what was read of it
 * already (fs/dirlist.h), or NULL.
 */
struct dirlist;
int node_load(struct engine *en, struct node *dir, struct dirlist *ready, struct err *e);
struct dirlist_key node_dirlist_key(const struct node *dir);
void seen_from_statx(struct seen *s, const struct statx *st);
void seen_from_stat(struct seen *s, const struct stat *st);
bool seen_equal(const struct seen *a, const struct seen *b);

/* attr.c: fills what a node shows from the staging file and its record (NULL: none). */
int node_fill(struct engine *en, struct node *n, const struct statx *st,
	const struct db_record *r, struct err *e);

/* xattr.c: reads a record's attributes into the node; load_lock held. */
int node_load_xattrs(struct engine *en, struct node *n, struct err *e);

/* The staging files' own, for a directory's entries, or for one node; load_lock held. */
int node_load_host_xattrs(
	struct engine *en, struct node *dir, struct dir *d, struct err *e);
int node_load_own_xattrs(struct engine *en, struct node *n, struct err *e);

/* finding.c: n may be NULL. */
void engine_find_fault(struct engine *en, struct node *n, enum finding_kind kind,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void findings_free(struct engine *en);

/* content.c */
void content_init(struct engine *en);
void content_close(struct engine *en);

/*
 * The whole content of a regular file, for who does not know whether somebody will ask
 * for it: nothing is a finding. -1: it could not be read, has more than size bytes, or
 * changed.
 */
ssize_t content_peek(struct engine *en, struct node *n, void *buf, size_t size);

/* A regular file has as many blocks as its size needs. */
bool node_is_whole(const struct node *n);

/* Opens the node's staging file; checks that it is the one that was loaded. */
int node_open(struct engine *en, struct node *n, int flags, struct err *e);

#endif
