/* SPDX-License-Identifier: MIT */
/*
 * What guessing may cost: `auto` risks on guesses only what it has put aside.
 *
 * A share of the time of every token is put aside, and what guesses have won joins it. A step with
 * guesses is allowed where the most that it can lose, which is all that it costs beyond a pass of
 * one row, is there. So tokens a second stay above 1 / (1 + share) of those without guesses, but
 * for half a pass that is there from the start, whatever is guessed. Where passes are long beside
 * what guesses cost, as streamed ones are, that half allows them from the first step; where a draft
 * must read a prompt beside a model in memory, it is saved up for. Where guesses lose, less is put
 * aside. What one generation has won or lost holds for the next.
 * Arithmetic only; one owner.
 */
#ifndef NMOS_INFER_GUESS_CREDIT_H
#define NMOS_INFER_GUESS_CREDIT_H

#include <stdint.h>

#define GUESS_CREDIT_SHARE 0.03 /* of the time of a token: put aside */
#define GUESS_CREDIT_FIRST 0.5  /* passes of one row that are there from the start */

struct guess_credit {  /* all zero at first */
    double spare_s;    /* put aside, without what was there from the start; below 0: owed */
    double wanted_s;   /* what was refused last: so much is saved up */
    uint32_t halvings; /* of the share, since guesses won */
};

/** Seconds that the next step may lose. @param plain_s  what a pass of one row would take. */
double guess_credit_most(const struct guess_credit *credit, double plain_s);

/** Whether a step may lose @p cost_s more seconds than a pass of one row takes; a refused cost is
 * saved up for. */
int guess_credit_allows(struct guess_credit *credit, double cost_s, double plain_s);

/** Takes a step into account. @param n_tokens  drawn by it, at least 1.
 * @param seconds  it took, guessing included; @p plain_s where nothing was guessed. */
void guess_credit_settle(struct guess_credit *credit, uint32_t n_tokens, double seconds,
                         double plain_s);

#endif
