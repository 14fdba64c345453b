/* SPDX-License-Identifier: MIT */
/* Proves that every back end delivers exactly the bytes asked for, that faults are retried or
 * named, and that cancelling and closing never hang. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/ioq.h"
#include "io/ioq_sim.h"

#define FILE_BYTES 3000001U /* no multiple of anything */
#define READ_BYTES 65536U
#define N_READS    ((FILE_BYTES + READ_BYTES - 1) / READ_BYTES)
#define DEPTH      8U

static char path[64];
static unsigned char *content;
static unsigned char *buffer;

static int set_up(void **state)
{
    (void)state;
    content = mem_alloc(MEM_GENERAL, FILE_BYTES, 64);
    buffer = mem_alloc(MEM_GENERAL, N_READS * READ_BYTES, 65536);
    if (!content || !buffer) return -1;
    for (uint32_t i = 0; i < FILE_BYTES; i++) content[i] = (unsigned char)((i * 2654435761U) >> 11);
    snprintf(path, sizeof(path), "test_ioq_%d.tmp", (int)getpid());
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(content, 1, FILE_BYTES, out) != FILE_BYTES) return -1;
    return fclose(out);
}

static int tear_down(void **state)
{
    (void)state;
    mem_free(content);
    mem_free(buffer);
    return unlink(path);
}

/* Reads the whole file with DEPTH reads in flight; returns how many failed, the last message in
 * ret_message. */
static uint32_t read_all(struct ioq *ioq, char ret_message[256])
{
    uint32_t n_failed = 0;
    uint32_t next = 0;
    uint32_t n_done = 0;
    memset(buffer, 0xee, N_READS * READ_BYTES);
    while (n_done < N_READS) {
        while (next < N_READS && ioq_in_flight(ioq) < DEPTH) {
            const struct ioq_read read = {.offset = (uint64_t)next * READ_BYTES,
                                          .bytes = READ_BYTES,
                                          .dst = buffer + (size_t)next * READ_BYTES,
                                          .tag = next};
            if (ioq_submit(ioq, &read) < 0) break;
            next++;
        }
        struct ioq_done done[DEPTH];
        const uint32_t n = ioq_reap(ioq, done, DEPTH, 1000);
        for (uint32_t i = 0; i < n; i++) {
            n_done++;
            if (done[i].status < 0) {
                n_failed++;
                snprintf(ret_message, 256, "%s", done[i].message);
            } else {
                const size_t at = done[i].tag * READ_BYTES;
                const size_t left = FILE_BYTES - at;
                assert_memory_equal(buffer + at, content + at,
                                    left < READ_BYTES ? left : READ_BYTES);
            }
        }
    }
    return n_failed;
}

static void expect_whole_file(enum ioq_kind kind, enum ioq_mode mode)
{
    struct file *file = NULL;
    struct ioq *ioq = NULL;
    char message[256] = "";
    assert_int_equal(file_open(path, &file), 0);
    if (mode == IOQ_DIRECT && file->direct_fd < 0) skip();
    const int rc = ioq_open(kind, &file, 1, mode, DEPTH, &ioq);
    if (rc == NMOS_E_UNSUPPORTED) skip();
    assert_int_equal(rc, 0);
    void *base = buffer;
    const size_t bytes =
        N_READS * READ_BYTES / 2; /* reads inside and outside of registered memory */
    ioq_register_memory(ioq, &base, &bytes, 1);
    assert_int_equal(read_all(ioq, message), 0);
    ioq_close(&ioq);
    assert_null(ioq);
    file_close(&file);
}

static void io_uring_reads_a_whole_file_directly(void **state)
{
    (void)state;
    expect_whole_file(IOQ_URING, IOQ_DIRECT);
}

static void io_uring_reads_a_whole_file_through_the_cache(void **state)
{
    (void)state;
    expect_whole_file(IOQ_URING, IOQ_BUFFERED);
}

