/* SPDX-License-Identifier: MIT */
#include "engine/kv_evict.h"

#include <string.h>

#include "base/mem.h"
#include "engine/model.h"

static uint32_t columns_of(const struct nmos_session *session)
{
    return session->model->kv.mass_columns;
}

static size_t scores_bytes(const struct nmos_session *session)
{
    return columns_of(session) * sizeof(float);
}

int kv_evict_init(struct nmos_session *session)
{
    struct kv_evict *e = &session->evict;
    const uint32_t n = columns_of(session);
    if (!n) return 0;
    e->masses = mem_calloc(MEM_SCRATCH, (size_t)session->model->info.rows_max * n, sizeof(float));
    e->scores = mem_calloc(MEM_SCRATCH, n, sizeof(float));
    e->after = mem_calloc(MEM_SCRATCH, n, sizeof(float));
    return e->masses && e->scores && e->after ? 0 : NMOS_E_NOMEM;
}

void kv_evict_deinit(struct nmos_session *session)
{
    mem_free(session->evict.masses);
    mem_free(session->evict.scores);
    mem_free(session->evict.after);
    session->evict = (struct kv_evict){0};
}

/* The scores when the full page before token @p end was. */
static float *scores_at(const struct nmos_session *session, uint32_t end)
{
    const struct kv_table *table = &session->table;
    const uint32_t page = table->page_ids[end / table->page_tokens - 1];
    return session->model->page_scores + (size_t)page * columns_of(session);
}

static uint32_t pages_kept(const struct nmos_session *session)
{
    const uint32_t n = session->table.page_tokens;
    return session->evict.n_kept > n ? (session->evict.n_kept - 1) / n + 1 : 1;
}

void kv_evict_make_room(struct nmos_session *session)
{
    struct kv_evict *e = &session->evict;
    struct kv_table *table = &session->table;
    struct nmos_stats *stats = &session->model->stats;
    double share = 0;
    if (!e->masses || kv_table_room(table) > 0) return;
    const uint32_t page_i = page_scores_choose(table, session->model->kv.policy,
                                               pages_kept(session), e->scores, &share);
    kv_table_give_up(table, page_i);
    memcpy(e->after, e->scores, scores_bytes(session));
    e->given_up_at = table->len;
    stats->kv_given_up_tokens += table->page_tokens;
    stats->kv_given_up_pages++;
    stats->kv_given_up_mass += share;
    if (share > stats->kv_given_up_mass_most) stats->kv_given_up_mass_most = share;
}

uint32_t kv_evict_room(const struct nmos_session *session)
{
    const uint32_t room = kv_table_room(&session->table);
    if (!session->evict.masses) return UINT32_MAX;
    return room ? room : session->table.page_tokens;
}

uint32_t kv_evict_end(const struct nmos_session *session)
{
    const struct kv_table *table = &session->table;
    return session->evict.masses ? table->len + kv_table_room(table) : UINT32_MAX;
}

void kv_evict_note(struct nmos_model *model, size_t n_rows)
{
    const uint32_t n = model->kv.mass_columns;
    for (size_t i = 0; n && i < n_rows; i++) {
        const struct nmos_session *session = model->pass_sessions[model->rows[i].seq_i];
        forward_row_mass(model->forward, (uint32_t)i,
                         session->evict.masses + (size_t)model->pending_of_row[i] * n);
    }
}

void kv_evict_commit(struct nmos_session *session, uint32_t row_i, uint32_t pos)
{
    struct kv_evict *e = &session->evict;
    const uint32_t n = columns_of(session);
    if (!e->masses) return;
    page_scores_add(&session->table, pos, e->scores, e->masses + (size_t)row_i * n);
    if ((pos + 1) % session->table.page_tokens) return;
    memcpy(scores_at(session, pos + 1), e->scores, scores_bytes(session));
}

uint32_t kv_evict_truncate(struct nmos_session *session, uint32_t len)
{
    struct kv_evict *e = &session->evict;
    const uint32_t end = len / session->table.page_tokens * session->table.page_tokens;
    if (!e->masses || len == session->table.len) return len;
    if (end == 0 || end < e->given_up_at) {
        memset(e->scores, 0, scores_bytes(session));
        e->given_up_at = 0;
        return 0;
    }
    memcpy(e->scores, end == e->given_up_at ? e->after : scores_at(session, end),
           scores_bytes(session));
    return end;
}

void kv_evict_adopt(struct nmos_session *session)
{
    const uint32_t len = session->table.len;
    if (!session->evict.masses || len == 0) return;
    memcpy(session->evict.scores, scores_at(session, len), scores_bytes(session));
}

void kv_evict_fork(struct nmos_session *to, const struct nmos_session *from)
{
    if (!to->evict.masses) return;
    memcpy(to->evict.scores, from->evict.scores, scores_bytes(to));
    memcpy(to->evict.after, from->evict.after, scores_bytes(to));
    to->evict.given_up_at = from->evict.given_up_at;
    to->evict.n_kept = from->evict.n_kept;
}

int nmos_session_keep(struct nmos_session *session, uint32_t n_tokens)
{
    const struct kv_table *table = &session->table;
    struct nmos_model *model = session->model;
    const uint32_t n_most = page_scores_n_first_most(table->n_held_max);
    int rc = 0;
    pthread_mutex_lock(&model->lock);
    if (session->evict.masses && n_tokens > (uint64_t)n_most * table->page_tokens) {
        rc =
            FAIL(NMOS_E_LIMIT,
                 "%u tokens cannot stay whatever comes: a session holds %u pages of %u (--kv-cap), "
                 "so %u tokens at most can",
                 n_tokens, table->n_held_max, table->page_tokens, n_most * table->page_tokens);
    } else if (session->evict.given_up_at && session->evict.n_kept != n_tokens) {
        rc = FAIL(NMOS_E_INVALID, "the session has given up pages already");
    } else {
        session->evict.n_kept = n_tokens;
    }
    pthread_mutex_unlock(&model->lock);
    return rc;
}
