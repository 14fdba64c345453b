/* SPDX-License-Identifier: MIT */
/* Proves that values compare as Python's, that containers keep order and limits hold, and that text
   in an arena grows in place without disturbing what was seen before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tokenizer/jinja_out.h"
#include "tokenizer/jinja_value.h"

static struct jinja_arena arena;
static uint64_t work;

static int set_up(void **state)
{
    (void)state;
    jinja_arena_init(&arena, (size_t)1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jinja_arena_deinit(&arena);
    assert_int_equal(mem_used(MEM_GENERAL), 0);
    return 0;
}

static int equal(struct jinja_value a, struct jinja_value b)
{
    return jinja_equal(&a, &b, &work);
}

static void numbers_are_equal_across_types(void **state)
{
    (void)state;
    assert_true(equal(jinja_int(1), jinja_float(1.0)) && equal(jinja_bool(1), jinja_int(1)));
    assert_false(equal(jinja_int(1), jinja_str(STR_LIT("1"))));
    assert_false(equal(jinja_none(), jinja_bool(0)));
    assert_true(equal(jinja_int(INT64_MAX), jinja_int(INT64_MAX)));
    assert_false(equal(jinja_int(INT64_MAX), jinja_int(INT64_MAX - 1)));
}

static void a_dict_keeps_the_order_and_the_first_key(void **state)
{
    (void)state;
    struct jinja_dict *dict = jinja_dict_create(&arena, 0);
    assert_int_equal(jinja_dict_set(&arena, dict, jinja_int(1), jinja_int(10), &work), 0);
    for (int i = 2; i < 50; i++) {
        assert_int_equal(jinja_dict_set(&arena, dict, jinja_int(i), jinja_int(10 * i), &work), 0);
    }
    assert_int_equal(jinja_dict_set(&arena, dict, jinja_bool(1), jinja_int(7), &work), 0);
    assert_int_equal(dict->n, 49);
    assert_int_equal(dict->pairs[0].key.type, JINJA_INT);
    assert_int_equal(dict->pairs[0].value.as.integer, 7);
    const struct jinja_value key = jinja_float(49.0);
    assert_int_equal(jinja_dict_find(dict, &key, &work)->as.integer, 490);
    assert_null(jinja_dict_find_text(dict, STR_LIT("1"), &work));
}

static void endless_comparisons_run_into_the_limit(void **state)
{
    (void)state;
    struct jinja_value a = jinja_int(1);
    struct jinja_value b = jinja_int(1);
    for (int i = 0; i < 60; i++) { /* 2^60 leaves, shared */
        struct jinja_seq *x = jinja_seq_create(&arena, JINJA_LIST, 2);
        struct jinja_seq *y = jinja_seq_create(&arena, JINJA_LIST, 2);
        x->items[0] = x->items[1] = a;
        y->items[0] = y->items[1] = b;
        x->n = y->n = 2;
        a = jinja_seq(x);
        b = jinja_seq(y);
    }
    uint64_t used = JINJA_STEPS_MAX - 1000;
    (void)jinja_equal(&a, &b, &used);
    assert_true(used > JINJA_STEPS_MAX);
}

static void an_arena_ends_at_its_limit_with_a_message(void **state)
{
    (void)state;
    struct jinja_arena small;
    jinja_arena_init(&small, 200000);
    assert_non_null(jinja_arena_alloc(&small, 1000));
    assert_null(jinja_arena_alloc(&small, 190000));
    assert_non_null(strstr(error_message(), "200000 bytes"));
    assert_null(jinja_arena_array(&small, SIZE_MAX / 2, 16));
    jinja_arena_deinit(&small);
}

static void text_grows_in_place_and_old_views_stay(void **state)
{
    (void)state;
    struct jinja_out out = {.arena = &arena};
    assert_int_equal(jinja_out_add(&out, STR_LIT("abc")), 0);
    const struct str before = jinja_out_text(&out);
    for (int i = 0; i < 1000; i++) assert_int_equal(jinja_out_cp(&out, 0xe9), 0);
    assert_true(str_equal(before, STR_LIT("abc")));
    assert_int_equal(out.len, 2003);
    char *text = jinja_arena_text(&arena, 3);
    assert_true(jinja_arena_extend(&arena, text + 3, 5));
    assert_non_null(jinja_arena_text(&arena, 1));
    assert_false(jinja_arena_extend(&arena, text + 8, 1));
}

static void floats_are_written_as_python_writes_them(void **state)
{
    (void)state;
    static const struct {
        double real;
        const char *text;
    } cases[] = {{0.0, "0.0"},
                 {-0.0, "-0.0"},
                 {1.0, "1.0"},
                 {0.1, "0.1"},
                 {1e15, "1000000000000000.0"},
                 {1e16, "1e+16"},
                 {0.0001, "0.0001"},
                 {0.00001, "1e-05"},
                 {1.0 / 3, "0.3333333333333333"},
                 {123456.789, "123456.789"},
                 {1e100, "1e+100"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct jinja_out out = {.arena = &arena};
        assert_int_equal(jinja_out_float(&out, cases[i].real), 0);
        assert_true(str_equal(jinja_out_text(&out), str_from(cases[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_are_equal_across_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dict_keeps_the_order_and_the_first_key, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(endless_comparisons_run_into_the_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_arena_ends_at_its_limit_with_a_message, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(text_grows_in_place_and_old_views_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(floats_are_written_as_python_writes_them, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
