/* SPDX-License-Identifier: MIT */
/*
 * bench_tier FILE [LINK_GBPS [SENT_PERCENT [PINNED_PERCENT [COMPUTE_MS [PASSES]]]]]: the second
 * tier against its link.
 *
 * Treats FILE as a model of 64 MiB layers of four extents. SENT_PERCENT of the layers are sent in
 * every pass to a stand-in device over a link of LINK_GBPS; PINNED_PERCENT of all extents are
 * pinned in memory, the others come from the disk. Pretends to compute COMPUTE_MS per layer on one
 * core. JSON on stdout: seconds per pass beside max(disk, link, computing), the disk as fast as raw
 * reads in turn with the passes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "backend/sim/sim_backend.h"
#include "base/clock.h"
#include "io/bandwidth.h"
#include "stream/tier.h"

#define LAYER_BYTES  (64ULL << 20)
#define DEVICE_BYTES (256ULL << 20)
#define N_EXTENTS    4U
#define LAYERS_MAX   64U
#define PASSES_MAX   99U

struct bench {
    double link_bytes_per_s;
    uint64_t compute_ns;
    uint32_t n_shards;
    struct stream_extent extents[LAYERS_MAX][N_EXTENTS];
    struct stream_shard shards[LAYERS_MAX];
    struct stream_shard river[LAYERS_MAX];
    uint8_t places[LAYERS_MAX];
    uint32_t order[LAYERS_MAX];
    uint64_t streamed;
    uint64_t sent;
    struct backend *cpu;
    struct backend *device;
    struct stream *stream;
    struct tier *tier;
};
static struct bench bench;

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

static void lay_out(uint64_t file_bytes, uint32_t sent_percent, uint32_t pinned_percent)
{
    const uint64_t part = LAYER_BYTES / N_EXTENTS;
    uint32_t sent_debt = 0;
    uint32_t pin_debt = 0;
    bench.n_shards = (uint32_t)(file_bytes / LAYER_BYTES);
    if (bench.n_shards > LAYERS_MAX) bench.n_shards = LAYERS_MAX;
    for (uint32_t s = 0; s < bench.n_shards; s++) {
        sent_debt += sent_percent;
        bench.places[s] = sent_debt >= 100 ? SHARD_SENT : SHARD_HOST;
        if (sent_debt >= 100) sent_debt -= 100;
        for (uint32_t e = 0; e < N_EXTENTS; e++) {
            pin_debt += pinned_percent;
            bench.extents[s][e] = (struct stream_extent){.offset = s * LAYER_BYTES + e * part + 32,
                                                         .bytes = part - 32,
                                                         .pinned = pin_debt >= 100};
            if (pin_debt >= 100) {
                pin_debt -= 100;
            } else {
                bench.streamed += part - 32;
            }
            if (bench.places[s] == SHARD_SENT) bench.sent += part - 32;
        }
        bench.shards[s] = (struct stream_shard){"layer", N_EXTENTS, bench.extents[s]};
    }
    tier_river_order(bench.places, bench.n_shards, bench.order);
    for (uint32_t r = 0; r < bench.n_shards; r++) bench.river[r] = bench.shards[bench.order[r]];
}

static int open_all(struct file **file)
{
    const struct sim_config sim = {.memory_bytes = DEVICE_BYTES,
                                   .link_bytes_per_s = bench.link_bytes_per_s};
    const uint64_t least = stream_ring_bytes_min(bench.river, bench.n_shards);
    const struct stream_config stream = {.files = file,
                                         .n_files = 1,
                                         .shards = bench.river,
                                         .n_shards = bench.n_shards,
                                         .ring_bytes =
                                             least ? 2 * least + TIER_SLOTS * LAYER_BYTES : 0};
    TRY(cpu_backend_create(1, &bench.cpu));
    TRY(sim_backend_create(&sim, bench.cpu, &bench.device));
    TRY(stream_open(&stream, &bench.stream));
    const struct tier_config tier = {.device = bench.device,
                                     .stream = bench.stream,
                                     .files = file,
                                     .shards = bench.shards,
                                     .places = bench.places,
                                     .river_order = bench.order,
                                     .n_shards = bench.n_shards};
    return tier_open(&tier, &bench.tier);
}

static int run_pass(void)
{
    tier_begin_pass(bench.tier);
    for (uint32_t s = 0; s < bench.n_shards; s++) {
        const void *data[N_EXTENTS];
        TRY(tier_acquire(bench.tier, s, data));
        const uint64_t end_ns = clock_ns() + bench.compute_ns;
        while (clock_ns() < end_ns) {
        }
        tier_release(bench.tier, s);
    }
    return 0;
}

static uint64_t link_busy_ns(void)
{
    struct backend_usage usage;
    bench.device->ops->usage(bench.device, &usage);
    return usage.up_busy_ns;
}

static int measure(struct file *file, uint32_t n_passes)
{
    static double pass_s[PASSES_MAX];
    static double raw_s[PASSES_MAX];
    double link_share = 0;
    double disk_share = 0;
    TRY(run_pass()); /* loads the pins */
    for (uint32_t p = 0; p < n_passes; p++) {
        struct stream_stats before;
        struct stream_stats after;
        double rate = 0;
        if (bench.streamed) {
            TRY(bandwidth_of_file(IOQ_AUTO, IOQ_DIRECT, file, (uint64_t)p * LAYER_BYTES,
                                  bench.streamed, &rate));
            raw_s[p] = (double)bench.streamed / rate;
        }
        TRY(run_pass()); /* after the pause ring and slots are full */
        stream_stats(bench.stream, &before);
        const uint64_t busy_ns = link_busy_ns();
        const uint64_t start_ns = clock_ns();
        TRY(run_pass());
        const uint64_t ns = clock_ns() - start_ns;
        stream_stats(bench.stream, &after);
        pass_s[p] = (double)ns * 1e-9;
        link_share += (double)(link_busy_ns() - busy_ns) / (double)ns;
        disk_share += (double)(after.busy_ns - before.busy_ns) / (double)ns;
    }
    const double compute_s = (double)bench.compute_ns * 1e-9 * bench.n_shards;
    const double disk_s = median(raw_s, n_passes);
    const double link_s = (double)bench.sent / bench.link_bytes_per_s;
    double plan_s = disk_s > link_s ? disk_s : link_s;
    if (compute_s > plan_s) plan_s = compute_s;
    const double pass = median(pass_s, n_passes);
    printf("{\"layers\":%u,\"streamed_bytes\":%llu,\"sent_bytes\":%llu,\"disk_s\":%.3f,"
           "\"link_s\":%.3f,\"compute_s\":%.3f,\"plan_s\":%.3f,\"pass_s\":%.3f,\"ratio\":%.3f,"
           "\"link_busy_share\":%.4f,\"disk_busy_share\":%.4f,\"passes\":%u}\n",
           bench.n_shards, (unsigned long long)bench.streamed, (unsigned long long)bench.sent,
           disk_s, link_s, compute_s, plan_s, pass, pass / plan_s, link_share / n_passes,
           disk_share / n_passes, n_passes);
    return 0;
}