static void threads_read_a_whole_file_directly(void **state)
{
    (void)state;
    expect_whole_file(IOQ_THREADS, IOQ_DIRECT);
}

static void threads_read_a_whole_file_through_the_cache(void **state)
{
    (void)state;
    expect_whole_file(IOQ_THREADS, IOQ_CACHED);
}

static void expect_truncation_named(enum ioq_kind kind)
{
    char short_path[80];
    char message[256] = "";
    snprintf(short_path, sizeof(short_path), "%s.short", path);
    FILE *out = fopen(short_path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(content, 1, FILE_BYTES, out), FILE_BYTES);
    assert_int_equal(fclose(out), 0);
    struct file *file = NULL;
    struct ioq *ioq = NULL;
    assert_int_equal(file_open(short_path, &file), 0);
    const int rc =
        ioq_open(kind, &file, 1, file->direct_fd >= 0 ? IOQ_DIRECT : IOQ_BUFFERED, DEPTH, &ioq);
    if (rc == NMOS_E_UNSUPPORTED) skip();
    assert_int_equal(rc, 0);
    assert_int_equal(truncate(short_path, READ_BYTES * 3), 0);
    assert_int_equal(read_all(ioq, message), N_READS - 3);
    assert_non_null(strstr(message, "truncated"));
    ioq_close(&ioq);
    file_close(&file);
    assert_int_equal(unlink(short_path), 0);
}

static void a_truncated_file_is_named_by_io_uring(void **state)
{
    (void)state;
    expect_truncation_named(IOQ_URING);
}

static void a_truncated_file_is_named_by_threads(void **state)
{
    (void)state;
    expect_truncation_named(IOQ_THREADS);
}

static uint32_t sim_failures(const struct ioq_sim_config *config, char ret_message[256])
{
    struct file file = ioq_sim_file(FILE_BYTES, 4096);
    struct file *files = &file;
    struct ioq *ioq = NULL;
    assert_int_equal(ioq_open_sim(config, &files, 1, DEPTH, &ioq), 0);
    const uint32_t n = read_all(ioq, ret_message);
    ioq_close(&ioq);
    return n;
}

static void short_reads_and_interruptions_are_healed(void **state)
{
    (void)state;
    const unsigned char *data = content;
    char message[256];
    for (uint64_t seed = 0; seed < 20; seed++) {
        const struct ioq_sim_config config = {
            .data = &data, .seed = seed, .p_short = 30000, .p_eintr = 20000};
        assert_int_equal(sim_failures(&config, message), 0);
    }
}

static void one_input_output_error_is_healed_two_are_named(void **state)
{
    (void)state;
    const unsigned char *data = content;
    char message[256] = "";
    const struct ioq_sim_config rare = {.data = &data, .seed = 5, .p_eio = 1500};
    assert_int_equal(sim_failures(&rare, message), 0);
    const struct ioq_sim_config bad = {
        .data = &data, .seed = 1, .bad_begin = 200000, .bad_end = 200001};
    assert_int_equal(sim_failures(&bad, message), 1);
    assert_non_null(strstr(message, "Input/output error"));
    assert_non_null(strstr(message, "196608")); /* where the read began */
}

static void stalled_reads_are_cancelled_by_closing(void **state)
{
    (void)state;
    const unsigned char *data = content;
    const struct ioq_sim_config config = {
        .data = &data, .p_stall = 65536, .stall_reaps = UINT32_MAX};
    struct file file = ioq_sim_file(FILE_BYTES, 4096);
    struct file *files = &file;
    struct ioq *ioq = NULL;
    struct ioq_done done;
    assert_int_equal(ioq_open_sim(&config, &files, 1, DEPTH, &ioq), 0);
    const struct ioq_read read = {.bytes = READ_BYTES, .dst = buffer};
    assert_int_equal(ioq_submit(ioq, &read), 0);
    assert_int_equal(ioq_reap(ioq, &done, 1, 5), 0);
    ioq_cancel_all(ioq);
    assert_int_equal(ioq_reap(ioq, &done, 1, 1000), 1);
    assert_int_equal(done.status, NMOS_E_CANCELLED);
    assert_int_equal(ioq_submit(ioq, &read), 0);
    ioq_close(&ioq);
}

