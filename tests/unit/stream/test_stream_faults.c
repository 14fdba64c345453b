/* SPDX-License-Identifier: MIT */
/* Proves on a simulated device, over 1,000 seeded schedules of faults, layouts and ring sizes, that
 * an acquired shard holds exactly its file's bytes or the acquire fails with a message; and that
 * the stream works again afterwards, also with fewer pins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/ioq.h"
#include "io/ioq_sim.h"
#include "stream/stream.h"

#define FILE_BYTES  700001U
#define SHARDS_MAX  12U
#define EXTENTS_MAX 5U
#define N_SCHEDULES 1000U

static unsigned char *content;
static uint64_t seed;

static uint32_t draw(uint32_t n)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % n;
}

static int set_up(void **state)
{
    (void)state;
    content = mem_alloc(MEM_GENERAL, FILE_BYTES, 64);
    if (!content) return -1;
    for (uint32_t i = 0; i < FILE_BYTES; i++) content[i] = (unsigned char)((i * 2654435761U) >> 11);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mem_free(content);
    return 0;
}

/* A random model: shards of extents anywhere in the file, some pinned. */
struct layout {
    struct stream_extent extents[SHARDS_MAX][EXTENTS_MAX];
    struct stream_shard shards[SHARDS_MAX];
    uint32_t n_shards;
    uint32_t n_announced[SHARDS_MAX][EXTENTS_MAX];
};

static void make_layout(struct layout *layout)
{
    memset(layout, 0, sizeof(*layout));
    const uint32_t pinned_of_4 = draw(5);
    layout->n_shards = 1 + draw(SHARDS_MAX);
    for (uint32_t s = 0; s < layout->n_shards; s++) {
        const uint32_t n = draw(EXTENTS_MAX + 1);
        for (uint32_t e = 0; e < n; e++) {
            const uint32_t bytes = 1 + draw(draw(4) ? 60000 : 100);
            layout->extents[s][e] = (struct stream_extent){
                .pinned = draw(4) < pinned_of_4,
                .offset = draw(FILE_BYTES - bytes + 1),
                .bytes = bytes,
            };
        }
        layout->shards[s] = (struct stream_shard){"shard", n, layout->extents[s]};
    }
}

static int announce(void *arg, uint32_t shard_i, uint32_t extent_i, void *data)
{
    struct layout *layout = arg;
    const struct stream_extent *extent = &layout->extents[shard_i][extent_i];
    layout->n_announced[shard_i][extent_i]++;
    assert_int_equal((uintptr_t)data % MEM_ALIGN_VECTOR, 0);
    assert_memory_equal(data, content + extent->offset, extent->bytes);
    /* Rearranged in place: no later read may touch these bytes. */
    unsigned char *bytes = data;
    for (uint64_t i = 0; i < extent->bytes; i++) bytes[i] = (unsigned char)~bytes[i];
    return 0;
}

static void expect_bytes(const struct stream_extent *extent, const unsigned char *data)
{
    if (!extent->pinned) {
        assert_memory_equal(data, content + extent->offset, extent->bytes);
        return;
    }
    for (uint64_t i = 0; i < extent->bytes; i++) {
        if (data[i] != (unsigned char)~content[extent->offset + i])
            fail_msg("pin at %lu", (unsigned long)i);
    }
}

/* Acquires and releases every shard once; returns the number of failures. */
static uint32_t pass(struct stream *stream, const struct layout *layout)
{
    uint32_t n_failures = 0;
    for (uint32_t s = 0; s < layout->n_shards; s++) {
        const void *data[EXTENTS_MAX];
        const int rc = stream_acquire(stream, s, data);
        if (rc < 0) {
            assert_int_equal(rc, NMOS_E_IO);
            assert_true(strlen(error_message()) > 10);
            n_failures++;
            if (draw(2)) return n_failures; /* a pass that is given up: the next begins at 0 */
            continue;
        }
        for (uint32_t e = 0; e < layout->shards[s].n_extents; e++) {
            expect_bytes(&layout->extents[s][e], data[e]);
        }
        stream_release(stream, s);
    }
    return n_failures;
}

/* Gives some pins up, as when memory becomes short. */
static void shrink(struct stream *stream, struct layout *layout)
{
    uint8_t pinned[SHARDS_MAX * EXTENTS_MAX];
    uint32_t n = 0;
    struct stream_stats stats;
    for (uint32_t s = 0; s < layout->n_shards; s++) {
        for (uint32_t e = 0; e < layout->shards[s].n_extents; e++) {
            pinned[n] = draw(2) != 0;
            if (!pinned[n++]) layout->extents[s][e].pinned = 0;
        }
    }
    const uint64_t ring_min = stream_ring_bytes_min(layout->shards, layout->n_shards);
    if (ring_min > 0) assert_int_equal(stream_shrink(stream, pinned, ring_min - 1), NMOS_E_LIMIT);
    assert_int_equal(stream_shrink(stream, pinned, ring_min + 4096 * (uint64_t)draw(20)), 0);
    stream_stats(stream, &stats);
    assert_int_equal(stats.pinned_bytes, stream_pinned_bytes(layout->shards, layout->n_shards));
}

