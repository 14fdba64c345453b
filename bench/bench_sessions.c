/* SPDX-License-Identifier: MIT */
/*
 * bench_sessions MODEL RAM_BYTES TOKENS SESSIONS [SESSIONS ...]: tokens a second of many sessions
 * in one pass.
 *
 * All sessions of a round begin at once, with prompts of their own of 16 tokens, and generate
 * TOKENS tokens at most, without guesses. The pool of KV pages holds what the largest round needs.
 * JSON on stdout, one line a round: tokens a second of all together from the first pass to the
 * last, passes, the longest wait in passes, seconds to the first token (the slowest session's), and
 * the process's peak memory.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "engine/vocab_view.h"
#include "tokenizer/tokenizer.h"

#define CTX          512U
#define SESSIONS_MAX 1024U
#define N_PROMPT     16U
#define ENDS_MAX     64U

static struct nmos_logit_bias no_end[ENDS_MAX]; /* tokens that would end a text */
static size_t n_ends;

static int drop_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
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

static int begin(struct nmos_model *model, struct nmos_scheduler *scheduler, struct rider *rider,
                 uint32_t number, uint32_t n_tokens)
{
    int32_t prompt[N_PROMPT];
    struct nmos_job_options options = {.generation = {.prompt = prompt,
                                                      .n_prompt = N_PROMPT,
                                                      .n_max = n_tokens,
                                                      .sampling = nmos_sampling_default(),
                                                      .spec = NMOS_SPEC_OFF,
                                                      .on_text = drop_text}};
    const int32_t n_vocab = nmos_vocab_size(nmos_model_vocab(model));
    for (uint32_t i = 0; i < N_PROMPT; i++) {
        prompt[i] = (int32_t)((number * 7919 + i * 104729 + 3) % (uint32_t)n_vocab);
    }
    options.generation.sampling.seed = number;
    options.generation.sampling.bias = no_end;
    options.generation.sampling.n_bias = n_ends;
    if (nmos_session_create(model, &rider->session) < 0) return -1;
    return nmos_job_submit(scheduler, rider->session, &options, &rider->job);
}

/* One round. @return 0, or 1 when something failed. */
static int run(struct nmos_model *model, uint32_t n, uint32_t n_tokens, int is_shown)
{
    static struct rider riders[SESSIONS_MAX];
    struct nmos_scheduler *scheduler = NULL;
    struct nmos_scheduler_stats stats;
    struct rusage usage;
    uint64_t tokens = 0;
    uint64_t first_ns = 0;
    if (nmos_scheduler_create(model, &scheduler) < 0) return fail("scheduler");
    const uint64_t begin_ns = clock_ns();
    for (uint32_t i = 0; i < n; i++) {
        if (begin(model, scheduler, &riders[i], i, n_tokens) < 0) return fail("job");
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
    if (!is_shown) return 0;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"sessions\": %u, \"tokens\": %llu, \"seconds\": %.3f, \"tok_s\": %.3f, \"passes\": "
           "%llu, "
           "\"rows\": %llu, \"wait_most\": %u, \"first_token_s\": %.3f, \"peak_MB\": %.0f}\n",
           n, (unsigned long long)tokens, seconds, (double)tokens / seconds,
           (unsigned long long)stats.passes, (unsigned long long)stats.rows, stats.wait_most,
           (double)first_ns * 1e-9, (double)usage.ru_maxrss * 1024 / 1e6);
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct nmos_model *model = NULL;
    struct nmos_model_options options = nmos_model_options_default();
    if (argc < 5) {
        fprintf(stderr, "usage: bench_sessions MODEL RAM_BYTES TOKENS SESSIONS [SESSIONS ...]\n");
        return 2;
    }
    const uint32_t n_tokens = (uint32_t)strtoul(argv[3], NULL, 10);
    options.path = argv[1];
    options.ram_bytes = strtoull(argv[2], NULL, 10);
    options.ctx = CTX;
    for (int i = 4; i < argc; i++) {
        const uint32_t n = (uint32_t)strtoul(argv[i], NULL, 10);
        if (n < 1 || n > SESSIONS_MAX) return fail("1 to 1024 sessions are possible");
        if (n > options.sessions_max) options.sessions_max = n;
    }
    options.kv_tokens = (uint64_t)options.sessions_max * ((N_PROMPT + n_tokens) / 64 + 1) * 64;
    if (options.kv_tokens < CTX) options.kv_tokens = CTX;
    if (nmos_model_open(&options, &model) < 0) return fail(argv[1]);
    const struct tokenizer *tokenizer = nmos_model_vocab(model)->tokenizer;
    for (int32_t i = 0; i < tokenizer_n_vocab(tokenizer) && n_ends < ENDS_MAX; i++) {
        if (tokenizer_is_end(tokenizer, i)) no_end[n_ends++] = (struct nmos_logit_bias){i, -1e9F};
    }
    int failed = run(model, 1, 2, 0); /* reads the pins */
    for (int i = 4; i < argc && !failed; i++) {
        failed = run(model, (uint32_t)strtoul(argv[i], NULL, 10), n_tokens, 1);
    }
    nmos_model_close(&model);
    return failed;
}
