/* SPDX-License-Identifier: MIT */
#include "model/weights.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* Symbolic dimensions of the shape table; resolved against the hyper-parameters. */
enum dim {
    DIM_ONE, /* a vector: no second dimension */
    DIM_MODEL,
    DIM_Q,
    DIM_K,
    DIM_V,
    DIM_QKV,
    DIM_ATTN_OUT,
    DIM_HEAD_K,
    DIM_FF,
    DIM_FF_UP, /* twice the width when gate and up are fused */
    DIM_FF_EXPERT,
    DIM_FF_SHARED,
    DIM_EXPERTS,
};

/* When a layer must have the tensor, and when it may. */
enum need {
    NEED_ALWAYS,
    NEED_NEVER_MISSED, /* optional everywhere */
    NEED_SPLIT_QKV,
    NEED_FUSED_QKV,
    NEED_QK_NORM,
    NEED_POST_NORMS,
    NEED_DENSE,
    NEED_DENSE_SPLIT_GATE,
    NEED_MOE,
    NEED_SHARED,
};

struct role_row {
    const char *suffix; /* behind "blk.N." */
    enum dim n_in;
    enum dim n_out;
    enum dim n_stack; /* third dimension: experts */
    enum need need;
};

static const struct role_row layer_roles[W_LAYER_ROLES] = {
    [W_ATTN_NORM] = {"attn_norm.weight", DIM_MODEL, DIM_ONE, DIM_ONE, NEED_ALWAYS},
    [W_ATTN_Q] = {"attn_q.weight", DIM_MODEL, DIM_Q, DIM_ONE, NEED_SPLIT_QKV},
    [W_ATTN_K] = {"attn_k.weight", DIM_MODEL, DIM_K, DIM_ONE, NEED_SPLIT_QKV},
    [W_ATTN_V] = {"attn_v.weight", DIM_MODEL, DIM_V, DIM_ONE, NEED_SPLIT_QKV},
    [W_ATTN_QKV] = {"attn_qkv.weight", DIM_MODEL, DIM_QKV, DIM_ONE, NEED_FUSED_QKV},
    [W_ATTN_Q_BIAS] = {"attn_q.bias", DIM_Q, DIM_ONE, DIM_ONE, NEED_NEVER_MISSED},
    [W_ATTN_K_BIAS] = {"attn_k.bias", DIM_K, DIM_ONE, DIM_ONE, NEED_NEVER_MISSED},
    [W_ATTN_V_BIAS] = {"attn_v.bias", DIM_V, DIM_ONE, DIM_ONE, NEED_NEVER_MISSED},
    [W_ATTN_QKV_BIAS] = {"attn_qkv.bias", DIM_QKV, DIM_ONE, DIM_ONE, NEED_NEVER_MISSED},
    [W_ATTN_Q_NORM] = {"attn_q_norm.weight", DIM_HEAD_K, DIM_ONE, DIM_ONE, NEED_QK_NORM},
    [W_ATTN_K_NORM] = {"attn_k_norm.weight", DIM_HEAD_K, DIM_ONE, DIM_ONE, NEED_QK_NORM},
    [W_ATTN_OUT] = {"attn_output.weight", DIM_ATTN_OUT, DIM_MODEL, DIM_ONE, NEED_ALWAYS},
    [W_ATTN_OUT_BIAS] = {"attn_output.bias", DIM_MODEL, DIM_ONE, DIM_ONE, NEED_NEVER_MISSED},
    [W_ATTN_POST_NORM] = {"post_attention_norm.weight", DIM_MODEL, DIM_ONE, DIM_ONE,
                          NEED_POST_NORMS},
    [W_FFN_NORM] = {"ffn_norm.weight", DIM_MODEL, DIM_ONE, DIM_ONE, NEED_ALWAYS},
    [W_FFN_GATE] = {"ffn_gate.weight", DIM_MODEL, DIM_FF, DIM_ONE, NEED_DENSE_SPLIT_GATE},
    [W_FFN_UP] = {"ffn_up.weight", DIM_MODEL, DIM_FF_UP, DIM_ONE, NEED_DENSE},
    [W_FFN_DOWN] = {"ffn_down.weight", DIM_FF, DIM_MODEL, DIM_ONE, NEED_DENSE},
    [W_FFN_GATE_BIAS] = {"ffn_gate.bias", DIM_FF, DIM_ONE, DIM_ONE, NEED_NEVER_MISSED},
    [W_FFN_UP_BIAS] = {"ffn_up.bias", DIM_FF_UP, DIM_ONE, DIM_ONE, NEED_NEVER_MISSED},
    [W_FFN_DOWN_BIAS] = {"ffn_down.bias", DIM_MODEL, DIM_ONE, DIM_ONE, NEED_NEVER_MISSED},
    [W_FFN_POST_NORM] = {"post_ffw_norm.weight", DIM_MODEL, DIM_ONE, DIM_ONE, NEED_POST_NORMS},
    [W_MOE_ROUTER] = {"ffn_gate_inp.weight", DIM_MODEL, DIM_EXPERTS, DIM_ONE, NEED_MOE},
    [W_MOE_GATE] = {"ffn_gate_exps.weight", DIM_MODEL, DIM_FF_EXPERT, DIM_EXPERTS, NEED_MOE},
    [W_MOE_UP] = {"ffn_up_exps.weight", DIM_MODEL, DIM_FF_EXPERT, DIM_EXPERTS, NEED_MOE},
    [W_MOE_DOWN] = {"ffn_down_exps.weight", DIM_FF_EXPERT, DIM_MODEL, DIM_EXPERTS, NEED_MOE},
    [W_SHARED_ROUTER] = {"ffn_gate_inp_shexp.weight", DIM_MODEL, DIM_ONE, DIM_ONE, NEED_SHARED},
    [W_SHARED_GATE] = {"ffn_gate_shexp.weight", DIM_MODEL, DIM_FF_SHARED, DIM_ONE, NEED_SHARED},
    [W_SHARED_UP] = {"ffn_up_shexp.weight", DIM_MODEL, DIM_FF_SHARED, DIM_ONE, NEED_SHARED},
    [W_SHARED_DOWN] = {"ffn_down_shexp.weight", DIM_FF_SHARED, DIM_MODEL, DIM_ONE, NEED_SHARED},
};

