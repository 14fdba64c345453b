/* SPDX-License-Identifier: MIT */
#include "cli/run_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/kv_cap.h"

/* Peak resident set of this process, in bytes, as the kernel counts it (VmHWM). */
static json_int_t peak_rss_bytes(void)
{
    char line[256];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (!file) return 0;
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "VmHWM:", 6) == 0) kib = strtoll(line + 6, NULL, 10);
    }
    fclose(file);
    return (json_int_t)kib * 1024;
}

static double seconds(uint64_t ns)
{
    return (double)ns * 1e-9;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static json_t *generation_fields(const struct nmos_generation_result *r,
                                 const struct nmos_stats *stats)
{
    const double decode_s = seconds(r->decode_ns);
    /* The first token comes with the prompt; the one that ends the text is drawn, but not shown. */
    const double n_drawn = r->generated_tokens - 1.0 + (r->end == NMOS_END_TOKEN);
    const double per_pass = r->decode_passes ? ratio(n_drawn, r->decode_passes) : 1.0;
    return json_pack("{s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "prompt_tokens",
                     (json_int_t)r->prompt_tokens, "generated_tokens",
                     (json_int_t)r->generated_tokens, "passes", (json_int_t)stats->passes, "rows",
                     (json_int_t)stats->rows, "accepted_per_pass", per_pass, "prefill_s",
                     seconds(r->prefill_ns), "decode_s", decode_s, "tok_s",
                     ratio(n_drawn, decode_s), "ttft_s", seconds(r->first_token_ns), "pass_s",
                     seconds(r->pass_median_ns));
}

static json_t *machine_fields(const struct nmos_model_info *info, const struct nmos_stats *stats)
{
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "bytes_read", (json_int_t)stats->bytes_read, "read_GBps",
                     ratio((double)stats->bytes_read * 1e-9, seconds(stats->read_ns)), "stall_s",
                     seconds(stats->stall_ns), "stall_max_s", seconds(stats->stall_max_ns),
                     "compute_s", seconds(stats->compute_ns), "late_shards",
                     (json_int_t)stats->late_shards, "shrinks", (json_int_t)stats->shrinks,
                     "resident_bytes", (json_int_t)info->pinned_bytes, "touched_bytes_per_pass",
                     (json_int_t)info->touched_bytes, "streamed_bytes_per_pass",
                     (json_int_t)info->streamed_bytes, "peak_rss_bytes", peak_rss_bytes(),
                     "budget_bytes", (json_int_t)info->budget_bytes, "ctx", (json_int_t)info->ctx,
                     "kv_bytes", (json_int_t)info->kv_bytes);
}

static json_t *kind_fields(const struct nmos_model_info *info,
                           const struct nmos_generation_result *r, const struct nmos_stats *stats)
{
    const double pass_s = seconds(r->pass_median_ns);
    const double gbps = ratio((double)stats->bytes_read, seconds(stats->read_ns));
    /* What a cache of experts reads is known afterwards only. */
    const double streamed = info->expert_bytes
                                ? ratio((double)stats->expert_bytes_read, (double)stats->passes)
                                : (double)info->streamed_bytes;
    const double disk_s = ratio(streamed, gbps);
    const int disk_binds = info->streamed_bytes && disk_s > 0.5 * pass_s;
    const double link_s = ratio(seconds(stats->link_ns), (double)stats->passes);
    /* Pins cross once; that binds no pass but the first. */
    const int link_binds = info->sent_bytes && link_s > 0.5 * pass_s && link_s > disk_s;
    const double compute_s =
        ratio(seconds(stats->pass_ns - stats->stall_ns), (double)stats->passes);
    return json_pack("{s:s, s:s, s:i, s:I, s:I, s:s, s:f}", "io_backend", info->io_backend,
                     "cpu_isa", info->cpu, "threads", (int)info->n_threads, "kv_pages",
                     (json_int_t)info->kv_pages, "kv_spilled_bytes",
                     (json_int_t)stats->kv_spilled_bytes, "binding",
                     link_binds   ? "link"
                     : disk_binds ? "disk"
                                  : "memory",
                     "efficiency",
                     disk_binds           ? ratio(disk_s, pass_s)
                     : compute_s < pass_s ? ratio(compute_s, pass_s)
                                          : pass_s > 0); /* the mean counts longer passes too */
}

