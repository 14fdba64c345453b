/* SPDX-License-Identifier: MIT */
/*
 * bench_rows MODEL RAM_BYTES ROUNDS ROWS...: what rows that ride along cost a streamed pass.
 *
 * Passes of one row and of each number of ROWS, in turn; every row wants its logits, as guesses do.
 * The logits of the first row must have the same bits in every pass. JSON on stdout, a line for
 * each number of rows: medians of the pass, of waiting for weights and of computing.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define CTX        512U
#define KINDS_MAX  8U
#define ROUNDS_MAX 99U
#define ROWS_MAX   128U

struct sample {
    double pass_s;
    double stall_s;
    double computed_s;
    double reading; /* share of the pass with a read in flight */
};

struct kind {
    uint32_t n_rows;
    struct sample samples[ROUNDS_MAX];
};

static struct kind kinds[KINDS_MAX];

/* The first row's logits, of the first pass. */
struct first_row {
    float *logits; /* [n_vocab] */
    size_t n_vocab;
    int is_known;
    int differs;
};

static int look_at_logits(void *arg, size_t row_i, float *logits)
{
    struct first_row *first = arg;
    const size_t n_bytes = first->n_vocab * sizeof(float);
    if (row_i != 0) return 0;
    if (first->is_known) {
        first->differs |= memcmp(first->logits, logits, n_bytes) != 0;
    } else {
        memcpy(first->logits, logits, n_bytes);
        first->is_known = 1;
    }
    return 0;
}

static int run_pass(struct nmos_model *model, struct nmos_session *session, uint32_t n_rows,
                    struct first_row *first)
{
    struct nmos_row rows[ROWS_MAX];
    for (uint32_t r = 0; r < n_rows; r++) {
        rows[r] = (struct nmos_row){session, (int32_t)r + 1, (int32_t)r - 1, 1};
    }
    return nmos_forward(model, rows, n_rows, look_at_logits, first);
}

static int take_sample(struct nmos_model *model, struct nmos_session *session, uint32_t n_rows,
                       struct first_row *first, struct sample *ret)
{
    struct nmos_stats before;
    struct nmos_stats after;
    nmos_model_get_stats(model, &before);
    const uint64_t start_ns = clock_ns();
    const int rc = run_pass(model, session, n_rows, first);
    const double pass_ns = (double)(clock_ns() - start_ns);
    nmos_model_get_stats(model, &after);
    *ret = (struct sample){
        .pass_s = pass_ns * 1e-9,
        .stall_s = (double)(after.stall_ns - before.stall_ns) * 1e-9,
        .computed_s = (double)(after.compute_ns - before.compute_ns) * 1e-9,
        .reading = (double)(after.read_ns - before.read_ns) / pass_ns,
    };
    return rc;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const struct kind *kind, uint32_t n, size_t field)
{
    double values[ROUNDS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&values[i], (const char *)&kind->samples[i] + field, sizeof(double));
    }
    qsort(values, n, sizeof(values[0]), compare);
    return values[n / 2];
}

static void print_kinds(uint32_t n_kinds, uint32_t n_rounds, uint64_t streamed)
{
    const double one = median(&kinds[0], n_rounds, offsetof(struct sample, pass_s));
    for (uint32_t k = 0; k < n_kinds; k++) {
        const double pass_s = median(&kinds[k], n_rounds, offsetof(struct sample, pass_s));
        printf("{\"rows\":%u,\"rounds\":%u,\"streamed_bytes\":%llu,\"pass_s\":%.3f,\"to_one\":%.3f,"
               "\"stall_s\":%.3f,\"computed_s\":%.3f,\"reading\":%.4f}\n",
               kinds[k].n_rows, n_rounds, (unsigned long long)streamed, pass_s, pass_s / one,
               median(&kinds[k], n_rounds, offsetof(struct sample, stall_s)),
               median(&kinds[k], n_rounds, offsetof(struct sample, computed_s)),
               median(&kinds[k], n_rounds, offsetof(struct sample, reading)));
    }
}

static int measure(struct nmos_model *model, uint32_t n_kinds, uint32_t n_rounds)
{
    struct nmos_session *session = NULL;
    struct nmos_model_info info;
    nmos_model_get_info(model, &info);
    struct first_row first = {.n_vocab = info.n_vocab};
    first.logits = mem_calloc(MEM_GENERAL, first.n_vocab, sizeof(float));
    if (!first.logits) return NMOS_E_NOMEM;
    int rc = nmos_session_create(model, &session);
    if (rc == 0) rc = run_pass(model, session, 1, &first); /* loads the pins */
    for (uint32_t i = 0; rc == 0 && i < n_rounds; i++) {
        for (uint32_t k = 0; rc == 0 && k < n_kinds; k++) {
            rc = take_sample(model, session, kinds[k].n_rows, &first, &kinds[k].samples[i]);
        }
    }
    nmos_session_destroy(&session);
    mem_free(first.logits);
    if (rc < 0) return rc;
    if (first.differs) return FAIL(NMOS_E_INVALID, "the first row's logits differ");
    print_kinds(n_kinds, n_rounds, info.streamed_bytes);
    return 0;
}

int main(int argc, char **argv)
{
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    const uint32_t n_rounds = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    uint32_t n_kinds = 1;
    int is_valid = n_rounds >= 1 && n_rounds <= ROUNDS_MAX && argc - 3 <= (int)KINDS_MAX;
    kinds[0].n_rows = 1;
    for (int i = 4; is_valid && i < argc; i++) {
        kinds[n_kinds].n_rows = (uint32_t)strtoul(argv[i], NULL, 10);
        is_valid = kinds[n_kinds].n_rows >= 1 && kinds[n_kinds].n_rows <= ROWS_MAX;
        n_kinds++;
    }
    if (!is_valid) {
        fprintf(stderr, "usage: %s MODEL RAM_BYTES ROUNDS ROWS...\n", argv[0]);
        return 2;
    }
    options.path = argv[1];
    options.ram_bytes = strtoull(argv[2], NULL, 10);
    options.ctx = CTX;
    options.rows_max = ROWS_MAX;
    int rc = nmos_model_open(&options, &model);
    if (rc == 0) rc = measure(model, n_kinds, n_rounds);
    if (rc < 0) fprintf(stderr, "bench_rows: %s\n", nmos_last_error());
    nmos_model_close(&model);
    return rc < 0;
}
