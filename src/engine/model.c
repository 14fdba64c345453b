/* SPDX-License-Identifier: MIT */
/* Opening a model: header, map, budget, River, pass. */
#include "engine/model.h"

#include <assert.h>
#include <inttypes.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/expert_memory.h"
#include "engine/guess_memory.h"
#include "engine/hardware.h"
#include "engine/learned_file.h"
#include "kernel/kernel.h"
#include "stream/expert_intents.h"

#define ROWS_DEFAULT    512U
#define ROWS_MAX        4096U
#define SESSIONS_MAX    1024U
#define CTX_DEFAULT     4096U
#define IO_DEPTH        16U /* reads in flight */
#define EXPERT_IO_DEPTH 32U

static int open_model(struct nmos_model *model, const struct nmos_model_options *options);

struct nmos_model_options nmos_model_options_default(void)
{
    return (struct nmos_model_options){
        .kv_type = NMOS_KV_F16, .rows_max = ROWS_DEFAULT, .sessions_max = 1, .rows_typical = 1};
}

static int select_cpu(enum nmos_cpu cpu)
{
    if (cpu == NMOS_CPU_AUTO) {
        cpu_level_limit(CPU_AVX512);
    } else {
        const enum cpu_level level = (enum cpu_level)(cpu - NMOS_CPU_SCALAR);
        cpu_level_limit(level);
        if (cpu_level_get() != level) {
            return FAIL(NMOS_E_UNSUPPORTED, "this processor has no %s; the best it has is %s",
                        cpu_level_name(level), cpu_level_name(cpu_level_get()));
        }
    }
    kernel_init();
    return 0;
}

static int check_options(const struct nmos_model_options *options)
{
    if (!options->path) return FAIL(NMOS_E_INVALID, "no model file was named");
    if (options->rows_max < 1 || options->rows_max > ROWS_MAX) {
        return FAIL(NMOS_E_INVALID, "passes of %u rows; 1 to %u are possible", options->rows_max,
                    ROWS_MAX);
    }
    if (options->sessions_max < 1 || options->sessions_max > SESSIONS_MAX) {
        return FAIL(NMOS_E_INVALID, "%u sessions; 1 to %u are possible", options->sessions_max,
                    SESSIONS_MAX);
    }
    if (options->sessions_aside >= options->sessions_max) {
        return FAIL(NMOS_E_INVALID, "%u of %u sessions aside; one at least is not",
                    options->sessions_aside, options->sessions_max);
    }
    return 0;
}

static int choose_ctx(const struct nmos_model *model, const struct nmos_model_options *options,
                      uint32_t *ret_ctx)
{
    uint32_t asked = options->ctx;
    const uint32_t trained = model->map->hp.n_ctx_train;
    /* A draft guesses as far as it can. */
    if (asked > trained && (model->is_draft || options->ctx_is_most)) asked = trained;
    if (asked > trained) {
        return FAIL(NMOS_E_INVALID,
                    "a context of %u positions; the model was trained for %u (--ctx)", asked,
                    trained);
    }
    *ret_ctx = asked ? asked : trained < CTX_DEFAULT ? trained : CTX_DEFAULT;
    return 0;
}

static int open_files(struct nmos_model *model)
{
    const uint32_t n = model->gguf->n_files;
    model->files = mem_calloc(MEM_GENERAL, n, sizeof(model->files[0]));
    if (!model->files) return NMOS_E_NOMEM;
    for (uint32_t i = 0; i < n; i++) TRY(file_open(model->gguf->paths[i], &model->files[i]));
    return 0;
}

static void fill_info(struct nmos_model *model, const struct nmos_model_options *options,
                      uint32_t ctx)
{
    const struct hparams *hp = &model->map->hp;
    struct nmos_model_info *info = &model->info;
    info->arch = hp->arch->name;
    info->n_layers = hp->n_layers;
    info->n_vocab = hp->n_vocab;
    info->d_model = hp->d_model;
    info->n_experts = hp->n_experts;
    info->ctx_train = hp->n_ctx_train;
    info->ctx = ctx;
    info->rows_max = options->rows_max < ctx ? options->rows_max : ctx;
    info->sessions_max = options->sessions_max;
    info->n_threads = options->n_threads ? options->n_threads : (uint32_t)cpu_physical_cores();
    info->cpu = cpu_level_name(cpu_level_get());
    for (uint64_t i = 0; i < model->gguf->n_tensors; i++) {
        info->weight_bytes += model->gguf->tensors[i].n_bytes;
    }
}

