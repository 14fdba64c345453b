/* SPDX-License-Identifier: MIT */
#include "stream/expert_reach.h"

#include <math.h>

static uint32_t size_of(uint32_t n_rows)
{
    uint32_t size = 0;
    while (size + 1 < EXPERT_REACH_SIZES && n_rows >> size > 1) size++;
    return size;
}

void expert_reach_count(struct expert_reach *reach, uint32_t n_rows, uint32_t n_experts)
{
    const float kept = (float)exp2(-1 / EXPERT_REACH_LIFE);
    struct expert_reach *of = &reach[size_of(n_rows)];
    of->n_passes = of->n_passes * kept + 1;
    of->n_experts = of->n_experts * kept + (float)n_experts;
}

double expert_reach_mean(const struct expert_reach *reach, uint32_t n_rows)
{
    const struct expert_reach *of = &reach[size_of(n_rows)];
    return of->n_passes > 0 ? (double)of->n_experts / (double)of->n_passes : 0;
}
