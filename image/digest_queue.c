/* SPDX-License-Identifier: MIT */
#include "image/digest_queue.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/processors.h"

#define WAITING_MAX  1024                 /* files */
#define WAITING_COST ((uint64_t)64 << 20) /* bytes, about */
#define FILE_COST    (8 << 10)   /* bytes that are read while one file is opened */
#define WORTH_WAKING (128 << 10) /* and while a thread is woken */

struct digest_queue {
	digest_file_fn *fn;
	void *arg;
	char *buffer;         /* the caller's */
	pthread_mutex_t lock; /* for what is below */
	pthread_cond_t work;
	pthread_t helpers[DIGEST_THREADS_MAX - 1];
	unsigned started, helpers_max, idle;
	bool ending;
	uint64_t added, taken;                 /* how many; what is between waits */
	struct digest_file files[WAITING_MAX]; /* a ring */
	uint64_t cost;                         /* of what waits */
	uint64_t failed; /* which could not be read; UINT64_MAX: none */
	struct err err;  /* its error */
};

static uint64_t cost(const struct digest_file *f)
{
	return f->in->size + FILE_COST;
}

static uint64_t waiting(const struct digest_queue *q)
{
	return q->added - q->taken;
}

static void drop(const struct digest_file *f)
{
	if (f->drop)
		f->drop(f->node);
}

/* A large file is left to a helper, as long as there may be one for it. */
static bool is_full(const struct digest_queue *q)
{
	return waiting(q) == WAITING_MAX ||
	       (q->cost >= WAITING_COST && waiting(q) > q->helpers_max);
}

/*
 * Files are taken in the order in which they were added. So what comes before one that
 * fails has been read or is being read, and what still waits is of no use.
 */
static void note_failure(struct digest_queue *q, uint64_t which, const struct err *e)
{
	if (which >= q->failed)
		return;
	q->failed = which;
	q->err = *e;
	for (; waiting(q); q->taken++)
		drop(&q->files[q->taken % WAITING_MAX]);
	q->cost = 0;
}

/* Reads the next file, if there is one. lock is held, but not meanwhile. */
static bool read_next(struct digest_queue *q, char *buffer)
{
	struct digest_file f;
	struct err e = {0};
	uint64_t which;
	int rc;

	if (!waiting(q))
		return false;
	which = q->taken++;
	f = q->files[which % WAITING_MAX];
	q->cost -= cost(&f);
	pthread_mutex_unlock(&q->lock);
	rc = q->fn(q->arg, &f, buffer, &e);
	pthread_mutex_lock(&q->lock);
	if (rc < 0)
		note_failure(q, which, &e);
	return true;
}

/* False: nothing will come. */
static bool wait_for_work(struct digest_queue *q)
{
	if (q->ending)
		return false;
	q->idle++;
	pthread_cond_wait(&q->work, &q->lock);
	q->idle--;
	return true;
}

static void *help(void *arg)
{
	struct digest_queue *q = arg;
	cleanup_free char *buffer = malloc(DIGEST_BUFFER);

	if (!buffer)
		return NULL;
	pthread_mutex_lock(&q->lock);
	while (read_next(q, buffer) || wait_for_work(q))
		;
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

static void start_one(struct digest_queue *q)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (pthread_create(&q->helpers[q->started], NULL, help, q) == 0)
		q->started++;
	else
		q->helpers_max = q->started;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* One more reads, if enough waits for those that do. */
static void call_helper(struct digest_queue *q)
{
	if (q->idle && q->cost >= WORTH_WAKING)
		pthread_cond_signal(&q->work);
	else if (q->started < q->helpers_max && q->cost / WORTH_WAKING > q->started)
		start_one(q);
}

int digest_queue_begin(struct digest_queue **out, unsigned threads, digest_file_fn *fn,
	void *arg, struct err *e)
{
	cleanup_free struct digest_queue *q = calloc(1, sizeof(*q));
	cleanup_free char *buffer = malloc(DIGEST_BUFFER);

	if (!q || !buffer)
		return err_set(e, ERR_SYS, "out of memory");
	if (!threads)
		threads = processors_allowed();
	q->fn = fn;
	q->arg = arg;
	q->helpers_max =
		(threads < DIGEST_THREADS_MAX ? threads : DIGEST_THREADS_MAX) - 1;
	q->failed = UINT64_MAX;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->work, NULL);
	q->buffer = take_ptr(buffer);
	*out = take_ptr(q);
	return 0;
}

int digest_queue_add(struct digest_queue *q, const struct digest_file *f)
{
	bool failed;

	pthread_mutex_lock(&q->lock);
	failed = q->failed != UINT64_MAX;
	if (failed) {
		drop(f);
	} else {
		q->files[q->added++ % WAITING_MAX] = *f;
		q->cost += cost(f);
		call_helper(q);
		if (!q->helpers_max || is_full(q))
			read_next(q, q->buffer);
		failed = q->failed != UINT64_MAX;
	}
	pthread_mutex_unlock(&q->lock);
	return failed ? -1 : 0;
}

int digest_queue_end(struct digest_queue *q, int rc, struct err *e)
{
	pthread_mutex_lock(&q->lock);
	q->ending = true;
	for (uint64_t n = waiting(q); n > 0; n--)
		call_helper(q);
	pthread_cond_broadcast(&q->work);
	while (read_next(q, q->buffer))
		;
	pthread_mutex_unlock(&q->lock);
	for (unsigned i = 0; i < q->started; i++)
		pthread_join(q->helpers[i], NULL);
	if (q->failed != UINT64_MAX) {
		*e = q->err;
		rc = -1;
	}
	pthread_cond_destroy(&q->work);
	pthread_mutex_destroy(&q->lock);
	free(q->buffer);
	free(q);
	return rc;
}
