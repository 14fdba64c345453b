/* SPDX-License-Identifier: MIT */
/*
 * nmos perplexity: how well a model predicts a text.
 *
 * Every token but the first is predicted once, from what stands before it. A text longer than the
 * context runs in windows of ctx tokens; a window after the first one repeats ctx / 2 tokens of the
 * one before, which only serve as context.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli_model.h"
#include "cli/kv_cap.h"
#include "cli/output.h"

#define TEXT_BYTES_MAX ((size_t)64 << 20)

/* A text being scored; mean and squares after Welford. */
struct scoring {
    const int32_t *tokens;
    size_t n_tokens;
    uint32_t n_vocab;
    size_t at;    /* whose logits come next */
    size_t begin; /* tokens before it are context only */
    size_t n_windows;
    size_t n_scored;
    double mean;    /* of -ln p(token), in nats */
    double squares; /* sum of squared distances from the mean */
    struct nmos_session *session;
    struct progress progress;
};

/* -ln softmax(logits)[token] */
static double negative_log_likelihood(const float *logits, uint32_t n_vocab, int32_t token)
{
    double max = -INFINITY;
    double sum = 0;
    for (uint32_t i = 0; i < n_vocab; i++) max = logits[i] > max ? logits[i] : max;
    for (uint32_t i = 0; i < n_vocab; i++) sum += exp(logits[i] - max);
    return max + log(sum) - logits[token];
}

static int score_row(void *arg, size_t row_i, float *logits)
{
    struct scoring *s = arg;
    (void)row_i;
    const size_t at = s->at++;
    if (at < s->begin) return 0;
    const double nll = negative_log_likelihood(logits, s->n_vocab, s->tokens[at + 1]);
    if (!isfinite(nll)) {
        return FAIL(NMOS_E_CORRUPT, "the model gives token %zu of the text no finite score",
                    at + 1);
    }
    const double off = nll - s->mean;
    s->n_scored++;
    s->mean += off / (double)s->n_scored;
    s->squares += off * (nll - s->mean);
    /* During the first pass the bar shows how the weights load. */
    if (s->n_windows > 0 || nmos_session_length(s->session) > 0) {
        progress_update(&s->progress, s->n_scored, s->n_tokens - 1);
    }
    return 0;
}

/* The last token is only predicted, never fed. */
static int score_windows(struct scoring *s, struct nmos_model *model, uint32_t ctx)
{
    const size_t n_fed = s->n_tokens - 1;
    int rc = nmos_session_create(model, &s->session);
    while (rc == 0 && s->n_scored < n_fed) {
        s->begin = s->n_scored;
        s->at = s->begin ? s->begin - ctx / 2 : 0;
        const size_t left = n_fed - s->at;
        rc = nmos_session_truncate(s->session, 0);
        if (rc == 0) {
            rc = cli_feed(model, s->session, s->tokens + s->at, left < ctx ? left : ctx, 1,
                          score_row, s);
        }
        s->n_windows++;
    }
    nmos_session_destroy(&s->session);
    return rc;
}

static int print_result(const struct cli_options *options, const struct nmos_model *model,
                        const struct scoring *s, uint32_t ctx, size_t n_bytes)
{
    const double n = (double)s->n_scored;
    const double error = s->n_scored > 1 ? sqrt(s->squares / (n - 1) / n) : 0;
    const double per_byte = n_bytes ? n / (double)n_bytes : 0;
    if (options->json) {
        json_t *fields = json_pack(
            "{s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I}", "tokens", (json_int_t)s->n_scored,
            "bytes", (json_int_t)n_bytes, "nll_per_token", s->mean, "nll_per_token_se", error,
            "nll_per_byte", s->mean * per_byte, "nll_per_byte_se", error * per_byte, "perplexity",
            exp(s->mean), "ctx", (json_int_t)ctx, "windows", (json_int_t)s->n_windows);
        kv_cap_add_fields(fields, model, options);
        return output_json(fields, 1);
    }
    TRY(output_printf("per token   %.6f +- %.6f nats (%zu tokens)\n", s->mean, error, s->n_scored));
    TRY(output_printf("per byte    %.6f +- %.6f nats (%zu bytes)\n", s->mean * per_byte,
                      error * per_byte, n_bytes));
    TRY(output_printf("perplexity  %.4f\n", exp(s->mean)));
    return output_printf("%zu windows of at most %u tokens\n", s->n_windows, ctx);
}

static int score_text(const struct cli_options *options, struct nmos_model *model,
                      const struct buf *text)
{
    struct nmos_vocab *vocab = nmos_model_vocab(model);
    struct nmos_model_info info;
    struct scoring s = {0};
    int32_t *tokens = NULL;
    char *predicted = NULL;
    size_t n_bytes = 0;
    nmos_model_get_info(model, &info);
    s.n_vocab = info.n_vocab;
    int rc = nmos_vocab_encode(vocab, text->data, text->len, NMOS_ENCODE_BOS, &tokens, &s.n_tokens);
    if (rc == 0 && s.n_tokens < 2) {
        rc = FAIL(NMOS_E_INVALID, "%s has %zu tokens; at least 2 are needed to predict one",
                  strcmp(options->file, "-") == 0 ? "standard input" : options->file, s.n_tokens);
    }
    s.tokens = tokens;
    if (rc == 0) {
        progress_begin(&s.progress, "scoring");
        rc = score_windows(&s, model, info.ctx);
        progress_end(&s.progress);
    }
    if (rc == 0) rc = nmos_vocab_decode(vocab, tokens + 1, s.n_tokens - 1, &predicted, &n_bytes);
    if (rc == 0) rc = print_result(options, model, &s, info.ctx, n_bytes);
    if (rc == 0) kv_cap_tell(model, options);
    nmos_free(predicted);
    nmos_free(tokens);
    return rc;
}

int cmd_perplexity(const struct cli_options *options)
{
    struct nmos_model *model = NULL;
    struct buf text = {0};
    if (!options->file) return FAIL(NMOS_E_INVALID, "which text? Give -f FILE");
    int rc = buf_read_file(&text, options->file, TEXT_BYTES_MAX);
    if (rc == 0)
        rc = cli_model_open(options, (uint32_t)options->chunk, (uint32_t)options->chunk, &model);
    if (rc == 0) rc = score_text(options, model, &text);
    cli_model_close(&model);
    buf_deinit(&text);
    return rc;
}
