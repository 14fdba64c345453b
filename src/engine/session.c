/* SPDX-License-Identifier: MIT */
/* Sessions and passes of the public API. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/model.h"
#include "engine/scheduler.h"

#define SEQ_NONE UINT32_MAX

/* Nothing of earlier passes can be committed any more. */
void session_forget_pending(struct nmos_session *session)
{
    session->n_pending = 0;
    session->n_held = 0;
    session->is_held = 0;
}

static void lock_state(const struct nmos_session *session)
{
    pthread_mutex_lock(&session->model->lock);
}

static void unlock_state(const struct nmos_session *session)
{
    pthread_mutex_unlock(&session->model->lock);
}

static int allocate_session(struct nmos_session *session)
{
    struct nmos_model *model = session->model;
    TRY(kv_table_init(&session->table, &model->pages, model->kv.page_tokens, model->info.ctx,
                      model->kv.n_held_max));
    TRY(kv_evict_init(session));
    session->pages = mem_calloc(MEM_GENERAL, (size_t)BATCH_PLACES * session->table.n_pages_max,
                                sizeof(session->pages[0]));
    session->parents = mem_calloc(MEM_GENERAL, model->info.rows_max, sizeof(session->parents[0]));
    session->pending = mem_calloc(MEM_GENERAL, model->info.rows_max, sizeof(session->pending[0]));
    session->tokens = mem_calloc(MEM_GENERAL, model->info.ctx, sizeof(session->tokens[0]));
    if (!model->is_draft) {
        session->logits = mem_calloc(MEM_SCRATCH, model->info.n_vocab, sizeof(float));
        if (!session->logits) return NMOS_E_NOMEM;
    }
    return session->pages && session->parents && session->pending && session->tokens ? 0
                                                                                     : NMOS_E_NOMEM;
}

/* The first @p n reserved slots, whose tokens are in place, become part of the past. */
static void commit_slots(struct nmos_session *session, uint32_t n)
{
    const uint32_t len = session->table.len;
    kv_table_commit(&session->table, n);
    kv_table_learn(&session->table, session->tokens, len);
}

/* Logits that were noted behind another past than the committed one count no more. */
static void forget_logits(struct nmos_session *session)
{
    if (session->logits_len != session->table.len) session->logits_len = SESSION_NO_LOGITS;
}

int nmos_session_create(struct nmos_model *model, struct nmos_session **ret_session)
{
    struct nmos_session *session = mem_calloc(MEM_GENERAL, 1, sizeof(*session));
    if (!session) return NMOS_E_NOMEM;
    session->model = model;
    session->seq_i = SEQ_NONE;
    session->logits_len = SESSION_NO_LOGITS;
    lock_state(session);
    const int is_one_too_many = model->n_sessions == model->info.sessions_max;
    if (!is_one_too_many) model->n_sessions++;
    unlock_state(session);
    if (is_one_too_many) {
        mem_free(session);
        return FAIL(NMOS_E_LIMIT, "%u sessions exist, as many as the model was opened for",
                    model->info.sessions_max);
    }
    const int rc = allocate_session(session);
    if (rc < 0) {
        session_free(session);
        return rc;
    }
    *ret_session = session;
    return 0;
}

void session_free(struct nmos_session *session)
{
    nmos_session_destroy(&session->draft);
    lock_state(session);
    session->model->n_sessions--;
    kv_table_deinit(&session->table);
    unlock_state(session);
    kv_evict_deinit(session);
    mem_free((void *)session->pages);
    mem_free(session->parents);
    mem_free(session->pending);
    mem_free(session->tokens);
    mem_free(session->logits);
    mem_free(session);
}

void nmos_session_destroy(struct nmos_session **session)
{
    if (!session || !*session) return;
    if (!scheduler_drop_session((*session)->model->scheduler, *session)) session_free(*session);
    *session = NULL;
}

