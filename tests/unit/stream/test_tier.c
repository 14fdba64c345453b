/* SPDX-License-Identifier: MIT */
/* Proves that shards arrive at the host or at a device with exactly the bytes of their file, for
 * any places, pins and rings, also after passes that broke off, transfers that failed and waits
 * that were cancelled, and that nothing is allocated or left behind. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/sim/sim_backend.h"
#include "backend/sim/sim_link.h"
#include "base/mem.h"
#include "stream/tier.h"

#define FILE_BYTES  4000000U
#define SHARDS_MAX  14U
#define EXTENTS_MAX 4U

static char path[64];
static struct file *file;
static unsigned char content[FILE_BYTES];
static uint64_t seed;

static uint32_t draw(uint32_t n)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % n;
}

static int open_file(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "test_tier_%d.tmp", (int)getpid());
    for (uint32_t i = 0; i < FILE_BYTES; i++) content[i] = (unsigned char)((i * 2654435761U) >> 13);
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(content, 1, FILE_BYTES, out) != FILE_BYTES || fclose(out) != 0) return -1;
    return file_open(path, &file);
}

static int close_file(void **state)
{
    (void)state;
    file_close(&file);
    return unlink(path);
}

/* One model on one machine. */
struct rig {
    uint32_t n_shards;
    struct stream_extent extents[SHARDS_MAX][EXTENTS_MAX];
    struct stream_shard shards[SHARDS_MAX];
    uint8_t places[SHARDS_MAX];
    uint32_t order[SHARDS_MAX];
    struct backend *cpu;
    struct backend *sim;
    struct stream *stream;
    struct tier *tier;
    uint32_t n_pinned;  /* extents at the device */
    uint32_t announced; /* of them, by on_pinned */
};
static struct rig rig;
static _Atomic int must_cancel;

static int note_pinned(void *arg, uint32_t shard_i, uint32_t extent_i, void *data)
{
    (void)arg;
    const struct stream_extent *extent = &rig.extents[shard_i][extent_i];
    assert_int_equal(rig.places[shard_i], SHARD_DEVICE);
    assert_memory_equal(data, content + extent->offset, extent->bytes);
    rig.announced++;
    return 0;
}

/* Shards of random extents at random places; at least three are sent when any are. */
static void draw_shards(void)
{
    uint64_t offset = draw(5000);
    uint32_t n_sent = 0;
    rig = (struct rig){.n_shards = 4 + draw(SHARDS_MAX - 4)};
    for (uint32_t s = 0; s < rig.n_shards; s++) {
        const uint32_t n = 1 + draw(EXTENTS_MAX);
        rig.places[s] = (uint8_t)draw(3);
        n_sent += rig.places[s] == SHARD_SENT;
        for (uint32_t e = 0; e < n; e++) {
            const uint64_t bytes = 1 + draw(draw(3) ? 60000 : 300);
            rig.extents[s][e] = (struct stream_extent){.offset = offset, .bytes = bytes};
            rig.extents[s][e].pinned = rig.places[s] != SHARD_DEVICE && draw(2);
            rig.n_pinned += rig.places[s] == SHARD_DEVICE;
            offset += bytes + draw(40);
        }
        rig.shards[s] = (struct stream_shard){"shard", n, rig.extents[s]};
    }
    for (uint32_t s = 0; n_sent > 0 && s < 3; s++) {
        if (rig.places[s] == SHARD_DEVICE) rig.n_pinned -= rig.shards[s].n_extents;
        rig.places[s] = SHARD_SENT;
    }
}

