/* SPDX-License-Identifier: MIT */
/* Proves that tensor_blocks_check() finds the first value that is not finite, wherever it stands,
 * and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "quant/blocks.h"
#include "quant/validate.h"

#define N_BLOCKS 2500 /* two batches and a rest */

/* Makes the bytes of one block not finite; `which` 1: its min, where there is one. */
static void spoil(enum tensor_type type, unsigned char *block, int which)
{
    const uint16_t inf = 0x7c00, minus_nan = 0xfe01;
    size_t at = 0;
    switch (type) {
    case TENSOR_F32: memcpy(block, &(uint32_t){which ? 0xffc00000U : 0x7f800000U}, 4); return;
    case TENSOR_BF16: memcpy(block, &(uint16_t){which ? 0xffc0U : 0x7f80U}, 2); return;
    case TENSOR_MXFP4: block[0] = 255; return;
    case TENSOR_IQ1_M: /* the f16 0x7c00 in the upper nibbles of four u16 */
        block[48 + 5] = 0xc0;
        block[48 + 7] = 0x70;
        return;
    case TENSOR_Q2_K: at = which ? 82 : 80; break;
    case TENSOR_Q3_K: at = 108; break;
    case TENSOR_Q6_K: at = 208; break;
    case TENSOR_Q4_1:
    case TENSOR_Q5_1:
    case TENSOR_Q4_K:
    case TENSOR_Q5_K: at = which ? 2 : 0; break;
    default: break;
    }
    memcpy(block + at, which ? &minus_nan : &inf, 2);
}

static void the_first_bad_block_is_found_in_every_type(void **state)
{
    (void)state;
    static const size_t places[] = {0, 1, 1023, 1024, 2047, 2048, N_BLOCKS - 1};
    unsigned char *blocks = mem_alloc(MEM_GENERAL, N_BLOCKS * 256, 64);
    assert_non_null(blocks);
    for (uint32_t type = 0; type < TENSOR_TYPE_COUNT; type++) {
        const struct tensor_format *format = tensor_format_get(type);
        if (!format || !format->is_weight) continue;
        for (size_t i = 0; i < 2 * sizeof places / sizeof places[0]; i++) {
            const size_t place = places[i / 2];
            memset(blocks, 0, N_BLOCKS * (size_t)format->block_bytes);
            spoil(type, blocks + place * format->block_bytes, i & 1);
            spoil(type, blocks + (N_BLOCKS - 1) * (size_t)format->block_bytes, 0);
            assert_int_equal(tensor_blocks_check(type, blocks, N_BLOCKS), place);
            assert_int_equal(tensor_blocks_check(type, blocks, place), place);
        }
    }
    mem_free(blocks);
}

static void finite_scales_make_any_bits_valid(void **state)
{
    (void)state;
    unsigned char *blocks = mem_alloc(MEM_GENERAL, N_BLOCKS * 256, 64);
    assert_non_null(blocks);
    for (uint32_t type = 0; type < TENSOR_TYPE_COUNT; type++) {
        const struct tensor_format *format = tensor_format_get(type);
        if (!format || !format->is_quantized) continue;
        /* Every u16 is the f16 of all bits but the exponent's lowest: the largest finite magnitude.
         */
        for (size_t i = 0; i < N_BLOCKS * (size_t)format->block_bytes; i += 2) {
            memcpy(blocks + i, type == TENSOR_MXFP4 ? "\xfe\xfe" : "\xff\xfb", 2);
        }
        if (type == TENSOR_IQ1_M) memset(blocks, 0xbf, N_BLOCKS * (size_t)format->block_bytes);
        assert_int_equal(tensor_blocks_check(type, blocks, N_BLOCKS), N_BLOCKS);
    }
    mem_free(blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_bad_block_is_found_in_every_type),
        cmocka_unit_test(finite_scales_make_any_bits_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
