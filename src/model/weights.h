/* SPDX-License-Identifier: MIT */
/*
 * The weight map: which tensor of the file plays which role in which layer, with its shape checked.
 *
 * A shard is what the River moves and the forward pass holds at one time: the tensors of one layer,
 * or the output head. Shards 0..n_layers-1 are the layers, shard n_layers is the head. A tied
 * model's head is its token embedding. The map borrows the GGUF directory; it is immutable and may
 * be shared between threads.
 */
#ifndef NMOS_MODEL_WEIGHTS_H
#define NMOS_MODEL_WEIGHTS_H

#include "gguf/gguf.h"
#include "model/hparams.h"

/** Roles of tensors inside a layer, in the order in which a pass uses them. */
enum layer_role {
    W_ATTN_NORM,
    W_ATTN_Q,
    W_ATTN_K,
    W_ATTN_V,
    W_ATTN_QKV,
    W_ATTN_Q_BIAS,
    W_ATTN_K_BIAS,
    W_ATTN_V_BIAS,
    W_ATTN_QKV_BIAS,
    W_ATTN_Q_NORM,
    W_ATTN_K_NORM,
    W_ATTN_OUT,
    W_ATTN_OUT_BIAS,
    W_ATTN_POST_NORM,
    W_FFN_NORM,
    W_FFN_GATE,
    W_FFN_UP,
    W_FFN_DOWN,
    W_FFN_GATE_BIAS,
    W_FFN_UP_BIAS,
    W_FFN_DOWN_BIAS,
    W_FFN_POST_NORM,
    W_MOE_ROUTER,
    W_MOE_GATE,
    W_MOE_UP,
    W_MOE_DOWN,
    W_SHARED_ROUTER,
    W_SHARED_GATE,
    W_SHARED_UP,
    W_SHARED_DOWN,
    W_LAYER_ROLES,
};

/** Roles of tensors of the output head. */
enum head_role { W_HEAD_NORM, W_HEAD_OUT, W_HEAD_ROLES };

#define WEIGHT_ABSENT UINT32_MAX

/** One shard: its tensors in the order of their roles, stacks of experts behind the others. */
struct weight_shard {
    uint32_t n_tensors;
    uint32_t n_trunk; /* the first of them, which every row uses; stacks of experts follow */
    const struct gguf_tensor **tensors; /* [n_tensors] */
};

struct weight_map {
    struct hparams hp;
    uint32_t n_shards;           /* n_layers + 1 */
    struct weight_shard *shards; /* [n_shards] */
    /* [n_layers][W_LAYER_ROLES]: index into the shard's tensors, or WEIGHT_ABSENT */
    uint32_t (*layer_tensor_i)[W_LAYER_ROLES];
    uint32_t head_tensor_i[W_HEAD_ROLES];
    const struct gguf_tensor *token_embd; /* rows are read on demand */
    const struct gguf_tensor
        *rope_freqs; /* NULL or [n_rot / 2] F32 divisors of the rope frequencies */
    const struct gguf_tensor
        *rope_long; /* longrope: the same for contexts above original_ctx ... */
    const struct gguf_tensor *rope_short; /* ... and up to it */
    const struct gguf_tensor **owned_tensors;
};

/**
 * Maps the tensors of @p gguf, which must outlive the map.
 * @return 0; NMOS_E_CORRUPT naming the tensor that is missing, has another shape than the
 * architecture demands or a type that cannot be used there; NMOS_E_UNSUPPORTED for a tensor that
 * the architecture does not know (it would silently be ignored); errors of hparams_read().
 */
int weight_map_create(const struct gguf *gguf, struct weight_map **ret_map) NMOS_MUST_CHECK;

/** Frees the map and nulls the pointer; NULL is a no-op. */
void weight_map_destroy(struct weight_map **map);

#endif