static void open_rig(double link_bytes_per_s)
{
    struct stream_shard river[SHARDS_MAX];
    const struct sim_config sim = {.memory_bytes = 64 << 20, .link_bytes_per_s = link_bytes_per_s};
    tier_river_order(rig.places, rig.n_shards, rig.order);
    for (uint32_t r = 0; r < rig.n_shards; r++) {
        river[r] = rig.shards[rig.order[r]];
        if (rig.places[rig.order[r]] == SHARD_DEVICE) river[r].n_extents = 0;
    }
    const uint64_t least = stream_ring_bytes_min(river, rig.n_shards);
    const struct stream_config stream = {.files = &file,
                                         .n_files = 1,
                                         .shards = river,
                                         .n_shards = rig.n_shards,
                                         .ring_bytes = least ? least + draw(4) * 65536 : 0};
    assert_int_equal(cpu_backend_create(1, &rig.cpu), 0);
    assert_int_equal(sim_backend_create(&sim, rig.cpu, &rig.sim), 0);
    assert_int_equal(stream_open(&stream, &rig.stream), 0);
    const struct tier_config tier = {.device = rig.sim,
                                     .stream = rig.stream,
                                     .files = &file,
                                     .shards = rig.shards,
                                     .places = rig.places,
                                     .river_order = rig.order,
                                     .n_shards = rig.n_shards,
                                     .on_pinned = note_pinned,
                                     .cancel = &must_cancel};
    assert_int_equal(tier_open(&tier, &rig.tier), 0);
}

static void close_rig(void)
{
    struct backend_usage usage;
    tier_close(&rig.tier);
    assert_null(rig.tier);
    rig.sim->ops->usage(rig.sim, &usage);
    assert_int_equal(usage.used_bytes, 0);
    stream_close(&rig.stream);
    backend_destroy(&rig.sim);
    backend_destroy(&rig.cpu);
}

static void expect_shard(uint32_t s, const void **data)
{
    for (uint32_t e = 0; e < rig.shards[s].n_extents; e++) {
        assert_memory_equal(data[e], content + rig.extents[s][e].offset, rig.extents[s][e].bytes);
        if (rig.places[s] != SHARD_HOST) assert_int_equal((uintptr_t)data[e] % 64, 0);
    }
}

/* Acquires shards [0, n) one by one. @return the first failure. */
static int run_pass(uint32_t n)
{
    tier_begin_pass(rig.tier);
    for (uint32_t s = 0; s < n; s++) {
        const void *data[EXTENTS_MAX];
        const int rc = tier_acquire(rig.tier, s, data);
        if (rc < 0) return rc;
        expect_shard(s, data);
        tier_release(rig.tier, s);
    }
    return 0;
}

static void every_shard_arrives_in_every_pass_also_behind_broken_ones(void **state)
{
    (void)state;
    uint32_t n_sending = 0;
    for (seed = 1; seed < 150; seed++) {
        const uint64_t first = seed;
        draw_shards();
        open_rig(0);
        assert_int_equal(run_pass(rig.n_shards), 0);
        assert_int_equal(rig.announced, rig.n_pinned);
        const uint64_t n_allocs = mem_alloc_count();
        for (int pass = 0; pass < 6; pass++) {
            assert_int_equal(run_pass(draw(3) ? rig.n_shards : draw(rig.n_shards)), 0);
        }
        assert_int_equal(mem_alloc_count(), n_allocs);
        assert_int_equal(rig.announced, rig.n_pinned);
        n_sending += rig.order[0] != 0;
        close_rig();
        seed = first;
    }
    assert_true(n_sending > 50);
}

static void what_crosses_in_a_pass_is_what_is_sent(void **state)
{
    (void)state;
    seed = 7;
    draw_shards();
    for (uint32_t s = 0; s < rig.n_shards; s++) rig.places[s] = s % 2 ? SHARD_HOST : SHARD_SENT;
    open_rig(0);
    uint64_t sent = 0;
    for (uint32_t s = 0; s < rig.n_shards; s += 2) {
        for (uint32_t e = 0; e < rig.shards[s].n_extents; e++) sent += rig.extents[s][e].bytes;
    }
    struct backend_usage before;
    struct backend_usage after;
    assert_int_equal(run_pass(rig.n_shards), 0);
    rig.sim->ops->usage(rig.sim, &before);
    /* Two shards of the next pass are on their way or not: they are so at both ends. */
    for (int pass = 0; pass < 10; pass++) assert_int_equal(run_pass(rig.n_shards), 0);
    rig.sim->ops->abandon(rig.sim);
    rig.sim->ops->usage(rig.sim, &after);
    const uint64_t two = 2 * EXTENTS_MAX * 60000;
    assert_in_range(after.up_bytes - before.up_bytes, 10 * sent - two, 10 * sent + two);
    close_rig();
}

