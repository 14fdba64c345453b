/* SPDX-License-Identifier: MIT */
/* Proves that the experts of likely intents, and those that a prompt like this one used first, are
 * read ahead in proportion to probability, in place of colder ones only; that this delays nothing
 * that is wanted, leaves no trace when it is over, and changes no byte. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expert_fixture.h"
#include "stream/expert_cache_internal.h"
#include "stream/expert_intents.h"

#define N_EXPERTS 32U
#define N_SLOTS   8U
#define N_INTENTS 3U

static const unsigned char *data;

/* One layer of experts of 3 * @p part_bytes. */
static void open_layer(struct fixture *fx, uint32_t part_bytes, uint32_t depth)
{
    static struct ioq_sim_config device;
    seed = 1;
    data = content;
    device = (struct ioq_sim_config){.data = &data};
    *fx = (struct fixture){.n_layers = 1, .n_experts = N_EXPERTS, .n_intents = N_INTENTS};
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
        fx->layers[0].parts[p] =
            (struct expert_part){.offset = 32 + 190000 * p, .bytes = part_bytes};
    }
    open_device(fx, &device, depth);
    open_cache(fx, N_SLOTS, bytes_for(fx, N_SLOTS));
}

/* Rows of an intent use experts @p first and the @p n - 1 behind it. */
static void count(struct fixture *fx, uint32_t intent, uint32_t first, uint32_t n, uint32_t n_rows)
{
    uint32_t rows_of[N_EXPERTS] = {0};
    for (uint32_t i = 0; i < n; i++) rows_of[first + i] = n_rows;
    expert_intents_count(fx->cache, intent, 0, rows_of, n_rows);
}

static void expect(struct fixture *fx, double a, double b)
{
    expert_intents_expect(fx->cache, (const double[N_INTENTS]){a, b, 0}, NULL);
    while (expert_intents_read(fx->cache, 1)) {
    }
}

/* ... and a prompt like this one used experts @p first and the next @p n - 1 in its only pass. */
static struct expert_likely used_first(int64_t number, double p, uint32_t first, uint32_t n)
{
    struct expert_likely likely = {
        .number = number, .p = p, .n_layers = 1, .n_experts = N_EXPERTS, .n_passes = 1, .n = n};
    for (uint32_t i = 0; i < n; i++) {
        likely.of[i].key = first + i;
        likely.of[i].passes = 1U << (EXPERT_FIRST_PASSES - 1);
    }
    return likely;
}

static void expect_both(struct fixture *fx, double a, const struct expert_likely *likely)
{
    expert_intents_expect(fx->cache, (const double[N_INTENTS]){a, 0, 0}, likely);
    while (expert_intents_read(fx->cache, 1)) {
    }
}

/* How many of @p n experts from @p first on are in memory. */
static uint32_t n_there(const struct fixture *fx, uint32_t first, uint32_t n)
{
    uint32_t n_found = 0;
    for (uint32_t e = first; e < first + n; e++) n_found += fx->cache->slot_of[e] != EXPERT_NONE;
    return n_found;
}

static uint64_t n_expected(const struct fixture *fx)
{
    struct expert_stats stats;
    expert_cache_stats(fx->cache, &stats);
    return stats.n_expected;
}

static void likely_experts_take_the_place_of_cold_ones(void **state)
{
    (void)state;
    struct fixture fx;
    struct expert_stats stats;
    uint32_t others[N_SLOTS];
    open_layer(&fx, 5000, IOQ_DEPTH_MAX);
    for (uint32_t i = 0; i < N_SLOTS; i++) others[i] = 24 + i;
    assert_int_equal(visit(&fx, 0, others, N_SLOTS), 0);
    expect(&fx, 1, 0); /* nothing is known of it */
    assert_int_equal(n_expected(&fx), 0);
    for (uint32_t i = 0; i < 10; i++) count(&fx, 0, 0, 8, 100); /* experts 0 to 7 */
    for (uint32_t i = 0; i < 10; i++) count(&fx, 1, 8, 8, 100); /* 8 to 15 */
    assert_int_equal(visit_rows(&fx, 0, others, 1, 1), 0);      /* others have been before */
    expect(&fx, 1, 0);
    assert_int_equal(n_there(&fx, 0, 8), 8);
    assert_int_equal(n_expected(&fx), 8);
    expect(&fx, 0.99, 0.01); /* much the same */
    assert_int_equal(n_expected(&fx), 8);
    expect(&fx, 0, 1);
    assert_int_equal(n_there(&fx, 8, 8), 8);
    assert_int_equal(n_expected(&fx), 16);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){8, 9, 10}, 3), 0);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){8, 11}, 2), 0);
    expert_cache_stats(fx.cache, &stats);
    assert_int_equal(stats.n_expected_well, 4);
    assert_int_equal(stats.n_missing, N_SLOTS); /* the first visit's */
    close_fixture(&fx);
}

