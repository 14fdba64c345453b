/* SPDX-License-Identifier: MIT */
/*
 * check_experts MODEL TOKENS LOGITS.f32: caches of experts of any size give the bytes that resident
 * experts gave.
 *
 * LOGITS.f32 is what `nmos logits --kv f32` wrote with all weights in memory. The tokens are run
 * again with the least memory that the engine names and more, all at once and one by one, through
 * io_uring, the pool of threads and a simulated device that reads too little and fails once now and
 * then, with experts of the next layer guessed in every layer and never. Twice in a model, so that
 * the second text finds what the first one left. Prints one line of JSON. Exit 1 when a byte
 * differs or what was to be tried did not happen; 77 when the model has no experts.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/engine/least_memory.h"
#include "base/mem.h"
#include "engine/model.h"
#include "infer/expert_source.h"
#include "io/ioq_sim.h"
#include "stream/expert_cache_internal.h"
#include "tokens_arg.h"

#define SKIP      77
#define TRIES     20U
#define TRY_BYTES 32768U /* what the process holds grows a little from try to try */

enum way { WAY_URING, WAY_THREADS, WAY_SIMULATED, N_WAYS };

/* Memory for more experts than the smallest cache has, in percent of those that it lacks, beside
 * the whole trunk. Before them, the least memory of all. */
static const uint64_t shares[] = {0, 35, 75};

struct check {
    const char *path;
    struct tokens_arg tokens;
    uint32_t n_vocab;
    float *want;      /* [n][n_vocab] */
    uint64_t n_bytes; /* of it */
    float *got;
    const unsigned char *content; /* of the file */
    unsigned n_texts;
    unsigned n_different;
    uint64_t n_guessed;
    uint64_t n_slots_least;
    uint64_t n_slots_most;
};

static struct nmos_model_options options_for(const struct check *c, uint32_t rows, enum way way)
{
    struct nmos_model_options options = nmos_model_options_default();
    options.path = c->path;
    options.ctx = TOKENS_MAX;
    options.rows_max = rows;
    options.n_threads = 1;
    options.kv_type = NMOS_KV_F32;
    options.io = way == WAY_URING ? NMOS_IO_URING : NMOS_IO_THREADS;
    return options;
}

/* From here on experts come from the simulated device. */
static int simulate(const struct check *c, struct nmos_model *model)
{
    static const unsigned char *data;
    struct expert_cache *cache = expert_source_cache(model->experts);
    struct ioq *ioq = NULL;
    data = c->content;
    const struct ioq_sim_config device = {.data = &data,
                                          .seed = c->n_texts,
                                          .p_short = 8192,
                                          .p_eintr = 4096,
                                          .p_eio = 512,
                                          .p_stall = 1024,
                                          .stall_reaps = 3};
    while (expert_cache_is_reading(cache)) expert_cache_poll(cache);
    TRY(ioq_open_sim(&device, model->files, model->gguf->n_files, 32, &ioq));
    ioq_close(&model->expert_ioq);
    model->expert_ioq = ioq;
    cache->ioq = ioq;
    return 0;
}

static int copy_logits(void *arg, size_t row_i, float *logits)
{
    const struct check *c = ((void **)arg)[0];
    float *to = ((void **)arg)[1];
    memcpy(to + row_i * c->n_vocab, logits, c->n_vocab * sizeof(float));
    return 0;
}

static int run_text(struct check *c, struct nmos_model *model, uint32_t chunk)
{
    struct nmos_session *session = NULL;
    struct nmos_row rows[TOKENS_MAX];
    int rc = nmos_session_create(model, &session);
    memset(c->got, 0, (size_t)c->tokens.n * c->n_vocab * sizeof(float));
    for (uint32_t from = 0; rc == 0 && from < c->tokens.n; from += chunk) {
        const uint32_t n = c->tokens.n - from < chunk ? c->tokens.n - from : chunk;
        void *to[2] = {c, c->got + (size_t)from * c->n_vocab};
        for (uint32_t i = 0; i < n; i++) {
            rows[i] = (struct nmos_row){session, c->tokens.ids[from + i], (int32_t)i - 1, 1};
        }
        rc = nmos_forward(model, rows, n, copy_logits, to);
        if (rc == 0) rc = nmos_session_commit(session, n);
    }
    nmos_session_destroy(&session);
    return rc;
}

