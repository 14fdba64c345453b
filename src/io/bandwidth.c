/* SPDX-License-Identifier: MIT */
#include "io/bandwidth.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define DEPTH            (BANDWIDTH_FLIGHT_BYTES / BANDWIDTH_READ_BYTES)
#define WAIT_MS          60000U
#define CACHED_SAMPLES   64U
/* The race of ioq_open_best(): 40 ms each at 1 GB/s. */
#define RACE_BYTES       (40U << 20)
/* Through the cache costs a copy per byte and other programs their pages, so it must win clearly.
 */
#define RACE_MARGIN      1.15
#define CACHED_SHARE_MIN 0.9
/* bandwidth_sample(): this many runs at most, each long beside what is in flight. The runs begin
 * SAMPLE_STEP sixteenths of the file apart, so that the first few are spread over all of it too. */
#define SAMPLE_RUNS      16U
#define SAMPLE_STEP      7U
#define SAMPLE_RUN_BYTES (96U << 20)
#define SAMPLE_NS        1200000000U

/* Which blocks are read: runs of consecutive ones, spread evenly over the file. */
struct walk {
    const struct file *file;
    uint64_t first; /* block of the file */
    uint64_t run_blocks;
    uint64_t stride; /* blocks from the beginning of a run to that of the next */
    uint64_t n_reads;
    uint64_t stop_ns; /* no read begins after this time; 0: none */
    uint64_t
        *ended_ns; /* [n_reads / run_blocks] when so many runs' reads had ended; NULL: not asked */
    uint64_t n_done;
    nmos_progress_fn on_progress; /* may be NULL */
    void *arg;
};

static int submit_block(struct ioq *ioq, const struct walk *walk, char *buffer, uint64_t i,
                        uint64_t slot)
{
    const uint64_t n_blocks = (walk->file->bytes + BANDWIDTH_READ_BYTES - 1) / BANDWIDTH_READ_BYTES;
    const uint64_t block = walk->first + i / walk->run_blocks * walk->stride + i % walk->run_blocks;
    const struct ioq_read read = {
        .offset = block % n_blocks * BANDWIDTH_READ_BYTES,
        .bytes = BANDWIDTH_READ_BYTES,
        .dst = buffer + slot * BANDWIDTH_READ_BYTES,
        .tag = slot,
    };
    return ioq_submit(ioq, &read);
}

static int note_done(struct walk *walk, const struct ioq_done *done)
{
    if (done->status < 0) return FAIL(done->status, "%s", done->message);
    walk->n_done++;
    if (walk->ended_ns && walk->n_done % walk->run_blocks == 0) {
        walk->ended_ns[walk->n_done / walk->run_blocks - 1] = clock_ns();
    }
    if (walk->on_progress && walk->on_progress(walk->arg, walk->n_done * BANDWIDTH_READ_BYTES,
                                               walk->n_reads * BANDWIDTH_READ_BYTES) != 0) {
        return FAIL(NMOS_E_CANCELLED, "measuring the disk was stopped");
    }
    return 0;
}

/* Reads the blocks of the walk, DEPTH at a time. */
static int read_blocks(struct ioq *ioq, struct walk *walk, char *buffer)
{
    uint64_t next = 0;
    for (; next < DEPTH && next < walk->n_reads; next++) {
        TRY(submit_block(ioq, walk, buffer, next, next));
    }
    while (walk->n_done < next) {
        struct ioq_done done[DEPTH];
        const uint32_t n = ioq_reap(ioq, done, DEPTH, WAIT_MS);
        if (n == 0) {
            return FAIL(NMOS_E_IO, "%s: the disk has not answered for %u ms", walk->file->path,
                        WAIT_MS);
        }
        const int is_over = walk->stop_ns && clock_ns() > walk->stop_ns;
        for (uint32_t i = 0; i < n; i++) {
            TRY(note_done(walk, &done[i]));
            if (is_over || next == walk->n_reads) continue;
            TRY(submit_block(ioq, walk, buffer, next++, done[i].tag));
        }
    }
    return 0;
}

/* Opens a queue, runs the walk and closes it. */
static int run_walk(enum ioq_kind kind, enum ioq_mode mode, struct file *file, struct walk *walk,
                    uint64_t *ret_start_ns)
{
    struct ioq *ioq = NULL;
    char *buffer = mem_alloc(MEM_IO, BANDWIDTH_FLIGHT_BYTES, FILE_ALIGN_MAX);
    if (!buffer) return NMOS_E_NOMEM;
    int rc = ioq_open(kind, &file, 1, mode, DEPTH, &ioq);
    if (rc < 0) goto out;
    void *const base = buffer;
    const size_t bytes = BANDWIDTH_FLIGHT_BYTES;
    ioq_register_memory(ioq, &base, &bytes, 1);
    for (size_t i = 0; i < bytes; i += MEM_ALIGN_PAGE) buffer[i] = 1; /* page faults are not disk */
    *ret_start_ns = clock_ns();
    rc = read_blocks(ioq, walk, buffer);
out:
    ioq_close(&ioq); /* before the buffer: reads may be in flight after a failure */
    mem_free(buffer);
    return rc;
}