static uint64_t dim_size(const struct hparams *hp, enum dim dim)
{
    const uint64_t q = (uint64_t)hp->n_heads * hp->head_dim_k;
    const uint64_t k = (uint64_t)hp->n_kv_heads * hp->head_dim_k;
    const uint64_t v = (uint64_t)hp->n_kv_heads * hp->head_dim_v;
    switch (dim) {
    case DIM_ONE: return 1;
    case DIM_MODEL: return hp->d_model;
    case DIM_Q: return q;
    case DIM_K: return k;
    case DIM_V: return v;
    case DIM_QKV: return q + k + v;
    case DIM_ATTN_OUT: return (uint64_t)hp->n_heads * hp->head_dim_v;
    case DIM_HEAD_K: return hp->head_dim_k;
    case DIM_FF: return hp->d_ff;
    case DIM_FF_UP: return hp->arch->flags & ARCH_FUSED_GATE_UP ? 2 * (uint64_t)hp->d_ff : hp->d_ff;
    case DIM_FF_EXPERT: return hp->d_ff_expert;
    case DIM_FF_SHARED: return hp->d_ff_shared;
    case DIM_EXPERTS: return hp->n_experts;
    }
    return 0;
}

/* 1: must be there; 0: may; -1: the architecture has no such tensor. */
static int role_need(const struct hparams *hp, enum need need)
{
    const unsigned flags = hp->arch->flags;
    switch (need) {
    case NEED_ALWAYS: return 1;
    case NEED_NEVER_MISSED: return 0;
    case NEED_SPLIT_QKV: return flags & ARCH_FUSED_QKV ? -1 : 1;
    case NEED_FUSED_QKV: return flags & ARCH_FUSED_QKV ? 1 : -1;
    case NEED_QK_NORM: return flags & ARCH_QK_NORM ? 1 : -1;
    case NEED_POST_NORMS: return flags & ARCH_POST_NORMS ? 1 : -1;
    case NEED_DENSE: return hp->n_experts ? -1 : 1;
    case NEED_DENSE_SPLIT_GATE: return hp->n_experts || flags & ARCH_FUSED_GATE_UP ? -1 : 1;
    case NEED_MOE: return hp->n_experts ? 1 : -1;
    case NEED_SHARED: return hp->d_ff_shared ? 1 : -1;
    }
    return -1;
}

