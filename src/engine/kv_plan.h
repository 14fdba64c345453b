/* SPDX-License-Identifier: MIT */
/* How large the pool of KV pages is, how much of it is in memory, and what more sessions hold. */
#ifndef NMOS_ENGINE_KV_PLAN_H
#define NMOS_ENGINE_KV_PLAN_H

#include <nmos/nmos.h>

#include "infer/forward.h"
#include "kv/page_scores.h"
#include "model/hparams.h"

struct kv_plan {
    uint32_t page_tokens; /* positions of a page */
    uint32_t n_pages;     /* of the pool */
    uint64_t more_bytes;  /* of all sessions but one beside it: tokens, logits, a sampler */
    /* Of kv_plan_memory(): */
    uint64_t ram_bytes;      /* memory for keys and values */
    uint64_t disk_bytes;     /* most that may go to disk; 0: all pages are in memory */
    uint64_t page_bytes;     /* of all layers */
    uint64_t layer_bytes;    /* of one */
    uint32_t n_frames;       /* pages that memory has room for, where others are on disk; else 0 */
    uint32_t n_slots;        /* layers of pages on their way from disk at one time */
    uint32_t n_held_max;     /* pages that a session may hold; 0: as many as it needs */
    uint32_t mass_columns;   /* that, rounded up to 16; 0 likewise */
    enum page_policy policy; /* which of them it gives up */
};

/** @p ctx: positions of a session. @return 0, or NMOS_E_INVALID when the options ask for a pool
 * that does not hold one session. */
int kv_plan_make(const struct hparams *hp, const struct nmos_model_options *options, uint32_t ctx,
                 struct kv_plan *ret_plan) NMOS_MUST_CHECK;

/**
 * Splits the memory that keys and values may have into whole pages and slots for those on disk, or
 * bounds what each session may hold.
 * @param config  of the pass; its kv_is_spilled, mass_columns and n_pages are filled in, and it
 * gets no more rows than there is memory for pages that are written to.
 * @param ret_sizes  of the pass; kv_bytes is what is in memory.
 * @return 0; NMOS_E_NOMEM when --kv-ram or --kv-cap is too small;
 * NMOS_E_UNSUPPORTED with a device, or for both together.
 */
int kv_plan_memory(struct kv_plan *plan, const struct nmos_model_options *options,
                   struct forward_config *config, struct forward_sizes *ret_sizes) NMOS_MUST_CHECK;

#endif