/* Each intent has experts that it uses always, half and seldom. */
static void memory_is_shared_out_by_probability(void **state)
{
    (void)state;
    struct fixture fx;
    open_layer(&fx, 5000, IOQ_DEPTH_MAX);
    for (uint32_t intent = 0; intent < 2; intent++) {
        for (uint32_t i = 0; i < 40; i++) {
            const uint32_t first = 12 * intent;
            uint32_t rows_of[N_EXPERTS] = {0};
            for (uint32_t k = 0; k < 12; k++) rows_of[first + k] = 100 / (k + 1);
            expert_intents_count(fx.cache, intent, 0, rows_of, 100);
        }
    }
    expect(&fx, 0.5, 0.5);
    assert_int_equal(n_there(&fx, 0, 4), 4);
    assert_int_equal(n_there(&fx, 12, 4), 4);
    expect(&fx, 0.75, 0.25); /* 1/k and 1/3k: the six hottest and the two hottest */
    assert_int_equal(n_there(&fx, 0, 6), 6);
    assert_int_equal(n_there(&fx, 12, 2), 2);
    close_fixture(&fx);
}

/* What a prompt used has the share of the memory that it is sure of; the intent has the rest. */
static void what_a_prompt_used_first_comes_before_its_intent(void **state)
{
    (void)state;
    struct fixture fx;
    open_layer(&fx, 5000, IOQ_DEPTH_MAX);
    for (uint32_t i = 0; i < 10; i++) count(&fx, 0, 0, 12, 100); /* experts 0 to 11 */
    struct expert_likely likely = used_first(7, 0.9, 16, 4);
    expect_both(&fx, 1, &likely);
    assert_int_equal(n_there(&fx, 16, 4), 4);
    assert_int_equal(n_there(&fx, 0, 12), N_SLOTS - 4);
    const uint64_t n = n_expected(&fx);
    likely.p = 0.88; /* the same, and much as sure */
    expect_both(&fx, 1, &likely);
    assert_int_equal(n_expected(&fx), n);
    likely = used_first(8, 0.9, 24, 8);
    expect_both(&fx, 1, &likely);
    assert_int_equal(n_there(&fx, 24, 8), 8);
    likely = used_first(9, 0.9, 16, 8);
    likely.n_experts--; /* of another model */
    expect_both(&fx, 1, &likely);
    assert_int_equal(n_there(&fx, 16, 4), 0);
    assert_int_equal(n_there(&fx, 0, 12), N_SLOTS);
    close_fixture(&fx);
}

/* The first pass counts most. */
static void what_is_used_sooner_is_worth_more(void **state)
{
    (void)state;
    struct fixture fx;
    open_layer(&fx, 5000, IOQ_DEPTH_MAX);
    struct expert_likely likely = used_first(1, 0.9, 0, N_SLOTS + 8);
    likely.n_passes = 3;
    for (uint32_t i = 0; i < likely.n; i++) likely.of[i].passes >>= i < 8 ? 1 : 0;
    expect_both(&fx, 0, &likely);
    assert_int_equal(n_there(&fx, 8, N_SLOTS),
                     N_SLOTS); /* the first 8 are used by the second pass */
    close_fixture(&fx);
}

