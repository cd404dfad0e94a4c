/* SPDX-License-Identifier: MIT */
/*
 * Writers that keep a model of what they were told has succeeded. A writer logs each
 * operation before it is called and its result after it, outside the view; from the log
 * anybody can compute what the tree has to be, whoever was killed meanwhile.
 */
#ifndef VIEW_KILLED_H
#define VIEW_KILLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define MAX_PATH   512
#define MAX_FILE   (160 * 1024)
#define MAX_XATTRS 4
#define THE_UMASK  027

enum kind {
	OP_CREATE, /* path, mode; the descriptor is held until the next one */
	OP_WRITE,  /* path, offset, length, seed */
	OP_APPEND, /* path, 0, length, seed */
	OP_MAP,    /* as write, through a mapping and msync; within a page of the file */
	OP_TRUNCATE,
	OP_CHMOD,
	OP_CHOWN,
	OP_TIMES,
	OP_MKDIR,
	OP_MKNOD,
	OP_RMDIR,
	OP_UNLINK,
	OP_SYMLINK, /* path, target */
	OP_LINK,    /* old, new */
	OP_RENAME,  /* old, new, flags */
	OP_SETXATTR,
	OP_RMXATTR,
	OP_HELD_WRITE, /* on the held descriptor, whose file may have no name any more */
	OP_HELD_CHMOD,
	OP_HELD_CHOWN,
	OP_HELD_TRUNCATE,
	OP_FSYNC,
	OP_HELD_FSYNC,
	OP_SYNCFS,
	OP_KINDS
};

struct op {
	enum kind kind;
	char a[MAX_PATH];
	char b[MAX_PATH];
	uint64_t n[3];
};

struct xattr {
	char *name;
	unsigned char *value;
	size_t len;
};

/* When something was last changed, and last made durable, as numbers of operations. */
struct stamp {
	uint64_t content, meta, xattrs, synced;
};

struct node {
	struct node *next; /* of all that there ever were */
	mode_t mode;       /* with the type */
	uid_t uid;
	gid_t gid;
	unsigned int nlink; /* names; of directories 1 */
	unsigned char *data;
	size_t size;
	char *target;
	struct xattr xattrs[MAX_XATTRS];
	size_t xattr_count;
	bool mtime_known;
	struct timespec mtime;
	struct entry *entries; /* of a directory */
	size_t count, room;
	struct former *formers;
	size_t former_count, former_room;
	struct stamp at;
	ino_t ino;      /* the checker's: what the tree shows for it */
	unsigned names; /* and how often it was met */
};

struct entry {
	char *name;
	struct node *node;
	uint64_t at;
};

/* A name that is not there any more. */
struct former {
	char *name;
	uint64_t at;
};

struct model {
	struct node *root;
	struct node *all;
	struct node *held;
	const char *prefix; /* of the names in the root that are the model's; or "" */
	uint64_t now;       /* the number of the operation */
	uint64_t synced;    /* the last operation that a syncfs made durable */
	size_t nodes;       /* with a name */
};

struct random {
	uint64_t state;
};
uint64_t rnd(struct random *r, uint64_t below);
void fill(unsigned char *to, size_t len, uint64_t seed);

/* killed_model.c: none fails but for want of memory, which ends the program. */
void model_init(struct model *m, const char *prefix);
void model_free(struct model *m);
/* 0, or the error number that the operation has to give; then nothing is changed. */
int model_apply(struct model *m, const struct op *op);
/* An operation that writes, of which only the first `len` bytes were. */
int model_apply_part(struct model *m, const struct op *op, size_t len);
struct node *model_find(const struct model *m, const char *path);
struct entry *node_entry(const struct node *dir, const char *name);

/* killed_apply.c */
int apply_names(struct model *m, const struct op *op);
int apply_attrs(struct model *m, const struct op *op);
int node_at(
	const struct model *m, const char *path, struct node **dir, const char **name);
struct node *node_new(struct model *m, mode_t mode, const struct node *dir);
void node_add(struct model *m, struct node *dir, const char *name, struct node *n);
void node_remove(struct model *m, struct node *dir, const char *name);
void *need(void *memory);

/* killed_log.c */
enum outcome {
	NOTHING_IN_FLIGHT,
	IN_FLIGHT
};
struct replay {
	enum outcome outcome;
	struct op flight; /* the operation that was not answered */
	size_t at_least;  /* bytes of it that were acknowledged nevertheless */
	uint64_t acknowledged;
	uint64_t all;
};
const char *op_name(enum kind kind);
void op_text(const struct op *op, char *text, size_t room);
void log_op(int log, const struct op *op);
void log_result(int log, int error);
void log_short(int log, size_t len);
/* What became of the operation in flight: how many bytes, or -1 for as a whole. */
void log_settled(int log, bool happened, long long part);
void log_replay(const char *path, struct model *m, struct replay *r);

/* killed_perform.c: 0, an error number, or GONE when there is no daemon any more. */
#define GONE (-1)
struct performer {
	int held;
	int sync_dir; /* a descriptor in the staging tree's filesystem; -1 for none */
	size_t done;  /* bytes that a call which then found no daemon had written */
};
int perform(struct performer *p, const struct op *op);

/* killed_choose.c: the next operation of something like a build. */
struct chooser {
	struct random random;
	const char *prefix;
	bool sync;
	struct op queue[16];
	size_t first, count;
	unsigned int serial;
};
void choose(struct chooser *c, const struct model *m, struct op *op);

/* killed_write.c: writes below the working directory. */
enum ended {
	ENDED_AS_TOLD,
	ENDED_GONE,
	ENDED_WRONG
};
struct writer {
	struct model model;
	struct chooser chooser;
	struct performer performer;
	int log;
};
void writer_open(struct writer *w, const char *log, const char *prefix, uint64_t seed);
enum ended writer_step(struct writer *w);
void writer_close(struct writer *w);

/* killed_check.c, killed_power.c: the number of differences, told on standard error. */
unsigned int check_tree(struct model *m, int dir, bool tell);
unsigned int check_power(struct model *m, int dir, size_t *promises);

/* killed_look.c: what is there. */
struct found {
	struct stat st;
	char target[MAX_PATH];
	unsigned char *data;
	size_t size;
	char *list; /* names of user.* attributes, sorted by nobody */
	size_t list_len;
};
bool look(int dir, const char *name, const char *path, struct found *f, bool tell);
void look_done(struct found *f);
bool same_content(const struct node *n, const struct found *f);
bool same_xattrs(const struct node *n, const char *path, int dir, const char *name,
	const struct found *f);
bool for_names(int dir, bool (*each)(const char *name, void *arg), void *arg);

/* killed_trace.c */
void kill_at_call(pid_t pid, unsigned long moments);

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
