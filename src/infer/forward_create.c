/* SPDX-License-Identifier: MIT */
/* The memory of the forward pass: one list of buffers, measured for the plan and allocated from the
 * same list. */
#include <stddef.h>

#include "infer/forward_internal.h"

/* One buffer of struct forward. */
struct buffer {
    size_t member; /* offset of the pointer in struct forward */
    size_t bytes;  /* 0: not needed by this model */
    enum mem_tag tag;
    int is_host;
};

#define BUFFERS_MAX 40

#define BACKEND_BUFFER(field, n_bytes)                                                             \
    (struct buffer)                                                                                \
    {                                                                                              \
        offsetof(struct forward, field), (n_bytes), MEM_SCRATCH, 0                                 \
    }
#define HOST_BUFFER(field, n_bytes)                                                                \
    (struct buffer)                                                                                \
    {                                                                                              \
        offsetof(struct forward, field), (n_bytes), MEM_SCRATCH, 1                                 \
    }

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static struct forward_widths widths_of(const struct hparams *hp)
{
    struct forward_widths w = {.q = hp->n_heads * hp->head_dim_k,
                               .k = hp->n_kv_heads * hp->head_dim_k,
                               .v = hp->n_kv_heads * hp->head_dim_v,
                               .attn_out = hp->n_heads * hp->head_dim_v};
    w.ffn = max_u32(hp->n_experts ? 0 : hp->d_ff, max_u32(hp->d_ff_expert, hp->d_ff_shared));
    w.ffn_pair = 2 * w.ffn;
    return w;
}

static struct attention_config attention_of(const struct forward_config *config)
{
    const struct hparams *hp = config->hp;
    return (struct attention_config){.n_heads = hp->n_heads,
                                     .n_kv_heads = hp->n_kv_heads,
                                     .head_dim_k = hp->head_dim_k,
                                     .head_dim_v = hp->head_dim_v,
                                     .kv_type = config->kv_type,
                                     .page_tokens = config->page_tokens,
                                     .scale = hp->attn_scale,
                                     .softcap = hp->attn_softcap,
                                     .in_parts = config->kv_is_spilled,
                                     .mass_columns = config->mass_columns};
}

/* The largest thing that passes through staging: embeddings, angles, or router probabilities. */
static size_t staging_floats(const struct hparams *hp)
{
    return max_u32(hp->d_model, max_u32(hp->rope.n_rot, hp->n_experts));
}

/* The list of the device's place: no experts there, and host memory only for its KV rows. */
static void shorten_for_device(struct buffer *list, uint32_t n, int has_head)
{
    static const size_t left_out[] = {
        offsetof(struct forward, router), offsetof(struct forward, shared_gate),
        offsetof(struct forward, moe_in), offsetof(struct forward, moe_out)};
    for (uint32_t i = 0; i < n; i++) {
        if (list[i].is_host && list[i].member != offsetof(struct forward, kv_rows)) {
            list[i].bytes = 0;
        }
        if (list[i].member == offsetof(struct forward, logits) && !has_head) list[i].bytes = 0;
        for (size_t k = 0; k < sizeof(left_out) / sizeof(left_out[0]); k++) {
            if (list[i].member == left_out[k]) list[i].bytes = 0;
        }
    }
}

