/* SPDX-License-Identifier: MIT */
/*
 * killed write [-p PREFIX] [-s SEED] [-n COUNT] [-y DIR] LOG DIR
 *	does in DIR what a build does, until the daemon is gone or COUNT operations are
 *	done. With -y there are fsync and syncfs among them; DIR lies in the filesystem of
 *	the staging tree.
 * killed check [-p PREFIX] LOG DIR
 *	DIR holds exactly what was acknowledged; the operation in flight has happened, or
 *	not. Notes in the log which it was.
 * killed power LOG DIR
 *	DIR holds what was made durable. The log stays as it is.
 * killed trace PID MOMENTS
 *	Ends a process with SIGKILL as it comes to its system call number MOMENTS / 2, or
 *	from it.
 *
 * Exits 0 where all is right, 1 on differences, 2 on errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/view/killed.h"

static const char *prefix = "";
static const char *sync_dir;
static uint64_t seed = 1;
static uint64_t count = UINT64_MAX;

/* A page of a mapping that nobody can bring any more: the daemon is gone. */
static void no_page(int sig)
{
	(void)sig;
	_exit(0);
}

static int write_until_gone(const char *log, const char *dir)
{
	enum ended ended = ENDED_AS_TOLD;
	struct writer w;

	writer_open(&w, log, prefix, seed);
	if (sync_dir) {
		w.chooser.sync = true;
		w.performer.sync_dir = open(sync_dir, O_RDONLY | O_CLOEXEC);
		if (w.performer.sync_dir < 0)
			die("%s: %s", sync_dir, strerror(errno));
	}
	if (chdir(dir) < 0)
		die("%s: %s", dir, strerror(errno));
	umask(THE_UMASK);
	signal(SIGBUS, no_page);
	for (uint64_t i = 0; i < count && ended == ENDED_AS_TOLD; i++)
		ended = writer_step(&w);
	writer_close(&w);
	return ended == ENDED_WRONG;
}

/* A path of an inode, behind what `path` holds. */
static bool path_of(const struct node *dir, const struct node *n, char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < dir->count; i++) {
		const struct entry *e = &dir->entries[i];

		snprintf(path + len, MAX_PATH - len, "%s%s", len ? "/" : "", e->name);
		if (e->node == n || (S_ISDIR(e->node->mode) && path_of(e->node, n, path)))
			return true;
	}
	path[len] = '\0';
	return false;
}

/* Where the operation in flight was a long write: how much of it is there. */
static bool partly(struct model *m, int dir, const struct replay *r, size_t *part)
{
	const struct op *op = &r->flight;
	const struct node *n = op->a[0] == '-' ? m->held : model_find(m, op->a);
	size_t at = op->n[0], len = 0;
	char path[MAX_PATH] = "";
	unsigned char *data;
	struct found f;

	if (op->kind != OP_WRITE && op->kind != OP_APPEND && op->kind != OP_HELD_WRITE)
		return false;
	if (!n || !path_of(m->root, n, path) || !look(dir, path, path, &f, true))
		return false;
	if (op->kind == OP_APPEND)
		at = n->size;
	data = need(malloc(op->n[1]));
	fill(data, op->n[1], op->n[2]);
	while (len < op->n[1] && at + len < f.size && f.data[at + len] == data[len])
		len++;
	free(data);
	look_done(&f);
	*part = len;
	return len >= r->at_least;
}

static void replayed(const char *log, struct model *m, struct replay *r)
{
	model_init(m, prefix);
	log_replay(log, m, r);
}

/* 0 and what happened, or the number of differences. */
static unsigned int settle(const char *log, int dir, struct replay *r, const char **what)
{
	int fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
	struct model m;
	unsigned int wrong;
	size_t part = 0;

	/* Before it; then after it; then with a part of it. */
	replayed(log, &m, r);
	wrong = r->at_least ? 1 : check_tree(&m, dir, false);
	if (wrong == 0)
		log_settled(fd, false, -1);
	*what = "not happened";
	if (wrong && model_apply(&m, &r->flight) == 0) {
		wrong = check_tree(&m, dir, false);
		if (wrong == 0)
			log_settled(fd, true, -1);
		*what = "happened";
	}
	model_free(&m);
	if (wrong) {
		replayed(log, &m, r);
		if (partly(&m, dir, r, &part)) {
			model_apply_part(&m, &r->flight, part);
			wrong = check_tree(&m, dir, false);
			if (wrong == 0)
				log_settled(fd, true, (long long)part);
			*what = "happened in part";
		}
		model_free(&m);
	}
	close(fd);
	return wrong;
}

static int check(const char *log, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[2 * MAX_PATH + 100] = "nothing";
	const char *what = "in flight";
	unsigned int wrong;
	struct model m;
	struct replay r;

	if (fd < 0)
		die("%s: %s", dir, strerror(errno));
	replayed(log, &m, &r);
	if (r.outcome == IN_FLIGHT) {
		op_text(&r.flight, text, sizeof(text));
		wrong = settle(log, fd, &r, &what);
		if (wrong) {
			fprintf(stderr, "in flight: %s\nwithout it:\n", text);
			check_tree(&m, fd, true);
			fprintf(stderr, "with it:\n");
			if (model_apply(&m, &r.flight) == 0)
				check_tree(&m, fd, true);
		}
	} else {
		wrong = check_tree(&m, fd, true);
	}
	printf("%" PRIu64 " acknowledged, %zu inodes, %s: %s\n", r.acknowledged, m.nodes,
		text, wrong ? "differences" : what);
	model_free(&m);
	close(fd);
	return wrong != 0;
}

static int power(const char *log, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t promises = 0;
	unsigned int wrong;
	struct model m;
	struct replay r;

	if (fd < 0)
		die("%s: %s", dir, strerror(errno));
	replayed(log, &m, &r);
	/* What was not answered may have happened, as what was not synced may. */
	if (r.outcome == IN_FLIGHT && r.flight.kind != OP_FSYNC &&
		r.flight.kind != OP_HELD_FSYNC && r.flight.kind != OP_SYNCFS)
		model_apply(&m, &r.flight);
	wrong = check_power(&m, fd, &promises);
	printf("%" PRIu64 " acknowledged, %zu inodes, %zu promises\n", r.acknowledged,
		m.nodes, promises);
	model_free(&m);
	close(fd);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int c;

	optind = 2;
	while ((c = getopt(argc, argv, "p:s:n:y:")) != -1) {
		if (c == 'p')
			prefix = optarg;
		else if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			count = strtoull(optarg, NULL, 10);
		else if (c == 'y')
			sync_dir = optarg;
		else
			return 2;
	}
	if (argc - optind != 2)
		die("usage: killed write|check|power [OPTION]... LOG DIR, or trace PID "
		    "MOMENTS");
	if (strcmp(mode, "write") == 0)
		return write_until_gone(argv[optind], argv[optind + 1]);
	if (strcmp(mode, "check") == 0)
		return check(argv[optind], argv[optind + 1]);
	if (strcmp(mode, "power") == 0)
		return power(argv[optind], argv[optind + 1]);
	if (strcmp(mode, "trace") == 0) {
		kill_at_call((pid_t)strtol(argv[optind], NULL, 10),
			strtoul(argv[optind + 1], NULL, 10));
		return 0;
	}
	die("killed: write, check, power or trace?");
}