static struct forward_config forward_config_of(const struct nmos_model *model,
                                               const struct nmos_model_options *options)
{
    const struct nmos_model_info *info = &model->info;
    return (struct forward_config){.backend = model->backend,
                                   .device = model->tiers.device,
                                   .places = model->tiers.places,
                                   .hp = &model->map->hp,
                                   .map = model->map,
                                   .weights = model->weights,
                                   .experts = model->experts,
                                   .kv_type = (enum kv_type)options->kv_type,
                                   .ctx = info->ctx,
                                   .n_rows_max = info->rows_max,
                                   .n_seqs_max = info->sessions_max,
                                   .page_tokens = model->kv.page_tokens,
                                   .n_pages = model->kv.n_pages,
                                   .kv_is_spilled = model->kv.n_frames > 0,
                                   .mass_columns = model->kv.mass_columns,
                                   .spill = model->kv_pages.spill,
                                   .stage = model->kv_pages.stage,
                                   .stage_parts = model->kv.n_slots / 2};
}

void model_note_plan(struct nmos_model *model, const struct weight_plan *plan)
{
    struct nmos_model_info *info = &model->info;
    info->budget_bytes = model->split.ram_bytes;
    info->pinned_bytes = plan->placement.pinned_bytes;
    info->streamed_bytes = plan->streamed_bytes;
    info->ring_bytes = plan->placement.ring_bytes;
    info->expert_bytes = plan->expert_bytes;
    info->touched_bytes = plan->touched_bytes;
}

/* Splits the budget: what is held already, KV and scratch come first, pins and ring take the rest.
 */
static int place_weights(struct nmos_model *model, const struct nmos_model_options *options,
                         const struct forward_sizes *sizes, struct weight_plan *ret_plan)
{
    struct nmos_model_info *info = &model->info;
    const struct tier_placement *at = &model->tiers.placement;
    const uint64_t ram_bytes = options->ram_bytes
                                   ? options->ram_bytes
                                   : tiers_leave_ram(&model->tiers, hardware_safe_ram());
    const uint32_t rows =
        options->rows_typical < info->rows_max ? options->rows_typical : info->rows_max;
    model->split = (struct budget_split){.ram_bytes = ram_bytes,
                                         .is_found = !options->ram_bytes,
                                         .held_bytes = hardware_held_bytes(),
                                         .kv_bytes = info->kv_bytes,
                                         .scratch_bytes = info->scratch_bytes};
    tiers_describe(&model->tiers, model->map, sizes, rows);
    TRY(weight_plan_make(&model->split, model->map, &model->tiers, EXPERTS_ANYWHERE, &model->habits,
                         ret_plan));
    info->kv_bytes -= at->host_state_bytes;
    info->vram_kv_bytes = at->host_state_bytes;
    info->vram_bytes = at->device_used_bytes;
    info->vram_pinned_bytes = at->device_pinned_bytes;
    info->sent_bytes = at->sent_bytes;
    model_note_plan(model, ret_plan);
    model_note_spare(model);
    return 0;
}

/* Opens the way to the disk; a model that stays in memory is read once. */
static int open_queue(struct nmos_model *model, enum nmos_io io)
{
    static const enum ioq_kind kinds[] = {
        [NMOS_IO_AUTO] = IOQ_AUTO, [NMOS_IO_URING] = IOQ_URING, [NMOS_IO_THREADS] = IOQ_THREADS};
    TRY(ioq_open_best(kinds[io], model->files, model->gguf->n_files, model->info.streamed_bytes > 0,
                      IO_DEPTH, &model->ioq));
    model->info.io_backend = ioq_name(model->ioq);
    LOG_INFO("weights are read by %s, %s %s", ioq_name(model->ioq), ioq_mode_name(model->ioq),
             ioq_fallback_reason(model->ioq));
    return 0;
}