/* Only where keys and values may go to disk. */
static json_t *spill_fields(const struct nmos_stats *stats)
{
    return json_pack("{s:I, s:f}", "kv_read_bytes", (json_int_t)stats->kv_read_bytes, "kv_wait_s",
                     seconds(stats->kv_wait_ns));
}

/* Only where a device is in use. */
static json_t *link_fields(const struct nmos_model_info *info, const struct nmos_stats *stats)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "vram_bytes", (json_int_t)info->vram_bytes,
        "pinned_vram_bytes", (json_int_t)info->vram_pinned_bytes, "peak_vram_bytes",
        (json_int_t)stats->vram_peak_bytes, "sent_bytes_per_pass", (json_int_t)info->sent_bytes,
        "link_bytes_per_pass", ratio((double)stats->link_bytes, (double)stats->passes), "link_s",
        seconds(stats->link_ns), "link_stall_s", seconds(stats->link_stall_ns));
}

/* Guesses pass by pass, at most NMOS_PASSES_TOLD of them: rows guessed, depth reached, by source.
 */
static json_t *pass_fields(const struct nmos_generation_result *r)
{
    json_t *guessed = json_array();
    json_t *depth = json_array();
    json_t *draft = json_array();
    json_t *ngram = json_array();
    for (uint32_t i = 0; i < r->n_told; i++) {
        const struct nmos_guessed_pass *pass = &r->told[i];
        json_array_append_new(guessed, json_integer(pass->guessed));
        json_array_append_new(depth, json_integer(pass->draft + pass->ngram));
        json_array_append_new(draft, json_integer(pass->draft));
        json_array_append_new(ngram, json_integer(pass->ngram));
    }
    return json_pack("{s:o*, s:o*, s:o*, s:o*}", "pass_guessed", guessed, "pass_depth", depth,
                     "pass_accepted_draft", draft, "pass_accepted_ngram", ngram);
}

static json_t *spec_fields(const struct cli_options *options,
                           const struct nmos_generation_result *r)
{
    static const char *const names[] = {"auto", "off", "ngram", "chain", "tree"};
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "spec", names[options->spec], "accept",
                     options->accept == CLI_ACCEPT_REJECTION ? "rejection" : "keyed",
                     "guessed_tokens", (json_int_t)r->guessed_tokens, "accepted_draft",
                     (json_int_t)r->accepted_draft, "accepted_ngram", (json_int_t)r->accepted_ngram,
                     "accepted_depth", (json_int_t)r->accepted_depth, "passes_unguessed",
                     (json_int_t)r->paused_steps);
}

/* Of a mixture of experts whose experts do not all fit; without such a cache there are no fields.
 */
static json_t *expert_fields(const struct nmos_stats *stats)
{
    const double used = (double)stats->experts_used;
    return json_pack(
        "{s:I, s:I, s:f, s:f, s:f, s:b}", "experts_used", (json_int_t)stats->experts_used,
        "experts_read", (json_int_t)stats->experts_read, "expert_hit_rate",
        1 - ratio((double)stats->experts_read, used), "prefetch_precision",
        ratio((double)stats->experts_guessed_well, (double)stats->experts_guessed),
        "expert_bytes_per_token", ratio((double)stats->expert_bytes_read, (double)stats->rows),
        "prefetch_on", stats->guesses_are_on);
}

int run_stats_print(const struct nmos_model *model, const struct cli_options *options,
                    const struct nmos_generation_result *result)
{
    struct nmos_model_info info;
    struct nmos_stats stats;
    nmos_model_get_info(model, &info);
    nmos_model_get_stats(model, &stats);
    json_t *line = generation_fields(result, &stats);
    json_object_update_new(line, machine_fields(&info, &stats));
    json_object_update_new(line, kind_fields(&info, result, &stats));
    json_object_update_new(line, spec_fields(options, result));
    if (options->json) json_object_update_new(line, pass_fields(result));
    if (info.kv_disk_bytes) json_object_update_new(line, spill_fields(&stats));
    kv_cap_add_fields(line, model, options);
    if (info.vram_bytes) json_object_update_new(line, link_fields(&info, &stats));
    if (info.expert_bytes) json_object_update_new(line, expert_fields(&stats));
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(line);
    if (!text) return FAIL(NMOS_E_NOMEM, "no memory for the statistics");
    fprintf(stderr, "%s\n", text);
    free(text);
    return 0;
}
