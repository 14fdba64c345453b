/* SPDX-License-Identifier: MIT */
/* Proves over random models and machines that a placement over two memories fits both, that its
 * figures are those of a slow second count, that no other assignment of alike layers is faster, and
 * that more memory of either kind is never slower. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream/tier_placement.h"

#define SHARDS_MAX  12U
#define EXTENTS_MAX 5U
#define MB          1000000U

static uint64_t seed = 1;

static uint32_t draw(uint32_t n)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % n;
}

static struct stream_extent extents[SHARDS_MAX][EXTENTS_MAX];
static struct stream_shard shards[SHARDS_MAX];
static struct tier_shard costs[SHARDS_MAX];

/* n layers and a head; alike: layers of one shape and no head to speak of. */
static uint32_t make_model(uint32_t n_layers, int is_alike, double speed)
{
    uint64_t offset = 1 << 20;
    for (uint32_t s = 0; s <= n_layers; s++) {
        const int is_head = s == n_layers;
        const uint32_t n_extents = is_alike ? (is_head ? 0 : 3) : 1 + draw(EXTENTS_MAX);
        double bytes = 0;
        for (uint32_t e = 0; e < n_extents; e++) {
            const uint64_t n = is_alike ? (1 + e) * 4096 * 700 : 1 + draw(draw(4) ? 30 * MB : 9999);
            extents[s][e] = (struct stream_extent){.offset = offset, .bytes = n};
            offset += is_alike ? n : n + draw(64);
            bytes += (double)n;
        }
        shards[s] = (struct stream_shard){"", n_extents, extents[s]};
        costs[s] = (struct tier_shard){.host_s = bytes / 20e9,
                                       .device_s = bytes / 20e9 / speed,
                                       .host_state = is_head ? 0 : MB,
                                       .device_state = is_head ? 2 * MB : MB,
                                       .link_bytes = is_head && !is_alike ? 600000 : 0,
                                       .can = is_head        ? TIER_CAN_MOVE
                                              : is_alike     ? TIER_CAN_BE_SENT
                                              : draw(8) == 0 ? TIER_STAYS
                                                             : TIER_CAN_BE_SENT};
    }
    return n_layers + 1;
}

static struct tier_placement_config config_of(uint32_t n)
{
    return (struct tier_placement_config){.shards = shards,
                                          .costs = costs,
                                          .n_shards = n,
                                          .host_fixed_bytes = 50 * MB,
                                          .device_fixed_bytes = 3 * MB,
                                          .crossing_bytes = 14336,
                                          .disk_bytes_per_s = 2e9,
                                          .link_bytes_per_s = draw(5) ? 3.2e9 : INFINITY};
}

static uint64_t total_bytes(uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < n; s++) {
        for (uint32_t e = 0; e < shards[s].n_extents; e++) sum += extents[s][e].bytes;
    }
    return sum;
}