uint32_t nmos_session_length(const struct nmos_session *session)
{
    lock_state(session);
    const uint32_t length = session->table.len;
    unlock_state(session);
    return length;
}

uint32_t nmos_session_match(const struct nmos_session *session, const int32_t *tokens,
                            size_t n_tokens)
{
    uint32_t n = 0;
    lock_state(session);
    while (n < session->table.len && n < n_tokens && session->tokens[n] == tokens[n]) n++;
    unlock_state(session);
    return n;
}

static int check_idle(const struct nmos_session *session)
{
    if (session->n_jobs == 0) return 0;
    return FAIL(NMOS_E_BUSY, "%u jobs of this session are unfinished", session->n_jobs);
}

uint32_t nmos_session_room(const struct nmos_session *session)
{
    lock_state(session);
    const uint32_t room = kv_evict_room(session);
    unlock_state(session);
    return room;
}

static int truncate_session(struct nmos_session *session, uint32_t length)
{
    TRY(check_idle(session));
    if (length > session->table.len) {
        return FAIL(NMOS_E_INVALID, "cannot keep %u tokens of a session that has %u", length,
                    session->table.len);
    }
    if (length < session->table.len) session->logits_len = SESSION_NO_LOGITS;
    kv_table_truncate(&session->table, kv_evict_truncate(session, length));
    session_forget_pending(session);
    return 0;
}

int nmos_session_truncate(struct nmos_session *session, uint32_t length)
{
    lock_state(session);
    const int rc = truncate_session(session, length);
    unlock_state(session);
    return rc;
}

/* Under a cap, what @p to holds now is not free when others give it up. */
static int check_pages(struct nmos_session *to)
{
    if (!to->evict.masses) return 0;
    const int rc = kv_promise_check(to->model);
    if (rc < 0) kv_table_truncate(&to->table, 0);
    return rc;
}

static int fork_session(struct nmos_session *to, const struct nmos_session *from)
{
    TRY(check_idle(to));
    if (to->table.len) {
        return FAIL(NMOS_E_INVALID,
                    "only an empty session can be forked into; this one has %u tokens",
                    to->table.len);
    }
    kv_table_truncate(&to->table, 0);
    kv_table_fork(&to->table, &from->table);
    TRY(check_pages(to));
    kv_evict_fork(to, from);
    memcpy(to->tokens, from->tokens, from->table.len * sizeof(to->tokens[0]));
    session_forget_pending(to);
    return 0;
}

/* What the draft has read of the past need not be read again. */
static int fork_draft(struct nmos_session *to, const struct nmos_session *from)
{
    TRY(session_begin_draft(to));
    TRY(nmos_session_truncate(to->draft, 0));
    return nmos_session_fork(to->draft, from->draft);
}

int nmos_session_fork(struct nmos_session *to, const struct nmos_session *from)
{
    if (to->model != from->model) {
        return FAIL(NMOS_E_INVALID, "sessions of different models cannot share their past");
    }
    lock_state(to);
    const int rc = fork_session(to, from);
    const int has_draft = from->draft != NULL;
    unlock_state(to);
    return rc == 0 && has_draft ? fork_draft(to, from) : rc;
}

int session_begin_draft(struct nmos_session *session)
{
    struct nmos_session *draft = NULL;
    if (session->draft) return 0;
    TRY(nmos_session_create(session->model->draft, &draft));
    lock_state(session);
    session->draft = draft;
    unlock_state(session);
    return 0;
}

uint32_t session_pages_needed(const struct nmos_session *session, uint32_t n_rows)
{
    return kv_table_pages_needed(&session->table, n_rows);
}

