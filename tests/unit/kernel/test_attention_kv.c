/* SPDX-License-Identifier: MIT */
/* Proves that positions survive storing and moving in every format, the same at every level. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "kv_fixture.h"
#include "quant/f16.h"

#define K_MAX 128
#define SLOTS 128

static const struct kv_layout layouts[] = {
    {KV_F32, 2, 40, 24, 64},  {KV_F16, 2, 40, 24, 64},  {KV_F16, 1, 64, 32, 128},
    {KV_Q8_0, 1, 32, 64, 64}, {KV_Q8_0, 2, 64, 32, 64},
};
#define N_LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

/* The numbers that go into a slot: they differ by slot, and each block of 32 has its own size. */
static void fill(float *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) x[i] = next_f32(&seed) * (float)(1 + (i / 32) * 50);
}

static float as_stored(enum kv_type type, const float *x, size_t i)
{
    if (type == KV_F32) return x[i];
    if (type == KV_F16) return f16_to_f32(f32_to_f16(x[i]));
    float largest = 0.0F;
    for (size_t j = i / 32 * 32; j < i / 32 * 32 + 32; j++) largest = fmaxf(largest, fabsf(x[j]));
    const float d = f16_to_f32(f32_to_f16(largest / 127.0F));
    return rintf(fmaxf(-127.0F, fminf(127.0F, x[i] * (1.0F / d)))) * d;
}

static void a_stored_position_reads_back_as_the_format_says(void **state)
{
    (void)state;
    for (size_t l = 0; l < N_LAYOUTS; l++) {
        const struct kv_layout *layout = &layouts[l];
        const size_t n_k = (size_t)layout->n_kv_heads * layout->head_dim_k;
        const size_t n_v = (size_t)layout->n_kv_heads * layout->head_dim_v;
        struct kv_fixture f;
        kv_fixture_init(&f, layout, SLOTS);
        float k[K_MAX], v[K_MAX], got_k[K_MAX], got_v[K_MAX];
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            fill(k, n_k, slot);
            fill(v, n_v, slot + 1000);
            kv_store(layout, f.pages[slot / layout->page_tokens], slot % layout->page_tokens, k, v);
        }
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            fill(k, n_k, slot);
            fill(v, n_v, slot + 1000);
            kv_load(layout, f.pages[slot / layout->page_tokens], slot % layout->page_tokens, got_k,
                    got_v);
            for (size_t i = 0; i < n_k; i++) assert_true(got_k[i] == as_stored(layout->type, k, i));
            for (size_t i = 0; i < n_v; i++) assert_true(got_v[i] == as_stored(layout->type, v, i));
        }
        kv_fixture_deinit(&f);
    }
}

static void every_level_stores_the_same_bytes(void **state)
{
    (void)state;
    const enum cpu_level best = cpu_level_get();
    for (size_t l = 0; l < N_LAYOUTS; l++) {
        struct kv_fixture expected;
        kv_fixture_init(&expected, &layouts[l], 64);
        for (int level = CPU_SCALAR; level <= (int)best; level++) {
            cpu_level_limit((enum cpu_level)level);
            attention_init();
            struct kv_fixture f;
            kv_fixture_init(&f, &layouts[l], 64);
            for (uint32_t slot = 0; slot < 64; slot += 3) {
                kv_fixture_store(level == CPU_SCALAR ? &expected : &f, slot, slot);
            }
            if (level != CPU_SCALAR) {
                assert_memory_equal(f.pages[0], expected.pages[0], kv_layer_bytes(&layouts[l]));
            }
            kv_fixture_deinit(&f);
        }
        kv_fixture_deinit(&expected);
        cpu_level_limit(CPU_AVX512);
    }
    attention_init();
}

