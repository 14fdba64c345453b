/* SPDX-License-Identifier: MIT */
/*
 * How often guesses come true: the chance that a guess behind an accepted token is the target's
 * token too, learnt for each source by how sure the source was.
 *
 * Sureness is cut into bins: of a draft model, by the share q of its score, a bin for each factor
 * of sqrt(2); of a look-up in the text, by the length of the matching end. The chance of a bin is a
 * running mean of what happened, begun with a guess that counts as a few observations, so that it
 * follows the text at hand.
 */
#ifndef NMOS_INFER_GUESS_ODDS_H
#define NMOS_INFER_GUESS_ODDS_H

#include <stdint.h>

enum guess_source { GUESS_DRAFT, GUESS_NGRAM, GUESS_SOURCES };

#define GUESS_BINS 16

struct guess_odds {
    float p[GUESS_SOURCES][GUESS_BINS]; /* in (0, 1) */
    float n[GUESS_SOURCES][GUESS_BINS]; /* observations that p rests on, at most a few hundred */
};

void guess_odds_init(struct guess_odds *odds);

/** Bin of a draft's guess with share @p q in [0, 1]. */
int8_t guess_bin_of_share(float q);

/** Bin of a guess from a match of @p n_tokens tokens. */
int8_t guess_bin_of_match(uint32_t n_tokens);

/** Chance that a guess of this bin is right, given that its parent was. */
float guess_odds_get(const struct guess_odds *odds, enum guess_source source, int8_t bin);

/** Takes into account that a guess was right or not. */
void guess_odds_learn(struct guess_odds *odds, enum guess_source source, int8_t bin, int was_right);

#endif
