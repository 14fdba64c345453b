/* SPDX-License-Identifier: MIT */
/*
 * bench_guess MODEL DRAFT|- RAM_BYTES PROMPTS.tsv DOMAIN FIRST N_PROMPTS N_TOKENS N_OFF TEMP
 * [MODE...]: tokens a second with guesses and without, in turn for each prompt.
 *
 * Prompts are lines of tests/golden/prompts.tsv, as a chat would have them: N_PROMPTS of DOMAIN
 * from the FIRST one on. Each is answered without guesses (N_OFF tokens) and in every MODE (auto,
 * ngram, chain, tree; N_TOKENS tokens), in an order that turns; the answer must begin with the same
 * text. Seconds are wall clock from the first text to the end. JSON on stdout, a line for each
 * answer: tokens behind the first, passes, seconds; of the passes: the median with guessing, the
 * mean of the pass alone. RAM_BYTES 0: as much as there is.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "chat_prompt.h"

#define MODES_MAX 5U
#define CTX       1024U

static const char *const mode_names[] = {"auto", "off", "ngram", "chain", "tree"};

struct bench {
    struct nmos_model *model;
    struct nmos_template *chat;
    const char *domain;
    size_t n_first;
    size_t n_prompts;
    uint32_t n_tokens;
    uint32_t n_off;
    float temp;
    enum nmos_spec modes[MODES_MAX]; /* off is one of them */
    size_t n_modes;
};

struct answer {
    struct buf text;
    uint64_t first_ns; /* when text came first; 0: not yet */
    double seconds;
    struct nmos_generation_result result;
    struct nmos_stats before;
    struct nmos_stats after;
};

static int take_text(void *arg, const char *text, size_t len)
{
    struct answer *answer = arg;
    if (!answer->first_ns) answer->first_ns = clock_ns();
    return buf_append(&answer->text, text, len);
}

static int generate(struct bench *b, const int32_t *tokens, size_t n_tokens, uint32_t n_most,
                    enum nmos_spec spec, struct answer *answer)
{
    struct nmos_session *session = NULL;
    struct nmos_generation generation = {.prompt = tokens,
                                         .n_prompt = n_tokens,
                                         .n_max = n_most,
                                         .sampling = nmos_sampling_default(),
                                         .spec = spec,
                                         .on_text = take_text,
                                         .arg = answer};
    generation.sampling.temp = b->temp;
    generation.sampling.seed = 1;
    TRY(nmos_session_create(b->model, &session));
    nmos_model_get_stats(b->model, &answer->before);
    const int rc = nmos_generate(session, &generation, &answer->result);
    answer->seconds = answer->first_ns ? (double)(clock_ns() - answer->first_ns) * 1e-9 : 0;
    nmos_model_get_stats(b->model, &answer->after);
    nmos_session_destroy(&session);
    return rc;
}

static void print_answer(const struct bench *b, size_t prompt_i, enum nmos_spec spec,
                         const struct answer *a)
{
    const double n_passes = (double)(a->after.passes - a->before.passes);
    printf("{\"domain\":\"%s\",\"prompt\":%zu,\"temp\":%g,\"mode\":\"%s\",\"tokens\":%u,\"passes\":"
           "%u,\"seconds\":%.4f,\"step_median_s\":%.4f,\"pass_mean_s\":%.4f,\"stall_mean_s\":%.4f,"
           "\"guessed\":%u,\"paused\":%u}\n",
           b->domain, prompt_i, (double)b->temp, mode_names[spec],
           a->result.generated_tokens ? a->result.generated_tokens - 1 : 0, a->result.decode_passes,
           a->seconds, (double)a->result.pass_median_ns * 1e-9,
           (double)(a->after.pass_ns - a->before.pass_ns) * 1e-9 / n_passes,
           (double)(a->after.stall_ns - a->before.stall_ns) * 1e-9 / n_passes,
           a->result.guessed_tokens, a->result.paused_steps);
    (void)fflush(stdout);
}

static int same_beginning(const struct buf *a, const struct buf *b)
{
    const size_t n = a->len < b->len ? a->len : b->len;
    return n == 0 || memcmp(a->data, b->data, n) == 0;
}

