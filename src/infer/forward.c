/* SPDX-License-Identifier: MIT */
#include "infer/forward.h"

#include <stdio.h>

#include "infer/forward_internal.h"
#include "infer/spilled.h"

static const float *vector(const struct tensor_view *view)
{
    return view->data;
}

/* x[r] = embedding of the row's token. */
static int embed(struct pass *p)
{
    struct forward *f = p->f;
    const uint32_t d_model = f->hp->d_model;
    for (uint32_t r = 0; r < p->n_rows; r++) {
        TRY(weight_source_embedding(f->config.weights, (uint32_t)p->batch->rows[r].token,
                                    f->staging + (size_t)r * d_model));
    }
    const size_t n = (size_t)p->n_rows * d_model;
    TRY(f->backend->ops->upload(f->backend, f->x, f->staging, n * sizeof(float)));
    if (f->hp->arch->flags & ARCH_SCALED_EMBEDDING) {
        f->backend->ops->scale(f->backend, f->x, __builtin_sqrtf((float)d_model), n);
    }
    return 0;
}

static int upload_angles(struct pass *p, struct forward *f, const struct rope_freqs *freqs,
                         float *cos_sin)
{
    const size_t n_rot = 2 * (size_t)freqs->n_freqs;
    for (uint32_t r = 0; r < p->n_rows; r++) {
        float *row = f->staging + r * n_rot;
        rope_freqs_angles(freqs, f->kv_rows[r].pos, row, row + freqs->n_freqs);
    }
    return f->backend->ops->upload(f->backend, cos_sin, f->staging,
                                   p->n_rows * n_rot * sizeof(float));
}

static int prepare_angles(struct pass *p, struct forward *f)
{
    TRY(upload_angles(p, f, &f->rope_global, f->cos_sin_global));
    return f->cos_sin_local ? upload_angles(p, f, &f->rope_local, f->cos_sin_local) : 0;
}

/* The pass goes on where this shard is computed; the residual stream comes along. */
static int move_to_shard(struct pass *p, struct forward *host, uint32_t shard_i)
{
    struct forward *from = p->f;
    const int is_away = host->device && host->places[shard_i] != SHARD_HOST;
    struct forward *to = is_away ? host->device : host;
    const size_t n_bytes = (size_t)p->n_rows * host->hp->d_model * sizeof(float);
    if (from == to) return 0;
    TRY(from->backend->ops->download(from->backend, host->staging, from->x, n_bytes));
    TRY(to->backend->ops->upload(to->backend, to->x, host->staging, n_bytes));
    p->f = to;
    return 0;
}

static void norm(struct pass *p, float *y, const float *x, const struct tensor_view *w)
{
    const uint32_t d_model = p->f->hp->d_model;
    p->f->backend->ops->rms_norm(p->f->backend, y, d_model, x, d_model, vector(w), p->n_rows,
                                 d_model, p->f->hp->norm_eps);
}

/* One matrix product of the pass's rows into a dense result. */
static void project(struct pass *p, const float *x, const struct tensor_view *w,
                    const struct tensor_view *bias, float *out)
{
    const struct linear_job job = {
        .weight = *w, .bias = vector(bias), .out = out, .out_stride = w->n_out};
    p->f->backend->ops->linear(p->f->backend, x, p->n_rows, w->n_in, &job, 1);
}

/* Rows [first, first + n) of a matrix; packed ones can be cut at multiples of 16 (weight_source.c
 * sees to it). */
static struct tensor_view row_slice(const struct tensor_view *w, uint32_t first, uint32_t n)
{
    struct tensor_view slice = *w;
    slice.data = (const char *)w->data + first * tensor_row_bytes(w->type, w->n_in);
    slice.n_out = n;
    return slice;
}

static const float *bias_slice(const struct tensor_view *bias, uint32_t first)
{
    return bias->data ? vector(bias) + first : NULL;
}

static void project_qkv(struct pass *p, const struct layer_weights *layer, uint32_t layer_i)
{
    struct forward *f = p->f;
    const struct forward_widths *n = &f->widths;
    struct linear_job jobs[3] = {
        {layer->w[W_ATTN_Q], vector(&layer->w[W_ATTN_Q_BIAS]), f->q, n->q},
        {layer->w[W_ATTN_K], vector(&layer->w[W_ATTN_K_BIAS]), f->k, n->k},
        {layer->w[W_ATTN_V], vector(&layer->w[W_ATTN_V_BIAS]), f->v, n->v}};
    const struct tensor_view *fused = &layer->w[W_ATTN_QKV];
    if (fused->data) {
        const struct tensor_view *bias = &layer->w[W_ATTN_QKV_BIAS];
        jobs[0].weight = row_slice(fused, 0, n->q);
        jobs[0].bias = bias_slice(bias, 0);
        jobs[1].weight = row_slice(fused, n->q, n->k);
        jobs[1].bias = bias_slice(bias, n->q);
        jobs[2].weight = row_slice(fused, n->q + n->k, n->v);
        jobs[2].bias = bias_slice(bias, n->q + n->k);
    }
    f->backend->ops->linear(f->backend, f->normed, p->n_rows, f->hp->d_model, jobs, 3);
    weight_source_done_with(f->config.weights, layer_i, W_ATTN_Q, W_ATTN_QKV);
}

