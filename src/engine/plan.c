/* SPDX-License-Identifier: MIT */
/*
 * nmos_plan_create(): what a model would get and how fast it would be, from its header alone.
 *
 * The same arithmetic as nmos_model_open() (engine/budget.h), with bandwidths measured here or
 * taken from a file.
 *
 *   seconds per pass = max(streamed bytes / disk,
 *                          pinned bytes / kernels on pinned weights + streamed bytes / on streamed
 *                              + products * what each takes beside its bytes,
 *                          multiply-adds / kernels on many rows)
 *
 * Experts that a cache lacks are only known when their layer's router has chosen. They are read
 * beside the computing of those that are there, and waited for beyond that.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "engine/expert_memory.h"
#include "engine/hardware.h"
#include "engine/kv_plan.h"
#include "engine/learned_file.h"
#include "engine/measure.h"
#include "engine/model.h"
#include "engine/weight_plan.h"
#include "kernel/kernel.h"

#define ROWS_N_MAX  4096.0
#define CTX_DEFAULT 4096U
/* One row is bound by memory where the kernels keep up with it so far. */
#define NEAR_MEMORY 1.4

#define P_MISSING_MAX 0.999 /* of an expert: below 1, as chances are divided by the rest */

/* Everything that the arithmetic needs; freed as one. */
struct planner {
    struct gguf *gguf;
    struct weight_map *map;
    struct nmos_vocab *vocab;
    struct file *file;
    struct backend *backend;
    struct tiers tiers;
    struct forward_sizes sizes;
    struct weight_plan weights;
    struct hardware hw;
    uint64_t held_bytes;
    int is_draft;
    struct expert_habits habits; /* of experts, learned; heat NULL: none */
};

static void planner_deinit(struct planner *p)
{
    weight_plan_deinit(&p->weights);
    mem_free(p->habits.heat);
    tiers_close(&p->tiers);
    backend_destroy(&p->backend);
    file_close(&p->file);
    nmos_vocab_close(&p->vocab);
    weight_map_destroy(&p->map);
    gguf_close(&p->gguf);
}

static uint32_t n_threads_of(const struct nmos_model_options *options)
{
    return options->n_threads ? options->n_threads : (uint32_t)cpu_physical_cores();
}

/* The type of most of the weights that a pass touches. */
static enum tensor_type main_type(const struct weight_map *map)
{
    uint64_t n_bytes[TENSOR_TYPE_COUNT] = {0};
    enum tensor_type most = TENSOR_F32;
    for (uint32_t s = 0; s < map->n_shards; s++) {
        for (uint32_t i = 0; i < map->shards[s].n_tensors; i++) {
            const struct gguf_tensor *t = map->shards[s].tensors[i];
            n_bytes[t->type] += t->n_bytes;
            if (n_bytes[t->type] > n_bytes[most]) most = t->type;
        }
    }
    return most;
}

static int measure(struct planner *p, const struct nmos_model_options *options,
                   const struct nmos_plan_options *how)
{
    const struct measure_config config = {.file = p->file,
                                          .type = main_type(p->map),
                                          .n_threads = n_threads_of(options),
                                          .cache = how->replan ? MEASURE_ANEW : MEASURE_KEPT,
                                          .on_progress = how->on_progress,
                                          .arg = how->arg};
    p->hw.ram_bytes = hardware_safe_ram();
    return measure_hardware(&config, &p->hw);
}

static int open_parts(struct planner *p, const struct nmos_model_options *options,
                      const struct nmos_plan_options *how)
{
    if (!options->path) return FAIL(NMOS_E_INVALID, "no model file was named");
    TRY(gguf_open_header(options->path, &p->gguf));
    TRY(weight_map_create(p->gguf, &p->map));
    if (p->map->hp.n_experts && expert_memory_load(learned_fingerprint(p->gguf), &p->map->hp, NULL,
                                                   &p->habits) == NMOS_E_NOMEM) {
        return NMOS_E_NOMEM;
    }
    TRY(nmos_vocab_create(p->gguf, &p->vocab));
    TRY(file_open(p->gguf->paths[0], &p->file));
    kernel_init();
    TRY(cpu_backend_create((int)n_threads_of(options), &p->backend));
    const struct tiers_config tiers = {.device = options->device,
                                       .vram_bytes = options->vram_bytes,
                                       .has_experts = p->map->hp.n_experts > 0,
                                       .measures_anew = how->replan};
    TRY(tiers_open(&p->tiers, &tiers, p->backend));
    p->held_bytes = hardware_held_bytes(); /* as when the model is opened: nothing measured yet */
    return how->hw_path ? hardware_read(how->hw_path, &p->hw) : measure(p, options, how);
}

