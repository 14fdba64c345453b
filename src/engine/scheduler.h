/* SPDX-License-Identifier: MIT */
/*
 * What of the scheduler sessions and passes see, and what its own files share: scheduler.c, the
 * thread that runs passes, riders.c, who takes part in one, and job.c, the calls that other threads
 * make.
 *
 * `lock` guards all of it but what the thread alone uses. The thread does not hold it while a pass
 * runs, nor in callbacks. The model's lock may be taken while it is held, never the other way
 * round.
 */
#ifndef NMOS_ENGINE_SCHEDULER_H
#define NMOS_ENGINE_SCHEDULER_H

#include <nmos/nmos.h>
#include <pthread.h>

#include "base/error.h"
#include "engine/generator.h"
#include "engine/pass_plan.h"
#include "kv/page_index.h"
#include "stream/expert_first.h"

/** Between two looks whether the weights have been read. */
#define SCHEDULER_LOADING_MS 10U

struct nmos_job {
    struct nmos_scheduler *scheduler;
    struct nmos_session *session; /* while unfinished */
    struct generator *generator;  /* NULL: the job has ended */
    struct nmos_job *next;        /* submitted later, unfinished */
    uint64_t number;
    uint32_t n_max;  /* tokens to generate */
    uint32_t intent; /* of its text from the next pass on */
    uint32_t ahead_max;
    int after_loading;
    int ends_with_prompt; /* it is cancelled as soon as its prompt is read */
    uint64_t wait_ns;     /* ahead of need: no pass of it begins before this, and ... */
    uint64_t rest_ns;     /* ... from this on; 0: at any time */
    uint64_t begun_ns;    /* when its first pass began; 0: none has */
    void (*on_done)(void *arg, struct nmos_job *job, int status,
                    const struct nmos_generation_result *result);
    void *arg;
    uint32_t n_refs; /* the caller's handle, and the scheduler until it has ended */
    int is_cancelled;
    int is_in_pass;
    int has_failed;
    int is_finished;            /* the thread's own: its text has ended */
    uint32_t len_most;          /* tokens that its session may come to have */
    uint32_t n_left_out;        /* passes in a row */
    int fills_page;             /* the next page of its text will be filled by its prompt ... */
    struct page_text next_page; /* ... and is this one */
    struct nmos_job_info info;
    int status; /* when it has ended or failed */
    struct nmos_generation_result result;
    char message[ERROR_MESSAGE_MAX]; /* why it failed */
};

struct nmos_scheduler {
    struct nmos_model *model;
    pthread_mutex_t lock;
    pthread_cond_t wake;  /* there is something to do; of the monotonic clock */
    pthread_cond_t ended; /* a job has */
    pthread_t thread;
    struct nmos_job *jobs; /* unfinished ones, in the order of submission */
    struct nmos_job **jobs_end;
    uint32_t n_jobs;
    uint64_t n_submitted;
    uint32_t n_refs; /* the model's, and one for each job that somebody holds */
    int is_stopping;
    int is_in_pass;
    int has_expectation;                        /* that the thread has not heard of: */
    double expectation[NMOS_MODEL_INTENTS_MAX]; /* how likely each of the model's intents is, ... */
    struct expert_likely likely;                /* ... and experts for their own sake */
    struct nmos_scheduler_stats stats;

    /* The thread's own. */
    struct nmos_job **running; /* [sessions_max] have started, at most one of a session */
    uint32_t n_running;
    struct rider *riders; /* [sessions_max] */
    uint32_t n_riders;
    struct nmos_row *rows; /* [rows_max] of the pass */
    uint32_t *job_of_row;  /* [rows_max] in `running` */
    uint32_t *row_of_job;  /* [sessions_max] its first one */
    double mean_tokens;    /* of answers that have ended */
    int waits_a_moment;    /* for pages that are being written to disk */
    int reads_ahead;       /* experts that are expected are to be read */
};

/** Whether this thread may run passes of a model with this scheduler, which may be NULL. */
int scheduler_may_run(const struct nmos_scheduler *scheduler);

/** Cancels the jobs of a session that is to be destroyed; it is freed with the last of them.
 * @p scheduler may be NULL. @return 0 when there are none: the caller frees it. */
int scheduler_drop_session(struct nmos_scheduler *scheduler, struct nmos_session *session);

/** When a pass of the job may begin: 0 at once, UINT64_MAX not before something happens to it.
 * Under the lock. */
uint64_t scheduler_may_begin_ns(const struct nmos_scheduler *scheduler, const struct nmos_job *job,
                                uint64_t now_ns);

/** Weights that are to stay in memory are not all there yet. */
int scheduler_is_loading(const struct nmos_scheduler *scheduler);

/**
 * What is likely for whoever types: these experts are read while there is no pass to run. The
 * latest call counts.
 * @param p  [NMOS_MODEL_INTENTS_MAX] how likely each of the model's intents is.
 * @param likely  experts that a prompt like this one has used; NULL: none are known.
 */
void scheduler_expect(struct nmos_scheduler *scheduler, const double *p,
                      const struct expert_likely *likely);

/** Lists in `riders` who has rows for the next pass. Under the lock. @return the number. */
uint32_t scheduler_choose_riders(struct nmos_scheduler *scheduler);

/** The job is ahead of need. */
static inline int scheduler_is_ahead(const struct nmos_job *job)
{
    return job->info.priority == NMOS_PRIORITY_AHEAD;
}

/** Ends the pass that runs if none of its jobs needs it: all are cancelled, or ahead of need while
 * an answer waits. Under the lock. */
void scheduler_give_up_pass(struct nmos_scheduler *scheduler);

/** Seconds since the first pass of a job began; negative before. */
double scheduler_job_elapsed(const struct nmos_job *job);

/** Whether the time in which passes of the job may begin is over, and none runs. */
int scheduler_job_rests(const struct nmos_job *job);

/** A job ahead of need may begin passes for @p rest_ms more, whatever was said before; 0: for ever.
 */
void scheduler_job_rest(struct nmos_job *job, uint32_t rest_ms);

/** The job's text is of this intent, as numbered in struct nmos_generation. */
void scheduler_job_set_intent(struct nmos_job *job, uint32_t intent);

/** Whether the job is to be cancelled when its prompt has been read. */
void scheduler_job_end_with_prompt(struct nmos_job *job, int is_to_end);

/** One holder of the job less. Under the lock. @return 1 when nobody holds the scheduler any more:
 * after the lock is released, scheduler_free(). */
int scheduler_unref_job(struct nmos_job *job) NMOS_MUST_CHECK;
void scheduler_free(struct nmos_scheduler *scheduler);

#endif
