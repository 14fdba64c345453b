/* SPDX-License-Identifier: MIT */
#include "engine/openings.h"

#include "base/log.h"
#include "base/mem.h"
#include "engine/model.h"
#include "engine/opening_share.h"
#include "engine/scheduler.h"

/* For a snapshot of the conversation. */
#define PAGES_SPARE 1U

struct opening {
    struct openings *all;
    const char *system;           /* borrowed; NULL: none */
    struct tokens goal;           /* what stays of the prompt whatever is typed; empty: not known */
    struct nmos_session *session; /* that has read some of it; NULL: none has */
    struct nmos_job *job;         /* that reads on; NULL: none does */
    int has_failed;               /* it is not tried again */
};

struct openings {
    struct openings_config config;
    struct nmos_session *spare[NMOS_OPENINGS_AHEAD]; /* [n_spare] owned, without an opening */
    size_t n_spare;
    size_t order[NMOS_INTENTS_MAX]; /* [config.n] scratch: the likeliest first */
    struct opening of[];            /* [config.n] */
};

/* Sessions that the model has room for beside those that there are. */
static void make_sessions(struct openings *o)
{
    while (o->n_spare < NMOS_OPENINGS_AHEAD &&
           nmos_session_create(o->config.model, &o->spare[o->n_spare]) == 0) {
        o->n_spare++;
    }
}

int openings_create(const struct openings_config *config, struct openings **ret_openings)
{
    struct openings *o =
        mem_calloc(MEM_GENERAL, 1, sizeof(*o) + config->n * sizeof(struct opening));
    if (!o) return NMOS_E_NOMEM;
    o->config = *config;
    for (size_t i = 0; i < config->n; i++) {
        o->of[i] = (struct opening){.all = o, .system = config->systems[i]};
    }
    make_sessions(o);
    *ret_openings = o;
    return 0;
}

void openings_destroy(struct openings **openings)
{
    if (!openings || !*openings) return;
    struct openings *o = *openings;
    for (size_t i = 0; i < o->config.n; i++) {
        nmos_session_destroy(&o->of[i].session);
        nmos_free(o->of[i].goal.ids);
    }
    while (o->n_spare) nmos_session_destroy(&o->spare[--o->n_spare]);
    mem_free(o);
    *openings = NULL;
}

/* ---- Who is read ahead ---- */

static uint32_t n_read(const struct opening *of)
{
    return of->session ? nmos_session_match(of->session, of->goal.ids, of->goal.n) : 0;
}

static uint32_t n_left(const struct opening *of)
{
    return (uint32_t)of->goal.n - n_read(of);
}

/* The tokens of an opening: of the prompt of an empty line, those that typing cannot change. */
static int find_goal(struct opening *of)
{
    struct typed_prompt *prompt = of->all->config.prompt;
    const struct typed_text nothing = {0};
    const char *before = prompt->system;
    if (of->goal.ids) return 0;
    prompt->system = of->system;
    int rc = typed_prompt_encode(prompt, &nothing, "", &of->goal);
    if (rc == 0) of->goal.n = typed_prompt_count_stable(prompt, &nothing, &of->goal);
    prompt->system = before;
    return rc;
}

static void unseat(struct opening *of)
{
    struct openings *o = of->all;
    if (!of->session || nmos_session_truncate(of->session, 0) < 0) return;
    o->spare[o->n_spare++] = of->session;
    of->session = NULL;
}

/* Gives an opening a session, with what is kept of its tokens. */
static void seat(struct opening *of)
{
    struct openings *o = of->all;
    if (of->session || o->n_spare == 0) return;
    of->session = o->spare[--o->n_spare];
    if (nmos_session_restore(of->session, of->goal.ids, of->goal.n) < 0) {
        LOG_INFO("a system prompt is not looked for on disk: %s", error_message());
    }
}

/* Puts the likeliest first; those that are as likely stay in their order. */
static void sort(struct openings *o, const double *p)
{
    for (size_t i = 0; i < o->config.n; i++) {
        size_t to = i;
        for (; to > 0 && p[o->order[to - 1]] < p[i]; to--) o->order[to] = o->order[to - 1];
        o->order[to] = i;
    }
}

/* Pages for openings, beside what the conversation may come to need. */
static uint32_t pages_for_all(const struct openings *o, const struct openings_view *view)
{
    const struct kv_plan *kv = &o->config.model->kv;
    const uint32_t n_most =
        view->n_most < o->config.model->info.ctx ? view->n_most : o->config.model->info.ctx;
    const uint32_t n_others = (n_most + kv->page_tokens - 1) / kv->page_tokens + PAGES_SPARE;
    return kv->n_pages > n_others ? kv->n_pages - n_others : 0;
}