static int plan_state(struct planner *p, const struct nmos_model_options *options,
                      struct nmos_plan *plan)
{
    const struct hparams *hp = &p->map->hp;
    if (options->ctx > hp->n_ctx_train && !p->is_draft) {
        return FAIL(NMOS_E_INVALID,
                    "a context of %u positions; the model was trained for %u (--ctx)", options->ctx,
                    hp->n_ctx_train);
    }
    uint32_t ctx = options->ctx;
    if (ctx > hp->n_ctx_train) ctx = hp->n_ctx_train; /* a draft guesses as far as it can */
    if (!ctx) ctx = hp->n_ctx_train < CTX_DEFAULT ? hp->n_ctx_train : CTX_DEFAULT;
    const enum kv_type kv_type = (enum kv_type)options->kv_type;
    struct kv_plan kv;
    TRY(kv_plan_make(hp, options, ctx, &kv));
    struct forward_config config = {
        .backend = p->backend,
        .device = p->tiers.device,
        .hp = hp,
        .map = p->map,
        .kv_type = kv_type,
        .ctx = ctx,
        .n_rows_max = options->rows_max < ctx ? options->rows_max : ctx,
        .n_seqs_max = options->sessions_max,
        .page_tokens = kv.page_tokens,
        .n_pages = kv.n_pages,
    };
    TRY(kv_plan_memory(&kv, options, &config, &p->sizes));
    plan->kv_disk_bytes = kv.disk_bytes;
    p->sizes.scratch_bytes += kv.more_bytes;
    plan->ctx = ctx;
    plan->kv_bytes = p->sizes.kv_bytes;
    plan->scratch_bytes = p->sizes.scratch_bytes;
    return 0;
}

/* Bytes and multiply-adds of one row; of a stack of experts it uses a share. */
static void touch(const struct weight_map *map, double *ret_bytes, double *ret_macs)
{
    const struct hparams *hp = &map->hp;
    *ret_bytes = 0;
    *ret_macs = 0;
    for (uint32_t s = 0; s < map->n_shards; s++) {
        for (uint32_t i = 0; i < map->shards[s].n_tensors; i++) {
            const struct gguf_tensor *t = map->shards[s].tensors[i];
            const int is_stack = t->n_dims == 3 && hp->n_experts > 0;
            const double used = is_stack ? (double)hp->n_experts_used / hp->n_experts : 1.0;
            *ret_bytes += used * (double)t->n_bytes;
            *ret_macs += used * (double)t->dims[0] * (double)t->dims[1] * (double)t->dims[2];
        }
    }
}

/* Calls of the backend's product in a pass of one row: those of one input are one. */
static double n_products(const struct hparams *hp)
{
    const double of_experts = 2.0 * hp->n_experts_used;       /* gate with up, down */
    const double of_ffn = hp->n_experts ? 1 + of_experts : 2; /* the router's too */
    const double of_shared = hp->d_ff_shared ? 3 : 0;         /* its gate, gate with up, down */
    const double of_layer = 2 + of_ffn + of_shared;           /* q with k and v, output */
    return hp->n_layers * of_layer + 1;                       /* the head */
}

/* Waiting in one layer, @p n_used experts of which are used and each is missing with probability
 * @p p_missing: the mean over how many are. All but one are computed while the last is read. */
