/* SPDX-License-Identifier: MIT */
/*
 * From logits to a token: filters, then keyed Gumbel-max.
 *
 *   1. logit_bias: l_t += b_t
 *   2. penalties, for each token among the last SAMPLER_WINDOW of the history: l_t = l_t > 0 ? l_t
 * / R : l_t * R, then l_t -= presence + frequency * (times it occurs there)
 *   3. temperature 0: the largest l_t, and among equals the lowest id
 *   4. top-k: the k largest; top-p: of those, the fewest largest whose probability reaches P;
 * min-p: of those, all with at least P times the probability of the largest. Probabilities are
 * softmax(l), before temperature.
 *   5. argmax over what is left of l_t / T + g(seed, position, t), g = -ln(-ln u) with u uniform in
 * (0, 1)
 *
 * The result is a sample of softmax(l / T) over what is left (Gumbel 1954; Maddison et al. 2014,
 * arXiv:1411.0030). The noise depends on seed, position and token only (invariant I2): whoever
 * computes the same logits for the same position draws the same token, in whatever pass and order.
 * After sampler_create() nothing is allocated.
 */
#ifndef NMOS_INFER_SAMPLER_H
#define NMOS_INFER_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SAMPLER_WINDOW   64U /* tokens of the history that penalties look at */
#define SAMPLER_BIAS_MAX 1024U

struct sampler_bias {
    int32_t token;
    float value;
};

struct sampler_params {
    float temp;              /* 0: greedy */
    uint32_t top_k;          /* 0: off */
    float top_p;             /* 1: off */
    float min_p;             /* 0: off */
    float repeat_penalty;    /* 1: off */
    float presence_penalty;  /* 0: off */
    float frequency_penalty; /* 0: off */
    uint64_t seed;
    const struct sampler_bias *bias; /* [n_bias], copied */
    size_t n_bias;
};

struct sampler;

/** @return 0; NMOS_E_INVALID naming a parameter out of range; NMOS_E_NOMEM. */
int sampler_create(const struct sampler_params *params, uint32_t n_vocab,
                   struct sampler **ret_sampler) NMOS_MUST_CHECK;
void sampler_destroy(struct sampler **sampler);

/**
 * Draws the token of one position.
 * @param logits    [n_vocab]; changed by bias and penalties. NaN counts as impossible, +inf as
 *                  certain.
 * @param history   the tokens before this position, oldest first; [n_history].
 * @param position  of the token that is drawn, counted from 0 in its session.
 * @return the token, or NMOS_E_CORRUPT when every logit is NaN or -inf.
 * @note One thread per sampler.
 */
int32_t sampler_draw(struct sampler *sampler, float *logits, const int32_t *history,
                     size_t n_history, uint64_t position);

/** A token that a draft expects, and how sure it is. */
struct sampler_guess {
    int32_t token;
    float q; /* share of e^score among the candidates */
};

/**
 * The tokens that sampler_draw() would draw from these logits or from similar ones: the largest
 * scores, best first. A score is l_t / T + g(seed, position, t) over what the filters leave, l_t at
 * temperature 0. Two models that share the noise draw the same token more often than chance would
 * have it (common random numbers), so a draft's guesses are ranked with the noise of the position.
 * Parameters as sampler_draw(); @p ret_guesses [n_most].
 * @return the number of guesses, at most @p n_most; 0 when no token has a score.
 */
uint32_t sampler_rank(struct sampler *sampler, float *logits, const int32_t *history,
                      size_t n_history, uint64_t position, struct sampler_guess *ret_guesses,
                      uint32_t n_most);

#define SAMPLER_SHARES_MAX 64U

/** A token that a draft has drawn, and from what. */
struct sampler_proposal {
    int32_t token;
    uint32_t n;
    struct sampler_share {
        int32_t token;
        float q; /* its probability was this; they sum to 1 */
    } shares[SAMPLER_SHARES_MAX];
};

/**
 * Draws a token from softmax(l / T) over what the filters leave of a draft's logits, at most the
 * SAMPLER_SHARES_MAX largest, with noise of its own: independent of sampler_draw() and
 * sampler_accept() at any position. Parameters as sampler_draw().
 * @return 1, or 0 when no token has a score.
 */
int sampler_propose(struct sampler *sampler, float *logits, const int32_t *history,
                    size_t n_history, uint64_t position, struct sampler_proposal *ret_proposal);

/**
 * Draws the token of one position by rejection sampling (arXiv:2211.17192, 2302.01318): with p the
 * distribution of sampler_draw() and q that of the proposal x, x itself with probability
 * min(1, p(x) / q(x)), else a token of max(p - q, 0) / sum. The result is a sample of p, whatever q
 * is, provided that nothing but the position's earlier tokens decided whether x was proposed. At
 * temperature 0 it is the largest logit. Parameters and errors as sampler_draw().
 * @return the token; it is that of the proposal if, and only if, that was accepted.
 */
int32_t sampler_accept(struct sampler *sampler, float *logits, const int32_t *history,
                       size_t n_history, uint64_t position,
                       const struct sampler_proposal *proposal);

/** Gumbel noise of a token: -ln(-ln u(seed, position, token)). Pure. */
double sampler_noise(uint64_t seed, uint64_t position, int32_t token);

#endif
