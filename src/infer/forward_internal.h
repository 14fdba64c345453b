/* SPDX-License-Identifier: MIT */
/* What the files of the forward pass share: its buffers and how they are laid out. */
#ifndef NMOS_INFER_FORWARD_INTERNAL_H
#define NMOS_INFER_FORWARD_INTERNAL_H

#include "infer/forward.h"
#include "model/rope_table.h"

/** Logits are computed and delivered for this many rows at a time. */
#define FORWARD_LOGIT_ROWS 32U

/* Room in tail_slots: average depth of tree rows that a batch may have. */
#define FORWARD_TAIL_SLOTS_PER_ROW 32U

/** Widths of the activation matrices, in floats per row. */
struct forward_widths {
    uint32_t q;
    uint32_t k;
    uint32_t v;
    uint32_t attn_out; /* n_heads * head_dim_v */
    uint32_t ffn_pair; /* gate and up side by side */
    uint32_t ffn;
};

/*
 * A place where layers are computed: a backend, the activations there, and the KV of its layers.
 * The host's is the one that callers know; it owns the device's, which borrows its host memory. A
 * pass goes from one to the other and takes the residual stream along.
 */
struct forward {
    struct forward_config config;
    struct forward *device; /* of the host's place: the other one, or NULL */
    uint8_t *places;        /* [n_layers + 1] of the host's place; NULL: all at the host */
    const struct hparams *hp;
    struct backend *backend;
    struct forward_widths widths;
    struct attention_config attention; /* window set per layer */
    size_t kv_layer_bytes;
    size_t page_bytes;
    char *kv_memory;      /* backend: [n_pages][page_bytes] */
    uint32_t *kv_layer_i; /* [n_layers] number of a layer among those computed here */
    struct rope_freqs rope_global;
    struct rope_freqs rope_local;

    /* Backend memory, [n_rows_max] rows each. */
    float *x;              /* [d_model] residual stream */
    float *normed;         /* [d_model] */
    float *q;              /* [n_heads * head_dim_k] */
    float *k;              /* [n_kv_heads * head_dim_k] */
    float *v;              /* [n_kv_heads * head_dim_v] */
    float *attn_out;       /* [attn_out] */
    float *ffn_pair;       /* [ffn_pair] */
    float *ffn;            /* [ffn] */
    float *delta;          /* [d_model] what a block adds to x */
    float *cos_sin_global; /* [n_rot] */
    float *cos_sin_local;
    float *logits; /* [FORWARD_LOGIT_ROWS][n_vocab] */

    /* Mixture of experts: backend memory, [n_rows_max * n_experts_used] rows. */
    float *router;      /* [n_rows_max][n_experts] */
    float *shared_gate; /* [n_rows_max] */
    float *moe_in;      /* [d_model] rows gathered by expert */
    float *moe_out;     /* [d_model] the experts' answers, same order */

    /* Host memory; the device's place has its own kv_rows and borrows the others that it needs. */
    float *staging;         /* embeddings, angles and router probabilities on their way */
    struct kv_row *kv_rows; /* [n_rows_max] */
    int32_t *tail_slots;    /* [n_rows_max * FORWARD_TAIL_SLOTS_PER_ROW] */
    float *host_logits;     /* [n_vocab] */
    uint32_t *seq_fill;     /* [n_seqs_max] rows seen of each session */
    uint32_t *wanted;       /* [n_rows_max] rows that want logits */
    uint32_t *expert_of;    /* [n_rows_max * n_used] chosen experts, in the router's order */
    float *expert_weight;   /* [n_rows_max * n_used] */
    uint32_t *expert_start; /* [n_experts + 1] offsets into moe_in */
    uint32_t *moe_source;   /* [n_rows_max * n_used] batch row behind each moe_in row */
    uint32_t *moe_slot;     /* [n_rows_max * n_used] moe_out row of each (row, k) */
    uint32_t *moe_wanted;   /* [n_experts] experts that rows of the pass use */
    uint32_t *moe_rows;     /* [n_experts] by how many rows, same order */
    uint32_t *moe_guess;    /* [n_experts] experts that the next layer may want */
    float *masses;          /* [n_rows_max][n_kv_heads][mass_columns] of pages, over the layers */
};

/** How far reading ahead has come: the next part on disk is not before this. */
struct spilled_walk {
    uint32_t layer_i;
    uint32_t row; /* the first of a session's */
    uint32_t page;
};

/** Rows of the pass still being computed, and how many. */
struct pass {
    struct forward *f;
    const struct batch *batch;
    uint32_t n_rows;
    struct spilled_walk walk;
    const _Atomic int *cancel; /* NULL, or ends the pass */
};

/**
 * Works out positions, KV slots and page addresses of all rows.
 * @return 0, NMOS_E_INVALID for tokens or parents that cannot be, NMOS_E_LIMIT for trees that are
 * too deep.
 */
int batch_layout(struct forward *f, const struct batch *batch) NMOS_MUST_CHECK;

/** delta = mixture of experts of normed, for the rows of the pass. @return 0, or why experts cannot
 * be read. */
int moe_forward(struct pass *p, const struct layer_weights *layer,
                uint32_t layer_i) NMOS_MUST_CHECK;

/** Picks the n_used most probable experts of one row, best first; the lower number wins ties.
 * @p probs may be logits as well. */
void moe_choose_experts(const float *probs, uint32_t n_experts, uint32_t n_used,
                        uint32_t *ret_experts);

/** Tells the cache of experts what the layer behind @p layer_i will probably want; changes delta
 * and router. */
int expert_guess_next(struct pass *p, uint32_t layer_i) NMOS_MUST_CHECK;

#endif
