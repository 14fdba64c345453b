/* SPDX-License-Identifier: MIT */
/*
 * Completes a text, with nothing but the public interface: complete MODEL.gguf TEXT N_TOKENS
 *
 * The prompt's tokens run in passes of at most ROWS_MAX rows, each token behind the one before. The
 * logits of the last row give the next token, which runs as a pass of one row, and so on.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX   64
#define TOKENS_MAX 4096

struct text {
    int32_t tokens[TOKENS_MAX];
    size_t n;
    struct nmos_sampler *sampler;
};

/* Appends the token that a row's logits give. */
static int draw_token(void *arg, size_t row_i, float *logits)
{
    struct text *text = arg;
    (void)row_i;
    const int32_t token = nmos_sampler_draw(text->sampler, logits, text->tokens, text->n, text->n);
    if (token >= 0) text->tokens[text->n++] = token;
    return token < 0 ? token : 0;
}

/* Runs the tokens that the session does not have yet; a new one comes behind them. */
static int append_token(struct nmos_model *model, struct nmos_session *session, struct text *text)
{
    struct nmos_row rows[ROWS_MAX];
    const size_t n_before = text->n;
    int rc = 0;
    while (rc == 0 && nmos_session_length(session) < n_before) {
        const size_t done = nmos_session_length(session);
        const size_t n = n_before - done < ROWS_MAX ? n_before - done : ROWS_MAX;
        for (size_t i = 0; i < n; i++) {
            rows[i] = (struct nmos_row){.session = session,
                                        .token = text->tokens[done + i],
                                        .parent = (int32_t)i - 1,
                                        .wants_logits = done + i + 1 == n_before};
        }
        rc = nmos_forward(model, rows, n, draw_token, text);
        if (rc == 0) rc = nmos_session_commit(session, (uint32_t)n);
    }
    return rc;
}

static int complete(struct nmos_model *model, const char *prompt, size_t n_more)
{
    static struct text text;
    struct nmos_vocab *vocab = nmos_model_vocab(model);
    const struct nmos_sampling sampling = nmos_sampling_default();
    struct nmos_session *session = NULL;
    int32_t *ids = NULL;
    char *bytes = NULL;
    size_t len = 0;
    int rc = nmos_vocab_encode(vocab, prompt, strlen(prompt), NMOS_ENCODE_BOS, &ids, &text.n);
    if (rc == 0 && (text.n > TOKENS_MAX || n_more > TOKENS_MAX - text.n)) {
        fprintf(stderr, "complete: at most %d tokens in all\n", TOKENS_MAX);
        exit(1);
    }
    if (rc == 0) memcpy(text.tokens, ids, text.n * sizeof(*ids));
    if (rc == 0) rc = nmos_session_create(model, &session);
    if (rc == 0) rc = nmos_sampler_create(model, &sampling, &text.sampler);
    for (size_t i = 0; rc == 0 && i < n_more; i++) rc = append_token(model, session, &text);
    if (rc == 0) rc = nmos_vocab_decode(vocab, text.tokens, text.n, &bytes, &len);
    if (rc == 0) fwrite(bytes, 1, len, stdout);
    nmos_free(bytes);
    nmos_free(ids);
    nmos_sampler_destroy(&text.sampler);
    nmos_session_destroy(&session);
    return rc;
}

int main(int argc, char **argv)
{
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    if (argc != 4) {
        fprintf(stderr, "usage: complete MODEL.gguf TEXT N_TOKENS\n");
        return 2;
    }
    options.path = argv[1];
    options.rows_max = ROWS_MAX;
    int rc = nmos_model_open(&options, &model);
    if (rc == 0) rc = complete(model, argv[2], strtoul(argv[3], NULL, 10));
    if (rc < 0) fprintf(stderr, "complete: %s\n", nmos_last_error());
    nmos_model_close(&model);
    return rc < 0;
}