static uint32_t number(int argc, char **argv, int i, uint32_t fallback)
{
    return argc > i ? (uint32_t)strtoul(argv[i], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
    struct file *file = NULL;
    if (argc < 2) {
        fprintf(
            stderr,
            "usage: %s FILE [LINK_GBPS [SENT_PERCENT [PINNED_PERCENT [COMPUTE_MS [PASSES]]]]]\n",
            argv[0]);
        return 2;
    }
    const uint32_t n_passes = number(argc, argv, 6, 9);
    bench.link_bytes_per_s = (argc > 2 ? strtod(argv[2], NULL) : 3.2) * 1e9;
    bench.compute_ns = (uint64_t)((argc > 5 ? strtod(argv[5], NULL) : 5) * 1e6);
    int rc = file_open(argv[1], &file);
    if (rc == 0) {
        lay_out(file->bytes, number(argc, argv, 3, 50), number(argc, argv, 4, 50));
        rc = open_all(&file);
    }
    if (rc == 0 && n_passes > 0 && n_passes <= PASSES_MAX) rc = measure(file, n_passes);
    if (rc < 0) fprintf(stderr, "bench_tier: %s\n", error_message());
    tier_close(&bench.tier);
    stream_close(&bench.stream);
    backend_destroy(&bench.device);
    backend_destroy(&bench.cpu);
    file_close(&file);
    return rc < 0;
}
