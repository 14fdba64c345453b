/* SPDX-License-Identifier: MIT */
#include "engine/provisional.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/generator.h"
#include "engine/model.h"
#include "tokenizer/utf8_stream.h"

#define ROWS_MAX   32U /* of one pass: so long may the oracle's guesses have to wait */
#define TOKENS_MAX 64U
/* A prompt that has just changed is not read yet: the next key is often sooner. */
#define PAUSE_NS   UINT64_C(50000000)

struct provisional {
    struct nmos_session *session;
    struct nmos_model *model;
    void (*on_text)(void *arg, const char *text, size_t len);
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* of the monotonic clock */

    /* Under the lock. */
    struct tokens prompt;
    uint64_t version; /* of the prompt */
    uint64_t since_ns;
    int is_asked;
    int is_over; /* nothing is to be done before the next change */
    int is_stopping;
    struct buf text;   /* the draft's answer so far */
    size_t n_verified; /* bytes of it that the oracle has said, too */

    /* The thread's own. */
    struct sampler *sampler;
    struct utf8_stream stream;
    struct nmos_row rows[ROWS_MAX];
    int32_t *tokens; /* [ctx] the prompt, and what was drawn behind it */
    size_t n_tokens;
    size_t n_prompt;
    uint64_t own_version;
    int32_t drawn;
};

/* ---- The draft ---- */

static int draw(void *arg, size_t row_i, float *logits)
{
    struct provisional *p = arg;
    (void)row_i;
    p->drawn = sampler_draw(p->sampler, logits, p->tokens, p->n_tokens, p->n_tokens);
    return p->drawn < 0 ? p->drawn : 0;
}

/* Runs what the draft has not read, at most ROWS_MAX rows; the last token only if what follows it
 * is wanted. @return 1 when that was drawn, 2 when there is nothing to read, 0 to go on. */
static int read_on(struct provisional *p, int is_asked)
{
    struct nmos_session *draft = p->session->draft;
    const size_t n_goal = is_asked ? p->n_tokens : p->n_tokens - 1;
    const uint32_t same = nmos_session_match(draft, p->tokens, p->n_tokens - 1);
    if (same >= n_goal) return 2;
    const size_t left = n_goal - same;
    const uint32_t n = left < ROWS_MAX ? (uint32_t)left : ROWS_MAX;
    p->session->n_turns++;
    TRY(nmos_session_truncate(draft, same));
    for (uint32_t i = 0; i < n; i++) {
        const int32_t token = p->tokens[same + i];
        if ((uint32_t)token >= draft->model->info.n_vocab) return NMOS_E_UNSUPPORTED;
        p->rows[i] = (struct nmos_row){draft, token, (int32_t)i - 1, same + i + 1 == p->n_tokens};
    }
    TRY(nmos_forward(draft->model, p->rows, n, draw, p));
    TRY(nmos_session_commit(draft, n));
    return same + n == p->n_tokens;
}

/* ---- The text. Under the lock. ---- */

/* Tells what is guessed behind what was verified. */
static void tell(struct provisional *p)
{
    p->on_text(p->arg, p->text.len ? p->text.data + p->n_verified : "",
               p->text.len - p->n_verified);
}

static void drop(struct provisional *p)
{
    const int was_told = p->text.len > p->n_verified;
    p->is_over = 1;
    p->text.len = 0;
    p->n_verified = 0;
    if (was_told) tell(p);
}

/* Takes the token that was drawn. @return 0 to go on, 1 when the answer has ended. */
static int take_drawn(struct provisional *p)
{
    const struct tokenizer *tokenizer = p->model->vocab->tokenizer;
    struct str piece = {0};
    struct str text = {0};
    int is_stopped = 0;
    if (p->drawn >= tokenizer_n_vocab(tokenizer) || tokenizer_is_end(tokenizer, p->drawn)) return 1;
    p->tokens[p->n_tokens++] = p->drawn;
    TRY(tokenizer_piece(tokenizer, p->drawn, &piece));
    TRY(utf8_stream_feed(&p->stream, piece, &text, &is_stopped));
    TRY(buf_append(&p->text, text.data, text.len));
    if (text.len) tell(p);
    return p->n_tokens == p->n_prompt + TOKENS_MAX || p->n_tokens == p->model->info.ctx;
}

/* ---- The thread ---- */

/* Begins with the prompt as it is now. Under the lock. */
static int take_prompt(struct provisional *p)
{
    const size_t piece_max = tokenizer_piece_bytes_max(p->model->vocab->tokenizer);
    p->own_version = p->version;
    p->n_prompt = p->prompt.n;
    p->n_tokens = p->prompt.n;
    if (p->prompt.n == 0 || p->prompt.n >= p->model->info.ctx) return NMOS_E_LIMIT;
    memcpy(p->tokens, p->prompt.ids, p->prompt.n * sizeof(p->tokens[0]));
    utf8_stream_deinit(&p->stream);
    return utf8_stream_init(&p->stream, NULL, 0, piece_max);
}

