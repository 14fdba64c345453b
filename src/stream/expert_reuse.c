/* SPDX-License-Identifier: MIT */
#include "stream/expert_reuse.h"

#include <math.h>

void expert_reuse_advance(struct expert_reuse *reuse)
{
    const float kept = (float)exp2(-1 / EXPERT_REUSE_LIFE);
    reuse->n_uses *= kept;
    for (uint32_t i = 0; i < EXPERT_REUSE_BINS; i++) reuse->n_at[i] *= kept;
}

void expert_reuse_count(struct expert_reuse *reuse, uint32_t n_hotter, uint32_t n_all)
{
    reuse->n_at[(uint64_t)n_hotter * EXPERT_REUSE_BINS / n_all] += 1;
    reuse->n_uses += 1;
}

void expert_reuse_count_first(struct expert_reuse *reuse)
{
    reuse->n_uses += 1;
}

double expert_reuse_hit_rate(const struct expert_reuse *reuse, double share)
{
    if (reuse->n_uses <= 0) return share;
    double n_hits = 0;
    for (uint32_t i = 0; i < EXPERT_REUSE_BINS; i++) {
        const double part = share * EXPERT_REUSE_BINS - i; /* of this bin */
        if (part > 0) n_hits += part < 1 ? part * reuse->n_at[i] : reuse->n_at[i];
    }
    return n_hits < reuse->n_uses ? n_hits / reuse->n_uses : 1;
}
