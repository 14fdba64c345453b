/* SPDX-License-Identifier: MIT */
/*
 * Guessing ahead: what rides in the next pass behind the token that was drawn last.
 *
 * A pass over streamed weights takes as long for many rows as for one, so guessed tokens ride
 * along, and those that the target would have drawn itself are won. Guesses come from the text
 * (draft_ngram.h) and from a draft model, which grows a tree, likeliest nodes first, in batches
 * (SpecExec, arXiv:2406.02532, with the shares of keyed scores in place of probabilities, and odds
 * that are learnt). How many ride is decided by the roofline (pass_cost.h): the number that
 * promises the most tokens a second. Guesses change speed only: the target's own keyed samples
 * decide (invariant I2).
 */
#ifndef NMOS_ENGINE_SPECULATION_H
#define NMOS_ENGINE_SPECULATION_H

#include <nmos/nmos.h>

#include "infer/guess_tree.h"
#include "infer/sampler.h"

struct speculation;

/**
 * Guesses for a session.
 * @param model   of the sessions; its draft is used where it has one.
 * @param accept  by rejection: the draft draws a chain. How far it goes is decided before each
 * token is drawn, and never by time: all of it must ride, and the text depends on the seed alone.
 * @param params  with which the target's tokens are drawn; copied.
 */
int speculation_create(struct nmos_model *model, enum nmos_spec mode, enum nmos_accept accept,
                       const struct sampler_params *params,
                       struct speculation **ret_speculation) NMOS_MUST_CHECK;
void speculation_destroy(struct speculation **speculation);

/** From now on the odds are those of texts of an intent, as numbered in struct nmos_generation. */
void speculation_set_intent(struct speculation *s, uint32_t intent);

/** Begins for a session. Its past of the draft stays for the next time. */
int speculation_begin(struct speculation *s, struct nmos_session *session) NMOS_MUST_CHECK;

/** What is known before a pass. */
struct guess_step {
    int32_t root;           /* the token drawn behind the session's committed ones */
    const int32_t *history; /* [n_history] prompt and generated tokens, the root last, for the
                               penalties */
    size_t n_history;
    uint32_t n_room;      /* tokens that may still follow the root */
    uint32_t n_rows_most; /* rows of the pass for this session, the root included; at least 1 */
    uint32_t n_fixed;     /* so many ride, if there are so many; 0: as many as pay */
    uint32_t n_beside;    /* rows of other sessions that ride in any case */
};

/**
 * Guesses behind the root.
 * @param ret_n  nodes to verify: the first ones of tree->order; 0: none this time.
 * @return the tree, valid until the next call; NULL when the draft failed (the message says why).
 */
struct guess_tree *speculation_guess(struct speculation *s, const struct nmos_session *session,
                                     const struct guess_step *step, uint32_t *ret_n);

/**
 * Says how the model's last pass went.
 * @param path    [n_path] nodes of the tree that were right, from the root on.
 * @param drawn   the token behind the last of them.
 * @param n_rows  that this session had in the pass.
 */
int speculation_learn(struct speculation *s, const int32_t *path, uint32_t n_path, int32_t drawn,
                      uint32_t n_rows) NMOS_MUST_CHECK;

/** Where guesses are accepted by rejection: what the draft drew behind the first @p n tokens of its
 * chain; NULL behind the last one, and where they are not. */
const struct sampler_proposal *speculation_proposal(const struct speculation *s, uint32_t n);

/** Adds what was counted so far to a result. */
void speculation_report(const struct speculation *s, struct nmos_generation_result *result);

#endif