uint64_t model_fingerprint(struct nmos_model *model)
{
    uint64_t fingerprint = atomic_load(&model->fingerprint);
    if (!fingerprint) {
        fingerprint = learned_fingerprint(model->gguf);
        atomic_store(&model->fingerprint, fingerprint);
    }
    return fingerprint;
}

static uint32_t n_expert_intents(const struct nmos_model *model)
{
    return model->learns & NMOS_LEARN_EXPERTS ? model->n_intents : 0;
}

/* What earlier runs tell of experts, in texts of an intent or in all (NULL); nothing: no heat. */
static int recall_experts(struct nmos_model *model, const char *intent, struct expert_habits *ret)
{
    const int rc = expert_memory_load(model_fingerprint(model), &model->map->hp, intent, ret);
    if (rc < 0) LOG_INFO("nothing was learned about experts: %s", error_message());
    return rc == NMOS_E_NOMEM ? rc : 0;
}

/* The cache of experts has a queue of its own: only the caller's thread touches it. */
static int open_experts(struct nmos_model *model, const struct weight_plan *plan)
{
    TRY(ioq_open_like(model->ioq, EXPERT_IO_DEPTH, &model->expert_ioq));
    const struct expert_source_config config = {.backend = model->backend,
                                                .map = model->map,
                                                .files = model->files,
                                                .n_files = model->gguf->n_files,
                                                .ioq = model->expert_ioq,
                                                .bytes = plan->expert_bytes,
                                                .n_intents = n_expert_intents(model)};
    TRY(expert_source_open(&config, &model->experts));
    struct expert_cache *cache = expert_source_cache(model->experts);
    if (model->habits.heat) expert_cache_learn(cache, &model->habits);
    for (uint32_t i = 0; i < config.n_intents; i++) {
        struct expert_habits apart;
        TRY(recall_experts(model, model->intents[i], &apart));
        if (apart.heat) expert_intents_set(cache, i, apart.heat);
        mem_free(apart.heat);
    }
    return 0;
}

/* Keeps what was learned about experts, if any were used. */
static void remember_experts(struct nmos_model *model)
{
    struct expert_cache *cache = expert_source_cache(model->experts);
    const struct hparams *hp = &model->map->hp;
    if (model->stats.passes == 0) return;
    struct expert_habits now = {
        .heat = mem_calloc(MEM_GENERAL, (size_t)hp->n_layers * hp->n_experts, sizeof(float))};
    int rc = now.heat ? 0 : NMOS_E_NOMEM;
    if (rc == 0) expert_cache_habits(cache, &now);
    if (rc == 0) rc = expert_memory_store(model_fingerprint(model), hp, NULL, &now);
    now = (struct expert_habits){.heat = now.heat};
    for (uint32_t i = 0; rc == 0 && i < n_expert_intents(model); i++) {
        expert_intents_get(cache, i, now.heat);
        rc = expert_memory_store(model_fingerprint(model), hp, model->intents[i], &now);
    }
    if (rc < 0) LOG_INFO("what was learned about experts is not kept: %s", error_message());
    mem_free(now.heat);
}

