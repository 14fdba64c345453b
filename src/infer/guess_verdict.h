/* SPDX-License-Identifier: MIT */
/*
 * Whether guessing pays: tokens a second of the steps with guesses, against those of passes of one
 * row.
 *
 * A trial looks at a few steps. Where they lose, guessing pauses; each time for four times as many
 * steps, as a trial costs what it loses. Where they win, it goes on and is judged at every step.
 * What one generation has shown holds for the next: short answers would be all trial.
 * Arithmetic only; one owner.
 */
#ifndef NMOS_INFER_GUESS_VERDICT_H
#define NMOS_INFER_GUESS_VERDICT_H

#include <stdint.h>

struct guess_verdict {
    double tokens; /* running means of one step with guesses */
    double seconds;
    uint32_t n_steps;    /* since guessing began (again) */
    uint32_t n_pause;    /* steps to go without guesses */
    uint32_t next_pause; /* 0: the shortest */
};

/** Whether the step that begins is one without guesses; counts it. */
int guess_verdict_pauses(struct guess_verdict *v);

/** Takes a step with guesses into account. @param plain_s  what a pass of one row would take. */
void guess_verdict_learn(struct guess_verdict *v, uint32_t n_tokens, double seconds,
                         double plain_s);

#endif