static void a_copied_slot_has_the_same_bits_and_touches_no_other(void **state)
{
    (void)state;
    for (size_t l = 0; l < N_LAYOUTS; l++) {
        const struct kv_layout *layout = &layouts[l];
        struct kv_fixture moved;
        struct kv_fixture direct;
        kv_fixture_init(&moved, layout, 2 * layout->page_tokens);
        kv_fixture_init(&direct, layout, 2 * layout->page_tokens);
        kv_fixture_store(&moved, 5, 1);
        kv_fixture_store(&direct, 5, 1);
        kv_copy_slot(layout, moved.pages[0], 5, moved.pages[0], 38);
        kv_copy_slot(layout, moved.pages[0], 38, moved.pages[1], 63);
        kv_fixture_store(&direct, 38, 1);
        kv_fixture_store(&direct, layout->page_tokens + 63, 1);
        assert_memory_equal(moved.pages[0], direct.pages[0], kv_layer_bytes(layout));
        assert_memory_equal(moved.pages[1], direct.pages[1], kv_layer_bytes(layout));
        kv_fixture_deinit(&moved);
        kv_fixture_deinit(&direct);
    }
}

static void numbers_that_q8_0_cannot_hold_read_as_nan_and_tiny_ones_as_zero(void **state)
{
    (void)state;
    const struct kv_layout layout = {KV_Q8_0, 1, 32, 32, 64};
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1e8F};
    struct kv_fixture f;
    kv_fixture_init(&f, &layout, 64);
    float k[32], v[32], got_k[32], got_v[32];
    for (int b = 0; b < 4; b++) {
        for (int i = 0; i < 32; i++) k[i] = v[i] = 1.0F;
        k[3] = bad[b];
        v[20] = bad[b];
        kv_store(&layout, f.pages[0], 9, k, v);
        kv_load(&layout, f.pages[0], 9, got_k, got_v);
        for (int i = 0; i < 32; i++) assert_true(isnan(got_k[i]) && isnan(got_v[i]));
    }
    for (int i = 0; i < 32; i++) k[i] = v[i] = 1e-9F;
    kv_store(&layout, f.pages[0], 9, k, v);
    kv_load(&layout, f.pages[0], 9, got_k, got_v);
    for (int i = 0; i < 32; i++) assert_true(got_k[i] == 0.0F && got_v[i] == 0.0F);
    kv_fixture_deinit(&f);
}

static void layouts_outside_the_limits_are_refused_with_the_number(void **state)
{
    (void)state;
    static const struct kv_layout bad[] = {
        {KV_F16, 2, 65, 64, 64},  {KV_Q8_0, 2, 64, 80, 64}, {KV_F16, 77777, 64, 64, 64},
        {KV_F16, 2, 64, 64, 100}, {KV_F32, 2, 0, 64, 64},   {KV_F32, 2, 64, 64, 0},
    };
    static const char *const numbers[] = {"65", "80", "77777", "100", "0", "0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(kv_layout_check(&bad[i]), NMOS_E_UNSUPPORTED);
        assert_non_null(strstr(error_message(), numbers[i]));
    }
    for (size_t l = 0; l < N_LAYOUTS; l++) assert_int_equal(kv_layout_check(&layouts[l]), 0);
}

static void a_layer_takes_the_bytes_of_its_elements_and_scales(void **state)
{
    (void)state;
    assert_int_equal(kv_layer_bytes(&(struct kv_layout){KV_F32, 4, 128, 128, 64}),
                     4 * 64 * 256 * 4);
    assert_int_equal(kv_layer_bytes(&(struct kv_layout){KV_F16, 4, 128, 64, 128}),
                     4 * 128 * 192 * 2);
    assert_int_equal(kv_layer_bytes(&(struct kv_layout){KV_Q8_0, 2, 128, 128, 64}),
                     2 * 64 * 256 / 32 * 34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stored_position_reads_back_as_the_format_says),
        cmocka_unit_test(every_level_stores_the_same_bytes),
        cmocka_unit_test(a_copied_slot_has_the_same_bits_and_touches_no_other),
        cmocka_unit_test(numbers_that_q8_0_cannot_hold_read_as_nan_and_tiny_ones_as_zero),
        cmocka_unit_test(layouts_outside_the_limits_are_refused_with_the_number),
        cmocka_unit_test(a_layer_takes_the_bytes_of_its_elements_and_scales),
    };
    attention_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
