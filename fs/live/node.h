/* SPDX-License-Identifier: MIT */
/* What the files of the writable view share; see live.h. The lock is held for all. */
#ifndef FS_LIVE_NODE_H
#define FS_LIVE_NODE_H

#include <pthread.h>

#include "common/descriptor.h"
#include "fs/live/intent.h"
#include "fs/live/live.h"

struct live_node {
	struct live_node *next;   /* in its bucket */
	struct live_node *parent; /* NULL: the root, or what no path leads to */
	char *name;
	uint64_t lookups;    /* the kernel's references */
	uint32_t holds;      /* nodes below it, and calls that are under way */
	uint64_t dev, ino;   /* the staging file */
	int64_t btime;       /* its birth, nanoseconds; 0 unknown */
	uint64_t shown;      /* inode number, the same as long as the node lives */
	uint32_t type;       /* S_IFMT bits, as shown */
	struct db_record r;  /* id 0: has none (or one that does not hold) */
	uint64_t generation; /* of the database, when r was read */
	int64_t plain;       /* its staging file had no attributes of its own then */
	int64_t given;       /* when attributes were handed out last, milliseconds */
	int fd;              /* O_PATH where no path leads to it any more, else -1 */
	bool orphan;         /* its record has no name, and goes with the node */
	bool split;          /* shares its record with a file that is another one */
	bool twin;           /* shares it with another node of its file: r is no more than
				seen last */
};

struct file;

#define LIVE_FILES 64

/* A staging file, opened with O_PATH, and as it is now. */
struct grip {
	int fd;
	bool borrowed; /* fd is not to be closed */
	struct statx st;
};
#define cleanup_grip __attribute__((cleanup(grip_release)))
#define GRIP_NONE                                                                        \
	{                                                                                \
		.fd = -1                                                                 \
	}

struct owed_name {
	int64_t parent;
	char *name;
};

struct live {
	struct stage *stage;
	struct db *db;
	struct live_options opt;
	uid_t owner; /* of the staging tree: who the default owner stands for */
	struct live_node *root;
	struct live_node **buckets;
	size_t count, bucket_count;
	struct live_dir *dirs;          /* that are open */
	struct file *files[LIVE_FILES]; /* content that was used last */
	size_t slots;                   /* of these, that are used */
	size_t open_files;
	pthread_cond_t opened; /* a first one */
	pthread_t sweeper;
	bool sweeping;
	struct link_names *links; /* see links.c; NULL: not looked for */
	struct live_node *near;   /* the directory that was used last; NULL: none */
	struct grip near_grip;
	int64_t near_since; /* nanoseconds */
	struct intent *intent;
	int64_t room_seen; /* when there was plenty for the database, milliseconds */
	unsigned tight;    /* changes since there was little */
	int64_t *dead;     /* records of orphans that are forgotten, to be dropped */
	size_t dead_count, dead_room;
	uint64_t generation; /* goes up when others wrote to the database */
	pthread_mutex_t lock;
	pthread_cond_t returned; /* lent became false */
	_Atomic bool lent;       /* changes wait */
	bool unsettled; /* the tree changed and the database did not: see the intent */
	struct owed_name *owed; /* and names that were removed since */
	size_t owed_count, owed_room;
	bool closing;
	bool keeper_runs;        /* a thread that waits for the end of the loan */
	struct live_wait *waits; /* who wants to be told, or to borrow next */
	struct live_later *later, **later_end; /* changes that were put off */
	live_changed_fn *changed;
	void *changed_arg;
};

/* tree.c: nodes. */
int live_nodes_init(struct live *l, struct err *e);
void live_nodes_free(struct live *l);
void node_release(struct live *l, struct live_node *n); /* frees it if unused */
void node_hold(struct live_node *n);
void node_drop_hold(struct live *l, struct live_node *n);
/* The node of a staging file and record; NULL: none. */
struct live_node *node_find(struct live *l, const struct statx *st, int64_t record);
/* Another node of its file, with a record; NULL: none. */
struct live_node *node_recorded(struct live *l, const struct live_node *n);
/* Others that have its file and its record are known as such from now on. */
void node_twins(struct live *l, struct live_node *n);
/* The same, made where there is none; its path is now dir/name. NULL with errno. */
struct live_node *node_get(struct live *l, struct live_node *dir, const char *name,
	const struct statx *st, const struct db_record *r);
int node_set_path(
	struct live *l, struct live_node *n, struct live_node *dir, const char *name);
/* No path leads to it any more; fd (O_PATH) is taken over. */
void node_detach(struct live *l, struct live_node *n, int fd);
/* Its path in the staging tree, malloc'd; -ESTALE where there is none. */
int node_path(const struct live *l, const struct live_node *n, char **path);
/* The same; of a file whose name went, another of its recorded names. */
int node_where(struct live *l, const struct live_node *n, char **path);
int grip_node(struct live *l, struct live_node *n, struct grip *g);
/*
 * A directory, to look or change something in it: the one that was used last is at hand
 * for a moment, no longer than a call may take anyway between opening and using it. What
 * st says is as old. Until the lock is released.
 */
