/* SPDX-License-Identifier: MIT */
/* Proves over random models and budgets that a placement fits its budget and its stream, that more
 * memory is never slower, and that pins are spread through the depth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream/placement.h"

#define SHARDS_MAX  40U
#define EXTENTS_MAX 8U

static uint64_t seed = 1;

static uint32_t draw(uint32_t n)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % n;
}

static struct stream_extent extents[SHARDS_MAX][EXTENTS_MAX];
static struct stream_shard shards[SHARDS_MAX];
static double compute_s[SHARDS_MAX];

/* Layers alike in shape, as in models, or wild ones; the last shard is the head. */
static uint32_t make_model(int is_wild)
{
    const uint32_t n = 2 + draw(SHARDS_MAX - 1);
    uint64_t offset = 1000;
    for (uint32_t s = 0; s < n; s++) {
        const uint32_t n_extents = is_wild                ? draw(EXTENTS_MAX + 1)
                                   : s == 0 || s + 1 == n ? 1 + draw(EXTENTS_MAX)
                                                          : shards[0].n_extents;
        for (uint32_t e = 0; e < n_extents; e++) {
            const uint64_t bytes = is_wild || s == 0 || s + 1 == n
                                       ? 1 + (uint64_t)draw(draw(3) ? 60000000 : 10000)
                                       : extents[0][e].bytes;
            extents[s][e] = (struct stream_extent){.offset = offset, .bytes = bytes};
            offset += bytes + draw(64);
        }
        shards[s] = (struct stream_shard){"", n_extents, extents[s]};
        compute_s[s] = draw(100) * 1e-3;
    }
    return n;
}

static struct placement_config config_of(uint32_t n, uint64_t budget)
{
    return (struct placement_config){.shards = shards,
                                     .n_shards = n,
                                     .compute_s = compute_s,
                                     .budget_bytes = budget,
                                     .disk_bytes_per_s = 2e9};
}

static void mark(uint32_t n, const uint8_t *pinned)
{
    uint32_t i = 0;
    for (uint32_t s = 0; s < n; s++) {
        for (uint32_t e = 0; e < shards[s].n_extents; e++) extents[s][e].pinned = pinned[i++];
    }
}

static void more_memory_is_never_slower_and_everything_fits(void **state)
{
    (void)state;
    static uint8_t pinned[SHARDS_MAX * EXTENTS_MAX];
    for (int model = 0; model < 200; model++) {
        const uint32_t n = make_model(model % 2);
        struct placement p;
        struct placement_config config = config_of(n, 0);
        if (placement_compute(&config, pinned, &p) == 0) continue; /* nothing at all to hold */
        const uint64_t least = p.least_bytes;
        config.budget_bytes = least - 1;
        assert_int_equal(placement_compute(&config, pinned, &p), NMOS_E_LIMIT);
        uint64_t streamed_before = UINT64_MAX;
        double pass_before = 1e300;
        for (uint64_t budget = least;; budget += 1 + p.total_bytes / 57) {
            config.budget_bytes = budget;
            assert_int_equal(placement_compute(&config, pinned, &p), 0);
            mark(n, pinned);
            assert_true(p.pinned_bytes + p.ring_bytes <= budget);
            assert_int_equal(p.pinned_bytes, stream_pinned_bytes(shards, n));
            assert_true(p.ring_bytes >= stream_ring_bytes_min(shards, n));
            assert_true(p.streamed_bytes <= streamed_before);
            assert_true(p.pass_s <= pass_before);
            streamed_before = p.streamed_bytes;
            pass_before = p.pass_s;
            if (p.streamed_bytes == 0) break;
        }
        assert_int_equal(p.ring_bytes, 0);
        assert_true(p.pass_s == p.compute_s);
    }
}

static void pins_are_spread_evenly_and_the_head_and_small_ones_come_first(void **state)
{
    (void)state;
    enum { N = 32 };
    uint64_t offset = 0;
    for (uint32_t s = 0; s < N + 1; s++) {
        const uint64_t sizes[4] = {30000, 40000000, 40000000, 8000000};
        for (uint32_t e = 0; e < 4; e++) {
            extents[s][e] = (struct stream_extent){.offset = offset, .bytes = sizes[e]};
            offset += sizes[e];
        }
        shards[s] = (struct stream_shard){"", 4, extents[s]};
        compute_s[s] = 0.01;
    }
    uint8_t pinned[(N + 1) * 4];
    struct placement p;
    const struct placement_config config = config_of(N + 1, 1200000000);
    assert_int_equal(placement_compute(&config, pinned, &p), 0);
    for (uint32_t s = 0; s < N + 1; s++) assert_true(pinned[4 * s]);
    for (uint32_t e = 0; e < 4; e++) assert_true(pinned[4 * (size_t)N + e]);
    for (uint32_t quarter = 0; quarter < 4; quarter++) {
        uint32_t n = 0;
        for (uint32_t s = quarter * N / 4; s < (quarter + 1) * N / 4; s++) {
            n += pinned[4 * s + 1] + pinned[4 * s + 2];
        }
        assert_in_range(n, 5, 7); /* 24 or 25 extents of 40 MB fit, a quarter of them in each */
    }
    assert_true(p.binding == PLACEMENT_DISK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_memory_is_never_slower_and_everything_fits),
        cmocka_unit_test(pins_are_spread_evenly_and_the_head_and_small_ones_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
