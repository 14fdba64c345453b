/* SPDX-License-Identifier: MIT */
/* Sessions on disk: their pages in the store of prefixes, and back. */
#include <string.h>

#include "base/mem.h"
#include "engine/model.h"
#include "engine/prefix_store.h"

#define BYTES_MAX     ((uint64_t)4 << 30)
#define SAMPLES       64U /* places in each file whose bytes count in the fingerprint */
#define SAMPLE_NUMBER 512U

/* What keys and values depend on beside the tokens: the header, samples of the weights, when the
 * files were made, how keys and values are kept, and which of longrope's factors count. */
static int fingerprint(struct nmos_model *model, uint64_t *ret_fingerprint)
{
    const struct nmos_model_info *info = &model->info;
    int32_t sample[SAMPLE_NUMBER];
    uint64_t h = model_fingerprint(model);
    h = page_key(h, (int32_t)model->kv_type);
    h = page_key(h, (int32_t)model->kv.page_tokens);
    h = page_key(h, info->ctx > model->map->hp.rope.original_ctx);
    if (model->kv.n_frames) h = page_key(h, (int32_t)(model->kv.page_bytes >> 12)); /* padded */
    for (uint32_t i = 0; i < model->gguf->n_files; i++) {
        const struct file *file = model->files[i];
        h = page_key(h, (int32_t)(file->identity.mtime_ns ^ file->identity.mtime_ns >> 32));
        for (uint64_t k = 0; k < SAMPLES && file->bytes > sizeof(sample); k++) {
            const uint64_t offset = (file->bytes - sizeof(sample)) / SAMPLES * k;
            TRY(file_read(file, offset, sizeof(sample), sample));
            for (uint32_t n = 0; n < SAMPLE_NUMBER; n++) h = page_key(h, sample[n]);
        }
    }
    *ret_fingerprint = h;
    return 0;
}

/* Points @p page at a page, the @p index-th of its text; it stays in memory until leave_page(). */
static int enter_page(struct nmos_model *model, uint32_t page_id, uint32_t index, int will_change,
                      struct prefix_page *page)
{
    pthread_mutex_lock(&model->lock);
    const int rc = kv_pages_hold(model, page_id, index, will_change);
    model->n_entered += rc == 0;
    page->page = forward_page(model->forward, page_id, &page->page_bytes);
    pthread_mutex_unlock(&model->lock);
    return rc;
}

static void leave_page(struct nmos_model *model, uint32_t page_id)
{
    pthread_mutex_lock(&model->lock);
    kv_pages_unhold(model, page_id);
    model->n_entered--;
    pthread_mutex_unlock(&model->lock);
}

static uint64_t key_behind(uint64_t key, const int32_t *tokens, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) key = page_key(key, tokens[i]);
    return key;
}

/* The first page is touched last, so that pages that nothing can reach go before it. */
static void touch(uint64_t fingerprint, const uint64_t *keys, uint32_t n)
{
    while (n > 0) prefix_store_touch(fingerprint, keys[--n]);
}

/* ---- To disk ---- */

/* A full page belongs to no snapshot: it is known by the number of its text as long as it is there.
 * The page that a text ends in is a copy, as the session goes on in it. The model's list of
 * snapshots, and what prefix_give_back() changes of one that is not being saved, are under its
 * lock. */
struct nmos_snapshot {
    struct nmos_model *model;
    struct nmos_snapshot *next;
    int is_saving;
    uint32_t n_tokens;
    uint32_t n_pages;   /* full ones, and the copy if there is one */
    int32_t *tokens;    /* [n_tokens] */
    uint32_t *page_ids; /* [n_pages] */
    uint64_t *numbers;  /* [n_pages] of their texts; 0: the copy */
    uint64_t *keys;     /* [n_pages] */
    float *logits;      /* behind the last token; NULL: not known */
};

/* Keys and values are kept whole, where the host has them. */
static int check_kept(const struct nmos_model *model)
{
    if (model->info.vram_bytes) {
        return FAIL(NMOS_E_UNSUPPORTED, "keys and values at a device are not kept on disk");
    }
    if (model->info.kv_cap_tokens) {
        return FAIL(
            NMOS_E_UNSUPPORTED,
            "keys and values under a cap are not kept on disk (--kv-cap): which of them are "
            "given up next is not kept there");
    }
    return 0;
}

