/* SPDX-License-Identifier: MIT */
#include "cli/chat_engine.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/chat_saver.h"
#include "cli/cli_intents.h"
#include "cli/cli_model.h"
#include "cli/cli_scout.h"
#include "cli/kv_cap.h"

#define ROWS_MAX           512U
#define TEMPLATE_BYTES_MAX ((size_t)1 << 20)

struct chat_engine {
    const struct cli_options *options;
    struct nmos_model *model;
    struct nmos_session *session;
    struct nmos_scheduler *scheduler;
    struct chat_saver *saver;
    struct nmos_typing *typing; /* of one message; NULL before the first */
    struct nmos_template *chat_template;
    struct nmos_logit_bias *bias;
    struct cli_scout scout;
    struct cli_intents intents;
    int event_fd; /* readable when there is text, or the answer has ended */
    _Atomic int is_stopped;
    pthread_mutex_t lock; /* guards what follows; a leaf */
    struct buf text;      /* has come, not yet given to the caller */
    struct buf guess;     /* provisional, behind all text that has come */
    int has_ended;
    int rc;
    char message[ERROR_MESSAGE_MAX];
    struct nmos_generation_result result;
    uint64_t entered_ns;
    uint64_t first_text_ns;
    uint64_t first_guess_ns;
    struct nmos_typing_state entered; /* main thread's, and so ... */
    int is_first;                     /* ... whether the message begins the conversation */
};

/* ---- Opening and closing ---- */

/* A model with experts by its header. */
static int has_experts(const struct nmos_file *file)
{
    static const char end[] = ".expert_count";
    const size_t n = sizeof(end) - 1;
    struct nmos_metadata entry;
    for (uint64_t i = 0; nmos_file_metadata(file, i, &entry) == 0; i++) {
        const struct nmos_text key = entry.key;
        if (key.len > n && memcmp(key.data + key.len - n, end, n) == 0) return 1;
    }
    return 0;
}

/* The failure memory is made where there is none. */
static int open_memory(struct chat_engine *engine)
{
    if (engine->scout.memory) return 0;
    TRY(nmos_memory_open(NULL, &engine->scout.memory));
    nmos_scout_set_memory(engine->scout.scout, engine->scout.memory);
    return 0;
}

/* Experts of prompts are remembered where they are learned about: then there is a failure memory,
 * before the model, which counts as held what is there. Without it the shell goes on. */
static void open_memory_of_experts(struct chat_engine *engine, const struct nmos_file *file)
{
    if (!(engine->intents.learns & NMOS_LEARN_EXPERTS) || !has_experts(file)) return;
    if (open_memory(engine) < 0) LOG_INFO("no failure memory: %s", nmos_last_error());
}

/* The chat template, and whether there are experts to be remembered. */
static int read_header(struct chat_engine *engine)
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
    if (rc == 0) open_memory_of_experts(engine, file);
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

/* A second session's page is there for snapshots of the first one, the others' for what the intents
 * may begin a conversation with. */
static int open_model(struct chat_engine *engine)
{
    struct nmos_model_options how = cli_model_options(engine->options, ROWS_MAX);
    const size_t n_systems = engine->intents.n_systems;
    how.sessions_aside =
        1 + (uint32_t)(n_systems < NMOS_OPENINGS_AHEAD ? n_systems : NMOS_OPENINGS_AHEAD);
    how.sessions_max = 1 + how.sessions_aside;
    how.intents = engine->intents.names;
    how.n_intents =
        engine->intents.n < NMOS_MODEL_INTENTS_MAX ? engine->intents.n : NMOS_MODEL_INTENTS_MAX;
    how.learns = engine->intents.learns;
    return cli_model_open_as(engine->options, &how, &engine->model);
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
    if (rc == 0) rc = cli_scout_open(options, &engine->scout);
    if (rc == 0) rc = cli_intents_open(options, engine->scout.scout, &engine->intents);
    if (rc == 0) rc = read_header(engine);
    hold_signals(1);
    if (rc == 0) rc = open_model(engine);
    if (rc == 0) rc = nmos_session_create(engine->model, &engine->session);
    if (rc == 0) rc = nmos_scheduler_create(engine->model, &engine->scheduler);
    if (rc == 0) rc = chat_saver_create(&engine->saver);
    hold_signals(0);
    if (rc < 0) {
        chat_engine_close(&engine);
        return rc;
    }
    *ret_engine = engine;
    return 0;
}