static void run_schedule(uint64_t number)
{
    seed = number;
    static struct layout layout;
    make_layout(&layout);
    _Atomic int is_broken = 0;
    const unsigned char *data = content;
    const int has_eio = draw(2) == 0;
    const struct ioq_sim_config device = {
        .data = &data,
        .seed = number,
        .p_short = draw(2) ? draw(40000) : 0,
        .p_eintr = draw(2) ? draw(30000) : 0,
        .p_eio = has_eio ? draw(20000) : 0,
        .p_stall = draw(4) ? 0 : draw(3000),
        .stall_reaps = draw(10),
        .is_broken = &is_broken,
    };
    struct file file = ioq_sim_file(FILE_BYTES, draw(2) ? 512 : 4096);
    struct file *files = &file;
    struct ioq *ioq = NULL;
    struct stream *stream = NULL;
    assert_int_equal(ioq_open_sim(&device, &files, 1, 1 + draw(IOQ_DEPTH_MAX), &ioq), 0);
    const uint64_t ring_min = stream_ring_bytes_min(layout.shards, layout.n_shards);
    const struct stream_config config = {
        .files = &files,
        .n_files = 1,
        .ioq = ioq,
        .shards = layout.shards,
        .n_shards = layout.n_shards,
        .ring_bytes = ring_min + 4096 * (uint64_t)(draw(3) ? draw(60) : 0),
        .read_bytes = 4096 * (1 + draw(20)),
        .on_pinned = announce,
        .on_pinned_arg = &layout,
    };
    assert_int_equal(stream_open(&config, &stream), 0);
    uint32_t n_failures = pass(stream, &layout);
    n_failures += pass(stream, &layout);
    if (draw(3) == 0) {
        atomic_store(&is_broken, 1);
        n_failures += pass(stream, &layout);
        n_failures += pass(stream, &layout);
        atomic_store(&is_broken, 0);
        (void)pass(stream, &layout); /* tells what failed while broken */
        (void)pass(stream, &layout);
        n_failures++;
    }
    if (draw(3) == 0) {
        shrink(stream, &layout);
        n_failures += pass(stream, &layout);
    }
    n_failures += pass(stream, &layout);
    if (!has_eio && n_failures == 0) assert_int_equal(pass(stream, &layout), 0);
    for (uint32_t s = 0; !has_eio && s < layout.n_shards; s++) {
        const void *lent[EXTENTS_MAX];
        int rc = stream_acquire(stream, s, lent);
        if (rc < 0) rc = stream_acquire(stream, s, lent); /* the last old failure */
        assert_int_equal(rc, 0);
        stream_release(stream, s);
        for (uint32_t e = 0; e < layout.shards[s].n_extents; e++) {
            const uint32_t n = layout.n_announced[s][e];
            assert_true(layout.extents[s][e].pinned ? n == 1 : n <= 1);
        }
    }
    stream_close(&stream);
    ioq_close(&ioq);
}

static void bytes_are_right_or_an_error_is_told(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < N_SCHEDULES; i++) run_schedule(i);
}

static void two_shards_may_be_held_when_the_ring_has_room_and_not_else(void **state)
{
    (void)state;
    static struct layout layout;
    memset(&layout, 0, sizeof(layout));
    for (uint32_t s = 0; s < 3; s++) {
        layout.extents[s][0] = (struct stream_extent){.offset = s * 50000, .bytes = 40000};
        layout.shards[s] = (struct stream_shard){"held", 1, layout.extents[s]};
    }
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data};
    struct file file = ioq_sim_file(FILE_BYTES, 4096);
    struct file *files = &file;
    for (uint64_t n_fit = 2; n_fit <= 3; n_fit++) {
        struct ioq *ioq = NULL;
        struct stream *stream = NULL;
        assert_int_equal(ioq_open_sim(&device, &files, 1, 8, &ioq), 0);
        const struct stream_config config = {.files = &files,
                                             .n_files = 1,
                                             .ioq = ioq,
                                             .shards = layout.shards,
                                             .n_shards = 3,
                                             .ring_bytes = n_fit * 49152};
        assert_int_equal(stream_open(&config, &stream), 0);
        const void *lent[3];
        assert_int_equal(stream_acquire(stream, 0, &lent[0]), 0);
        assert_int_equal(stream_acquire(stream, 1, &lent[1]), 0);
        const int rc = stream_acquire(stream, 2, &lent[2]);
        assert_int_equal(rc, n_fit == 3 ? 0 : NMOS_E_LIMIT);
        for (uint32_t s = 0; s < n_fit; s++) expect_bytes(layout.extents[s], lent[s]);
        for (uint32_t s = 0; s < n_fit; s++) stream_release(stream, s);
        assert_int_equal(stream_acquire(stream, 2, &lent[2]), 0);
        expect_bytes(layout.extents[2], lent[2]);
        stream_release(stream, 2);
        stream_close(&stream);
        ioq_close(&ioq);
    }
}