static int allocate_snapshot(struct nmos_snapshot *snapshot, const struct nmos_session *session,
                             uint32_t len)
{
    const uint32_t n_pages = len / session->table.page_tokens + 1;
    snapshot->tokens = mem_calloc(MEM_GENERAL, len + 1, sizeof(snapshot->tokens[0]));
    snapshot->page_ids = mem_calloc(MEM_GENERAL, n_pages, sizeof(snapshot->page_ids[0]));
    snapshot->numbers = mem_calloc(MEM_GENERAL, n_pages, sizeof(snapshot->numbers[0]));
    snapshot->keys = mem_calloc(MEM_GENERAL, n_pages, sizeof(snapshot->keys[0]));
    if (session->logits_len == len && len == session->table.len && len) {
        snapshot->logits = mem_calloc(MEM_GENERAL, session->model->info.n_vocab, sizeof(float));
        if (!snapshot->logits) return NMOS_E_NOMEM;
        memcpy(snapshot->logits, session->logits, session->model->info.n_vocab * sizeof(float));
    }
    return snapshot->tokens && snapshot->page_ids && snapshot->numbers && snapshot->keys
               ? 0
               : NMOS_E_NOMEM;
}

/* The tokens behind the full pages are left out, and so is what follows them. */
static void leave_last_page(struct nmos_snapshot *snapshot, uint32_t n_tokens)
{
    snapshot->n_tokens = n_tokens;
    mem_free(snapshot->logits);
    snapshot->logits = NULL;
}

/* A pass may be writing to the page, behind what this session reads of it. */
static int is_written_by_another(const struct kv_table *table, uint32_t page)
{
    return table->pool->writers[page] && table->pool->writers[page] != table;
}

/* Copies the page that the text ends in. Without a page for that its tokens are left out. */
static void copy_last_page(struct nmos_snapshot *snapshot, const struct nmos_session *session,
                           uint32_t len, uint64_t key)
{
    const struct kv_table *table = &session->table;
    const uint32_t n_more = len % table->page_tokens;
    struct kv_page_copy copy = {.is_needed = 1};
    if (n_more == 0) return;
    copy.from = table->page_ids[snapshot->n_pages];
    if (is_written_by_another(table, copy.from) || kv_promise_left(snapshot->model) == 0 ||
        page_pool_acquire(table->pool, &copy.to) < 0) {
        leave_last_page(snapshot, len - n_more);
        return;
    }
    if (kv_pages_copy_page(snapshot->model, &copy, snapshot->n_pages) < 0) {
        page_pool_release(table->pool, copy.to);
        leave_last_page(snapshot, len - n_more);
        return;
    }
    snapshot->keys[snapshot->n_pages] = key_behind(key, session->tokens + len - n_more, n_more);
    snapshot->page_ids[snapshot->n_pages++] = copy.to;
}

static int has_copy(const struct nmos_snapshot *snapshot)
{
    return snapshot->n_pages && !snapshot->numbers[snapshot->n_pages - 1];
}

/* Under the lock. */
static void release_copy(struct nmos_snapshot *snapshot)
{
    if (!has_copy(snapshot)) return;
    page_pool_release(&snapshot->model->pages, snapshot->page_ids[--snapshot->n_pages]);
    leave_last_page(snapshot, snapshot->n_pages * snapshot->model->kv.page_tokens);
}

int prefix_give_back(struct nmos_model *model)
{
    struct nmos_snapshot *snapshot = model->snapshots;
    while (snapshot && (snapshot->is_saving || !has_copy(snapshot))) snapshot = snapshot->next;
    if (snapshot) release_copy(snapshot);
    return snapshot != NULL;
}

/* Under the lock. */
static int take_snapshot(struct nmos_snapshot *snapshot, const struct nmos_session *session,
                         uint32_t n_tokens)
{
    const struct kv_table *table = &session->table;
    const uint32_t len = n_tokens < table->len ? n_tokens : table->len;
    uint64_t key = 0;
    if (session->n_jobs) {
        return FAIL(NMOS_E_BUSY, "%u jobs of this session are unfinished", session->n_jobs);
    }
    TRY(allocate_snapshot(snapshot, session, len));
    if (len) memcpy(snapshot->tokens, session->tokens, len * sizeof(int32_t));
    snapshot->n_tokens = len;
    for (uint32_t i = 0; i < len / table->page_tokens; i++) {
        const struct page_text text = kv_table_text(table, i);
        snapshot->page_ids[i] = table->page_ids[i];
        snapshot->numbers[i] = text.number;
        snapshot->keys[i] = key = text.key;
        snapshot->n_pages++;
    }
    copy_last_page(snapshot, session, len, key);
    return 0;
}

int nmos_session_snapshot(const struct nmos_session *session, uint32_t n_tokens,
                          struct nmos_snapshot **ret_snapshot)
{
    struct nmos_model *model = session->model;
    TRY(check_kept(model));
    struct nmos_snapshot *snapshot = mem_calloc(MEM_GENERAL, 1, sizeof(*snapshot));
    if (!snapshot) return NMOS_E_NOMEM;
    snapshot->model = model;
    pthread_mutex_lock(&model->lock);
    snapshot->next = model->snapshots;
    model->snapshots = snapshot;
    const int rc = take_snapshot(snapshot, session, n_tokens);
    pthread_mutex_unlock(&model->lock);
    if (rc < 0) {
        nmos_snapshot_destroy(&snapshot);
        return rc;
    }
    *ret_snapshot = snapshot;
    return 0;
}

