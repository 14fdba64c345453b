/* SPDX-License-Identifier: MIT */
/* nmos plan: what would go where, how fast it would be, and what binds; from the model's header. */
#include <inttypes.h>
#include <nmos/nmos.h>
#include <string.h>

#include "cli/cli_model.h"
#include "cli/output.h"

/* Where the weights of a shard lie, and whether they are sent on. */
static const char *place_of(const struct nmos_plan_shard *shard)
{
    static const char *const places[][2] = {
        {"disk", "disk>vram"}, {"ram+disk", "ram+disk>vram"}, {"ram", "ram>vram"}};
    if (shard->is_at_device && !shard->is_sent) return "vram";
    const int i = shard->pinned_bytes == shard->n_bytes ? 2 : shard->pinned_bytes > 0;
    return places[i][shard->is_sent];
}

static json_t *shards_json(const struct nmos_plan *plan)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < plan->n_shards; i++) {
        const struct nmos_plan_shard *shard = &plan->shards[i];
        const char *place = place_of(shard);
        json_t *object =
            json_pack("{s:s,s:I,s:I,s:s}", "name", shard->name, "bytes", (json_int_t)shard->n_bytes,
                      "pinned_bytes", (json_int_t)shard->pinned_bytes, "place", place);
        if (!object || json_array_append_new(list, object) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Seconds and speeds. @return 0, or -1 without memory. */
static int add_figures(json_t *object, const struct nmos_plan *plan)
{
    const struct {
        const char *key;
        double value;
    } figures[] = {
        {"pass_s", plan->pass_s},
        {"tok_s", plan->tok_s},
        {"disk_s", plan->disk_s},
        {"link_s", plan->link_s},
        {"compute_s", plan->compute_s},
        {"disk_GBps", plan->disk_bytes_per_s * 1e-9},
        {"memory_GBps", plan->memory_bytes_per_s * 1e-9},
        {"pinned_GBps", plan->pinned_bytes_per_s * 1e-9},
        {"streamed_GBps", plan->streamed_bytes_per_s * 1e-9},
        {"product_us", plan->product_s * 1e6},
        {"gmacs", plan->macs_per_s * 1e-9},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        failed |= json_object_set_new(object, figures[i].key, json_real(figures[i].value)) != 0;
    }
    return failed ? -1 : 0;
}

static int print_json(const struct nmos_plan *plan)
{
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"model_bytes", plan->model_bytes},
        {"touched_bytes_per_pass", plan->touched_bytes},
        {"pinned_ram_bytes", plan->pinned_bytes},
        {"pinned_vram_bytes", plan->vram_pinned_bytes},
        {"ring_bytes", plan->ring_bytes},
        {"expert_cache_bytes", plan->expert_bytes},
        {"kv_bytes", plan->kv_bytes},
        {"kv_disk_bytes", plan->kv_disk_bytes},
        {"scratch_bytes", plan->scratch_bytes},
        {"draft_bytes", plan->draft_bytes},
        {"other_bytes", plan->other_bytes},
        {"budget_bytes", plan->budget_bytes},
        {"streamed_bytes_per_pass", plan->streamed_bytes},
        {"streamed_bytes_low", plan->streamed_low_bytes},
        {"streamed_bytes_high", plan->streamed_high_bytes},
        {"experts_measured_tokens", plan->expert_tokens},
        {"prompt_rows", plan->prompt_rows},
        {"prompt_bytes", plan->prompt_bytes},
        {"prompt_bytes_most", plan->prompt_most_bytes},
        {"vram_budget_bytes", plan->vram_budget_bytes},
        {"vram_ring_bytes", plan->vram_ring_bytes},
        {"vram_kv_bytes", plan->vram_kv_bytes},
        {"vram_scratch_bytes", plan->vram_scratch_bytes},
        {"link_bytes_per_pass", plan->link_bytes},
        {"rows_n", plan->rows_n},
        {"ctx", plan->ctx},
    };
    json_t *object = json_object();
    int failed = !object;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        failed |= json_object_set_new(object, counts[i].key,
                                      json_integer((json_int_t)counts[i].value)) != 0;
    }
    failed |= add_figures(object, plan) != 0;
    failed |= json_object_set_new(object, "binding", json_string(plan->binding)) != 0;
    failed |= json_object_set_new(object, "measured_now", json_boolean(plan->is_measured_now)) != 0;
    if (plan->expert_bytes) {
        failed |= json_object_set_new(object, "experts_learned",
                                      json_boolean(plan->experts_are_learned)) != 0;
        failed |= json_object_set_new(object, "prompt_learned",
                                      json_boolean(plan->prompt_is_learned)) != 0;
    }
    failed |= json_object_set_new(object, "shards", shards_json(plan)) != 0;
    if (failed) {
        json_decref(object);
        object = NULL;
    }
    return output_json(object, 0);
}

static int print_line(const char *label, uint64_t n_bytes, const char *note)
{
    char size[32];
    output_size(n_bytes, size);
    return output_printf("  %-26s %10s  %s\n", label, size, note);
}

