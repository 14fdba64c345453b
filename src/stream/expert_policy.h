/* SPDX-License-Identifier: MIT */
/*
 * Which expert to keep: decayed counts of use. Arithmetic only.
 *
 * The heat of an expert is its number of uses by rows, each halved for every half_life rows that
 * its layer has seen since (LRFU: Lee et al., IEEE Trans. Computers 50(12), 2001). A short
 * half-life serves to decide what to evict, a long one tells habits. Heats are kept as logarithms
 * to a fixed point in time, so that none has to be touched as time passes. Counts are of all
 * experts, those not in memory too.
 *
 * Every layer has a clock of its own. In a pass of many half-lives the layers that are still to
 * come would otherwise look cold beside those that have just been visited, and what they are about
 * to want would be evicted for what is wanted only in the next pass.
 *
 * Layers come round in order. Of two experts with the same heat, the one whose layer comes later is
 * worth less, because it may be evicted before its turn anyway: up to EXPERT_DISTANCE_COST for a
 * whole round.
 */
#ifndef NMOS_STREAM_EXPERT_POLICY_H
#define NMOS_STREAM_EXPERT_POLICY_H

#include <stdint.h>

#include "base/error.h"

#define EXPERT_HALF_LIFE     24.0   /* rows */
#define EXPERT_HABIT_LIFE    4096.0 /* rows */
#define EXPERT_DISTANCE_COST 0.25   /* of log2(heat) */
#define EXPERT_HEAT_NONE     (-1e300)

struct expert_policy {
    uint32_t n_layers;
    uint32_t n_experts;
    double half_life; /* rows */
    double *now;      /* [n_layers] half-lives since the beginning */
    double *score;    /* [n_layers][n_experts] log2 of sum of n * 2^(time of use) */
};

int expert_policy_init(struct expert_policy *policy, uint32_t n_layers, uint32_t n_experts,
                       double half_life) NMOS_MUST_CHECK;
void expert_policy_deinit(struct expert_policy *policy);

/** A layer sees @p n_rows more rows. */
void expert_policy_advance(struct expert_policy *policy, uint32_t layer_i, uint32_t n_rows);

/** Counts that @p n_rows rows use an expert now. */
void expert_policy_use(struct expert_policy *policy, uint32_t layer_i, uint32_t expert_i,
                       double n_rows);

/** What an expert is worth when layer @p now_i has just been given its experts: the one with the
 * least goes first. */
double expert_policy_worth(const struct expert_policy *policy, uint32_t now_i, uint32_t layer_i,
                           uint32_t expert_i);

/** log2 of the decayed number of uses; at most EXPERT_HEAT_NONE for none. */
double expert_policy_log_heat(const struct expert_policy *policy, uint32_t layer_i,
                              uint32_t expert_i);

/** Decayed number of uses now, 0 for none. */
double expert_policy_heat(const struct expert_policy *policy, uint32_t layer_i, uint32_t expert_i);

/** Sets the decayed number of uses. */
void expert_policy_set_heat(struct expert_policy *policy, uint32_t layer_i, uint32_t expert_i,
                            double heat);

#endif
