/* SPDX-License-Identifier: MIT */
/*
 * Proves that rejection sampling gives the target's distribution whatever the draft's is, by
 * chi-square tests against probabilities that are worked out here. The seeds are fixed; a sound
 * sampler fails with one set of seeds in 100,000 (chi_square.h), and unsound ones are found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../chi_square.h"
#include "infer/sampler.h"

#define N_VOCAB 12U
#define N_DRAWS 60000U
#define SEED    17U

static const float target_logits[N_VOCAB] = {2.1F,  1.9F, 1.2F,  0.3F, 0.0F,  -0.2F,
                                             -0.9F, 2.0F, -3.0F, 0.7F, -1.5F, 1.1F};
static const float draft_logits[][N_VOCAB] = {
    /* near, the same, the other way round, sure of one */
    {2.5F, 1.0F, 1.5F, 0.0F, 0.5F, -0.7F, -0.5F, 2.4F, -2.0F, 0.1F, -1.1F, 0.2F},
    {2.1F, 1.9F, 1.2F, 0.3F, 0.0F, -0.2F, -0.9F, 2.0F, -3.0F, 0.7F, -1.5F, 1.1F},
    {-2.1F, -1.9F, -1.2F, -0.3F, 0.0F, 0.2F, 0.9F, -2.0F, 3.0F, -0.7F, 1.5F, -1.1F},
    {-9.0F, -9.0F, -9.0F, 9.0F, -9.0F, -9.0F, -9.0F, -9.0F, -9.0F, -9.0F, -9.0F, -9.0F},
};
#define N_DRAFTS (sizeof(draft_logits) / sizeof(draft_logits[0]))

static const struct sampler_params settings[] = {
    {.temp = 1.0F, .top_p = 1.0F, .repeat_penalty = 1.0F, .seed = SEED},
    {.temp = 0.7F, .top_k = 5, .top_p = 1.0F, .repeat_penalty = 1.0F, .seed = SEED},
    {.temp = 1.8F, .top_p = 0.8F, .min_p = 0.1F, .repeat_penalty = 1.0F, .seed = SEED},
    {.temp = 1.0F, .top_p = 0.95F, .repeat_penalty = 1.6F, .presence_penalty = 0.3F, .seed = SEED},
};
#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

static const int32_t history[] = {7, 3};

static struct sampler *sampler_of(const struct sampler_params *params)
{
    struct sampler *sampler = NULL;
    assert_int_equal(sampler_create(params, N_VOCAB, &sampler), 0);
    return sampler;
}

