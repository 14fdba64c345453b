/* SPDX-License-Identifier: MIT */
/*
 * check_guess ORACLE DRAFT PROMPTS.tsv N_PROMPTS PLACE [SIZES]: the same text however tokens are
 * guessed ahead, and how many tokens a pass then gives.
 *
 * Proves I2 on real text: at temperatures 0, 0.7 and 1 every mode and tree size gives the text that
 * one row a pass gives, byte for byte; and, where there are PROMPTS_TELLING or more prompts, that a
 * tree of a given size wins at least as many tokens a pass as the chain of that size. PLACE is
 * resident, or streamed (all that can be is read from the file in every pass); the text without
 * guesses is always that of the resident model. SIZES: numbers of guesses a pass, by default
 * "0,4,32"; 0: as many as pay. Prints one JSON line for each temperature, mode, size and domain.
 * Exit 1 when a text differs, which is shown, or a tree is worse.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "chat_prompt.h"

#define N_TOKENS        32U
#define PROMPTS_MAX     1000U
#define SIZES_MAX       16U
#define PROMPTS_TELLING 30U /* fewer say little about tokens per pass */

static const float temps[] = {0.0F, 0.7F, 1.0F};
static const char *const domains[] = {"CODE", "CHAT", "DOCS"};
static const char *const modes[] = {"auto", "off", "ngram", "chain", "tree"};
#define N_TEMPS   (sizeof(temps) / sizeof(temps[0]))
#define N_DOMAINS (sizeof(domains) / sizeof(domains[0]))

struct prompt {
    size_t domain_i;
    int32_t *tokens;
    size_t n_tokens;
    struct buf text[N_TEMPS]; /* without guesses */
};

struct check {
    struct nmos_model *model;
    struct prompt *prompts; /* [n] */
    size_t n;
    uint64_t tokens[N_DOMAINS]; /* of the mode at work */
    uint64_t passes[N_DOMAINS];
    unsigned n_different;
    unsigned n_worse; /* trees */
    unsigned n_compared;
};

static int append(void *arg, const char *text, size_t len)
{
    return buf_append(arg, text, len);
}

/* The text behind a prompt, in a session of its own. */
static int generate(struct check *c, const struct prompt *prompt, size_t temp_i,
                    enum nmos_spec spec, uint32_t size, struct buf *text,
                    struct nmos_generation_result *result)
{
    struct nmos_session *session = NULL;
    struct nmos_generation generation = {.prompt = prompt->tokens,
                                         .n_prompt = prompt->n_tokens,
                                         .n_max = N_TOKENS,
                                         .sampling = nmos_sampling_default(),
                                         .spec = spec,
                                         .n_guesses = size,
                                         .on_text = append,
                                         .arg = text};
    generation.sampling.temp = temps[temp_i];
    generation.sampling.seed = (uint64_t)(prompt - c->prompts);
    TRY(nmos_session_create(c->model, &session));
    const int rc = nmos_generate(session, &generation, result);
    nmos_session_destroy(&session);
    return rc;
}

/* All prompts in one mode; with spec off at first, their texts are kept. */
static int run_mode(struct check *c, size_t temp_i, enum nmos_spec spec, uint32_t size, int keeps)
{
    memset(c->tokens, 0, sizeof(c->tokens));
    memset(c->passes, 0, sizeof(c->passes));
    for (size_t i = 0; i < c->n; i++) {
        struct prompt *prompt = &c->prompts[i];
        struct nmos_generation_result result = {0};
        struct buf text = {0};
        const int rc = generate(c, prompt, temp_i, spec, size, &text, &result);
        c->tokens[prompt->domain_i] += result.generated_tokens;
        c->passes[prompt->domain_i] += result.decode_passes + 1;
        if (rc < 0 || keeps) {
            prompt->text[temp_i] = text;
            TRY(rc);
            continue;
        }
        const struct buf *want = &prompt->text[temp_i];
        c->n_compared++;
        if (!str_equal((struct str){text.data, text.len}, (struct str){want->data, want->len})) {
            c->n_different++;
            (void)fprintf(stderr, "prompt %zu, temp %g, %s of %u:\n%.*s\ninstead of\n%.*s\n", i,
                          (double)temps[temp_i], modes[spec], size, (int)text.len, text.data,
                          (int)want->len, want->data);
        }
        buf_deinit(&text);
    }
    return 0;
}

static void print_mode(const struct check *c, size_t temp_i, enum nmos_spec spec, uint32_t size)
{
    for (size_t d = 0; d < N_DOMAINS; d++) {
        if (!c->passes[d]) continue;
        printf("{\"temp\":%g,\"mode\":\"%s\",\"size\":%u,\"domain\":\"%s\",\"tokens_per_pass\":"
               "%.3f}\n",
               (double)temps[temp_i], modes[spec], size, domains[d],
               (double)c->tokens[d] / (double)c->passes[d]);
    }
}

static double tokens_per_pass(const struct check *c)
{
    uint64_t tokens = 0;
    uint64_t passes = 0;
    for (size_t d = 0; d < N_DOMAINS; d++) {
        tokens += c->tokens[d];
        passes += c->passes[d];
    }
    return (double)tokens / (double)passes;
}

