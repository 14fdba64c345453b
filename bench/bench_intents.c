/* SPDX-License-Identifier: MIT */
/*
 * Counts what knowing the intent is worth to a cache of experts: texts follow one another, of
 * changing intents, and the first passes of each either find what the likely intent uses or what
 * was there.
 *
 *   bench_intents MODEL RAM_BYTES TEXTS.tsv learn|none|known|scout N_TEXTS CACHE_BYTES [MEMORY
 * TYPED]
 *
 * A line of TEXTS is an intent, a source and a text, of which the first 400 bytes and 48 tokens
 * count. Passes have one row, as those of an answer have. The cache is cut to CACHE_BYTES, so that
 * runs to be compared have as many slots. `learn` and `none` expect nothing; what was learned lies
 * in the cache folder. `known` says which intent comes, `scout` what the Scout makes of the text.
 * With a failure memory (its file) `learn` also keeps what each text used first, and the others
 * expect what is known of a text like the first TYPED % of this one.
 * One line of JSON: experts wanted and read by the first 8 passes of a text and by the later ones,
 * and those read ahead between two texts. Counts only: nothing depends on the speed of the machine,
 * since no experts are guessed from layer to layer, which would.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory_view.h"
#include "engine/model.h"
#include "infer/expert_source.h"
#include "stream/expert_cache_internal.h"
#include "stream/expert_intents.h"

#define N_INTENTS  3U
#define TEXT_BYTES 400U
#define ROWS_MAX   48U
#define N_FIRST    8U

static const char *const names[N_INTENTS] = {"CODE", "CHAT", "DOCS"};

struct bench {
    struct nmos_model *model;
    struct nmos_scout *scout;
    struct nmos_memory *memory; /* NULL: none */
    struct expert_first first;
    struct expert_likely likely;
    const char *way;
    unsigned typed;   /* percent of a text */
    unsigned n_known; /* texts that the memory knows one like */
    uint32_t n_first;
    uint64_t wanted[2]; /* by first and later passes */
    uint64_t read[2];
};

static uint32_t intent_of(const char *line)
{
    uint32_t i = 0;
    while (i < N_INTENTS && strncmp(line, names[i], strlen(names[i])) != 0) i++;
    return i;
}

/* What is expected of the next text, and is read ahead. */
static void expect(struct bench *b, const char *text, size_t len, uint32_t intent)
{
    struct expert_cache *cache = expert_source_cache(b->model->experts);
    struct nmos_intent found[N_INTENTS];
    double p[NMOS_MODEL_INTENTS_MAX] = {0};
    if (strcmp(b->way, "learn") == 0) return;
    b->likely.number = 0;
    if (b->memory) {
        memory_find_experts(b->memory, model_fingerprint(b->model),
                            (struct str){text, len * b->typed / 100}, &b->likely);
        b->n_known += b->likely.number > 0;
    }
    if (strcmp(b->way, "none") == 0 && !b->memory) return;
    if (strcmp(b->way, "known") == 0) p[intent] = 1;
    if (strcmp(b->way, "scout") == 0) {
        nmos_scout_classify(b->scout, text, len, found);
        for (uint32_t i = 0; i < N_INTENTS; i++) p[intent_of(found[i].name)] = found[i].p;
    }
    expert_intents_expect(cache, p, &b->likely);
    while (expert_intents_read(cache, 10)) {
    }
}

static int take_nothing(void *arg, size_t row_i, float *logits)
{
    (void)arg;
    (void)row_i;
    (void)logits;
    return 0;
}

