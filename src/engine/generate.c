/* SPDX-License-Identifier: MIT */
/* Sampling and generation of the public API: prompt in, text out. */
#include <time.h>

#include "base/mem.h"
#include "engine/generator.h"
#include "engine/model.h"

struct nmos_sampler {
    struct sampler *sampler;
};

struct nmos_sampling nmos_sampling_default(void)
{
    return (struct nmos_sampling){
        .temp = 0.7F, .top_k = 40, .top_p = 0.95F, .min_p = 0.05F, .repeat_penalty = 1.0F};
}

int nmos_sampler_create(const struct nmos_model *model, const struct nmos_sampling *sampling,
                        struct nmos_sampler **ret_sampler)
{
    const struct sampler_params params = generator_sampler_params(sampling);
    struct nmos_sampler *made = mem_calloc(MEM_GENERAL, 1, sizeof(*made));
    if (!made) return NMOS_E_NOMEM;
    const int rc = sampler_create(&params, model->info.n_vocab, &made->sampler);
    if (rc < 0) {
        mem_free(made);
        return rc;
    }
    *ret_sampler = made;
    return 0;
}

void nmos_sampler_destroy(struct nmos_sampler **sampler)
{
    if (!sampler || !*sampler) return;
    sampler_destroy(&(*sampler)->sampler);
    mem_free(*sampler);
    *sampler = NULL;
}

int32_t nmos_sampler_draw(struct nmos_sampler *sampler, float *logits, const int32_t *history,
                          size_t n_history, uint64_t position)
{
    return sampler_draw(sampler->sampler, logits, history, n_history, position);
}

static int take_logits(void *arg, size_t row_i, float *logits)
{
    return generator_logits(arg, row_i, logits);
}

/* Passes for one generation alone, until it ends. */
static int run(struct generator *g, struct nmos_session *session, struct nmos_row *rows)
{
    struct nmos_model *model = session->model;
    const uint32_t rows_max = model->info.rows_max;
    int is_end = 0;
    while (is_end == 0) {
        const uint32_t left = session->promise.len_most - session->table.len;
        const uint32_t n_places = left ? left : 1; /* guesses get no more either */
        const struct generator_share share = {.n_most = n_places < rows_max ? n_places : rows_max};
        uint32_t n = 0;
        is_end = generator_rows(g, rows, 0, &share, &n);
        if (is_end != 0) break;
        TRY(nmos_forward(model, rows, n, take_logits, g));
        is_end = generator_advance(g);
    }
    return is_end < 0 ? is_end : 0;
}

/* The KV pages that it may come to need; those that are being written to disk are waited for. */
static int promise_pages(struct nmos_session *session, const struct nmos_generation *generation)
{
    static const struct timespec moment = {.tv_nsec = 1000000};
    const uint64_t n_more = (uint64_t)generation->n_prompt + generation->n_max;
    const size_t n_coming = generation->n_prompt ? generation->n_prompt - 1 : 0;
    for (;;) {
        pthread_mutex_lock(&session->model->lock);
        const int rc = kv_promise_make(session, n_more, generation->prompt, n_coming);
        pthread_mutex_unlock(&session->model->lock);
        if (rc != NMOS_E_BUSY) return rc;
        (void)nanosleep(&moment, NULL);
    }
}

static void end_promise(struct nmos_session *session)
{
    pthread_mutex_lock(&session->model->lock);
    kv_promise_end(session);
    pthread_mutex_unlock(&session->model->lock);
}

int nmos_generate(struct nmos_session *session, const struct nmos_generation *generation,
                  struct nmos_generation_result *ret_result)
{
    struct nmos_model *model = session->model;
    struct generator *g = NULL;
    TRY(generator_create(model, generation, &g));
    struct nmos_row *rows = mem_calloc(MEM_SCRATCH, model->info.rows_max, sizeof(rows[0]));
    int rc = rows ? promise_pages(session, generation) : NMOS_E_NOMEM;
    if (rc == 0) rc = generator_start(g, session);
    if (rc == 0) rc = run(g, session, rows);
    end_promise(session);
    if (rc == 0) generator_result(g, ret_result);
    mem_free(rows);
    generator_destroy(&g);
    return rc;
}
