/* SPDX-License-Identifier: MIT */
/*
 * Openings: the system prompts that a conversation may begin with, read ahead of the first Enter.
 *
 * Of each, the tokens of the prompt that stay whatever is typed are read into a session of its own,
 * piece by piece (opening_share.h), beginning with what is kept of it in memory or on disk. The
 * conversation's session takes over those of the opening that is meant (nmos_session_fork()), so a
 * wrong guess costs time and never the text. Sessions and KV pages are what others leave: the
 * likeliest openings get them.
 *
 * All functions are called under the lock of the typing session, which the end of a piece takes
 * too.
 */
#ifndef NMOS_ENGINE_OPENINGS_H
#define NMOS_ENGINE_OPENINGS_H

#include <nmos/nmos.h>
#include <pthread.h>

#include "base/error.h"
#include "engine/typed_prompt.h"
#include "infer/pass_cost.h"

struct openings;

/** What openings are made of; all is borrowed. */
struct openings_config {
    struct nmos_model *model;
    struct nmos_scheduler *scheduler;
    struct typed_prompt *prompt; /* of the conversation; its system message is changed and put back
                                  */
    const char *const *systems;  /* [n] NULL: none */
    size_t n;                    /* at most NMOS_INTENTS_MAX */
    pthread_mutex_t *lock;
    void (*on_end)(void *arg); /* a piece has been read; under the lock, by the scheduler's thread
                                */
    void *arg;
};

/** @return 0 or NMOS_E_NOMEM. */
int openings_create(const struct openings_config *config,
                    struct openings **ret_openings) NMOS_MUST_CHECK;
/** When none is being read. Nulls the pointer; NULL is a no-op. */
void openings_destroy(struct openings **openings);

/** How things stand while the message is typed. */
struct openings_view {
    const double *p; /* [n] how likely each is */
    const struct pass_cost *cost;
    uint32_t rows_max;
    double usual_s;              /* between two keys */
    uint32_t n_behind;           /* tokens of the prompt behind its opening */
    uint32_t n_most;             /* tokens that the conversation may come to have with its answer */
    int only_likeliest;          /* saves power */
    struct nmos_job_options job; /* how pieces are read, ahead of need */
};

/** Begins to read on, unless a round of pieces is under way, which may go on for as long as the
 * view's job says. */
void openings_work(struct openings *openings, const struct openings_view *view);

/** Whether opening @p i is being read. */
int openings_is_reading(const struct openings *openings, size_t i);
/** ... or any. */
int openings_are_working(const struct openings *openings);

/** No pass runs for any, and none will before the next openings_work(). */
int openings_rest(const struct openings *openings);

/** Gives up what is being read; on_end tells. */
void openings_stop(struct openings *openings);

/** Tokens of @p want that are read of opening @p i. */
uint32_t openings_match(const struct openings *openings, size_t i, const struct tokens *want);

/** Lets @p session, which has no job, begin as opening @p i does, where it has less of @p want. */
int openings_lend(const struct openings *openings, size_t i, struct nmos_session *session,
                  const struct tokens *want) NMOS_MUST_CHECK;

/** Gives the KV pages back; not while any is being read. What was read is found again as long as
 * nobody needs the pages. */
void openings_release(struct openings *openings);

/** Tokens that are read ahead, of all openings. */
uint32_t openings_ready(const struct openings *openings);
/** Tokens that opening @p i makes; 0 where nothing needed to know. */
uint32_t openings_length(const struct openings *openings, size_t i);

#endif
