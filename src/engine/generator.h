/* SPDX-License-Identifier: MIT */
/*
 * A generation in steps, for whoever runs the passes: nmos_generate() for one session, the
 * scheduler for many.
 *
 *     create, start, then until it has ended:
 *         generator_rows()     its rows for the next pass
 *         generator_logits()   for each of these rows that wants logits, in row order
 *         generator_advance()  when the pass has succeeded
 *
 * A pass that failed or was given up is repeated from generator_rows(): the same tokens are drawn.
 * What text comes does not depend on how its rows are cut into passes or on who rides beside them
 * (I1, I2). Used by the thread that runs passes; after generator_start() nothing is allocated.
 */
#ifndef NMOS_ENGINE_GENERATOR_H
#define NMOS_ENGINE_GENERATOR_H

#include <nmos/nmos.h>

#include "infer/sampler.h"

struct generator;

/** Settings of the public interface as those of the sampler; the biases stay borrowed. */
struct sampler_params generator_sampler_params(const struct nmos_sampling *sampling);

/**
 * Prepares a generation. Prompt, stops and biases are copied.
 * @return 0; NMOS_E_INVALID for a bad setting; NMOS_E_NOMEM.
 */
int generator_create(struct nmos_model *model, const struct nmos_generation *generation,
                     struct generator **ret_generator) NMOS_MUST_CHECK;
void generator_destroy(struct generator **generator);

/** The text is of this intent, as numbered in struct nmos_generation; between two passes. */
void generator_set_intent(struct generator *g, uint32_t intent);

/** Begins behind what the session holds. @return 0; NMOS_E_LIMIT when the prompt does not fit;
 * NMOS_E_INVALID when there is none and the session has not kept what follows it. */
int generator_start(struct generator *g, struct nmos_session *session) NMOS_MUST_CHECK;

/** Takes over what of the prompt is in known pages already: of other sessions, or from before.
 * generator_rows() does this too. */
void generator_adopt(struct generator *g);

/** Tokens of the prompt that such pages may stand for: all that are not in the session yet but the
 * last. Valid until the next call. @return their number. */
size_t generator_coming(const struct generator *g, const int32_t **ret_tokens);

/** What a generation may have of a pass. */
struct generator_share {
    uint32_t n_most;   /* rows; at least 1 */
    uint32_t n_beside; /* rows of others that ride in any case */
};

/**
 * Puts its rows for the next pass at rows[first ...]: some of the prompt, or the token drawn last
 * with guesses behind it.
 * @return 0; 1 when the generation has ended without one; or why nothing could be guessed or run.
 */
int generator_rows(struct generator *g, struct nmos_row *rows, size_t first,
                   const struct generator_share *share, uint32_t *ret_n) NMOS_MUST_CHECK;

/** Takes the logits of its row @p row_i, counted from its first one. */
int generator_logits(struct generator *g, size_t row_i, float *logits) NMOS_MUST_CHECK;

/** Commits what the pass has shown, and hands out text. @return 1 when the generation has ended, 0
 * to go on, or why it failed. */
int generator_advance(struct generator *g) NMOS_MUST_CHECK;

/** How far a generation has come. */
struct generator_progress {
    uint32_t fed; /* tokens of the prompt, in the session */
    uint32_t generated;
    uint32_t decode_passes;
};
void generator_progress(const struct generator *g, struct generator_progress *ret_progress);

/** What was done so far; `end` counts once the generation has ended. */
void generator_result(const struct generator *g, struct nmos_generation_result *ret_result);

#endif
