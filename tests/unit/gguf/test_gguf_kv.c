/* SPDX-License-Identifier: MIT */
/* Proves that look-ups find what is there, convert without loss, and name a key whose value does
 * not suit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gguf_writer.h"

static struct gguf *gguf;

static int set_up(void **state)
{
    (void)state;
    struct buf buf = {0};
    put_header(&buf, 3, 0, 8);
    put_key(&buf, "minus", GGUF_I16);
    put_uint(&buf, (uint16_t)-2, 2);
    put_key(&buf, "big", GGUF_U64);
    put_uint(&buf, UINT64_MAX, 8);
    put_key(&buf, "half", GGUF_F32);
    put_uint(&buf, 0x3f000000, 4);
    put_key(&buf, "huge", GGUF_F64);
    put_uint(&buf, 0x7fe0000000000000, 8); /* 9e307: no float */
    put_key(&buf, "nan", GGUF_F32);
    put_uint(&buf, 0x7fc00000, 4);
    put_key(&buf, "yes", GGUF_BOOL);
    put_uint(&buf, 1, 1);
    put_kv_str(&buf, "word", "hi");
    put_key(&buf, "byte", GGUF_U8);
    put_uint(&buf, 200, 1);
    const int rc = gguf_parse(buf.data, buf.len, buf.len, &gguf);
    buf_deinit(&buf);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    gguf_close(&gguf);
    return 0;
}

static void a_missing_key_gives_the_fallback(void **state)
{
    (void)state;
    uint64_t number = 0;
    float real = 0;
    int flag = 0;
    struct str text = {0};
    assert_int_equal(gguf_get_u64(gguf, "no", 9, &number), 0);
    assert_int_equal(number, 9);
    assert_int_equal(gguf_get_f32(gguf, "no", 0.25F, &real), 0);
    assert_true(real == 0.25F);
    assert_int_equal(gguf_get_bool(gguf, "no", 1, &flag), 0);
    assert_int_equal(flag, 1);
    assert_int_equal(gguf_get_str(gguf, "no", STR_LIT("x"), &text), 0);
    assert_true(str_equal(text, STR_LIT("x")));
    assert_null(gguf_find(gguf, ""));
}

static void integers_of_any_width_convert(void **state)
{
    (void)state;
    uint64_t number = 0;
    float real = 0;
    assert_int_equal(gguf_get_u64(gguf, "byte", 0, &number), 0);
    assert_int_equal(number, 200);
    assert_int_equal(gguf_get_u64(gguf, "big", 0, &number), 0);
    assert_true(number == UINT64_MAX);
    assert_int_equal(gguf_get_f32(gguf, "minus", 0, &real), 0);
    assert_true(real == -2);
    assert_int_equal(gguf_get_f32(gguf, "half", 0, &real), 0);
    assert_true(real == 0.5F);
    assert_int_equal(gguf_kv_i64(gguf_find(gguf, "minus"), 0), -2);
    assert_true(gguf_kv_f64(gguf_find(gguf, "big"), 0) == 18446744073709551616.0);
}

static void unsuitable_values_are_refused_by_key_and_leave_the_result_alone(void **state)
{
    (void)state;
    uint64_t number = 5;
    float real = 5;
    int flag = 5;
    struct str text = STR_LIT("kept");
    assert_int_equal(gguf_get_u64(gguf, "minus", 0, &number), NMOS_E_CORRUPT);
    assert_non_null(strstr(error_message(), "minus is -2"));
    assert_int_equal(gguf_get_u64(gguf, "half", 0, &number), NMOS_E_CORRUPT);
    assert_non_null(strstr(error_message(), "half is of type f32; an integer is needed"));
    assert_int_equal(gguf_get_u64(gguf, "yes", 0, &number), NMOS_E_CORRUPT);
    assert_int_equal(number, 5);
    assert_int_equal(gguf_get_f32(gguf, "huge", 0, &real), NMOS_E_CORRUPT);
    assert_int_equal(gguf_get_f32(gguf, "nan", 0, &real), NMOS_E_CORRUPT);
    assert_int_equal(gguf_get_f32(gguf, "word", 0, &real), NMOS_E_CORRUPT);
    assert_true(real == 5);
    assert_int_equal(gguf_get_bool(gguf, "byte", 0, &flag), NMOS_E_CORRUPT);
    assert_int_equal(flag, 5);
    assert_int_equal(gguf_get_str(gguf, "byte", text, &text), NMOS_E_CORRUPT);
    assert_true(str_equal(text, STR_LIT("kept")));
}

static void types_have_names(void **state)
{
    (void)state;
    assert_string_equal(gguf_type_name(GGUF_I64), "i64");
    assert_string_equal(gguf_type_name((enum gguf_type)77), "unknown");
    assert_true(gguf_type_is_integer(GGUF_U8));
    assert_false(gguf_type_is_integer(GGUF_BOOL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_key_gives_the_fallback),
        cmocka_unit_test(integers_of_any_width_convert),
        cmocka_unit_test(unsuitable_values_are_refused_by_key_and_leave_the_result_alone),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
