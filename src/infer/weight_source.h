/* SPDX-License-Identifier: MIT */
/*
 * From shards of bytes to matrices: what the forward pass acquires, layer by layer.
 *
 * The River (stream/) lends extents, the weight map says which tensor each is, and this file puts
 * the two together. Matrices that stay where they are computed are rearranged once for the kernels;
 * those that are streamed, or sent to a device, are used as they lie.
 */
#ifndef NMOS_INFER_WEIGHT_SOURCE_H
#define NMOS_INFER_WEIGHT_SOURCE_H

#include "backend/backend.h"
#include "model/weights.h"
#include "stream/stream.h"
#include "stream/tier.h"

struct weight_source;

/** A layer's tensors; data is NULL for those that it does not have, and for stacks of experts that
 * are not among the extents. */
struct layer_weights {
    struct tensor_view w[W_LAYER_ROLES];
};

struct head_weights {
    struct tensor_view w[W_HEAD_ROLES];
};

/** A model's weights as the River sees them: one shard for each layer and one for the head, one
 * extent a tensor. */
struct weight_extents {
    uint32_t n_shards;
    struct stream_shard *shards;   /* [n_shards] */
    uint32_t n_extents;            /* of all shards */
    struct stream_extent *extents; /* [n_extents] in shard order; all pinned at first */
    char (*names)[16];             /* [n_shards] "blk.7", "output" */
};

/** Lists the extents of @p map, with or without the stacks of experts; the caller frees them with
 * weight_extents_deinit(). */
int weight_extents_init(struct weight_extents *list, const struct weight_map *map,
                        int with_experts) NMOS_MUST_CHECK;
void weight_extents_deinit(struct weight_extents *list);

struct weight_source_config {
    struct backend *backend;
    struct backend *device; /* NULL: none */
    const uint8_t *places;  /* [n_shards] enum shard_place, copied; NULL: all at the host */
    const struct weight_map *map;
    struct file *const *files; /* [n_files] opened parts of the model */
    uint32_t n_files;
    struct ioq *ioq;                      /* NULL: the stream chooses */
    const struct weight_extents *extents; /* of map; copied */
    uint64_t ring_bytes;                  /* 0 when all extents are pinned */
    uint8_t starts_late;                  /* 1: nothing is read before the first layer is needed */
    const _Atomic int *cancel;            /* non-zero: acquires fail; NULL: never */
};

/** Starts reading; everything in @p config is borrowed until weight_source_close(). */
int weight_source_open(const struct weight_source_config *config,
                       struct weight_source **ret_source) NMOS_MUST_CHECK;
void weight_source_close(struct weight_source **source);

/** Pins no more than @p extents says, see stream_shrink(). Nothing may be acquired. */
int weight_source_shrink(struct weight_source *source, const struct weight_extents *extents,
                         uint64_t ring_bytes) NMOS_MUST_CHECK;

/** Before a pass: what an unfinished one left is given up. */
void weight_source_begin_pass(struct weight_source *source);

/** After a pass that was given up: the next one's first layer is read from now on. */
void weight_source_give_up_pass(struct weight_source *source);

/** Waits for a layer; its views are valid until weight_source_release(). */
int weight_source_acquire_layer(struct weight_source *source, uint32_t layer_i,
                                struct layer_weights *ret_layer) NMOS_MUST_CHECK;
/** Gives the tensors in roles [first, last] of an acquired layer back ahead of the others: the
 * River reads on into their memory. Their views are not valid any more. */
void weight_source_done_with(struct weight_source *source, uint32_t layer_i, enum layer_role first,
                             enum layer_role last);
/** A tensor of a layer without waiting. @return 1 when it is in memory to stay, else 0. */
int weight_source_peek(const struct weight_source *source, uint32_t layer_i, enum layer_role role,
                       struct tensor_view *ret_view);

/** Waits for the output head. */
int weight_source_acquire_head(struct weight_source *source,
                               struct head_weights *ret_head) NMOS_MUST_CHECK;
/** Gives shard @p shard_i (a layer, or n_layers for the head) back. */
void weight_source_release(struct weight_source *source, uint32_t shard_i);

/** Row @p token of the embedding table, dequantised: out[d_model] in host memory. Reads the file on
 * demand. */
int weight_source_embedding(struct weight_source *source, uint32_t token,
                            float *out) NMOS_MUST_CHECK;

/** A small F32 tensor, read whole into @p out [n]; for tables such as rope_freqs. */
int weight_source_read_vector(struct weight_source *source, const struct gguf_tensor *tensor,
                              float *out) NMOS_MUST_CHECK;

/** One expert of a stacked matrix. */
struct tensor_view tensor_view_expert(const struct tensor_view *stack, uint32_t expert_i);

/** Makes a waiting acquire look at config.cancel. From any thread. */
void weight_source_look(struct weight_source *source);

/** The stream underneath, for its statistics. */
struct stream *weight_source_stream(struct weight_source *source);

/** The tier above it, for its statistics; NULL when nothing is computed at a device. */
struct tier *weight_source_tier(struct weight_source *source);

#endif