static void turn_heads(struct pass *p, const struct layer_weights *layer, uint32_t layer_i)
{
    struct forward *f = p->f;
    const struct hparams *hp = f->hp;
    const struct backend_ops *ops = f->backend->ops;
    const int is_local =
        hp->arch->flags & ARCH_LOCAL_ROPE && hparams_layer_is_windowed(hp, layer_i);
    const float *cos_sin = is_local ? f->cos_sin_local : f->cos_sin_global;
    const int is_adjacent = hp->arch->pairs == ROPE_PAIRS_ADJACENT;
    if (layer->w[W_ATTN_Q_NORM].data) {
        ops->head_norm(f->backend, f->q, vector(&layer->w[W_ATTN_Q_NORM]), p->n_rows, hp->n_heads,
                       hp->head_dim_k, hp->norm_eps);
        ops->head_norm(f->backend, f->k, vector(&layer->w[W_ATTN_K_NORM]), p->n_rows,
                       hp->n_kv_heads, hp->head_dim_k, hp->norm_eps);
    }
    ops->rope(f->backend, f->q, cos_sin, p->n_rows, hp->n_heads, hp->head_dim_k, hp->rope.n_rot,
              is_adjacent);
    ops->rope(f->backend, f->k, cos_sin, p->n_rows, hp->n_kv_heads, hp->head_dim_k, hp->rope.n_rot,
              is_adjacent);
}

/* The last layer's work behind attention is only done for rows whose logits somebody wants. */
static void keep_wanted_rows(struct pass *p)
{
    struct forward *f = p->f;
    const struct backend_ops *ops = f->backend->ops;
    uint32_t n_wanted = 0;
    for (uint32_t r = 0; r < p->n_rows; r++) {
        if (p->batch->rows[r].wants_logits) f->wanted[n_wanted++] = r;
    }
    if (n_wanted == p->n_rows) return;
    /* Rows move down or stay, in order, so that no row is overwritten before it has moved. */
    ops->gather_rows(f->backend, f->x, f->x, f->wanted, n_wanted, f->hp->d_model);
    ops->gather_rows(f->backend, f->attn_out, f->attn_out, f->wanted, n_wanted, f->widths.attn_out);
    p->n_rows = n_wanted;
}

static int attention_block(struct pass *p, const struct layer_weights *layer, uint32_t layer_i)
{
    struct forward *f = p->f;
    const struct backend_ops *ops = f->backend->ops;
    struct attention_config config = f->attention;
    config.window = hparams_layer_is_windowed(f->hp, layer_i) ? f->hp->window : 0;

    norm(p, f->normed, f->x, &layer->w[W_ATTN_NORM]);
    project_qkv(p, layer, layer_i);
    turn_heads(p, layer, layer_i);
    TRY(spilled_attention(p, &config, layer_i));
    if (layer_i + 1 == f->hp->n_layers) keep_wanted_rows(p);
    if (p->n_rows == 0) return 0;
    project(p, f->attn_out, &layer->w[W_ATTN_OUT], &layer->w[W_ATTN_OUT_BIAS], f->delta);
    weight_source_done_with(f->config.weights, layer_i, W_ATTN_OUT, W_ATTN_OUT);
    if (layer->w[W_ATTN_POST_NORM].data) {
        norm(p, f->delta, f->delta, &layer->w[W_ATTN_POST_NORM]);
    }
    ops->add(f->backend, f->x, f->delta, (size_t)p->n_rows * f->hp->d_model);
    return 0;
}

static void dense_ffn(struct pass *p, const struct layer_weights *layer, uint32_t layer_i)
{
    struct forward *f = p->f;
    const uint32_t d_ff = f->hp->d_ff;
    const size_t stride = 2 * (size_t)d_ff;
    if (layer->w[W_FFN_GATE].data) {
        const struct linear_job jobs[2] = {
            {layer->w[W_FFN_GATE], vector(&layer->w[W_FFN_GATE_BIAS]), f->ffn_pair, stride},
            {layer->w[W_FFN_UP], vector(&layer->w[W_FFN_UP_BIAS]), f->ffn_pair + d_ff, stride}};
        f->backend->ops->linear(f->backend, f->normed, p->n_rows, f->hp->d_model, jobs, 2);
    } else {
        project(p, f->normed, &layer->w[W_FFN_UP], &layer->w[W_FFN_UP_BIAS], f->ffn_pair);
    }
    weight_source_done_with(f->config.weights, layer_i, W_FFN_GATE, W_FFN_UP);
    const enum glu_kind kind = f->hp->arch->activation == FFN_GELU_TANH ? GLU_GELU_TANH : GLU_SILU;
    f->backend->ops->glu(f->backend, kind, f->ffn, f->ffn_pair, f->ffn_pair + d_ff, stride,
                         p->n_rows, d_ff);
    project(p, f->ffn, &layer->w[W_FFN_DOWN], &layer->w[W_FFN_DOWN_BIAS], f->delta);
}

