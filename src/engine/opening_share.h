/* SPDX-License-Identifier: MIT */
/*
 * How much is read ahead of which opening: arithmetic only.
 *
 * A conversation may begin with one of several system prompts, and which one is known at Enter.
 * While the first message is typed, rounds of passes read on in them. A round is short, so that a
 * branch or a change of mind waits for little; its rows are shared out by how likely each opening
 * is, and one that is not worth a pass gets none:
 *
 *     p * (seconds with its tokens behind Enter - seconds without) >= GAIN * a pass of one row
 *
 * So where passes wait for the disk, and a short system prompt rides for nothing behind Enter, it
 * is left alone; where computing binds, even an unlikely one is worth reading.
 */
#ifndef NMOS_ENGINE_OPENING_SHARE_H
#define NMOS_ENGINE_OPENING_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "infer/pass_cost.h"

/** An opening that is not read to its end. */
struct opening_share {
    double p;        /* how likely it is, 0..1 */
    uint32_t n_left; /* tokens of it that are not read */
    uint32_t n_rows; /* the result */
};

/** Whether reading @p n_left tokens ahead, of an opening with probability @p p, is worth passes:
 * @p n_behind more tokens stand behind it when Enter comes. */
int opening_is_worth(const struct pass_cost *cost, uint32_t rows_max, double p, uint32_t n_left,
                     uint32_t n_behind);

/** Rows of a round: a pass of so many takes a little longer than one of one row, or about as long
 * as the person takes for a key, @p usual_s, where that is more. 1 to @p rows_max. */
uint32_t opening_round_rows(const struct pass_cost *cost, uint32_t rows_max, double usual_s);

/**
 * Shares out @p n_rows rows in proportion to probability, by D'Hondt's method: each row goes to
 * the opening with the most p / (rows that it has + 1), the earlier one of equals, none beyond
 * n_left. So the likeliest is the first to get one, and what a short one does not need goes to the
 * others. Openings with p = 0 get none.
 */
void opening_share(struct opening_share *of, size_t n, uint32_t n_rows);

#endif
