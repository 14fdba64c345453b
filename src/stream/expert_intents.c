/* SPDX-License-Identifier: MIT */
#include "stream/expert_intents.h"

#include <assert.h>
#include <math.h>

#include "stream/expert_cache_internal.h"

/* Probabilities that differ by less are the same. */
#define P_LIKENESS 0.05
/* Of the uses that were expected: what is left below this is what rounding has left. */
#define LEAST_LEFT 1e-6

void expert_intents_count(struct expert_cache *cache, uint32_t intent_i, uint32_t layer_i,
                          const uint32_t *n_rows_of, uint32_t n_rows)
{
    assert(intent_i < cache->n_intents);
    struct expert_intent *intent = &cache->intents[intent_i];
    expert_policy_advance(&intent->habits, layer_i, n_rows);
    for (uint32_t e = 0; e < cache->n_experts; e++) {
        if (n_rows_of[e]) expert_policy_use(&intent->habits, layer_i, e, n_rows_of[e]);
    }
}

void expert_intents_get(const struct expert_cache *cache, uint32_t intent_i, float *ret_heat)
{
    const struct expert_policy *habits = &cache->intents[intent_i].habits;
    for (uint32_t key = 0; key < cache->n_layers * cache->n_experts; key++) {
        ret_heat[key] =
            (float)expert_policy_heat(habits, key / cache->n_experts, key % cache->n_experts);
    }
}

void expert_intents_set(struct expert_cache *cache, uint32_t intent_i, const float *heat)
{
    struct expert_policy *habits = &cache->intents[intent_i].habits;
    for (uint32_t key = 0; key < cache->n_layers * cache->n_experts; key++) {
        expert_policy_set_heat(habits, key / cache->n_experts, key % cache->n_experts, heat[key]);
    }
}

/* Adds to `expected` the uses of a layer's experts if an intent went on for long. */
static void add_expected(struct expert_cache *cache, const struct expert_intent *intent,
                         uint32_t layer_i, double p)
{
    double n_rows = 0; /* of the intent, decayed */
    for (uint32_t e = 0; e < cache->n_experts; e++) {
        n_rows += expert_policy_heat(&intent->habits, layer_i, e) / cache->n_used;
    }
    /* The sum of what decays by half for each EXPERT_HALF_LIFE rows and grows by one with each. */
    const double weight = p / (n_rows + EXPERT_INTENT_ROWS) * EXPERT_HALF_LIFE / M_LN2;
    for (uint32_t e = 0; e < cache->n_experts; e++) {
        cache->expected[layer_i * cache->n_experts + e] +=
            (float)(weight * expert_policy_heat(&intent->habits, layer_i, e));
    }
}

/* Replaces the uses that were expected by those that are. */
static void expect_layer(struct expert_cache *cache, uint32_t layer_i, const double *p)
{
    const double decay = exp2(cache->expected_at[layer_i] - cache->policy.now[layer_i]);
    float *expected = cache->expected + (size_t)layer_i * cache->n_experts;
    for (uint32_t e = 0; e < cache->n_experts; e++) {
        const double before = decay * (double)expected[e];
        const double left = expert_policy_heat(&cache->policy, layer_i, e) - before;
        expert_policy_set_heat(&cache->policy, layer_i, e, left > before * LEAST_LEFT ? left : 0);
        expected[e] = 0;
    }
    for (uint32_t i = 0; i < cache->n_intents; i++) {
        if (p[i] > 0) add_expected(cache, &cache->intents[i], layer_i, p[i]);
    }
    cache->expected_at[layer_i] = cache->policy.now[layer_i];
    for (uint32_t e = 0; e < cache->n_experts; e++) {
        const double heat = expert_policy_heat(&cache->policy, layer_i, e) + (double)expected[e];
        expert_policy_set_heat(&cache->policy, layer_i, e, heat);
    }
}

void expert_intents_expect(struct expert_cache *cache, const double *p)
{
    bool is_new = cache->expected_at[0] < cache->policy.now[0]; /* a pass begins with layer 0 */
    for (uint32_t i = 0; i < cache->n_intents; i++) {
        is_new |= fabs(p[i] - cache->intents[i].p) > P_LIKENESS;
    }
    if (!is_new) return;
    for (uint32_t i = 0; i < cache->n_intents; i++) cache->intents[i].p = p[i];
    for (uint32_t l = 0; l < cache->n_layers; l++) expect_layer(cache, l, p);
    expert_cache_list_hottest(cache);
    cache->list_replaces = true;
}

int expert_intents_read(struct expert_cache *cache, uint32_t timeout_ms)
{
    expert_reads_reap(cache, timeout_ms);
    expert_reads_issue(cache);
    return expert_cache_is_reading(cache);
}
