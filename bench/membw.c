/* SPDX-License-Identifier: MIT */
/*
 * Memory read bandwidth: the roof under decoding, where every weight is read once for each token.
 *
 * Each thread sums its own half of a buffer of 1 GiB, far larger than any cache, on huge pages
 * where the kernel gives them. The best of several rounds counts: it is what the memory can do.
 * Prints one JSON object. Usage: membw [THREADS [ROUNDS]]
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define BUFFER_BYTES ((size_t)1 << 30)
#define THREADS_MAX  64
#define ROUNDS_MAX   1000
#define LANES        4

typedef uint64_t lane __attribute__((vector_size(64)));

struct reader {
    pthread_t thread;
    pthread_barrier_t *barrier;
    const lane *data;
    size_t n_lanes;
    int n_rounds;
    uint64_t sum; /* keeps the loads alive */
    double begin[ROUNDS_MAX];
    double end[ROUNDS_MAX];
};

__attribute__((target_clones("avx512f", "avx2", "default"))) static uint64_t
sum_lanes(const lane *data, size_t n)
{
    lane sums[LANES] = {{0}};
    for (size_t i = 0; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < LANES; k++) sums[k] += data[i + k];
    }
    const lane total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(lane) / sizeof(uint64_t); i++) sum += total[i];
    return sum;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Each reader takes its own times: a thread that only watched might wake after the reading began.
 */
static void *read_rounds(void *arg)
{
    struct reader *reader = arg;
    for (int round = 0; round < reader->n_rounds; round++) {
        pthread_barrier_wait(reader->barrier);
        reader->begin[round] = seconds_now();
        reader->sum += sum_lanes(reader->data, reader->n_lanes);
        reader->end[round] = seconds_now();
    }
    return NULL;
}

/* Seconds of each round, from the first reader's begin to the last one's end. */
static void round_seconds(const struct reader *readers, int n_threads, int n_rounds,
                          double *ret_seconds)
{
    for (int round = 0; round < n_rounds; round++) {
        double begin = readers[0].begin[round];
        double end = readers[0].end[round];
        for (int i = 1; i < n_threads; i++) {
            if (readers[i].begin[round] < begin) begin = readers[i].begin[round];
            if (readers[i].end[round] > end) end = readers[i].end[round];
        }
        ret_seconds[round] = end - begin;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs all rounds and sorts their seconds; 0, or -1 when a thread cannot be started. */
static int measure(const lane *data, int n_threads, int n_rounds, double *ret_seconds,
                   uint64_t *ret_sum)
{
    static struct reader readers[THREADS_MAX];
    pthread_barrier_t barrier;
    if (pthread_barrier_init(&barrier, NULL, (unsigned)n_threads)) return -1;
    const size_t n_each = BUFFER_BYTES / sizeof(lane) / (size_t)n_threads;
    for (int i = 0; i < n_threads; i++) {
        readers[i].barrier = &barrier;
        readers[i].data = data + (size_t)i * n_each;
        readers[i].n_lanes = n_each;
        readers[i].n_rounds = n_rounds;
        if (pthread_create(&readers[i].thread, NULL, read_rounds, &readers[i])) return -1;
    }
    for (int i = 0; i < n_threads; i++) {
        pthread_join(readers[i].thread, NULL);
        *ret_sum += readers[i].sum;
    }
    pthread_barrier_destroy(&barrier);
    round_seconds(readers, n_threads, n_rounds, ret_seconds);
    qsort(ret_seconds, (size_t)n_rounds, sizeof(double), compare_doubles);
    return 0;
}

int main(int argc, char **argv)
{
    const int n_threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2;
    const int n_rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 10;
    if (n_threads < 1 || n_threads > THREADS_MAX || n_rounds < 1 || n_rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: membw [THREADS (1..%d) [ROUNDS (1..%d)]]\n", THREADS_MAX,
                ROUNDS_MAX);
        return 2;
    }
    void *data =
        mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        fprintf(stderr, "membw: no memory for %zu bytes\n", BUFFER_BYTES);
        return 1;
    }
    madvise(data, BUFFER_BYTES, MADV_HUGEPAGE);
    memset(data, 1, BUFFER_BYTES);
    static double seconds[ROUNDS_MAX];
    uint64_t sum = 0;
    if (measure(data, n_threads, n_rounds, seconds, &sum)) {
        fprintf(stderr, "membw: cannot start %d threads\n", n_threads);
        return 1;
    }
    const double gigabytes = (double)BUFFER_BYTES / 1e9;
    printf("{\"name\": \"memory_read\", \"unit\": \"GB/s\", \"best\": %.2f, \"median\": %.2f, "
           "\"threads\": %d, \"bytes\": %zu, \"rounds\": %d, \"checksum\": %llu}\n",
           gigabytes / seconds[0], gigabytes / seconds[n_rounds / 2], n_threads, BUFFER_BYTES,
           n_rounds, (unsigned long long)(sum & 0xffff));
    return 0;
}
