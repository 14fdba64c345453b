/* SPDX-License-Identifier: MIT */
/*
 * Hyper-parameters of a model, read from GGUF metadata, each checked against a range.
 *
 * Keys are those of ggml:docs/gguf.md, prefixed by the architecture's name.
 */
#ifndef NMOS_MODEL_HPARAMS_H
#define NMOS_MODEL_HPARAMS_H

#include <stdint.h>

#include "gguf/gguf.h"
#include "model/arch.h"

/* Limits: well above every published model, and low enough that products of two fit in 64 bits. */
#define MODEL_LAYERS_MAX       1024U
#define MODEL_DIM_MAX          (1U << 20)
#define MODEL_HEADS_MAX        4096U
#define MODEL_HEAD_DIM_MAX     1024U
#define MODEL_VOCAB_MAX        (1U << 22)
#define MODEL_CONTEXT_MAX      (1U << 24)
#define MODEL_EXPERTS_MAX      1024U
#define MODEL_EXPERTS_USED_MAX 64U

enum rope_scaling {
    ROPE_SCALING_NONE,
    ROPE_SCALING_LINEAR,
    ROPE_SCALING_YARN,
    ROPE_SCALING_LONGROPE
};

struct rope_params {
    float freq_base;
    float freq_base_local; /* of windowed layers (ARCH_LOCAL_ROPE) */
    uint32_t n_rot;        /* dimensions of a head that turn; even */
    enum rope_scaling scaling;
    float factor;          /* context extension factor, >= some small positive number */
    uint32_t original_ctx; /* context the model was trained on before extension */
    float attn_factor;     /* magnitude of cos and sin */
    float beta_fast;       /* yarn ramp, in rotations over original_ctx */
    float beta_slow;
};

struct hparams {
    const struct arch *arch;
    uint32_t n_layers;
    uint32_t n_vocab;
    uint32_t n_ctx_train;
    uint32_t d_model;
    uint32_t d_ff; /* dense feed-forward width; 0 when every layer has experts */
    uint32_t n_heads;
    uint32_t n_kv_heads;
    uint32_t head_dim_k;
    uint32_t head_dim_v;
    float norm_eps;
    float attn_scale;
    float attn_softcap;  /* 0: none */
    float logit_softcap; /* 0: none */
    uint32_t window;     /* positions a windowed layer sees; 0: none */
    uint32_t n_experts;  /* 0: dense */
    uint32_t n_experts_used;
    uint32_t d_ff_expert;
    uint32_t d_ff_shared; /* 0: no shared expert */
    struct rope_params rope;
};

/** Fills @p ret from metadata. @return 0, NMOS_E_UNSUPPORTED, NMOS_E_CORRUPT or NMOS_E_LIMIT naming
 * the key. */
int hparams_read(const struct gguf *gguf, struct hparams *ret) NMOS_MUST_CHECK;

/** True when layer @p layer_i attends to a sliding window only. */
static inline int hparams_layer_is_windowed(const struct hparams *hp, uint32_t layer_i)
{
    const uint32_t period = hp->arch->window_period;
    return hp->window && period && layer_i % period < period - 1;
}

#endif
