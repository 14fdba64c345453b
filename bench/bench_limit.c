/* SPDX-License-Identifier: MIT */
/*
 * bench_limit MODEL RAM_BYTES [PASSES [auto|uring|threads]]: how near a streamed pass comes to the
 * disk.
 *
 * Alternates raw direct reads of as many bytes as a pass streams with two passes of one row, of
 * which the second counts: after the reads the ring is full, and the first pass has that part for
 * nothing. JSON on stdout: medians, and for each share of the pass the median of its values.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "io/bandwidth.h"

#define CTX        512U
#define PASSES_MAX 99U

struct sample {
    double raw_s;
    double pass_s;
    double ratio;    /* raw_s / pass_s */
    double reading;  /* shares of the pass: a read is in flight, */
    double stalled;  /* weights are waited for, */
    double computed; /* weights are at hand */
};

static struct sample samples[PASSES_MAX];

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of one field of the samples. */
static double median(uint32_t n, size_t field)
{
    double values[PASSES_MAX];
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&values[i], (const char *)&samples[i] + field, sizeof(double));
    }
    qsort(values, n, sizeof(values[0]), compare);
    return values[n / 2];
}

static int drop_logits(void *arg, size_t row_i, float *logits)
{
    (void)arg;
    (void)row_i;
    (void)logits;
    return 0;
}

static int run_pass(struct nmos_model *model, struct nmos_session *session)
{
    const struct nmos_row row = {session, 1, -1, 1};
    return nmos_forward(model, &row, 1, drop_logits, NULL);
}

static int take_sample(struct nmos_model *model, struct nmos_session *session, struct file *file,
                       uint64_t streamed, uint32_t i)
{
    struct nmos_stats before;
    struct nmos_stats after;
    double rate = 0;
    if (streamed > 0) {
        TRY(bandwidth_of_file(IOQ_AUTO, IOQ_DIRECT, file, i * (streamed / 3), streamed, &rate));
    }
    TRY(run_pass(model, session));
    nmos_model_get_stats(model, &before);
    const uint64_t start_ns = clock_ns();
    TRY(run_pass(model, session));
    const double pass_ns = (double)(clock_ns() - start_ns);
    nmos_model_get_stats(model, &after);
    samples[i] = (struct sample){
        .raw_s = streamed ? (double)streamed / rate : 0,
        .pass_s = pass_ns * 1e-9,
        .ratio = streamed ? (double)streamed / rate / (pass_ns * 1e-9) : 0,
        .reading = (double)(after.read_ns - before.read_ns) / pass_ns,
        .stalled = (double)(after.stall_ns - before.stall_ns) / pass_ns,
        .computed = (double)(after.compute_ns - before.compute_ns) / pass_ns,
    };
    return 0;
}

static int measure(struct nmos_model *model, struct file *file, uint32_t n)
{
    struct nmos_session *session = NULL;
    struct nmos_model_info info;
    nmos_model_get_info(model, &info);
    TRY(nmos_session_create(model, &session));
    int rc = run_pass(model, session); /* loads the pins */
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        rc = take_sample(model, session, file, info.streamed_bytes, i);
    }
    nmos_session_destroy(&session);
    if (rc < 0) return rc;
    printf("{\"queue\":\"%s\",\"passes\":%u,\"streamed_bytes\":%llu,\"pinned_bytes\":%llu,"
           "\"ring_bytes\":%llu,",
           info.io_backend, n, (unsigned long long)info.streamed_bytes,
           (unsigned long long)info.pinned_bytes, (unsigned long long)info.ring_bytes);
    printf("\"raw_s\":%.3f,\"pass_s\":%.3f,\"raw_to_pass\":%.3f,\"reading\":%.4f,"
           "\"stalled\":%.4f,\"computed\":%.4f}\n",
           median(n, offsetof(struct sample, raw_s)), median(n, offsetof(struct sample, pass_s)),
           median(n, offsetof(struct sample, ratio)), median(n, offsetof(struct sample, reading)),
           median(n, offsetof(struct sample, stalled)),
           median(n, offsetof(struct sample, computed)));
    return 0;
}

int main(int argc, char **argv)
{
    struct nmos_model *model = NULL;
    struct file *file = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    const uint32_t n = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 9;
    if (argc < 3 || n < 1 || n > PASSES_MAX) {
        fprintf(stderr, "usage: %s MODEL RAM_BYTES [PASSES [auto|uring|threads]]\n", argv[0]);
        return 2;
    }
    options.path = argv[1];
    options.ram_bytes = strtoull(argv[2], NULL, 10);
    options.ctx = CTX;
    options.rows_max = 1;
    if (argc > 4) {
        options.io = strcmp(argv[4], "uring") == 0     ? NMOS_IO_URING
                     : strcmp(argv[4], "threads") == 0 ? NMOS_IO_THREADS
                                                       : NMOS_IO_AUTO;
    }
    int rc = file_open(argv[1], &file);
    if (rc == 0) rc = nmos_model_open(&options, &model);
    if (rc == 0) rc = measure(model, file, n);
    if (rc < 0) fprintf(stderr, "bench_limit: %s\n", nmos_last_error());
    nmos_model_close(&model);
    file_close(&file);
    return rc < 0;
}
