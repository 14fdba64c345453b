/* SPDX-License-Identifier: MIT */
/*
 * bench_sessions [-d DRAFT] [-f PROMPTS] [-s N | -u N] MODEL RAM_BYTES TOKENS SESSIONS [SESSIONS
 * ...]: tokens a second of many sessions in one pass.
 *
 * All sessions of a round begin at once and generate TOKENS tokens at most. Their prompts are 16
 * tokens of noise, another for each session; with -f the questions of a file, one a line, or its
 * last column, in the model's chat template. In front of the noise stand N tokens: the same ones
 * for all with -s, others for each with -u. With -d a draft guesses ahead, else nothing does. The
 * pool of KV pages holds what the largest round needs, pages that are shared counted for each.
 * JSON on stdout, one line a round: tokens a second of all together from the first pass to the
 * last, passes, rows, the longest wait in passes, seconds to the first token (the slowest
 * session's), the largest number of KV pages in use, tokens of prompts that were shared, and the
 * process's peak memory.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "chat_prompt.h"
#include "engine/vocab_view.h"
#include "tokenizer/tokenizer.h"

#define CTX          1024U
#define SESSIONS_MAX 1024U
#define N_PROMPT     16U
#define SHARED_MAX   768U
#define ENDS_MAX     64U
#define TEXT_MAX     ((size_t)1 << 20)

static struct nmos_logit_bias no_end[ENDS_MAX]; /* tokens that would end a text */
static size_t n_ends;

/* How prompts are made. */
static struct {
    uint32_t n_first; /* tokens in front */
    int is_shared;    /* the same for all */
    const char *questions;
    struct buf text; /* of the file of questions */
    struct nmos_template *chat_template;
    int has_draft;
} how;

static struct nmos_scheduler *scheduler;
static uint32_t pages_least; /* free at any time in this round */

static int drop_text(void *arg, const char *text, size_t len)
{
    struct nmos_scheduler_stats stats;
    (void)arg;
    (void)text;
    (void)len;
    nmos_scheduler_get_stats(scheduler, &stats);
    if (stats.pages_free < pages_least) pages_least = stats.pages_free;
    return 0;
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_sessions: %s: %s\n", what, nmos_last_error());
    return 1;
}

struct rider {
    struct nmos_session *session;
    struct nmos_job *job;
    struct nmos_generation_result result;
};

/* Question @p number of the file, from the beginning again when there are not so many. */
static int ask(struct nmos_model *model, uint32_t number, int32_t **ret_ids, size_t *ret_n)
{
    char *line = how.text.data;
    for (uint32_t i = 0; i < number; i++) {
        line = strchr(line, '\n');
        line = line && line[1] ? line + 1 : how.text.data;
    }
    const size_t n = strcspn(line, "\n");
    char *question = strndup(line, n);
    if (!question) return -1;
    const char *tab = strrchr(question, '\t');
    const int rc =
        chat_prompt_encode(model, how.chat_template, tab ? tab + 1 : question, ret_ids, ret_n);
    free(question);
    return rc;
}

static int begin(struct nmos_model *model, struct rider *rider, uint32_t number, uint32_t n_tokens)
{
    static int32_t noise[SHARED_MAX + N_PROMPT];
    int32_t *ids = NULL;
    struct nmos_job_options options = {
        .generation = {.prompt = noise,
                       .n_prompt = how.n_first + N_PROMPT,
                       .n_max = n_tokens,
                       .sampling = nmos_sampling_default(),
                       .spec = how.has_draft ? NMOS_SPEC_AUTO : NMOS_SPEC_OFF,
                       .on_text = drop_text}};
    const uint32_t n_vocab = (uint32_t)nmos_vocab_size(nmos_model_vocab(model));
    for (uint32_t i = 0; i < how.n_first + N_PROMPT; i++) {
        const uint32_t of_whom = how.is_shared && i < how.n_first ? 0 : number + 1;
        noise[i] = (int32_t)((of_whom * 7919 + i * 104729 + 3) % n_vocab);
    }
    if (how.questions) {
        if (ask(model, number, &ids, &options.generation.n_prompt) < 0) return -1;
        options.generation.prompt = ids;
    }
    options.generation.sampling.seed = number;
    options.generation.sampling.bias = no_end;
    options.generation.sampling.n_bias = n_ends;
    int rc = nmos_session_create(model, &rider->session);
    if (rc == 0) rc = nmos_job_submit(scheduler, rider->session, &options, &rider->job);
    nmos_free(ids);
    return rc;
}

