/* SPDX-License-Identifier: MIT */
#include "cli/cli_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/interrupt.h"
#include "cli/output.h"

static struct progress progress; /* of loading; one model at a time */

static void show_progress(void *arg, uint64_t done, uint64_t total)
{
    (void)arg;
    progress_update(&progress, done, total);
    if (done == total) progress_end(&progress);
}

/* Options that do not go together: said, not silently ignored. */
static int refuse_contradictions(const struct cli_options *options)
{
    if (options->accept == CLI_ACCEPT_REJECTION &&
        (options->spec == CLI_SPEC_NGRAM || options->spec == CLI_SPEC_TREE)) {
        return FAIL(NMOS_E_INVALID,
                    "--accept rejection goes with --spec chain, auto or off: it needs a chain that "
                    "the draft has drawn; --spec %s guesses in another way",
                    options->spec == CLI_SPEC_TREE ? "tree" : "ngram");
    }
    if (options->spec == CLI_SPEC_CHAIN && !options->draft) {
        return FAIL(NMOS_E_INVALID, "--spec chain needs a draft model (--draft FILE)");
    }
    return 0;
}

int cli_check_scout(const struct cli_options *options)
{
    struct nmos_file *file = NULL;
    if (!options->scout) return 0;
    TRY(nmos_file_open(options->scout, &file));
    nmos_file_close(&file);
    return 0;
}

struct nmos_model_options cli_model_options(const struct cli_options *options, uint32_t rows_max)
{
    struct nmos_model_options model_options = nmos_model_options_default();
    model_options.path = options->model;
    model_options.draft_path = options->draft;
    model_options.ram_bytes = options->ram;
    model_options.vram_bytes = options->vram;
    model_options.device = options->device;
    model_options.ctx = (uint32_t)options->ctx;
    model_options.kv_type = (enum nmos_kv_type)options->kv;
    model_options.kv_ram_bytes = options->kv_ram;
    model_options.kv_cap_bytes = options->kv_cap;
    model_options.kv_evict = (enum nmos_evict)options->kv_evict;
    model_options.io = (enum nmos_io)options->io;
    model_options.cpu = (enum nmos_cpu)options->cpu;
    model_options.n_threads = (uint32_t)options->threads;
    model_options.rows_max = rows_max;
    return model_options;
}

int cli_model_open_as(const struct cli_options *options, struct nmos_model_options *how,
                      struct nmos_model **ret_model)
{
    TRY(refuse_contradictions(options));
    how->on_progress = show_progress;
    how->loads_late = options->no_anticipation;
    progress_begin(&progress, "loading");
    return nmos_model_open(how, ret_model);
}

int cli_model_open(const struct cli_options *options, uint32_t rows_max, uint32_t rows_typical,
                   struct nmos_model **ret_model)
{
    struct nmos_model_options how = cli_model_options(options, rows_max);
    how.rows_typical = rows_typical;
    TRY(cli_check_scout(options));
    TRY(cli_model_open_as(options, &how, ret_model));
    const int rc = interrupt_watch(*ret_model);
    if (rc < 0) nmos_model_close(ret_model);
    return rc;
}

void cli_model_close(struct nmos_model **model)
{
    interrupt_unwatch();
    nmos_model_close(model);
}

int cli_parse_bias(const struct cli_options *options, struct nmos_logit_bias **ret_bias)
{
    struct nmos_logit_bias *bias =
        mem_calloc(MEM_GENERAL, options->logit_bias.n + 1, sizeof(*bias));
    if (!bias) return NMOS_E_NOMEM;
    for (size_t i = 0; i < options->logit_bias.n; i++) {
        const char *text = options->logit_bias.items[i];
        char *end = NULL;
        const long token = strtol(text, &end, 10);
        if (end != text && *end == '=' && end[1]) {
            const char *number = end + 1;
            bias[i] = (struct nmos_logit_bias){(int32_t)token, strtof(number, &end)};
            const int is_number = *end == '\0' && !isnan(bias[i].value);
            if (is_number && token >= 0 && token <= INT32_MAX) continue;
        }
        mem_free(bias);
        return FAIL(NMOS_E_INVALID, "--logit-bias %.60s: expected ID=B, for example 1234=-5", text);
    }
    *ret_bias = bias;
    return 0;
}

struct nmos_sampling cli_sampling(const struct cli_options *options,
                                  const struct nmos_logit_bias *bias)
{
    return (struct nmos_sampling){.temp = (float)options->temp,
                                  .top_k = (uint32_t)options->top_k,
                                  .top_p = (float)options->top_p,
                                  .min_p = (float)options->min_p,
                                  .repeat_penalty = (float)options->repeat_penalty,
                                  .presence_penalty = (float)options->presence_penalty,
                                  .frequency_penalty = (float)options->frequency_penalty,
                                  .seed = (uint64_t)options->seed,
                                  .bias = bias,
                                  .n_bias = options->logit_bias.n};
}

int cli_feed(struct nmos_model *model, struct nmos_session *session, const int32_t *tokens,
             size_t n_tokens, int all_logits, nmos_logits_fn on_logits, void *arg)
{
    struct nmos_model_info info;
    nmos_model_get_info(model, &info);
    struct nmos_row *rows = mem_calloc(MEM_GENERAL, info.rows_max, sizeof(*rows));
    int rc = rows ? 0 : NMOS_E_NOMEM;
    for (size_t done = 0; rc == 0 && done < n_tokens;) {
        const size_t left = n_tokens - done;
        const size_t room = nmos_session_room(session);
        size_t n = left < info.rows_max ? left : info.rows_max;
        if (n > room) n = room;
        for (size_t i = 0; i < n; i++) {
            rows[i] = (struct nmos_row){.session = session,
                                        .token = tokens[done + i],
                                        .parent = (int32_t)i - 1,
                                        .wants_logits = all_logits || done + i + 1 == n_tokens};
        }
        if (cli_interrupted()) rc = FAIL(NMOS_E_CANCELLED, "interrupted");
        if (rc == 0) rc = nmos_forward(model, rows, n, on_logits, arg);
        if (rc == 0) rc = nmos_session_commit(session, (uint32_t)n);
        done += n;
    }
    mem_free(rows);
    return rc;
}