static int check_shape(const struct gguf_tensor *t, uint64_t n_in, uint64_t n_out, uint64_t n_stack)
{
    if (t->dims[0] != n_in || t->dims[1] != n_out || t->dims[2] != n_stack || t->dims[3] != 1) {
        return FAIL(NMOS_E_CORRUPT,
                    "tensor %.*s is %llu x %llu x %llu; the metadata demand %llu x %llu x %llu",
                    STR_ARG(t->name), (unsigned long long)t->dims[0],
                    (unsigned long long)t->dims[1], (unsigned long long)t->dims[2],
                    (unsigned long long)n_in, (unsigned long long)n_out,
                    (unsigned long long)n_stack);
    }
    const struct tensor_format *format = tensor_format_get(t->type);
    if (!format->is_weight) {
        return FAIL(NMOS_E_UNSUPPORTED, "tensor %.*s has type %s, which cannot be computed with",
                    STR_ARG(t->name), format->name);
    }
    /* Norms, biases and other vectors are added and multiplied in place, as they lie. */
    if (t->n_dims == 1 && t->type != TENSOR_F32) {
        return FAIL(NMOS_E_UNSUPPORTED, "vector %.*s has type %s; only F32 vectors are supported",
                    STR_ARG(t->name), format->name);
    }
    return 0;
}

static int find_layer_role(struct str suffix, enum layer_role *ret_role)
{
    for (int role = 0; role < W_LAYER_ROLES; role++) {
        if (str_equal(suffix, str_from(layer_roles[role].suffix))) {
            *ret_role = (enum layer_role)role;
            return 1;
        }
    }
    return 0;
}

/* Splits "blk.12.suffix". @return 1 when the name has that form and the number is below n_layers.
 */
static int split_layer_name(struct str name, uint32_t n_layers, uint32_t *ret_layer,
                            struct str *ret_suffix)
{
    size_t i = 4;
    uint32_t layer = 0;
    if (name.len < 6 || memcmp(name.data, "blk.", 4) != 0) return 0;
    for (; i < name.len && name.data[i] >= '0' && name.data[i] <= '9'; i++) {
        layer = layer * 10 + (uint32_t)(name.data[i] - '0');
        if (layer >= n_layers) return 0;
    }
    if (i == 4 || i + 1 >= name.len || name.data[i] != '.') return 0;
    *ret_layer = layer;
    *ret_suffix = (struct str){name.data + i + 1, name.len - i - 1};
    return 1;
}

/* Where one tensor belongs. */
struct placement {
    uint32_t shard;
    uint32_t role;
};

/* Places tensors outside the layers. @return 0 placed in the head, 1 kept apart, negative: unknown.
 */
static int place_global(struct weight_map *map, const struct gguf_tensor *t, struct placement *ret)
{
    const struct hparams *hp = &map->hp;
    const uint64_t n_freqs = hp->rope.n_rot / 2;
    *ret = (struct placement){hp->n_layers, 0};
    if (str_equal(t->name, STR_LIT("output_norm.weight"))) {
        ret->role = W_HEAD_NORM;
        return check_shape(t, hp->d_model, 1, 1);
    }
    if (str_equal(t->name, STR_LIT("output.weight"))) {
        ret->role = W_HEAD_OUT;
        return check_shape(t, hp->d_model, hp->n_vocab, 1);
    }
    if (str_equal(t->name, STR_LIT("token_embd.weight"))) {
        map->token_embd = t;
        TRY(check_shape(t, hp->d_model, hp->n_vocab, 1));
        return 1;
    }
    const struct {
        struct str name;
        const struct gguf_tensor **slot;
    } freqs[] = {{STR_LIT("rope_freqs.weight"), &map->rope_freqs},
                 {STR_LIT("rope_factors_long.weight"), &map->rope_long},
                 {STR_LIT("rope_factors_short.weight"), &map->rope_short}};
    for (size_t i = 0; i < sizeof(freqs) / sizeof(freqs[0]); i++) {
        if (!str_equal(t->name, freqs[i].name)) continue;
        TRY(check_shape(t, n_freqs, 1, 1));
        *freqs[i].slot = t;
        return 1;
    }
    return FAIL(NMOS_E_UNSUPPORTED,
                "tensor %.*s is not known for architecture %s; the model would be computed wrongly",
                STR_ARG(t->name), hp->arch->name);
}

