/* SPDX-License-Identifier: MIT */
/* Proves that a cache gives the ids it was given, for the same bytes and kind only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tokenizer/merge.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/word_cache.h"

static void remember(struct word_cache *cache, struct str piece, enum word_kind kind, int32_t id,
                     int n)
{
    struct token_ids ids = {0};
    assert_int_equal(token_ids_append(&ids, -7), 0); /* not of this piece */
    for (int i = 0; i < n; i++) assert_int_equal(token_ids_append(&ids, id + i), 0);
    word_cache_remember(cache, piece, kind, &ids, 1);
    token_ids_deinit(&ids);
}

/* First id of a remembered piece, or -1; counts the ids. */
static int32_t recall(const struct word_cache *cache, struct str piece, enum word_kind kind,
                      size_t *n)
{
    struct token_ids ids = {0};
    const int known = word_cache_recall(cache, piece, kind, &ids);
    assert_int_equal(known, ids.n > 0);
    const int32_t id = known ? ids.data[0] : -1;
    *n = ids.n;
    token_ids_deinit(&ids);
    return id;
}

static void bytes_length_and_kind_are_the_key(void **state)
{
    (void)state;
    struct word_cache cache;
    size_t n = 0;
    assert_int_equal(word_cache_init(&cache), 0);
    remember(&cache, STR_LIT("ab"), WORD_WHOLE, 5, 2);
    assert_int_equal(recall(&cache, STR_LIT("ab"), WORD_WHOLE, &n), 5);
    assert_int_equal(n, 2);
    assert_int_equal(recall(&cache, STR_LIT("ab"), WORD_TO_CUT, &n), -1);
    assert_int_equal(recall(&cache, STR_LIT("ab\0"), WORD_WHOLE, &n), -1);
    assert_int_equal(recall(&cache, STR_LIT("a"), WORD_WHOLE, &n), -1);
    word_cache_deinit(&cache);
}

static void what_does_not_fit_is_not_remembered(void **state)
{
    (void)state;
    struct word_cache cache;
    size_t n = 0;
    assert_int_equal(word_cache_init(&cache), 0);
    remember(&cache, STR_LIT("12345678901234567890123"), WORD_WHOLE, 1, 9);
    assert_int_equal(recall(&cache, STR_LIT("12345678901234567890123"), WORD_WHOLE, &n), 1);
    assert_int_equal(n, 9);
    remember(&cache, STR_LIT("123456789012345678901234"), WORD_WHOLE, 2, 1);
    assert_int_equal(recall(&cache, STR_LIT("123456789012345678901234"), WORD_WHOLE, &n), -1);
    remember(&cache, STR_LIT("x"), WORD_WHOLE, 3, 10);
    assert_int_equal(recall(&cache, STR_LIT("x"), WORD_WHOLE, &n), -1);
    remember(&cache, STR_LIT("y"), WORD_WHOLE, 3, 0);
    assert_int_equal(recall(&cache, STR_LIT("y"), WORD_WHOLE, &n), -1);
    word_cache_deinit(&cache);
}

static void a_displaced_piece_is_forgotten_not_confused(void **state)
{
    (void)state;
    struct word_cache cache;
    size_t n = 0;
    int n_known = 0;
    assert_int_equal(word_cache_init(&cache), 0);
    for (int32_t i = 0; i < 20000; i++) {
        remember(&cache, (struct str){(const char *)&i, 4}, WORD_WHOLE, i, 1);
    }
    for (int32_t i = 0; i < 20000; i++) {
        const int32_t id = recall(&cache, (struct str){(const char *)&i, 4}, WORD_WHOLE, &n);
        assert_true(id == -1 || id == i);
        n_known += id == i;
    }
    assert_in_range(n_known, WORD_CACHE_SLOTS / 2, WORD_CACHE_SLOTS);
    word_cache_deinit(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_length_and_kind_are_the_key),
        cmocka_unit_test(what_does_not_fit_is_not_remembered),
        cmocka_unit_test(a_displaced_piece_is_forgotten_not_confused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
