/* SPDX-License-Identifier: MIT */
/* Proves that text is checked, counted, searched and changed in case as Python's str does it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tokenizer/jinja_text.h"

static void only_valid_utf8_passes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int bad; /* offset, -1: valid */
    } cases[] = {{"", -1},
                 {"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", -1},
                 {"a\x80", 1},
                 {"ab\xc0\x80", 2},
                 {"\xed\xa0\x80", 0},
                 {"\xe0\x80\x80", 0},
                 {"\xf4\x90\x80\x80", 0},
                 {"x\xc3", 1},
                 {"\xf0\x9f\x98", 0},
                 {"\xff", 0},
                 {"\xc3(", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t bad = 99;
        const int is_valid = jinja_utf8_valid(str_from(cases[i].text), &bad);
        assert_int_equal(is_valid, cases[i].bad < 0);
        if (!is_valid) assert_int_equal(bad, cases[i].bad);
    }
}

static void every_code_point_survives_encoding(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp < 0x110000; cp += cp < 0x1000 ? 1 : 97) {
        if (cp >= 0xd800 && cp < 0xe000) continue;
        char bytes[4];
        size_t bad = 0;
        const struct str text = {bytes, jinja_utf8_put(cp, bytes)};
        assert_true(jinja_utf8_valid(text, &bad));
        assert_int_equal(jinja_utf8_width(bytes[0]), text.len);
        assert_int_equal(jinja_utf8_get(text), cp);
    }
}

static void positions_count_code_points(void **state)
{
    (void)state;
    const struct str text = STR_LIT("h\xc3\xa9\xf0\x9f\x98\x80!");
    assert_int_equal(jinja_utf8_count(text), 4);
    assert_int_equal(jinja_utf8_offset(text, 2), 3);
    assert_int_equal(jinja_utf8_offset(text, 99), text.len);
}

static void stripping_knows_unicode_white_space(void **state)
{
    (void)state;
    const struct str text = STR_LIT("\xc2\xa0\x1c a \xe3\x80\x80\n");
    assert_true(str_equal(jinja_text_strip(text, 1, 1), STR_LIT("a")));
    assert_int_equal(jinja_text_strip(text, 1, 0).len, 6);
    assert_int_equal(jinja_text_strip(STR_LIT(" \t "), 1, 1).len, 0);
}

static void search_finds_the_first_and_the_last(void **state)
{
    (void)state;
    const struct str text = STR_LIT("abcabc");
    assert_int_equal(jinja_text_find(text, STR_LIT("bc"), 0), 1);
    assert_int_equal(jinja_text_find(text, STR_LIT("bc"), 2), 4);
    assert_int_equal(jinja_text_find(text, STR_LIT("x"), 0), -1);
    assert_int_equal(jinja_text_find(text, STR_LIT(""), 6), 6);
    assert_int_equal(jinja_text_rfind(text, STR_LIT("bc"), 6), 4);
    assert_int_equal(jinja_text_rfind(text, STR_LIT("bc"), 5), 1);
    assert_int_equal(jinja_text_rfind(text, STR_LIT("abcabca"), 6), -1);
}

static void expect_case(const char *text, enum jinja_case to, const char *wanted)
{
    struct jinja_arena arena;
    jinja_arena_init(&arena, (size_t)1 << 20);
    struct jinja_out out = {.arena = &arena};
    assert_int_equal(jinja_text_to_case(str_from(text), to, &out), 0);
    assert_true(str_equal(jinja_out_text(&out), str_from(wanted)));
    jinja_arena_deinit(&arena);
}

static void case_follows_unicode_with_its_exceptions(void **state)
{
    (void)state;
    expect_case("a\xc3\xa9\xc3\x9f", JINJA_CASE_UPPER, "A\xc3\x89SS");
    expect_case("\xef\xac\x81", JINJA_CASE_UPPER, "FI");
    expect_case("\xce\x91\xce\xa3 \xce\xa3x", JINJA_CASE_LOWER, "\xce\xb1\xcf\x82 \xcf\x83x");
    expect_case("it's \xc7\x86x", JINJA_CASE_TITLE, "It'S \xc7\x85x");
    expect_case("123", JINJA_CASE_UPPER, "123");
}

static void printable_is_what_repr_shows(void **state)
{
    (void)state;
    assert_true(jinja_cp_is_printable('a') && jinja_cp_is_printable(0xe9));
    assert_true(jinja_cp_is_printable(0x1f600) && jinja_cp_is_printable(' '));
    assert_false(jinja_cp_is_printable('\n') || jinja_cp_is_printable(0x7f));
    assert_false(jinja_cp_is_printable(0xa0) || jinja_cp_is_printable(0x200b));
    assert_false(jinja_cp_is_printable(0xe000) || jinja_cp_is_printable(0x10ffff));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_valid_utf8_passes),
        cmocka_unit_test(every_code_point_survives_encoding),
        cmocka_unit_test(positions_count_code_points),
        cmocka_unit_test(stripping_knows_unicode_white_space),
        cmocka_unit_test(search_finds_the_first_and_the_last),
        cmocka_unit_test(case_follows_unicode_with_its_exceptions),
        cmocka_unit_test(printable_is_what_repr_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
