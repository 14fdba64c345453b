/* SPDX-License-Identifier: MIT */
#include "engine/kv_promise.h"

#include "engine/model.h"

/* ---- What was promised ---- */

/* Pages of the pool that the session may still take: it keeps those that it has. */
static uint64_t pages_to_come(const struct nmos_session *session)
{
    const uint32_t len = session->table.len;
    const uint32_t len_most = session->promise.len_most;
    return len_most > len ? session_pages_needed(session, len_most - len) : 0;
}

static uint32_t pages_held_most(const struct kv_table *table, uint32_t len_most)
{
    const uint32_t n = (len_most + table->page_tokens - 1) / table->page_tokens;
    return n < table->n_held_max ? n : table->n_held_max;
}

/* Whether page @p page_i of a session counts for it: nobody but promised sessions has it, and this
 * is the first of them. Whoever shares a page has it at the same place. */
static int counts_as_held(const struct nmos_session *session, uint32_t page_i)
{
    const struct nmos_model *model = session->model;
    const uint32_t page = session->table.page_ids[page_i];
    const struct nmos_session *first = NULL;
    uint32_t n_holders = 0;
    if (page == PAGE_NONE) return 0;
    for (const struct nmos_session *s = model->promised; s; s = s->promise.next) {
        if (page_i >= s->table.n_pages || s->table.page_ids[page_i] != page) continue;
        if (!first) first = s;
        n_holders++;
    }
    return first == session && n_holders == model->pages.n_holders[page];
}

/* Pages of the pool that the session may still take when it gives up all that it has. */
static int64_t pages_to_come_again(const struct nmos_session *session)
{
    const struct kv_table *table = &session->table;
    int64_t n = pages_held_most(table, session->promise.len_most);
    for (uint32_t i = 0; i < table->n_pages; i++) n -= counts_as_held(session, i);
    return n;
}

/* Pages that promised sessions may still take, together. */
static uint64_t pages_promised(const struct nmos_model *model)
{
    int64_t n = 0;
    for (const struct nmos_session *s = model->promised; s; s = s->promise.next) {
        n += model->kv.n_held_max ? pages_to_come_again(s) : (int64_t)pages_to_come(s);
    }
    return n > 0 ? (uint64_t)n : 0;
}

uint32_t kv_promise_left(const struct nmos_model *model)
{
    const uint64_t n_promised = pages_promised(model);
    const uint32_t n_free = model->pages.n_free;
    return n_free > n_promised ? n_free - (uint32_t)n_promised : 0;
}

int kv_promise_check(const struct nmos_model *model)
{
    const uint64_t n_promised = pages_promised(model);
    if (n_promised <= model->pages.n_free) return 0;
    return FAIL(NMOS_E_LIMIT,
                "sessions at work may come to need %llu more KV pages when pages that they give "
                "up stay with a fork; %u of %u are free",
                (unsigned long long)n_promised, model->pages.n_free, model->pages.n_pages);
}

/* ---- Promises ---- */

static void link(struct nmos_session *session, uint32_t len_most)
{
    session->promise = (struct kv_promise){len_most, session->model->promised};
    session->model->promised = session;
}

void kv_promise_end(struct nmos_session *session)
{
    struct nmos_session **at = &session->model->promised;
    if (!session->promise.len_most) return;
    while (*at != session) at = &(*at)->promise.next;
    *at = session->promise.next;
    session->promise = (struct kv_promise){0};
}

/* Pages that the session may take when it begins and takes over what is known of its prompt: all
 * that it needs then, and those taken over that nobody holds. */
static uint64_t pages_to_begin(struct nmos_session *session, const int32_t *coming, size_t n_coming)
{
    const struct kv_table *table = &session->table;
    const struct kv_known known = session_find_known(session, coming, n_coming);
    if (known.n_tokens <= table->len) return pages_to_come(session);
    const uint32_t n_all = pages_held_most(table, session->promise.len_most);
    return n_all - known.n_tokens / table->page_tokens + known.n_pages;
}

int kv_promise_make(struct nmos_session *session, uint64_t n_more, const int32_t *coming,
                    size_t n_coming)
{
    struct nmos_model *model = session->model;
    const struct page_pool *pool = &model->pages;
    const uint64_t len_most = session->table.len + n_more;
    const uint64_t n_promised = pages_promised(model);
    link(session, len_most < model->info.ctx ? (uint32_t)len_most : model->info.ctx);
    const uint64_t n_all = model->kv.n_held_max
                               ? pages_promised(model)
                               : n_promised + pages_to_begin(session, coming, n_coming);
    while (n_all > pool->n_free && prefix_give_back(model)) continue;
    if (n_all <= pool->n_free) {
        kv_table_claim(&session->table);
        return 0;
    }
    kv_promise_end(session);
    if (model->n_saving) return FAIL(NMOS_E_BUSY, "KV pages are being written to disk");
    return FAIL(NMOS_E_LIMIT,
                "%llu tokens behind the session's %u may need %llu more KV pages; of %u, %u are in "
                "use, and %llu are promised to what runs",
                (unsigned long long)n_more, session->table.len,
                (unsigned long long)(n_all - n_promised), pool->n_pages,
                pool->n_pages - pool->n_free, (unsigned long long)n_promised);
}
