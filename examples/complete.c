/* SPDX-License-Identifier: MIT */
/* Completes a text, with nothing but the public interface: complete MODEL.gguf TEXT N_TOKENS */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nmos_model *model;
static struct nmos_session *session;
static struct nmos_sampler *sampler;
static struct nmos_row rows[512]; /* rows_max of a model by default; more tokens are refused */

static void check(int rc)
{
    if (rc >= 0) return;
    fprintf(stderr, "complete: %s\n", nmos_last_error());
    exit(1);
}

/* Draws the token behind a row of the pass. */
static int draw(void *token, size_t row_i, float *logits)
{
    const uint64_t position = nmos_session_length(session) + row_i + 1;
    const int32_t drawn = nmos_sampler_draw(sampler, logits, NULL, 0, position);
    *(int32_t *)token = drawn;
    return drawn < 0 ? drawn : 0;
}

int main(int argc, char **argv)
{
    struct nmos_model_options options = nmos_model_options_default();
    const struct nmos_sampling sampling = nmos_sampling_default();
    int32_t *tokens = NULL; /* of the prompt, then the one drawn last */
    size_t n = 0;
    if (argc != 4) return 2;
    options.path = argv[1];
    check(nmos_model_open(&options, &model));
    check(nmos_session_create(model, &session));
    check(nmos_sampler_create(model, &sampling, &sampler));
    struct nmos_vocab *vocab = nmos_model_vocab(model);
    check(nmos_vocab_encode(vocab, argv[2], strlen(argv[2]), NMOS_ENCODE_BOS, &tokens, &n));
    fputs(argv[2], stdout);
    for (unsigned long left = strtoul(argv[3], NULL, 10); left > 0; left--, n = 1) {
        char *text = NULL;
        size_t len = 0;
        for (size_t i = 0; i < n && i < 512; i++) { /* each behind the one before */
            rows[i] = (struct nmos_row){session, tokens[i], (int32_t)i - 1, i + 1 == n};
        }
        check(nmos_forward(model, rows, n, draw, tokens)); /* the last row gives the next token */
        check(nmos_session_commit(session, (uint32_t)n));
        check(nmos_vocab_decode(vocab, tokens, 1, &text, &len));
        fwrite(text, 1, len, stdout);
        nmos_free(text);
    }
    nmos_free(tokens);
    nmos_sampler_destroy(&sampler);
    nmos_session_destroy(&session);
    nmos_model_close(&model);
    return 0;
}
