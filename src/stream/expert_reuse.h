/* SPDX-License-Identifier: MIT */
/*
 * How much of what passes want a cache of experts of any size would have had. Arithmetic only.
 *
 * A cache that evicts by heat (expert_policy.h) holds the hottest experts, as many as it has slots:
 * an expert whose heat grows has just been used, so it is there. Hence a use finds its expert in
 * every cache with more slots than there are hotter experts, and a count of uses by that rank tells
 * the hit rate of every size (Mattson et al., IBM Systems Journal 9(2), 1970). Ranks are counted
 * within a class (expert_slots.h) and kept as shares of it. Uses of long ago count less.
 */
#ifndef NMOS_STREAM_EXPERT_REUSE_H
#define NMOS_STREAM_EXPERT_REUSE_H

#include <stdint.h>

#define EXPERT_REUSE_BINS 256U
#define EXPERT_REUSE_LIFE 128.0 /* passes after which a use counts half */

struct expert_reuse {
    float n_uses;                  /* all, those of experts never used before too */
    float n_at[EXPERT_REUSE_BINS]; /* of rank [i, i + 1) / EXPERT_REUSE_BINS of the class */
};

/** One more pass is to be counted. */
void expert_reuse_advance(struct expert_reuse *reuse);

/** Counts the use of an expert than which @p n_hotter of @p n_all are hotter. */
void expert_reuse_count(struct expert_reuse *reuse, uint32_t n_hotter, uint32_t n_all);

/** Counts the first use of an expert ever: no cache has it. */
void expert_reuse_count_first(struct expert_reuse *reuse);

/** The share of uses that slots for @p share of all experts would have found; where nothing has
 * been counted, @p share itself: that of experts used all alike. */
double expert_reuse_hit_rate(const struct expert_reuse *reuse, double share);

#endif
