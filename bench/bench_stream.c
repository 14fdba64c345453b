/* SPDX-License-Identifier: MIT */
/*
 * bench_stream FILE [PINNED_PERCENT [COMPUTE_MS [PASSES [auto|uring|threads]]]]: the River against
 * the raw disk.
 *
 * Treats FILE as a model of 64 MiB layers of four extents, PINNED_PERCENT of them pinned, pretends
 * to compute COMPUTE_MS per layer on every core but one, and alternates one pass with one raw
 * direct read of as many bytes. JSON on stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/bandwidth.h"
#include "stream/stream.h"

#define LAYER_BYTES (64ULL << 20)
#define N_EXTENTS   4U
#define LAYERS_MAX  4096U
#define PASSES_MAX  99U

static struct stream_extent extents[LAYERS_MAX][N_EXTENTS];
static struct stream_shard shards[LAYERS_MAX];

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, uint32_t n)
{
    qsort(values, n, sizeof(*values), compare);
    return values[n / 2];
}

static uint32_t lay_out(uint64_t file_bytes, uint32_t pinned_percent)
{
    uint32_t n = (uint32_t)(file_bytes / LAYER_BYTES);
    if (n > LAYERS_MAX) n = LAYERS_MAX;
    const uint64_t part = LAYER_BYTES / N_EXTENTS;
    uint32_t debt = 0;
    for (uint32_t s = 0; s < n; s++) {
        for (uint32_t e = 0; e < N_EXTENTS; e++) {
            debt += pinned_percent;
            extents[s][e] = (struct stream_extent){.offset = s * LAYER_BYTES + e * part + 32,
                                                   .bytes = part - 32,
                                                   .pinned = debt >= 100};
            if (debt >= 100) debt -= 100;
        }
        shards[s] = (struct stream_shard){"layer", N_EXTENTS, extents[s]};
    }
    return n;
}

static int run_pass(struct stream *stream, uint32_t n_shards, uint64_t compute_ns)
{
    for (uint32_t s = 0; s < n_shards; s++) {
        const void *data[N_EXTENTS];
        TRY(stream_acquire(stream, s, data));
        const uint64_t end_ns = clock_ns() + compute_ns;
        while (clock_ns() < end_ns) {
        }
        stream_release(stream, s);
    }
    return 0;
}

static int measure(struct file *file, enum ioq_kind kind, uint32_t percent, double compute_ms,
                   uint32_t n_passes)
{
    struct ioq *ioq = NULL;
    struct stream *stream = NULL;
    static double pass_s[PASSES_MAX];
    static double raw_s[PASSES_MAX];
    const uint32_t n = lay_out(file->bytes, percent);
    TRY(ioq_open_best(kind, &file, 1, 1, 16, &ioq));
    const struct stream_config config = {.files = &file,
                                         .n_files = 1,
                                         .ioq = ioq,
                                         .shards = shards,
                                         .n_shards = n,
                                         .ring_bytes = 2 * stream_ring_bytes_min(shards, n)};
    TRY(stream_open(&config, &stream));
    const uint64_t compute_ns = (uint64_t)(compute_ms * 1e6);
    uint64_t streamed = 0;
    for (uint32_t s = 0; s < n; s++) {
        for (uint32_t e = 0; e < N_EXTENTS; e++) {
            if (!extents[s][e].pinned) streamed += extents[s][e].bytes;
        }
    }
    TRY(run_pass(stream, n, compute_ns)); /* loads the pins */
    struct stream_stats before;
    struct stream_stats after;
    double busy = 0;
    double stalls = 0;
    for (uint32_t p = 0; p < n_passes; p++) {
        double rate = 0;
        /* The ring is full after the pause; a pass measured alone would have that part for nothing.
         */
        TRY(bandwidth_of_file(kind, IOQ_DIRECT, file, (uint64_t)p * LAYER_BYTES, streamed, &rate));
        raw_s[p] = (double)streamed / rate;
        TRY(run_pass(stream, n, compute_ns));
        stream_stats(stream, &before);
        const uint64_t start_ns = clock_ns();
        TRY(run_pass(stream, n, compute_ns));
        pass_s[p] = (double)(clock_ns() - start_ns) * 1e-9;
        stream_stats(stream, &after);
        busy += (double)(after.busy_ns - before.busy_ns) * 1e-9 / pass_s[p];
        stalls += (double)(after.stall_ns - before.stall_ns) * 1e-9 / pass_s[p];
    }
    const double pass = median(pass_s, n_passes);
    const double raw = median(raw_s, n_passes);
    printf(
        "{\"queue\":\"%s\",\"mode\":\"%s\",\"passes\":%u,\"streamed_bytes\":%llu,\"pinned_bytes\":%"
        "llu,"
        "\"compute_s\":%.3f,\"pass_s\":%.3f,\"raw_s\":%.3f,\"raw_GBps\":%.3f,\"efficiency\":%.3f,"
        "\"busy_share\":%.4f,\"stall_share\":%.4f}\n",
        ioq_name(ioq), ioq_mode_name(ioq), n_passes, (unsigned long long)streamed,
        (unsigned long long)after.pinned_bytes, (double)n * compute_ms * 1e-3, pass, raw,
        (double)streamed / raw * 1e-9, raw / pass, busy / n_passes, stalls / n_passes);
    stream_close(&stream);
    ioq_close(&ioq);
    return 0;
}

int main(int argc, char **argv)
{
    struct file *file = NULL;
    if (argc < 2) {
        fprintf(stderr,
                "usage: %s FILE [PINNED_PERCENT [COMPUTE_MS [PASSES [auto|uring|threads]]]]\n",
                argv[0]);
        return 2;
    }
    const uint32_t percent = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 50;
    const double compute_ms = argc > 3 ? strtod(argv[3], NULL) : 10;
    const uint32_t n_passes = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 9;
    const char *queue = argc > 5 ? argv[5] : "auto";
    const enum ioq_kind kind = strcmp(queue, "uring") == 0     ? IOQ_URING
                               : strcmp(queue, "threads") == 0 ? IOQ_THREADS
                                                               : IOQ_AUTO;
    int rc = file_open(argv[1], &file);
    if (rc == 0 && n_passes > 0 && n_passes <= PASSES_MAX) {
        rc = measure(file, kind, percent, compute_ms, n_passes);
    }
    if (rc < 0) fprintf(stderr, "bench_stream: %s\n", error_message());
    file_close(&file);
    return rc < 0;
}
