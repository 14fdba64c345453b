/* SPDX-License-Identifier: MIT */
#include "io/bandwidth.h"

#include <fcntl.h>
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

/* Reads `n_reads` blocks from block `first` on, DEPTH at a time. */
static int read_blocks(struct ioq *ioq, const struct file *file, char *buffer, uint64_t first,
                       uint64_t n_reads)
{
    const uint64_t n_blocks = (file->bytes + BANDWIDTH_READ_BYTES - 1) / BANDWIDTH_READ_BYTES;
    uint64_t next = 0;
    for (uint64_t n_done = 0; n_done < n_reads;) {
        struct ioq_done done[DEPTH];
        const uint32_t n = next < DEPTH && next < n_reads ? 0 : ioq_reap(ioq, done, DEPTH, WAIT_MS);
        if (n == 0 && ioq_in_flight(ioq) == DEPTH) {
            return FAIL(NMOS_E_IO, "%s: the disk has not answered for %u ms", file->path, WAIT_MS);
        }
        for (uint32_t i = 0; i < n; i++) {
            if (done[i].status < 0) return FAIL(done[i].status, "%s", done[i].message);
        }
        n_done += n;
        for (uint32_t i = 0; next < n_reads && (next < DEPTH ? i < 1 : i < n); i++) {
            const uint64_t slot = next < DEPTH ? next : done[i].tag;
            const struct ioq_read read = {
                .offset = (first + next) % n_blocks * BANDWIDTH_READ_BYTES,
                .bytes = BANDWIDTH_READ_BYTES,
                .dst = buffer + slot * BANDWIDTH_READ_BYTES,
                .tag = slot,
            };
            TRY(ioq_submit(ioq, &read));
            next++;
        }
    }
    return 0;
}

int bandwidth_of_file(enum ioq_kind kind, enum ioq_mode mode, struct file *file, uint64_t offset,
                      uint64_t n_bytes, double *ret_bytes_per_s)
{
    if (file->bytes == 0) return FAIL(NMOS_E_INVALID, "%s is empty", file->path);
    struct ioq *ioq = NULL;
    const uint64_t first = offset / BANDWIDTH_READ_BYTES;
    const uint64_t n_reads = (n_bytes + BANDWIDTH_READ_BYTES - 1) / BANDWIDTH_READ_BYTES;
    if (mode == IOQ_BUFFERED && file->fd >= 0) {
        (void)posix_fadvise(file->fd, (off_t)(first * BANDWIDTH_READ_BYTES),
                            (off_t)(n_reads * BANDWIDTH_READ_BYTES), POSIX_FADV_DONTNEED);
    }
    char *buffer = mem_alloc(MEM_IO, BANDWIDTH_FLIGHT_BYTES, FILE_ALIGN_MAX);
    if (!buffer) return NMOS_E_NOMEM;
    int rc = ioq_open(kind, &file, 1, mode, DEPTH, &ioq);
    if (rc < 0) goto out;
    void *const base = buffer;
    const size_t bytes = BANDWIDTH_FLIGHT_BYTES;
    ioq_register_memory(ioq, &base, &bytes, 1);
    for (size_t i = 0; i < bytes; i += MEM_ALIGN_PAGE) buffer[i] = 1; /* page faults are not disk */
    const uint64_t start_ns = clock_ns();
    rc = read_blocks(ioq, file, buffer, first, n_reads);
    if (rc < 0) goto out;
    const double seconds = (double)(clock_ns() - start_ns + 1) * 1e-9;
    const uint64_t read_bytes = n_reads * BANDWIDTH_READ_BYTES;
    *ret_bytes_per_s = (double)(read_bytes < file->bytes ? read_bytes : file->bytes) / seconds;
out:
    ioq_close(&ioq); /* before the buffer: reads may be in flight after a failure */
    mem_free(buffer);
    return rc;
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