/* How many ride when as many as pay depends on times, so nothing is compared then. */
static int run_size(struct check *c, size_t temp_i, uint32_t size)
{
    TRY(run_mode(c, temp_i, NMOS_SPEC_CHAIN, size, 0));
    print_mode(c, temp_i, NMOS_SPEC_CHAIN, size);
    const double chain = tokens_per_pass(c);
    TRY(run_mode(c, temp_i, NMOS_SPEC_TREE, size, 0));
    print_mode(c, temp_i, NMOS_SPEC_TREE, size);
    const double tree = tokens_per_pass(c);
    if (size == 0 || c->n < PROMPTS_TELLING || tree >= chain) return 0;
    c->n_worse++;
    (void)fprintf(stderr, "temp %g, %u guesses: a tree wins %.3f tokens a pass, a chain %.3f\n",
                  (double)temps[temp_i], size, tree, chain);
    return 0;
}

static int run_sizes(struct check *c, const uint32_t *sizes, size_t n_sizes)
{
    for (size_t t = 0; t < N_TEMPS; t++) {
        TRY(run_mode(c, t, NMOS_SPEC_OFF, 0, 0)); /* also: nothing but seed and prompt matters */
        TRY(run_mode(c, t, NMOS_SPEC_AUTO, 0, 0));
        TRY(run_mode(c, t, NMOS_SPEC_NGRAM, 0, 0));
        print_mode(c, t, NMOS_SPEC_NGRAM, 0);
        for (size_t i = 0; i < n_sizes; i++) TRY(run_size(c, t, sizes[i]));
    }
    return 0;
}

static int read_prompts(struct check *c, const struct nmos_template *chat, char *lines,
                        size_t n_most)
{
    char *rest = NULL;
    for (char *line = strtok_r(lines, "\n", &rest); line && c->n < n_most;
         line = strtok_r(NULL, "\n", &rest)) {
        char *text = strrchr(line, '\t');
        struct prompt *prompt = &c->prompts[c->n++];
        if (!text) return FAIL(NMOS_E_CORRUPT, "line %zu of the prompts has no tab", c->n);
        while (prompt->domain_i + 1 < N_DOMAINS &&
               strncmp(line, domains[prompt->domain_i], 4) != 0) {
            prompt->domain_i++;
        }
        chat_prompt_unescape(text + 1);
        TRY(chat_prompt_encode(c->model, chat, text + 1, &prompt->tokens, &prompt->n_tokens));
    }
    return 0;
}

static int check(struct check *c, char **argv, const char *size_list)
{
    uint32_t sizes[SIZES_MAX];
    size_t n_sizes = 0;
    struct buf lines = {0};
    struct nmos_file *file = NULL;
    struct nmos_template *chat = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    options.path = argv[1];
    options.draft_path = argv[2];
    options.ctx = 1024;
    options.ram_bytes = (uint64_t)1 << 30;
    for (const char *at = size_list; n_sizes < SIZES_MAX; at++) {
        char *end = NULL;
        sizes[n_sizes++] = (uint32_t)strtoul(at, &end, 10);
        at = end;
        if (*at != ',') break;
    }
    TRY(nmos_model_open(&options, &c->model));
    int rc = buf_read_file(&lines, argv[3], (size_t)1 << 24);
    if (rc == 0) rc = nmos_file_open(argv[1], &file);
    if (rc == 0) rc = nmos_template_create(file, NULL, 0, &chat);
    if (rc == 0) rc = read_prompts(c, chat, lines.data, strtoul(argv[4], NULL, 10));
    for (size_t t = 0; t < N_TEMPS && rc == 0; t++) rc = run_mode(c, t, NMOS_SPEC_OFF, 0, 1);
    if (rc == 0 && strcmp(argv[5], "streamed") == 0) rc = nmos_model_shrink(c->model, 1);
    if (rc == 0) rc = run_sizes(c, sizes, n_sizes);
    nmos_template_destroy(&chat);
    nmos_file_close(&file);
    buf_deinit(&lines);
    return rc;
}

int main(int argc, char **argv)
{
    struct check c = {.prompts = mem_calloc(MEM_GENERAL, PROMPTS_MAX, sizeof(struct prompt))};
    int rc = c.prompts && argc >= 6
                 ? check(&c, argv, argc > 6 ? argv[6] : "0,4,32")
                 : FAIL(NMOS_E_INVALID, "usage: check_guess ORACLE DRAFT PROMPTS.tsv N_PROMPTS "
                                        "resident|streamed [SIZES]");
    if (rc < 0) (void)fprintf(stderr, "check_guess: %s\n", nmos_last_error());
    (void)fprintf(stderr, "%u texts compared, %u different\n", c.n_compared, c.n_different);
    for (size_t i = 0; c.prompts && i < c.n; i++) {
        nmos_free(c.prompts[i].tokens);
        for (size_t t = 0; t < N_TEMPS; t++) buf_deinit(&c.prompts[i].text[t]);
    }
    mem_free(c.prompts);
    nmos_model_close(&c.model);
    return rc < 0 || c.n_different > 0 || c.n_worse > 0 || c.n_compared == 0;
}
