/* SPDX-License-Identifier: MIT */
/*
 * Experts that are read while somebody types: those of likely intents, and those that the first
 * passes of a prompt like this one have used, as the failure memory knows it.
 *
 * The first passes of a question are counted, those ahead of Enter too. If some of their experts
 * had to be read on demand, what they used is kept with the text, once the answer has ended. Under
 * the lock of the typing session, but for what passes count.
 */
#ifndef NMOS_ENGINE_TYPING_EXPERTS_H
#define NMOS_ENGINE_TYPING_EXPERTS_H

#include <nmos/nmos.h>

#include "base/str.h"
#include "stream/expert_first.h"

struct typing_experts {
    struct nmos_model *model;
    struct nmos_session *session;
    struct nmos_scheduler *scheduler; /* NULL: no experts are read ahead */
    struct nmos_memory *memory;       /* NULL: none, or it is of no use here */
    struct expert_first first;        /* counted by the passes of `session` */
    int is_counted_anew;              /* by the next job */
    int has_answered;                 /* what was counted is to be kept */
    struct expert_likely likely;
    double p[NMOS_MODEL_INTENTS_MAX]; /* how likely the model's intents are */
};

/** @return 0 or NMOS_E_NOMEM. */
int typing_experts_init(struct typing_experts *experts, struct nmos_model *model,
                        const struct nmos_typing_options *options) NMOS_MUST_CHECK;
/** When no job runs. */
void typing_experts_deinit(struct typing_experts *experts);

/** A question begins. */
void typing_experts_begin(struct typing_experts *experts);

/** A job of the session is to be submitted, and none runs. */
void typing_experts_start_job(struct typing_experts *experts);

/** How likely intents are, as the model numbers them: [NMOS_MODEL_INTENTS_MAX]. */
void typing_experts_expect(struct typing_experts *experts, const double *p);

/** The line has changed. */
void typing_experts_follow(struct typing_experts *experts, struct str line);

/** The answer to the line has ended well. */
void typing_experts_answered(struct typing_experts *experts);

/** Keeps what was counted for the line that was answered, unless that was done. When no job runs.
 * A failure is logged: nothing depends on it. */
void typing_experts_keep(struct typing_experts *experts, struct str line);

#endif