int grip_dir(struct live *l, struct live_node *dir, struct grip *g);
void grip_forget(struct live *l); /* names of directories change */
void grip_release(struct grip *g);
/* For calls that take no descriptor of that kind. */
#define GRIP_PATH DESCRIPTOR_PATH
const char *grip_path(const struct grip *g, char path[GRIP_PATH]);

int live_statx(int fd, const char *name, struct statx *st); /* "" is fd itself */

/* look.c: names to nodes, nodes to what they show. */
int child_record(struct live *l, struct live_node *dir, const char *name,
	const struct statx *st, struct db_record *r);
int child_node(struct live *l, struct live_node *dir, const struct grip *g,
	const char *name, struct statx *st, struct live_node **out);
int node_sync(struct live *l, struct live_node *n); /* reads its record again if due */
int node_stat(
	struct live *l, struct live_node *n, const struct statx *st, struct stat *out);
int give(struct live *l, struct live_node *n, const struct statx *st,
	struct live_entry *out);
void node_given(struct live_node *n); /* its attributes, just now */
uint64_t shown_ino(int64_t record, bool split, uint64_t ino);
uint32_t node_mode(const struct live_node *n, const struct statx *st); /* 07777 bits */

/* make.c: all that is to be recorded of a new file. */
struct birth {
	struct db_record r;
	const char *label;            /* NULL: none */
	struct buf access, inherited; /* ACLs; empty: none */
};
/* Of one that is to be made in dir; birth_free() it. name NULL: without one, or a label.
 */
int birth_conceive(struct live *l, struct live_node *dir, const struct grip *g,
	const char *name, const struct live_new *what, struct birth *b);
/* In a transaction: the record, and the name, if there is one. */
int birth_put(struct live *l, struct live_node *dir, const char *name,
	const struct statx *st, struct birth *b, struct err *e);
/* The same as a transaction of its own. */
int birth_store(struct live *l, struct live_node *dir, const char *name,
	const struct statx *st, struct birth *b);
void birth_free(struct birth *b);

/* record.c: changes to the database. */
/*
 * A change begins with change_ready(), before it looks at anything: it waits while the
 * database is lent, and has the node's record up to date. From there to the end the lock
 * is held, so that no loan comes in between.
 */
int change_ready(struct live *l, struct live_node *n);
/* The same for what must work on a full disk too: the database may not have caught up. */
int removal_ready(struct live *l, struct live_node *n);
int owe_removal(struct live *l, const struct live_node *dir, const char *name);
void owed_free(struct live *l);
int change_room(struct live *l); /* -ENOSPC where the database could not grow */
/* The staging tree changed; what became of the database. Clears the intent, or keeps it.
 */
void change_noted(struct live *l, int rc);
int change_begin(struct live *l);
int change_end(struct live *l, int rc); /* commits, or rolls back where rc < 0 */
int db_errno(struct live *l, const struct err *e);
/* Makes sure that a node and all above it have records; in no transaction yet. */
int node_adopt(struct live *l, struct live_node *n, const struct statx *st);
int node_put(struct live *l, const struct db_record *r);
void orphan_dead(struct live *l, int64_t record);
/* In a transaction; -1 where that is not one any more. */
int drop_dead(struct live *l, struct err *e);

/*
 * links.c: names of a file that was hard-linked beside the view. All are found before it
 * gets its record, which may be that of one of them, and then have it too.
 */
int live_links_find(struct live *l);
/* 1 where it has the record of another of its names now, 0 where none has one. */
int live_links_join(struct live *l, struct live_node *n);
int live_links_record(struct live *l, struct live_node *n);
void live_links_free(struct live *l);

/* attr.c: what setattr and xattrs share. */
int node_touch(const struct grip *g); /* its change time is now */
/* security.capability goes; what it was, if was is not NULL, for who fails after that. */
int drop_capability(struct live *l, struct live_node *n, struct buf *was);
void return_capability(struct live *l, struct live_node *n, const struct buf *was);
/* The record's own value, then the staging file's; -ENODATA. */
int attr_get(struct live *l, struct live_node *n, const struct grip *g, const char *name,
	bool raw, struct buf *value);

/* dir.c: what the kernel did not close before the view ended. */
void live_dirs_free(struct live *l);

/* file.c */
void files_forget(struct live *l, const struct live_node *n);
/* The node's staging file, opened to be written, is used next; fd is taken over. */
void files_keep(struct live *l, const struct live_node *n, int fd);
/*
 * A file that is being written, by the descriptor that is open for that: as on any
 * filesystem, what is done to an open file is done to it wherever it is now. False: none
 * is open, or it has no name left. Until the lock is released.
 */
bool files_grip(struct live *l, const struct live_node *n, struct grip *g);
int file_truncate(struct live *l, struct live_node *n, off_t size);
int grip_writable(struct live *l, struct live_node *n, struct grip *g);
int files_start(struct live *l); /* closes what nobody uses any more, by itself */
void files_stop(struct live *l);
/* Records setuid bits that only the staging file has, before they go from there. */
int keep_bits(struct live *l, struct live_node *n, const struct grip *g);
#endif
