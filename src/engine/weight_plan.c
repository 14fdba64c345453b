/* SPDX-License-Identifier: MIT */
#include "engine/weight_plan.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* By this factor an estimate from caches of other sizes may be wrong: docs/measurements.md. */
#define UNSURE 2.0

/* The class of slots for a layer's experts. */
static const struct expert_class *class_of(const struct weight_plan *plan,
                                           const struct expert_layer *layer)
{
    return &plan->slots.of[expert_class_of(&plan->slots, layer, STREAM_ALIGN_MIN)];
}

/* Bytes of experts that a pass of one row would miss in a cache of @p n_slots, by how soon experts
 * were used again. */
static double missed_bytes(const struct hparams *hp, const struct expert_reuse *reuse,
                           const struct weight_plan *plan, double n_slots)
{
    double missed = 0;
    for (uint32_t l = 0; l < hp->n_layers; l++) {
        const struct expert_class *class = class_of(plan, &plan->experts[l]);
        const double share = class->n_slots / ((double)class->n_layers * hp->n_experts) * n_slots /
                             plan->slots.n_slots;
        missed += (1 - expert_reuse_hit_rate(reuse, share < 1 ? share : 1)) * hp->n_experts_used *
                  (double)expert_read_bytes(&plan->experts[l], hp->n_experts, STREAM_ALIGN_MIN);
    }
    return missed;
}

/* A cache of this size has been measured; or one of another size, and the re-use of experts tells
 * the difference; or nothing is known. Then experts are taken to be used all alike, than which
 * nothing is worse for a cache. */
static struct expert_forecast forecast(const struct hparams *hp, const struct expert_habits *habits,
                                       const struct weight_plan *plan)
{
    const uint32_t n_slots = plan->slots.n_slots;
    const struct expert_record *record = expert_record_nearest(habits->records, n_slots);
    const int is_measured = record && expert_record_is_of(record, n_slots);
    const int is_learned = habits->reuse.n_uses > 0;
    double bytes = missed_bytes(hp, &habits->reuse, plan, n_slots);
    if (record) {
        const double there = missed_bytes(hp, &habits->reuse, plan, (double)record->n_slots);
        bytes = there > 0 ? bytes / there * (double)record->mean : (double)record->mean;
    }
    double low = is_learned ? bytes / UNSURE : 0;
    double high = is_learned ? bytes * UNSURE : bytes;
    if (is_measured) {
        low = bytes - expert_record_spread(record);
        high = bytes + expert_record_spread(record);
    }
    return (struct expert_forecast){
        .bytes = (uint64_t)bytes,
        .low_bytes = low > 0 ? (uint64_t)low : 0,
        .high_bytes = (uint64_t)high,
        .n_passes = is_measured ? (uint32_t)((double)record->n_blocks * EXPERT_RECORD_PASSES) : 0,
        .is_learned = is_learned};
}

/* Bytes that a pass lacks which wants @p n_wanted experts of each layer. What the cache keeps is
 * what was used most, so such a pass wants all of it; what is read ahead takes room. */
static double lacked_bytes(const struct hparams *hp, const struct weight_plan *plan,
                           double n_wanted)
{
    double lacked = 0;
    for (uint32_t l = 0; l < hp->n_layers; l++) {
        const struct expert_class *class = class_of(plan, &plan->experts[l]);
        const double n_kept = fmax((double)class->n_slots - EXPERT_AHEAD_MAX, 0) / class->n_layers;
        lacked += fmax(n_wanted - n_kept, 0) *
                  (double)expert_read_bytes(&plan->experts[l], hp->n_experts, STREAM_ALIGN_MIN);
    }
    return lacked;
}

