/* SPDX-License-Identifier: MIT */
#include "stream/expert_intents.h"

#include <assert.h>
#include <math.h>

#include "stream/expert_cache_internal.h"

/* Probabilities that differ by less are the same. */
#define P_LIKENESS 0.05
/* What a pass counts beside the one before it: of 0.5, 0.7, 0.85 and 1 about the best for passes of
 * one row, and where the first one has many its experts come first. */
#define LATER      0.85
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

/* The sum of what decays by half for each EXPERT_HALF_LIFE rows and grows by one with each. */
#define STEADY_USES (EXPERT_HALF_LIFE / M_LN2)

/* Adds to `expected` the uses of a layer's experts if an intent went on for long. */
static void add_expected(struct expert_cache *cache, const struct expert_intent *intent,
                         uint32_t layer_i, double p)
{
    double n_rows = 0; /* of the intent, decayed */
    for (uint32_t e = 0; e < cache->n_experts; e++) {
        n_rows += expert_policy_heat(&intent->habits, layer_i, e) / cache->n_used;
    }
    const double weight = p / (n_rows + EXPERT_INTENT_ROWS) * STEADY_USES;
    for (uint32_t e = 0; e < cache->n_experts; e++) {
        cache->expected[layer_i * cache->n_experts + e] +=
            (float)(weight * expert_policy_heat(&intent->habits, layer_i, e));
    }
}

/* The weight of passes that use an expert, the first pass 1 and each later one LATER of the one
 * before. What is used sooner occupies its slot for less time until it has saved a read. */
static double weigh_passes(uint32_t passes)
{
    double sum = 0;
    for (uint32_t bit = 1; bit < 1U << EXPERT_FIRST_PASSES; bit <<= 1) {
        sum = sum * LATER + (passes & bit ? 1 : 0);
    }
    return sum;
}

/* ... and if passes like the first ones of a prompt did. */
static void add_likely(struct expert_cache *cache, const struct expert_likely *likely,
                       uint32_t layer_i)
{
    const uint32_t all = (1U << EXPERT_FIRST_PASSES) - 1;
    const uint32_t begun = all & ~(all >> likely->n_passes);
    for (uint32_t i = 0; i < likely->n; i++) {
        if (likely->of[i].key / cache->n_experts != layer_i) continue;
        const double share = weigh_passes(likely->of[i].passes) / weigh_passes(begun);
        cache->expected[likely->of[i].key] += (float)(likely->p * STEADY_USES * share);
    }
}

/* Replaces the uses that were expected by those that are. */
static void expect_layer(struct expert_cache *cache, uint32_t layer_i, const double *p,
                         const struct expert_likely *likely)
{
    const double left_p = likely ? 1 - likely->p : 1; /* for intents */
    const double decay = exp2(cache->expected_at[layer_i] - cache->policy.now[layer_i]);
    float *expected = cache->expected + (size_t)layer_i * cache->n_experts;
    for (uint32_t e = 0; e < cache->n_experts; e++) {
        const double before = decay * (double)expected[e];
        const double left = expert_policy_heat(&cache->policy, layer_i, e) - before;
        expert_policy_set_heat(&cache->policy, layer_i, e, left > before * LEAST_LEFT ? left : 0);
        expected[e] = 0;
    }
    for (uint32_t i = 0; i < cache->n_intents; i++) {
        if (p[i] > 0) add_expected(cache, &cache->intents[i], layer_i, p[i] * left_p);
    }
    if (likely) add_likely(cache, likely, layer_i);
    cache->expected_at[layer_i] = cache->policy.now[layer_i];
    for (uint32_t e = 0; e < cache->n_experts; e++) {
        const double heat = expert_policy_heat(&cache->policy, layer_i, e) + (double)expected[e];
        expert_policy_set_heat(&cache->policy, layer_i, e, heat);
    }
}

/* Whether prompts like this one say something else than before. */
static bool note_likely(struct expert_cache *cache, const struct expert_likely *likely)
{
    const int64_t number = likely ? likely->number : 0;
    const double p = likely ? likely->p : 0;
    if (number == cache->likely_number && fabs(p - cache->likely_p) <= P_LIKENESS) return false;
    cache->likely_number = number;
    cache->likely_p = p;
    return true;
}

void expert_intents_expect(struct expert_cache *cache, const double *p,
                           const struct expert_likely *likely)
{
    bool is_new = cache->expected_at[0] < cache->policy.now[0]; /* a pass begins with layer 0 */
    if (likely && (likely->number == 0 || likely->n_layers != cache->n_layers ||
                   likely->n_experts != cache->n_experts)) {
        likely = NULL;
    }
    is_new |= note_likely(cache, likely);
    for (uint32_t i = 0; i < cache->n_intents; i++) {
        is_new |= fabs(p[i] - cache->intents[i].p) > P_LIKENESS;
    }
    if (!is_new) return;
    for (uint32_t i = 0; i < cache->n_intents; i++) cache->intents[i].p = p[i];
    for (uint32_t l = 0; l < cache->n_layers; l++) expect_layer(cache, l, p, likely);
    expert_cache_list_hottest(cache);
    cache->list_replaces = true;
}

int expert_intents_read(struct expert_cache *cache, uint32_t timeout_ms)
{
    expert_reads_reap(cache, timeout_ms);
    expert_reads_issue(cache);
    return expert_cache_is_reading(cache);
}