static int print_device(const struct nmos_plan *plan)
{
    uint32_t n_pinned = 0;
    uint32_t n_sent = 0;
    for (uint32_t i = 0; i < plan->n_shards; i++) {
        n_sent += plan->shards[i].is_sent != 0;
        n_pinned += plan->shards[i].is_at_device && !plan->shards[i].is_sent;
    }
    if (plan->gpu[0]) {
        TRY(output_printf("Device: %s; its driver's part of the host's memory is counted above\n",
                          plan->gpu));
    } else {
        TRY(output_printf(
            "Device, a stand-in: its memory is the host's too, beside the budget above\n"));
    }
    TRY(print_line("budget", plan->vram_budget_bytes, ""));
    TRY(output_printf("  %-26s %10" PRIu32 "  pinned there, %" PRIu32 " sent in every pass\n",
                      "layers", n_pinned, n_sent));
    TRY(print_line("pinned weights", plan->vram_pinned_bytes, "stay there"));
    TRY(print_line("action zone", plan->vram_ring_bytes, "sent weights pass through it"));
    TRY(print_line("KV cache", plan->vram_kv_bytes, ""));
    TRY(print_line("scratch", plan->vram_scratch_bytes, ""));
    return print_line("over the link", plan->link_bytes, "in one pass");
}

static int print_memory(const struct nmos_plan *plan)
{
    TRY(output_printf("Memory\n"));
    TRY(print_line("budget", plan->budget_bytes, ""));
    TRY(print_line("pinned weights", plan->pinned_bytes, "stay in memory"));
    TRY(print_line("action zone", plan->ring_bytes, "streamed weights pass through it"));
    if (plan->expert_bytes) {
        TRY(print_line("cache of experts", plan->expert_bytes, "the others are read on demand"));
    }
    TRY(print_line("KV cache", plan->kv_bytes, ""));
    if (plan->kv_disk_bytes) {
        TRY(print_line("KV cache on disk", plan->kv_disk_bytes, "at most; read in every pass"));
    }
    TRY(print_line("scratch", plan->scratch_bytes, ""));
    if (plan->draft_bytes) TRY(print_line("draft model", plan->draft_bytes, ""));
    TRY(print_line("program and vocabulary", plan->other_bytes, ""));
    return plan->vram_budget_bytes ? print_device(plan) : 0;
}

/* What the bytes read for experts are known from. */
static int print_experts(const struct nmos_plan *plan)
{
    char low[32];
    char high[32];
    output_size(plan->streamed_low_bytes, low);
    output_size(plan->streamed_high_bytes, high);
    if (plan->expert_tokens) {
        return output_printf("  %-26s %10s  to %s, with the text; measured on %" PRIu32
                             " tokens with this much memory\n",
                             "", low, high, plan->expert_tokens);
    }
    return output_printf("  %-26s %10s  to %s: an estimate, %s\n", "", low, high,
                         plan->experts_are_learned ? "from runs with other sizes of memory"
                                                   : "as no run has been measured yet");
}

/* A pass of many rows: what matters for experts, as streamed weights are the same in every pass. */
static int print_prompt(const struct nmos_plan *plan)
{
    char size[32];
    char most[32];
    output_size(plan->prompt_bytes, size);
    output_size(plan->prompt_most_bytes, most);
    return output_printf(
        "  %-26s %10s  by a pass of %" PRIu32 " rows behind others%s; %s at most\n", "prompt", size,
        plan->prompt_rows, plan->prompt_is_learned ? "" : ", an estimate", most);
}

static int print_table(const struct nmos_plan *plan)
{
    TRY(print_memory(plan));
    TRY(output_printf("One pass\n"));
    TRY(print_line("weights", plan->touched_bytes, ""));
    TRY(print_line("read from disk", plan->streamed_bytes, ""));
    if (plan->expert_bytes) TRY(print_experts(plan));
    TRY(output_printf("  %-26s %10.3f  s at %.2f GB/s\n", "reading", plan->disk_s,
                      plan->disk_bytes_per_s * 1e-9));
    TRY(output_printf("  %-26s %10.3f  s, memory at %.2f GB/s\n", "computing", plan->compute_s,
                      plan->memory_bytes_per_s * 1e-9));
    TRY(output_printf("  %-26s %10.3f  s, bound by %s\n", "predicted", plan->pass_s,
                      plan->binding));
    TRY(output_printf("  %-26s %10.2f  tokens per second, one row a pass\n", "", plan->tok_s));
    if (plan->expert_bytes) TRY(print_prompt(plan));
    return output_printf("  %-26s %10" PRIu32 "  that computing can carry meanwhile\n", "rows",
                         plan->rows_n);
}

static int on_progress(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    progress_update(arg, done_bytes, total_bytes);
    return 0;
}

int cmd_plan(const struct cli_options *options)
{
    struct nmos_plan *plan = NULL;
    struct progress progress;
    const struct nmos_model_options model =
        cli_model_options(options, nmos_model_options_default().rows_max);
    const struct nmos_plan_options how = {.hw_path = options->hw,
                                          .replan = options->replan,
                                          .on_progress = on_progress,
                                          .arg = &progress};
    TRY(cli_check_scout(options));
    /* ^C ends it where it stands: there is nothing to be put in order. */
    progress_begin(&progress, "measuring the disk");
    int rc = nmos_plan_create(&model, &how, &plan);
    progress_end(&progress);
    if (rc < 0) return rc;
    rc = options->json ? print_json(plan) : print_table(plan);
    nmos_plan_destroy(&plan);
    return rc;
}
