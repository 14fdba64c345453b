/* SPDX-License-Identifier: MIT */
/* Proves that rows are shared out among openings as a plain list of quotients says, and that an
 * opening is read ahead only where that shortens what comes behind Enter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/opening_share.h"

#define N_MAX    8U
#define ROWS_MAX 64U

/* A row that could be granted: the k-th of opening i. */
struct quotient {
    double value;
    uint32_t i;
};

static int compare(const void *a, const void *b)
{
    const struct quotient *x = a;
    const struct quotient *y = b;
    if (x->value < y->value || y->value < x->value) return x->value < y->value ? 1 : -1;
    return x->i < y->i ? -1 : x->i > y->i;
}

/* All rows that anybody could get, by p / k, the largest first; as many as there are go. */
static void share_naively(const struct opening_share *of, uint32_t n, uint32_t n_rows,
                          uint32_t *ret_rows)
{
    static struct quotient list[N_MAX * ROWS_MAX];
    uint32_t n_list = 0;
    for (uint32_t i = 0; i < n; i++) {
        ret_rows[i] = 0;
        for (uint32_t k = 1; k <= of[i].n_left && of[i].p > 0; k++) {
            list[n_list++] = (struct quotient){of[i].p / k, i};
        }
    }
    qsort(list, n_list, sizeof(list[0]), compare);
    for (uint32_t k = 0; k < n_list && k < n_rows; k++) ret_rows[list[k].i]++;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static void rows_are_shared_as_the_quotients_say(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int trial = 0; trial < 2000; trial++) {
        struct opening_share of[N_MAX];
        uint32_t expected[N_MAX];
        const uint32_t n = next_random(&seed) % N_MAX + 1;
        const uint32_t n_rows = next_random(&seed) % (2 * ROWS_MAX);
        for (uint32_t i = 0; i < n; i++) {
            of[i] = (struct opening_share){.p = next_random(&seed) % 5 / 4.0,
                                           .n_left = next_random(&seed) % (ROWS_MAX + 1)};
        }
        share_naively(of, n, n_rows, expected);
        opening_share(of, n, n_rows);
        for (uint32_t i = 0; i < n; i++) assert_int_equal(of[i].n_rows, expected[i]);
    }
}

static void shares_are_in_proportion_and_the_likeliest_is_first(void **state)
{
    struct opening_share of[] = {
        {.p = 0.1, .n_left = 500}, {.p = 0.7, .n_left = 500}, {.p = 0.2, .n_left = 500}};
    (void)state;
    opening_share(of, 3, 100);
    assert_int_equal(of[0].n_rows, 10);
    assert_int_equal(of[1].n_rows, 70);
    assert_int_equal(of[2].n_rows, 20);
    opening_share(of, 3, 1);
    assert_int_equal(of[1].n_rows, 1);
    of[1].n_left = 5; /* what it does not need goes to the others */
    opening_share(of, 3, 35);
    assert_int_equal(of[0].n_rows, 10);
    assert_int_equal(of[1].n_rows, 5);
    assert_int_equal(of[2].n_rows, 20);
    opening_share(of, 0, 5);
}

/* Passes that compute for 10 ms and 1 ms a row. */
static struct pass_cost make_cost(double disk_s)
{
    struct pass_cost cost = {0};
    for (uint32_t n = 1; n <= 64; n *= 2) pass_cost_learn(&cost, n, 0.010 + 0.001 * n);
    if (disk_s > 0) pass_cost_learn_disk(&cost, disk_s);
    return cost;
}

static void what_rides_for_nothing_behind_enter_is_not_read_ahead(void **state)
{
    const struct pass_cost computes = make_cost(0);
    const struct pass_cost streams = make_cost(5);
    const struct pass_cost unknown = {0};
    (void)state;
    assert_true(opening_is_worth(&computes, 512, 0.05, 200, 20));
    assert_false(opening_is_worth(&computes, 512, 0.005, 200, 20));
    assert_false(opening_is_worth(&streams, 512, 1, 200, 20));
    assert_true(opening_is_worth(&streams, 512, 0.3, 600, 20)); /* a second pass */
    assert_false(opening_is_worth(&streams, 512, 0.1, 600, 20));
    assert_true(opening_is_worth(&unknown, 512, 0.1, 1, 0));
    assert_false(opening_is_worth(&unknown, 512, 0, 1, 0));
    assert_false(opening_is_worth(&unknown, 512, 1, 0, 9));
}

static void a_round_takes_about_a_key_or_a_pass(void **state)
{
    const struct pass_cost computes = make_cost(0);
    const struct pass_cost streams = make_cost(0.4);
    const struct pass_cost unknown = {0};
    (void)state;
    const uint32_t n = opening_round_rows(&computes, 512, 0.28);
    assert_true(n > 240 && n < 300); /* (280 - 10) / 1 */
    assert_int_equal(opening_round_rows(&computes, 64, 0.28), 64);
    const uint32_t n_free = opening_round_rows(&streams, 512, 0.1);
    assert_true(n_free > 400 && n_free <= 512); /* 1.25 x 0.4 s */
    assert_int_equal(opening_round_rows(&unknown, 512, 0.28), 32);
    assert_int_equal(opening_round_rows(&unknown, 8, 0.28), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_shared_as_the_quotients_say),
        cmocka_unit_test(shares_are_in_proportion_and_the_likeliest_is_first),
        cmocka_unit_test(what_rides_for_nothing_behind_enter_is_not_read_ahead),
        cmocka_unit_test(a_round_takes_about_a_key_or_a_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