static int place_tensor(struct weight_map *map, const struct gguf_tensor *t, struct placement *ret)
{
    const struct hparams *hp = &map->hp;
    struct str suffix = {0};
    enum layer_role role = W_ATTN_NORM;
    if (!split_layer_name(t->name, hp->n_layers, &ret->shard, &suffix)) {
        return place_global(map, t, ret);
    }
    if (!find_layer_role(suffix, &role) || role_need(hp, layer_roles[role].need) < 0) {
        return FAIL(
            NMOS_E_UNSUPPORTED,
            "tensor %.*s is not known for architecture %s; the model would be computed wrongly",
            STR_ARG(t->name), hp->arch->name);
    }
    ret->role = (uint32_t)role;
    const struct role_row *row = &layer_roles[role];
    return check_shape(t, dim_size(hp, row->n_in), dim_size(hp, row->n_out),
                       dim_size(hp, row->n_stack));
}

static uint32_t *role_slot(struct weight_map *map, struct placement where)
{
    if (where.shard == map->hp.n_layers) return &map->head_tensor_i[where.role];
    return &map->layer_tensor_i[where.shard][where.role];
}

static int is_expert_stack(const struct gguf_tensor *t)
{
    const struct str end = STR_LIT("_exps.weight");
    return t->name.len >= end.len &&
           memcmp(t->name.data + t->name.len - end.len, end.data, end.len) == 0;
}

static int check_complete(const struct weight_map *map)
{
    const struct hparams *hp = &map->hp;
    for (uint32_t layer = 0; layer < hp->n_layers; layer++) {
        for (int role = 0; role < W_LAYER_ROLES; role++) {
            if (role_need(hp, layer_roles[role].need) == 1 &&
                map->layer_tensor_i[layer][role] == WEIGHT_ABSENT) {
                return FAIL(NMOS_E_CORRUPT, "tensor blk.%u.%s is missing (architecture %s)", layer,
                            layer_roles[role].suffix, hp->arch->name);
            }
        }
    }
    if (map->head_tensor_i[W_HEAD_NORM] == WEIGHT_ABSENT) {
        return FAIL(NMOS_E_CORRUPT, "tensor output_norm.weight is missing");
    }
    const int needs_factors = hp->rope.scaling == ROPE_SCALING_LONGROPE;
    if (!map->rope_long != !map->rope_short || (needs_factors && !map->rope_long)) {
        return FAIL(NMOS_E_CORRUPT,
                    "longrope needs both rope_factors_long.weight and rope_factors_short.weight");
    }
    return 0;
}

static int allocate(struct weight_map *map, uint64_t n_tensors)
{
    const uint32_t n_layers = map->hp.n_layers;
    map->n_shards = n_layers + 1;
    map->shards = mem_calloc(MEM_HEADER, map->n_shards, sizeof(map->shards[0]));
    map->layer_tensor_i = mem_calloc(MEM_HEADER, n_layers, sizeof(map->layer_tensor_i[0]));
    /* One more than the tensors: a tied head refers to the embedding a second time. */
    map->owned_tensors = mem_calloc(MEM_HEADER, n_tensors + 1, sizeof(map->owned_tensors[0]));
    if (!map->shards || !map->layer_tensor_i || !map->owned_tensors) return NMOS_E_NOMEM;
    memset(map->layer_tensor_i, 0xff, n_layers * sizeof(map->layer_tensor_i[0]));
    memset(map->head_tensor_i, 0xff, sizeof(map->head_tensor_i));
    return 0;
}