static int open_weights(struct nmos_model *model, const struct nmos_model_options *options)
{
    struct forward_config config = forward_config_of(model, options);
    struct forward_sizes sizes;
    TRY(kv_plan_memory(&model->kv, options, &config, &sizes));
    model->info.kv_disk_bytes = model->kv.disk_bytes;
    model->info.rows_max = config.n_rows_max;
    model->info.kv_bytes = sizes.kv_bytes;
    model->info.kv_pages = config.n_pages;
    model->info.kv_cap_tokens = model->kv.n_held_max * model->kv.page_tokens;
    sizes.scratch_bytes += model->kv.more_bytes;
    model->info.scratch_bytes = sizes.scratch_bytes;
    struct weight_plan plan;
    if (model->map->hp.n_experts) TRY(recall_experts(model, NULL, &model->habits));
    TRY(place_weights(model, options, &sizes, &plan));
    int rc = open_queue(model, options->io);
    if (rc == 0) {
        const struct weight_source_config source = {.backend = model->backend,
                                                    .device = model->tiers.device,
                                                    .places = model->tiers.places,
                                                    .map = model->map,
                                                    .files = model->files,
                                                    .n_files = model->gguf->n_files,
                                                    .ioq = model->ioq,
                                                    .extents = &plan.extents,
                                                    .ring_bytes = plan.placement.ring_bytes,
                                                    .starts_late = options->loads_late != 0,
                                                    .cancel = &model->cancel};
        rc = weight_source_open(&source, &model->weights);
    }
    if (rc == 0 && plan.expert_bytes) rc = open_experts(model, &plan);
    weight_plan_deinit(&plan);
    return rc;
}

void model_report_loading(struct nmos_model *model, int is_over)
{
    struct nmos_stats stats;
    const uint64_t total = model->info.touched_bytes;
    if (!model->on_progress) return;
    nmos_model_get_stats(model, &stats);
    const int is_read = is_over || stats.bytes_read >= total;
    model->on_progress(model->progress_arg, is_read ? total : stats.bytes_read, total);
    if (is_over) model->on_progress = NULL;
}

static int before_layer(void *arg)
{
    const struct nmos_model *model = arg;
    if (model->is_draft) return 0; /* small: nothing to show, nothing to give back */
    model_report_loading(arg, 0);
    return model_watch_memory(arg);
}

static int open_forward(struct nmos_model *model, const struct nmos_model_options *options)
{
    TRY(page_pool_init(&model->pages, model->kv.n_pages, model->kv.page_tokens));
    TRY(kv_pages_open(model, options->io));
    const size_t n_scores = (size_t)model->kv.n_pages * model->kv.mass_columns;
    model->page_scores = mem_calloc(MEM_SCRATCH, n_scores + 1, sizeof(model->page_scores[0]));
    if (!model->page_scores) return NMOS_E_NOMEM;
    struct forward_config config = forward_config_of(model, options);
    config.before_layer = before_layer;
    config.before_layer_arg = model;
    model->rows = mem_calloc(MEM_SCRATCH, config.n_rows_max, sizeof(model->rows[0]));
    model->pending_of_row =
        mem_calloc(MEM_SCRATCH, config.n_rows_max, sizeof(model->pending_of_row[0]));
    model->seqs = mem_calloc(MEM_SCRATCH, config.n_seqs_max, sizeof(model->seqs[0]));
    model->pass_sessions =
        mem_calloc(MEM_SCRATCH, config.n_seqs_max, sizeof(model->pass_sessions[0]));
    if (!model->rows || !model->pending_of_row || !model->seqs || !model->pass_sessions) {
        return NMOS_E_NOMEM;
    }
    return forward_create(&config, &model->forward);
}

/* Runs one row, so that all weights are in memory and are counted there. */
static int warm_up(struct nmos_model *model)
{
    struct nmos_session *session = NULL;
    TRY(nmos_session_create(model, &session));
    const struct nmos_row row = {.session = session, .parent = -1};
    const int rc = nmos_forward(model, &row, 1, NULL, NULL);
    nmos_session_destroy(&session);
    return rc;
}

int model_draft_too_large(const struct nmos_model_options *options, uint64_t left_bytes,
                          uint64_t ram_bytes)
{
    return FAIL(NMOS_E_NOMEM,
                "the draft %s has to stay in memory, but %" PRIu64
                " of its bytes do not fit into %s %" PRIu64 "; at least %" PRIu64 " are needed",
                options->draft_path, left_bytes,
                options->ram_bytes ? "--ram" : "the memory that is safely free,", ram_bytes,
                ram_bytes + left_bytes);
}

