/* SPDX-License-Identifier: MIT */
/* Proves that a full table gives up its oldest page, as a sliding window does, unless that page has
 * earned its place by far more attention than a later one gets; that the choice is a naive one's;
 * and that the first pages and the latest stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kv/page_scores.h"

#define N_HELD      9U
#define PAGE_TOKENS 4U
#define N_PAGES     16U

static struct page_pool pool;
static struct kv_table table;

/* A full table whose pages are 0, and those from @p n_gaps + 1 on. */
static void open_table(uint32_t n_gaps)
{
    struct kv_page_copy copy;
    assert_int_equal(page_pool_init(&pool, N_PAGES, PAGE_TOKENS), 0);
    assert_int_equal(kv_table_init(&table, &pool, PAGE_TOKENS, N_PAGES * PAGE_TOKENS, N_HELD), 0);
    for (uint32_t i = 0; i < N_HELD + n_gaps; i++) {
        if (kv_table_room(&table) == 0) kv_table_give_up(&table, 1 + i - N_HELD);
        assert_int_equal(kv_table_reserve(&table, PAGE_TOKENS, &copy), 0);
        kv_table_commit(&table, PAGE_TOKENS);
    }
    assert_int_equal(kv_table_room(&table), 0);
}

static void close_table(void)
{
    kv_table_deinit(&table);
    page_pool_deinit(&pool);
}

/* The column that goes, and what is left of the scores behind it. */
static uint32_t choose(enum page_policy policy, uint32_t n_first, const float *scores)
{
    float left[N_HELD];
    double share = 0;
    memcpy(left, scores, sizeof(left));
    const uint32_t page_i = page_scores_choose(&table, policy, n_first, left, &share);
    const uint32_t column = page_i == 0 ? 0 : page_i - table.n_gaps;
    assert_true((float)share <= scores[column] && (float)share >= scores[column]);
    for (uint32_t c = 0; c + 1 < N_HELD; c++) {
        const float want = scores[c < column ? c : c + 1];
        assert_memory_equal(&left[c], &want, sizeof(want));
    }
    return column;
}

static void without_heavy_hitters_it_is_a_window(void **state)
{
    (void)state;
    static const float flat[N_HELD] = {9, 1, 1, 1, 1, 1, 1, 1, 9};
    static const float by_age[N_HELD] = {9, 2.1F, 1.5F, 1.2F, 0.7F, 0.7F, 0.8F, 1, 9};
    for (uint32_t n_gaps = 0; n_gaps < 3; n_gaps++) {
        open_table(n_gaps);
        assert_int_equal(choose(PAGE_UNEARNED, 1, flat), 1);
        assert_int_equal(choose(PAGE_UNEARNED, 1, by_age), 1);
        assert_int_equal(choose(PAGE_UNEARNED, 2, by_age), 2);
        assert_int_equal(choose(PAGE_OLDEST, 1, by_age), 1);
        close_table();
    }
}

static void a_page_that_has_earned_its_place_stays(void **state)
{
    (void)state;
    static const float one[N_HELD] = {9, 5, 1, 1, 1, 1, 1, 1, 9};
    static const float two[N_HELD] = {9, 5, 6, 1.5F, 1, 1, 1, 1, 9};
    static const float behind[N_HELD] = {9, 1, 6, 1, 1, 1, 1, 1, 9};
    static const float all[N_HELD] = {9, 50, 50, 50, 1, 0, 0, 0, 0};
    open_table(2);
    assert_int_equal(choose(PAGE_UNEARNED, 1, one), 2);
    assert_int_equal(choose(PAGE_UNEARNED, 1, two), 3);
    assert_int_equal(choose(PAGE_UNEARNED, 1, behind), 1);
    assert_int_equal(choose(PAGE_UNEARNED, 1, all), 4); /* the latest half stays in any case */
    assert_int_equal(choose(PAGE_OLDEST, 1, one), 1);
    close_table();
}

/* Looks at each page anew. */
static uint32_t naive(uint32_t n_first, const float *scores)
{
    const uint32_t end = N_HELD - page_scores_n_latest(N_HELD, n_first);
    for (uint32_t c = n_first; c + 1 < end; c++) {
        int has_earned = 0;
        for (uint32_t d = c + 1; d < end; d++) {
            has_earned |= scores[c] > PAGE_EARNED_FACTOR * scores[d];
        }
        if (!has_earned) return c;
    }
    return end - 1;
}

static void the_choice_is_a_naive_ones(void **state)
{
    (void)state;
    uint64_t rng = 1;
    uint32_t n_old = 0;
    open_table(1);
    for (int i = 0; i < 2000; i++) {
        float scores[N_HELD];
        for (uint32_t c = 0; c < N_HELD; c++) {
            rng = rng * 6364136223846793005U + 1442695040888963407U;
            const float x = (float)(rng >> 40) / (float)(1 << 24);
            scores[c] = x * x * x;
        }
        const uint32_t n_first = 1 + (uint32_t)i % 3;
        const uint32_t column = choose(PAGE_UNEARNED, n_first, scores);
        assert_int_equal(column, naive(n_first, scores));
        n_old += column > n_first;
    }
    assert_true(n_old > 500 && n_old < 1900);
    close_table();
}

static void half_of_the_others_are_the_latest(void **state)
{
    (void)state;
    for (uint32_t n_held = page_scores_n_least(); n_held < 40; n_held++) {
        for (uint32_t n_first = 1; n_first <= page_scores_n_first_most(n_held); n_first++) {
            const uint32_t n_latest = page_scores_n_latest(n_held, n_first);
            assert_true(n_latest >= 2 && 2 * n_latest >= n_held - n_first);
            assert_true(n_first + n_latest < n_held);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_heavy_hitters_it_is_a_window),
        cmocka_unit_test(a_page_that_has_earned_its_place_stays),
        cmocka_unit_test(the_choice_is_a_naive_ones),
        cmocka_unit_test(half_of_the_others_are_the_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
