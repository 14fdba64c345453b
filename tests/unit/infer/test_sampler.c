/* SPDX-License-Identifier: MIT */
/* Proves that sampling follows the filtered distribution exactly and depends on seed, position and
 * token only. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "infer/sampler.h"

#define N_VOCAB 200

static const struct sampler_params off = {.temp = 1, .top_p = 1, .repeat_penalty = 1};

static struct sampler *make(struct sampler_params params, uint32_t n_vocab)
{
    struct sampler *sampler = NULL;
    assert_int_equal(sampler_create(&params, n_vocab, &sampler), 0);
    return sampler;
}

/* The finaliser of splitmix64. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static void fill(float *logits, int n)
{
    for (int i = 0; i < n; i++) logits[i] = (float)((i * 37) % 23) * 0.25F - (float)(i % 5);
}

/* The filtered distribution, written the slow way: sort everything, cut three times, renormalise.
 */
static void exact(const float *logits, const struct sampler_params *p, double *probs)
{
    int order[N_VOCAB];
    double q[N_VOCAB];
    double total = 0;
    for (int i = 0; i < N_VOCAB; i++) order[i] = i;
    for (int i = 0; i < N_VOCAB; i++) {
        for (int j = i + 1; j < N_VOCAB; j++) {
            if (logits[order[j]] > logits[order[i]] ||
                (logits[order[j]] == logits[order[i]] && order[j] < order[i])) {
                const int swapped = order[i];
                order[i] = order[j];
                order[j] = swapped;
            }
        }
    }
    int n = p->top_k && p->top_k < N_VOCAB ? (int)p->top_k : N_VOCAB;
    for (int i = 0; i < n; i++) total += q[i] = exp((double)logits[order[i]]);
    if (p->top_p < 1) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += q[i];
            if (sum >= (double)p->top_p * total) n = i + 1;
        }
    }
    while (n > 1 && q[n - 1] < (double)p->min_p * q[0]) n--;
    memset(probs, 0, N_VOCAB * sizeof(*probs));
    total = 0;
    for (int i = 0; i < n; i++) {
        total += probs[order[i]] = exp((double)(logits[order[i]] / p->temp));
    }
    for (int i = 0; i < N_VOCAB; i++) probs[i] /= total;
}

static void samples_follow_the_filtered_distribution(void **state)
{
    (void)state;
    static const struct sampler_params cases[] = {
        {.temp = 1, .top_p = 1, .repeat_penalty = 1},
        {.temp = 0.7F, .top_k = 40, .top_p = 0.95F, .min_p = 0.05F, .repeat_penalty = 1, .seed = 3},
        {.temp = 1.5F, .top_k = 0, .top_p = 0.8F, .repeat_penalty = 1, .seed = 9},
        {.temp = 0.5F, .top_k = 7, .top_p = 1, .repeat_penalty = 1, .seed = 77},
    };
    enum { N_DRAWS = 40000 };
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        float logits[N_VOCAB];
        double probs[N_VOCAB];
        static int counts[N_VOCAB];
        memset(counts, 0, sizeof(counts));
        fill(logits, N_VOCAB);
        exact(logits, &cases[c], probs);
        struct sampler *sampler = make(cases[c], N_VOCAB);
        for (int i = 0; i < N_DRAWS; i++) {
            fill(logits, N_VOCAB);
            counts[sampler_draw(sampler, logits, NULL, 0, (uint64_t)i)]++;
        }
        double chi2 = 0;
        int n_classes = 0;
        for (int t = 0; t < N_VOCAB; t++) {
            const double expected = probs[t] * N_DRAWS;
            if (probs[t] == 0) assert_int_equal(counts[t], 0);
            if (expected < 5) continue;
            chi2 += (counts[t] - expected) * (counts[t] - expected) / expected;
            n_classes++;
        }
        /* Mean n, variance 2n: six deviations above is beyond any chance for these fixed seeds. */
        assert_true(chi2 < n_classes + 6 * sqrt(2.0 * n_classes));
        sampler_destroy(&sampler);
    }
}

static void a_draw_depends_on_seed_position_and_logits_only(void **state)
{
    (void)state;
    float logits[N_VOCAB];
    struct sampler *a = make(off, N_VOCAB);
    struct sampler *b = make(off, N_VOCAB);
    int n_changed = 0;
    for (uint64_t pos = 0; pos < 100; pos++) {
        fill(logits, N_VOCAB);
        const int32_t first = sampler_draw(a, logits, NULL, 0, pos);
        fill(logits, N_VOCAB);
        assert_int_equal(sampler_draw(b, logits, NULL, 0, 1000 - pos) >= 0, 1);
        fill(logits, N_VOCAB);
        assert_int_equal(sampler_draw(b, logits, NULL, 0, pos), first);
        fill(logits, N_VOCAB);
        n_changed += sampler_draw(a, logits, NULL, 0, pos + 1) != first;
    }
    assert_true(n_changed > 50);
    sampler_destroy(&a);
    sampler_destroy(&b);
}