static double wait_in_layer(uint32_t n_used, double p_missing, double read_s, double compute_s)
{
    double wait_s = 0;
    double p = pow(1 - p_missing, n_used); /* that none is missing; then one, two, ... */
    for (uint32_t n = 1; n <= n_used; n++) {
        p *= p_missing / (1 - p_missing) * (n_used - n + 1) / n;
        const double longer_s = n * read_s - (n_used - 1) * compute_s;
        if (longer_s > 0) wait_s += p * longer_s;
    }
    return wait_s;
}

/* Waiting for experts that the cache lacks, in a pass of one row. */
static double wait_for_experts(const struct planner *p)
{
    const struct hparams *hp = &p->map->hp;
    double used_bytes = 0;
    double wait_s = 0;
    for (uint32_t l = 0; p->weights.experts && l < hp->n_layers; l++) {
        used_bytes += hp->n_experts_used * (double)expert_layer_bytes(&p->weights.experts[l]);
    }
    const double p_missing =
        fmin((double)p->weights.experts_read.bytes / used_bytes, P_MISSING_MAX);
    for (uint32_t l = 0; p->weights.experts && l < hp->n_layers; l++) {
        const double n_bytes = (double)expert_layer_bytes(&p->weights.experts[l]);
        const double read_s = n_bytes / p->hw.disk_bytes_per_s;
        const double compute_s = n_bytes / p->hw.pinned_bytes_per_s + 2 * p->hw.product_s;
        wait_s += wait_in_layer(hp->n_experts_used, p_missing, read_s, compute_s);
    }
    return wait_s;
}

static void predict(const struct planner *p, const struct nmos_plan_options *how,
                    struct nmos_plan *plan)
{
    double row_bytes = 0;
    double row_macs = 0;
    touch(p->map, &row_bytes, &row_macs);
    const double disk_s = (double)plan->streamed_bytes / p->hw.disk_bytes_per_s;
    const double streamed = (double)plan->streamed_bytes / (double)plan->touched_bytes;
    const double memory_s = row_bytes / p->hw.memory_bytes_per_s;
    const double row_s = row_bytes * (streamed / p->hw.streamed_bytes_per_s +
                                      (1 - streamed) / p->hw.pinned_bytes_per_s) +
                         n_products(&p->map->hp) * p->hw.product_s;
    const double math_s = row_macs / p->hw.macs_per_s;
    const double compute_s = row_s > math_s ? row_s : math_s;
    const double rows = disk_s * p->hw.macs_per_s / row_macs;
    plan->pass_s = compute_s + wait_for_experts(p);
    if (plan->pass_s < disk_s) plan->pass_s = disk_s;
    plan->tok_s = 1 / plan->pass_s;
    plan->binding = disk_s > compute_s                    ? "disk"
                    : compute_s <= NEAR_MEMORY * memory_s ? "memory"
                                                          : "compute";
    plan->rows_n = rows < 1 ? 1 : rows > ROWS_N_MAX ? (uint32_t)ROWS_N_MAX : (uint32_t)rows;
    plan->disk_bytes_per_s = p->hw.disk_bytes_per_s;
    plan->memory_bytes_per_s = p->hw.memory_bytes_per_s;
    plan->pinned_bytes_per_s = p->hw.pinned_bytes_per_s;
    plan->streamed_bytes_per_s = p->hw.streamed_bytes_per_s;
    plan->product_s = p->hw.product_s;
    plan->macs_per_s = p->hw.macs_per_s;
    plan->disk_s = disk_s;
    plan->compute_s = compute_s;
    plan->is_measured_now = !how->hw_path && !p->hw.is_from_cache;
}

/* The experts of one layer, and its part of the cache. */
static void list_experts(const struct planner *p, uint32_t layer_i, struct nmos_plan_shard *ret)
{
    const struct expert_layer *layer = &p->weights.experts[layer_i];
    const struct expert_classes *slots = &p->weights.slots;
    const struct expert_class *class = &slots->of[expert_class_of(slots, layer, STREAM_ALIGN_MIN)];
    snprintf(ret->name, sizeof(ret->name), "blk.%u.exps", layer_i);
    ret->n_bytes = expert_layer_bytes(layer) * p->map->hp.n_experts;
    ret->pinned_bytes = expert_layer_bytes(layer) * class->n_slots / class->n_layers;
}

