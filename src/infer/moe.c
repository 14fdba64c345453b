/* SPDX-License-Identifier: MIT */
/*
 * Mixture of experts (arXiv:2101.03961, 2401.04088): each row goes through the n_used experts its
 * router likes best.
 *
 * The rows of a batch are sorted by expert, so that each expert's weights are read once for all of
 * them. The answers are summed in the router's order of preference, which depends on the row alone
 * (I1), never in the order in which experts arrive from disk.
 */
#include <math.h>

#include "infer/forward_internal.h"
#include "stream/expert_first.h"
#include "stream/expert_intents.h"

void moe_choose_experts(const float *probs, uint32_t n_experts, uint32_t n_used,
                        uint32_t *ret_experts)
{
    for (uint32_t k = 0; k < n_used; k++) {
        uint32_t best = UINT32_MAX;
        for (uint32_t e = 0; e < n_experts; e++) {
            int is_taken = 0;
            for (uint32_t j = 0; j < k; j++) is_taken |= ret_experts[j] == e;
            /* Written so that a NaN never wins but a choice is always made. */
            if (!is_taken && (best == UINT32_MAX || probs[e] > probs[best])) best = e;
        }
        ret_experts[k] = best;
    }
}

static void weigh_experts(const struct hparams *hp, const float *probs, const uint32_t *expert_of,
                          float *weight)
{
    float sum = 0.0F;
    for (uint32_t k = 0; k < hp->n_experts_used; k++) {
        weight[k] = probs[expert_of[k]];
        sum += weight[k];
    }
    if (!(hp->arch->flags & ARCH_MOE_RENORM) || sum == 0.0F) return;
    for (uint32_t k = 0; k < hp->n_experts_used; k++) weight[k] /= sum;
}

/* Counting sort of (row, choice) pairs by expert. */
static void sort_by_expert(struct forward *f, uint32_t n_rows)
{
    const uint32_t n_used = f->hp->n_experts_used;
    const uint32_t n_pairs = n_rows * n_used;
    uint32_t *start = f->expert_start;
    memset(start, 0, (f->hp->n_experts + 1) * sizeof(*start));
    for (uint32_t i = 0; i < n_pairs; i++) start[f->expert_of[i] + 1]++;
    for (uint32_t e = 0; e < f->hp->n_experts; e++) start[e + 1] += start[e];
    for (uint32_t i = 0; i < n_pairs; i++) {
        const uint32_t slot = start[f->expert_of[i]]++;
        f->moe_slot[i] = slot;
        f->moe_source[slot] = i / n_used;
    }
    /* The fill moved every start to the next one's place: move them back. */
    for (uint32_t e = f->hp->n_experts; e > 0; e--) start[e] = start[e - 1];
    start[0] = 0;
}

static int route(struct forward *f, const struct layer_weights *layer, uint32_t n_rows)
{
    const struct hparams *hp = f->hp;
    const struct backend_ops *ops = f->backend->ops;
    const struct linear_job job = {
        .weight = layer->w[W_MOE_ROUTER], .out = f->router, .out_stride = hp->n_experts};
    ops->linear(f->backend, f->normed, n_rows, hp->d_model, &job, 1);
    ops->softmax(f->backend, f->router, n_rows, hp->n_experts);
    TRY(ops->download(f->backend, f->staging, f->router,
                      (size_t)n_rows * hp->n_experts * sizeof(float)));
    for (uint32_t r = 0; r < n_rows; r++) {
        const float *probs = f->staging + (size_t)r * hp->n_experts;
        uint32_t *expert_of = f->expert_of + (size_t)r * hp->n_experts_used;
        moe_choose_experts(probs, hp->n_experts, hp->n_experts_used, expert_of);
        weigh_experts(hp, probs, expert_of, f->expert_weight + (size_t)r * hp->n_experts_used);
    }
    sort_by_expert(f, n_rows);
    return 0;
}

/* down(silu(gate x) * up x) for m rows. */
static void gated_network(struct forward *f, const struct tensor_view *gate,
                          const struct tensor_view *up, const struct tensor_view *down,
                          const float *in, float *out, uint32_t m)
{
    const struct backend_ops *ops = f->backend->ops;
    const uint32_t width = gate->n_out;
    const size_t stride = 2 * (size_t)width;
    const struct linear_job pair[2] = {
        {.weight = *gate, .out = f->ffn_pair, .out_stride = stride},
        {.weight = *up, .out = f->ffn_pair + width, .out_stride = stride}};
    const struct linear_job last = {.weight = *down, .out = out, .out_stride = down->n_out};
    ops->linear(f->backend, in, m, gate->n_in, pair, 2);
    ops->glu(f->backend, GLU_SILU, f->ffn, f->ffn_pair, f->ffn_pair + width, stride, m, width);
    ops->linear(f->backend, f->ffn, m, width, &last, 1);
}

static void add_shared_expert(struct forward *f, const struct layer_weights *layer, uint32_t n_rows)
{
    const struct backend_ops *ops = f->backend->ops;
    const uint32_t d_model = f->hp->d_model;
    /* The gate is one output: a matrix of a single row. */
    const struct linear_job job = {
        .weight = layer->w[W_SHARED_ROUTER], .out = f->shared_gate, .out_stride = 1};
    ops->linear(f->backend, f->normed, n_rows, d_model, &job, 1);
    gated_network(f, &layer->w[W_SHARED_GATE], &layer->w[W_SHARED_UP], &layer->w[W_SHARED_DOWN],
                  f->normed, f->moe_out, n_rows);
    ops->add_gated(f->backend, f->delta, f->moe_out, f->shared_gate, n_rows, d_model);
}

