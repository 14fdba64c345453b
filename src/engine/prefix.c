/* SPDX-License-Identifier: MIT */
/* Sessions on disk: their pages in the store of prefixes, and back. */
#include "base/mem.h"
#include "engine/expert_memory.h"
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
    uint64_t h = expert_memory_fingerprint(model->gguf);
    h = prefix_key(h, (int32_t)model->kv_type);
    h = prefix_key(h, (int32_t)model->kv.page_tokens);
    h = prefix_key(h, info->ctx > model->map->hp.rope.original_ctx);
    if (model->kv.n_frames) h = prefix_key(h, (int32_t)(model->kv.page_bytes >> 12)); /* padded */
    for (uint32_t i = 0; i < model->gguf->n_files; i++) {
        const struct file *file = model->files[i];
        h = prefix_key(h, (int32_t)(file->identity.mtime_ns ^ file->identity.mtime_ns >> 32));
        for (uint64_t k = 0; k < SAMPLES && file->bytes > sizeof(sample); k++) {
            const uint64_t offset = (file->bytes - sizeof(sample)) / SAMPLES * k;
            TRY(file_read(file, offset, sizeof(sample), sample));
            for (uint32_t n = 0; n < SAMPLE_NUMBER; n++) h = prefix_key(h, sample[n]);
        }
    }
    *ret_fingerprint = h;
    return 0;
}

/* A session goes to disk or comes from there: meanwhile nobody else may change it. */
static int begin(struct nmos_session *session, uint64_t *ret_fingerprint)
{
    struct nmos_model *model = session->model;
    if (model->info.vram_bytes) {
        return FAIL(NMOS_E_UNSUPPORTED, "keys and values at a device are not kept on disk");
    }
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

/* Points @p page at the page of the session that holds its token @p first; it stays in memory until
 * leave_page(). */
static int enter_page(const struct nmos_session *session, uint32_t first, int will_change,
                      struct prefix_page *page)
{
    struct nmos_model *model = session->model;
    const uint32_t index = first / session->table.page_tokens;
    const uint32_t page_id = session->table.page_ids[index];
    page->tokens = session->tokens + first;
    page->n_logits = model->info.n_vocab;
    pthread_mutex_lock(&model->lock);
    const int rc = kv_pages_hold(model, page_id, index, will_change);
    page->page = forward_page(model->forward, page_id, &page->page_bytes);
    pthread_mutex_unlock(&model->lock);
    return rc;
}

static void leave_page(const struct nmos_session *session, uint32_t first)
{
    pthread_mutex_lock(&session->model->lock);
    kv_pages_unhold(session->model, session->table.page_ids[first / session->table.page_tokens]);
    pthread_mutex_unlock(&session->model->lock);
}

static uint64_t key_behind(uint64_t key, const int32_t *tokens, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) key = prefix_key(key, tokens[i]);
    return key;
}

/* Writes the pages from the one at @p first on. The first page is touched last, so that pages that
 * nothing can reach go before it. */
static int save(struct nmos_session *session, uint64_t model)
{
    const uint32_t len = session->table.len;
    const uint32_t page_tokens = session->table.page_tokens;
    uint64_t key = model;
    for (uint32_t first = 0; first < len; first += page_tokens) {
        const uint32_t n = len - first < page_tokens ? len - first : page_tokens;
        key = key_behind(key, session->tokens + first, n);
        struct prefix_page page = {.model = model, .key = key, .n_tokens = n};
        TRY(enter_page(session, first, 0, &page));
        if (first + n == len && session->logits_len == len) page.logits = session->logits;
        const int rc = prefix_store_write(&page);
        leave_page(session, first);
        TRY(rc);
    }
    return 0;
}

static void touch(const struct nmos_session *session, uint64_t model)
{
    const uint32_t len = session->table.len;
    const uint32_t page_tokens = session->table.page_tokens;
    for (uint32_t first = len ? (len - 1) / page_tokens * page_tokens : 0; first < len;
         first -= page_tokens) {
        const uint32_t n = len - first < page_tokens ? len - first : page_tokens;
        prefix_store_touch(key_behind(model, session->tokens, first + n));
        if (first == 0) break;
    }
}

int nmos_session_save(struct nmos_session *session, uint64_t max_bytes)
{
    uint64_t model = 0;
    TRY(begin(session, &model));
    const int rc = save(session, model);
    touch(session, model);
    prefix_store_limit(max_bytes ? max_bytes : BYTES_MAX);
    end(session);
    return rc;
}

/* Makes room for @p n tokens behind the others, all of one page. */
static int reserve(struct nmos_session *session, uint32_t n)
{
    struct kv_page_copy copy;
    pthread_mutex_lock(&session->model->lock);
    const int rc = kv_table_reserve(&session->table, n, &copy);
    pthread_mutex_unlock(&session->model->lock);
    return rc;
}

/* The reserved tokens become part of the session, or nothing does. */
static void settle(struct nmos_session *session, uint32_t n, int has_logits)
{
    pthread_mutex_lock(&session->model->lock);
    kv_table_commit(&session->table, n);
    kv_table_truncate(&session->table, session->table.len);
    session->logits_len = has_logits ? session->table.len : SESSION_NO_LOGITS;
    pthread_mutex_unlock(&session->model->lock);
}

/* Reads the page of @p n tokens behind those that the session has. @return 1 when it is there. */
static int read_page(struct nmos_session *session, uint64_t model, uint64_t key,
                     const int32_t *tokens, uint32_t n)
{
    const uint32_t len = session->table.len;
    int has_logits = 0;
    if (!prefix_store_has(key) || reserve(session, n) < 0) return 0;
    memcpy(session->tokens + len, tokens + len, n * sizeof(tokens[0]));
    struct prefix_page page = {
        .model = model, .key = key, .n_tokens = n, .logits = session->logits};
    int rc = enter_page(session, len, 1, &page);
    if (rc == 0) {
        rc = prefix_store_read(&page, &has_logits);
        leave_page(session, len);
    }
    settle(session, rc == 0 ? n : 0, rc == 0 && has_logits);
    return rc == 0;
}

static void restore(struct nmos_session *session, uint64_t model, const int32_t *tokens, uint32_t n)
{
    const uint32_t page_tokens = session->table.page_tokens;
    uint64_t key = model; /* of what the session has */
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
    restore(session, model, tokens, n_tokens < ctx ? (uint32_t)n_tokens : ctx);
    touch(session, model);
    end(session);
    return 0;
}
