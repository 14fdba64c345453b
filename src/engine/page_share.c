/* SPDX-License-Identifier: MIT */
/* Pages of a text that other sessions have read, or that were read before: found and shared. */
#include <string.h>

#include "engine/model.h"

/* Puts what is to come behind the committed tokens. @return tokens in all. */
static uint32_t put_coming(struct nmos_session *session, const int32_t *coming, size_t n_coming)
{
    const uint32_t room = session->model->info.ctx - session->table.len;
    const uint32_t n = n_coming < room ? (uint32_t)n_coming : room;
    if (n) memcpy(session->tokens + session->table.len, coming, n * sizeof(coming[0]));
    return session->table.len + n;
}

struct kv_known session_find_known(struct nmos_session *session, const int32_t *coming,
                                   size_t n_coming)
{
    const uint32_t n = put_coming(session, coming, n_coming);
    return kv_table_find(&session->table, session->tokens, n);
}

int session_next_page(struct nmos_session *session, const int32_t *coming, size_t n_coming,
                      struct page_text *ret_next)
{
    const struct kv_table *table = &session->table;
    pthread_mutex_lock(&session->model->lock);
    const uint32_t n = put_coming(session, coming, n_coming);
    const uint32_t first = table->len / table->page_tokens * table->page_tokens;
    const int is_filled = first + (uint64_t)table->page_tokens <= n && !table->n_gaps;
    if (is_filled) {
        const struct page_text before =
            kv_table_text(table, (int64_t)(first / table->page_tokens) - 1);
        *ret_next = (struct page_text){.before = before.number};
        (void)page_index_find(&table->pool->index, &before, session->tokens + first,
                              &ret_next->key);
    }
    pthread_mutex_unlock(&session->model->lock);
    return is_filled;
}

/* Tokens of those that are known to come that the session may share, of @p n with its own: pages
 * that nobody holds may be promised to somebody else. */
static uint32_t shareable(const struct nmos_session *session, uint32_t n)
{
    const uint32_t left = session->promise.len_most ? UINT32_MAX : kv_promise_left(session->model);
    struct kv_known known = kv_table_find(&session->table, session->tokens, n);
    while (known.n_pages > left) {
        known = kv_table_find(&session->table, session->tokens, known.n_tokens - 1);
    }
    return known.n_tokens;
}

uint32_t session_adopt(struct nmos_session *session, const int32_t *coming, size_t n_coming)
{
    pthread_mutex_lock(&session->model->lock);
    const uint32_t len = session->table.len;
    const uint32_t n = shareable(session, put_coming(session, coming, n_coming));
    if (n > len) {
        session_forget_pending(session);
        kv_table_truncate(&session->table, len);
        kv_table_adopt(&session->table, session->tokens, n);
        kv_evict_adopt(session);
        session->logits_len = SESSION_NO_LOGITS;
    }
    const uint32_t n_adopted = session->table.len - len;
    session->model->stats.tokens_shared += n_adopted;
    pthread_mutex_unlock(&session->model->lock);
    return n_adopted;
}