void chat_engine_close(struct chat_engine **engine)
{
    if (!engine || !*engine) return;
    nmos_typing_destroy(&(*engine)->typing);
    nmos_scheduler_destroy(&(*engine)->scheduler);
    chat_saver_destroy(&(*engine)->saver);
    nmos_session_destroy(&(*engine)->session);
    nmos_template_destroy(&(*engine)->chat_template);
    cli_intents_close(&(*engine)->intents);
    cli_scout_close(&(*engine)->scout);
    if ((*engine)->model) kv_cap_tell((*engine)->model, (*engine)->options);
    nmos_model_close(&(*engine)->model);
    mem_free((*engine)->bias);
    buf_deinit(&(*engine)->text);
    buf_deinit(&(*engine)->guess);
    if ((*engine)->event_fd >= 0) (void)close((*engine)->event_fd);
    pthread_mutex_destroy(&(*engine)->lock);
    mem_free(*engine);
    *engine = NULL;
}

/* ---- What comes from the scheduler's thread ---- */

static void wake(struct chat_engine *engine)
{
    const uint64_t one = 1;
    (void)!write(engine->event_fd, &one, sizeof(one));
}

static int take_text(void *arg, const char *text, size_t len)
{
    struct chat_engine *engine = arg;
    pthread_mutex_lock(&engine->lock);
    if (engine->first_text_ns == 0) engine->first_text_ns = clock_ns();
    const int rc = buf_append(&engine->text, text, len);
    pthread_mutex_unlock(&engine->lock);
    wake(engine);
    return rc;
}

static void take_guess(void *arg, const char *text, size_t len)
{
    struct chat_engine *engine = arg;
    pthread_mutex_lock(&engine->lock);
    if (engine->first_guess_ns == 0 && len) engine->first_guess_ns = clock_ns();
    engine->guess.len = 0;
    (void)!buf_append(&engine->guess, text, len); /* no memory: no guess */
    pthread_mutex_unlock(&engine->lock);
    wake(engine);
}

static void take_end(void *arg, int status, const struct nmos_generation_result *result)
{
    struct chat_engine *engine = arg;
    pthread_mutex_lock(&engine->lock);
    engine->rc = status;
    engine->has_ended = 1;
    engine->result = *result;
    if (status < 0) snprintf(engine->message, sizeof(engine->message), "%s", nmos_last_error());
    pthread_mutex_unlock(&engine->lock);
    wake(engine);
}

/* ---- The conversation on disk ---- */

/* The prompt of a message that is empty yet. */
static int encode(const struct chat_engine *engine, const struct nmos_message *messages,
                  size_t n_messages, int32_t **ret_ids, size_t *ret_n)
{
    struct nmos_message *all = mem_calloc(MEM_GENERAL, n_messages + 1, sizeof(*all));
    char *prompt = NULL;
    size_t len = 0;
    if (!all) return NMOS_E_NOMEM;
    for (size_t i = 0; i < n_messages; i++) all[i] = messages[i];
    all[n_messages] = (struct nmos_message){"user", ""};
    int rc = nmos_template_render(engine->chat_template, all, n_messages + 1, &prompt, &len);
    if (rc == 0) {
        rc = nmos_vocab_encode(nmos_model_vocab(engine->model), prompt, len, NMOS_ENCODE_SPECIAL,
                               ret_ids, ret_n);
    }
    nmos_free(prompt);
    mem_free(all);
    return rc;
}

int chat_engine_keep(struct chat_engine *engine, const struct nmos_message *messages,
                     size_t n_messages)
{
    struct nmos_snapshot *snapshot = NULL;
    int32_t *ids = NULL;
    size_t n = 0;
    int rc = encode(engine, messages, n_messages, &ids, &n);
    if (rc == 0) {
        /* What the next prompt will go on from: an answer's text may be other tokens when it is
         * read again. */
        const uint32_t n_same = nmos_session_match(engine->session, ids, n);
        rc = nmos_session_snapshot(engine->session, n_same, &snapshot);
    }
    nmos_free(ids);
    if (rc == NMOS_E_UNSUPPORTED || rc == NMOS_E_BUSY) return 0; /* at a device; not at rest */
    return rc == 0 ? chat_saver_give(engine->saver, snapshot) : rc;
}

