/* SPDX-License-Identifier: MIT */
/*
 * The table of architectures: what differs between model families, as data.
 *
 * All families share one recipe (pre-norm transformer with rotary positions and a gated
 * feed-forward network, dense or mixture of experts). A row of the table says where a family
 * departs from it; forward.c reads the row and never the family's name. To add a family: add a row,
 * and a golden model to the tests.
 */
#ifndef NMOS_MODEL_ARCH_H
#define NMOS_MODEL_ARCH_H

#include "base/error.h"
#include "base/str.h"

/** How rotary embedding pairs the dimensions of a head (RoFormer, arXiv:2104.09864). */
enum rope_pairs {
    ROPE_PAIRS_ADJACENT, /* (2i, 2i + 1) */
    ROPE_PAIRS_HALVES,   /* (i, i + n_rot / 2), as GPT-NeoX */
};

/** Gate non-linearity of the feed-forward network (GLU variants, arXiv:2002.05202). */
enum ffn_activation { FFN_SILU, FFN_GELU_TANH };

/** Departures from the common recipe. */
enum arch_flags {
    ARCH_FUSED_QKV = 1 << 0,     /* attn_qkv holds q, k, v rows one after another */
    ARCH_FUSED_GATE_UP = 1 << 1, /* ffn_up holds gate rows, then up rows */
    ARCH_QK_NORM = 1 << 2,       /* RMS norm of each query and key head before rope */
    ARCH_POST_NORMS = 1 << 3,    /* RMS norm of each block's output before the residual is added */
    ARCH_SCALED_EMBEDDING = 1 << 4, /* embeddings times sqrt(d_model) */
    ARCH_MOE_RENORM = 1 << 5,       /* weights of the chosen experts are scaled to sum 1 */
    ARCH_MOE_REQUIRED = 1 << 6,     /* layers have experts, never a dense feed-forward network */
    ARCH_SHARED_EXPERT = 1 << 7,    /* an expert that always runs, behind a sigmoid gate */
    ARCH_SOFTCAPS = 1 << 8,         /* attention scores and logits soft-capped */
    ARCH_LOCAL_ROPE = 1 << 9,       /* windowed layers have a rope base of their own, unscaled */
};

struct arch {
    const char *name; /* general.architecture */
    enum rope_pairs pairs;
    enum ffn_activation activation;
    unsigned flags; /* enum arch_flags */
    unsigned
        window_period; /* layers i with i % period < period - 1 see a sliding window; 0: none do */
    unsigned wide_scale_layers; /* with this many layers q is scaled by 1/sqrt(d_model / n_heads);
                                   0: never */
};

/** The row for @p name; NMOS_E_UNSUPPORTED naming it and listing the known ones. */
int arch_find(struct str name, const struct arch **ret_arch) NMOS_MUST_CHECK;

#endif