/* One round. @return 0, or 1 when something failed. */
static int run(struct nmos_model *model, uint32_t n, uint32_t n_tokens, int is_shown)
{
    static struct rider riders[SESSIONS_MAX];
    struct nmos_scheduler_stats stats;
    struct nmos_model_info info;
    struct nmos_stats before;
    struct nmos_stats after;
    struct rusage usage;
    uint64_t tokens = 0;
    uint64_t first_ns = 0;
    pages_least = UINT32_MAX;
    nmos_model_get_info(model, &info);
    nmos_model_get_stats(model, &before);
    if (nmos_scheduler_create(model, &scheduler) < 0) return fail("scheduler");
    const uint64_t begin_ns = clock_ns();
    for (uint32_t i = 0; i < n; i++) {
        if (begin(model, &riders[i], i, n_tokens) < 0) return fail("job");
    }
    for (uint32_t i = 0; i < n; i++) {
        struct rider *rider = &riders[i];
        if (nmos_job_wait(rider->job, &rider->result) < 0) return fail("job");
        tokens += rider->result.generated_tokens;
        if (rider->result.first_token_ns > first_ns) first_ns = rider->result.first_token_ns;
        nmos_job_release(&rider->job);
        nmos_session_destroy(&rider->session);
    }
    const double seconds = (double)(clock_ns() - begin_ns) * 1e-9;
    nmos_scheduler_get_stats(scheduler, &stats);
    nmos_scheduler_destroy(&scheduler);
    nmos_model_get_stats(model, &after);
    if (!is_shown) return 0;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"sessions\": %u, \"tokens\": %llu, \"seconds\": %.3f, \"tok_s\": %.3f, \"passes\": "
           "%llu, "
           "\"rows\": %llu, \"wait_most\": %u, \"first_token_s\": %.3f, \"kv_pages\": %u, "
           "\"shared_tokens\": %llu, \"peak_MB\": %.0f}\n",
           n, (unsigned long long)tokens, seconds, (double)tokens / seconds,
           (unsigned long long)stats.passes, (unsigned long long)stats.rows, stats.wait_most,
           (double)first_ns * 1e-9, info.kv_pages - pages_least,
           (unsigned long long)(after.tokens_shared - before.tokens_shared),
           (double)usage.ru_maxrss * 1024 / 1e6);
    fflush(stdout);
    return 0;
}

static int read_options(int argc, char **argv, struct nmos_model_options *options)
{
    int letter;
    while ((letter = getopt(argc, argv, "d:f:s:u:")) != -1) {
        if (letter == 'd') options->draft_path = optarg;
        if (letter == 'f') how.questions = optarg;
        if (letter == 's' || letter == 'u') how.n_first = (uint32_t)strtoul(optarg, NULL, 10);
        if (letter == 's') how.is_shared = 1;
        if (letter == '?') return -1;
    }
    how.has_draft = options->draft_path != NULL;
    return argc - optind >= 4 && how.n_first <= SHARED_MAX ? 0 : -1;
}

static int read_questions(const char *model)
{
    struct nmos_file *file = NULL;
    if (!how.questions) return 0;
    int rc = buf_read_file(&how.text, how.questions, TEXT_MAX);
    if (rc == 0) rc = buf_append(&how.text, "", 1);
    if (rc == 0) rc = nmos_file_open(model, &file);
    if (rc == 0) rc = nmos_template_create(file, NULL, 0, &how.chat_template);
    nmos_file_close(&file);
    return rc;
}

int main(int argc, char **argv)
{
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    if (read_options(argc, argv, &options) < 0) {
        fprintf(stderr, "usage: bench_sessions [-d DRAFT] [-f PROMPTS] [-s N | -u N] MODEL "
                        "RAM_BYTES TOKENS SESSIONS [SESSIONS ...]; N is at most 768\n");
        return 2;
    }
    char **args = argv + optind;
    const uint32_t n_tokens = (uint32_t)strtoul(args[2], NULL, 10);
    options.path = args[0];
    options.ram_bytes = strtoull(args[1], NULL, 10);
    options.ctx = CTX;
    for (int i = 3; args[i]; i++) {
        const uint32_t n = (uint32_t)strtoul(args[i], NULL, 10);
        if (n < 1 || n > SESSIONS_MAX) return fail("1 to 1024 sessions are possible");
        if (n > options.sessions_max) options.sessions_max = n;
    }
    const uint64_t n_prompt = how.questions ? 256 : how.n_first + N_PROMPT;
    options.kv_tokens = options.sessions_max * ((n_prompt + n_tokens) / 64 + 1) * 64;
    if (options.kv_tokens < CTX) options.kv_tokens = CTX;
    if (read_questions(args[0]) < 0) return fail(how.questions);
    if (nmos_model_open(&options, &model) < 0) return fail(args[0]);
    const struct tokenizer *tokenizer = nmos_model_vocab(model)->tokenizer;
    for (int32_t i = 0; i < tokenizer_n_vocab(tokenizer) && n_ends < ENDS_MAX; i++) {
        if (tokenizer_is_end(tokenizer, i)) no_end[n_ends++] = (struct nmos_logit_bias){i, -1e9F};
    }
    int failed = run(model, 1, 2, 0); /* reads the pins */
    for (int i = 3; args[i] && !failed; i++) {
        failed = run(model, (uint32_t)strtoul(args[i], NULL, 10), n_tokens, 1);
    }
    nmos_model_close(&model);
    nmos_template_destroy(&how.chat_template);
    buf_deinit(&how.text);
    return failed;
}
