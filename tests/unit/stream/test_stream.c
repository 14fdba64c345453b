/* SPDX-License-Identifier: MIT */
/* Proves that shards arrive with exactly the bytes of their files, pinned or streamed, and that bad
 * input is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/ioq.h"
#include "stream/stream.h"
#include "stream/stream_internal.h"

#define FILE_BYTES 3000000U

static char path[64];
static struct file *file;

static unsigned char byte_at(uint64_t offset)
{
    return (unsigned char)((offset * 2654435761U) >> 13);
}

static int open_file(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "test_stream_%d.tmp", (int)getpid());
    FILE *out = fopen(path, "wb");
    if (!out) return -1;
    for (uint64_t i = 0; i < FILE_BYTES; i++) (void)fputc(byte_at(i), out);
    if (fclose(out) != 0) return -1;
    return file_open(path, &file);
}

static int close_file(void **state)
{
    (void)state;
    file_close(&file);
    return unlink(path);
}

static void expect_extent(const struct stream_extent *extent, const void *data)
{
    const unsigned char *bytes = data;
    for (uint64_t i = 0; i < extent->bytes; i++) {
        assert_int_equal(bytes[i], byte_at(extent->offset + i));
    }
}

static int count_pinned(void *arg, uint32_t shard_i, uint32_t extent_i, void *data)
{
    (void)shard_i;
    (void)extent_i;
    assert_int_equal((uintptr_t)data % MEM_ALIGN_VECTOR, 0);
    ++*(int *)arg;
    return 0;
}

static void pinned_shards_are_read_once_and_announced_once(void **state)
{
    (void)state;
    const struct stream_extent extents[] = {
        {.pinned = 1, .offset = 32, .bytes = 1000000},
        {.pinned = 1, .offset = 1000032, .bytes = 7},
        {.pinned = 1, .offset = 1000064, .bytes = FILE_BYTES - 1000064},
    };
    const struct stream_shard shards[] = {{"a", 2, &extents[0]}, {"b", 1, &extents[2]}};
    int n_announced = 0;
    const struct stream_config config = {
        .files = &file,
        .n_files = 1,
        .shards = shards,
        .n_shards = 2,
        .on_pinned = count_pinned,
        .on_pinned_arg = &n_announced,
    };
    struct stream *stream = NULL;
    assert_int_equal(stream_open(&config, &stream), 0);
    for (int pass = 0; pass < 3; pass++) {
        const void *data[2];
        assert_int_equal(stream_acquire(stream, 0, data), 0);
        expect_extent(&extents[0], data[0]);
        expect_extent(&extents[1], data[1]);
        stream_release(stream, 0);
        assert_int_equal(stream_acquire(stream, 1, data), 0);
        expect_extent(&extents[2], data[0]);
        stream_release(stream, 1);
    }
    assert_int_equal(n_announced, 3);
    stream_close(&stream);
    assert_null(stream);
}

static void extents_outside_the_file_are_refused(void **state)
{
    (void)state;
    const struct stream_extent bad[] = {
        {.offset = FILE_BYTES - 10, .bytes = 11},
        {.offset = UINT64_MAX, .bytes = 2},
        {.offset = 0, .bytes = 0},
        {.file_i = 1, .offset = 0, .bytes = 1},
    };
    for (size_t i = 0; i < 4; i++) {
        const struct stream_shard shard = {"bad", 1, &bad[i]};
        const struct stream_config config = {
            .files = &file, .n_files = 1, .shards = &shard, .n_shards = 1};
        struct stream *stream = NULL;
        assert_int_equal(stream_open(&config, &stream), NMOS_E_INVALID);
        assert_null(stream);
    }
}

static void acquires_fail_while_the_flag_is_set(void **state)
{
    (void)state;
    _Atomic int cancel = 1;
    const struct stream_extent extent = {.pinned = 1, .offset = 5, .bytes = 100};
    const struct stream_shard shard = {"a", 1, &extent};
    const struct stream_config config = {
        .files = &file, .n_files = 1, .shards = &shard, .n_shards = 1, .cancel = &cancel};
    struct stream *stream = NULL;
    const void *data = NULL;
    assert_int_equal(stream_open(&config, &stream), 0);
    assert_int_equal(stream_acquire(stream, 0, &data), NMOS_E_CANCELLED);
    cancel = 0;
    assert_int_equal(stream_acquire(stream, 0, &data), 0);
    expect_extent(&extent, data);
    stream_release(stream, 0);
    stream_close(&stream);
}

/* The ring holds one shard and the gap at its end, so beside a held shard there is room for the
 * next one only where the first has been given back but for one extent. */