/* The draft stays in memory whole; what it holds is then no longer free for the model itself. */
static int open_draft(struct nmos_model *model, const struct nmos_model_options *options)
{
    struct nmos_model_options draft_options = *options;
    struct nmos_model *draft = mem_calloc(MEM_GENERAL, 1, sizeof(*draft));
    if (!draft) return NMOS_E_NOMEM;
    model->draft = draft;
    draft->is_draft = 1;
    draft_options.path = options->draft_path;
    draft_options.draft_path = NULL;
    draft_options.device = NULL;
    draft_options.vram_bytes = 0;
    draft_options.kv_ram_bytes = 0; /* it stays in memory whole, ... */
    draft_options.kv_cap_bytes = 0; /* ... and what it guesses changes no text */
    draft_options.on_progress = NULL;
    draft_options.loads_late = 0;
    draft_options.n_intents = 0;
    draft_options.learns = 0;
    draft_options.ctx = model->info.ctx;
    draft_options.rows_max = MODEL_DRAFT_ROWS_MAX;
    TRY(open_model(draft, &draft_options));
    TRY(tokenizer_compare(model->vocab->tokenizer, draft->vocab->tokenizer));
    if (draft->info.streamed_bytes) {
        return model_draft_too_large(options, draft->info.streamed_bytes, draft->info.budget_bytes);
    }
    model->info.draft_bytes =
        draft->info.pinned_bytes + draft->info.kv_bytes + draft->info.scratch_bytes;
    return warm_up(draft);
}

/* Their names become part of names of files. */
static int take_intents(struct nmos_model *model, const struct nmos_model_options *options)
{
    static const char allowed[] =
        "0123456789_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (options->n_intents > NMOS_MODEL_INTENTS_MAX) {
        return FAIL(NMOS_E_LIMIT, "%zu intents; a model tells %d apart", options->n_intents,
                    NMOS_MODEL_INTENTS_MAX);
    }
    for (size_t i = 0; i < options->n_intents; i++) {
        const char *name = options->intents[i];
        const size_t len = strlen(name);
        if (len == 0 || len >= MODEL_INTENT_BYTES || strspn(name, allowed) != len) {
            return FAIL(NMOS_E_INVALID,
                        "an intent called \"%.40s\"; 1 to %d letters, digits, _ or - are possible",
                        name, MODEL_INTENT_BYTES - 1);
        }
        memcpy(model->intents[i], name, len + 1);
    }
    model->n_intents = (uint32_t)options->n_intents;
    model->learns = options->learns;
    return 0;
}

static int open_model(struct nmos_model *model, const struct nmos_model_options *options)
{
    uint32_t ctx = 0;
    model->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    model->draft_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    TRY(check_options(options));
    TRY(select_cpu(options->cpu));
    TRY(gguf_open(options->path, &model->gguf));
    TRY(weight_map_create(model->gguf, &model->map));
    TRY(choose_ctx(model, options, &ctx));
    fill_info(model, options, ctx);
    TRY(kv_plan_make(&model->map->hp, options, ctx, &model->kv));
    model->kv_type = options->kv_type;
    TRY(nmos_vocab_create(model->gguf, &model->vocab));
    if (options->draft_path) TRY(open_draft(model, options));
    TRY(take_intents(model, options));
    TRY(guess_memory_open(model));
    TRY(open_files(model));
    TRY(cpu_backend_create((int)model->info.n_threads, &model->backend));
    const struct tiers_config tiers = {.device = options->device,
                                       .vram_bytes = options->vram_bytes,
                                       .has_experts = model->map->hp.n_experts > 0};
    TRY(tiers_open(&model->tiers, &tiers, model->backend));
    TRY(open_weights(model, options));
    return open_forward(model, options);
}

int nmos_model_open(const struct nmos_model_options *options, struct nmos_model **ret_model)
{
    struct nmos_model *model = mem_calloc(MEM_GENERAL, 1, sizeof(*model));
    if (!model) return NMOS_E_NOMEM;
    const int rc = open_model(model, options);
    if (rc < 0) {
        nmos_model_close(&model);
        return rc;
    }
    model->on_progress = options->on_progress;
    model->progress_arg = options->progress_arg;
    *ret_model = model;
    return 0;
}

