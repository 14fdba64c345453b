/* SPDX-License-Identifier: MIT */
/*
 * Where compute happens: the verbs that forward.c speaks.
 *
 * A backend owns memory and runs verbs on it in the order they are called. Pointers typed float *
 * or void * in verbs are memory of the backend: the caller does arithmetic on them and never
 * dereferences them; upload(), upload_async() and download() are the only doors. Matrices of
 * activations are f32, row-major, one row per batch row. Every verb obeys invariant I1: a row of
 * its result depends on that row of its input alone, never on the other rows or on the number of
 * threads. One caller at a time.
 *
 * A new backend fills struct backend_ops and embeds struct backend; src/backend/sim is the smallest
 * example. It has to say how much memory it has (usage), to carry asynchronous uploads beside its
 * computing and in order, and to give the CPU's results: to the bit where its arithmetic can, else
 * within a tolerance that its tests state. A device whose verbs only queue work lets download() and
 * fence_wait() tell what failed meanwhile. What it is not asked for: to know of layers, shards,
 * pages or budgets.
 *
 * Legend of shapes: n_rows rows of the batch; d_model width; n_in, n_out of a weight matrix;
 * n_heads, n_kv_heads, head_dim of attention.
 */
#ifndef NMOS_BACKEND_BACKEND_H
#define NMOS_BACKEND_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "kernel/attention_kv.h"
#include "quant/format.h"

struct backend; /* an instance; each implementation embeds struct backend first */

/** A weight matrix [n_out][n_in] somewhere in the backend's memory. */
struct tensor_view {
    const void *data; /* NULL: absent */
    enum tensor_type type;
    uint32_t n_in;
    uint32_t n_out;
    int is_packed; /* prepared by weights_prepare(); else as it lies in the file */
};

/** y = x Wᵀ + bias; one of several products of the same input. */
struct linear_job {
    struct tensor_view weight;
    const float *bias; /* [n_out] or NULL */
    float *out;        /* [n_rows][out_stride] */
    size_t out_stride; /* floats; at least n_out */
};

/** Geometry of one layer's attention and of its KV pages. */
struct attention_config {
    uint32_t n_heads;
    uint32_t n_kv_heads;
    uint32_t head_dim_k;
    uint32_t head_dim_v;
    enum kv_type kv_type;
    uint32_t page_tokens;
    float scale;
    float softcap;         /* 0: none */
    uint32_t window;       /* positions seen, itself included; 0: all */
    int in_parts;          /* attention() will be called with parts */
    uint32_t mass_columns; /* pages whose masses attention() adds up (kernel/attention.h); a
                              multiple of 16; 0: none. Not with parts */
};

/** How the keys and values of one layer lie in a page. */
static inline struct kv_layout attention_layout(const struct attention_config *config)
{
    return (struct kv_layout){.type = config->kv_type,
                              .n_kv_heads = config->n_kv_heads,
                              .head_dim_k = config->head_dim_k,
                              .head_dim_v = config->head_dim_v,
                              .page_tokens = config->page_tokens};
}

/** Positions [first, end) of an attention whose keys and values are not all there at one time. */
struct attention_part {
    uint32_t first, end; /* multiples of 64; the last part's end may be anything above */
    int is_first;
    int is_last; /* writes the result */
};

/** What one batch row needs to know of its session. */
struct kv_row {
    int32_t pos;        /* of the row's token */
    int32_t slot;       /* where its own key and value go */
    void *const *pages; /* the session's pages (whole pages, all layers); NULL: given up */
    int32_t n_prefix;   /* positions below lie in the slot of the same number ... */
    const int32_t
        *tail_slots; /* ... positions n_prefix..pos in these slots; [pos - n_prefix + 1] */
    float *mass;     /* host memory [n_kv_heads][mass_columns], or NULL with 0 columns */
};

/** What a backend's memory holds, and what has crossed its link since it was created. */
struct backend_usage {
    uint64_t limit_bytes; /* of its memory; UINT64_MAX: the host's memory, counted elsewhere */
    uint64_t used_bytes;
    uint64_t peak_bytes;
    uint64_t up_bytes;   /* from the host */
    uint64_t down_bytes; /* to the host */
    uint64_t up_busy_ns; /* time with at least one transfer from the host under way */
};

enum glu_kind { GLU_SILU, GLU_GELU_TANH };

struct backend_ops {
    const char *name;
    void (*destroy)(struct backend *b);

    /* Memory: 64-byte aligned, zero at first; NULL with the reason when there is not enough. */
    void *(*alloc)(struct backend *b, enum mem_tag tag, size_t bytes);
    void (*free)(struct backend *b, void *mem);
    void (*usage)(struct backend *b, struct backend_usage *ret_usage);
    /** Copies and returns when that is done. @return 0 or NMOS_E_IO. */
    int (*upload)(struct backend *b, void *to, const void *host, size_t bytes);
    int (*download)(struct backend *b, void *host, const void *from, size_t bytes);
    void (*copy)(struct backend *b, void *to, const void *from, size_t bytes);
    /**
     * Copies beside the verbs that follow, but after those called before. Transfers are carried out
     * in order; both memories are left alone until fence_wait() has told.
     * @return a fence: numbers that grow; 0 when it is done already.
     */
    uint64_t (*upload_async)(struct backend *b, void *to, const void *host, size_t bytes);
    /**
     * Waits for the transfer of @p fence and all before it.
     * @return 0; NMOS_E_BUSY when @p timeout_ms passed (0: only looks); NMOS_E_IO for the first of
     * them that failed, once, when all have ended.
     */
    int (*fence_wait)(struct backend *b, uint64_t fence, uint32_t timeout_ms);
    /** Gives up asynchronous uploads that have not ended, failures not told included, and returns
     * when none is under way; what they would have written is undefined. */
    void (*abandon)(struct backend *b);