static int ffn_block(struct pass *p, const struct layer_weights *layer, uint32_t layer_i)
{
    struct forward *f = p->f;
    norm(p, f->normed, f->x, &layer->w[W_FFN_NORM]);
    if (f->hp->n_experts) {
        TRY(moe_forward(p, layer, layer_i));
    } else {
        dense_ffn(p, layer, layer_i);
    }
    if (layer->w[W_FFN_POST_NORM].data) norm(p, f->delta, f->delta, &layer->w[W_FFN_POST_NORM]);
    f->backend->ops->add(f->backend, f->x, f->delta, (size_t)p->n_rows * f->hp->d_model);
    return 0;
}

/* Logits of up to FORWARD_LOGIT_ROWS rows at a time; first is a row of x. */
static int deliver_logits(struct pass *p, const struct head_weights *head, uint32_t first,
                          uint32_t n, forward_logits_fn on_logits, void *arg)
{
    struct forward *f = p->f;
    const size_t n_vocab = f->hp->n_vocab;
    const struct linear_job job = {
        .weight = head->w[W_HEAD_OUT], .out = f->logits, .out_stride = n_vocab};
    f->backend->ops->linear(f->backend, f->normed + (size_t)first * f->hp->d_model, n,
                            f->hp->d_model, &job, 1);
    if (f->hp->logit_softcap > 0.0F) {
        f->backend->ops->softcap(f->backend, f->logits, f->hp->logit_softcap, n * n_vocab);
    }
    for (uint32_t i = 0; i < n; i++) {
        TRY(f->backend->ops->download(f->backend, f->host_logits, f->logits + i * n_vocab,
                                      n_vocab * sizeof(float)));
        TRY(on_logits(arg, f->wanted[first + i], f->host_logits));
    }
    return 0;
}

static int output_head(struct pass *p, forward_logits_fn on_logits, void *arg)
{
    struct forward *f = p->f;
    struct head_weights head;
    TRY(weight_source_acquire_head(f->config.weights, &head));
    norm(p, f->normed, f->x, &head.w[W_HEAD_NORM]);
    int rc = 0;
    for (uint32_t first = 0; rc == 0 && first < p->n_rows; first += FORWARD_LOGIT_ROWS) {
        const uint32_t left = p->n_rows - first;
        rc = deliver_logits(p, &head, first, left < FORWARD_LOGIT_ROWS ? left : FORWARD_LOGIT_ROWS,
                            on_logits, arg);
    }
    weight_source_release(f->config.weights, f->hp->n_layers);
    return rc;
}

static int is_cancelled(const _Atomic int *cancel)
{
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* From the embedding to the logits; positions and pages are known. */
static int run_layers(struct pass *p, forward_logits_fn on_logits, void *arg)
{
    struct forward *f = p->f;
    TRY(embed(p));
    TRY(prepare_angles(p, f));
    if (f->device) TRY(prepare_angles(p, f->device));
    for (uint32_t layer_i = 0; layer_i < f->hp->n_layers; layer_i++) {
        struct layer_weights layer;
        if (is_cancelled(p->cancel))
            return FAIL(NMOS_E_CANCELLED, "stopped before layer %u", layer_i);
        if (f->config.before_layer) TRY(f->config.before_layer(f->config.before_layer_arg));
        TRY(move_to_shard(p, f, layer_i));
        TRY(weight_source_acquire_layer(f->config.weights, layer_i, &layer));
        int rc = attention_block(p, &layer, layer_i);
        if (rc == 0 && p->n_rows) rc = ffn_block(p, &layer, layer_i);
        weight_source_release(f->config.weights, layer_i);
        if (rc < 0) return rc;
        if (f->config.experts && p->n_rows) TRY(expert_guess_next(p, layer_i));
    }
    if (f->config.experts) expert_cache_rest(expert_source_cache(f->config.experts));
    TRY(move_to_shard(p, f, f->hp->n_layers));
    return output_head(p, on_logits, arg);
}

int forward_pass(struct forward *f, const struct batch *batch, const _Atomic int *cancel,
                 forward_logits_fn on_logits, void *arg)
{
    struct pass pass = {.f = f, .batch = batch, .n_rows = batch->n_rows, .cancel = cancel};
    TRY(batch_layout(f, batch));
    weight_source_begin_pass(f->config.weights);
    for (uint32_t r = 0; r < batch->n_rows; r++) f->wanted[r] = r;
    spilled_begin(&pass);
    int rc = run_layers(&pass, on_logits, arg);
    spilled_end(&pass);
    if (rc == 0) {
        rc = forward_settle(f);
    } else { /* what the device failed to do is no fault of the next pass; the first reason stays */
        char why[ERROR_MESSAGE_MAX];
        snprintf(why, sizeof(why), "%s", error_message());
        if (forward_settle(f) < 0) (void)FAIL(rc, "%s", why);
    }
    return rc;
}
