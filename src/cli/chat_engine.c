/* SPDX-License-Identifier: MIT */
#include "cli/chat_engine.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli_model.h"

#define ROWS_MAX           512U
#define TEMPLATE_BYTES_MAX ((size_t)1 << 20)

struct chat_engine {
    const struct cli_options *options;
    struct nmos_model *model;
    struct nmos_session *session;
    struct nmos_template *chat_template;
    struct nmos_logit_bias *bias;
    struct nmos_model_info info;
    int32_t *prompt; /* of the answer at work; the session has its beginning */
    size_t n_prompt;
    uint32_t n_reused;
    pthread_t thread;
    int is_running; /* the thread is to be joined */
    int event_fd;   /* readable when there is text, or the answer has ended */
    _Atomic int is_stopped;
    pthread_mutex_t lock; /* guards what follows; a leaf */
    struct buf text;      /* has come, not yet given to the caller */
    int has_ended;
    int rc;
    char message[ERROR_MESSAGE_MAX];
    struct nmos_stats stats;
    struct nmos_generation_result result;
    uint32_t n_tokens;
};

/* ---- Opening and closing ---- */

static int open_template(struct chat_engine *engine)
{
    struct nmos_file *file = NULL;
    struct buf source = {0};
    int rc = nmos_file_open(engine->options->model, &file);
    if (rc == 0 && engine->options->chat_template) {
        rc = buf_reserve(&source, 1);
        if (rc == 0)
            rc = buf_read_file(&source, engine->options->chat_template, TEMPLATE_BYTES_MAX);
    }
    if (rc == 0) rc = nmos_template_create(file, source.data, source.len, &engine->chat_template);
    buf_deinit(&source);
    nmos_file_close(&file);
    return rc;
}

/* Signals go to the main thread: the threads that are started meanwhile do not take them. */
static void hold_signals(int is_held)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGWINCH);
    sigaddset(&signals, SIGTSTP);
    (void)pthread_sigmask(is_held ? SIG_BLOCK : SIG_UNBLOCK, &signals, NULL);
}

int chat_engine_open(const struct cli_options *options, struct chat_engine **ret_engine)
{
    struct chat_engine *engine = mem_calloc(MEM_GENERAL, 1, sizeof(*engine));
    if (!engine) return NMOS_E_NOMEM;
    engine->options = options;
    pthread_mutex_init(&engine->lock, NULL);
    engine->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = engine->event_fd < 0 ? FAIL(NMOS_E_IO, "no event descriptor is left") : 0;
    if (rc == 0) rc = cli_parse_bias(options, &engine->bias);
    if (rc == 0) rc = open_template(engine);
    hold_signals(1);
    if (rc == 0) rc = cli_model_open(options, ROWS_MAX, 1, &engine->model);
    hold_signals(0);
    if (rc == 0) rc = nmos_session_create(engine->model, &engine->session);
    if (rc < 0) {
        chat_engine_close(&engine);
        return rc;
    }
    nmos_model_get_info(engine->model, &engine->info);
    *ret_engine = engine;
    return 0;
}

static void join(struct chat_engine *engine)
{
    if (engine->is_running) (void)pthread_join(engine->thread, NULL);
    engine->is_running = 0;
}

void chat_engine_close(struct chat_engine **engine)
{
    if (!engine || !*engine) return;
    if ((*engine)->is_running) chat_engine_stop(*engine);
    join(*engine);
    nmos_session_destroy(&(*engine)->session);
    nmos_template_destroy(&(*engine)->chat_template);
    nmos_model_close(&(*engine)->model);
    nmos_free((*engine)->prompt);
    mem_free((*engine)->bias);
    buf_deinit(&(*engine)->text);
    if ((*engine)->event_fd >= 0) (void)close((*engine)->event_fd);
    pthread_mutex_destroy(&(*engine)->lock);
    mem_free(*engine);
    *engine = NULL;
}

/* ---- The thread that generates ---- */

static void wake(struct chat_engine *engine)
{
    const uint64_t one = 1;
    (void)!write(engine->event_fd, &one, sizeof(one));
}

static int take_text(void *arg, const char *text, size_t len)
{
    struct chat_engine *engine = arg;
    struct nmos_stats stats;
    nmos_model_get_stats(engine->model, &stats);
    pthread_mutex_lock(&engine->lock);
    const int rc = buf_append(&engine->text, text, len);
    engine->stats = stats;
    engine->n_tokens = nmos_session_length(engine->session);
    pthread_mutex_unlock(&engine->lock);
    wake(engine);
    return rc < 0 ? rc : atomic_load(&engine->is_stopped);
}