static uint32_t list_buffers(const struct forward_config *config, struct buffer *list)
{
    const struct hparams *hp = config->hp;
    const struct forward_widths w = widths_of(hp);
    const size_t rows = config->n_rows_max;
    const size_t floats = rows * sizeof(float); /* bytes of one float for every row */
    const size_t used = hp->n_experts_used;
    const size_t moe_rows = rows * max_u32(hp->n_experts_used, 1);
    const int has_local = (hp->arch->flags & ARCH_LOCAL_ROPE) != 0;
    const size_t logit_rows = rows < FORWARD_LOGIT_ROWS ? rows : FORWARD_LOGIT_ROWS;
    const struct buffer all[] = {
        BACKEND_BUFFER(x, floats * hp->d_model),
        BACKEND_BUFFER(normed, floats * hp->d_model),
        BACKEND_BUFFER(q, floats * w.q),
        BACKEND_BUFFER(k, floats * w.k),
        BACKEND_BUFFER(v, floats * w.v),
        BACKEND_BUFFER(attn_out, floats * w.attn_out),
        BACKEND_BUFFER(ffn_pair, floats * w.ffn_pair),
        BACKEND_BUFFER(ffn, floats * w.ffn),
        BACKEND_BUFFER(delta, floats * hp->d_model),
        BACKEND_BUFFER(cos_sin_global, floats * hp->rope.n_rot),
        BACKEND_BUFFER(cos_sin_local, has_local ? floats * hp->rope.n_rot : 0),
        BACKEND_BUFFER(logits, logit_rows * hp->n_vocab * sizeof(float)),
        BACKEND_BUFFER(router, floats * hp->n_experts),
        BACKEND_BUFFER(shared_gate, hp->d_ff_shared ? floats : 0),
        BACKEND_BUFFER(moe_in, used ? moe_rows * hp->d_model * sizeof(float) : 0),
        BACKEND_BUFFER(moe_out, used ? moe_rows * hp->d_model * sizeof(float) : 0),
        HOST_BUFFER(staging, floats * staging_floats(hp)),
        HOST_BUFFER(host_logits, hp->n_vocab * sizeof(float)),
        HOST_BUFFER(kv_rows, rows * sizeof(struct kv_row)),
        HOST_BUFFER(tail_slots, rows * FORWARD_TAIL_SLOTS_PER_ROW * sizeof(int32_t)),
        HOST_BUFFER(seq_fill, config->n_seqs_max * sizeof(uint32_t)),
        HOST_BUFFER(wanted, rows * sizeof(uint32_t)),
        HOST_BUFFER(expert_of, rows * used * sizeof(uint32_t)),
        HOST_BUFFER(expert_weight, rows * used * sizeof(float)),
        HOST_BUFFER(expert_start, used ? (hp->n_experts + 1) * sizeof(uint32_t) : 0),
        HOST_BUFFER(moe_source, rows * used * sizeof(uint32_t)),
        HOST_BUFFER(moe_slot, rows * used * sizeof(uint32_t)),
        HOST_BUFFER(moe_wanted, hp->n_experts * sizeof(uint32_t)),
        HOST_BUFFER(moe_rows, hp->n_experts * sizeof(uint32_t)),
        HOST_BUFFER(moe_guess, hp->n_experts * sizeof(uint32_t)),
        HOST_BUFFER(masses, floats * hp->n_kv_heads * config->mass_columns),
    };
    _Static_assert(sizeof(all) / sizeof(all[0]) <= BUFFERS_MAX, "the list fits");
    memcpy(list, all, sizeof(all));
    return (uint32_t)(sizeof(all) / sizeof(all[0]));
}

/* Pointer member of a forward at an offset of the list; every listed member is an object pointer.
 */
static void **member_at(struct forward *f, size_t offset)
{
    return (void **)((char *)f + offset);
}

static size_t kv_layer_bytes_of(const struct forward_config *config)
{
    const struct attention_config attention = attention_of(config);
    const size_t bytes = config->backend->ops->kv_layer_bytes(config->backend, &attention);
    return config->kv_is_spilled ? size_round_up(bytes, MEM_ALIGN_PAGE) : bytes;
}

static uint32_t linear_width_max(const struct hparams *hp)
{
    const struct forward_widths w = widths_of(hp);
    return max_u32(hp->d_model, max_u32(w.attn_out, w.ffn));
}

/* Each block of the device's memory is rounded up to the alignment, those of plan() and the KV
 * pages too. */
static void plan_device(const struct forward_config *config, struct buffer *list, uint32_t n,
                        struct forward_sizes *sizes)
{
    struct backend *device = config->device;
    const struct attention_config attention = attention_of(config);
    for (uint32_t i = 0; i < n; i++) {
        if (list[i].member == offsetof(struct forward, logits)) {
            sizes->device_logits_bytes = size_round_up(list[i].bytes, MEM_ALIGN_VECTOR);
        }
    }
    shorten_for_device(list, n, 0);
    sizes->device_scratch_bytes =
        device->ops->plan_bytes(device, config->n_rows_max, linear_width_max(config->hp),
                                &attention) +
        (uint64_t)MEM_ALIGN_VECTOR * BUFFERS_MAX;
    for (uint32_t i = 0; i < n; i++) {
        if (!list[i].is_host) sizes->device_scratch_bytes += list[i].bytes;
    }
}