static void a_transfer_that_fails_ends_one_pass_and_no_more(void **state)
{
    (void)state;
    uint32_t n_failed = 0;
    for (seed = 1000; seed < 1200; seed++) {
        const uint64_t first = seed;
        draw_shards();
        open_rig(0);
        sim_link_fail_after((int64_t)draw(40));
        for (int pass = 0; pass < 3; pass++) {
            const int rc = run_pass(rig.n_shards);
            if (rc == 0) continue;
            assert_int_equal(rc, NMOS_E_IO);
            assert_non_null(strstr(error_message(), "the link to the device failed"));
            n_failed++;
            assert_int_equal(run_pass(rig.n_shards), 0);
        }
        sim_link_fail_after(-1);
        close_rig();
        seed = first;
    }
    assert_true(n_failed > 50);
}

static void *cancel_soon(void *arg)
{
    (void)arg;
    atomic_store(&must_cancel, 1);
    return NULL;
}

static void a_wait_for_the_link_can_be_cancelled_and_tried_again(void **state)
{
    (void)state;
    pthread_t thread;
    seed = 5;
    draw_shards();
    for (uint32_t s = 0; s < rig.n_shards; s++) rig.places[s] = SHARD_SENT;
    open_rig(1); /* a byte a second: nothing arrives */
    for (int i = 0; i < 2; i++) {
        const void *data[EXTENTS_MAX];
        tier_begin_pass(rig.tier);
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
        assert_int_equal(tier_acquire(rig.tier, 0, data), NMOS_E_CANCELLED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        atomic_store(&must_cancel, 0);
    }
    close_rig();
}

static void a_device_without_room_is_refused_with_numbers(void **state)
{
    (void)state;
    seed = 9;
    draw_shards();
    for (uint32_t s = 0; s < rig.n_shards; s++) rig.places[s] = SHARD_DEVICE;
    open_rig(0);
    const struct sim_config small = {.memory_bytes = 1000};
    struct backend *device = NULL;
    struct tier *tier = NULL;
    assert_int_equal(sim_backend_create(&small, rig.cpu, &device), 0);
    const struct tier_config config = {.device = device,
                                       .stream = rig.stream,
                                       .files = &file,
                                       .shards = rig.shards,
                                       .places = rig.places,
                                       .river_order = rig.order,
                                       .n_shards = rig.n_shards};
    assert_int_equal(tier_open(&config, &tier), NMOS_E_NOMEM);
    assert_null(tier);
    assert_non_null(strstr(error_message(), "1000 of 1000 are free"));
    backend_destroy(&device);
    close_rig();
}

static void the_river_brings_sent_shards_when_their_slot_is_free(void **state)
{
    (void)state;
    const uint8_t places[] = {SHARD_HOST, SHARD_SENT, SHARD_DEVICE, SHARD_SENT,
                              SHARD_HOST, SHARD_SENT, SHARD_SENT,   SHARD_HOST};
    const uint32_t want[] = {0, 5, 2, 6, 4, 1, 3, 7};
    uint32_t order[8];
    tier_river_order(places, 8, order);
    assert_memory_equal(order, want, sizeof(want));
    const uint8_t none[] = {SHARD_HOST, SHARD_DEVICE, SHARD_HOST};
    tier_river_order(none, 3, order);
    for (uint32_t s = 0; s < 3; s++) assert_int_equal(order[s], s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_river_brings_sent_shards_when_their_slot_is_free),
        cmocka_unit_test(every_shard_arrives_in_every_pass_also_behind_broken_ones),
        cmocka_unit_test(what_crosses_in_a_pass_is_what_is_sent),
        cmocka_unit_test(a_transfer_that_fails_ends_one_pass_and_no_more),
        cmocka_unit_test(a_wait_for_the_link_can_be_cancelled_and_tried_again),
        cmocka_unit_test(a_device_without_room_is_refused_with_numbers),
    };
    return cmocka_run_group_tests(tests, open_file, close_file);
}