/* Where the session holds little of a conversation, the disk may hold more. */
static int bring_back(struct chat_engine *engine, const struct nmos_message *messages,
                      size_t n_messages)
{
    int32_t *ids = NULL;
    size_t n = 0;
    TRY(encode(engine, messages, n_messages, &ids, &n));
    int rc = 0;
    if (nmos_session_match(engine->session, ids, n) < n / 2) {
        rc = nmos_session_truncate(engine->session, 0);
        if (rc == 0) rc = nmos_session_restore(engine->session, ids, n);
    }
    nmos_free(ids);
    return rc == NMOS_E_UNSUPPORTED ? 0 : rc;
}

/* Under a cap a system message stays whatever is given up. Where it has become another one, all is
 * read anew in any case. */
static int keep_system_message(struct chat_engine *engine, const struct nmos_message *messages,
                               size_t n_messages)
{
    int32_t *ids = NULL;
    size_t n = 0;
    if (!engine->options->kv_cap) return 0;
    if (n_messages && strcmp(messages[0].role, "system") == 0) {
        TRY(encode(engine, messages, 1, &ids, &n));
    }
    nmos_free(ids);
    const uint32_t n_kept = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    int rc = nmos_session_keep(engine->session, n_kept);
    if (rc == NMOS_E_INVALID) {
        rc = nmos_session_truncate(engine->session, 0);
        if (rc == 0) rc = nmos_session_keep(engine->session, n_kept);
    }
    return rc;
}

/* ---- One message ---- */

int chat_engine_wants_draft(const struct chat_engine *engine)
{
    struct nmos_model_info info;
    nmos_model_get_info(engine->model, &info);
    if (!engine->options->draft || engine->options->mode == CLI_MODE_ORACLE) return 0;
    return engine->options->mode == CLI_MODE_DRAFT || info.streamed_bytes > 0;
}

int chat_engine_begin(struct chat_engine *engine, const struct nmos_message *messages,
                      size_t n_messages, enum nmos_anticipation anticipation, int with_draft)
{
    const struct cli_options *options = engine->options;
    TRY(cli_intents_sample(&engine->intents, options, engine->bias));
    const struct nmos_typing_options how = {
        .scheduler = engine->scheduler,
        .session = engine->session,
        .chat_template = engine->chat_template,
        .generation = {.n_max = (uint32_t)options->max_tokens,
                       .stops = options->stop.items,
                       .n_stops = options->stop.n,
                       .sampling = cli_sampling(options, engine->bias),
                       .spec = (enum nmos_spec)options->spec,
                       .accept = (enum nmos_accept)options->accept,
                       .on_text = take_text,
                       .arg = engine},
        .intents = engine->intents.uses,
        .n_intents = chat_engine_uses_intents(engine) ? engine->intents.n : 0,
        .memory = engine->scout.memory,
        .anticipation = anticipation,
        .on_provisional = with_draft ? take_guess : NULL,
        .on_done = take_end};
    nmos_typing_destroy(&engine->typing);
    engine->is_first = n_messages == 0;
    if (n_messages) TRY(bring_back(engine, messages, n_messages));
    TRY(keep_system_message(engine, messages, n_messages));
    TRY(nmos_typing_create(engine->model, &how, &engine->typing));
    return nmos_typing_begin(engine->typing, messages, n_messages);
}

struct nmos_typing *chat_engine_typing(struct chat_engine *engine)
{
    return engine->typing;
}

size_t chat_engine_intents(struct chat_engine *engine, const char *text, size_t len,
                           struct nmos_intent *ret_intents, size_t n_most)
{
    struct nmos_intent all[NMOS_INTENTS_MAX];
    double p[NMOS_INTENTS_MAX];
    const size_t n = nmos_scout_n_intents(engine->scout.scout);
    nmos_scout_classify(engine->scout.scout, text, len, all);
    if (chat_engine_uses_intents(engine)) {
        cli_intents_weigh(&engine->intents, all, p);
        nmos_typing_expect(engine->typing, p);
    }
    for (size_t i = 0; i < n && i < n_most; i++) ret_intents[i] = all[i];
    return n < n_most ? n : n_most;
}

/* The intent of the text as it is sent counts. */
static int expect_intent(struct chat_engine *engine)
{
    char *text = NULL;
    size_t len = 0;
    if (!chat_engine_uses_intents(engine)) return 0;
    TRY(nmos_typing_text(engine->typing, &text, &len));
    (void)chat_engine_intents(engine, text, len, NULL, 0);
    nmos_free(text);
    return 0;
}

