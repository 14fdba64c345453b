/* SPDX-License-Identifier: MIT */
/*
 * How often guesses come true: the chance that a guess behind an accepted token is the target's
 * token too, learnt by who guessed it and how sure they were.
 *
 * Sureness is cut into bins: of a draft model, by the share q of its score, a bin for each doubling
 * of q / (1 - q), its first choices apart from the others; of a look-up in the text, by the length
 * of the matching end. What both guess has chances of its own: it is right far more often than
 * either alone. The chance of a bin is a running mean of what happened, begun with a guess that
 * counts as a few observations, so that it follows the text at hand.
 *
 * Odds of some texts apart, those of one intent, begin in each bin with those of all texts, which
 * go on to count as a few observations.
 */
#ifndef NMOS_INFER_GUESS_ODDS_H
#define NMOS_INFER_GUESS_ODDS_H

#include <stdint.h>

enum guess_source { GUESS_DRAFT, GUESS_NGRAM, GUESS_SOURCES };

#define GUESS_BINS 32

/* By the bin of the draft, of the look-up, or of the look-up where the draft guesses it too. */
#define GUESS_BOTH  GUESS_SOURCES
#define GUESS_KINDS (GUESS_SOURCES + 1)

struct guess_odds {
    float p[GUESS_KINDS][GUESS_BINS]; /* in (0, 1) */
    float n[GUESS_KINDS][GUESS_BINS]; /* observations that p rests on, at most a few hundred */
    struct guess_odds *all;           /* of all texts; NULL: these are */
};

/** @param is_greedy  that the target draws at temperature 0: then a draft's first choice is right
 * more often than its share says. */
void guess_odds_init(struct guess_odds *odds, int is_greedy);

/** Begins odds of some texts apart; @p all: of all texts, borrowed. */
void guess_odds_init_apart(struct guess_odds *odds, struct guess_odds *all);

/** Whether the numbers are ones that can have been learnt. */
int guess_odds_are_sound(const struct guess_odds *odds);

/** Observations that the odds rest on, but for those of all texts. */
uint32_t guess_odds_count(const struct guess_odds *odds);

/** Bin of a draft's guess with share @p q in [0, 1]; @p is_first: its best one. */
int8_t guess_bin_of_share(float q, int is_first);

/** Bin of a guess from a match of @p n_tokens tokens. */
int8_t guess_bin_of_match(uint32_t n_tokens);

/** Chance that a guess is right, given that its parent was. @param bins  [GUESS_SOURCES] of those
 * who guessed it, -1 for others; not all -1. */
float guess_odds_get(const struct guess_odds *odds, const int8_t *bins);

/** Takes into account that a guess was right or not, among all texts too. */
void guess_odds_learn(struct guess_odds *odds, const int8_t *bins, int was_right);

#endif
