/* SPDX-License-Identifier: MIT */
#include "engine/tiers.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cuda/cuda_driver.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "engine/measure.h"
#include "stream/tier.h"

#define DEVICE_FORM  "\"sim:4GiB\", \"sim:4GiB@3.2GB/s\" or \"sim:4GiB@3.2GB/s,8x\""
#define DEVICE_WORDS 64U /* bytes of the longest name */
#define CUDA_MAX     64  /* GPUs that can be named */

static int bad_device(const char *text)
{
    return FAIL(
        NMOS_E_INVALID,
        "--device \"%.60s\" is not a device; a GPU is named \"cuda:0\", a stand-in " DEVICE_FORM
        ": memory, rate of its link, speed of computing beside the host's",
        text);
}

/* "0" to "63", nothing else. */
static int parse_ordinal(const char *text, int *ret)
{
    char *end = NULL;
    const long n = strtol(text, &end, 10);
    *ret = (int)n;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && n < CUDA_MAX ? 0 : NMOS_E_INVALID;
}

/* "3.2GB/s" */
static int parse_rate(char *rate, double *ret)
{
    uint64_t bytes = 0;
    const size_t n = strlen(rate);
    if (n < 4 || strcmp(rate + n - 3, "B/s") != 0) return NMOS_E_INVALID;
    /* A bare number counts bytes, "GB" is the size "G". */
    rate[n - 3] = '\0';
    if (n > 5 && rate[n - 4] == 'i') memcpy(rate + n - 3, "B", 2);
    TRY(options_parse_size(rate, &bytes));
    *ret = (double)bytes;
    return bytes ? 0 : NMOS_E_INVALID;
}

static int parse_speed(const char *speed, double *ret)
{
    char *end = NULL;
    *ret = strtod(speed, &end);
    return end != speed && strcmp(end, "x") == 0 && *ret >= 0.001 && *ret <= 1e6 ? 0
                                                                                 : NMOS_E_INVALID;
}

int device_parse(const char *text, struct device_spec *ret_spec)
{
    struct device_spec spec = {.speed = 1};
    char words[DEVICE_WORDS] = "";
    const size_t n = strlen(text);
    if (strncmp(text, "cuda:", 5) == 0) {
        spec.kind = DEVICE_CUDA;
        if (parse_ordinal(text + 5, &spec.ordinal) < 0) return bad_device(text);
        *ret_spec = spec;
        return 0;
    }
    if (n >= sizeof(words) || strncmp(text, "sim:", 4) != 0) return bad_device(text);
    memcpy(words, text + 4, n - 4);
    char *speed = strchr(words, ',');
    if (speed) *speed++ = '\0';
    char *rate = strchr(words, '@');
    if (rate) *rate++ = '\0';
    if (options_parse_size(words, &spec.sim.memory_bytes) < 0 || spec.sim.memory_bytes == 0 ||
        (rate && parse_rate(rate, &spec.sim.link_bytes_per_s) < 0) ||
        (speed && parse_speed(speed, &spec.speed) < 0)) {
        return bad_device(text);
    }
    *ret_spec = spec;
    return 0;
}

static int open_stand_in(struct tiers *tiers, const char *device, struct backend *cpu)
{
    if (!tiers->vram_bytes) {
        return FAIL(NMOS_E_INVALID,
                    "--device %s: --vram is 0, so nothing may be placed there; at most %" PRIu64
                    " bytes are possible",
                    device, tiers->spec.sim.memory_bytes);
    }
    if (tiers->vram_bytes > tiers->spec.sim.memory_bytes) {
        return FAIL(NMOS_E_INVALID, "--vram %" PRIu64 ": --device %s has %" PRIu64 " bytes",
                    tiers->vram_bytes, device, tiers->spec.sim.memory_bytes);
    }
    tiers->spec.sim.memory_bytes = tiers->vram_bytes;
    return sim_backend_create(&tiers->spec.sim, cpu, &tiers->device);
}

static int no_gpu(const struct tiers_config *config)
{
    char why[ERROR_MESSAGE_MAX / 2];
    snprintf(why, sizeof(why), "%s", error_message());
    if (config->device) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "--device %s: %s; leave it and --vram away, or, for tests, name a stand-in: "
                    "--device sim:4GiB@3.2GB/s",
                    config->device, why);
    }
    return FAIL(NMOS_E_UNSUPPORTED,
                "--vram %" PRIu64
                ": %s; leave --vram away, or, for tests, name a stand-in: --device "
                "sim:4GiB@3.2GB/s",
                config->vram_bytes, why);
}