/* One expert's answers to its rows. */
static void run_expert(struct forward *f, uint32_t expert_i, const struct expert_weights *w)
{
    const size_t first = f->expert_start[expert_i];
    const size_t offset = first * f->hp->d_model;
    gated_network(f, &w->gate, &w->up, &w->down, f->moe_in + offset, f->moe_out + offset,
                  f->expert_start[expert_i + 1] - (uint32_t)first);
}

/* Lists the experts that rows use, and by how many. @return how many. */
static uint32_t list_wanted(struct forward *f)
{
    uint32_t n = 0;
    for (uint32_t e = 0; e < f->hp->n_experts; e++) {
        const uint32_t n_rows = f->expert_start[e + 1] - f->expert_start[e];
        if (!n_rows) continue;
        f->moe_wanted[n] = e;
        f->moe_rows[n++] = n_rows;
    }
    return n;
}

static void run_resident(struct forward *f, const struct layer_weights *layer, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t e = f->moe_wanted[i];
        const struct expert_weights w = {.gate = tensor_view_expert(&layer->w[W_MOE_GATE], e),
                                         .up = tensor_view_expert(&layer->w[W_MOE_UP], e),
                                         .down = tensor_view_expert(&layer->w[W_MOE_DOWN], e)};
        run_expert(f, e, &w);
    }
}

/* Counts what the rows of an intent use. */
static void count_intent(struct pass *p, uint32_t layer_i, uint32_t intent)
{
    struct forward *f = p->f;
    const uint32_t n_used = f->hp->n_experts_used;
    uint32_t n = 0;
    memset(f->moe_rows, 0, f->hp->n_experts * sizeof(f->moe_rows[0]));
    for (uint32_t r = 0; r < p->n_rows; r++) {
        const struct batch_row *row = &p->batch->rows[f->wanted[r]];
        if (p->batch->seqs[row->seq_i].intent != intent) continue;
        n++;
        for (uint32_t k = 0; k < n_used; k++) f->moe_rows[f->expert_of[(size_t)r * n_used + k]]++;
    }
    expert_intents_count(expert_source_cache(f->config.experts), intent - 1, layer_i, f->moe_rows,
                         n);
}

static void count_intents(struct pass *p, uint32_t layer_i)
{
    uint32_t counted = 0; /* bits; there are no more than NMOS_MODEL_INTENTS_MAX */
    for (uint32_t s = 0; s < p->batch->n_seqs; s++) {
        const uint32_t intent = p->batch->seqs[s].intent;
        if (!intent || counted >> intent & 1) continue;
        counted |= 1U << intent;
        count_intent(p, layer_i, intent);
    }
}

/* Counts what the first passes of a session use, before the cache is asked for it. */
static void count_first(const struct pass *p, uint32_t layer_i)
{
    const struct forward *f = p->f;
    const struct expert_cache *cache = expert_source_cache(f->config.experts);
    const uint32_t n_used = f->hp->n_experts_used;
    for (uint32_t s = 0; s < p->batch->n_seqs; s++) {
        if (p->batch->seqs[s].first) expert_first_enter(p->batch->seqs[s].first, layer_i);
    }
    for (uint32_t r = 0; r < p->n_rows; r++) {
        struct expert_first *first = p->batch->seqs[p->batch->rows[f->wanted[r]].seq_i].first;
        for (uint32_t k = 0; first && k < n_used; k++) {
            const uint32_t e = f->expert_of[(size_t)r * n_used + k];
            expert_first_use(first, e, expert_cache_has(cache, layer_i, e));
        }
    }
}

/* Experts in memory go first, the others as they arrive. */
static int run_cached(struct pass *p, uint32_t layer_i, uint32_t n)
{
    struct forward *f = p->f;
    struct expert_source *experts = f->config.experts;
    struct expert_cache *cache = expert_source_cache(experts);
    struct expert_weights w;
    uint32_t i = 0;
    int rc = 0;
    count_first(p, layer_i);
    expert_cache_begin(cache, layer_i, f->moe_wanted, f->moe_rows, n, p->n_rows);
    count_intents(p, layer_i);
    while ((rc = expert_source_next(experts, p->cancel, &i, &w)) == 1) {
        run_expert(f, f->moe_wanted[i], &w);
    }
    expert_cache_end(cache);
    return rc;
}

int moe_forward(struct pass *p, const struct layer_weights *layer, uint32_t layer_i)
{
    struct forward *f = p->f;
    const struct hparams *hp = f->hp;
    const struct backend_ops *ops = f->backend->ops;
    TRY(route(f, layer, p->n_rows));
    ops->gather_rows(f->backend, f->moe_in, f->normed, f->moe_source,
                     p->n_rows * hp->n_experts_used, hp->d_model);
    const uint32_t n = list_wanted(f);
    if (f->config.experts) {
        TRY(run_cached(p, layer_i, n));
    } else {
        run_resident(f, layer, n);
    }
    ops->weighted_rows(f->backend, f->delta, f->moe_out, f->moe_slot, f->expert_weight, p->n_rows,
                       hp->n_experts_used, hp->d_model);
    if (hp->d_ff_shared) add_shared_expert(f, layer, p->n_rows);
    return 0;
}
