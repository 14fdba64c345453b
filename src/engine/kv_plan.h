/* SPDX-License-Identifier: MIT */
/* How large the pool of KV pages is, and what more sessions hold. */
#ifndef NMOS_ENGINE_KV_PLAN_H
#define NMOS_ENGINE_KV_PLAN_H

#include <nmos/nmos.h>

#include "model/hparams.h"

struct kv_plan {
    uint32_t page_tokens; /* positions of a page */
    uint32_t n_pages;     /* of the pool */
    uint64_t more_bytes;  /* of all sessions but one beside it: tokens, logits, a sampler */
};

/** @p ctx: positions of a session. @return 0, or NMOS_E_INVALID when the options ask for a pool
 * that does not hold one session. */
int kv_plan_make(const struct hparams *hp, const struct nmos_model_options *options, uint32_t ctx,
                 struct kv_plan *ret_plan) NMOS_MUST_CHECK;

#endif