struct expert_prompt weight_plan_prompt(const struct weight_plan *plan, const struct hparams *hp,
                                        const struct expert_habits *habits, uint32_t n_rows)
{
    struct expert_prompt prompt = {0};
    const double n_all = hp->n_experts;
    double n_wanted = expert_reach_mean(habits->reach, n_rows) / hp->n_layers;
    if (!plan->experts) return prompt;
    prompt.is_learned = n_wanted > 0;
    if (!prompt.is_learned) {
        /* As if all were used alike; rows that want no logits do not come to the last layer's. */
        n_wanted = n_all * (1 - pow(1 - hp->n_experts_used / n_all, n_rows)) *
                   (hp->n_layers - 1.0) / hp->n_layers;
    }
    prompt.bytes = (uint64_t)lacked_bytes(hp, plan, n_wanted);
    prompt.most_bytes = (uint64_t)lacked_bytes(hp, plan, n_all);
    return prompt;
}

/* Everything in memory, or streamed. */
static int place_all(const struct budget_split *split, const struct weight_map *map,
                     struct tiers *tiers, struct weight_plan *plan)
{
    TRY(weight_extents_init(&plan->extents, map, /* with_experts= */ 1));
    const int rc = tiers_place(tiers, split, &plan->extents, &plan->placement);
    plan->least_bytes = plan->placement.least_bytes;
    if (rc < 0) return rc;
    plan->streamed_bytes = plan->placement.streamed_bytes;
    return 0;
}

static int place_with_cache(const struct budget_split *split, const struct weight_map *map,
                            const struct expert_habits *habits, struct weight_plan *plan)
{
    const struct hparams *hp = &map->hp;
    struct budget_split rest = *split;
    TRY(expert_layers_create(map, &plan->experts));
    TRY(weight_extents_init(&plan->extents, map, /* with_experts= */ 0));
    expert_classes_plan(plan->experts, hp->n_layers, hp->n_experts, STREAM_ALIGN_MIN,
                        expert_slots_min(hp), 0, &plan->slots);
    rest.expert_bytes = plan->slots.bytes;
    const int rc = budget_place(&rest, &plan->extents, &plan->placement);
    plan->least_bytes = plan->placement.least_bytes + rest.expert_bytes;
    if (rc < 0) return rc;
    plan->expert_bytes =
        budget_weight_bytes(split) - plan->placement.pinned_bytes - plan->placement.ring_bytes;
    expert_classes_plan(plan->experts, hp->n_layers, hp->n_experts, STREAM_ALIGN_MIN,
                        expert_slots_min(hp), plan->expert_bytes, &plan->slots);
    plan->expert_bytes = plan->slots.bytes;
    plan->experts_read = forecast(hp, habits, plan);
    plan->streamed_bytes = plan->placement.streamed_bytes + plan->experts_read.bytes;
    return 0;
}

/* Weights of one row: all of the trunk, and of each stack the experts that it uses. */
static uint64_t touched_bytes_of(const struct weight_map *map)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < map->n_shards; s++) {
        for (uint32_t i = 0; i < map->shards[s].n_tensors; i++) {
            const uint64_t bytes = map->shards[s].tensors[i]->n_bytes;
            const int is_stack = map->hp.n_experts > 0 && i >= map->shards[s].n_trunk;
            sum += is_stack ? bytes / map->hp.n_experts * map->hp.n_experts_used : bytes;
        }
    }
    return sum;
}

int weight_plan_make(const struct budget_split *split, const struct weight_map *map,
                     struct tiers *tiers, enum expert_place place,
                     const struct expert_habits *habits, struct weight_plan *ret)
{
    struct weight_plan plan = {0};
    int rc = 0;
    int with_cache = map->hp.n_experts && place != EXPERTS_IN_EXTENTS;
    if (place != EXPERTS_IN_CACHE) rc = place_all(split, map, tiers, &plan);
    if (place == EXPERTS_ANYWHERE && rc == 0 && plan.streamed_bytes == 0) with_cache = 0;
    if (with_cache) {
        weight_plan_deinit(&plan);
        rc = place_with_cache(split, map, habits, &plan);
    }
    plan.touched_bytes = touched_bytes_of(map);
    if (rc < 0) {
        const uint64_t least_bytes = plan.least_bytes;
        weight_plan_deinit(&plan);
        plan.least_bytes = least_bytes;
    }
    *ret = plan;
    return rc;
}

void weight_plan_deinit(struct weight_plan *plan)
{
    weight_extents_deinit(&plan->extents);
    mem_free(plan->experts);
    *plan = (struct weight_plan){0};
}