static int commit_chain(struct nmos_session *session, uint32_t n)
{
    uint32_t n_chain = 0;
    while (n_chain < session->n_pending && session->parents[n_chain] == (int32_t)n_chain - 1) {
        n_chain++;
    }
    if (n > n_chain) {
        return FAIL(
            NMOS_E_INVALID,
            "cannot commit %u rows: the session had %u in the last pass, of which the first "
            "%u form a chain",
            n, session->n_pending, n_chain);
    }
    if (n) memcpy(session->tokens + session->table.len, session->pending, n * sizeof(int32_t));
    for (uint32_t i = 0; i < n; i++) kv_evict_commit(session, i, session->table.len + i);
    commit_slots(session, n);
    forget_logits(session);
    session_forget_pending(session);
    return 0;
}

/* The row @p n_up rows above @p row_i in the tree of pending rows. */
static uint32_t ancestor(const struct nmos_session *session, uint32_t row_i, uint32_t n_up)
{
    while (n_up-- > 0) row_i = (uint32_t)session->parents[row_i];
    return row_i;
}

/* Moves the @p n rows that end with @p row_i down to their positions; their tokens too. Where that
 * fails, no row of the last pass is what it was. */
static int move_path(struct nmos_session *session, uint32_t row_i, uint32_t n)
{
    const uint32_t len = session->table.len;
    const struct batch_seq seq = {.table = &session->table, .pages = session->pages};
    /* Ancestors stand before their descendants, so every row moves down or stays: from the first to
     * the last, none is overwritten before it has moved. The way down is found from its end. */
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t k = ancestor(session, row_i, n - 1 - i);
        session->tokens[len + i] = session->pending[k];
        if (k == i) continue;
        forward_move_slot(session->model->forward, &seq, len + k, len + i);
    }
    const int rc = forward_settle(session->model->forward);
    if (rc < 0) {
        forget_logits(session);
        session_forget_pending(session);
    }
    return rc;
}

static int commit_path(struct nmos_session *session, uint32_t row_i)
{
    const uint32_t len = session->table.len;
    uint32_t n = 0;
    if (row_i >= session->n_pending) {
        return FAIL(NMOS_E_INVALID, "cannot commit row %u of %u", row_i, session->n_pending);
    }
    for (int32_t k = (int32_t)row_i; k != BATCH_NO_PARENT; k = session->parents[k]) n++;
    if (n < row_i + 1) {
        int rc = kv_pages_hold_slots(session, len, len + row_i + 1);
        if (rc == 0) rc = move_path(session, row_i, n);
        kv_pages_let_go(session);
        TRY(rc);
    } else { /* every row is where it belongs */
        memcpy(session->tokens + len, session->pending, n * sizeof(session->tokens[0]));
    }
    for (uint32_t i = 0; session->evict.masses && i < n; i++) {
        kv_evict_commit(session, ancestor(session, row_i, n - 1 - i), len + i);
    }
    commit_slots(session, n);
    forget_logits(session);
    session_forget_pending(session);
    return 0;
}

int nmos_session_commit(struct nmos_session *session, uint32_t n)
{
    lock_state(session);
    const int rc = commit_chain(session, n);
    unlock_state(session);
    return rc;
}

int nmos_session_commit_path(struct nmos_session *session, uint32_t row_i)
{
    lock_state(session);
    const int rc = commit_path(session, row_i);
    unlock_state(session);
    return rc;
}

void nmos_session_hold(struct nmos_session *session)
{
    session->is_held = session->n_pending > 0;
}

/* Where a row stands among its session's pending ones; bad parents are refused by the pass. */
static int32_t pending_parent(const struct nmos_model *model, const struct nmos_session *session,
                              size_t row_i, int32_t parent)
{
    if (parent <= BATCH_HELD(0)) {
        const uint32_t held_i = (uint32_t)BATCH_HELD(parent);
        return held_i < session->n_held ? (int32_t)held_i : BATCH_NO_PARENT;
    }
    return parent >= 0 && (size_t)parent < row_i ? (int32_t)model->pending_of_row[parent]
                                                 : BATCH_NO_PARENT;
}