static int list_shards(const struct planner *p, struct nmos_plan *plan)
{
    const struct weight_extents *extents = &p->weights.extents;
    const uint32_t n_cached = p->weights.experts ? p->map->hp.n_layers : 0;
    plan->shards = mem_calloc(MEM_GENERAL, extents->n_shards + n_cached, sizeof(*plan->shards));
    if (!plan->shards) return NMOS_E_NOMEM;
    plan->n_shards = extents->n_shards;
    for (uint32_t s = 0; s < plan->n_shards; s++) {
        struct nmos_plan_shard *shard = &plan->shards[s];
        memcpy(shard->name, extents->names[s], sizeof(extents->names[s]));
        for (uint32_t e = 0; e < extents->shards[s].n_extents; e++) {
            const struct stream_extent *extent = &extents->shards[s].extents[e];
            shard->n_bytes += extent->bytes;
            if (extent->pinned) shard->pinned_bytes += extent->bytes;
        }
        shard->is_at_device = p->tiers.places && p->tiers.places[s] != SHARD_HOST;
        shard->is_sent = p->tiers.places && p->tiers.places[s] == SHARD_SENT;
    }
    for (uint32_t l = 0; l < n_cached; l++) list_experts(p, l, &plan->shards[plan->n_shards++]);
    return 0;
}

static int create(const struct nmos_model_options *options, const struct nmos_plan_options *how,
                  int is_draft, struct nmos_plan **ret_plan);

/* What the draft takes of the bound: it stays in memory whole. */
static int plan_draft(const struct nmos_model_options *options, const struct nmos_plan_options *how,
                      struct nmos_plan *plan)
{
    struct nmos_model_options draft_options = *options;
    struct nmos_plan_options draft_how = *how;
    struct nmos_plan *draft = NULL;
    draft_options.path = options->draft_path;
    draft_options.draft_path = NULL;
    draft_options.device = NULL;
    draft_options.vram_bytes = 0;
    draft_options.kv_ram_bytes = 0;
    draft_options.kv_cap_bytes = 0;
    draft_options.ctx = plan->ctx;
    draft_options.rows_max = MODEL_DRAFT_ROWS_MAX;
    draft_how.replan = 0;
    TRY(create(&draft_options, &draft_how, 1, &draft));
    plan->draft_bytes = draft->pinned_bytes + draft->kv_bytes + draft->scratch_bytes;
    const uint64_t streamed_bytes = draft->streamed_bytes;
    nmos_plan_destroy(&draft);
    return streamed_bytes ? model_draft_too_large(options, streamed_bytes, plan->budget_bytes) : 0;
}

/* What of the model is at the device, and what it makes of the prediction. */
static void describe_device(const struct planner *p, struct nmos_plan *plan)
{
    const struct tier_placement *at = &p->tiers.placement;
    const struct tiers_rates rates = {.disk_bytes_per_s = p->hw.disk_bytes_per_s,
                                      .pinned_bytes_per_s = p->hw.pinned_bytes_per_s,
                                      .streamed_bytes_per_s = p->hw.streamed_bytes_per_s};
    plan->vram_budget_bytes = p->tiers.vram_bytes;
    memcpy(plan->gpu, p->tiers.name, sizeof(plan->gpu));
    if (!at->device_used_bytes) return;
    plan->kv_bytes -= at->host_state_bytes;
    plan->vram_kv_bytes = at->host_state_bytes;
    plan->vram_pinned_bytes = at->device_pinned_bytes;
    plan->vram_ring_bytes = TIER_SLOTS * at->device_slot_bytes;
    plan->vram_scratch_bytes = at->device_used_bytes - plan->vram_kv_bytes -
                               plan->vram_pinned_bytes - plan->vram_ring_bytes;
    plan->link_bytes = at->link_bytes;
    plan->link_bytes_per_s = isinf(tiers_link_rate(&p->tiers)) ? 0 : tiers_link_rate(&p->tiers);
    tiers_predict(&p->tiers, &p->weights.extents, &rates, plan);
}