struct nmos_intent chat_engine_taken_for(struct chat_engine *engine, const char *text)
{
    struct nmos_intent all[NMOS_INTENTS_MAX];
    nmos_scout_classify(engine->scout.scout, text, strlen(text), all);
    return all[0];
}

const char *chat_engine_intent_name(const struct chat_engine *engine, size_t i)
{
    const struct nmos_scout *scout = engine->scout.scout;
    return i < nmos_scout_n_intents(scout) ? nmos_scout_intent_name(scout, i) : NULL;
}

int chat_engine_correct(struct chat_engine *engine, const char *text, const char *intent)
{
    TRY(open_memory(engine));
    return nmos_memory_observe(engine->scout.memory, NMOS_MEMORY_INTENT, text, strlen(text),
                               chat_engine_taken_for(engine, text).name, intent);
}

int chat_engine_answered_as(const struct chat_engine *engine, struct buf *text)
{
    const size_t i = engine->entered.intent;
    if (!engine->intents.change) return 0;
    TRY(buf_printf(text, "%s: ", engine->intents.names[i]));
    TRY(cli_intents_tell(&engine->intents, engine->options, i, text));
    return 1;
}

int chat_engine_uses_intents(const struct chat_engine *engine)
{
    return engine->intents.change || engine->intents.learns;
}

const char *chat_engine_learns(const struct chat_engine *engine, enum nmos_learn what)
{
    const uint32_t i = engine->entered.intent;
    return engine->intents.learns & what && i < NMOS_MODEL_INTENTS_MAX ? engine->intents.names[i]
                                                                       : NULL;
}

const char *chat_engine_intent(const struct chat_engine *engine,
                               const struct nmos_typing_state *state)
{
    return engine->intents.change ? engine->intents.names[state->intent] : NULL;
}

const char *chat_engine_system(const struct chat_engine *engine)
{
    return engine->is_first ? engine->intents.systems[engine->entered.intent] : NULL;
}

int chat_engine_has_system(const struct chat_engine *engine, const char *system)
{
    return cli_intents_have(&engine->intents, system);
}

int chat_engine_enter(struct chat_engine *engine)
{
    TRY(expect_intent(engine));
    pthread_mutex_lock(&engine->lock);
    engine->has_ended = 0;
    engine->rc = 0;
    engine->text.len = 0;
    engine->entered_ns = clock_ns();
    engine->first_text_ns = 0;
    engine->first_guess_ns = 0;
    engine->guess.len = 0;
    pthread_mutex_unlock(&engine->lock);
    atomic_store(&engine->is_stopped, 0);
    const int rc = nmos_typing_enter(engine->typing);
    nmos_typing_get_state(engine->typing, &engine->entered);
    return rc;
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
    return rc < 0 ? rc : !has_ended;
}

int chat_engine_guess(struct chat_engine *engine, struct buf *text)
{
    text->len = 0;
    pthread_mutex_lock(&engine->lock);
    const int rc = buf_append(text, engine->guess.data, engine->guess.len);
    pthread_mutex_unlock(&engine->lock);
    return rc;
}

void chat_engine_stop(struct chat_engine *engine)
{
    if (!atomic_exchange(&engine->is_stopped, 1)) nmos_typing_cancel(engine->typing);
}

int chat_engine_was_stopped(const struct chat_engine *engine)
{
    return atomic_load(&engine->is_stopped);
}

void chat_engine_facts(struct chat_engine *engine, struct chat_facts *ret_facts)
{
    *ret_facts = (struct chat_facts){.n_tokens = nmos_session_length(engine->session)};
    nmos_model_get_info(engine->model, &ret_facts->model);
    nmos_model_get_stats(engine->model, &ret_facts->stats);
    nmos_scheduler_get_stats(engine->scheduler, &ret_facts->passes);
    if (engine->typing) nmos_typing_get_state(engine->typing, &ret_facts->typing);
    ret_facts->entered = engine->entered;
    pthread_mutex_lock(&engine->lock);
    ret_facts->answer = engine->result;
    ret_facts->entered_ns = engine->entered_ns;
    ret_facts->first_text_ns = engine->first_text_ns;
    ret_facts->first_guess_ns = engine->first_guess_ns;
    pthread_mutex_unlock(&engine->lock);
}
