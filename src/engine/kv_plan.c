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

/* Of the memory for keys and values, where it does not hold all: pages are small enough that it
 * holds so many, and this part, at most so much, is for reading ahead. */
#define PAGES_GOOD      16U
#define STAGE_PART      8U
#define STAGE_BYTES_MAX (32U << 20)
#define SLOTS_MIN       4U
#define SLOTS_MAX       32U

int kv_plan_make(const struct hparams *hp, const struct nmos_model_options *options, uint32_t ctx,
                 struct kv_plan *ret_plan)
{
    const uint64_t asked = options->kv_tokens;
    const uint32_t n_full = options->sessions_max - options->sessions_aside;
    const uint64_t bound = options->kv_cap_bytes ? options->kv_cap_bytes : options->kv_ram_bytes;
    const uint32_t page_tokens =
        forward_page_tokens(hp, (enum kv_type)options->kv_type, ctx, n_full, bound / PAGES_GOOD);
    const uint32_t n_session = (ctx + page_tokens - 1) / page_tokens;
    const uint64_t n_all = (uint64_t)n_session * n_full;
    if (asked && asked < ctx) {
        return FAIL(NMOS_E_INVALID,
                    "a pool of %" PRIu64 " positions for sessions of %u; it has to hold one", asked,
                    ctx);
    }
    const uint64_t n_asked = asked ? (asked - 1) / page_tokens + 1 : n_all;
    const uint64_t n_pages = (n_asked < n_all ? n_asked : n_all) + options->sessions_aside;
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

/* How many slots for reading, and pages beside them. */
static void split_memory(struct kv_plan *plan, uint64_t ram_bytes)
{
    const uint64_t stage_bytes =
        ram_bytes / STAGE_PART < STAGE_BYTES_MAX ? ram_bytes / STAGE_PART : STAGE_BYTES_MAX;
    uint64_t n_slots = stage_bytes / plan->layer_bytes;
    if (n_slots > SLOTS_MAX) n_slots = SLOTS_MAX;
    if (n_slots < SLOTS_MIN) n_slots = SLOTS_MIN;
    const uint64_t slots_bytes = n_slots * plan->layer_bytes;
    const uint64_t n_frames =
        ram_bytes > slots_bytes ? (ram_bytes - slots_bytes) / plan->page_bytes : 0;
    plan->n_slots = (uint32_t)n_slots;
    plan->n_frames = n_frames < plan->n_pages ? (uint32_t)n_frames : plan->n_pages;
    plan->ram_bytes = plan->n_frames * plan->page_bytes + slots_bytes;
    plan->disk_bytes = plan->n_pages * plan->page_bytes;
}

/*
 * Passes have no more rows than there are pages to write them to, wherever in a page each session
 * goes on: the first two rows of a session may need a page each, and so does every page_tokens-th
 * behind them. One page is pinned by nobody, and one by whoever keeps or restores another session
 * meanwhile.
 */
static int limit_rows(const struct kv_plan *plan, uint64_t ram_bytes, struct forward_config *config)
{
    const uint64_t n_others = 1 + (config->n_seqs_max > 1);
    if (plan->n_frames <= n_others) {
        const uint64_t slots_bytes = plan->n_slots * plan->layer_bytes;
        return FAIL(NMOS_E_NOMEM,
                    "--kv-ram %" PRIu64 " bytes is too little: %u pages of %" PRIu64
                    " bytes fit beside %" PRIu64 " bytes for reading; at least %" PRIu64
                    " pages are needed, %" PRIu64 " bytes in all",
                    ram_bytes, plan->n_frames, plan->page_bytes, slots_bytes, n_others + 1,
                    slots_bytes + (n_others + 1) * plan->page_bytes);
    }
    const uint64_t n_frames = plan->n_frames - n_others;
    const uint64_t n_firsts = 2 * (uint64_t)config->n_seqs_max;
    const uint64_t n_rows = n_frames < n_firsts
                                ? n_frames
                                : n_firsts + (n_frames - n_firsts + 1) * config->page_tokens - 1;
    if (n_rows < config->n_rows_max) config->n_rows_max = (uint32_t)n_rows;
    return 0;
}

/* Bounds what each session may hold, unless that is all that it can need. */
static int cap_sessions(struct kv_plan *plan, const struct nmos_model_options *options,
                        struct forward_config *config, struct forward_sizes *sizes)
{
    const uint64_t n_held = options->kv_cap_bytes / sizes->page_bytes;
    if (n_held * config->page_tokens >= config->ctx) return 0;
    if (config->device || options->kv_ram_bytes) {
        return FAIL(NMOS_E_UNSUPPORTED, "--kv-cap with %s",
                    config->device ? "--device: keys and values at a device are not given up"
                                   : "--kv-ram: either what does not fit is given up, or it goes "
                                     "to disk");
    }
    if (n_held < page_scores_n_least()) {
        return FAIL(NMOS_E_NOMEM,
                    "--kv-cap %" PRIu64 " bytes is too little: it holds %" PRIu64
                    " pages of %u positions, %" PRIu64
                    " bytes each; the first, the latest and one to give up are %u, %" PRIu64
                    " bytes",
                    options->kv_cap_bytes, n_held, config->page_tokens, sizes->page_bytes,
                    page_scores_n_least(), page_scores_n_least() * sizes->page_bytes);
    }
    const uint64_t n_pages =
        n_held * (options->sessions_max - options->sessions_aside) + options->sessions_aside;
    if (n_pages < plan->n_pages) plan->n_pages = (uint32_t)n_pages;
    plan->n_held_max = (uint32_t)n_held;
    plan->mass_columns = ((uint32_t)n_held + 15) / 16 * 16;
    plan->policy = options->kv_evict == NMOS_EVICT_WINDOW ? PAGE_OLDEST : PAGE_UNEARNED;
    const uint64_t n_scores =
        plan->n_pages + options->sessions_max * (config->n_rows_max + (uint64_t)2);
    plan->more_bytes += n_scores * plan->mass_columns * sizeof(float);
    config->n_pages = plan->n_pages;
    config->mass_columns = plan->mass_columns;
    forward_plan(config, sizes);
    return 0;
}

int kv_plan_memory(struct kv_plan *plan, const struct nmos_model_options *options,
                   struct forward_config *config, struct forward_sizes *ret_sizes)
{
    const uint64_t ram_bytes = options->kv_ram_bytes;
    forward_plan(config, ret_sizes);
    if (options->kv_cap_bytes) TRY(cap_sessions(plan, options, config, ret_sizes));
    plan->ram_bytes = ret_sizes->kv_bytes;
    if (ram_bytes == 0 || ram_bytes >= ret_sizes->kv_bytes) return 0;
    if (config->device) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "--kv-ram with --device: keys and values at a device stay there");
    }
    config->kv_is_spilled = 1;
    forward_plan(config, ret_sizes);
    plan->page_bytes = ret_sizes->page_bytes;
    plan->layer_bytes = ret_sizes->layer_bytes;
    split_memory(plan, ram_bytes);
    TRY(limit_rows(plan, ram_bytes, config));
    forward_plan(config, ret_sizes);
    ret_sizes->kv_bytes = plan->ram_bytes;
    return 0;
}