/* Waits until there is something to do. Under the lock. @return 0 when the thread is to end. */
static int wait_for_work(struct provisional *p)
{
    while (!p->is_stopping) {
        const uint64_t begin_ns = p->since_ns + PAUSE_NS;
        if (!p->is_over && p->is_asked) return 1;
        if (p->is_over) {
            pthread_cond_wait(&p->wake, &p->lock);
        } else if (clock_ns() >= begin_ns) {
            return 1;
        } else {
            const struct timespec time = clock_timespec(begin_ns);
            (void)pthread_cond_timedwait(&p->wake, &p->lock, &time);
        }
    }
    return 0;
}

/* One pass of the draft. Under the lock, which is released meanwhile. */
static void step(struct provisional *p)
{
    const int is_asked = p->is_asked;
    int rc = p->own_version == p->version ? 0 : take_prompt(p);
    if (rc == 0) {
        pthread_mutex_unlock(&p->lock);
        pthread_mutex_lock(&p->model->draft_lock);
        rc = read_on(p, is_asked);
        pthread_mutex_unlock(&p->model->draft_lock);
        pthread_mutex_lock(&p->lock);
    }
    if (p->own_version != p->version || p->is_over) return;
    if (rc == 1) rc = take_drawn(p);
    /* Whatever fails: there is no guess, and the oracle's text comes all the same. */
    if (rc < 0 || (rc == 1 && is_asked) || (rc == 2 && !p->is_asked)) p->is_over = 1;
}

static void *run(void *arg)
{
    struct provisional *p = arg;
    pthread_mutex_lock(&p->lock);
    while (wait_for_work(p)) step(p);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- What others say ---- */

void provisional_follow(struct provisional *p, const struct tokens *prompt)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    drop(p);
    struct tokens copy = {mem_calloc(MEM_GENERAL, prompt->n + 1, sizeof(int32_t)), prompt->n};
    if (copy.ids) {
        if (prompt->n) memcpy(copy.ids, prompt->ids, prompt->n * sizeof(int32_t));
        tokens_set(&p->prompt, copy);
        p->version++;
        p->since_ns = clock_ns();
        p->is_asked = 0;
        p->is_over = 0;
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
}

void provisional_ask(struct provisional *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->is_asked = 1;
    p->is_over = 0;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

void provisional_verify(struct provisional *p, const char *text, size_t len)
{
    if (!p || len == 0) return;
    pthread_mutex_lock(&p->lock);
    const size_t n_guessed = p->text.len - p->n_verified;
    if (len <= n_guessed && memcmp(p->text.data + p->n_verified, text, len) == 0) {
        p->n_verified += len;
        tell(p);
    } else {
        drop(p);
    }
    pthread_mutex_unlock(&p->lock);
}

void provisional_end(struct provisional *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    drop(p);
    pthread_mutex_unlock(&p->lock);
}

/* ---- Beginning and end ---- */

static int init(struct provisional *p, const struct nmos_generation *generation)
{
    struct sampler_params params = generator_sampler_params(&generation->sampling);
    const uint32_t n_vocab = p->model->draft->info.n_vocab;
    if (n_vocab != p->model->info.n_vocab) params.n_bias = 0; /* a biased token may be missing */
    p->tokens = mem_calloc(MEM_GENERAL, p->model->info.ctx + 1, sizeof(p->tokens[0]));
    if (!p->tokens) return NMOS_E_NOMEM;
    TRY(sampler_create(&params, n_vocab, &p->sampler));
    pthread_mutex_lock(&p->model->draft_lock);
    const int rc = session_begin_draft(p->session);
    pthread_mutex_unlock(&p->model->draft_lock);
    return rc;
}

static void free_all(struct provisional *p)
{
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    sampler_destroy(&p->sampler);
    utf8_stream_deinit(&p->stream);
    buf_deinit(&p->text);
    nmos_free(p->prompt.ids);
    mem_free(p->tokens);
    mem_free(p);
}

int provisional_create(struct nmos_session *session, const struct nmos_generation *generation,
                       void (*on_text)(void *arg, const char *text, size_t len),
                       struct provisional **ret_provisional)
{
    struct provisional *p = mem_calloc(MEM_GENERAL, 1, sizeof(*p));
    if (!p) return NMOS_E_NOMEM;
    p->session = session;
    p->model = session->model;
    p->on_text = on_text;
    p->arg = generation->arg;
    p->is_over = 1;
    pthread_mutex_init(&p->lock, NULL);
    clock_cond_init(&p->wake);
    int rc = init(p, generation);
    if (rc == 0 && pthread_create(&p->thread, NULL, run, p) != 0) {
        rc = FAIL(NMOS_E_NOMEM, "no thread can be started for provisional text");
    }
    if (rc < 0) {
        free_all(p);
        return rc;
    }
    *ret_provisional = p;
    return 0;
}

void provisional_destroy(struct provisional **provisional)
{
    struct provisional *p = *provisional;
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->is_stopping = 1;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    free_all(p);
    *provisional = NULL;
}