void forward_plan(const struct forward_config *config, struct forward_sizes *ret_sizes)
{
    struct buffer list[BUFFERS_MAX];
    const uint32_t n = list_buffers(config, list);
    const struct attention_config attention = attention_of(config);
    uint64_t scratch = config->backend->ops->plan_bytes(config->backend, config->n_rows_max,
                                                        linear_width_max(config->hp), &attention);
    for (uint32_t i = 0; i < n; i++) scratch += list[i].bytes;
    const uint64_t layer_bytes = kv_layer_bytes_of(config);
    const uint64_t page_bytes = layer_bytes * config->hp->n_layers;
    *ret_sizes = (struct forward_sizes){.kv_bytes = page_bytes * config->n_pages,
                                        .page_bytes = page_bytes,
                                        .layer_bytes = layer_bytes,
                                        .scratch_bytes = scratch};
    if (config->device) plan_device(config, list, n, ret_sizes);
}

uint32_t forward_page_tokens(const struct hparams *hp, enum kv_type kv_type, uint32_t ctx,
                             uint32_t n_sessions, uint64_t bytes_max)
{
    static const uint32_t quarter_bytes[] = {[KV_F32] = 16, [KV_F16] = 8, [KV_Q8_0] = 5};
    const uint64_t per_token = (uint64_t)hp->n_layers * hp->n_kv_heads *
                               (hp->head_dim_k + hp->head_dim_v) * quarter_bytes[kv_type] / 4;
    const uint64_t bytes_good = (16U << 20) / n_sessions;
    if (bytes_max == 0 || bytes_max > bytes_good) bytes_max = bytes_good;
    const uint32_t tokens_max = n_sessions == 1 ? ctx : ctx / 8;
    uint32_t tokens = 64;
    while (tokens < 1024 && tokens < tokens_max && (uint64_t)tokens * 2 * per_token <= bytes_max) {
        tokens *= 2;
    }
    return tokens;
}

/* The buffers of a place; all bytes 0 where it has none of its own. */
static uint32_t own_buffers(const struct forward *f, const struct forward *host,
                            struct buffer *list)
{
    const uint32_t n = list_buffers(&f->config, list);
    if (f != host) shorten_for_device(list, n, host->places[f->hp->n_layers] != SHARD_HOST);
    return n;
}

static int allocate(struct forward *f, const struct forward *host)
{
    struct buffer list[BUFFERS_MAX];
    const uint32_t n = own_buffers(f, host, list);
    const struct backend_ops *ops = f->backend->ops;
    for (uint32_t i = 0; i < n; i++) {
        if (!list[i].bytes) continue;
        void *mem = list[i].is_host ? mem_calloc(list[i].tag, list[i].bytes, 1)
                                    : ops->alloc(f->backend, list[i].tag, list[i].bytes);
        if (!mem) return NMOS_E_NOMEM;
        *member_at(f, list[i].member) = mem;
    }
    f->kv_layer_i = mem_calloc(MEM_SCRATCH, f->hp->n_layers, sizeof(f->kv_layer_i[0]));
    if (!f->kv_layer_i) return NMOS_E_NOMEM;
    uint32_t n_layers = 0;
    for (uint32_t l = 0; l < f->hp->n_layers; l++) {
        const int is_at_host = !host->places || host->places[l] == SHARD_HOST;
        f->kv_layer_i[l] = n_layers;
        n_layers += is_at_host == (f == host);
    }
    f->page_bytes = f->kv_layer_bytes * n_layers;
    if (!f->config.spill) {
        f->kv_memory = ops->alloc(f->backend, MEM_KV, f->page_bytes * f->config.n_pages);
        if (!f->kv_memory) return NMOS_E_NOMEM;
    }
    return ops->plan(f->backend, f->config.n_rows_max, linear_width_max(f->hp), &f->attention);
}

static int init_rope(struct forward *f)
{
    const struct weight_map *map = f->config.map;
    const struct rope_params *rope = &f->hp->rope;
    float divisors[MODEL_HEAD_DIM_MAX / 2];
    const struct gguf_tensor *tensor = map->rope_freqs;
    if (map->rope_long) {
        tensor = f->config.ctx > rope->original_ctx ? map->rope_long : map->rope_short;
    }
    if (tensor) TRY(weight_source_read_vector(f->config.weights, tensor, divisors));
    rope_freqs_init(&f->rope_global, rope, tensor ? divisors : NULL, 0);
    rope_freqs_init(&f->rope_local, rope, NULL, 1);
    return 0;
}

