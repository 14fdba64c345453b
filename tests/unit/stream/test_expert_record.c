/* SPDX-License-Identifier: MIT */
/* Proves that records of what passes read give the mean and spread of all blocks that were counted,
 * that the latest count most when there are many, and that sizes of caches are kept apart, the
 * latest ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/expert_record.h"

static void expect_near(double value, double want, double tolerance)
{
    if (fabs(value / want - 1) > tolerance) fail_msg("%f instead of %f", value, want);
}

static void a_record_has_mean_and_spread_of_its_blocks(void **state)
{
    (void)state;
    static const double blocks[] = {95e6, 120e6, 80e6, 101e6, 99e6};
    const uint32_t n = sizeof(blocks) / sizeof(blocks[0]);
    struct expert_record records[EXPERT_RECORDS] = {0};
    double mean = 0;
    double squares = 0;
    for (uint32_t i = 0; i < n; i++) expert_record_add(records, 700, blocks[i]);
    for (uint32_t i = 0; i < n; i++) mean += blocks[i] / n;
    for (uint32_t i = 0; i < n; i++) squares += (blocks[i] - mean) * (blocks[i] - mean);
    expect_near((double)records[0].mean, mean, 1e-5);
    expect_near(expert_record_spread(&records[0]), 3 * sqrt(squares / (n - 1)), 1e-4);
    assert_true(records[0].n_blocks == (float)n);
}

static void one_block_says_nothing_of_the_spread(void **state)
{
    (void)state;
    struct expert_record records[EXPERT_RECORDS] = {0};
    assert_null(expert_record_nearest(records, 700));
    expert_record_add(records, 700, 5e6);
    expect_near(expert_record_spread(&records[0]), 5e6, 1e-6);
}

static void late_blocks_count_most(void **state)
{
    (void)state;
    struct expert_record records[EXPERT_RECORDS] = {0};
    for (uint32_t i = 0; i < 1000; i++) expert_record_add(records, 700, 50e6);
    for (uint32_t i = 0; i < 1200; i++) expert_record_add(records, 700, 10e6);
    assert_true(records[0].n_blocks == (float)EXPERT_RECORD_LIFE);
    expect_near((double)records[0].mean, 10e6, 0.05);
}

static void sizes_are_kept_apart_and_the_oldest_goes(void **state)
{
    (void)state;
    struct expert_record records[EXPERT_RECORDS] = {0};
    for (uint32_t i = 0; i < EXPERT_RECORDS; i++) {
        expert_record_add(records, 1000 + 100 * i, 1e6 * (i + 1));
    }
    expert_record_add(records, 1004, 3e6); /* as good as 1000, which is now the latest */
    assert_true(records[0].n_blocks == 2);
    assert_float_equal(records[0].mean, 2e6, 10);
    expert_record_add(records, 5000, 1);
    assert_true(expert_record_is_of(expert_record_nearest(records, 4000), 5000));
    assert_true(expert_record_is_of(expert_record_nearest(records, 1010), 1000));
    assert_float_equal(expert_record_nearest(records, 1110)->n_slots, 1200, 0); /* 1100 has gone */
    assert_false(expert_record_is_of(expert_record_nearest(records, 1110), 1110));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_has_mean_and_spread_of_its_blocks),
        cmocka_unit_test(one_block_says_nothing_of_the_spread),
        cmocka_unit_test(late_blocks_count_most),
        cmocka_unit_test(sizes_are_kept_apart_and_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
