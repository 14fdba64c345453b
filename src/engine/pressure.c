/* SPDX-License-Identifier: MIT */
/*
 * Less memory than was planned: weights are given back instead of the process being killed.
 *
 * The order of pinning does not depend on the bound (stream/placement.h), so a smaller bound pins a
 * beginning of what is pinned: nothing is loaded anew but the ring. KV cache and scratch stay.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/hardware.h"
#include "engine/model.h"
#include "infer/weight_source.h"

#define WATCH_NS      250000000U
/* With so much of the time lost to waiting for memory, what is spare is too little. */
#define STALL_MAX     0.1
/* What should be spare: 1/32 of the bound, or 64 MiB, but not more than 1/8. More is given back at
 * a time, so that this is rare. */
#define RESERVE_MIN   (64ULL << 20)
#define RESERVES_MADE 2U

/* A cgroup of exactly the bound has nothing spare from the beginning, and page tables and the page
 * cache take a little of it; that much below what was spare then is no shortage. */
static int64_t drift_of(uint64_t bound)
{
    return (int64_t)(bound / 256 + (8U << 20));
}

static uint64_t reserve_of(uint64_t bound)
{
    if (bound / 32 > RESERVE_MIN) return bound / 32;
    return bound / 8 < RESERVE_MIN ? bound / 8 : RESERVE_MIN;
}

/* What pins and all else may fill; not the memory that stands in for a device's. */
static uint64_t possible_bytes(const struct nmos_model *model)
{
    const uint64_t all = hardware_resident_bytes() + hardware_free_bytes();
    const uint64_t device = tiers_stand_in_bytes(&model->tiers);
    return all > device ? all - device : 0;
}

void model_note_spare(struct nmos_model *model)
{
    const uint64_t bound = model->split.ram_bytes;
    const uint64_t possible = possible_bytes(model);
    const int64_t spare = (int64_t)possible - (int64_t)bound;
    const int64_t least = -2 * drift_of(bound); /* less was never there: act at once */
    model->spare_bytes = spare < least ? least : spare;
}

/* Places the weights anew under split.ram_bytes, or the least that works; experts stay in a cache
 * or out of it. */
static int place(struct nmos_model *model, struct weight_plan *ret_plan)
{
    const enum expert_place where = model->experts ? EXPERTS_IN_CACHE : EXPERTS_IN_EXTENTS;
    const int rc =
        weight_plan_make(&model->split, model->map, &model->tiers, where, &model->habits, ret_plan);
    if (rc != NMOS_E_NOMEM || ret_plan->least_bytes == 0) return rc;
    model->split.ram_bytes = budget_bound_for(&model->split, ret_plan->least_bytes);
    return weight_plan_make(&model->split, model->map, &model->tiers, where, &model->habits,
                            ret_plan);
}

static uint64_t weights_in_memory(const struct nmos_model *model)
{
    return model->info.pinned_bytes + model->info.expert_bytes;
}

int nmos_model_shrink(struct nmos_model *model, uint64_t ram_bytes)
{
    const uint64_t old_ram_bytes = model->split.ram_bytes;
    struct weight_plan plan;
    if (ram_bytes >= old_ram_bytes) return 0;
    model->split.ram_bytes = ram_bytes;
    int rc = place(model, &plan);
    const int pins_less = rc == 0 && plan.placement.pinned_bytes < model->info.pinned_bytes;
    const int caches_less = rc == 0 && plan.expert_bytes < model->info.expert_bytes;
    if (pins_less) {
        rc = weight_source_shrink(model->weights, &plan.extents, plan.placement.ring_bytes);
    }
    if (rc == 0 && caches_less) {
        expert_cache_shrink(expert_source_cache(model->experts), plan.expert_bytes);
    }
    if (rc == 0) {
        model->stats.shrinks += pins_less || caches_less;
        model_note_plan(model, &plan);
        model_note_spare(model);
    } else {
        model->split.ram_bytes = old_ram_bytes; /* so that a later call tries again */
    }
    weight_plan_deinit(&plan);
    return rc;
}

/* The bound that the system's memory allows now; UINT64_MAX: there is no need to act. */
static uint64_t bound_now(const struct nmos_model *model)
{
    const uint64_t bound = model->split.ram_bytes;
    const uint64_t possible = possible_bytes(model);
    /* A bound beyond what the machine has is no reason to spare a part of that much. */
    const int64_t reserve = (int64_t)reserve_of(bound < possible ? bound : possible);
    const int64_t spare = (int64_t)possible - (int64_t)bound;
    const int64_t wanted = model->spare_bytes < reserve ? model->spare_bytes : reserve;
    const int is_short = spare < wanted - drift_of(bound) ||
                         (spare < reserve && hardware_memory_stall() > STALL_MAX);
    const uint64_t leave = RESERVES_MADE * (uint64_t)reserve;
    if (!is_short) return UINT64_MAX;
    return possible > leave ? possible - leave : 1;
}

int model_watch_memory(void *arg)
{
    struct nmos_model *model = arg;
    const uint64_t now_ns = clock_ns();
    if (now_ns - model->watched_ns < WATCH_NS) return 0;
    model->watched_ns = now_ns;
    const uint64_t bound = bound_now(model);
    if (bound == UINT64_MAX) return 0;
    const uint64_t old_bytes = weights_in_memory(model);
    TRY(nmos_model_shrink(model, bound));
    if (weights_in_memory(model) < old_bytes) {
        LOG_WARN("memory has become short: %.1f MB of weights stay in memory instead of %.1f; the "
                 "text stays the same, but comes more slowly",
                 (double)weights_in_memory(model) * 1e-6, (double)old_bytes * 1e-6);
    }
    return 0;
}