static int run_text(struct bench *b, const char *text, size_t len, uint32_t intent)
{
    struct nmos_session *session = NULL;
    struct nmos_stats before;
    struct nmos_stats after;
    int32_t *ids = NULL;
    size_t n = 0;
    TRY(nmos_vocab_encode(nmos_model_vocab(b->model), text, len, 0, &ids, &n));
    int rc = nmos_session_create(b->model, &session);
    if (rc == 0) session->intent = intent + 1;
    if (rc == 0) session->first = &b->first;
    expert_first_restart(&b->first);
    if (rc == 0) expect(b, text, len, intent);
    for (uint32_t i = 0; rc == 0 && i < n && i < ROWS_MAX; i++) {
        const struct nmos_row row = {session, ids[i], -1, 1};
        nmos_model_get_stats(b->model, &before);
        rc = nmos_forward(b->model, &row, 1, take_nothing, NULL);
        if (rc == 0) rc = nmos_session_commit(session, 1);
        nmos_model_get_stats(b->model, &after);
        b->wanted[i >= b->n_first] += after.experts_used - before.experts_used;
        b->read[i >= b->n_first] += after.experts_read - before.experts_read;
    }
    if (rc == 0 && b->memory && strcmp(b->way, "learn") == 0) {
        rc = memory_keep_experts(b->memory, model_fingerprint(b->model), (struct str){text, len},
                                 &b->first);
    }
    nmos_session_destroy(&session);
    nmos_free(ids);
    return rc;
}

static int run_texts(struct bench *b, FILE *in, uint32_t n_texts)
{
    char line[65536];
    int rc = 0;
    while (rc == 0 && n_texts > 0 && fgets(line, sizeof(line), in)) {
        const char *source = strchr(line, '\t');
        const char *text = source ? strchr(source + 1, '\t') : NULL;
        const uint32_t intent = intent_of(line);
        if (!text || intent == N_INTENTS) continue;
        const size_t len = strcspn(text + 1, "\n");
        n_texts--;
        rc = run_text(b, text + 1, len < TEXT_BYTES ? len : TEXT_BYTES, intent);
    }
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 7 && argc != 9) return 2;
    struct nmos_stats stats;
    struct bench b = {.way = argv[4], .n_first = N_FIRST};
    struct nmos_model_options options = nmos_model_options_default();
    options.path = argv[1];
    options.ram_bytes = strtoull(argv[2], NULL, 10);
    options.ctx = 256;
    options.rows_max = 8;
    options.intents = names;
    options.n_intents = N_INTENTS;
    options.learns = NMOS_LEARN_EXPERTS;
    FILE *in = fopen(argv[3], "re");
    int rc =
        in ? nmos_model_open(&options, &b.model) : FAIL(NMOS_E_IO, "%s: no such file", argv[3]);
    if (rc == 0 && !b.model->experts) rc = FAIL(NMOS_E_INVALID, "all experts fit");
    if (rc == 0) {
        expert_cache_shrink(expert_source_cache(b.model->experts), strtoull(argv[6], NULL, 10));
        expert_source_cache(b.model->experts)->guessing = EXPERT_GUESS_NEVER;
        rc = nmos_scout_create(NULL, &b.scout);
    }
    if (rc == 0) {
        rc = expert_first_init(&b.first, b.model->map->hp.n_layers, b.model->map->hp.n_experts);
    }
    if (rc == 0 && argc == 9) {
        b.typed = (unsigned)atoi(argv[8]);
        rc = nmos_memory_open(argv[7], &b.memory);
    }
    if (rc == 0) rc = run_texts(&b, in, (uint32_t)atoi(argv[5]));
    if (rc == 0) {
        nmos_model_get_stats(b.model, &stats);
        struct expert_stats cache;
        expert_cache_stats(expert_source_cache(b.model->experts), &cache);
        (void)printf(
            "{\"way\": \"%s\", \"slots\": %llu, \"first_wanted\": %llu, \"first_read\": %llu, "
            "\"later_wanted\": %llu, \"later_read\": %llu, \"ahead\": %llu, "
            "\"ahead_used\": %llu, \"known\": %u}\n",
            b.way, (unsigned long long)cache.n_slots, (unsigned long long)b.wanted[0],
            (unsigned long long)b.read[0], (unsigned long long)b.wanted[1],
            (unsigned long long)b.read[1], (unsigned long long)stats.experts_expected,
            (unsigned long long)stats.experts_expected_well, b.n_known);
    } else {
        (void)fprintf(stderr, "%s\n", nmos_last_error());
    }
    nmos_scout_destroy(&b.scout);
    nmos_memory_close(&b.memory);
    expert_first_deinit(&b.first);
    nmos_model_close(&b.model);
    if (in) (void)fclose(in);
    return rc < 0;
}
