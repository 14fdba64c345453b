/* SPDX-License-Identifier: MIT */
/*
 * From slots of bytes to experts: what a mixture of experts acquires when its experts do not all
 * fit in memory.
 *
 * The cache (stream/expert_cache.h) lends bytes, the weight map says which matrices they are.
 * An expert is used as it lies in the file at first, and rearranged for the kernels when it is used
 * again (docs/decisions/009-expert-cache.md). One thread.
 */
#ifndef NMOS_INFER_EXPERT_SOURCE_H
#define NMOS_INFER_EXPERT_SOURCE_H

#include "backend/backend.h"
#include "model/weights.h"
#include "stream/expert_cache.h"

struct expert_source;

/** The matrices of one expert. */
struct expert_weights {
    struct tensor_view gate;
    struct tensor_view up;
    struct tensor_view down;
};

struct expert_source_config {
    struct backend *backend;      /* borrowed */
    const struct weight_map *map; /* borrowed */
    struct file *const *files;    /* [n_files] opened parts of the model, borrowed */
    uint32_t n_files;
    struct ioq *ioq;    /* for this alone, borrowed */
    uint64_t bytes;     /* memory for slots */
    uint32_t n_intents; /* that are told apart; at most 31 */
};

/** Where the experts of each layer lie: [n_layers], the caller frees them with mem_free(). */
int expert_layers_create(const struct weight_map *map,
                         struct expert_layer **ret_layers) NMOS_MUST_CHECK;

/** Bytes of one expert of a layer, as in the file. */
uint64_t expert_layer_bytes(const struct expert_layer *layer);

/** Slots that each size of experts must have. */
uint32_t expert_slots_min(const struct hparams *hp);

/** @return as expert_cache_open(). */
int expert_source_open(const struct expert_source_config *config,
                       struct expert_source **ret_source) NMOS_MUST_CHECK;
void expert_source_close(struct expert_source **source);

/** Lends the next expert of the visit that was begun with expert_cache_begin(); as
 * expert_cache_next(). */
int expert_source_next(struct expert_source *source, const _Atomic int *cancel, uint32_t *ret_i,
                       struct expert_weights *ret_weights) NMOS_MUST_CHECK;

/** The cache underneath, for visits and statistics. */
struct expert_cache *expert_source_cache(struct expert_source *source);

#endif