static void say_no_experts(void)
{
    LOG_WARN("the device is not used: layers with experts are computed at the host");
}

/* The GPU's speeds: those that were kept, or measured and kept. */
static int know_rates(struct tiers *tiers, int measures_anew)
{
    if (!measures_anew && measure_cache_load_gpu(tiers->name, &tiers->rates)) return 0;
    TRY(cuda_backend_measure(tiers->device, &tiers->rates));
    if (measure_cache_store_gpu(tiers->name, &tiers->rates) < 0) {
        LOG_INFO("the GPU's speeds are not kept: %s", error_message());
    }
    return 0;
}

static int open_cuda(struct tiers *tiers, const struct tiers_config *how)
{
    struct cuda_device_info info;
    const struct cuda_config config = {.ordinal = tiers->spec.ordinal,
                                       .memory_bytes = tiers->vram_bytes};
    if (cuda_device_describe(config.ordinal, &info) < 0) return no_gpu(how);
    if (!tiers->vram_bytes) {
        return FAIL(NMOS_E_INVALID,
                    "--device cuda:%d: --vram is 0, so nothing may be placed there; %s has %" PRIu64
                    " bytes",
                    config.ordinal, info.name, info.memory_bytes);
    }
    if (how->has_experts) {
        say_no_experts();
        return 0;
    }
    TRY(cuda_backend_create(&config, &tiers->device));
    memcpy(tiers->name, info.name, sizeof(tiers->name));
    TRY(know_rates(tiers, how->measures_anew));
    LOG_INFO(
        "%s: its link carries %.1f GB/s, a row gets through %.0f GB/s of weights, rows through "
        "%.1f T multiply-adds a second",
        info.name, tiers->rates.link_bytes_per_s * 1e-9, tiers->rates.weight_bytes_per_s * 1e-9,
        tiers->rates.macs_per_s * 1e-12);
    return 0;
}

int tiers_open(struct tiers *tiers, const struct tiers_config *config, struct backend *cpu)
{
    *tiers = (struct tiers){.vram_bytes = config->vram_bytes, .spec = {.kind = DEVICE_CUDA}};
    if (!config->device && !config->vram_bytes) return 0;
    if (config->device) TRY(device_parse(config->device, &tiers->spec));
    return tiers->spec.kind == DEVICE_CUDA ? open_cuda(tiers, config)
                                           : open_stand_in(tiers, config->device, cpu);
}

void tiers_close(struct tiers *tiers)
{
    backend_destroy(&tiers->device);
    mem_free(tiers->places);
    tiers->places = NULL;
}

uint64_t tiers_stand_in_bytes(const struct tiers *tiers)
{
    return tiers->device && tiers->spec.kind == DEVICE_SIM ? tiers->vram_bytes : 0;
}

uint64_t tiers_leave_ram(const struct tiers *tiers, uint64_t free_bytes)
{
    const uint64_t taken = tiers_stand_in_bytes(tiers);
    return free_bytes > taken ? free_bytes - taken : 0;
}

double tiers_link_rate(const struct tiers *tiers)
{
    if (tiers->spec.kind == DEVICE_CUDA) return tiers->rates.link_bytes_per_s;
    return tiers->spec.sim.link_bytes_per_s > 0 ? tiers->spec.sim.link_bytes_per_s : INFINITY;
}

/* Weights of a shard and multiply-adds of a pass of @p rows rows. */
static void touch(const struct weight_shard *shard, uint32_t rows, double *ret_bytes,
                  double *ret_macs)
{
    *ret_bytes = 0;
    *ret_macs = 0;
    for (uint32_t i = 0; i < shard->n_tensors; i++) {
        const struct gguf_tensor *t = shard->tensors[i];
        *ret_bytes += (double)t->n_bytes;
        *ret_macs += (double)t->dims[0] * (double)t->dims[1] * rows;
    }
}

/* Seconds to compute a shard at the host, its bytes in memory, in the figures that plan and run
 * share (engine/budget.h); and at the device. */