/* Those that are to be read ahead get sessions, likeliest first, and the others none. */
static void choose(struct openings *o, const struct openings_view *view)
{
    const uint32_t page_tokens = o->config.model->kv.page_tokens;
    uint32_t n_pages = pages_for_all(o, view);
    size_t n_chosen = 0;
    int is_chosen[NMOS_INTENTS_MAX] = {0};
    sort(o, view->p);
    for (size_t k = 0; k < o->config.n && n_chosen < NMOS_OPENINGS_AHEAD; k++) {
        struct opening *of = &o->of[o->order[k]];
        if (view->p[o->order[k]] <= 0 || (view->only_likeliest && k > 0)) break;
        if (of->has_failed || find_goal(of) < 0) continue;
        const uint32_t n = ((uint32_t)of->goal.n + page_tokens - 1) / page_tokens;
        if (of->goal.n == 0 || n > n_pages) continue;
        if (!of->session && !opening_is_worth(view->cost, view->rows_max, view->p[o->order[k]],
                                              (uint32_t)of->goal.n, view->n_behind)) {
            continue;
        }
        n_pages -= n;
        n_chosen++;
        is_chosen[o->order[k]] = 1;
    }
    for (size_t i = 0; i < o->config.n; i++) {
        if (!is_chosen[i]) unseat(&o->of[i]);
    }
    for (size_t i = 0; i < o->config.n; i++) {
        if (is_chosen[i]) seat(&o->of[i]);
    }
}

/* ---- Rounds ---- */

static void take_end(void *arg, struct nmos_job *job, int status,
                     const struct nmos_generation_result *result)
{
    struct opening *of = arg;
    const struct openings_config *config = &of->all->config;
    pthread_mutex_t *lock = config->lock; /* all else may have gone behind on_end */
    (void)job;
    (void)result;
    pthread_mutex_lock(lock);
    nmos_job_release(&of->job);
    if (status < 0 && status != NMOS_E_CANCELLED) {
        LOG_INFO("a system prompt is not read ahead: %s", nmos_last_error());
        of->has_failed = 1;
    }
    config->on_end(config->arg);
    pthread_mutex_unlock(lock);
}

/* Reads @p n_rows more tokens of an opening. */
static void read_on(struct opening *of, const struct openings_view *view, uint32_t n_rows)
{
    const struct openings *o = of->all;
    const uint32_t n = n_read(of);
    struct nmos_job_options job = view->job;
    job.generation.prompt = of->goal.ids + n;
    job.generation.n_prompt = n_rows;
    job.generation.n_max = 0;
    job.generation.on_text = NULL;
    job.generation.intent = 0; /* no text of anybody's */
    job.generation.arg = of;
    job.priority = NMOS_PRIORITY_AHEAD;
    job.on_done = take_end;
    if (nmos_session_truncate(of->session, n) < 0 ||
        nmos_job_submit(o->config.scheduler, of->session, &job, &of->job) < 0) {
        LOG_INFO("a system prompt is not read ahead: %s", error_message());
        of->has_failed = 1;
    }
}

void openings_work(struct openings *o, const struct openings_view *view)
{
    struct opening_share shares[NMOS_INTENTS_MAX];
    if (openings_are_working(o)) {
        for (size_t i = 0; i < o->config.n; i++) {
            if (o->of[i].job) scheduler_job_rest(o->of[i].job, view->job.rest_ms);
        }
        return;
    }
    choose(o, view);
    for (size_t i = 0; i < o->config.n; i++) {
        const struct opening *of = &o->of[i];
        const uint32_t left = of->session && !of->has_failed ? n_left(of) : 0;
        const int is_worth =
            opening_is_worth(view->cost, view->rows_max, view->p[i], left, view->n_behind);
        shares[i] = (struct opening_share){.p = view->p[i], .n_left = is_worth ? left : 0};
    }
    opening_share(shares, o->config.n,
                  opening_round_rows(view->cost, view->rows_max, view->usual_s));
    for (size_t k = 0; k < o->config.n; k++) { /* the likeliest is the first in the queue */
        if (shares[o->order[k]].n_rows > 0) {
            read_on(&o->of[o->order[k]], view, shares[o->order[k]].n_rows);
        }
    }
}

int openings_is_reading(const struct openings *o, size_t i)
{
    return o->of[i].job != NULL;
}

int openings_are_working(const struct openings *o)
{
    int n = 0;
    for (size_t i = 0; i < o->config.n; i++) n += openings_is_reading(o, i);
    return n > 0;
}

int openings_rest(const struct openings *o)
{
    int rest = 1;
    for (size_t i = 0; i < o->config.n; i++) {
        rest &= !o->of[i].job || scheduler_job_rests(o->of[i].job);
    }
    return rest;
}

void openings_stop(struct openings *o)
{
    for (size_t i = 0; i < o->config.n; i++) {
        if (o->of[i].job) nmos_job_cancel(o->of[i].job);
    }
}

/* ---- What was read ---- */

uint32_t openings_match(const struct openings *o, size_t i, const struct tokens *want)
{
    const struct nmos_session *session = o->of[i].session;
    return session ? nmos_session_match(session, want->ids, want->n) : 0;
}

int openings_lend(const struct openings *o, size_t i, struct nmos_session *session,
                  const struct tokens *want)
{
    const struct nmos_session *from = o->of[i].session;
    if (openings_match(o, i, want) <= nmos_session_match(session, want->ids, want->n)) return 0;
    TRY(nmos_session_truncate(session, 0));
    return nmos_session_fork(session, from);
}

void openings_release(struct openings *o)
{
    for (size_t i = 0; i < o->config.n; i++) {
        if (!o->of[i].job) unseat(&o->of[i]);
    }
}

uint32_t openings_ready(const struct openings *o)
{
    uint32_t n = 0;
    for (size_t i = 0; i < o->config.n; i++) n += n_read(&o->of[i]);
    return n;
}

uint32_t openings_length(const struct openings *o, size_t i)
{
    return (uint32_t)o->of[i].goal.n;
}
