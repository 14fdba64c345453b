/* SPDX-License-Identifier: MIT */
#include "engine/kv_plan.h"

#include <inttypes.h>

#include "infer/forward.h"

/* What a session and its generation hold for each token of the vocabulary (logits, and candidates
 * of the sampler), for each position (tokens, twice), and beside that (guesses, times of passes).
 */
#define VOCAB_BYTES    20U
#define POSITION_BYTES 8U
#define SESSION_BYTES  (128U << 10)

int kv_plan_make(const struct hparams *hp, const struct nmos_model_options *options, uint32_t ctx,
                 struct kv_plan *ret_plan)
{
    const uint64_t asked = options->kv_tokens;
    const uint32_t page_tokens =
        forward_page_tokens(hp, (enum kv_type)options->kv_type, ctx, options->sessions_max);
    const uint32_t n_session = (ctx + page_tokens - 1) / page_tokens;
    const uint64_t n_all = (uint64_t)n_session * options->sessions_max;
    if (asked && asked < ctx) {
        return FAIL(NMOS_E_INVALID,
                    "a pool of %" PRIu64 " positions for sessions of %u; it has to hold one", asked,
                    ctx);
    }
    const uint64_t n_asked = asked ? (asked - 1) / page_tokens + 1 : n_all;
    const uint64_t n_pages = n_asked < n_all ? n_asked : n_all;
    if (n_pages > UINT32_MAX) {
        return FAIL(NMOS_E_LIMIT, "%" PRIu64 " KV pages; %u are possible", n_pages, UINT32_MAX);
    }
    const uint64_t session_bytes =
        SESSION_BYTES + (uint64_t)hp->n_vocab * VOCAB_BYTES + (uint64_t)ctx * POSITION_BYTES;
    *ret_plan = (struct kv_plan){.page_tokens = page_tokens,
                                 .n_pages = (uint32_t)n_pages,
                                 .more_bytes = (options->sessions_max - 1) * session_bytes};
    return 0;
}