/* The distribution that sampler.h defines, from the definition. */
static void distribution(const struct sampler_params *params, const float *logits, double *p)
{
    double l[N_VOCAB];
    size_t order[N_VOCAB];
    double total = 0;
    double sum = 0;
    size_t n = params->top_k ? params->top_k : N_VOCAB;
    for (size_t i = 0; i < N_VOCAB; i++) l[i] = (double)logits[i];
    for (size_t i = 0; i < 2; i++) {
        double *x = &l[history[i]];
        *x = *x > 0 ? *x / (double)params->repeat_penalty : *x * (double)params->repeat_penalty;
        *x -= (double)params->presence_penalty;
    }
    for (size_t i = 0; i < N_VOCAB; i++) {
        size_t at = i;
        for (; at > 0 && l[order[at - 1]] < l[i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < n; i++) total += exp(l[order[i]]);
    for (size_t i = 0; i < n; i++) {
        const int is_out = sum >= (double)params->top_p * total && params->top_p < 1.0F;
        if (is_out || exp(l[order[i]] - l[order[0]]) < (double)params->min_p) n = i;
        sum += exp(l[order[i]]);
    }
    memset(p, 0, N_VOCAB * sizeof(*p));
    for (size_t i = 0; i < n; i++) p[order[i]] = exp(l[order[i]] / (double)params->temp);
    total = 0;
    for (size_t i = 0; i < N_VOCAB; i++) total += p[i];
    for (size_t i = 0; i < N_VOCAB; i++) p[i] /= total;
}

enum rule { REJECTION, TAKE_THE_PROPOSAL, DRAW_ANEW };

/* Draws at N_DRAWS positions, and counts tokens and accepted proposals. */
static void count(struct sampler *target, struct sampler *draft, const float *q_logits,
                  enum rule rule, uint32_t *counts, uint32_t *ret_accepted)
{
    memset(counts, 0, N_VOCAB * sizeof(*counts));
    *ret_accepted = 0;
    for (uint32_t i = 0; i < N_DRAWS; i++) {
        float logits[N_VOCAB];
        struct sampler_proposal proposal;
        memcpy(logits, q_logits, sizeof(logits));
        assert_int_equal(sampler_propose(draft, logits, history, 2, i, &proposal), 1);
        memcpy(logits, target_logits, sizeof(logits));
        int32_t token = sampler_accept(target, logits, history, 2, i, &proposal);
        assert_in_range(token, 0, N_VOCAB - 1);
        *ret_accepted += token == proposal.token;
        if (rule == TAKE_THE_PROPOSAL) token = proposal.token;
        if (rule == DRAW_ANEW && token != proposal.token) {
            memcpy(logits, target_logits, sizeof(logits));
            token = sampler_draw(target, logits, history, 2, i);
        }
        counts[token]++;
    }
}

static void every_draft_gives_the_targets_distribution(void **state)
{
    (void)state;
    uint32_t counts[N_VOCAB];
    uint32_t n_accepted = 0;
    double p[N_VOCAB];
    double q[N_VOCAB];
    for (size_t k = 0; k < N_SETTINGS; k++) {
        struct sampler *target = sampler_of(&settings[k]);
        struct sampler *draft = sampler_of(&settings[k]);
        distribution(&settings[k], target_logits, p);
        for (size_t d = 0; d < N_DRAFTS; d++) {
            distribution(&settings[k], draft_logits[d], q);
            count(target, draft, draft_logits[d], REJECTION, counts, &n_accepted);
            const double off = chi_square(counts, p, N_VOCAB, N_DRAWS);
            if (off > 1) fail_msg("setting %zu, draft %zu: %.2f of the critical value", k, d, off);
            /* As often accepted as the theory has it: the sum of min(p, q), within 5 deviations. */
            double share = 0;
            for (size_t t = 0; t < N_VOCAB; t++) share += fmin(p[t], q[t]);
            const double spread = sqrt(N_DRAWS * share * (1 - share)) + 1;
            assert_true(fabs(n_accepted - N_DRAWS * share) < 5 * spread);
        }
        sampler_destroy(&target);
        sampler_destroy(&draft);
    }
}

static void a_proposal_is_a_sample_of_the_drafts_distribution(void **state)
{
    (void)state;
    uint32_t counts[N_VOCAB];
    uint32_t n_accepted = 0;
    double q[N_VOCAB];
    for (size_t k = 0; k < N_SETTINGS; k++) {
        struct sampler *target = sampler_of(&settings[k]);
        struct sampler *draft = sampler_of(&settings[k]);
        distribution(&settings[k], draft_logits[0], q);
        count(target, draft, draft_logits[0], TAKE_THE_PROPOSAL, counts, &n_accepted);
        assert_true(chi_square(counts, q, N_VOCAB, N_DRAWS) < 1);
        sampler_destroy(&target);
        sampler_destroy(&draft);
    }
}

/* Two rules that are wrong: all proposals, and a fresh draw of p for a rejected one. */
static void the_test_finds_wrong_rules(void **state)
{
    (void)state;
    uint32_t counts[N_VOCAB];
    uint32_t n_accepted = 0;
    double p[N_VOCAB];
    struct sampler *target = sampler_of(&settings[0]);
    struct sampler *draft = sampler_of(&settings[0]);
    distribution(&settings[0], target_logits, p);
    count(target, draft, draft_logits[0], TAKE_THE_PROPOSAL, counts, &n_accepted);
    assert_true(chi_square(counts, p, N_VOCAB, N_DRAWS) > 2);
    count(target, draft, draft_logits[0], DRAW_ANEW, counts, &n_accepted);
    assert_true(chi_square(counts, p, N_VOCAB, N_DRAWS) > 2);
    sampler_destroy(&target);
    sampler_destroy(&draft);
}

static void temperature_0_is_greedy(void **state)
{
    (void)state;
    const struct sampler_params greedy = {.top_p = 1.0F, .repeat_penalty = 1.0F, .seed = SEED};
    struct sampler *sampler = sampler_of(&greedy);
    for (uint64_t position = 0; position < 200; position++) {
        for (size_t d = 0; d < N_DRAFTS; d++) {
            float logits[N_VOCAB];
            struct sampler_proposal proposal;
            memcpy(logits, draft_logits[d], sizeof(logits));
            assert_int_equal(sampler_propose(sampler, logits, NULL, 0, position, &proposal), 1);
            memcpy(logits, target_logits, sizeof(logits));
            assert_int_equal(sampler_accept(sampler, logits, NULL, 0, position, &proposal), 0);
        }
    }
    sampler_destroy(&sampler);
}

static void logits_without_a_score_are_told(void **state)
{
    (void)state;
    float logits[N_VOCAB];
    struct sampler_proposal proposal = {.token = 1, .n = 1, .shares = {{1, 1.0F}}};
    struct sampler *sampler = sampler_of(&settings[0]);
    for (size_t i = 0; i < N_VOCAB; i++) logits[i] = NAN;
    assert_int_equal(sampler_accept(sampler, logits, NULL, 0, 0, &proposal), NMOS_E_CORRUPT);
    assert_int_equal(sampler_propose(sampler, logits, NULL, 0, 0, &proposal), 0);
    sampler_destroy(&sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_draft_gives_the_targets_distribution),
        cmocka_unit_test(a_proposal_is_a_sample_of_the_drafts_distribution),
        cmocka_unit_test(the_test_finds_wrong_rules),
        cmocka_unit_test(temperature_0_is_greedy),
        cmocka_unit_test(logits_without_a_score_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
