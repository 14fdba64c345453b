/* SPDX-License-Identifier: MIT */
/* Proves of the plan of a pass: nobody waits longer than is promised, prompts slow answers down no
 * more than is promised, and work ahead of need gets only what costs nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/pass_plan.h"

#define RIDERS_MAX 40U

static uint64_t rng;

static uint32_t random_below(uint32_t n)
{
    rng = rng * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(rng >> 33) % n;
}

/* Seconds of n rows: @p disk_s at least, else @p fixed + @p row * n. */
static struct pass_cost cost_of(double disk_s, double fixed_s, double row_s)
{
    struct pass_cost cost = {0};
    for (uint32_t n = 1; n <= 256; n *= 2) pass_cost_learn(&cost, n, fixed_s + row_s * n);
    if (disk_s > 0) pass_cost_learn_disk(&cost, disk_s);
    return cost;
}

static struct rider new_rider(uint64_t number)
{
    const int is_prompt = random_below(3) == 0;
    return (struct rider){.n_wanted = is_prompt ? 1 + random_below(300) : 1,
                          .is_prompt = is_prompt,
                          .expected = 1 + random_below(1000),
                          .number = number};
}

/* Riders come, ride and go; short ones all the time, which go before long ones. */
static void nobody_waits_longer_than_is_promised(void **state)
{
    (void)state;
    const struct pass_cost cost = cost_of(0, 1, 0.1);
    struct rider riders[RIDERS_MAX];
    for (uint32_t trial = 0; trial < 200; trial++) {
        const uint32_t n = 1 + random_below(RIDERS_MAX);
        const uint32_t rows_max = 1 + random_below(trial % 2 ? 8 : 64);
        const uint32_t wait_max = PASS_PATIENCE + (n + rows_max - 1) / rows_max;
        for (uint32_t i = 0; i < n; i++) riders[i] = new_rider(i);
        for (uint32_t pass = 0; pass < 100; pass++) {
            uint32_t n_rows = 0;
            const uint32_t n_granted = pass_plan(riders, n, &cost, rows_max);
            for (uint32_t i = 0; i < n; i++) {
                struct rider *rider = &riders[i];
                assert_true(rider->n_rows <= rider->n_wanted);
                n_rows += rider->n_rows;
                rider->n_left_out = rider->n_rows ? 0 : rider->n_left_out + 1;
                assert_true(rider->n_left_out <= wait_max);
                if (rider->is_prompt) rider->n_wanted -= rider->n_rows;
                if (rider->n_wanted == 0 || (rider->n_rows && random_below(20) == 0)) {
                    *rider = new_rider(n + pass);
                    rider->expected = 1;
                }
            }
            assert_int_equal(n_rows, n_granted);
            assert_true(n_rows >= 1 && n_rows <= rows_max);
        }
    }
}

static void prompts_at_most_double_the_time_of_a_pass_or_have_a_quarter(void **state)
{
    (void)state;
    for (uint32_t trial = 0; trial < 500; trial++) {
        const struct pass_cost cost =
            cost_of(random_below(2) * 0.01 * random_below(500), 0.1 * (1 + random_below(9)),
                    0.001 * (1 + random_below(100)));
        struct rider riders[RIDERS_MAX];
        const uint32_t n = 2 + random_below(RIDERS_MAX - 1);
        const uint32_t rows_max = 16 + random_below(300);
        uint32_t base = 0;
        uint32_t prompt = 0;
        for (uint32_t i = 0; i < n; i++) riders[i] = new_rider(i);
        (void)pass_plan(riders, n, &cost, rows_max);
        for (uint32_t i = 0; i < n; i++) {
            *(riders[i].is_prompt ? &prompt : &base) += riders[i].n_rows;
        }
        if (base == 0 || prompt == 0) continue;
        assert_true(prompt <= rows_max / 4 ||
                    pass_cost_seconds(&cost, base + prompt) <= 2 * pass_cost_seconds(&cost, base));
    }
}

static void without_answers_a_prompt_has_the_whole_pass(void **state)
{
    (void)state;
    const struct pass_cost cost = cost_of(0, 1, 0.1);
    struct rider riders[2] = {{.n_wanted = 300, .is_prompt = 1, .expected = 9, .number = 0},
                              {.n_wanted = 50, .is_prompt = 1, .expected = 2, .number = 1}};
    assert_int_equal(pass_plan(riders, 2, &cost, 128), 128);
    assert_int_equal(riders[0].number, 1); /* the shorter one first, the other has the rest */
    assert_int_equal(riders[0].n_rows, 50);
    assert_int_equal(riders[1].n_rows, 78);
}

static void work_ahead_of_need_gets_only_what_costs_nothing(void **state)
{
    (void)state;
    const struct pass_cost resident = cost_of(0, 1, 0.1);
    const struct pass_cost streamed = cost_of(10, 1, 0.1);
    const uint32_t n_free = pass_cost_rows(&streamed, PASS_COST_FREE_SHARE, 512);
    struct rider riders[2] = {{.n_wanted = 500, .is_prompt = 1, .is_ahead = 1},
                              {.n_wanted = 1, .expected = 100}};
    assert_int_equal(pass_plan(riders, 2, &resident, 512), 1);
    assert_false(riders[0].is_ahead);
    assert_int_equal(riders[0].n_rows, 1);
    assert_true(n_free > 20 && n_free < 500);
    assert_int_equal(pass_plan(riders, 2, &streamed, 512), n_free);
    assert_int_equal(riders[1].n_rows, n_free - 1);
    assert_int_equal(pass_plan(&riders[1], 1, &resident, 512), 500); /* alone, it has all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_longer_than_is_promised),
        cmocka_unit_test(prompts_at_most_double_the_time_of_a_pass_or_have_a_quarter),
        cmocka_unit_test(without_answers_a_prompt_has_the_whole_pass),
        cmocka_unit_test(work_ahead_of_need_gets_only_what_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