/* Whether the device did as it was told to: a text with an expert that could not be read at all,
 * two EIO in a row, is run again. */
static int run_again(struct check *c, struct nmos_model *model, uint32_t chunk, enum way way)
{
    int rc = NMOS_E_IO;
    for (int i = 0; rc == NMOS_E_IO && i < (way == WAY_SIMULATED ? 8 : 1); i++) {
        rc = run_text(c, model, chunk);
    }
    return rc;
}

static int check_texts(struct check *c, struct nmos_model *model, uint32_t chunk, enum way way,
                       enum expert_guessing guessing)
{
    struct expert_cache *cache = expert_source_cache(model->experts);
    struct expert_stats stats;
    cache->guessing = guessing;
    if (way == WAY_SIMULATED) TRY(simulate(c, model));
    for (int i = 0; i < 2; i++) {
        TRY(run_again(c, model, chunk, way));
        c->n_texts++;
        if (memcmp(c->got, c->want, (size_t)c->tokens.n * c->n_vocab * sizeof(float)) == 0)
            continue;
        c->n_different++;
        (void)fprintf(
            stderr, "%s: other bits than resident: %s, %s guesses, %u rows a pass, %llu slots\n",
            c->path, ioq_name(cache->ioq), guessing == EXPERT_GUESS_ALWAYS ? "with" : "no", chunk,
            (unsigned long long)cache->stats.n_slots);
    }
    expert_cache_stats(cache, &stats);
    if (stats.n_missing == 0) return FAIL(NMOS_E_INVALID, "no expert was read from disk");
    if (guessing == EXPERT_GUESS_NEVER && stats.n_guessed) {
        return FAIL(NMOS_E_INVALID, "%llu guesses, though none was asked for",
                    (unsigned long long)stats.n_guessed);
    }
    c->n_guessed += stats.n_guessed;
    if (stats.n_slots > c->n_slots_most) c->n_slots_most = stats.n_slots;
    if (stats.n_slots < c->n_slots_least) c->n_slots_least = stats.n_slots;
    return 0;
}

/* The same with room for some experts and not for all: what the process holds is read anew by each
 * try, and less of it than the refusal before had counted is more room than was asked for. */
static int open_partly(const struct nmos_model_options *options, uint64_t more_bytes,
                       struct nmos_model **ret_model)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        TRY(open_with_least(*options, more_bytes, TRY_BYTES, ret_model));
        if ((*ret_model)->experts) return 0;
        nmos_model_close(ret_model);
        more_bytes -= more_bytes / 4;
    }
    return FAIL(NMOS_E_INVALID, "all experts fit into memory");
}

static int check_share(struct check *c, uint64_t more_bytes, uint32_t chunk, enum way way)
{
    for (int guess = 0; guess < 2; guess++) {
        struct nmos_model *model = NULL;
        const struct nmos_model_options options = options_for(c, chunk, way);
        TRY(open_partly(&options, more_bytes, &model));
        const int rc =
            check_texts(c, model, chunk, way, guess ? EXPERT_GUESS_ALWAYS : EXPERT_GUESS_NEVER);
        nmos_model_close(&model);
        TRY(rc);
    }
    return 0;
}

/* All experts of all layers, and the trunk that each row goes through beside them. */
static void weigh(const struct nmos_model *model, uint64_t *ret_experts, uint64_t *ret_trunk)
{
    const struct expert_cache *cache = expert_source_cache(model->experts);
    uint64_t sum = 0;
    for (uint32_t l = 0; l < cache->n_layers; l++) sum += expert_layer_bytes(&cache->layers[l]);
    *ret_experts = sum * cache->n_experts;
    *ret_trunk = model->info.touched_bytes - sum * model->map->hp.n_experts_used;
}