    /**
     * Rearranges a matrix in place into the form the kernels read fastest; a later view sets
     * is_packed.
     * @return 1 when that was done, 0 when this type or size is used as it lies.
     */
    int (*weights_prepare)(struct backend *b, void *data, enum tensor_type type, uint32_t n_in,
                           uint32_t n_out);
    /** Scratch that linear() and attention() need for batches of up to @p n_rows rows: its size,
     * ... */
    size_t (*plan_bytes)(struct backend *b, uint32_t n_rows, uint32_t n_in_max,
                         const struct attention_config *attention);
    /** ... and its allocation; called once before them. @return 0 or NMOS_E_NOMEM. */
    int (*plan)(struct backend *b, uint32_t n_rows, uint32_t n_in_max,
                const struct attention_config *attention);

    /** out_j = x W_jᵀ + bias_j for all @p n_jobs; x is [n_rows][n_in]. */
    void (*linear)(struct backend *b, const float *x, uint32_t n_rows, uint32_t n_in,
                   const struct linear_job *jobs, uint32_t n_jobs);
    /** y[r][:] = x[r][:] / sqrt(mean(x[r]²) + eps) * w; strides in floats; y may be x.
     * arXiv:1910.07467. */
    void (*rms_norm)(struct backend *b, float *y, size_t y_stride, const float *x, size_t x_stride,
                     const float *w, uint32_t n_rows, uint32_t n, float eps);
    /** RMS norm of each head of x [n_rows][n_heads][head_dim], in place; w [head_dim]. */
    void (*head_norm)(struct backend *b, float *x, const float *w, uint32_t n_rows,
                      uint32_t n_heads, uint32_t head_dim, float eps);
    /**
     * Turns the first n_rot dimensions of each head of x [n_rows][n_heads][head_dim] by the row's
     * angles; cos_sin [n_rows][n_rot]: n_rot / 2 cosines, then as many sines.
     */
    void (*rope)(struct backend *b, float *x, const float *cos_sin, uint32_t n_rows,
                 uint32_t n_heads, uint32_t head_dim, uint32_t n_rot, int pairs_are_adjacent);
    /** Whether attention of this geometry can be computed: 0, or NMOS_E_UNSUPPORTED saying what
     * cannot. */
    int (*attention_check)(struct backend *b, const struct attention_config *config);
    /** Bytes of one layer inside a KV page. */
    size_t (*kv_layer_bytes)(struct backend *b, const struct attention_config *config);
    /** Writes each row's key and value heads into its slot; @p layer_offset is the layer's place in
     * a page. */
    void (*kv_store)(struct backend *b, const struct attention_config *config, size_t layer_offset,
                     const struct kv_row *rows, uint32_t n_rows, const float *k, const float *v);
    /** Copies one slot of a layer bit for bit; @p pages are the session's. */
    void (*kv_move)(struct backend *b, const struct attention_config *config, size_t layer_offset,
                    void *const *pages, uint32_t from_slot, uint32_t to_slot);
    /**
     * out[r][h] = softmax(scale q[r][h]·K) V over the row's own past, itself included.
     * arXiv:2205.14135.
     * @param part  NULL: all of it. Else that part, of rows of one session: parts follow each other
     * in ascending order, without a gap and nothing between them, and give the bits of one call.
     */
    void (*attention)(struct backend *b, const struct attention_config *config, size_t layer_offset,
                      const struct kv_row *rows, uint32_t n_rows, const float *q, float *out,
                      const struct attention_part *part);
    /** out[r][i] = act(gate[r][i]) * up[r][i]; gate and up have row strides, out is dense
     * [n_rows][n]. */
    void (*glu)(struct backend *b, enum glu_kind kind, float *out, const float *gate,
                const float *up, size_t stride, uint32_t n_rows, uint32_t n);
    /** x += y, n floats. */
    void (*add)(struct backend *b, float *x, const float *y, size_t n);
    /** x *= s, n floats. */
    void (*scale)(struct backend *b, float *x, float s, size_t n);
    /** x = cap * tanh(x / cap), n floats. */
    void (*softcap)(struct backend *b, float *x, float cap, size_t n);
    /** to[i] = from[row_i[i]] for rows of n floats; row_i is host memory. */
    void (*gather_rows)(struct backend *b, float *to, const float *from, const uint32_t *row_i,
                        uint32_t n_rows, uint32_t n);
    /** to[r][:] = sum over k of weight[r][k] * from[slot[r][k]][:], k in order; weights and slots
     * are host memory. */
    void (*weighted_rows)(struct backend *b, float *to, const float *from, const uint32_t *slot,
                          const float *weight, uint32_t n_rows, uint32_t n_used, uint32_t n);
    /** x[r][:] += sigmoid(g[r]) * y[r][:] for rows of n floats. */
    void (*add_gated)(struct backend *b, float *x, const float *y, const float *g, uint32_t n_rows,
                      uint32_t n);
    /** Softmax of each row in place. */
    void (*softmax)(struct backend *b, float *x, uint32_t n_rows, uint32_t n);
};

struct backend {
    const struct backend_ops *ops;
};

/** The CPU: @p n_threads threads, kernels of cpu_level_get(). @return 0, NMOS_E_INVALID or
 * NMOS_E_NOMEM. */
int cpu_backend_create(int n_threads, struct backend **ret_backend) NMOS_MUST_CHECK;

/** Frees the backend and nulls the pointer; NULL is a no-op. Memory it handed out must be freed
 * before. */
void backend_destroy(struct backend **backend);

#endif
