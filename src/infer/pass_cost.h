/* SPDX-License-Identifier: MIT */
/*
 * What a pass costs, as a function of its rows: seconds(n) = (disk^4 + (fixed + row * n)^4)^(1/4).
 *
 * The roofline max(disk, fixed + row * n) with a round corner: layers differ, so where both take
 * about as long, now the one waits and now the other (both 1.3 s: passes took 1.5 to 1.6 s).
 * Fitted to the passes that were run: `disk` is what the disk needs for the bytes
 * that a pass streams, whatever rides in it; `fixed` and `row` are of computing, a line through the
 * passes of late (least squares, older ones fade).
 */
#ifndef NMOS_INFER_PASS_COST_H
#define NMOS_INFER_PASS_COST_H

#include <stdint.h>

/* Of what the disk takes: so much computing is sure to be hidden behind it. */
#define PASS_COST_FREE_SHARE 0.85

struct pass_cost {
    double disk_s; /* 0: nothing is streamed */
    /* Faded sums over passes of n rows that computed for t seconds: of 1, n, n^2, t, n t. */
    double sum_1;
    double sum_n;
    double sum_nn;
    double sum_t;
    double sum_nt;
};

/** Takes the computing of a pass into account: its time without waiting for weights. */
void pass_cost_learn(struct pass_cost *cost, uint32_t n_rows, double compute_s);

/** Takes a measurement of what the disk needs for a pass into account. */
void pass_cost_learn_disk(struct pass_cost *cost, double disk_s);

/** Predicted seconds of a pass of @p n_rows rows; 0 before anything was learnt. */
double pass_cost_seconds(const struct pass_cost *cost, double n_rows);

/** Rows whose computing takes at most @p share of what a pass of one row takes. At least 1. */
uint32_t pass_cost_rows(const struct pass_cost *cost, double share, uint32_t n_max);

#endif
