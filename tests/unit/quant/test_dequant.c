/* SPDX-License-Identifier: MIT */
/*
 * Proves that dequant_row() gives the reference's floats bit for bit, for every weight type, on
 * blocks of a real model and on random ones. The fixture's layout is described in
 * tests/golden/make_dequant_vectors.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "quant/dequant.h"

static struct buf fixture;

struct vector_case {
    uint32_t type, n, n_bytes;
    const char *blocks, *values;
};

/* The case at *pos, which moves behind it. */
static int next_case(size_t *pos, struct vector_case *ret)
{
    if (*pos + 12 > fixture.len) return 0;
    memcpy(ret, fixture.data + *pos, 12);
    ret->blocks = fixture.data + *pos + 12;
    ret->values = ret->blocks + ret->n_bytes;
    *pos += 12 + ret->n_bytes + ret->n * sizeof(float);
    assert_true(*pos <= fixture.len);
    return 1;
}

static void every_vector_is_reproduced_bit_for_bit(void **state)
{
    (void)state;
    size_t pos = 0;
    int n_cases = 0;
    struct vector_case v;
    for (; next_case(&pos, &v); n_cases++) {
        const struct tensor_format *format = tensor_format_get(v.type);
        assert_non_null(format);
        assert_int_equal(tensor_row_bytes(v.type, v.n), v.n_bytes);
        unsigned char *blocks = mem_alloc(MEM_GENERAL, v.n_bytes, 64);
        float *out = mem_alloc(MEM_GENERAL, v.n * sizeof(float), 64);
        assert_non_null(blocks);
        assert_non_null(out);
        memcpy(blocks, v.blocks, v.n_bytes);
        dequant_row(v.type, blocks, v.n, out);
        if (memcmp(out, v.values, v.n * sizeof(float)) != 0) {
            fail_msg("%s, case %d differs", format->name, n_cases);
        }
        mem_free(out);
        mem_free(blocks);
    }
    assert_int_equal(n_cases, 46);
    assert_int_equal(pos, fixture.len);
}

static void vectors_cover_every_weight_type_but_f32(void **state)
{
    (void)state;
    int seen[TENSOR_TYPE_COUNT] = {0};
    size_t pos = 0;
    struct vector_case v;
    while (next_case(&pos, &v)) seen[v.type] = 1;
    for (uint32_t type = 0; type < TENSOR_TYPE_COUNT; type++) {
        const struct tensor_format *format = tensor_format_get(type);
        const int expected = format && format->is_weight && type != TENSOR_F32;
        assert_int_equal(seen[type], expected);
    }
}

static void f32_is_copied(void **state)
{
    (void)state;
    const float in[3] = {1.5F, -0.0F, 3e38F};
    float out[3];
    dequant_row(TENSOR_F32, in, 3, out);
    assert_memory_equal(in, out, sizeof in);
}

int main(int argc, char **argv)
{
    if (argc != 2 || buf_read_file(&fixture, argv[1], 1U << 20) < 0) {
        fprintf(stderr, "usage: test_dequant dequant_vectors.bin\n");
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_reproduced_bit_for_bit),
        cmocka_unit_test(vectors_cover_every_weight_type_but_f32),
        cmocka_unit_test(f32_is_copied),
    };
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    buf_deinit(&fixture);
    return rc;
}
