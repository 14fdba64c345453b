/* SPDX-License-Identifier: MIT */
/*
 * What is worth doing before Enter, and when: arithmetic only.
 *
 * A pass over streamed weights costs the whole stream of them, for one row as for many, and one
 * that is given up half-way has read its bytes for nothing. With P the seconds of the pass that the
 * answer's first token needs, and D those from the last key to Enter, words can come P - D after
 * Enter, if that pass begins with the last key. But which key is the last one is known only
 * afterwards. So:
 *
 * - Weights that are to stay in memory are read first (the caller's part). A pass meanwhile would
 *   read others beside them, which the next pass has to read again.
 * - The Enter branch begins when nothing was typed for a while: HOLD_SHARE of P, so that waiting
 *   costs few of the seconds that are won, and at most what the person usually takes for a key.
 *   Where a word is still to come, Enter is unlikely, and the while is longer.
 * - Tokens that stay whatever is typed behind them are read ahead only where that makes the pass
 *   behind Enter shorter, by PREFIX_GAIN of a pass: below what one pass carries anyway they cost
 *   nothing there, and a pass for them costs a whole stream.
 * - A pass whose text has changed is given up, unless to finish it and to run only what it lacks
 *   comes sooner than to begin anew (typing_should_finish()).
 */
#ifndef NMOS_ENGINE_TYPING_PACE_H
#define NMOS_ENGINE_TYPING_PACE_H

#include <stddef.h>
#include <stdint.h>

#include "infer/pass_cost.h"

/** How fast a person types. */
struct typing_rhythm {
    double usual_s; /* upper quartile of the seconds between two keys */
};

/** That of many people: 0.28 s (their quartile over 436,000 keys of essays and copied text). */
void typing_rhythm_init(struct typing_rhythm *rhythm);

/** A key came @p interval_s after the one before it. Pauses above 2 s tell nothing of keys. */
void typing_rhythm_learn(struct typing_rhythm *rhythm, double interval_s);

/** Seconds of the passes that @p n_rows rows take, at most @p rows_max in each; 0: not known yet.
 */
double typing_seconds(const struct pass_cost *cost, size_t n_rows, uint32_t rows_max);

enum typing_step { TYPING_REST, TYPING_PREFIX, TYPING_BRANCH };

/** The line as it stands. */
struct typing_view {
    const struct pass_cost *cost;
    uint32_t rows_max;
    size_t n_new;     /* tokens of the prompt that the session has not read */
    size_t n_stable;  /* of them, those that no further typing at the end can change */
    int is_blank;     /* nothing but blanks is typed */
    int expects_more; /* the text ends in what a word follows: a blank, a comma */
    int saves_power;  /* no answer is begun, and the prompt is read in larger pieces */
    double usual_s;   /* of the rhythm */
};

/**
 * What to do while nothing is typed.
 * @param ret_hold_s  seconds after the last key before which it should not begin.
 */
enum typing_step typing_choose(const struct typing_view *view, double *ret_hold_s);

/** A running pass, or passes, of a job that the wanted prompt has only a beginning of in common. */
struct typing_job_view {
    const struct pass_cost *cost;
    uint32_t rows_max;
    double elapsed_s; /* since it began; negative: it has not */
    size_t n_job;     /* tokens that it reads */
    size_t n_new;     /* of the wanted prompt that the session has not read now ... */
    size_t n_after;   /* ... and those that it will not have read when the job has */
};

/** Whether words come sooner when the job may finish reading than when it is given up now. */
int typing_should_finish(const struct typing_job_view *job);

#endif