static double host_seconds(const struct weight_shard *shard, uint32_t rows)
{
    double bytes = 0;
    double macs = 0;
    touch(shard, rows, &bytes, &macs);
    return fmax(bytes / BUDGET_MEMORY_BYTES_PER_S, macs / BUDGET_MACS_PER_S);
}

/* Kernels are started while others compute. */
static double device_seconds(const struct tiers *tiers, const struct weight_shard *shard)
{
    const struct cuda_rates *rates = &tiers->rates;
    double bytes = 0;
    double macs = 0;
    if (tiers->spec.kind == DEVICE_SIM) {
        return host_seconds(shard, tiers->rows) / tiers->spec.speed;
    }
    touch(shard, tiers->rows, &bytes, &macs);
    const double compute_s = fmax(bytes / rates->weight_bytes_per_s, macs / rates->macs_per_s);
    return fmax(compute_s, CUDA_LAUNCHES_A_LAYER / rates->launches_per_s);
}

static void fill_costs(const struct tiers *tiers, struct tier_shard *costs)
{
    const struct hparams *hp = &tiers->map->hp;
    assert(hp->n_layers > 0);
    for (uint32_t s = 0; s < tiers->map->n_shards; s++) {
        const int is_head = s == hp->n_layers;
        const uint64_t kv = is_head ? 0 : tiers->sizes.kv_bytes / hp->n_layers;
        costs[s] = (struct tier_shard){
            .host_s = host_seconds(&tiers->map->shards[s], tiers->rows),
            .device_s = device_seconds(tiers, &tiers->map->shards[s]),
            .host_state = kv,
            .device_state = is_head ? tiers->sizes.device_logits_bytes : kv,
            .link_bytes = is_head ? (uint64_t)tiers->rows * hp->n_vocab * sizeof(float) : 0,
            .can = is_head ? TIER_CAN_MOVE : TIER_CAN_BE_SENT,
        };
    }
}

static void say_what_is_there(const struct tiers *tiers, const struct tier_placement_config *config)
{
    uint64_t least = UINT64_MAX;
    if (tiers->placement.device_used_bytes) {
        LOG_INFO(
            "of %u shards %u are pinned at the device and %u sent there in every pass; %" PRIu64
            " bytes are read from disk",
            config->n_shards, tiers->placement.n_pinned, tiers->placement.n_sent,
            tiers->placement.host.streamed_bytes);
        return;
    }
    for (uint32_t s = 0; s < config->n_shards; s++) {
        const uint64_t bytes = tier_shard_bytes(&config->shards[s]) + config->costs[s].device_state;
        if (bytes < least) least = bytes;
    }
    if (config->device_fixed_bytes + least > config->device_bytes) {
        LOG_WARN("the device is not used: of --vram %" PRIu64 " bytes, scratch takes %" PRIu64
                 " and the smallest layer %" PRIu64 "; all is computed at the host",
                 config->device_bytes, config->device_fixed_bytes, least);
    } else {
        LOG_WARN("the device is not used: a pass would not be faster with it");
    }
}

void tiers_describe(struct tiers *tiers, const struct weight_map *map,
                    const struct forward_sizes *sizes, uint32_t rows)
{
    tiers->map = map;
    tiers->sizes = *sizes;
    tiers->rows = rows ? rows : 1;
    if (tiers->device && map->hp.n_experts) say_no_experts();
}

/* Chooses places, or finds the pins for those that were chosen. */
static int choose(struct tiers *tiers, const struct tier_placement_config *config, uint8_t *pinned)
{
    if (tiers->places) return tier_evaluate(config, tiers->places, pinned, &tiers->placement);
    tiers->places = mem_calloc(MEM_HEADER, config->n_shards, 1);
    if (!tiers->places) return NMOS_E_NOMEM;
    TRY(tier_place(config, tiers->places, pinned, &tiers->placement));
    say_what_is_there(tiers, config);
    return 0;
}