/* Holds a full page while it is written. @return 0 when it has gone. */
static int hold_page(const struct nmos_snapshot *snapshot, uint32_t i)
{
    struct page_pool *pool = &snapshot->model->pages;
    const uint32_t page_id = snapshot->page_ids[i];
    if (!snapshot->numbers[i]) return 1; /* the copy */
    pthread_mutex_lock(&snapshot->model->lock);
    const int is_there = pool->index.texts[page_id].number == snapshot->numbers[i] &&
                         (pool->n_holders[page_id] || kv_promise_left(snapshot->model));
    if (is_there) page_pool_share(pool, page_id);
    pthread_mutex_unlock(&snapshot->model->lock);
    return is_there;
}

static void let_go(const struct nmos_snapshot *snapshot, uint32_t i)
{
    if (!snapshot->numbers[i]) return;
    pthread_mutex_lock(&snapshot->model->lock);
    page_pool_release(&snapshot->model->pages, snapshot->page_ids[i]);
    pthread_mutex_unlock(&snapshot->model->lock);
}

/* Writes page @p i unless it is there. @return 1 when it cannot be had any more. */
static int save_page(const struct nmos_snapshot *snapshot, uint64_t fingerprint, uint32_t i)
{
    const uint32_t page_tokens = snapshot->model->kv.page_tokens;
    const uint32_t first = i * page_tokens;
    const uint32_t left = snapshot->n_tokens - first;
    float *logits = left <= page_tokens ? snapshot->logits : NULL;
    if (!logits && prefix_store_has(fingerprint, snapshot->keys[i])) return 0;
    if (!hold_page(snapshot, i)) return 1;
    struct prefix_page page = {.model = fingerprint,
                               .key = snapshot->keys[i],
                               .tokens = snapshot->tokens + first,
                               .n_tokens = left < page_tokens ? left : page_tokens,
                               .logits = logits,
                               .n_logits = snapshot->model->info.n_vocab};
    int rc = enter_page(snapshot->model, snapshot->page_ids[i], i, 0, &page);
    if (rc == 0) {
        rc = prefix_store_write(&page);
        leave_page(snapshot->model, snapshot->page_ids[i]);
    } else if (rc == NMOS_E_BUSY) {
        rc = 1; /* all memory for pages is in use */
    }
    let_go(snapshot, i);
    return rc;
}

/* Meanwhile nobody takes its page back. */
static void mark_saving(struct nmos_snapshot *snapshot, int is_saving)
{
    pthread_mutex_lock(&snapshot->model->lock);
    if (is_saving) {
        snapshot->model->n_saving++;
    } else {
        snapshot->model->n_saving--;
    }
    snapshot->is_saving = is_saving;
    pthread_mutex_unlock(&snapshot->model->lock);
}

static int save_pages(const struct nmos_snapshot *snapshot)
{
    uint64_t model = 0;
    int rc = fingerprint(snapshot->model, &model);
    if (rc < 0) return rc;
    for (uint32_t i = 0; rc == 0 && i < snapshot->n_pages; i++) {
        rc = save_page(snapshot, model, i);
    }
    touch(model, snapshot->keys, snapshot->n_pages);
    return rc < 0 ? rc : 0;
}

int nmos_snapshot_save(struct nmos_snapshot *snapshot, uint64_t max_bytes)
{
    mark_saving(snapshot, 1);
    const int rc = save_pages(snapshot);
    mark_saving(snapshot, 0);
    prefix_store_limit(max_bytes ? max_bytes : BYTES_MAX);
    return rc;
}

void nmos_snapshot_destroy(struct nmos_snapshot **snapshot)
{
    if (!snapshot || !*snapshot) return;
    struct nmos_snapshot *s = *snapshot;
    struct nmos_snapshot **at = &s->model->snapshots;
    pthread_mutex_lock(&s->model->lock);
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    release_copy(s);
    pthread_mutex_unlock(&s->model->lock);
    mem_free(s->tokens);
    mem_free(s->page_ids);
    mem_free(s->numbers);
    mem_free(s->keys);
    mem_free(s->logits);
    mem_free(s);
    *snapshot = NULL;
}

int nmos_session_save(struct nmos_session *session, uint64_t max_bytes)
{
    struct nmos_snapshot *snapshot = NULL;
    TRY(nmos_session_snapshot(session, UINT32_MAX, &snapshot));
    const int rc = nmos_snapshot_save(snapshot, max_bytes);
    nmos_snapshot_destroy(&snapshot);
    return rc;
}

