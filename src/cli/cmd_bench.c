/* SPDX-License-Identifier: MIT */
/*
 * nmos bench: what this machine does with this model.
 *
 * Figures: disk and memory bandwidth, decode and prefill_512 in tokens per second, pass_N (one pass
 * of N rows) in milliseconds, and, where weights are streamed, how fast they came from the disk
 * while decoding. Each is repeated and shown with median, minimum and maximum. Tokens are a fixed
 * pseudo-random sequence: speed does not depend on which they are (experts of a mixture excepted).
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli_model.h"
#include "cli/interrupt.h"
#include "cli/output.h"

#define BANDWIDTH_REPEATS 3U
#define REPEATS           5U
#define DECODE_STEPS      16U
#define PREFILL_ROWS      512U
/* Stop repeating when a figure has taken this long: streamed passes take seconds. */
#define FIGURE_NS_MAX     30000000000U

static const uint32_t pass_rows[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
#define N_PASSES    (sizeof(pass_rows) / sizeof(pass_rows[0]))
#define FIGURES_MAX (N_PASSES + 5)

struct figure {
    char name[24];
    const char *unit;
    double values[REPEATS];
    uint32_t n;
};

struct bench {
    struct nmos_model *model;
    struct nmos_session *session;
    struct nmos_model_info info;
    int32_t tokens[PREFILL_ROWS];
    struct figure figures[FIGURES_MAX];
    uint32_t n_figures;
};

static struct figure *add_figure(struct bench *b, const char *name, const char *unit)
{
    struct figure *figure = &b->figures[b->n_figures++];
    snprintf(figure->name, sizeof(figure->name), "%s", name);
    figure->unit = unit;
    return figure;
}

static int ignore_logits(void *arg, size_t row_i, float *logits)
{
    (void)arg;
    (void)row_i;
    (void)logits;
    return 0;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One pass of n rows behind the committed tokens; nothing is committed. */
static int time_pass(struct bench *b, uint32_t n, int all_logits, double *ret_seconds)
{
    struct nmos_row rows[PREFILL_ROWS];
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = (struct nmos_row){.session = b->session,
                                    .token = b->tokens[i],
                                    .parent = (int32_t)i - 1,
                                    .wants_logits = all_logits || i + 1 == n};
    }
    const uint64_t begin = clock_ns();
    TRY(nmos_forward(b->model, rows, n, ignore_logits, NULL));
    *ret_seconds = (double)(clock_ns() - begin) * 1e-9;
    return 0;
}

/* Repeats a pass of n rows; the figure holds milliseconds, or tokens per second when it is a rate.
 */
static int measure_pass(struct bench *b, uint32_t n, int is_rate, struct figure *figure)
{
    const uint64_t begin = clock_ns();
    while (figure->n < REPEATS && !cli_interrupted()) {
        double seconds = 0;
        TRY(time_pass(b, n, !is_rate, &seconds));
        figure->values[figure->n++] = is_rate ? n / seconds : seconds * 1e3;
        if (clock_ns() - begin > FIGURE_NS_MAX) break;
    }
    return cli_interrupted() ? FAIL(NMOS_E_CANCELLED, "interrupted") : 0;
}

/* As planning a model finds them. */
static int measure_bandwidths(struct bench *b, const struct cli_options *options)
{
    const struct nmos_model_options model_options = cli_model_options(options, PREFILL_ROWS);
    const struct nmos_plan_options how = {.replan = 1};
    struct figure *disk = add_figure(b, "disk", "GB/s");
    struct figure *memory = add_figure(b, "memory", "GB/s");
    while (disk->n < BANDWIDTH_REPEATS) {
        struct nmos_plan *plan = NULL;
        TRY(nmos_plan_create(&model_options, &how, &plan));
        disk->values[disk->n++] = plan->disk_bytes_per_s * 1e-9;
        memory->values[memory->n++] = plan->memory_bytes_per_s * 1e-9;
        nmos_plan_destroy(&plan);
    }
    return 0;
}

/* Tokens one after another, each committed, as an answer is generated. */
static int measure_decode(struct bench *b)
{
    struct figure *decode = add_figure(b, "decode", "tok/s");
    struct figure *stream = b->info.streamed_bytes ? add_figure(b, "stream", "GB/s") : NULL;
    struct nmos_stats before;
    struct nmos_stats after;
    const uint64_t begin = clock_ns();
    while (decode->n < REPEATS && !cli_interrupted()) {
        double total = 0;
        TRY(nmos_session_truncate(b->session, 0));
        nmos_model_get_stats(b->model, &before);
        for (uint32_t i = 0; i < DECODE_STEPS; i++) {
            double seconds = 0;
            TRY(time_pass(b, 1, 1, &seconds));
            TRY(nmos_session_commit(b->session, 1));
            total += seconds;
        }
        nmos_model_get_stats(b->model, &after);
        decode->values[decode->n++] = DECODE_STEPS / total;
        if (stream) {
            stream->values[stream->n++] =
                (double)(after.bytes_read - before.bytes_read) * 1e-9 / total;
        }
        if (clock_ns() - begin > FIGURE_NS_MAX) break;
    }
    return nmos_session_truncate(b->session, 0);
}

static int measure_model(struct bench *b)
{
    double seconds = 0;
    TRY(time_pass(b, 1, 1, &seconds)); /* loads what is pinned */
    TRY(measure_decode(b));
    if (b->info.rows_max >= PREFILL_ROWS) {
        TRY(measure_pass(b, PREFILL_ROWS, 1, add_figure(b, "prefill_512", "tok/s")));
    }
    for (size_t i = 0; i < N_PASSES && pass_rows[i] <= b->info.rows_max; i++) {
        char name[16];
        snprintf(name, sizeof(name), "pass_%u", pass_rows[i]);
        TRY(measure_pass(b, pass_rows[i], 0, add_figure(b, name, "ms")));
    }
    return 0;
}

static int print_json(const struct bench *b)
{
    struct nmos_stats stats;
    nmos_model_get_stats(b->model, &stats);
    json_t *list = json_array();
    for (uint32_t i = 0; i < b->n_figures; i++) {
        const struct figure *f = &b->figures[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:f, s:f, s:f}", "name", f->name,
                                              "unit", f->unit, "repeats", (int)f->n, "median",
                                              f->values[f->n / 2], "min", f->values[0], "max",
                                              f->values[f->n - 1]));
    }
    return output_json(json_pack("{s:s, s:i, s:s, s:I, s:I, s:I, s:I, s:f, s:o}", "arch",
                                 b->info.arch, "threads", (int)b->info.n_threads, "cpu_isa",
                                 b->info.cpu, "weight_bytes", (json_int_t)b->info.weight_bytes,
                                 "touched_bytes_per_pass", (json_int_t)b->info.touched_bytes,
                                 "streamed_bytes_per_pass", (json_int_t)b->info.streamed_bytes,
                                 "bytes_read", (json_int_t)stats.bytes_read, "stall_s",
                                 (double)stats.stall_ns * 1e-9, "figures", list),
                       0);
}

