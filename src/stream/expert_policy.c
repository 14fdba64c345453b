/* SPDX-License-Identifier: MIT */
#include "stream/expert_policy.h"

#include <math.h>

#include "base/mem.h"

static size_t at(const struct expert_policy *policy, uint32_t layer_i, uint32_t expert_i)
{
    return (size_t)layer_i * policy->n_experts + expert_i;
}

int expert_policy_init(struct expert_policy *policy, uint32_t n_layers, uint32_t n_experts,
                       double half_life)
{
    const size_t n = (size_t)n_layers * n_experts;
    *policy = (struct expert_policy){
        .n_layers = n_layers, .n_experts = n_experts, .half_life = half_life};
    policy->now = mem_calloc(MEM_GENERAL, n_layers, sizeof(policy->now[0]));
    policy->score = mem_calloc(MEM_GENERAL, n, sizeof(policy->score[0]));
    if (!policy->now || !policy->score) return NMOS_E_NOMEM;
    for (size_t i = 0; i < n; i++) policy->score[i] = EXPERT_HEAT_NONE;
    return 0;
}

void expert_policy_deinit(struct expert_policy *policy)
{
    mem_free(policy->now);
    mem_free(policy->score);
    *policy = (struct expert_policy){0};
}

void expert_policy_advance(struct expert_policy *policy, uint32_t layer_i, uint32_t n_rows)
{
    policy->now[layer_i] += n_rows / policy->half_life;
}

void expert_policy_use(struct expert_policy *policy, uint32_t layer_i, uint32_t expert_i,
                       double n_rows)
{
    double *score = &policy->score[at(policy, layer_i, expert_i)];
    const double new_uses = policy->now[layer_i] + log2(n_rows);
    const double larger = *score > new_uses ? *score : new_uses;
    const double smaller = *score > new_uses ? new_uses : *score;
    *score = larger + log2(1 + exp2(smaller - larger));
}

double expert_policy_worth(const struct expert_policy *policy, uint32_t now_i, uint32_t layer_i,
                           uint32_t expert_i)
{
    const uint32_t n_layers = policy->n_layers;
    const uint32_t distance = (layer_i + n_layers - now_i - 1) % n_layers + 1;
    return expert_policy_log_heat(policy, layer_i, expert_i) -
           EXPERT_DISTANCE_COST * distance / n_layers;
}

double expert_policy_log_heat(const struct expert_policy *policy, uint32_t layer_i,
                              uint32_t expert_i)
{
    return policy->score[at(policy, layer_i, expert_i)] - policy->now[layer_i];
}

double expert_policy_heat(const struct expert_policy *policy, uint32_t layer_i, uint32_t expert_i)
{
    return exp2(expert_policy_log_heat(policy, layer_i, expert_i));
}

void expert_policy_set_heat(struct expert_policy *policy, uint32_t layer_i, uint32_t expert_i,
                            double heat)
{
    policy->score[at(policy, layer_i, expert_i)] =
        heat > 0 ? policy->now[layer_i] + log2(heat) : EXPERT_HEAT_NONE;
}
