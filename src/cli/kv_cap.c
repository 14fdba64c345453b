/* SPDX-License-Identifier: MIT */
#include "cli/kv_cap.h"

#include <inttypes.h>
#include <stdio.h>

static const char *policy_name(const struct cli_options *options)
{
    return options->kv_evict == NMOS_EVICT_WINDOW ? "window" : "h2o";
}

static double mean_mass(const struct nmos_stats *stats)
{
    return stats->kv_given_up_pages ? stats->kv_given_up_mass / (double)stats->kv_given_up_pages
                                    : 0;
}

void kv_cap_add_fields(json_t *fields, const struct nmos_model *model,
                       const struct cli_options *options)
{
    struct nmos_model_info info;
    struct nmos_stats stats;
    nmos_model_get_info(model, &info);
    nmos_model_get_stats(model, &stats);
    if (!info.kv_cap_tokens) return;
    json_object_update_new(
        fields, json_pack("{s:s, s:I, s:I, s:f, s:f}", "kv_evict", policy_name(options),
                          "kv_cap_tokens", (json_int_t)info.kv_cap_tokens, "kv_given_up_tokens",
                          (json_int_t)stats.kv_given_up_tokens, "kv_given_up_mass",
                          mean_mass(&stats), "kv_given_up_mass_most", stats.kv_given_up_mass_most));
}

void kv_cap_tell(const struct nmos_model *model, const struct cli_options *options)
{
    struct nmos_model_info info;
    struct nmos_stats stats;
    nmos_model_get_info(model, &info);
    nmos_model_get_stats(model, &stats);
    if (!stats.kv_given_up_pages) return;
    fprintf(stderr,
            "nmos: of the text, %" PRIu64
            " tokens were forgotten, as --kv-cap holds %u (--kv-evict "
            "%s): the result is another one than without the cap. A page of %" PRIu64
            " had got %.2f %% of the attention lately, %.2f %% at most\n",
            stats.kv_given_up_tokens, info.kv_cap_tokens, policy_name(options),
            stats.kv_given_up_tokens / stats.kv_given_up_pages, 100 * mean_mass(&stats),
            100 * stats.kv_given_up_mass_most);
}