/* What the device sees when the read of the second shard comes: all of the first is there. */
struct witness {
    uint64_t second_begin;
    int has_come;        /* submitting thread only */
    _Atomic int is_lent; /* the first shard, to who waits for it */
    _Atomic int was_lent_before;
};

/* Gives who waits time to run, if it has been woken. */
static void look_at_waiter(void *arg, uint64_t offset)
{
    struct witness *witness = arg;
    if (offset != witness->second_begin || witness->has_come) return; /* the next pass has it too */
    witness->has_come = 1;
    for (int i = 0; i < 40 && !atomic_load(&witness->is_lent); i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    atomic_store(&witness->was_lent_before, atomic_load(&witness->is_lent));
}

/* One acquire of a shard of one read, one read at a time. @return the next shard was asked for
 * before the first was lent. */
static int is_asked_for_before_waking(void)
{
    struct witness witness = {.second_begin = 65536};
    const unsigned char *data = content;
    const struct ioq_sim_config device = {
        .data = &data, .on_start = look_at_waiter, .on_start_arg = &witness};
    const struct stream_extent extents[] = {{.bytes = 65536}, {.offset = 65536, .bytes = 65536}};
    const struct stream_shard shards[] = {{"first", 1, &extents[0]}, {"second", 1, &extents[1]}};
    struct file file = ioq_sim_file(FILE_BYTES, 4096);
    struct file *files = &file;
    struct ioq *ioq = NULL;
    struct stream *stream = NULL;
    assert_int_equal(ioq_open_sim(&device, &files, 1, 1, &ioq), 0);
    const struct stream_config config = {.files = &files,
                                         .n_files = 1,
                                         .ioq = ioq,
                                         .shards = shards,
                                         .n_shards = 2,
                                         .ring_bytes = 4 * 65536,
                                         .starts_late = 1};
    assert_int_equal(stream_open(&config, &stream), 0);
    const void *lent = NULL;
    assert_int_equal(stream_acquire(stream, 0, &lent), 0);
    atomic_store(&witness.is_lent, 1);
    stream_release(stream, 0);
    assert_int_equal(stream_acquire(stream, 1, &lent), 0);
    stream_release(stream, 1);
    stream_close(&stream);
    ioq_close(&ioq);
    return !atomic_load(&witness.was_lent_before);
}

/* Once in a few times is proof: who waits also looks around by itself now and then. */
static void the_next_read_is_asked_for_before_who_waits_is_woken(void **state)
{
    (void)state;
    int is_proved = 0;
    for (int i = 0; i < 5 && !is_proved; i++) is_proved = is_asked_for_before_waking();
    assert_true(is_proved);
}

static void a_silent_device_is_named_and_waited_for_again(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config device = {.data = &data, .p_stall = 65536, .stall_reaps = 1500};
    const struct stream_extent extent = {.offset = 1, .bytes = 5000};
    const struct stream_shard shard = {"slow", 1, &extent};
    struct file file = ioq_sim_file(FILE_BYTES, 4096);
    struct file *files = &file;
    struct ioq *ioq = NULL;
    struct stream *stream = NULL;
    assert_int_equal(ioq_open_sim(&device, &files, 1, 8, &ioq), 0);
    const struct stream_config config = {.files = &files,
                                         .n_files = 1,
                                         .ioq = ioq,
                                         .shards = &shard,
                                         .n_shards = 1,
                                         .ring_bytes = 65536,
                                         .stall_limit_ms = 5};
    assert_int_equal(stream_open(&config, &stream), 0);
    const void *lent = NULL;
    int n_errors = 0;
    while (stream_acquire(stream, 0, &lent) < 0) {
        assert_non_null(strstr(error_message(), "slow: the disk has not answered"));
        n_errors++;
    }
    assert_true(n_errors > 0);
    expect_bytes(&extent, lent);
    stream_release(stream, 0);
    stream_close(&stream);
    ioq_close(&ioq);
}

static void a_ring_too_small_is_refused_with_the_size_that_would_do(void **state)
{
    (void)state;
    const struct stream_extent extent = {.offset = 100, .bytes = 100000};
    const struct stream_shard shard = {"a", 1, &extent};
    struct file file = ioq_sim_file(FILE_BYTES, 4096);
    struct file *files = &file;
    const struct stream_config config = {
        .files = &files, .n_files = 1, .shards = &shard, .n_shards = 1, .ring_bytes = 100000};
    struct stream *stream = NULL;
    assert_int_equal(stream_open(&config, &stream), NMOS_E_LIMIT);
    assert_non_null(strstr(error_message(), "102400"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_right_or_an_error_is_told),
        cmocka_unit_test(two_shards_may_be_held_when_the_ring_has_room_and_not_else),
        cmocka_unit_test(the_next_read_is_asked_for_before_who_waits_is_woken),
        cmocka_unit_test(a_silent_device_is_named_and_waited_for_again),
        cmocka_unit_test(a_ring_too_small_is_refused_with_the_size_that_would_do),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
