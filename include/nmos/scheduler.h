/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Many sessions in one pass. A scheduler owns a thread that runs the passes of a model; each pass
 * carries rows of all jobs that have any: prompts in chunks, trees of guesses, single rows. A
 * session's text is what nmos_generate() gives for it alone. While a scheduler exists, other
 * threads that run passes of its model are refused with NMOS_E_BUSY. All its functions may be
 * called by any thread.
 *
 * Which jobs ride in a pass. First every answer that has begun, with one row, then guesses behind
 * them as far as they pay, then prompts in chunks. While answers run, chunks are so large that a
 * pass takes at most twice as long as without, or get a quarter of the rows where that is more.
 * Where there is not room for all, those go first that are expected to be finished soonest, as far
 * as can be told from their length and from how many of their guesses come true. A job that was
 * left out of four passes in a row goes before all that were not, those that have waited longest
 * first: with J jobs and passes of R rows no job waits more than 4 + ceil(4 J / R) passes for a
 * row.
 *
 * Where the prompts of several sessions go on alike, one of them reads the next KV page and the
 * others wait for it and share it: so sessions with one system prompt read and keep it once. What
 * sessions have read that are gone is found as long as its pages are not needed.
 *
 * Callbacks come from the scheduler's thread and should be quick, as passes wait for them. They may
 * submit, cancel and promote jobs and use sessions; they must not wait for jobs or destroy the
 * scheduler.
 */
#ifndef NMOS_SCHEDULER_H
#define NMOS_SCHEDULER_H

#include <nmos/generation.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nmos_model;
struct nmos_session;

struct nmos_scheduler;

/** A generation, or tokens to be read, in the hands of a scheduler. */
struct nmos_job;

/** Starts the thread. @return 0; NMOS_E_BUSY when the model has a scheduler; NMOS_E_NOMEM. */
int nmos_scheduler_create(struct nmos_model *model, struct nmos_scheduler **ret_scheduler);
/** Cancels all jobs, ends the thread and nulls the pointer; NULL is a no-op. Before the model is
 * closed. */
void nmos_scheduler_destroy(struct nmos_scheduler **scheduler);

/** How urgent a job is. */
enum nmos_priority {
    NMOS_PRIORITY_ANSWER, /**< somebody waits for it */
    /** Done ahead of need. Beside answers it gets only rows that cost nothing, as the disk is busy
     * anyway. A pass that carries nothing else is given up within a layer's time when an answer is
     * submitted, and its rows are run later. */
    NMOS_PRIORITY_AHEAD,
};

/** What to do; start from all zero. */
struct nmos_job_options {
    /** Prompt, stops and biases are copied. With n_max 0 the prompt is read into the session and
     * nothing is generated; on_text may then be NULL. */
    struct nmos_generation generation;
    enum nmos_priority priority;
    uint32_t ahead_max; /**< generated tokens, one at least, after which a job ahead of need rests
                           until it is promoted */
    /* More of jobs ahead of need, until they are promoted: */
    uint32_t
        delay_ms; /**< its first pass begins so long after this call at the earliest, and ... */
    int after_loading; /**< ... not before the weights that are to stay in memory have been read */
    uint32_t rest_ms;  /**< no pass of it begins later than so long after this call; 0: any may */
    /**
     * Called once, with the arg of the generation, when the job has ended; NULL: not called.
     * @param status  0; NMOS_E_CANCELLED; else why it failed, and nmos_last_error() says more.
     * @param result  what was done, also where it failed.
     */
    void (*on_done)(void *arg, struct nmos_job *job, int status,
                    const struct nmos_generation_result *result);
};

/**
 * Queues a job of a session, behind those that the session has. It starts when the KV pages that it
 * may come to need are free, and waits for that while others run, or wait that can start. When none
 * does, it fails with NMOS_E_LIMIT, before any pass: idle sessions hold the pages then. (The pool
 * holds every session alone, so that cannot be known here.) An answer behind jobs ahead of need
 * makes them answers too. Times of its result count from here.
 * @param ret_job  to be released; NULL: nobody will ask for it.
 * @return 0; NMOS_E_INVALID for a bad setting; NMOS_E_BUSY when 4096 jobs are unfinished;
 * NMOS_E_NOMEM.
 */
int nmos_job_submit(struct nmos_scheduler *scheduler, struct nmos_session *session,
                    const struct nmos_job_options *options, struct nmos_job **ret_job);

/** Ends a job soon: within a layer's time where the pass serves nobody else, at the end of the pass
 * otherwise. What was committed and delivered stays; no text comes after the call returned, but the
 * piece that was on its way. No-op when the job has ended. */
void nmos_job_cancel(struct nmos_job *job);

/** Makes a job ahead of need an answer: somebody waits for it now. */
void nmos_job_promote(struct nmos_job *job);

/** Waits until the job has ended. @param ret_result  may be NULL. @return its status. */
int nmos_job_wait(struct nmos_job *job, struct nmos_generation_result *ret_result);

/** Gives up the caller's interest and nulls the pointer; the job goes on. NULL is a no-op. */
void nmos_job_release(struct nmos_job **job);

/** How far a job has come. */
struct nmos_job_info {
    int has_started;
    int has_ended;
    enum nmos_priority priority;
    uint32_t prompt_tokens;
    uint32_t fed_tokens; /**< of the prompt, in the session */
    uint32_t generated_tokens;
    uint32_t passes;    /**< that carried rows of it */
    uint32_t wait_most; /**< passes in a row that it was left out of, though it had rows */
};
void nmos_job_get_info(const struct nmos_job *job, struct nmos_job_info *ret_info);

/** Counters of a scheduler since it was created. */
struct nmos_scheduler_stats {
    uint64_t passes;
    uint64_t rows;
    uint64_t rows_ahead; /**< of them, of jobs ahead of need */
    uint64_t given_up;   /**< passes that were given up for an answer or a cancelled job */
    uint32_t n_waiting;  /**< jobs that have not started, now */
    uint32_t n_running;
    uint32_t last_rows; /**< rows and jobs of the last pass */
    uint32_t last_jobs;
    uint32_t wait_most;  /**< the largest one of all jobs */
    uint32_t pages_free; /**< KV pages, now */
};
void nmos_scheduler_get_stats(const struct nmos_scheduler *scheduler,
                              struct nmos_scheduler_stats *ret_stats);

#ifdef __cplusplus
}
#endif

#endif