/* One prompt in every mode, beginning with another one each time. */
static int run_prompt(struct bench *b, size_t prompt_i, const int32_t *tokens, size_t n_tokens)
{
    struct answer first = {0};
    int rc = 0;
    for (size_t k = 0; k < b->n_modes && rc == 0; k++) {
        const enum nmos_spec spec = b->modes[(prompt_i + k) % b->n_modes];
        struct answer answer = {0};
        rc = generate(b, tokens, n_tokens, spec == NMOS_SPEC_OFF ? b->n_off : b->n_tokens, spec,
                      &answer);
        if (rc == 0) print_answer(b, prompt_i, spec, &answer);
        if (rc == 0 && k > 0 && !same_beginning(&first.text, &answer.text)) {
            rc = FAIL(NMOS_E_CORRUPT, "prompt %zu, %s: another text", prompt_i, mode_names[spec]);
        }
        if (k == 0) {
            first = answer;
        } else {
            buf_deinit(&answer.text);
        }
    }
    buf_deinit(&first.text);
    return rc;
}

static int run_text(struct bench *b, size_t prompt_i, const char *text)
{
    int32_t *tokens = NULL;
    size_t n_tokens = 0;
    int rc = chat_prompt_encode(b->model, b->chat, text, &tokens, &n_tokens);
    if (rc == 0) rc = run_prompt(b, prompt_i, tokens, n_tokens);
    nmos_free(tokens);
    return rc;
}

static int run_file(struct bench *b, char *lines)
{
    const int32_t warm_up[] = {1, 2};
    struct answer none = {0};
    char *rest = NULL;
    size_t n = 0;
    int rc = generate(b, warm_up, 2, 3, NMOS_SPEC_OFF, &none); /* loads the pins */
    buf_deinit(&none.text);
    for (char *line = strtok_r(lines, "\n", &rest); line && rc == 0;
         line = strtok_r(NULL, "\n", &rest)) {
        char *text = strrchr(line, '\t');
        if (!text || strncmp(line, b->domain, strlen(b->domain)) != 0) continue;
        if (n++ < b->n_first) continue;
        if (n > b->n_first + b->n_prompts) break;
        chat_prompt_unescape(text + 1);
        rc = run_text(b, n - 1, text + 1);
    }
    return rc;
}

static int run(struct bench *b, char **argv)
{
    struct nmos_model_options options = nmos_model_options_default();
    struct nmos_file *file = NULL;
    struct buf lines = {0};
    options.path = argv[1];
    options.draft_path = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
    options.ram_bytes = strtoull(argv[3], NULL, 10);
    options.ctx = CTX;
    TRY(nmos_model_open(&options, &b->model));
    int rc = nmos_file_open(argv[1], &file);
    if (rc == 0) rc = nmos_template_create(file, NULL, 0, &b->chat);
    if (rc == 0) rc = buf_read_file(&lines, argv[4], (size_t)1 << 24);
    if (rc == 0) rc = run_file(b, lines.data);
    nmos_template_destroy(&b->chat);
    nmos_file_close(&file);
    buf_deinit(&lines);
    return rc;
}

int main(int argc, char **argv)
{
    struct bench b = {.modes = {NMOS_SPEC_OFF}, .n_modes = 1};
    int is_valid = argc > 10;
    for (int i = 11; is_valid && i < argc; i++) {
        size_t mode = 0;
        while (mode < MODES_MAX && strcmp(mode_names[mode], argv[i]) != 0) mode++;
        is_valid = mode < MODES_MAX && mode != NMOS_SPEC_OFF && b.n_modes < MODES_MAX;
        if (is_valid) b.modes[b.n_modes++] = (enum nmos_spec)mode;
    }
    if (!is_valid) {
        (void)fprintf(stderr, "usage: bench_guess MODEL DRAFT|- RAM_BYTES PROMPTS.tsv DOMAIN FIRST "
                              "N_PROMPTS N_TOKENS N_OFF TEMP [MODE...]\n");
        return 2;
    }
    b.domain = argv[5];
    b.n_first = strtoul(argv[6], NULL, 10);
    b.n_prompts = strtoul(argv[7], NULL, 10);
    b.n_tokens = (uint32_t)strtoul(argv[8], NULL, 10);
    b.n_off = (uint32_t)strtoul(argv[9], NULL, 10);
    b.temp = strtof(argv[10], NULL);
    const int rc = run(&b, argv);
    if (rc < 0) (void)fprintf(stderr, "bench_guess: %s\n", nmos_last_error());
    nmos_model_close(&b.model);
    return rc < 0;
}
