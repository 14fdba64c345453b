/* SPDX-License-Identifier: MIT */
/*
 * How many different experts passes of many rows want. Arithmetic only.
 *
 * A row uses few experts of a layer, many rows together use nearly all, and how many depends little
 * on the text. Passes are counted by powers of two of their rows; those of long ago count less.
 */
#ifndef NMOS_STREAM_EXPERT_REACH_H
#define NMOS_STREAM_EXPERT_REACH_H

#include <stdint.h>

#define EXPERT_REACH_SIZES 10U  /* 1 row, 2 or 3, 4 to 7, ... 512 and more */
#define EXPERT_REACH_LIFE  32.0 /* passes after which one counts half */

struct expert_reach {
    float n_passes;
    float n_experts; /* wanted by these passes, of all layers */
};

/** Counts a pass of @p n_rows rows that wanted @p n_experts. @p reach is [EXPERT_REACH_SIZES]. */
void expert_reach_count(struct expert_reach *reach, uint32_t n_rows, uint32_t n_experts);

/** How many experts of all layers passes of about @p n_rows rows wanted; 0: none was counted. */
double expert_reach_mean(const struct expert_reach *reach, uint32_t n_rows);

#endif