/* A place at @p backend; the host's when @p host is itself. */
static int init_place(struct forward *f, struct backend *backend, struct forward *host)
{
    f->hp = f->config.hp;
    f->backend = backend;
    f->config.backend = backend;
    f->widths = widths_of(f->hp);
    f->attention = attention_of(&f->config);
    TRY(backend->ops->attention_check(backend, &f->attention));
    f->kv_layer_bytes = kv_layer_bytes_of(&f->config);
    TRY(allocate(f, host));
    if (f == host) return init_rope(f);
    f->rope_global = host->rope_global;
    f->rope_local = host->rope_local;
    f->staging = host->staging;
    f->host_logits = host->host_logits;
    f->wanted = host->wanted;
    return 0;
}

static int copy_places(struct forward *f)
{
    const uint32_t n = f->config.hp->n_layers + 1;
    if (!f->config.places) return 0;
    f->places = mem_calloc(MEM_GENERAL, n, 1);
    if (!f->places) return NMOS_E_NOMEM;
    int is_used = 0;
    for (uint32_t s = 0; s < n; s++) {
        f->places[s] = f->config.places[s];
        is_used |= f->places[s] != SHARD_HOST;
    }
    f->config.places = f->places;
    if (!is_used) return 0;
    f->device = mem_calloc(MEM_GENERAL, 1, sizeof(*f->device));
    return f->device ? 0 : NMOS_E_NOMEM;
}

int forward_create(const struct forward_config *config, struct forward **ret_forward)
{
    struct forward *f = mem_calloc(MEM_GENERAL, 1, sizeof(*f));
    if (!f) return NMOS_E_NOMEM;
    f->config = *config;
    int rc = copy_places(f);
    if (rc == 0) rc = init_place(f, config->backend, f);
    if (rc == 0 && f->device) {
        f->device->config = *config;
        rc = init_place(f->device, config->device, f);
    }
    if (rc < 0) {
        forward_destroy(&f);
        return rc;
    }
    *ret_forward = f;
    return 0;
}

/* Buffers are allocated in the order of the list, so none is there before the place is set up. */
static void deinit_place(struct forward *f, const struct forward *host)
{
    struct buffer list[BUFFERS_MAX];
    if (!f || !f->backend) return;
    const uint32_t n = own_buffers(f, host, list);
    for (uint32_t i = 0; i < n; i++) {
        if (!list[i].bytes) continue;
        void *mem = *member_at(f, list[i].member);
        if (list[i].is_host) {
            mem_free(mem);
        } else {
            f->backend->ops->free(f->backend, mem);
        }
    }
    if (f->kv_memory) f->backend->ops->free(f->backend, f->kv_memory);
    mem_free(f->kv_layer_i);
}

void forward_destroy(struct forward **forward)
{
    if (!forward || !*forward) return;
    struct forward *f = *forward;
    deinit_place(f->device, f);
    deinit_place(f, f);
    mem_free(f->device);
    mem_free(f->places);
    mem_free(f);
    *forward = NULL;
}

void *forward_page(struct forward *f, uint32_t page_id, size_t *ret_bytes)
{
    *ret_bytes = f->page_bytes;
    if (f->config.spill) return page_spill_at(f->config.spill, page_id);
    return f->kv_memory + page_id * f->page_bytes;
}

void forward_copy_page(struct forward *f, const struct kv_page_copy *copy)
{
    size_t n_bytes = 0;
    if (f->device) forward_copy_page(f->device, copy);
    void *to = forward_page(f, copy->to, &n_bytes);
    f->backend->ops->copy(f->backend, to, forward_page(f, copy->from, &n_bytes), n_bytes);
}

int forward_settle(struct forward *f)
{
    return f->device ? f->device->backend->ops->fence_wait(f->device->backend, 0, 0) : 0;
}

/* All layers whose KV lies here. */
static void move_slot_here(struct forward *f, void *const *pages, uint32_t from_slot,
                           uint32_t to_slot)
{
    for (size_t offset = 0; offset < f->page_bytes; offset += f->kv_layer_bytes) {
        f->backend->ops->kv_move(f->backend, &f->attention, offset, pages, from_slot, to_slot);
    }
}

void forward_move_slot(struct forward *f, const struct batch_seq *seq, uint32_t from_slot,
                       uint32_t to_slot)
{
    move_slot_here(f, seq->pages, from_slot, to_slot);
    if (f->device) {
        move_slot_here(f->device, seq->pages + seq->table->n_pages_max, from_slot, to_slot);
    }
}
