/* SPDX-License-Identifier: MIT */
/* Proves that what the first passes use is counted as an obvious twin counts it; that what is
 * packed comes out again, the soonest used first, in no more bytes than are allowed; and
 * that no other bytes are taken for experts of a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stream/expert_first.h"

#define LAYERS_MAX  9U
#define EXPERTS_MAX 70U
#define PASSES      11U

static uint64_t seed;

static uint32_t draw(uint32_t n)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % n;
}

/* All that passes used: [pass][layer][expert], and what was missing. */
struct twin {
    uint8_t used[PASSES][LAYERS_MAX][EXPERTS_MAX];
    uint8_t missed[PASSES][LAYERS_MAX][EXPERTS_MAX];
};

static void run_passes(struct expert_first *first, struct twin *twin, uint32_t n_passes)
{
    memset(twin, 0, sizeof(*twin));
    for (uint32_t p = 0; p < n_passes; p++) {
        const uint32_t n_layers = draw(4) ? first->n_layers : 1 + draw(first->n_layers);
        for (uint32_t l = 0; l < n_layers; l++) { /* perhaps it is given up */
            const int is_there = (int)draw(2);
            expert_first_enter(first, l);
            for (uint32_t i = draw(30); i > 0; i--) {
                const uint32_t e = draw(1 + draw(first->n_experts));
                expert_first_use(first, e, is_there);
                twin->used[p][l][e] = 1;
                twin->missed[p][l][e] = !is_there;
            }
        }
    }
}

static uint32_t passes_of(const struct twin *twin, uint32_t l, uint32_t e)
{
    uint32_t passes = 0;
    for (uint32_t p = 0; p < EXPERT_FIRST_PASSES; p++) passes = passes << 1 | twin->used[p][l][e];
    return passes;
}

static void expect_counts(const struct expert_first *first, const struct twin *twin)
{
    uint32_t n_wanted = 0;
    uint32_t n_missing = 0;
    for (uint32_t l = 0; l < first->n_layers; l++) {
        for (uint32_t e = 0; e < first->n_experts; e++) {
            for (uint32_t p = 0; p < EXPERT_FIRST_PASSES; p++) {
                n_wanted += twin->used[p][l][e];
                n_missing += twin->missed[p][l][e];
            }
            assert_int_equal(first->passes_of[l * first->n_experts + e], passes_of(twin, l, e));
        }
    }
    assert_int_equal(first->n_wanted, n_wanted);
    assert_int_equal(first->n_missing, n_missing);
}

/* What comes out is what went in, but for what is used late where there is no room. */
static void expect_unpacked(const struct expert_first *first, const struct twin *twin)
{
    static struct expert_likely likely;
    uint8_t packed[EXPERT_FIRST_BYTES];
    uint32_t n_all = 0;
    const size_t n_bytes = expert_first_pack(first, packed);
    if (n_bytes == 0) {
        assert_int_equal(first->n_wanted, 0);
        return;
    }
    assert_int_equal(expert_first_unpack(packed, n_bytes, &likely), 0);
    assert_int_equal(likely.n_layers, first->n_layers);
    assert_int_equal(likely.n_experts, first->n_experts);
    assert_int_equal(likely.n_passes, first->n_passes);
    for (uint32_t i = 0; i < likely.n; i++) {
        const uint32_t key = likely.of[i].key;
        const uint32_t passes = passes_of(twin, key / first->n_experts, key % first->n_experts);
        assert_int_equal(likely.of[i].passes, passes);
        if (i == 0) continue;
        assert_true(passes < likely.of[i - 1].passes ||
                    (passes == likely.of[i - 1].passes && key > likely.of[i - 1].key));
    }
    for (uint32_t k = 0; k < first->n_layers * first->n_experts; k++) {
        n_all += first->passes_of[k] > 0;
    }
    if (n_bytes < EXPERT_FIRST_BYTES - 2) assert_int_equal(likely.n, n_all);
}

static void counts_are_those_of_the_twin(void **state)
{
    (void)state;
    static struct twin twin;
    for (uint64_t round = 1; round < 300; round++) {
        seed = round;
        struct expert_first first;
        assert_int_equal(expert_first_init(&first, 1 + draw(LAYERS_MAX), 1 + draw(EXPERTS_MAX)), 0);
        for (int again = 0; again < 2; again++) {
            run_passes(&first, &twin, draw(PASSES + 1));
            expect_counts(&first, &twin);
            expect_unpacked(&first, &twin);
            expert_first_restart(&first);
            assert_int_equal(first.n_wanted, 0);
        }
        expert_first_deinit(&first);
    }
}

static void of_a_large_model_the_soonest_used_are_kept(void **state)
{
    (void)state;
    static struct expert_likely likely;
    struct expert_first first;
    uint8_t packed[EXPERT_FIRST_BYTES];
    assert_int_equal(expert_first_init(&first, 94, 128), 0);
    for (uint32_t p = 0; p < EXPERT_FIRST_PASSES; p++) {
        for (uint32_t l = 0; l < 94; l++) {
            expert_first_enter(&first, l);
            for (uint32_t e = 0; e < 128; e++) {
                if (e % 4 == 3 || p > 1 + l % 6) expert_first_use(&first, e, 1);
            }
        }
    }
    const size_t n_bytes = expert_first_pack(&first, packed);
    assert_in_range(n_bytes, EXPERT_FIRST_BYTES - 4, EXPERT_FIRST_BYTES);
    assert_int_equal(expert_first_unpack(packed, n_bytes, &likely), 0);
    assert_in_range(likely.n, 450, EXPERT_FIRST_BYTES);
    for (uint32_t i = 0; i < likely.n; i++) assert_int_equal(likely.of[i].key % 4, 3);
    expert_first_deinit(&first);
}

/* Every byte changed, every length: an error, or experts that the model could have. */
static void other_bytes_are_refused(void **state)
{
    (void)state;
    static struct expert_likely likely;
    static struct twin twin;
    struct expert_first first;
    uint8_t packed[EXPERT_FIRST_BYTES];
    uint8_t changed[EXPERT_FIRST_BYTES + 1] = {0};
    seed = 5;
    assert_int_equal(expert_first_init(&first, 4, 8), 0);
    run_passes(&first, &twin, EXPERT_FIRST_PASSES);
    const size_t n_bytes = expert_first_pack(&first, packed);
    for (size_t i = 0; i < n_bytes * 256; i++) {
        memcpy(changed, packed, n_bytes);
        changed[i / 256] = (uint8_t)i;
        if (expert_first_unpack(changed, n_bytes, &likely) < 0) {
            assert_int_equal(likely.n, 0);
            continue;
        }
        assert_true(likely.n <= EXPERT_FIRST_BYTES);
        for (uint32_t k = 0; k < likely.n; k++) {
            assert_true(likely.of[k].key < likely.n_layers * likely.n_experts);
            assert_in_range(likely.of[k].passes, 1, 255);
        }
    }
    for (size_t n = 0; n < 3; n++) {
        assert_int_equal(expert_first_unpack(packed, n, &likely), NMOS_E_CORRUPT);
    }
    assert_int_equal(expert_first_unpack(changed, sizeof(changed), &likely), NMOS_E_CORRUPT);
    const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f, 8, 1};
    assert_int_equal(expert_first_unpack(huge, sizeof(huge), &likely), NMOS_E_CORRUPT);
    expert_first_deinit(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_the_twin),
        cmocka_unit_test(of_a_large_model_the_soonest_used_are_kept),
        cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