static int place(struct tiers *tiers, const struct budget_split *split,
                 struct weight_extents *extents, const struct tier_shard *costs, uint8_t *pinned,
                 struct placement *ret_placement)
{
    const struct tier_placement_config config = {
        .shards = extents->shards,
        .costs = costs,
        .n_shards = extents->n_shards,
        .host_bytes = split->ram_bytes,
        .host_fixed_bytes = budget_fixed_bytes(split),
        .host_bytes_per_table_byte = BUDGET_BYTES_PER_PAGE_TABLE_BYTE,
        .device_bytes = tiers->vram_bytes,
        .device_fixed_bytes = tiers->sizes.device_scratch_bytes,
        .crossing_bytes = (uint64_t)tiers->rows * tiers->map->hp.d_model * sizeof(float),
        .disk_bytes_per_s = BUDGET_DISK_BYTES_PER_S,
        .link_bytes_per_s = tiers_link_rate(tiers)};
    const int rc = choose(tiers, &config, pinned);
    *ret_placement = tiers->placement.host;
    if (rc == NMOS_E_LIMIT) {
        struct budget_split moved = *split;
        const uint64_t freed = tiers->placement.host_state_bytes;
        moved.kv_bytes -= freed;
        /* Beside what budget_fixed_bytes() says without the device. */
        const uint64_t least = tiers->placement.host.least_bytes + TIER_STAGING_BYTES +
                               freed / BUDGET_BYTES_PER_PAGE_TABLE_BYTE;
        ret_placement->least_bytes = least > freed ? least - freed : 1;
        return budget_explain(&moved, tiers->placement.host.least_bytes);
    }
    TRY(rc);
    for (uint32_t i = 0; i < extents->n_extents; i++) extents->extents[i].pinned = pinned[i];
    ret_placement->total_bytes = tiers->placement.total_bytes;
    return 0;
}

int tiers_place(struct tiers *tiers, const struct budget_split *split,
                struct weight_extents *extents, struct placement *ret_placement)
{
    if (!tiers->device || tiers->map->hp.n_experts) {
        return budget_place(split, extents, ret_placement);
    }
    struct budget_split with_staging = *split;
    with_staging.scratch_bytes += TIER_STAGING_BYTES;
    struct tier_shard *costs = mem_calloc(MEM_GENERAL, extents->n_shards, sizeof(*costs));
    uint8_t *pinned = mem_calloc(MEM_GENERAL, extents->n_extents, 1);
    int rc = costs && pinned ? 0 : NMOS_E_NOMEM;
    if (rc == 0) {
        fill_costs(tiers, costs);
        rc = place(tiers, &with_staging, extents, costs, pinned, ret_placement);
    }
    mem_free(costs);
    mem_free(pinned);
    return rc;
}

/* Seconds of one row through a shard. */
static double shard_seconds(const struct tiers *tiers, const struct stream_shard *shard,
                            uint32_t shard_i, const struct tiers_rates *rates)
{
    const enum shard_place at = (enum shard_place)tiers->places[shard_i];
    const double speed = at == SHARD_HOST ? 1 : tiers->spec.speed;
    double s = 0;
    if (at != SHARD_HOST && tiers->spec.kind == DEVICE_CUDA) {
        return device_seconds(tiers, &tiers->map->shards[shard_i]);
    }
    for (uint32_t e = 0; e < shard->n_extents; e++) {
        const struct stream_extent *extent = &shard->extents[e];
        const int is_prepared = at == SHARD_DEVICE || (at == SHARD_HOST && extent->pinned);
        s += (double)extent->bytes / speed /
             (is_prepared ? rates->pinned_bytes_per_s : rates->streamed_bytes_per_s);
    }
    return s;
}

void tiers_predict(const struct tiers *tiers, const struct weight_extents *extents,
                   const struct tiers_rates *rates, struct nmos_plan *plan)
{
    double compute_s = 0;
    for (uint32_t s = 0; s < extents->n_shards; s++) {
        compute_s += shard_seconds(tiers, &extents->shards[s], s, rates);
    }
    const struct tier_placement *p = &tiers->placement;
    const double activations_s = (double)(p->link_bytes - p->sent_bytes) / tiers_link_rate(tiers);
    const double disk_s = (double)p->host.streamed_bytes / rates->disk_bytes_per_s;
    const double link_s = (double)p->link_bytes / tiers_link_rate(tiers);
    compute_s += activations_s;
    plan->pass_s = disk_s > compute_s ? disk_s : compute_s;
    plan->binding = disk_s > compute_s ? "disk" : "compute";
    if (link_s > plan->pass_s) {
        plan->pass_s = link_s;
        plan->binding = "link";
    }
    plan->tok_s = 1 / plan->pass_s;
    plan->link_s = link_s;
    plan->compute_s = compute_s;
}
