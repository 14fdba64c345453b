/* SPDX-License-Identifier: MIT */
/*
 * A fixed team of threads that runs one parallel loop at a time.
 *
 * A pass has hundreds of short loops, so a worker that runs out of work spins for a few
 * microseconds before it sleeps on a futex. The caller takes part as worker 0. Each worker has a
 * share of consecutive tasks, so that it reads consecutive memory; when it is through, it takes
 * tasks from the ends of the others' shares. Which worker runs a task is not determined, and
 * nothing that is computed may depend on it (invariant I1).
 */
#ifndef NMOS_BASE_THREADPOOL_H
#define NMOS_BASE_THREADPOOL_H

#include "base/error.h"

#define THREADPOOL_THREADS_MAX 256

struct threadpool;

/** One task: @p task in [0, n_tasks), @p worker in [0, n_threads) selects per-thread scratch. */
typedef void (*threadpool_fn)(void *arg, int task, int worker);

/** Starts @p n_threads - 1 workers (1..THREADPOOL_THREADS_MAX). @return 0, NMOS_E_INVALID or
 * NMOS_E_NOMEM. */
int threadpool_create(int n_threads, struct threadpool **ret_pool) NMOS_MUST_CHECK;

/** Runs @p fn for every task and returns when all are done. One caller at a time; not from inside a
 * task. */
void threadpool_run(struct threadpool *pool, threadpool_fn fn, void *arg, int n_tasks);

/** Threads of the team, the caller included. */
int threadpool_size(const struct threadpool *pool);

/** Stops and joins the workers and nulls the pointer; a NULL pool is a no-op. */
void threadpool_destroy(struct threadpool **pool);

#endif
