/* SPDX-License-Identifier: MIT */
/*
 * What a pass costs, as a function of its rows: seconds(n) = max(disk, fixed + row * n).
 *
 * The roofline, fitted to the passes that were run: `disk` is what a pass takes while streaming
 * binds, whatever rides in it; `fixed` and `row` are of computing. Waiting for weights is known, so
 * both are seen in the same passes.
 */
#ifndef NMOS_INFER_PASS_COST_H
#define NMOS_INFER_PASS_COST_H

#include <stdint.h>

/** A running mean of passes of similar size. */
struct pass_mean {
    double rows;
    double seconds;
    uint32_t n;
};

struct pass_cost {
    double disk_s;         /* 0: nothing waits for the disk */
    struct pass_mean few;  /* compute of passes of up to PASS_ROWS_FEW rows */
    struct pass_mean many; /* of the others */
};

#define PASS_ROWS_FEW 3U

/** Takes a pass into account: @p wall_s in all, of which @p stall_s waiting for weights. */
void pass_cost_learn(struct pass_cost *cost, uint32_t n_rows, double wall_s, double stall_s);

/** Predicted seconds of a pass of @p n_rows rows; 0 before anything was learnt. */
double pass_cost_seconds(const struct pass_cost *cost, double n_rows);

/** Rows that ride for at most @p slack more than one row takes. At least 1. */
uint32_t pass_cost_rows(const struct pass_cost *cost, double slack, uint32_t n_max);

#endif
