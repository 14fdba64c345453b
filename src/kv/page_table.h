/* SPDX-License-Identifier: MIT */
/*
 * The page table of one session: where the keys and values of its tokens lie.
 *
 * A slot is a place for one token; slot s lies in page pages[s / page_tokens]. Committed tokens
 * occupy slots 0..len-1, slot = position. Rows of a pass in flight occupy the slots behind, in the
 * order of the batch: kv_table_reserve() before the pass, kv_table_commit() after it. Rows of
 * several passes may wait there together: each pass reserves for all of them. When rows form a tree
 * their slots are not their positions, and the caller moves the accepted path down before it
 * commits.
 *
 * A page that is partly filled and shared is gone on with by the session that wrote it, as the
 * others read only what was there when they were forked; these go on in a copy, which
 * kv_table_reserve() reports. So being forked costs a session no page. Full pages are never
 * written. They are known by their text as soon as kv_table_learn() has seen it, and shared with
 * every other session of the same text.
 *
 * A table with a bound gives pages up, which leaves gaps: positions stay what they were. What is
 * written behind a gap depends on what is missing, and is never known by its text. Not thread-safe.
 */
#ifndef NMOS_KV_PAGE_TABLE_H
#define NMOS_KV_PAGE_TABLE_H

#include "kv/page_pool.h"

struct kv_table {
    struct page_pool *pool; /* borrowed */
    uint32_t page_tokens;
    uint32_t n_pages_max;
    uint32_t n_held_max; /* pages that it may hold at one time; n_pages_max: it gives none up */
    uint32_t n_pages;    /* in use, gaps included */
    uint32_t n_gaps;
    uint32_t len;       /* committed tokens */
    uint32_t *page_ids; /* [n_pages_max] PAGE_NONE: a gap */
};

/** A copy that the caller must make between pages, of all layers, before the pass writes. */
struct kv_page_copy {
    uint32_t from;
    uint32_t to;
    int is_needed;
};

/** An empty session of at most @p ctx tokens, which holds at most @p n_held_max pages; 0: as many
 * as it needs. @return 0 or NMOS_E_NOMEM. */
int kv_table_init(struct kv_table *table, struct page_pool *pool, uint32_t page_tokens,
                  uint32_t ctx, uint32_t n_held_max) NMOS_MUST_CHECK;
/** Releases all pages. */
void kv_table_deinit(struct kv_table *table);

/** Slots behind the committed tokens that can be had before a page has to be given up. */
uint32_t kv_table_room(const struct kv_table *table);

/** The session will go on in its last page, if that is partly filled and it alone holds it: what
 * else the page held is forgotten, and nobody who shares it from now on makes a copy necessary. */
void kv_table_claim(const struct kv_table *table);

/** Gives up page @p page_i, a full one: it becomes a gap. */
void kv_table_give_up(struct kv_table *table, uint32_t page_i);

/** Pages that kv_table_reserve() would take from the pool for @p n_rows, at most as many as the
 * table may hold. */
uint32_t kv_table_pages_needed(const struct kv_table *table, uint32_t n_rows);

/**
 * Makes slots len .. len + n_rows - 1 writable.
 * @return 0; NMOS_E_LIMIT when the context, kv_table_room() or the pool is exhausted (nothing
 * changed).
 */
int kv_table_reserve(struct kv_table *table, uint32_t n_rows,
                     struct kv_page_copy *ret_copy) NMOS_MUST_CHECK;

/** Takes back a copy that kv_table_reserve() asked for and that could not be made: the table holds
 * the shared page again. At once, before anybody else changes the pool. */
void kv_table_undo_copy(struct kv_table *table, const struct kv_page_copy *copy);

/** The first @p n reserved slots become committed tokens. */
void kv_table_commit(struct kv_table *table, uint32_t n);

/** What the full pages from that of token @p from on hold: @p tokens [len] are the committed ones.
 * Where another page of the same text is known, it takes the place of the session's own. Nothing
 * where there are gaps. */
void kv_table_learn(struct kv_table *table, const int32_t *tokens, uint32_t from);

/** Pages of a text that could be shared, behind those that the table has. */
struct kv_known {
    uint32_t n_tokens; /* of the text then; table->len when there is no such page */
    uint32_t n_pages;  /* of them, not in use by anybody */
};

/** How much of a text of @p n_tokens is in known pages. Its first len tokens are the committed
 * ones. Behind gaps nothing is. */
struct kv_known kv_table_find(const struct kv_table *table, const int32_t *tokens,
                              uint32_t n_tokens);

/** Shares these pages: they become part of the committed tokens. No rows may be pending. */
void kv_table_adopt(struct kv_table *table, const int32_t *tokens, uint32_t n_tokens);

/** What the table's page @p page_i, no gap, holds, or for -1 what stands before the first. */
struct page_text kv_table_text(const struct kv_table *table, int64_t page_i);

/** Keeps the first @p len committed tokens and releases pages that hold none. */
void kv_table_truncate(struct kv_table *table, uint32_t len);

/** @p to (initialised, empty) becomes a copy that shares all pages of @p from. */
void kv_table_fork(struct kv_table *to, const struct kv_table *from);

#endif