static void extents_given_back_early_make_room_beside_a_held_shard(void **state)
{
    (void)state;
    struct stream_extent extents[6];
    for (uint32_t i = 0; i < 6; i++) {
        extents[i] = (struct stream_extent){.offset = 98304 * (uint64_t)i, .bytes = 98304};
    }
    const struct stream_shard shards[] = {{"a", 3, &extents[0]}, {"b", 3, &extents[3]}};
    const struct stream_config config = {.files = &file,
                                         .n_files = 1,
                                         .shards = shards,
                                         .n_shards = 2,
                                         .ring_bytes = stream_ring_bytes_min(shards, 2)};
    struct stream *stream = NULL;
    assert_int_equal(stream_open(&config, &stream), 0);
    for (uint32_t kept = 0; kept < 3; kept++) {
        const void *a[3];
        const void *b[3];
        assert_int_equal(stream_acquire(stream, 0, a), 0);
        for (uint32_t e = 0; e < 3; e++) {
            if (e != kept) stream_release_extent(stream, 0, e);
        }
        /* Memory returns in the order of reading: what lies behind the kept extent waits for it. */
        const int rc = stream_acquire(stream, 1, b);
        assert_int_equal(rc, kept == 2 ? 0 : NMOS_E_LIMIT);
        expect_extent(&extents[kept], a[kept]);
        stream_release_extent(stream, 0, 0); /* twice is once */
        stream_release(stream, 0);
        if (rc < 0) assert_int_equal(stream_acquire(stream, 1, b), 0);
        for (uint32_t e = 0; e < 3; e++) expect_extent(&extents[3 + e], b[e]);
        stream_release(stream, 1);
    }
    stream_close(&stream);
}

/* Waits until so many bytes were asked for: nothing but the reading thread can bring that about. */
static void wait_bytes(struct stream *stream, uint64_t n_bytes)
{
    struct stream_stats stats;
    do {
        stream_stats(stream, &stats);
    } while (stats.bytes_read < n_bytes);
}

static void reading_begins_late_where_asked_and_turns_back_ahead_of_need(void **state)
{
    (void)state;
    struct stream_extent extents[4];
    struct stream_shard shards[4];
    for (uint32_t i = 0; i < 4; i++) {
        extents[i] = (struct stream_extent){.offset = 98304 * (uint64_t)i, .bytes = 98304};
        shards[i] = (struct stream_shard){"s", 1, &extents[i]};
    }
    const struct stream_config config = {.files = &file,
                                         .n_files = 1,
                                         .shards = shards,
                                         .n_shards = 4,
                                         .ring_bytes = stream_ring_bytes_min(shards, 4),
                                         .starts_late = 1};
    struct stream *stream = NULL;
    struct stream_stats stats;
    const void *data = NULL;
    assert_int_equal(stream_open(&config, &stream), 0);
    (void)usleep(20000);
    stream_stats(stream, &stats);
    assert_int_equal(stats.bytes_read, 0);
    for (uint32_t s = 0; s < 2; s++) {
        assert_int_equal(stream_acquire(stream, s, &data), 0);
        expect_extent(&extents[s], data);
        stream_release(stream, s);
    }
    wait_bytes(stream, 3 * 98304); /* the third one */
    stream_turn(stream, 0);
    wait_bytes(stream, 4 * 98304); /* the first one again, before it is asked for */
    stream_turn(stream, 0);        /* is where it is */
    for (uint32_t s = 0; s < 4; s++) {
        assert_int_equal(stream_acquire(stream, s, &data), 0);
        expect_extent(&extents[s], data);
        stream_release(stream, s);
    }
    stream_close(&stream);
}

static void set_first_pin(struct stream *stream, enum slot_state slot_state, uint64_t issued)
{
    pthread_mutex_lock(&stream->lock);
    stream->pins[0].slot.state = slot_state;
    stream->pins[0].slot.issued = issued;
    stream->pin_cursor = 0;
    pthread_mutex_unlock(&stream->lock);
}

static uint32_t cursor_of(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    const uint32_t pin_i = stream->pin_cursor;
    pthread_mutex_unlock(&stream->lock);
    return pin_i;
}

/* Else the rest of it would come behind all pins of later shards, and its shard with it. */
static void a_pin_asked_for_in_part_goes_on_when_its_shard_is_next(void **state)
{
    (void)state;
    const struct stream_extent extents[] = {
        {.pinned = 1, .offset = 0, .bytes = 400000},
        {.pinned = 1, .offset = 400000, .bytes = 400000},
        {.pinned = 1, .offset = 800000, .bytes = 400000},
    };
    const struct stream_shard shards[] = {{"a", 2, &extents[0]}, {"b", 1, &extents[2]}};
    const struct stream_config config = {
        .files = &file, .n_files = 1, .shards = shards, .n_shards = 2, .starts_late = 1};
    struct stream *stream = NULL;
    assert_int_equal(stream_open(&config, &stream), 0);
    set_first_pin(stream, SLOT_FILLING, 65536);
    stream_turn(stream, 0);
    assert_int_equal(cursor_of(stream), 0);
    set_first_pin(stream, SLOT_FILLING, stream->pins[0].slot.region_bytes);
    stream_turn(stream, 0);
    assert_int_equal(cursor_of(stream), 1);
    stream_turn(stream, 1);
    assert_int_equal(cursor_of(stream), 2);
    set_first_pin(stream, SLOT_EMPTY, 0);
    stream_close(&stream);
}

