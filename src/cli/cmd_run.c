/* SPDX-License-Identifier: MIT */
/* nmos run: complete a prompt and stream the text. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli_model.h"
#include "cli/interrupt.h"
#include "cli/kv_cap.h"
#include "cli/output.h"
#include "cli/run_stats.h"

#define PROMPT_BYTES_MAX   ((size_t)64 << 20)
#define TEMPLATE_BYTES_MAX ((size_t)1 << 20)
#define ROWS_MAX           512U

/* The prompt's text, of -p or -f. */
static int read_prompt(const struct cli_options *options, struct buf *text)
{
    if (options->prompt && options->file) {
        return FAIL(NMOS_E_INVALID, "-p and -f both name a prompt; give one of them");
    }
    if (options->file) return buf_read_file(text, options->file, PROMPT_BYTES_MAX);
    if (!options->prompt) {
        return FAIL(NMOS_E_INVALID, "there is no prompt; give one with -p TEXT or -f FILE");
    }
    return buf_append(text, options->prompt, strlen(options->prompt));
}

/* Puts the prompt into the chat template as the user's message. */
static int wrap_prompt(const struct cli_options *options, struct buf *text)
{
    struct nmos_file *file = NULL;
    struct nmos_template *chat_template = NULL;
    struct buf source = {0};
    char *prompt = NULL;
    size_t prompt_bytes = 0;
    int rc = nmos_file_open(options->model, &file);
    if (rc == 0 && options->chat_template) {
        rc = buf_reserve(&source, 1);
        if (rc == 0) rc = buf_read_file(&source, options->chat_template, TEMPLATE_BYTES_MAX);
    }
    if (rc == 0) rc = nmos_template_create(file, source.data, source.len, &chat_template);
    if (rc == 0) rc = buf_append(text, "", 1); /* a zero byte behind the text */
    if (rc == 0 && strlen(text->data) + 1 != text->len) {
        rc = FAIL(NMOS_E_INVALID, "a chat message cannot hold zero bytes");
    }
    if (rc == 0) {
        const struct nmos_message message = {"user", text->data};
        rc = nmos_template_render(chat_template, &message, 1, &prompt, &prompt_bytes);
    }
    if (rc == 0) {
        text->len = 0;
        rc = buf_append(text, prompt, prompt_bytes);
    }
    nmos_free(prompt);
    buf_deinit(&source);
    nmos_template_destroy(&chat_template);
    nmos_file_close(&file);
    return rc;
}

static int check_stops(const struct cli_options *options)
{
    for (size_t i = 0; i < options->stop.n; i++) {
        if (!options->stop.items[i][0]) return FAIL(NMOS_E_INVALID, "--stop needs a text");
    }
    return 0;
}

static int show_text(void *arg, const char *text, size_t len)
{
    const struct cli_options *options = arg;
    if (cli_interrupted()) return FAIL(NMOS_E_CANCELLED, "interrupted");
    TRY(options->json ? output_json(json_pack("{s:o*}", "text", output_json_string(text, len)), 1)
                      : output_write(text, len));
    return output_flush();
}

/* The last line: a newline, or with --json how the answer ended. */
static int show_end(const struct cli_options *options, const struct nmos_generation_result *result)
{
    static const char *const ends[] = {[NMOS_END_LIMIT] = "limit",
                                       [NMOS_END_TOKEN] = "token",
                                       [NMOS_END_STOP] = "stop",
                                       [NMOS_END_CONTEXT] = "context",
                                       [NMOS_END_CALLER] = "caller"};
    TRY(options->json
            ? output_json(json_pack("{s:s, s:I, s:I}", "end", ends[result->end], "prompt_tokens",
                                    (json_int_t)result->prompt_tokens, "generated_tokens",
                                    (json_int_t)result->generated_tokens),
                          1)
            : output_write("\n", 1));
    return output_flush();
}

static int run_prompt(const struct cli_options *options, struct nmos_model *model,
                      const struct buf *text, struct nmos_generation *generation,
                      struct nmos_generation_result *ret_result)
{
    struct nmos_session *session = NULL;
    int32_t *prompt = NULL;
    /* A chat template writes its own special tokens, BOS included. */
    const unsigned flags = options->chat ? NMOS_ENCODE_SPECIAL : NMOS_ENCODE_BOS;
    int rc = nmos_vocab_encode(nmos_model_vocab(model), text->data, text->len, flags, &prompt,
                               &generation->n_prompt);
    generation->prompt = prompt;
    if (rc == 0) rc = nmos_session_create(model, &session);
    if (rc == 0) rc = nmos_generate(session, generation, ret_result);
    nmos_session_destroy(&session);
    nmos_free(prompt);
    return rc;
}

static int generate(const struct cli_options *options, const struct buf *text)
{
    struct nmos_model *model = NULL;
    struct nmos_generation_result result = {0};
    struct nmos_logit_bias *bias = NULL;
    int rc = cli_parse_bias(options, &bias);
    if (rc == 0) rc = cli_model_open(options, ROWS_MAX, 1, &model);
    if (rc == 0) {
        struct nmos_generation generation = {.n_max = (uint32_t)options->max_tokens,
                                             .stops = options->stop.items,
                                             .n_stops = options->stop.n,
                                             .sampling = cli_sampling(options, bias),
                                             .spec = (enum nmos_spec)options->spec,
                                             .accept = (enum nmos_accept)options->accept,
                                             .on_text = show_text,
                                             .arg = (void *)(uintptr_t)options};
        rc = run_prompt(options, model, text, &generation, &result);
    }
    if (rc == 0) rc = show_end(options, &result);
    if (rc == 0 && result.end == NMOS_END_CONTEXT) {
        fprintf(stderr, "nmos: the context is full; the answer stops here (--ctx gives more)\n");
    }
    if (rc == 0) kv_cap_tell(model, options);
    if (rc == 0 && options->stats) rc = run_stats_print(model, options, &result);
    cli_model_close(&model);
    mem_free(bias);
    return rc;
}

int cmd_run(const struct cli_options *options)
{
    struct buf text = {0};
    int rc = check_stops(options);
    if (rc == 0) rc = read_prompt(options, &text);
    if (rc == 0 && options->chat) rc = wrap_prompt(options, &text);
    if (rc == 0) rc = generate(options, &text);
    buf_deinit(&text);
    return rc;
}
