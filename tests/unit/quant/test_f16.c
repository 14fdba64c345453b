/* SPDX-License-Identifier: MIT */
/* Proves the 16-bit float conversions: every f16 value, every rounding boundary between two of
 * them, NaN. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quant/f16.h"

#define F16_INF 0x7c00U

static void every_finite_f16_has_the_value_of_its_fields(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < F16_INF; h++) {
        const int exponent = (int)(h >> 10);
        const int mantissa = (int)(h & 0x3ff);
        const double value =
            exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
        assert_true((double)f16_to_f32((uint16_t)h) == value);
        assert_true((double)f16_to_f32((uint16_t)(h | 0x8000U)) == -value);
    }
    assert_int_equal(f32_to_bits(f16_to_f32(0x8000)), 0x80000000U);
    assert_int_equal(f32_to_bits(f16_to_f32(F16_INF)), 0x7f800000U);
    assert_int_equal(f32_to_bits(f16_to_f32(0xfc00)), 0xff800000U);
}

static void f16_survives_a_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        const int is_nan = (h & 0x7fffU) > F16_INF;
        const uint32_t expected = is_nan ? h | 0x200U : h; /* a NaN comes back quiet */
        assert_int_equal(f32_to_f16(f16_to_f32((uint16_t)h)), expected);
    }
}

static void f32_rounds_to_the_nearest_f16_and_ties_to_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < F16_INF; h++) {
        /* Above the largest f16 the format would go on with 65536. */
        const float below = f16_to_f32((uint16_t)h);
        const float above = h + 1 == F16_INF ? 65536.0F : f16_to_f32((uint16_t)(h + 1));
        const float middle = (below + above) * 0.5F; /* exact */
        const uint32_t even = h & 1 ? h + 1 : h;
        assert_int_equal(f32_to_f16(middle), even);
        assert_int_equal(f32_to_f16(-middle), even | 0x8000U);
        assert_int_equal(f32_to_f16(nextafterf(middle, 0.0F)), h);
        assert_int_equal(f32_to_f16(nextafterf(middle, INFINITY)), h + 1);
    }
}

static void bf16_is_the_upper_half_rounded_to_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7f80U; h++) {
        const uint32_t bits = h << 16;
        assert_int_equal(f32_to_bits(bf16_to_f32((uint16_t)h)), bits);
        assert_int_equal(f32_to_bf16(f32_from_bits(bits)), h);
        assert_int_equal(f32_to_bf16(f32_from_bits(bits | 0x7fffU)), h);
        assert_int_equal(f32_to_bf16(f32_from_bits(bits | 0x8000U)), h & 1 ? h + 1 : h);
        assert_int_equal(f32_to_bf16(f32_from_bits(bits | 0x8001U)), h + 1);
    }
}

static void nan_never_becomes_infinity(void **state)
{
    (void)state;
    const float smallest_payload = f32_from_bits(0x7f800001U);
    assert_int_equal(f32_to_f16(smallest_payload), 0x7e00U);
    assert_int_equal(f32_to_bf16(smallest_payload), 0x7fc0U);
    assert_int_equal(f32_to_bits(f16_to_f32(0xfc01U)), 0xffc02000U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_finite_f16_has_the_value_of_its_fields),
        cmocka_unit_test(f16_survives_a_round_trip),
        cmocka_unit_test(f32_rounds_to_the_nearest_f16_and_ties_to_even),
        cmocka_unit_test(bf16_is_the_upper_half_rounded_to_even),
        cmocka_unit_test(nan_never_becomes_infinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
