/* SPDX-License-Identifier: MIT */
#include "infer/guess_odds.h"

#include <math.h>

#define PRIOR_N 8.0F   /* observations that the first guess is worth */
#define N_MAX   256.0F /* older ones fade */
#define P_MIN   0.002F
#define P_MAX   0.985F /* below 1, so that a child is less likely than its parent */

static float clamp(float p)
{
    return p < P_MIN ? P_MIN : p > P_MAX ? P_MAX : p;
}

void guess_odds_init(struct guess_odds *odds)
{
    for (int i = 0; i < GUESS_BINS; i++) {
        /* A draft's share is taken at its word, a little less at the top; a match of n tokens goes
         * on with 1 - 1 / (n + 1). */
        odds->p[GUESS_DRAFT][i] = clamp(0.9F * powf(2.0F, -0.5F * ((float)i + 0.5F)));
        odds->p[GUESS_NGRAM][i] = clamp(0.8F * (1.0F - 1.0F / ((float)i + 1.5F)));
        odds->n[GUESS_DRAFT][i] = PRIOR_N;
        odds->n[GUESS_NGRAM][i] = PRIOR_N;
    }
}

int8_t guess_bin_of_share(float q)
{
    const float bin = q > 0.0F ? -2.0F * log2f(q) : (float)GUESS_BINS;
    return (int8_t)(bin < 0.0F ? 0.0F : bin > GUESS_BINS - 1 ? GUESS_BINS - 1 : bin);
}

int8_t guess_bin_of_match(uint32_t n_tokens)
{
    return (int8_t)(n_tokens < GUESS_BINS ? n_tokens : GUESS_BINS - 1);
}

float guess_odds_get(const struct guess_odds *odds, enum guess_source source, int8_t bin)
{
    return clamp(odds->p[source][bin]);
}

void guess_odds_learn(struct guess_odds *odds, enum guess_source source, int8_t bin, int was_right)
{
    float *p = &odds->p[source][bin];
    float *n = &odds->n[source][bin];
    if (*n < N_MAX) *n += 1.0F;
    *p += ((was_right ? 1.0F : 0.0F) - *p) / *n;
}