/* What the bytes that a pass reads are known from, and how well. */
static void describe_experts(const struct weight_plan *weights, struct nmos_plan *plan)
{
    const struct expert_forecast *experts = &weights->experts_read;
    const uint64_t trunk_bytes = weights->placement.streamed_bytes;
    plan->streamed_low_bytes = plan->streamed_bytes;
    plan->streamed_high_bytes = plan->streamed_bytes;
    if (!plan->expert_bytes) return;
    plan->streamed_low_bytes = trunk_bytes + experts->low_bytes;
    plan->streamed_high_bytes = trunk_bytes + experts->high_bytes;
    plan->experts_are_learned = experts->is_learned;
    plan->expert_tokens = experts->n_passes;
}

/* A pass of a long prompt, when others were before it. */
static void describe_prompt(const struct planner *p, const struct nmos_model_options *options,
                            struct nmos_plan *plan)
{
    const uint64_t trunk_bytes = p->weights.placement.streamed_bytes;
    plan->prompt_rows = options->rows_max < plan->ctx ? options->rows_max : plan->ctx;
    const struct expert_prompt experts =
        weight_plan_prompt(&p->weights, &p->map->hp, &p->habits, plan->prompt_rows);
    plan->prompt_bytes = trunk_bytes + experts.bytes;
    plan->prompt_most_bytes = trunk_bytes + experts.most_bytes;
    plan->prompt_is_learned = experts.is_learned;
}

static int fill(struct planner *p, const struct nmos_model_options *options,
                const struct nmos_plan_options *how, struct nmos_plan *plan)
{
    TRY(plan_state(p, options, plan));
    plan->budget_bytes =
        options->ram_bytes ? options->ram_bytes : tiers_leave_ram(&p->tiers, p->hw.ram_bytes);
    plan->other_bytes = p->held_bytes + BUDGET_MARGIN_BYTES;
    if (options->draft_path) TRY(plan_draft(options, how, plan));
    const struct budget_split split = {
        .ram_bytes = plan->budget_bytes,
        .is_found = !options->ram_bytes,
        .held_bytes = p->held_bytes + plan->draft_bytes,
        .kv_bytes = plan->kv_bytes,
        .scratch_bytes = plan->scratch_bytes,
    };
    tiers_describe(&p->tiers, p->map, &p->sizes, 1);
    TRY(weight_plan_make(&split, p->map, &p->tiers, EXPERTS_ANYWHERE, &p->habits, &p->weights));
    for (uint64_t i = 0; i < p->gguf->n_tensors; i++)
        plan->model_bytes += p->gguf->tensors[i].n_bytes;
    plan->touched_bytes = p->weights.touched_bytes;
    plan->pinned_bytes = p->weights.placement.pinned_bytes;
    plan->ring_bytes = p->weights.placement.ring_bytes;
    plan->expert_bytes = p->weights.expert_bytes;
    plan->streamed_bytes = p->weights.streamed_bytes;
    describe_experts(&p->weights, plan);
    describe_prompt(p, options, plan);
    predict(p, how, plan);
    describe_device(p, plan);
    return list_shards(p, plan);
}

static int create(const struct nmos_model_options *options, const struct nmos_plan_options *how,
                  int is_draft, struct nmos_plan **ret_plan)
{
    struct planner planner = {.is_draft = is_draft};
    struct nmos_plan *plan = mem_calloc(MEM_GENERAL, 1, sizeof(*plan));
    int rc = plan ? open_parts(&planner, options, how) : NMOS_E_NOMEM;
    if (rc == 0) rc = fill(&planner, options, how, plan);
    planner_deinit(&planner);
    if (rc < 0) {
        nmos_plan_destroy(&plan);
        return rc;
    }
    *ret_plan = plan;
    return 0;
}

int nmos_plan_create(const struct nmos_model_options *options, const struct nmos_plan_options *how,
                     struct nmos_plan **ret_plan)
{
    static const struct nmos_plan_options as_usual = {0};
    return create(options, how ? how : &as_usual, 0, ret_plan);
}

void nmos_plan_destroy(struct nmos_plan **plan)
{
    if (!plan || !*plan) return;
    mem_free((*plan)->shards);
    mem_free(*plan);
    *plan = NULL;
}
