/* SPDX-License-Identifier: MIT */
/*
 * Who rides in a pass, and with how many rows: arithmetic only.
 *
 * Answers come first, work ahead of need gets what costs nothing beside them. Within a class the
 * order is that of the shortest expected remaining work, but who was left out of PASS_PATIENCE
 * passes in a row goes before all that were not, the longest left out first, with one row at least.
 * So with J answers and passes of R rows, none is left out more than PASS_PATIENCE + ceil(J / R)
 * times in a row: behind those that have waited longer, R of whom ride each time and then have
 * waited less.
 */
#ifndef NMOS_ENGINE_PASS_PLAN_H
#define NMOS_ENGINE_PASS_PLAN_H

#include <stdint.h>

#include "infer/pass_cost.h"

#define PASS_PATIENCE 4U

struct rider {
    uint32_t n_wanted; /* rows of a prompt that are left; of a running generation 1 */
    int is_prompt;
    int is_ahead;        /* of need: beside answers, only for nothing */
    uint32_t n_left_out; /* passes in a row that it was left out of */
    double expected;     /* passes until it has finished, estimated */
    uint64_t number;     /* of submission, for ties */
    uint32_t job_i;      /* whose it is */
    uint32_t n_rows;     /* the result; a generation's guesses come on top */
};

/**
 * Sorts the riders by who goes first and fills in their rows, at most @p rows_max together.
 * @param cost  what passes take; where answers run beside prompts, these get so many rows that the
 *              pass takes at most twice as long as without, or a quarter of rows_max.
 * @return the rows granted.
 */
uint32_t pass_plan(struct rider *riders, uint32_t n_riders, const struct pass_cost *cost,
                   uint32_t rows_max);

#endif