/* The second count, from places and pins alone. */
static void check_figures(const struct tier_placement_config *config, const uint8_t *places,
                          const uint8_t *pinned, const struct tier_placement *p)
{
    uint64_t device = 0;
    uint64_t slot = 0;
    uint64_t streamed = 0;
    uint64_t sent = 0;
    uint64_t pins = 0;
    uint64_t freed = 0;
    uint64_t activations = 0;
    uint32_t n_away = 0;
    uint32_t i = 0;
    double compute_s = 0;
    for (uint32_t s = 0; s < config->n_shards; s++) {
        uint64_t bytes = 0;
        uint64_t rounded = 0;
        for (uint32_t e = 0; e < shards[s].n_extents; e++, i++) {
            const uint64_t end = extents[s][e].offset + extents[s][e].bytes;
            bytes += extents[s][e].bytes;
            rounded += (extents[s][e].bytes + 63) / 64 * 64;
            if (pinned[i]) pins += (end + 4095) / 4096 * 4096 - extents[s][e].offset / 4096 * 4096;
            if (!pinned[i] && places[s] != SHARD_DEVICE) streamed += extents[s][e].bytes;
            if (places[s] == SHARD_DEVICE) assert_int_equal(pinned[i], 0);
        }
        compute_s += places[s] == SHARD_HOST ? costs[s].host_s : costs[s].device_s;
        if ((places[s] != SHARD_HOST) != (s > 0 && places[s - 1] != SHARD_HOST)) {
            activations += config->crossing_bytes;
        }
        if (places[s] == SHARD_HOST) continue;
        assert_true(costs[s].can != TIER_STAYS);
        n_away++;
        activations += costs[s].link_bytes;
        device += costs[s].device_state;
        freed += costs[s].host_state;
        if (places[s] == SHARD_DEVICE) device += rounded;
        if (places[s] == SHARD_SENT) {
            assert_true(costs[s].can == TIER_CAN_BE_SENT);
            sent += bytes;
            if (rounded > slot) slot = rounded;
        }
    }
    if (n_away) device += config->device_fixed_bytes + 2 * slot;
    const double disk_s = (double)streamed / config->disk_bytes_per_s;
    const double link_s = (double)(sent + activations) / config->link_bytes_per_s;
    compute_s += (double)activations / config->link_bytes_per_s;
    assert_true(device <= config->device_bytes);
    assert_int_equal(p->device_used_bytes, device);
    assert_int_equal(p->host.pinned_bytes, pins);
    assert_true(p->host.pinned_bytes + p->host.ring_bytes + config->host_fixed_bytes <=
                config->host_bytes + freed);
    assert_int_equal(p->host.streamed_bytes, streamed);
    assert_int_equal(p->sent_bytes, sent);
    const double want = fmax(disk_s, fmax(link_s, compute_s));
    assert_true(fabs(p->pass_s - want) <= 1e-12 + 1e-9 * want);
    assert_true(p->binding == (link_s > fmax(disk_s, compute_s) ? TIER_LINK
                               : disk_s > compute_s             ? TIER_DISK
                                                                : TIER_COMPUTE));
}

static void more_memory_of_either_kind_is_never_slower(void **state)
{
    (void)state;
    enum { STEPS = 8 };
    uint32_t n_used = 0;
    uint32_t n_sending = 0;
    for (int model = 0; model < 60; model++) {
        const uint32_t n = make_model(1 + draw(SHARDS_MAX - 1), model % 3 == 0, 0.5 + draw(16));
        struct tier_placement_config config = config_of(n);
        const uint64_t total = total_bytes(n);
        double pass_s[STEPS][STEPS];
        for (uint32_t r = 0; r < STEPS; r++) {
            for (uint32_t d = 0; d < STEPS; d++) {
                uint8_t places[SHARDS_MAX];
                uint8_t pinned[SHARDS_MAX * EXTENTS_MAX];
                struct tier_placement p;
                config.host_bytes = total / 5 * r + 70 * MB;
                config.device_bytes = total / 6 * d;
                const int rc = tier_place(&config, places, pinned, &p);
                pass_s[r][d] = INFINITY;
                if (rc < 0) {
                    assert_int_equal(rc, NMOS_E_LIMIT);
                    assert_true(50 * MB - p.host_state_bytes + p.host.least_bytes >
                                config.host_bytes);
                } else {
                    check_figures(&config, places, pinned, &p);
                    n_used += p.n_pinned > 0;
                    n_sending += p.n_sent > 0;
                    pass_s[r][d] = p.pass_s;
                }
                assert_true(r == 0 || pass_s[r][d] <= pass_s[r - 1][d]);
                assert_true(d == 0 || pass_s[r][d] <= pass_s[r][d - 1]);
            }
        }
    }
    assert_true(n_used > 500 && n_sending > 100); /* the cases of interest did occur */
}