static void the_draw_is_the_argmax_of_logit_and_noise(void **state)
{
    (void)state;
    enum { N = 5000 };
    static float logits[N];
    struct sampler_params params = off;
    params.temp = 1.5F;
    params.seed = 12;
    struct sampler *sampler = make(params, N);
    for (uint64_t position = 0; position < 200; position++) {
        for (int t = 0; t < N; t++)
            logits[t] = (float)(mix(position * N + (uint64_t)t) % 1000) * 0.02F;
        int32_t best = 0;
        double best_value = -INFINITY;
        for (int t = 0; t < N; t++) {
            const double value = (double)logits[t] / 1.5 + sampler_noise(12, position, t);
            if (value > best_value) {
                best = t;
                best_value = value;
            }
        }
        assert_int_equal(sampler_draw(sampler, logits, NULL, 0, position), best);
    }
    sampler_destroy(&sampler);
}

/* y with y * odd = 1 modulo 2^64: Newton doubles the correct bits, 5 at the start. */
static uint64_t inverse(uint64_t odd)
{
    uint64_t y = 3 * odd ^ 2;
    for (int i = 0; i < 4; i++) y *= 2 - odd * y;
    return y;
}

/* The x with mix(x) = y. */
static uint64_t unmix(uint64_t y)
{
    y = (y ^ (y >> 31) ^ (y >> 62)) * inverse(0x94d049bb133111ebU);
    y = (y ^ (y >> 27) ^ (y >> 54)) * inverse(0xbf58476d1ce4e5b9U);
    return y ^ (y >> 30) ^ (y >> 60);
}

static void noise_is_finite_where_the_hash_is_all_ones_or_zeros(void **state)
{
    (void)state;
    const uint64_t golden = 0x9e3779b97f4a7c15U;
    /* The position at which the hash of token 0 is the wanted one. */
    for (int ones = 0; ones < 2; ones++) {
        const uint64_t key = unmix(ones ? UINT64_MAX : 0) - golden;
        const uint64_t position = (unmix(key) - mix(7 + golden)) * inverse(golden) - 1;
        const double noise = sampler_noise(7, position, 0);
        const double end = ones ? 36.7 : -3.6; /* -ln(2^-53), -ln(53 ln 2) */
        assert_true(fabs(noise - end) < 0.1);
    }
}

static void greedy_takes_the_largest_and_the_lowest_id_of_equals(void **state)
{
    (void)state;
    struct sampler_params params = off;
    params.temp = 0;
    struct sampler *sampler = make(params, 5);
    float logits[5] = {1, 3, NAN, 3, 2};
    assert_int_equal(sampler_draw(sampler, logits, NULL, 0, 0), 1);
    float none[5] = {NAN, -INFINITY, NAN, NAN, -INFINITY};
    assert_int_equal(sampler_draw(sampler, none, NULL, 0, 0), NMOS_E_CORRUPT);
    sampler_destroy(&sampler);
}

static void penalties_and_bias_change_the_choice(void **state)
{
    (void)state;
    const struct sampler_bias bias = {4, 10};
    const int32_t history[3] = {1, 1, 2};
    struct sampler_params params = off;
    params.temp = 0;
    params.frequency_penalty = 1;
    struct sampler *sampler = make(params, 5);
    float logits[5] = {1.1F, 3, 2, 0, -9};
    assert_int_equal(sampler_draw(sampler, logits, history, 3, 0), 0);
    sampler_destroy(&sampler);
    params.bias = &bias;
    params.n_bias = 1;
    params.frequency_penalty = 0;
    params.repeat_penalty = 1.5F;
    sampler = make(params, 5);
    float again[5] = {1.5F, 2, 0.5F, 0, -7};
    assert_int_equal(sampler_draw(sampler, again, history, 3, 0), 4);
    sampler_destroy(&sampler);
}

static void a_draw_allocates_nothing(void **state)
{
    (void)state;
    float logits[N_VOCAB];
    struct sampler_params params = off;
    params.top_p = 0.9F;
    struct sampler *sampler = make(params, N_VOCAB);
    fill(logits, N_VOCAB);
    const uint64_t before = mem_alloc_count();
    assert_true(sampler_draw(sampler, logits, NULL, 0, 0) >= 0);
    assert_int_equal(mem_alloc_count(), before);
    sampler_destroy(&sampler);
}

static void parameters_out_of_range_are_named(void **state)
{
    (void)state;
    struct sampler *sampler = NULL;
    struct sampler_params params = off;
    params.top_p = 1.5F;
    assert_int_equal(sampler_create(&params, 10, &sampler), NMOS_E_INVALID);
    assert_non_null(strstr(error_message(), "top-p"));
    const struct sampler_bias bias = {10, 1};
    params = off;
    params.bias = &bias;
    params.n_bias = 1;
    assert_int_equal(sampler_create(&params, 10, &sampler), NMOS_E_INVALID);
    const struct sampler_bias no_number = {1, NAN};
    params.bias = &no_number;
    assert_int_equal(sampler_create(&params, 10, &sampler), NMOS_E_INVALID);
    assert_null(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_follow_the_filtered_distribution),
        cmocka_unit_test(a_draw_depends_on_seed_position_and_logits_only),
        cmocka_unit_test(the_draw_is_the_argmax_of_logit_and_noise),
        cmocka_unit_test(noise_is_finite_where_the_hash_is_all_ones_or_zeros),
        cmocka_unit_test(greedy_takes_the_largest_and_the_lowest_id_of_equals),
        cmocka_unit_test(penalties_and_bias_change_the_choice),
        cmocka_unit_test(a_draw_allocates_nothing),
        cmocka_unit_test(parameters_out_of_range_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