int bandwidth_of_file(enum ioq_kind kind, enum ioq_mode mode, struct file *file, uint64_t offset,
                      uint64_t n_bytes, double *ret_bytes_per_s)
{
    if (file->bytes == 0) return FAIL(NMOS_E_INVALID, "%s is empty", file->path);
    const uint64_t n_reads = (n_bytes + BANDWIDTH_READ_BYTES - 1) / BANDWIDTH_READ_BYTES;
    struct walk walk = {.file = file,
                        .first = offset / BANDWIDTH_READ_BYTES,
                        .run_blocks = n_reads,
                        .n_reads = n_reads};
    uint64_t start_ns = 0;
    if (mode == IOQ_BUFFERED && file->fd >= 0) {
        (void)posix_fadvise(file->fd, (off_t)(walk.first * BANDWIDTH_READ_BYTES),
                            (off_t)(n_reads * BANDWIDTH_READ_BYTES), POSIX_FADV_DONTNEED);
    }
    TRY(run_walk(kind, mode, file, &walk, &start_ns));
    const double seconds = (double)(clock_ns() - start_ns + 1) * 1e-9;
    const uint64_t read_bytes = n_reads * BANDWIDTH_READ_BYTES;
    *ret_bytes_per_s = (double)(read_bytes < file->bytes ? read_bytes : file->bytes) / seconds;
    return 0;
}

static int compare_rates(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

int bandwidth_sample(enum ioq_kind kind, enum ioq_mode mode, struct file *file,
                     nmos_progress_fn on_progress, void *arg, double *ret_bytes_per_s)
{
    if (file->bytes == 0) return FAIL(NMOS_E_INVALID, "%s is empty", file->path);
    uint64_t ended_ns[SAMPLE_RUNS];
    double rates[SAMPLE_RUNS];
    uint64_t start_ns = 0;
    const uint64_t n_blocks = (file->bytes + BANDWIDTH_READ_BYTES - 1) / BANDWIDTH_READ_BYTES;
    const uint64_t run_blocks = SAMPLE_RUN_BYTES / BANDWIDTH_READ_BYTES;
    struct walk walk = {.file = file,
                        .run_blocks = run_blocks < n_blocks ? run_blocks : n_blocks,
                        .stride = n_blocks * SAMPLE_STEP / SAMPLE_RUNS + 1,
                        .stop_ns = clock_ns() + SAMPLE_NS,
                        .ended_ns = ended_ns,
                        .on_progress = on_progress,
                        .arg = arg};
    walk.n_reads = SAMPLE_RUNS * walk.run_blocks;
    if (mode != IOQ_DIRECT && file->fd >= 0) {
        (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
    }
    TRY(run_walk(kind, mode, file, &walk, &start_ns));
    const uint64_t n_runs = walk.n_done / walk.run_blocks;
    const uint64_t run_bytes = walk.run_blocks * BANDWIDTH_READ_BYTES;
    if (n_runs < 3) { /* a slow disk: the mean of what came */
        const double seconds = (double)(clock_ns() - start_ns + 1) * 1e-9;
        *ret_bytes_per_s = (double)(walk.n_done * BANDWIDTH_READ_BYTES) / seconds;
        return 0;
    }
    for (uint64_t i = 0; i < n_runs; i++) {
        const uint64_t ns = ended_ns[i] - (i ? ended_ns[i - 1] : start_ns);
        rates[i] = (double)(run_bytes < file->bytes ? run_bytes : file->bytes) / (double)(ns + 1);
    }
    qsort(rates, n_runs, sizeof(rates[0]), compare_rates);
    *ret_bytes_per_s = 1e9 * rates[n_runs / 2];
    return 0;
}

double bandwidth_cached_share(const struct file *file)
{
    uint32_t n = 0;
    for (uint32_t i = 0; file->fd >= 0 && i < CACHED_SAMPLES; i++) {
        char byte = 0;
        const struct iovec to = {&byte, 1};
        const off_t at = (off_t)(file->bytes / CACHED_SAMPLES * i);
        n += preadv2(file->fd, &to, 1, at, RWF_NOWAIT) == 1;
    }
    return (double)n / CACHED_SAMPLES;
}

/* The faster of direct and buffered on this file. */
static enum ioq_mode race(enum ioq_kind kind, struct file *file)
{
    double direct = 0;
    double buffered = 0;
    /* Different ranges: a disk's own cache would favour the second. */
    const uint64_t half = file->bytes / 2;
    if (bandwidth_of_file(kind, IOQ_DIRECT, file, half, RACE_BYTES, &direct) < 0)
        return IOQ_BUFFERED;
    if (bandwidth_of_file(kind, IOQ_BUFFERED, file, half + RACE_BYTES, RACE_BYTES, &buffered) < 0) {
        return IOQ_DIRECT;
    }
    const enum ioq_mode winner = buffered > RACE_MARGIN * direct ? IOQ_BUFFERED : IOQ_DIRECT;
    LOG_DEBUG("reading %s: direct %.2f GB/s, buffered %.2f GB/s", file->path, direct * 1e-9,
              buffered * 1e-9);
    return winner;
}

int ioq_open_best(enum ioq_kind kind, struct file *const *files, uint32_t n_files, int will_repeat,
                  uint32_t depth, struct ioq **ret_ioq)
{
    enum ioq_mode mode = IOQ_DIRECT;
    int is_cached = !will_repeat;
    for (uint32_t i = 0; i < n_files; i++) {
        if (files[i]->direct_fd < 0) mode = IOQ_BUFFERED;
        if (is_cached) is_cached = bandwidth_cached_share(files[i]) >= CACHED_SHARE_MIN;
    }
    if (is_cached) {
        mode = IOQ_CACHED;
    } else if (mode == IOQ_DIRECT && n_files > 0 && files[0]->bytes > 8ULL * RACE_BYTES) {
        mode = race(kind, files[0]);
    }
    return ioq_open(kind, files, n_files, mode, depth, ret_ioq);
}