void nmos_model_close(struct nmos_model **model)
{
    if (!model || !*model) return;
    struct nmos_model *m = *model;
    assert(!m->scheduler);
    guess_memory_close(m);
    nmos_model_close(&m->draft);
    forward_destroy(&m->forward);
    kv_pages_close(&m->kv_pages);
    weight_source_close(&m->weights);
    if (m->experts) remember_experts(m);
    expert_source_close(&m->experts);
    ioq_close(&m->ioq);
    ioq_close(&m->expert_ioq);
    tiers_close(&m->tiers);
    backend_destroy(&m->backend);
    page_pool_deinit(&m->pages);
    for (uint32_t i = 0; m->files && i < m->gguf->n_files; i++) file_close(&m->files[i]);
    mem_free((void *)m->files);
    nmos_vocab_close(&m->vocab);
    weight_map_destroy(&m->map);
    gguf_close(&m->gguf);
    mem_free(m->habits.heat);
    mem_free(m->page_scores);
    mem_free(m->rows);
    mem_free(m->pending_of_row);
    mem_free(m->seqs);
    mem_free((void *)m->pass_sessions);
    mem_free(m);
    *model = NULL;
}

struct nmos_vocab *nmos_model_vocab(struct nmos_model *model)
{
    return model->vocab;
}

void nmos_model_get_info(const struct nmos_model *model, struct nmos_model_info *ret_info)
{
    *ret_info = model->info;
}

static void add_link_stats(const struct nmos_model *model, struct nmos_stats *stats)
{
    struct backend *device = model->tiers.device;
    struct tier *tier = weight_source_tier(model->weights);
    struct backend_usage usage;
    device->ops->usage(device, &usage);
    stats->vram_peak_bytes = usage.peak_bytes;
    stats->link_bytes = usage.up_bytes + usage.down_bytes;
    stats->link_ns = usage.up_busy_ns;
    if (!tier) return;
    struct tier_stats counted;
    tier_stats(tier, &counted);
    stats->link_stall_ns = counted.wait_ns;
    stats->stall_ns += counted.wait_ns;
    stats->late_shards += counted.n_late;
    stats->bytes_read += counted.loaded_bytes;
}

static void add_expert_stats(const struct nmos_model *model, struct nmos_stats *stats)
{
    struct expert_stats experts;
    expert_cache_stats(expert_source_cache(model->experts), &experts);
    stats->bytes_read += experts.bytes_read;
    stats->stall_ns += experts.stall_ns;
    /* A layer is lent meanwhile, and its time is counted when it is given back. */
    stats->compute_ns -=
        experts.stall_ns < stats->compute_ns ? experts.stall_ns : stats->compute_ns;
    stats->read_ns += experts.busy_ns;
    stats->experts_used = experts.n_wanted;
    stats->experts_read = experts.n_missing;
    stats->experts_expected = experts.n_expected;
    stats->experts_expected_well = experts.n_expected_well;
    stats->experts_guessed = experts.n_guessed;
    stats->experts_guessed_well = experts.n_guessed_well;
    stats->expert_bytes_read = experts.bytes_read;
    stats->guesses_are_on = expert_cache_wants_guess(expert_source_cache(model->experts));
}

void nmos_model_get_stats(const struct nmos_model *model, struct nmos_stats *ret_stats)
{
    struct stream_stats stream = {0};
    stream_stats(weight_source_stream(model->weights), &stream);
    /* The lock is no part of what is const here. */
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&model->lock;
    pthread_mutex_lock(lock);
    *ret_stats = model->stats;
    pthread_mutex_unlock(lock);
    ret_stats->bytes_read = stream.bytes_read;
    ret_stats->stall_ns = stream.stall_ns;
    ret_stats->stall_max_ns = stream.stall_max_ns;
    ret_stats->compute_ns = stream.held_ns;
    ret_stats->late_shards = stream.n_late;
    ret_stats->read_ns = stream.busy_ns;
    if (model->experts) add_expert_stats(model, ret_stats);
    if (model->tiers.device) add_link_stats(model, ret_stats);
}