/* Begins a pass for a session: what it holds stays, what else was pending is forgotten. */
static void begin_pending(struct nmos_session *session)
{
    const uint32_t n_held = session->is_held ? session->n_pending : 0;
    session_forget_pending(session);
    session->logits_len = SESSION_NO_LOGITS; /* who draws behind this pass notes them anew */
    session->n_held = n_held;
    session->n_pending = n_held;
}

/* Finds the sessions of the rows and counts each one's rows in n_pending. */
static int collect_sessions(struct nmos_model *model, const struct nmos_row *rows, size_t n_rows,
                            uint32_t *ret_n_seqs)
{
    uint32_t n_seqs = 0;
    *ret_n_seqs = 0;
    for (size_t i = 0; i < n_rows; i++) {
        if (!rows[i].session || rows[i].session->model != model) {
            return FAIL(NMOS_E_INVALID, "row %zu: not a session of this model", i);
        }
        rows[i].session->seq_i = SEQ_NONE;
    }
    for (size_t i = 0; i < n_rows; i++) {
        struct nmos_session *session = rows[i].session;
        if (session->seq_i == SEQ_NONE) {
            session->seq_i = n_seqs;
            begin_pending(session);
            model->seqs[n_seqs] =
                (struct batch_seq){&session->table, session->pages,  session->parents,
                                   session->n_held, session->intent, session->first};
            model->pass_sessions[n_seqs++] = session;
            *ret_n_seqs = n_seqs;
        }
        if (session->n_pending == model->info.rows_max) {
            return FAIL(NMOS_E_LIMIT, "a session can have %u rows pending at most; it holds %u",
                        model->info.rows_max, session->n_held);
        }
        model->pending_of_row[i] = session->n_pending;
        session->pending[session->n_pending] = rows[i].token;
        session->parents[session->n_pending++] = pending_parent(model, session, i, rows[i].parent);
        model->rows[i] = (struct batch_row){.token = rows[i].token,
                                            .seq_i = session->seq_i,
                                            .parent = rows[i].parent,
                                            .wants_logits = rows[i].wants_logits != 0};
    }
    return 0;
}

static int reserve_slots(struct nmos_model *model, uint32_t n_seqs)
{
    for (uint32_t s = 0; s < n_seqs; s++) {
        struct nmos_session *session = model->pass_sessions[s];
        const uint32_t n = session->n_pending;
        if (n > model->info.ctx - session->table.len) {
            return FAIL(NMOS_E_LIMIT,
                        "the context is full: %u tokens and %u new ones, %u positions (--ctx)",
                        session->table.len, n, model->info.ctx);
        }
        struct kv_page_copy copy;
        kv_evict_make_room(session);
        TRY(kv_table_reserve(&session->table, n, &copy));
        TRY(kv_pages_copy(model, &session->table, &copy));
    }
    return 0;
}

/* rows of nmos_forward() and of the batch are the same, so is their number. */
struct logits_adapter {
    nmos_logits_fn fn;
    void *arg;
};

static int adapt_logits(void *arg, uint32_t row_i, float *logits)
{
    const struct logits_adapter *adapter = arg;
    return adapter->fn(adapter->arg, row_i, logits);
}

/* What passes cost, for whoever decides how many rows ride. @p before, @p after: the River's
 * counters around the last pass. */
static void learn_cost(struct nmos_model *model, size_t n_rows, const struct stream_stats *before,
                       const struct stream_stats *after)
{
    const double wall_s = (double)model->stats.last_pass_ns * 1e-9;
    const double stall_s = (double)(after->stall_ns - before->stall_ns) * 1e-9;
    const double bytes = (double)(after->bytes_read - before->bytes_read);
    const double busy_s = (double)(after->busy_ns - before->busy_ns) * 1e-9;
    /* More rows need more experts: there the disk's share grows with the rows too. */
    const int has_experts = model->info.n_experts > 0;
    if (before->pinned_ready < before->pinned_bytes) return; /* loading: not how passes will be */
    if (bytes > 0 && !has_experts) {
        pass_cost_learn_disk(&model->cost, (double)model->info.streamed_bytes * busy_s / bytes);
    }
    pass_cost_learn(&model->cost, (uint32_t)n_rows, has_experts ? wall_s : wall_s - stall_s);
}

