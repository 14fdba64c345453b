/* SPDX-License-Identifier: MIT */
/* What earlier runs tell the cache of experts, and what it tells later ones. */
#include <stdlib.h>
#include <string.h>

#include "stream/expert_cache_internal.h"

/* After so many rows the heats of before count a quarter. */
#define SETTLED_ROWS ((uint32_t)(2 * EXPERT_HALF_LIFE))

/* The hottest first; among equals the one whose layer comes first. */
static int compare_ranks(const void *a, const void *b)
{
    const struct expert_rank *x = a;
    const struct expert_rank *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

void expert_cache_list_hottest(struct expert_cache *cache)
{
    const uint32_t n_keys = cache->n_layers * cache->n_experts;
    uint32_t n_left[EXPERT_CLASSES_MAX]; /* slots of each class */
    for (uint32_t key = 0; key < n_keys; key++) {
        const double log_heat =
            expert_policy_log_heat(&cache->policy, key / cache->n_experts, key % cache->n_experts);
        cache->ranks[key] = (struct expert_rank){log_heat, key};
    }
    qsort(cache->ranks, n_keys, sizeof(cache->ranks[0]), compare_ranks);
    for (uint32_t c = 0; c < cache->classes.n; c++) n_left[c] = cache->classes.of[c].n_slots;
    cache->n_listed = 0;
    cache->next_listed = 0;
    for (uint32_t i = 0; i < n_keys && cache->ranks[i].score > EXPERT_HEAT_NONE; i++) {
        const uint32_t class_i = cache->class_of[cache->ranks[i].key / cache->n_experts];
        if (n_left[class_i] == 0) continue;
        n_left[class_i]--;
        cache->list[cache->n_listed++] = cache->ranks[i].key;
    }
}

void expert_cache_learn(struct expert_cache *cache, const struct expert_habits *habits)
{
    const float *const heat = habits->heat;
    for (uint32_t key = 0; key < cache->n_layers * cache->n_experts; key++) {
        const uint32_t layer_i = key / cache->n_experts;
        const uint32_t expert_i = key % cache->n_experts;
        expert_policy_set_heat(&cache->habits, layer_i, expert_i, heat[key]);
        /* Used at a constant rate, an expert has a heat in proportion to the half-life. */
        expert_policy_set_heat(&cache->policy, layer_i, expert_i,
                               heat[key] * (EXPERT_HALF_LIFE / EXPERT_HABIT_LIFE));
    }
    cache->reuse = habits->reuse;
    memcpy(cache->records, habits->records, sizeof(cache->records));
    memcpy(cache->reach, habits->reach, sizeof(cache->reach));
    expert_cache_list_hottest(cache);
}

void expert_cache_habits(const struct expert_cache *cache, struct expert_habits *ret)
{
    ret->reuse = cache->reuse;
    memcpy(ret->records, cache->records, sizeof(ret->records));
    memcpy(ret->reach, cache->reach, sizeof(ret->reach));
    for (uint32_t l = 0; l < cache->n_layers; l++) {
        for (uint32_t e = 0; e < cache->n_experts; e++) {
            ret->heat[(size_t)l * cache->n_experts + e] =
                (float)expert_policy_heat(&cache->habits, l, e);
        }
    }
}

/* Of the experts of a class, those hotter than @p log_heat. */
static uint32_t count_hotter(const struct expert_cache *cache, uint32_t class_i, double log_heat)
{
    uint32_t n = 0;
    for (uint32_t l = 0; l < cache->n_layers; l++) {
        if (cache->class_of[l] != class_i) continue;
        const double *const scores = cache->policy.score + (size_t)l * cache->n_experts;
        const double now = cache->policy.now[l];
        for (uint32_t e = 0; e < cache->n_experts; e++) n += scores[e] - now > log_heat;
    }
    return n;
}

void expert_cache_count_reuse(struct expert_cache *cache, uint32_t layer_i, const uint32_t *experts,
                              uint32_t n)
{
    const uint32_t class_i = cache->class_of[layer_i];
    const uint32_t n_all = cache->classes.of[class_i].n_layers * cache->n_experts;
    for (uint32_t i = 0; i < n; i++) {
        const double log_heat = expert_policy_log_heat(&cache->policy, layer_i, experts[i]);
        if (log_heat <= EXPERT_HEAT_NONE) {
            expert_reuse_count_first(&cache->reuse);
        } else {
            expert_reuse_count(&cache->reuse, count_hotter(cache, class_i, log_heat), n_all);
        }
    }
}

/* Whether the cache holds what it will hold from now on: as much as it can, or all that was
 * learned.
 */
static bool is_filled(struct expert_cache *cache)
{
    if (cache->next_listed < cache->n_listed) return false;
    for (uint32_t c = 0; cache->n_listed == 0 && c < cache->classes.n; c++) {
        if (expert_free_slot(cache, c)) return false;
    }
    return true;
}

void expert_cache_count_bytes(struct expert_cache *cache, uint32_t n_pass_rows)
{
    struct expert_count *count = &cache->count;
    const uint64_t n_bytes = cache->stats.bytes_read;
    const uint32_t n_ended_rows = count->n_pass_rows;
    const bool is_whole = cache->last_layer_i + 1 == cache->n_layers;
    count->n_pass_rows = n_pass_rows;
    /* Rows of a prompt that want no logits do not come to the last layer's experts. */
    if (n_ended_rows > 0 && cache->last_layer_i + 2 >= cache->n_layers) {
        expert_reach_count(cache->reach, n_ended_rows, count->n_wanted);
    }
    count->n_wanted = 0;
    if (count->n_rows < SETTLED_ROWS && is_filled(cache)) count->n_rows += n_ended_rows;
    if (n_ended_rows != 1 || !is_whole || count->n_rows < SETTLED_ROWS) {
        count->n_passes = 0;
    } else if (++count->n_passes == EXPERT_RECORD_PASSES) {
        expert_record_add(cache->records, cache->classes.n_slots,
                          (double)(n_bytes - count->from_bytes) / EXPERT_RECORD_PASSES);
        count->n_passes = 0;
    }
    if (count->n_passes == 0) count->from_bytes = n_bytes;
}
