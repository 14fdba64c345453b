/* SPDX-License-Identifier: MIT */
/*
 * bench_odds MODEL DRAFT PROMPTS.tsv N_TOKENS N_GUESSES TEMP none|known: what it is worth to learn
 * how often guesses come true for each intent apart.
 *
 * Prompts are lines of tests/golden/prompts.tsv, as a chat would have them, shuffled (the same way
 * each time), answered with N_TOKENS tokens and N_GUESSES guesses in every pass. known: the domain
 * of each is told as its intent. Nothing has been learned before when the cache folder
 * (XDG_CACHE_HOME) is an empty one. JSON on stdout, a line for each domain and half of the prompts:
 * tokens behind the first, passes; counts, on which the machine's load has no influence.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat_prompt.h"

#define PROMPTS_MAX 1024U
#define CTX         1024U

static const char *const domains[] = {"CODE", "DOCS", "CHAT"};
#define N_DOMAINS (sizeof(domains) / sizeof(domains[0]))

struct bench {
    struct nmos_model *model;
    struct nmos_template *chat;
    uint32_t n_tokens;
    uint32_t n_guesses;
    float temp;
    int is_known;
    uint64_t tokens[2][N_DOMAINS];
    uint64_t passes[2][N_DOMAINS];
};

static int drop_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
    return 0;
}

static int answer(struct bench *b, char *line, size_t half)
{
    struct nmos_session *session = NULL;
    struct nmos_generation_result result;
    struct nmos_generation generation = {.n_max = b->n_tokens,
                                         .sampling = nmos_sampling_default(),
                                         .spec = NMOS_SPEC_TREE,
                                         .n_guesses = b->n_guesses,
                                         .on_text = drop_text};
    int32_t *tokens = NULL;
    char *text = strrchr(line, '\t');
    size_t domain = 0;
    while (domain < N_DOMAINS && strncmp(line, domains[domain], strlen(domains[domain])) != 0) {
        domain++;
    }
    if (!text || domain == N_DOMAINS) return FAIL(NMOS_E_INVALID, "\"%.40s\" is no prompt", line);
    chat_prompt_unescape(text + 1);
    generation.sampling.temp = b->temp;
    generation.sampling.seed = 1;
    generation.intent = b->is_known ? (uint32_t)domain + 1 : 0;
    int rc = chat_prompt_encode(b->model, b->chat, text + 1, &tokens, &generation.n_prompt);
    generation.prompt = tokens;
    if (rc == 0) rc = nmos_session_create(b->model, &session);
    if (rc == 0) rc = nmos_generate(session, &generation, &result);
    if (rc == 0) {
        b->tokens[half][domain] += result.generated_tokens ? result.generated_tokens - 1 : 0;
        b->passes[half][domain] += result.decode_passes;
    }
    nmos_session_destroy(&session);
    nmos_free(tokens);
    return rc;
}

/* Fisher and Yates, with numbers of a linear congruential generator. */
static void shuffle(char **lines, size_t n)
{
    uint64_t state = 1;
    for (size_t i = n; i > 1; i--) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        const size_t j = (size_t)((state >> 33) % i);
        char *const other = lines[j];
        lines[j] = lines[i - 1];
        lines[i - 1] = other;
    }
}

static int answer_all(struct bench *b, char *text)
{
    static char *lines[PROMPTS_MAX];
    char *rest = NULL;
    size_t n = 0;
    for (char *line = strtok_r(text, "\n", &rest); line && n < PROMPTS_MAX;
         line = strtok_r(NULL, "\n", &rest)) {
        lines[n++] = line;
    }
    shuffle(lines, n);
    for (size_t i = 0; i < n; i++) TRY(answer(b, lines[i], 2 * i >= n));
    for (size_t half = 0; half < 2; half++) {
        for (size_t domain = 0; domain < N_DOMAINS; domain++) {
            printf("{\"intent\":\"%s\",\"temp\":%g,\"guesses\":%u,\"half\":%zu,\"domain\":\"%s\","
                   "\"tokens\":%llu,\"passes\":%llu}\n",
                   b->is_known ? "known" : "none", (double)b->temp, b->n_guesses, half + 1,
                   domains[domain], (unsigned long long)b->tokens[half][domain],
                   (unsigned long long)b->passes[half][domain]);
        }
    }
    return 0;
}

static int run(struct bench *b, char **argv)
{
    struct nmos_model_options options = nmos_model_options_default();
    struct nmos_file *file = NULL;
    struct buf lines = {0};
    options.path = argv[1];
    options.draft_path = argv[2];
    options.ctx = CTX;
    options.intents = domains;
    options.n_intents = N_DOMAINS;
    options.learns = NMOS_LEARN_GUESSES;
    TRY(nmos_model_open(&options, &b->model));
    int rc = nmos_file_open(argv[1], &file);
    if (rc == 0) rc = nmos_template_create(file, NULL, 0, &b->chat);
    if (rc == 0) rc = buf_read_file(&lines, argv[3], (size_t)1 << 24);
    if (rc == 0) rc = answer_all(b, lines.data);
    nmos_template_destroy(&b->chat);
    nmos_file_close(&file);
    buf_deinit(&lines);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        (void)fprintf(stderr, "usage: bench_odds MODEL DRAFT PROMPTS.tsv N_TOKENS N_GUESSES TEMP "
                              "none|known\n");
        return 2;
    }
    struct bench b = {.n_tokens = (uint32_t)strtoul(argv[4], NULL, 10),
                      .n_guesses = (uint32_t)strtoul(argv[5], NULL, 10),
                      .temp = strtof(argv[6], NULL),
                      .is_known = strcmp(argv[7], "known") == 0};
    const int rc = run(&b, argv);
    if (rc < 0) (void)fprintf(stderr, "bench_odds: %s\n", nmos_last_error());
    nmos_model_close(&b.model);
    return rc < 0;
}