/* @p before: the River's counters when the pass began. */
static void count_pass(struct nmos_model *model, size_t n_rows, uint64_t started_ns,
                       const struct stream_stats *before)
{
    struct stream_stats after;
    stream_stats(weight_source_stream(model->weights), &after);
    pthread_mutex_lock(&model->lock);
    model->stats.last_pass_ns = clock_ns() - started_ns;
    model->stats.pass_ns += model->stats.last_pass_ns;
    model->stats.passes++;
    model->stats.rows += n_rows;
    kv_pages_count(&model->kv_pages, &model->stats);
    learn_cost(model, n_rows, before, &after);
    pthread_mutex_unlock(&model->lock);
}

/* Takes the rows apart by session and makes room for them. */
static int prepare_pass(struct nmos_model *model, const struct nmos_row *rows, size_t n_rows,
                        uint32_t *ret_n_seqs)
{
    pthread_mutex_lock(&model->lock);
    int rc = collect_sessions(model, rows, n_rows, ret_n_seqs);
    if (rc == 0) rc = reserve_slots(model, *ret_n_seqs);
    if (rc == 0) rc = kv_pages_enter(model, *ret_n_seqs);
    pthread_mutex_unlock(&model->lock);
    return rc;
}

/* @p rc: how it has ended; when badly, nothing of it counts. */
static void end_pass(struct nmos_model *model, size_t n_rows, uint32_t n_seqs, int rc)
{
    pthread_mutex_lock(&model->lock);
    kv_pages_leave(model, n_seqs);
    if (rc == 0) kv_evict_note(model, n_rows);
    for (uint32_t s = 0; rc < 0 && s < n_seqs; s++) {
        session_forget_pending(model->pass_sessions[s]);
        kv_table_truncate(model->seqs[s].table, model->seqs[s].table->len);
    }
    pthread_mutex_unlock(&model->lock);
}

int nmos_forward(struct nmos_model *model, const struct nmos_row *rows, size_t n_rows,
                 nmos_logits_fn on_logits, void *arg)
{
    if (n_rows == 0 || n_rows > model->info.rows_max) {
        return FAIL(NMOS_E_INVALID, "a pass of %zu rows; 1 to %u are possible", n_rows,
                    model->info.rows_max);
    }
    if (!scheduler_may_run(model->scheduler)) {
        return FAIL(NMOS_E_BUSY, "a scheduler runs the passes of this model");
    }
    uint32_t n_seqs = 0;
    const uint64_t started_ns = clock_ns();
    struct stream_stats before;
    stream_stats(weight_source_stream(model->weights), &before);
    int rc = prepare_pass(model, rows, n_rows, &n_seqs);
    const struct batch batch = {model->rows, (uint32_t)n_rows, model->seqs, n_seqs};
    struct logits_adapter adapter = {on_logits, arg};
    if (rc == 0) {
        rc = forward_pass(model->forward, &batch, &model->cancel, adapt_logits, &adapter);
    }
    atomic_store(&model->cancel, 0);
    model_report_loading(model, 1);
    if (rc == NMOS_E_CANCELLED) weight_source_give_up_pass(model->weights);
    end_pass(model, n_rows, n_seqs, rc);
    if (rc < 0) return rc;
    count_pass(model, n_rows, started_ns, &before);
    return 0;
}

void nmos_model_cancel(struct nmos_model *model)
{
    /* Whoever waits looks at this one flag, so a pass that has ended by it, and cleared it, leaves
     * nothing behind that could end the next one. */
    atomic_store(&model->cancel, 1);
    weight_source_look(model->weights);
}