/* The pass of the best of all assignments, one by one. */
static double best_of_all(const struct tier_placement_config *config)
{
    double best = INFINITY;
    uint32_t n_assignments = 1;
    for (uint32_t s = 0; s + 1 < config->n_shards; s++) n_assignments *= 3;
    for (uint32_t a = 0; a < n_assignments; a++) {
        uint8_t places[SHARDS_MAX] = {0};
        uint8_t pinned[SHARDS_MAX * EXTENTS_MAX];
        struct tier_placement p;
        uint32_t rest = a;
        for (uint32_t s = 0; s + 1 < config->n_shards; s++, rest /= 3)
            places[s] = (uint8_t)(rest % 3);
        if (tier_evaluate(config, places, pinned, &p) < 0) continue;
        if (p.device_used_bytes <= config->device_bytes && p.pass_s < best) best = p.pass_s;
    }
    return best;
}

static void no_assignment_of_alike_layers_is_faster(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        const uint32_t n = make_model(3 + draw(4), 1, 1 + draw(8));
        struct tier_placement_config config = config_of(n);
        uint8_t places[SHARDS_MAX];
        uint8_t pinned[SHARDS_MAX * EXTENTS_MAX];
        struct tier_placement p;
        config.crossing_bytes = 0; /* the one thing that depends on which layers they are */
        config.host_bytes = 50 * MB + draw((uint32_t)total_bytes(n));
        config.device_bytes = draw((uint32_t)total_bytes(n));
        const int rc = tier_place(&config, places, pinned, &p);
        const double best = best_of_all(&config);
        if (rc < 0) {
            assert_true(isinf(best));
        } else {
            assert_true(p.pass_s <= best * (1 + 1e-9));
        }
    }
}

static void a_device_too_small_for_a_layer_is_not_used(void **state)
{
    (void)state;
    const uint32_t n = make_model(6, 1, 8);
    struct tier_placement_config config = config_of(n);
    uint8_t places[SHARDS_MAX];
    uint8_t pinned[SHARDS_MAX * EXTENTS_MAX];
    struct tier_placement p;
    config.host_bytes = (uint64_t)1 << 40;
    config.device_bytes = config.device_fixed_bytes + MB + tier_shard_bytes(&shards[0]) - 1;
    costs[n - 1].can = TIER_STAYS; /* the empty head would fit */
    assert_int_equal(tier_place(&config, places, pinned, &p), 0);
    assert_int_equal(p.n_pinned + p.n_sent, 0);
    assert_int_equal(p.device_used_bytes, 0);
    config.device_bytes++;
    assert_int_equal(tier_place(&config, places, pinned, &p), 0);
    assert_int_equal(p.n_pinned, 1);
    assert_int_equal(p.device_used_bytes, config.device_bytes);
}

static void a_fast_device_is_sent_to_until_link_and_computing_take_as_long(void **state)
{
    (void)state;
    const uint32_t n = make_model(11, 1, 50);
    struct tier_placement_config config = config_of(n);
    uint8_t places[SHARDS_MAX];
    uint8_t pinned[SHARDS_MAX * EXTENTS_MAX];
    struct tier_placement p;
    config.crossing_bytes = 0;
    config.link_bytes_per_s = 20e9; /* as fast as the host computes: 6 / 20 > (5 + 6 / 50) / 20 */
    config.host_bytes = (uint64_t)1 << 40;
    config.device_bytes = config.device_fixed_bytes + 11 * MB + 2 * tier_shard_bytes(&shards[0]);
    assert_int_equal(tier_place(&config, places, pinned, &p), 0);
    assert_int_equal(p.n_pinned, 0);
    assert_int_equal(p.n_sent, 6);
    assert_true(p.binding == TIER_LINK);
    config.link_bytes_per_s = 1e9; /* too slow for three: two are better pinned */
    assert_int_equal(tier_place(&config, places, pinned, &p), 0);
    assert_int_equal(p.n_pinned, 2);
    assert_int_equal(p.n_sent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_memory_of_either_kind_is_never_slower),
        cmocka_unit_test(no_assignment_of_alike_layers_is_faster),
        cmocka_unit_test(a_device_too_small_for_a_layer_is_not_used),
        cmocka_unit_test(a_fast_device_is_sent_to_until_link_and_computing_take_as_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
