/* SPDX-License-Identifier: MIT */
#include "infer/guess_odds.h"

#include <math.h>
#include <stddef.h>

#define PRIOR_N 8.0F   /* observations that the first guess is worth */
#define N_MAX   256.0F /* older ones fade */
#define P_MIN   0.002F
#define P_MAX   0.985F /* below 1, so that a child is less likely than its parent */

/* Bins of a draft, by log2(q / (1 - q)): its first choices, q from 1/65 up, then the others, q up
 * to 1/2. */
#define BINS_FIRST  16
#define FIRST_LEAST (-6.0F)
#define OTHER_LEAST (-15.0F)

static float clamp(float p)
{
    return p < P_MIN ? P_MIN : p > P_MAX ? P_MAX : p;
}

/* The share in the middle of a draft's bin. */
static float share_of_bin(int bin)
{
    const float from =
        bin < BINS_FIRST ? FIRST_LEAST + (float)bin : OTHER_LEAST + (float)(bin - BINS_FIRST);
    return 1.0F / (1.0F + powf(2.0F, -(from + 0.5F)));
}

void guess_odds_init(struct guess_odds *odds, int is_greedy)
{
    odds->all = NULL;
    for (int i = 0; i < GUESS_BINS; i++) {
        /* A draft's share is taken at its word, a little less at the top; where the target is
         * greedy, so that the largest share decides, its root. A match of n tokens goes on with
         * 1 - 1 / (n + 1), and what the draft guesses too fails half as often. */
        const float q = share_of_bin(i);
        const float match = 1.0F - 1.0F / ((float)i + 1.5F);
        odds->p[GUESS_DRAFT][i] = clamp(0.9F * (is_greedy && i < BINS_FIRST ? sqrtf(q) : q));
        odds->p[GUESS_NGRAM][i] = clamp(0.8F * match);
        odds->p[GUESS_BOTH][i] = clamp(0.5F + 0.5F * match);
        for (int kind = 0; kind < GUESS_KINDS; kind++) odds->n[kind][i] = PRIOR_N;
    }
}

void guess_odds_init_apart(struct guess_odds *odds, struct guess_odds *all)
{
    *odds = (struct guess_odds){.all = all};
}

int guess_odds_are_sound(const struct guess_odds *odds)
{
    for (int kind = 0; kind < GUESS_KINDS; kind++) {
        for (int i = 0; i < GUESS_BINS; i++) {
            const float p = odds->p[kind][i];
            const float n = odds->n[kind][i];
            if (!(p >= 0.0F && p <= 1.0F && n >= 0.0F && n <= N_MAX)) return 0;
        }
    }
    return 1;
}

uint32_t guess_odds_count(const struct guess_odds *odds)
{
    float n = 0.0F;
    for (int kind = 0; kind < GUESS_KINDS; kind++) {
        for (int i = 0; i < GUESS_BINS; i++) n += odds->n[kind][i];
    }
    return (uint32_t)n;
}

int8_t guess_bin_of_share(float q, int is_first)
{
    const float most = is_first ? (float)(BINS_FIRST - 1) : (float)(GUESS_BINS - BINS_FIRST - 1);
    const float bin = log2f(q / (1.0F - q)) - (is_first ? FIRST_LEAST : OTHER_LEAST);
    const float in_range = bin > 0.0F ? fminf(bin, most) : 0.0F; /* NaN is 0 */
    return (int8_t)((int)in_range + (is_first ? 0 : BINS_FIRST));
}

int8_t guess_bin_of_match(uint32_t n_tokens)
{
    return (int8_t)(n_tokens < GUESS_BINS ? n_tokens : GUESS_BINS - 1);
}

static int kind_of(const int8_t *bins)
{
    if (bins[GUESS_NGRAM] < 0) return GUESS_DRAFT;
    return bins[GUESS_DRAFT] < 0 ? GUESS_NGRAM : GUESS_BOTH;
}

static int bin_of(const int8_t *bins)
{
    return bins[GUESS_NGRAM] < 0 ? bins[GUESS_DRAFT] : bins[GUESS_NGRAM];
}

float guess_odds_get(const struct guess_odds *odds, const int8_t *bins)
{
    const float p = odds->p[kind_of(bins)][bin_of(bins)];
    const float n = odds->n[kind_of(bins)][bin_of(bins)];
    if (!odds->all) return clamp(p);
    const float p_all = odds->all->p[kind_of(bins)][bin_of(bins)];
    return clamp((n * p + PRIOR_N * p_all) / (n + PRIOR_N));
}

static void learn(struct guess_odds *odds, int kind, int bin, int was_right)
{
    float *p = &odds->p[kind][bin];
    float *n = &odds->n[kind][bin];
    if (*n < N_MAX) *n += 1.0F;
    *p += ((was_right ? 1.0F : 0.0F) - *p) / *n;
}

void guess_odds_learn(struct guess_odds *odds, const int8_t *bins, int was_right)
{
    learn(odds, kind_of(bins), bin_of(bins), was_right);
    if (odds->all) learn(odds->all, kind_of(bins), bin_of(bins), was_right);
}