/* Pages of the file that lie in the page cache. */
static uint32_t n_cached_pages(const struct file *file)
{
    static unsigned char is_cached[FILE_BYTES / 4096 + 1];
    uint32_t n = 0;
    void *map = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, file->fd, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mincore(map, FILE_BYTES, is_cached), 0);
    assert_int_equal(munmap(map, FILE_BYTES), 0);
    for (size_t i = 0; i < sizeof(is_cached); i++) n += is_cached[i] & 1;
    return n;
}

static void buffered_reads_leave_no_pages_behind(void **state)
{
    (void)state;
    struct file *file = NULL;
    char message[256];
    assert_int_equal(file_open(path, &file), 0);
    const int fd = open(path, O_WRONLY);
    assert_int_equal(fsync(fd), 0); /* what is dirty cannot be dropped */
    close(fd);
    (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
    const int can_be_empty = n_cached_pages(file) == 0;
    for (int kind = IOQ_URING; can_be_empty && kind <= IOQ_THREADS; kind++) {
        struct ioq *ioq = NULL;
        if (ioq_open((enum ioq_kind)kind, &file, 1, IOQ_BUFFERED, DEPTH, &ioq) < 0) continue;
        assert_int_equal(read_all(ioq, message), 0);
        const char *mode = ioq_mode_name(ioq);
        assert_true(strcmp(mode, "uncached") == 0 || strcmp(mode, "buffered") == 0);
        ioq_close(&ioq);
        assert_true(n_cached_pages(file) < FILE_BYTES / 4096 / 10);
    }
    file_close(&file);
    if (!can_be_empty) skip(); /* a file system in memory */
}

static void bad_ranges_and_full_queues_are_refused(void **state)
{
    (void)state;
    struct file file = ioq_sim_file(FILE_BYTES, 4096);
    struct file *files = &file;
    struct ioq *ioq = NULL;
    assert_int_equal(ioq_open(IOQ_NULL, &files, 1, IOQ_BUFFERED, 1, &ioq), 0);
    const struct ioq_read behind = {.offset = FILE_BYTES, .bytes = 1, .dst = buffer};
    assert_int_equal(ioq_submit(ioq, &behind), NMOS_E_INVALID);
    const struct ioq_read good = {.bytes = READ_BYTES, .dst = buffer, .tag = 7};
    assert_int_equal(ioq_submit(ioq, &good), 0);
    assert_int_equal(ioq_submit(ioq, &good), NMOS_E_BUSY);
    struct ioq_done done;
    assert_int_equal(ioq_reap(ioq, &done, 1, 0), 1);
    assert_int_equal(done.tag, 7);
    ioq_close(&ioq);
    assert_int_equal(ioq_open(IOQ_NULL, &files, 1, IOQ_BUFFERED, 0, &ioq), NMOS_E_INVALID);
    assert_int_equal(ioq_open(IOQ_THREADS, &files, 1, IOQ_DIRECT, 1, &ioq), NMOS_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(io_uring_reads_a_whole_file_directly),
        cmocka_unit_test(io_uring_reads_a_whole_file_through_the_cache),
        cmocka_unit_test(threads_read_a_whole_file_directly),
        cmocka_unit_test(threads_read_a_whole_file_through_the_cache),
        cmocka_unit_test(a_truncated_file_is_named_by_io_uring),
        cmocka_unit_test(a_truncated_file_is_named_by_threads),
        cmocka_unit_test(short_reads_and_interruptions_are_healed),
        cmocka_unit_test(one_input_output_error_is_healed_two_are_named),
        cmocka_unit_test(stalled_reads_are_cancelled_by_closing),
        cmocka_unit_test(buffered_reads_leave_no_pages_behind),
        cmocka_unit_test(bad_ranges_and_full_queues_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