static void streamed_shards_arrive_in_every_pass_by_either_queue(void **state)
{
    (void)state;
    struct stream_extent extents[24];
    struct stream_shard shards[8];
    for (uint32_t i = 0; i < 24; i++) {
        extents[i] = (struct stream_extent){
            .pinned = i % 5 == 0, .offset = 100000 * (uint64_t)i + i, .bytes = 100000 + 31 * i};
    }
    for (uint32_t s = 0; s < 8; s++) shards[s] = (struct stream_shard){"s", 3, &extents[3 * s]};
    for (int kind = IOQ_URING; kind <= IOQ_THREADS; kind++) {
        struct ioq *ioq = NULL;
        struct stream *stream = NULL;
        const int rc = ioq_open((enum ioq_kind)kind, &file, 1,
                                file->direct_fd >= 0 ? IOQ_DIRECT : IOQ_BUFFERED, 8, &ioq);
        if (rc == NMOS_E_UNSUPPORTED) continue;
        assert_int_equal(rc, 0);
        const struct stream_config config = {.files = &file,
                                             .n_files = 1,
                                             .ioq = ioq,
                                             .shards = shards,
                                             .n_shards = 8,
                                             .ring_bytes = stream_ring_bytes_min(shards, 8),
                                             .read_bytes = 65536};
        assert_int_equal(stream_open(&config, &stream), 0);
        const uint64_t n_allocs = mem_alloc_count();
        for (int pass = 0; pass < 5; pass++) {
            for (uint32_t s = 0; s < 8; s++) {
                const void *data[3];
                assert_int_equal(stream_acquire(stream, s, data), 0);
                for (uint32_t e = 0; e < 3; e++) expect_extent(&extents[3 * s + e], data[e]);
                stream_release(stream, s);
            }
        }
        assert_int_equal(mem_alloc_count(), n_allocs); /* the token path allocates nothing */
        struct stream_stats stats;
        stream_stats(stream, &stats);
        assert_int_equal(stats.n_acquired, 40);
        assert_int_equal(stats.pinned_ready, stats.pinned_bytes);
        stream_close(&stream);
        ioq_close(&ioq);
    }
}

static void a_file_cut_short_while_streaming_is_named(void **state)
{
    (void)state;
    char name[80];
    snprintf(name, sizeof(name), "%s.cut", path);
    FILE *out = fopen(name, "wb");
    assert_non_null(out);
    for (uint64_t i = 0; i < FILE_BYTES; i++) (void)fputc(byte_at(i), out);
    assert_int_equal(fclose(out), 0);
    struct file *cut = NULL;
    assert_int_equal(file_open(name, &cut), 0);
    const struct stream_extent extents[] = {{.offset = 100, .bytes = 500000},
                                            {.offset = 2000000, .bytes = 500000}};
    const struct stream_shard shards[] = {{"low", 1, &extents[0]}, {"high", 1, &extents[1]}};
    const struct stream_config config = {
        .files = &cut, .n_files = 1, .shards = shards, .n_shards = 2, .ring_bytes = 1100000};
    struct stream *stream = NULL;
    const void *data = NULL;
    assert_int_equal(stream_open(&config, &stream), 0);
    assert_int_equal(stream_acquire(stream, 0, &data), 0);
    expect_extent(&extents[0], data);
    stream_release(stream, 0);
    assert_int_equal(truncate(name, 1000000), 0);
    int rc = 0;
    for (uint32_t i = 1; i < 6 && rc == 0; i++) { /* what was read before the cut is still good */
        rc = stream_acquire(stream, i % 2, &data);
        if (rc == 0) stream_release(stream, i % 2);
    }
    assert_int_equal(rc, NMOS_E_IO);
    assert_non_null(strstr(error_message(), name));
    stream_close(&stream);
    file_close(&cut);
    assert_int_equal(unlink(name), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pinned_shards_are_read_once_and_announced_once),
        cmocka_unit_test(streamed_shards_arrive_in_every_pass_by_either_queue),
        cmocka_unit_test(a_file_cut_short_while_streaming_is_named),
        cmocka_unit_test(extents_outside_the_file_are_refused),
        cmocka_unit_test(acquires_fail_while_the_flag_is_set),
        cmocka_unit_test(reading_begins_late_where_asked_and_turns_back_ahead_of_need),
        cmocka_unit_test(extents_given_back_early_make_room_beside_a_held_shard),
        cmocka_unit_test(a_pin_asked_for_in_part_goes_on_when_its_shard_is_next),
    };
    return cmocka_run_group_tests(tests, open_file, close_file);
}