/* What rows use is worth what it was without, once nothing is expected any more. */
static void an_expectation_leaves_no_trace(void **state)
{
    (void)state;
    struct fixture fx;
    struct fixture twin;
    open_layer(&fx, 300, IOQ_DEPTH_MAX);
    open_layer(&twin, 300, IOQ_DEPTH_MAX);
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t experts[4];
        draw_experts(&fx, 4, experts);
        const uint32_t n_rows = 1 + draw(5);
        if (draw(2)) count(&fx, draw(N_INTENTS), draw(N_EXPERTS - 3), 3, 20);
        if (draw(2)) expect(&fx, draw(11) / 10.0, draw(11) / 10.0);
        const struct expert_likely likely = used_first(draw(5), draw(10) / 10.0, draw(28), 4);
        if (draw(3) == 0) expect_both(&fx, draw(11) / 10.0, &likely);
        assert_int_equal(visit_rows(&fx, 0, experts, 4, n_rows), 0);
        assert_int_equal(visit_rows(&twin, 0, experts, 4, n_rows), 0);
    }
    assert_true(n_expected(&fx) > 50);
    expect(&fx, 0, 0);
    for (uint32_t e = 0; e < N_EXPERTS; e++) {
        const double got = expert_policy_heat(&fx.cache->policy, 0, e);
        const double want = expert_policy_heat(&twin.cache->policy, 0, e);
        assert_true(fabs(got - want) < 1e-4 * (1 + want));
    }
    close_fixture(&fx);
    close_fixture(&twin);
}

/* Of an expert that nobody waits for only what is in flight comes before one that is wanted. */
static void what_is_wanted_goes_first(void **state)
{
    (void)state;
    struct fixture fx;
    struct expert_loan loan;
    const uint32_t n_rows = 1;
    open_layer(&fx, 5900, 1); /* three reads each at least, one in flight */
    for (uint32_t i = 0; i < 10; i++) count(&fx, 0, 3, 1, 100);
    expert_intents_expect(fx.cache, (const double[N_INTENTS]){1, 0, 0}, NULL);
    (void)expert_intents_read(fx.cache, 0);
    assert_int_equal(fx.cache->filling->key, 3);
    expert_cache_begin(fx.cache, 0, (const uint32_t[]){9}, &n_rows, 1, 1);
    assert_int_equal(fx.cache->paused->key, 3);
    const uint64_t n_bytes = fx.cache->paused->issued;
    const uint32_t n_parts = fx.cache->paused->part;
    assert_int_equal(expert_cache_next(fx.cache, NULL, &loan), 1);
    expect_expert(&fx, 0, 9, &loan);
    if (fx.cache->paused) { /* its next read may have been asked for when 9 was there */
        assert_true(fx.cache->paused->issued == n_bytes && fx.cache->paused->part == n_parts);
    }
    assert_int_equal(expert_cache_next(fx.cache, NULL, &loan), 0);
    expert_cache_end(fx.cache);
    while (expert_intents_read(fx.cache, 1)) {
    }
    assert_null(fx.cache->paused);
    assert_int_equal(fx.cache->stats.n_missing, 1);
    assert_int_equal(visit(&fx, 0, (const uint32_t[]){3}, 1), 0); /* it went on where it stopped */
    assert_int_equal(fx.cache->stats.n_missing, 1);
    close_fixture(&fx);
}

/* One that is wanted itself goes on at once. */
static void a_paused_expert_may_be_wanted(void **state)
{
    (void)state;
    struct fixture fx;
    open_layer(&fx, 5900, 1);
    for (uint32_t i = 0; i < 10; i++) count(&fx, 0, 3, 2, 100);
    for (uint32_t i = 0; i < 6; i++) {
        struct expert_loan loan;
        const uint32_t n_rows = 1;
        const _Atomic int cancel = 1;
        expert_intents_expect(fx.cache, (const double[N_INTENTS]){1.0 - (i & 1) / 8.0, 0, 0}, NULL);
        (void)expert_intents_read(fx.cache, 0);
        expert_cache_begin(fx.cache, 0, (const uint32_t[]){20 + i}, &n_rows, 1, 1);
        if (i % 3 == 0)
            assert_int_equal(expert_cache_next(fx.cache, &cancel, &loan), NMOS_E_CANCELLED);
        expert_cache_end(fx.cache); /* given up */
        if (i % 3 == 1) expert_cache_shrink(fx.cache, bytes_for(&fx, N_SLOTS - i / 3));
        assert_int_equal(visit(&fx, 0, (const uint32_t[]){4, 3}, 2), 0);
    }
    close_fixture(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likely_experts_take_the_place_of_cold_ones),
        cmocka_unit_test(memory_is_shared_out_by_probability),
        cmocka_unit_test(what_a_prompt_used_first_comes_before_its_intent),
        cmocka_unit_test(what_is_used_sooner_is_worth_more),
        cmocka_unit_test(an_expectation_leaves_no_trace),
        cmocka_unit_test(what_is_wanted_goes_first),
        cmocka_unit_test(a_paused_expert_may_be_wanted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