static struct nmos_generation generation_of(struct chat_engine *engine)
{
    const struct cli_options *options = engine->options;
    return (struct nmos_generation){.prompt = engine->prompt + engine->n_reused,
                                    .n_prompt = engine->n_prompt - engine->n_reused,
                                    .n_max = (uint32_t)options->max_tokens,
                                    .stops = options->stop.items,
                                    .n_stops = options->stop.n,
                                    .sampling = cli_sampling(options, engine->bias),
                                    .spec = (enum nmos_spec)options->spec,
                                    .on_text = take_text,
                                    .arg = engine};
}

static void *generate(void *arg)
{
    struct chat_engine *engine = arg;
    struct nmos_generation_result result = {0};
    const struct nmos_generation generation = generation_of(engine);
    int rc = 0;
    do { /* a cancellation that came when the last answer had just ended is not meant for this one
          */
        if (rc < 0) rc = nmos_session_truncate(engine->session, engine->n_reused);
        if (rc == 0) rc = nmos_generate(engine->session, &generation, &result);
    } while (rc == NMOS_E_CANCELLED && !atomic_load(&engine->is_stopped));
    pthread_mutex_lock(&engine->lock);
    engine->rc = rc;
    engine->has_ended = 1;
    if (rc == 0) engine->result = result;
    if (rc < 0) memcpy(engine->message, error_message(), sizeof(engine->message) - 1);
    nmos_model_get_stats(engine->model, &engine->stats);
    engine->n_tokens = nmos_session_length(engine->session);
    pthread_mutex_unlock(&engine->lock);
    wake(engine);
    return NULL;
}

/* ---- Asking ---- */

/* The conversation as tokens, the template's text included. */
static int encode(struct chat_engine *engine, const struct nmos_message *messages,
                  size_t n_messages)
{
    char *text = NULL;
    size_t len = 0;
    nmos_free(engine->prompt);
    engine->prompt = NULL;
    TRY(nmos_template_render(engine->chat_template, messages, n_messages, &text, &len));
    const int rc = nmos_vocab_encode(nmos_model_vocab(engine->model), text, len,
                                     NMOS_ENCODE_SPECIAL, &engine->prompt, &engine->n_prompt);
    nmos_free(text);
    return rc;
}

/* Keeps what the session has of the prompt; at least one token has to be fed. */
static int reuse(struct chat_engine *engine)
{
    const size_t n_most = engine->n_prompt ? engine->n_prompt - 1 : 0;
    engine->n_reused = nmos_session_match(engine->session, engine->prompt, n_most);
    return nmos_session_truncate(engine->session, engine->n_reused);
}

int chat_engine_ask(struct chat_engine *engine, const struct nmos_message *messages,
                    size_t n_messages)
{
    TRY(encode(engine, messages, n_messages));
    if (engine->n_prompt > engine->info.ctx) {
        return FAIL(NMOS_E_LIMIT,
                    "the conversation has %zu tokens, the context %u positions; /new begins a new "
                    "one, and --ctx makes room for longer ones",
                    engine->n_prompt, engine->info.ctx);
    }
    TRY(reuse(engine));
    engine->has_ended = 0;
    engine->rc = 0;
    engine->text.len = 0;
    atomic_store(&engine->is_stopped, 0);
    hold_signals(1);
    engine->is_running = pthread_create(&engine->thread, NULL, generate, engine) == 0;
    hold_signals(0);
    return engine->is_running ? 0 : FAIL(NMOS_E_NOMEM, "no thread is left to generate");
}

int chat_engine_next(struct chat_engine *engine, int wait_ms, struct buf *text)
{
    struct pollfd event = {.fd = engine->event_fd, .events = POLLIN};
    uint64_t n_events;
    if (poll(&event, 1, wait_ms) == 1) (void)!read(engine->event_fd, &n_events, sizeof(n_events));
    pthread_mutex_lock(&engine->lock);
    int rc = buf_append(text, engine->text.data, engine->text.len);
    engine->text.len = 0;
    const int has_ended = engine->has_ended;
    if (has_ended && engine->rc < 0) rc = FAIL(engine->rc, "%s", engine->message);
    pthread_mutex_unlock(&engine->lock);
    if (has_ended) join(engine);
    return rc < 0 ? rc : !has_ended;
}

void chat_engine_stop(struct chat_engine *engine)
{
    atomic_store(&engine->is_stopped, 1);
    nmos_model_cancel(engine->model);
}

int chat_engine_was_stopped(const struct chat_engine *engine)
{
    return atomic_load(&engine->is_stopped);
}

void chat_engine_facts(struct chat_engine *engine, struct chat_facts *ret_facts)
{
    pthread_mutex_lock(&engine->lock);
    *ret_facts = (struct chat_facts){.model = engine->info,
                                     .stats = engine->stats,
                                     .answer = engine->result,
                                     .n_tokens = engine->n_tokens,
                                     .prompt_tokens = (uint32_t)engine->n_prompt,
                                     .reused_tokens = engine->n_reused};
    pthread_mutex_unlock(&engine->lock);
}
