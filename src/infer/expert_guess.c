/* SPDX-License-Identifier: MIT */
/*
 * Which experts the next layer will want: its router, asked before its time.
 *
 * A layer adds little to the residual stream, so the next layer's norm and router applied to the
 * stream as it is now choose much the same experts as they will (arXiv:2312.17238). The guess needs
 * both in memory, so there is none in a first pass or where they are streamed.
 */
#include "infer/forward_internal.h"

/* Rows that are asked; more of them want nearly all experts. */
#define GUESS_ROWS_MAX 16U

/* Adds the k-th choice of each row before the next one, so that likely experts come first. The
 * last choices of a row are close calls, and stay out. */
static uint32_t list_guesses(struct forward *f, uint32_t n_rows)
{
    const uint32_t n_used = f->hp->n_experts_used;
    uint32_t n = 0;
    memset(f->moe_rows, 0, f->hp->n_experts * sizeof(f->moe_rows[0]));
    for (uint32_t k = 0; k < (n_used + 1) / 2; k++) {
        for (uint32_t r = 0; r < n_rows; r++) {
            const uint32_t expert_i = f->expert_of[(size_t)r * n_used + k];
            if (f->moe_rows[expert_i]++ == 0) f->moe_guess[n++] = expert_i;
        }
    }
    return n;
}

int expert_guess_next(struct pass *p, uint32_t layer_i)
{
    struct forward *f = p->f;
    const struct hparams *hp = f->hp;
    const struct backend_ops *ops = f->backend->ops;
    struct expert_cache *cache = expert_source_cache(f->config.experts);
    const uint32_t next_i = (layer_i + 1) % hp->n_layers;
    const uint32_t n_rows = p->n_rows < GUESS_ROWS_MAX ? p->n_rows : GUESS_ROWS_MAX;
    struct tensor_view norm;
    struct tensor_view router;
    if (next_i == 0 || !expert_cache_wants_guess(cache)) return 0;
    if (!weight_source_peek(f->config.weights, next_i, W_FFN_NORM, &norm) ||
        !weight_source_peek(f->config.weights, next_i, W_MOE_ROUTER, &router)) {
        return 0;
    }
    ops->rms_norm(f->backend, f->delta, hp->d_model, f->x, hp->d_model, norm.data, n_rows,
                  hp->d_model, hp->norm_eps);
    const struct linear_job job = {.weight = router, .out = f->router, .out_stride = hp->n_experts};
    ops->linear(f->backend, f->delta, n_rows, hp->d_model, &job, 1);
    TRY(ops->download(f->backend, f->staging, f->router,
                      (size_t)n_rows * hp->n_experts * sizeof(float)));
    for (uint32_t r = 0; r < n_rows; r++) {
        moe_choose_experts(f->staging + (size_t)r * hp->n_experts, hp->n_experts,
                           hp->n_experts_used, f->expert_of + (size_t)r * hp->n_experts_used);
    }
    expert_cache_guess(cache, next_i, f->moe_guess, list_guesses(f, n_rows));
    return 0;
}