static int check_memory(struct check *c, uint64_t more_bytes)
{
    for (enum way way = WAY_URING; way < N_WAYS; way++) {
        TRY(check_share(c, more_bytes, c->tokens.n, way));
        TRY(check_share(c, more_bytes, 1, way));
    }
    return 0;
}

static int check_all(struct check *c)
{
    struct nmos_model *model = NULL;
    struct nmos_model_info info;
    uint64_t expert_bytes = 0;
    uint64_t trunk_bytes = 0;
    const struct nmos_model_options options = options_for(c, 1, WAY_THREADS);
    TRY(open_with_least(options, 0, TRY_BYTES, &model));
    nmos_model_get_info(model, &info);
    c->n_vocab = info.n_vocab;
    if (!model->experts) {
        nmos_model_close(&model);
        return SKIP;
    }
    weigh(model, &expert_bytes, &trunk_bytes); /* a ring is needed for the trunk alone */
    nmos_model_close(&model);
    if (c->n_bytes != (uint64_t)c->tokens.n * c->n_vocab * sizeof(float)) {
        return FAIL(NMOS_E_INVALID, "not %u rows of %u logits", c->tokens.n, c->n_vocab);
    }
    c->n_slots_least = UINT64_MAX;
    TRY(check_memory(c, 0));
    for (size_t s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
        const uint64_t lacking = expert_bytes - info.expert_bytes;
        TRY(check_memory(c, trunk_bytes - info.ring_bytes + lacking * shares[s] / 100));
    }
    if (c->n_guessed == 0) return FAIL(NMOS_E_INVALID, "nothing was guessed");
    if (c->n_slots_most <= c->n_slots_least) return FAIL(NMOS_E_INVALID, "all caches are alike");
    printf("{\"texts\":%u,\"different\":%u,\"guessed\":%llu,\"slots\":[%llu,%llu]}\n", c->n_texts,
           c->n_different, (unsigned long long)c->n_guessed, (unsigned long long)c->n_slots_least,
           (unsigned long long)c->n_slots_most);
    return 0;
}

/* All of a file, in memory of the program's own; *ret_bytes of it. */
static int read_file(const char *path, unsigned char **ret_data, uint64_t *ret_bytes)
{
    FILE *file = fopen(path, "rbe");
    if (!file) return FAIL(NMOS_E_IO, "cannot open %s", path);
    int rc = fseek(file, 0, SEEK_END) == 0 ? 0 : NMOS_E_IO;
    const long n = rc == 0 ? ftell(file) : 0;
    *ret_data = n > 0 ? mem_alloc(MEM_GENERAL, (size_t)n, MEM_ALIGN_VECTOR) : NULL;
    if (!*ret_data || fseek(file, 0, SEEK_SET) != 0 ||
        fread(*ret_data, 1, (size_t)n, file) != (size_t)n) {
        rc = FAIL(NMOS_E_IO, "cannot read %s", path);
    }
    *ret_bytes = (uint64_t)n;
    (void)fclose(file);
    return rc;
}

static int run(struct check *c, char **argv)
{
    unsigned char *content = NULL;
    unsigned char *want = NULL;
    c->path = argv[1];
    int rc = tokens_arg_parse(argv[2], &c->tokens);
    if (rc == 0) rc = read_file(argv[3], &want, &c->n_bytes);
    c->got = mem_calloc(MEM_GENERAL, c->n_bytes + 1, 1);
    if (rc == 0) rc = c->got ? read_file(argv[1], &content, &(uint64_t){0}) : NMOS_E_NOMEM;
    c->content = content;
    c->want = (float *)(void *)want;
    if (rc == 0) rc = check_all(c);
    mem_free(content);
    mem_free(want);
    mem_free(c->got);
    return rc;
}

int main(int argc, char **argv)
{
    static struct check check;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: check_experts MODEL TOKENS LOGITS.f32\n");
        return 2;
    }
    const int rc = run(&check, argv);
    if (rc < 0) (void)fprintf(stderr, "check_experts: %s: %s\n", argv[1], nmos_last_error());
    return rc == SKIP ? SKIP : rc < 0 || check.n_different > 0;
}
