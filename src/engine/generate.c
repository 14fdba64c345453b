/* SPDX-License-Identifier: MIT */
/* Sampling and generation of the public API: prompt in, text out. */
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
static int run(struct generator *g, struct nmos_model *model, struct nmos_row *rows)
{
    const struct generator_share all = {.n_most = model->info.rows_max};
    int is_end = 0;
    while (is_end == 0) {
        uint32_t n = 0;
        is_end = generator_rows(g, rows, 0, &all, &n);
        if (is_end != 0) break;
        TRY(nmos_forward(model, rows, n, take_logits, g));
        is_end = generator_advance(g);
    }
    return is_end < 0 ? is_end : 0;
}

int nmos_generate(struct nmos_session *session, const struct nmos_generation *generation,
                  struct nmos_generation_result *ret_result)
{
    struct nmos_model *model = session->model;
    struct generator *g = NULL;
    TRY(generator_create(model, generation, &g));
    struct nmos_row *rows = mem_calloc(MEM_SCRATCH, model->info.rows_max, sizeof(rows[0]));
    int rc = rows ? generator_start(g, session) : NMOS_E_NOMEM;
    if (rc == 0) rc = run(g, model, rows);
    if (rc == 0) generator_result(g, ret_result);
    mem_free(rows);
    generator_destroy(&g);
    return rc;
}
