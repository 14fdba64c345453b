/* SPDX-License-Identifier: MIT */
/* Proves that UTF-8 is recognised exactly: every code point, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

/* Writes @p c the long way round, surrogates and all. */
static size_t put_char(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(marks[n] | c);
    return n;
}

static void every_code_point_and_no_surrogate(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000 + 0x1000; c++) {
        char text[4];
        const size_t n = put_char(c, text);
        const int is_valid = c < 0x110000 && (c < 0xd800 || c > 0xdfff);
        assert_int_equal(utf8_char_len(text, n), is_valid ? (int)n : 0);
    }
}

static void every_pair_of_bytes(void **state)
{
    (void)state;
    for (int a = 0x80; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            const char text[] = {(char)a, (char)b};
            const int is_valid = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;
            assert_int_equal(utf8_char_len(text, 2) == 2, is_valid);
        }
    }
}

static void an_unfinished_character_may_still_become_one(void **state)
{
    (void)state;
    assert_int_equal(utf8_char_len("\xf0\x9f\x98", 3), -1);
    assert_int_equal(utf8_char_len("\xe6", 1), -1);
    assert_int_equal(utf8_char_len("\xf0\x80", 2), 0); /* longer than needed, whatever follows */
    assert_int_equal(utf8_char_len("\x80", 1), 0);
    assert_int_equal(utf8_char_len("", 0), -1);
}

static void the_valid_part_ends_where_it_breaks(void **state)
{
    (void)state;
    char text[40];
    for (size_t at = 0; at < 40; at++) {
        memset(text, 'x', sizeof(text));
        text[at] = '\xff';
        assert_int_equal(utf8_valid_len(text, sizeof(text)), at);
    }
    assert_int_equal(utf8_valid_len("ab\xe6\xbc", 4), 2);
    assert_int_equal(utf8_valid_len("ab\xe6\xbc\xa2", 5), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_and_no_surrogate),
        cmocka_unit_test(every_pair_of_bytes),
        cmocka_unit_test(an_unfinished_character_may_still_become_one),
        cmocka_unit_test(the_valid_part_ends_where_it_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