static int print_table(const struct bench *b)
{
    TRY(output_printf("%-12s %10s %10s %10s  %s\n", "figure", "median", "min", "max", "unit"));
    for (uint32_t i = 0; i < b->n_figures; i++) {
        const struct figure *f = &b->figures[i];
        TRY(output_printf("%-12s %10.2f %10.2f %10.2f  %s, %u repeats\n", f->name,
                          f->values[f->n / 2], f->values[0], f->values[f->n - 1], f->unit, f->n));
    }
    return 0;
}

static int run(const struct cli_options *options, struct bench *b)
{
    TRY(measure_bandwidths(b, options));
    TRY(cli_model_open(options, PREFILL_ROWS, 1, &b->model));
    nmos_model_get_info(b->model, &b->info);
    for (uint32_t i = 0; i < PREFILL_ROWS; i++) {
        b->tokens[i] = (int32_t)((i * 2654435761U >> 7) % b->info.n_vocab);
    }
    TRY(nmos_session_create(b->model, &b->session));
    TRY(measure_model(b));
    for (uint32_t i = 0; i < b->n_figures; i++) {
        qsort(b->figures[i].values, b->figures[i].n, sizeof(double), compare_doubles);
    }
    return options->json ? print_json(b) : print_table(b);
}

int cmd_bench(const struct cli_options *options)
{
    struct bench *b = mem_calloc(MEM_GENERAL, 1, sizeof(*b));
    if (!b) return NMOS_E_NOMEM;
    const int rc = run(options, b);
    nmos_session_destroy(&b->session);
    cli_model_close(&b->model);
    mem_free(b);
    return rc;
}
