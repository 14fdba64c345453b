/* SPDX-License-Identifier: MIT */
/*
 * Runs a mixture of experts in a given memory and writes down which experts its layers want, for
 * bench/simulate_experts.py.
 *
 *   bench_experts MODEL RAM_BYTES N_TOKENS TRACE [guess|no-guess|always [SEED]]
 *
 * A line of the trace is a visit: layer, rows of the pass, then expert:rows for each expert. One
 * line of JSON on standard output: what the cache did, over all passes and the last half of them.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/model.h"
#include "infer/expert_source.h"
#include "stream/expert_cache_internal.h"

#define CTX 4096U

/* First line of the trace: what a simulation of the same cache must know. */
static void write_cache(FILE *out, const struct expert_cache *cache)
{
    (void)fprintf(out, "{\"n_experts\": %u, \"slots\": [", cache->n_experts);
    for (uint32_t c = 0; c < cache->classes.n; c++) {
        (void)fprintf(out, "%s%u", c ? ", " : "", cache->classes.of[c].n_slots);
    }
    (void)fprintf(out, "], \"class_of\": [");
    for (uint32_t l = 0; l < cache->n_layers; l++) {
        (void)fprintf(out, "%s%u", l ? ", " : "", cache->class_of[l]);
    }
    (void)fprintf(out, "], \"expert_bytes\": [");
    for (uint32_t l = 0; l < cache->n_layers; l++) {
        const unsigned long long bytes = expert_layer_bytes(&cache->layers[l]);
        (void)fprintf(out, "%s%llu", l ? ", " : "", bytes);
    }
    (void)fprintf(out, "]}\n");
}

static void write_visit(void *arg, uint32_t layer_i, const uint32_t *experts,
                        const uint32_t *n_rows, uint32_t n, uint32_t n_pass_rows)
{
    FILE *out = arg;
    (void)fprintf(out, "%u %u", layer_i, n_pass_rows);
    for (uint32_t i = 0; i < n; i++) (void)fprintf(out, " %u:%u", experts[i], n_rows[i]);
    (void)fputc('\n', out);
}

struct drawing {
    struct nmos_sampler *sampler;
    int32_t history[CTX];
    uint32_t n;
};

static int draw(void *arg, size_t row_i, float *logits)
{
    struct drawing *drawing = arg;
    (void)row_i;
    const int32_t token =
        nmos_sampler_draw(drawing->sampler, logits, drawing->history, drawing->n, drawing->n);
    if (token < 0) return token;
    drawing->history[drawing->n++] = token;
    return 0;
}

static void print_stats(const struct nmos_model *model, uint32_t n_tokens, double seconds,
                        const struct nmos_stats *half, uint32_t n_half, double half_s)
{
    struct expert_stats cache;
    struct nmos_stats stats;
    nmos_model_get_stats(model, &stats);
    expert_cache_stats(expert_source_cache(model->experts), &cache);
    printf("{\"tokens\": %u, \"seconds\": %.4f, \"slots\": %llu, \"experts_used\": %llu, "
           "\"experts_read\": %llu, \"guessed\": %llu, \"guessed_well\": %llu, "
           "\"bytes_read\": %llu, \"stall_s\": %.4f, \"half\": {\"tokens\": %u, \"seconds\": %.4f, "
           "\"experts_used\": %llu, \"experts_read\": %llu, \"bytes_read\": %llu, "
           "\"stall_s\": %.4f}}\n",
           n_tokens, seconds, (unsigned long long)cache.n_slots,
           (unsigned long long)stats.experts_used, (unsigned long long)stats.experts_read,
           (unsigned long long)stats.experts_guessed,
           (unsigned long long)stats.experts_guessed_well,
           (unsigned long long)stats.expert_bytes_read, (double)stats.stall_ns * 1e-9,
           n_tokens - n_half, seconds - half_s,
           (unsigned long long)(stats.experts_used - half->experts_used),
           (unsigned long long)(stats.experts_read - half->experts_read),
           (unsigned long long)(stats.expert_bytes_read - half->expert_bytes_read),
           (double)(stats.stall_ns - half->stall_ns) * 1e-9);
}

static int generate(struct nmos_model *model, uint32_t n_tokens, uint64_t seed)
{
    static struct drawing drawing = {.history = {785, 14796, 23421}, .n = 3};
    struct nmos_session *session = NULL;
    struct nmos_stats half = {0};
    double half_s = 0;
    struct nmos_sampling sampling = nmos_sampling_default();
    sampling.seed = seed;
    TRY(nmos_sampler_create(model, &sampling, &drawing.sampler));
    TRY(nmos_session_create(model, &session));
    const uint64_t start_ns = clock_ns();
    for (uint32_t done = 0; drawing.n < 3 + n_tokens; done = drawing.n - 1) {
        struct nmos_row rows[3];
        const uint32_t n = drawing.n - done;
        for (uint32_t i = 0; i < n; i++) {
            rows[i] =
                (struct nmos_row){session, drawing.history[done + i], (int32_t)i - 1, i + 1 == n};
        }
        TRY(nmos_forward(model, rows, n, draw, &drawing));
        TRY(nmos_session_commit(session, n));
        if (drawing.n == 3 + n_tokens / 2) {
            nmos_model_get_stats(model, &half);
            half_s = (double)(clock_ns() - start_ns) * 1e-9;
        }
    }
    print_stats(model, n_tokens, (double)(clock_ns() - start_ns) * 1e-9, &half, n_tokens / 2,
                half_s);
    nmos_session_destroy(&session);
    nmos_sampler_destroy(&drawing.sampler);
    return 0;
}

static enum expert_guessing guessing_of(const char *word)
{
    return strcmp(word, "no-guess") == 0 ? EXPERT_GUESS_NEVER
           : strcmp(word, "always") == 0 ? EXPERT_GUESS_ALWAYS
                                         : EXPERT_GUESS_WHERE_IT_PAYS;
}

int main(int argc, char **argv)
{
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    if (argc < 5 || argc > 7) {
        (void)fprintf(stderr, "usage: bench_experts MODEL RAM_BYTES N_TOKENS TRACE "
                              "[guess|no-guess|always [SEED]]\n");
        return 2;
    }
    options.path = argv[1];
    options.ram_bytes = strtoull(argv[2], NULL, 10);
    options.ctx = CTX;
    const uint32_t n_tokens = (uint32_t)strtoul(argv[3], NULL, 10);
    FILE *trace = fopen(argv[4], "we");
    int rc = trace && n_tokens > 0 && n_tokens < CTX - 4 ? 0 : NMOS_E_INVALID;
    if (rc == 0) rc = nmos_model_open(&options, &model);
    if (rc == 0 && !model->experts) rc = FAIL(NMOS_E_INVALID, "all experts fit into memory");
    if (rc == 0) {
        write_cache(trace, expert_source_cache(model->experts));
        expert_cache_watch(expert_source_cache(model->experts), write_visit, trace);
        if (argc >= 6) expert_source_cache(model->experts)->guessing = guessing_of(argv[5]);
        rc = generate(model, n_tokens, argc == 7 ? strtoull(argv[6], NULL, 10) : 0);
    }
    if (rc < 0) (void)fprintf(stderr, "bench_experts: %s\n", nmos_last_error());
    if (trace && fclose(trace) != 0) rc = -1;
    nmos_model_close(&model);
    return rc < 0;
}
