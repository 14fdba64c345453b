/* SPDX-License-Identifier: MIT */
/* A typing session, shared by typing.c, its jobs, and typing_api.c, the calls that other threads
 * make. */
#ifndef NMOS_ENGINE_TYPING_H
#define NMOS_ENGINE_TYPING_H

#include <nmos/nmos.h>
#include <pthread.h>

#include "base/error.h"
#include "engine/provisional.h"
#include "engine/typed_prompt.h"
#include "engine/typing_experts.h"
#include "engine/typing_intents.h"
#include "engine/typing_pace.h"

enum job_kind { JOB_NONE, JOB_PREFIX, JOB_BRANCH };

/* What the job at work is to do. A job that is not kept has a text that is not wanted any more. */
enum job_fate { JOB_KEPT, JOB_FINISHES, JOB_CANCELLED };

struct nmos_typing {
    struct nmos_typing_options options;
    struct nmos_model *model;
    uint32_t ctx;
    uint32_t rows_max;
    uint64_t streamed_bytes; /* of a pass */
    pthread_mutex_t lock;    /* guards all below; taken before the scheduler's */
    pthread_cond_t ended;    /* a job has ended */
    struct typed_prompt prompt;
    struct typing_intents intents;
    struct typing_experts experts;
    struct typed_text line;
    struct typing_rhythm rhythm;
    struct provisional *provisional; /* NULL: none is wanted, or there is no draft */
    uint64_t event_ns;               /* of the last one; 0: none since the beginning */
    struct tokens want;              /* the prompt of the line */
    int has_begun;
    int has_entered;
    int is_closing;
    int must_rest;      /* work ahead has failed: nothing more before the next event */
    enum job_kind kind; /* of the job at work; JOB_NONE: there is none */
    struct nmos_job *job;
    struct tokens goal;            /* of the job, or of the branch that has ended ... */
    struct nmos_sampling sampling; /* ... and how its tokens are drawn */
    size_t n_new;                  /* tokens of it that the session did not have */
    enum job_fate fate;            /* of the job at work */
    int has_branch_ended;          /* ... by itself, before Enter; `goal` is its prompt */
    struct buf held;               /* its text until Enter */
    uint32_t n_ahead;              /* pieces of text that it had before Enter */
    int is_live;                   /* text goes to the caller */
    int stop;       /* what the caller's on_text has returned, or nmos_typing_cancel() */
    int is_calling; /* on_done is under way */
    struct nmos_generation_result result; /* of the ended branch */
    struct nmos_typing_state state;
};

/* All under the lock. */

/** Starts what the wanted prompt needs, or gives up what it does not. */
int typing_act(struct nmos_typing *t) NMOS_MUST_CHECK;

/** The job at work is still wanted, or not. */
void typing_set_fate(struct nmos_typing *t, enum job_fate fate);

/** The branch, running or ended, has the wanted prompt, and draws as is wanted. */
int typing_branch_fits(const struct nmos_typing *t);

/** It has begun: the first pass of the branch runs, or has run. */
int typing_job_has_begun(const struct nmos_typing *t);

/** Seconds since the last event. */
double typing_quiet_s(const struct nmos_typing *t);

/** Milliseconds until nothing more is computed; 0: nobody has typed for that long. */
uint32_t typing_rest_in_ms(const struct nmos_typing *t);

/** Text of the answer goes to the caller. @return what it has returned. */
int typing_deliver(struct nmos_typing *t, const char *text, size_t len);

/** Tells the end of the answer; the lock is released meanwhile. */
void typing_finish(struct nmos_typing *t, int status, const struct nmos_generation_result *result);

/** A piece of a system prompt has been read; @p arg is the typing session. */
void typing_take_opening(void *arg);

#endif