/* Counts the tensors of every shard and gives each shard its part of owned_tensors. */
static int lay_out_shards(struct weight_map *map, const struct gguf *gguf)
{
    int is_tied = 1;
    for (uint64_t i = 0; i < gguf->n_tensors; i++) {
        struct placement where = {0};
        const int rc = place_tensor(map, &gguf->tensors[i], &where);
        if (rc < 0) return rc;
        if (rc == 1) continue;
        map->shards[where.shard].n_tensors++;
        if (where.shard == map->hp.n_layers && where.role == W_HEAD_OUT) is_tied = 0;
    }
    map->shards[map->hp.n_layers].n_tensors += (uint32_t)is_tied;
    const struct gguf_tensor **next = map->owned_tensors;
    for (uint32_t s = 0; s < map->n_shards; s++) {
        map->shards[s].tensors = next;
        next += map->shards[s].n_tensors;
        map->shards[s].n_tensors = 0;
    }
    for (uint64_t i = 0; i < gguf->n_tensors; i++) {
        struct placement where = {0};
        if (place_tensor(map, &gguf->tensors[i], &where) == 1) continue;
        struct weight_shard *shard = &map->shards[where.shard];
        shard->tensors[shard->n_tensors++] = &gguf->tensors[i];
    }
    struct weight_shard *head = &map->shards[map->hp.n_layers];
    if (is_tied) head->tensors[head->n_tensors++] = map->token_embd;
    return 0;
}

/* Finds out which tensor has which role: role_slot() is its index among those of the shard. */
static void find_roles(struct weight_map *map, uint32_t shard_i)
{
    const struct weight_shard *shard = &map->shards[shard_i];
    for (uint32_t i = 0; i < shard->n_tensors; i++) {
        struct placement where = {map->hp.n_layers, W_HEAD_OUT};
        if (shard->tensors[i] != map->token_embd) {
            const int rc = place_tensor(map, shard->tensors[i], &where);
            assert(rc == 0);
            (void)rc;
        }
        *role_slot(map, where) = i;
    }
}

/* Roles are numbered as they are used. Stacks of experts come last, because they may be read apart
 * from the rest. */
static void sort_by_use(struct weight_map *map, uint32_t shard_i)
{
    const struct gguf_tensor *sorted[W_LAYER_ROLES];
    struct weight_shard *shard = &map->shards[shard_i];
    const uint32_t n_roles = shard_i == map->hp.n_layers ? W_HEAD_ROLES : W_LAYER_ROLES;
    uint32_t n = 0;
    for (int is_stack = 0; is_stack < 2; is_stack++) {
        for (uint32_t role = 0; role < n_roles; role++) {
            const uint32_t i = *role_slot(map, (struct placement){shard_i, role});
            if (i == WEIGHT_ABSENT || is_expert_stack(shard->tensors[i]) != is_stack) continue;
            sorted[n++] = shard->tensors[i];
        }
        if (!is_stack) shard->n_trunk = n;
    }
    assert(n == shard->n_tensors); /* the directory has no name twice */
    memcpy(shard->tensors, sorted, n * sizeof(sorted[0]));
    find_roles(map, shard_i);
}

int weight_map_create(const struct gguf *gguf, struct weight_map **ret_map)
{
    struct weight_map *map = mem_calloc(MEM_HEADER, 1, sizeof(*map));
    if (!map) return NMOS_E_NOMEM;
    int rc = hparams_read(gguf, &map->hp);
    if (rc == 0) rc = allocate(map, gguf->n_tensors);
    if (rc == 0) rc = lay_out_shards(map, gguf);
    if (rc == 0) {
        for (uint32_t s = 0; s < map->n_shards; s++) {
            find_roles(map, s);
            sort_by_use(map, s);
        }
        rc = check_complete(map);
    }
    if (rc < 0) {
        weight_map_destroy(&map);
        return rc;
    }
    *ret_map = map;
    return 0;
}

void weight_map_destroy(struct weight_map **map)
{
    if (!map || !*map) return;
    mem_free((*map)->shards);
    mem_free((*map)->layer_tensor_i);
    mem_free((void *)(*map)->owned_tensors);
    mem_free(*map);
    *map = NULL;
}