/* ---- From disk ---- */

/* The session is being filled: meanwhile nobody else may change it. */
static int begin(struct nmos_session *session, uint64_t *ret_fingerprint)
{
    struct nmos_model *model = session->model;
    TRY(check_kept(model));
    TRY(fingerprint(model, ret_fingerprint));
    pthread_mutex_lock(&model->lock);
    const uint32_t n_jobs = session->n_jobs;
    if (n_jobs == 0) session->n_jobs++;
    pthread_mutex_unlock(&model->lock);
    return n_jobs ? FAIL(NMOS_E_BUSY, "%u jobs of this session are unfinished", n_jobs) : 0;
}

static void end(struct nmos_session *session)
{
    pthread_mutex_lock(&session->model->lock);
    session->n_jobs--;
    pthread_mutex_unlock(&session->model->lock);
}

/* Makes room for @p n tokens behind the others, all of one page. */
static int reserve(struct nmos_session *session, uint32_t n)
{
    struct kv_page_copy copy;
    pthread_mutex_lock(&session->model->lock);
    const int has_room = session_pages_needed(session, n) <= kv_promise_left(session->model);
    const int rc = has_room ? kv_table_reserve(&session->table, n, &copy) : NMOS_E_LIMIT;
    pthread_mutex_unlock(&session->model->lock);
    return rc;
}

/* The reserved tokens become part of the session, or nothing does. */
static void settle(struct nmos_session *session, uint32_t n, int has_logits)
{
    pthread_mutex_lock(&session->model->lock);
    const uint32_t len = session->table.len;
    kv_table_commit(&session->table, n);
    kv_table_learn(&session->table, session->tokens, len);
    kv_table_truncate(&session->table, session->table.len);
    session->logits_len = has_logits ? session->table.len : SESSION_NO_LOGITS;
    pthread_mutex_unlock(&session->model->lock);
}

/* Reads the page of @p n tokens behind those that the session has. @return 1 when it is there. */
static int read_page(struct nmos_session *session, uint64_t model, uint64_t key,
                     const int32_t *tokens, uint32_t n)
{
    const struct kv_table *table = &session->table;
    const uint32_t len = table->len;
    int has_logits = 0;
    if (!prefix_store_has(model, key) || reserve(session, n) < 0) return 0;
    memcpy(session->tokens + len, tokens + len, n * sizeof(tokens[0]));
    struct prefix_page page = {.model = model,
                               .key = key,
                               .tokens = session->tokens + len,
                               .n_tokens = n,
                               .logits = session->logits,
                               .n_logits = session->model->info.n_vocab};
    int rc = enter_page(session->model, table->page_ids[len / table->page_tokens],
                        len / table->page_tokens, 1, &page);
    if (rc == 0) {
        rc = prefix_store_read(&page, &has_logits);
        leave_page(session->model, table->page_ids[len / table->page_tokens]);
    }
    settle(session, rc == 0 ? n : 0, rc == 0 && has_logits);
    if (rc == 0) prefix_store_touch(model, key);
    return rc == 0;
}

/* Pages that are in memory are shared, the others read. */
static void restore(struct nmos_session *session, uint64_t model, const int32_t *tokens, uint32_t n)
{
    const uint32_t page_tokens = session->table.page_tokens;
    uint64_t key = 0;                            /* of what the session has */
    (void)session_adopt(session, tokens, n - 1); /* pages in memory have no logits */
    key = key_behind(key, tokens, session->table.len);
    while (n - session->table.len >= page_tokens) {
        const uint32_t len = session->table.len;
        const uint64_t next = key_behind(key, tokens + len, page_tokens);
        if (!read_page(session, model, next, tokens, page_tokens)) break;
        key = next;
    }
    /* The page that a text ended in: the longest that is there. */
    const uint32_t len = session->table.len;
    const uint32_t n_most = n - len < page_tokens ? n - len : page_tokens - 1;
    for (uint32_t k = n_most; k > 0; k--) {
        if (read_page(session, model, key_behind(key, tokens + len, k), tokens, k)) return;
    }
    (void)session_adopt(session, tokens + len, n - len);
}

int nmos_session_restore(struct nmos_session *session, const int32_t *tokens, size_t n_tokens)
{
    const uint32_t ctx = session->model->info.ctx;
    uint64_t model = 0;
    if (nmos_session_length(session) > 0) {
        return FAIL(NMOS_E_INVALID, "only an empty session can be restored; this one has %u tokens",
                    nmos_session_length(session));
    }
    TRY(begin(session, &model));
    if (n_tokens) restore(session, model, tokens, n_tokens < ctx ? (uint32_t)n_tokens : ctx);
    end(session);
    return 0;
}
