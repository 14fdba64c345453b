/* SPDX-License-Identifier: MIT */
#include "kv/page_table.h"

#include <assert.h>

#include "base/mem.h"

static uint32_t pages_for(const struct kv_table *table, uint32_t n_tokens)
{
    return (n_tokens + table->page_tokens - 1) / table->page_tokens;
}

int kv_table_init(struct kv_table *table, struct page_pool *pool, uint32_t page_tokens,
                  uint32_t ctx, uint32_t n_held_max)
{
    assert(page_tokens > 0);
    *table = (struct kv_table){.pool = pool, .page_tokens = page_tokens};
    table->n_pages_max = pages_for(table, ctx);
    table->n_held_max =
        n_held_max && n_held_max < table->n_pages_max ? n_held_max : table->n_pages_max;
    table->page_ids = mem_calloc(MEM_GENERAL, table->n_pages_max, sizeof(table->page_ids[0]));
    return table->page_ids ? 0 : NMOS_E_NOMEM;
}

void kv_table_deinit(struct kv_table *table)
{
    if (table->page_ids) {
        kv_table_truncate(table, 0);
        mem_free(table->page_ids);
    }
    *table = (struct kv_table){0};
}

/* The last page if it is partly filled, else PAGE_NONE. */
static uint32_t open_page(const struct kv_table *table)
{
    return table->len % table->page_tokens ? table->page_ids[table->len / table->page_tokens]
                                           : PAGE_NONE;
}

/* Others read the last page, and one of them goes on in it: it is to be replaced by a copy. */
static int must_copy(const struct kv_table *table)
{
    const uint32_t page = open_page(table);
    return page != PAGE_NONE && table->pool->n_holders[page] > 1 &&
           table->pool->writers[page] != table;
}

/* Whoever goes on in a shared page has to copy it from now on. */
static void stop_writing(const struct kv_table *table, uint32_t page)
{
    if (table->pool->writers[page] == table) table->pool->writers[page] = NULL;
}

void kv_table_claim(const struct kv_table *table)
{
    const uint32_t page = open_page(table);
    if (page == PAGE_NONE || table->pool->n_holders[page] > 1) return;
    table->pool->writers[page] = table;
    page_index_forget(&table->pool->index, page);
}

static void let_go(const struct kv_table *table, uint32_t page)
{
    stop_writing(table, page);
    page_pool_release(table->pool, page);
}

/* Pages that the table may still take. */
static uint32_t pages_left(const struct kv_table *table)
{
    return table->n_held_max - (table->n_pages - table->n_gaps);
}

uint32_t kv_table_room(const struct kv_table *table)
{
    return (table->n_pages + pages_left(table)) * table->page_tokens - table->len;
}

void kv_table_give_up(struct kv_table *table, uint32_t page_i)
{
    assert((page_i + 1) * table->page_tokens <= table->len && table->page_ids[page_i] != PAGE_NONE);
    let_go(table, table->page_ids[page_i]);
    table->page_ids[page_i] = PAGE_NONE;
    table->n_gaps++;
}

uint32_t kv_table_pages_needed(const struct kv_table *table, uint32_t n_rows)
{
    const uint32_t need = pages_for(table, table->len + n_rows);
    uint32_t n_new = need > table->n_pages ? need - table->n_pages : 0;
    if (n_new > pages_left(table)) n_new = pages_left(table);
    return n_new + (n_rows && must_copy(table) ? 1 : 0);
}

int kv_table_reserve(struct kv_table *table, uint32_t n_rows, struct kv_page_copy *ret_copy)
{
    struct kv_page_copy copy = {0};
    const uint64_t capacity = (uint64_t)table->n_pages_max * table->page_tokens;
    if (table->len + (uint64_t)n_rows > capacity) {
        return FAIL(NMOS_E_LIMIT, "%u tokens and %u new rows do not fit into %llu positions",
                    table->len, n_rows, (unsigned long long)capacity);
    }
    if (n_rows > kv_table_room(table)) {
        return FAIL(NMOS_E_LIMIT,
                    "%u new rows need more than the %u KV pages that a session may hold, before "
                    "one is given up; there is room for %u",
                    n_rows, table->n_held_max, kv_table_room(table));
    }
    const uint32_t need = pages_for(table, table->len + n_rows);
    const uint32_t n_taken = kv_table_pages_needed(table, n_rows);
    if (n_taken > table->pool->n_free) {
        return FAIL(NMOS_E_LIMIT, "%u more KV pages are needed, %u of %u are free", n_taken,
                    table->pool->n_free, table->pool->n_pages);
    }
    if (n_rows && must_copy(table)) {
        uint32_t *last = &table->page_ids[table->len / table->page_tokens];
        copy = (struct kv_page_copy){.from = *last, .is_needed = 1};
        TRY(page_pool_acquire(table->pool, &copy.to));
        page_pool_release(table->pool, *last);
        *last = copy.to;
    } else if (n_rows && open_page(table) != PAGE_NONE) {
        page_index_forget(&table->pool->index, open_page(table));
    }
    while (table->n_pages < need) {
        TRY(page_pool_acquire(table->pool, &table->page_ids[table->n_pages]));
        table->n_pages++;
    }
    *ret_copy = copy;
    return 0;
}

void kv_table_undo_copy(struct kv_table *table, const struct kv_page_copy *copy)
{
    uint32_t *last = &table->page_ids[table->len / table->page_tokens];
    assert(*last == copy->to);
    page_pool_share(table->pool, copy->from);
    page_pool_release(table->pool, copy->to);
    *last = copy->from;
}

void kv_table_commit(struct kv_table *table, uint32_t n)
{
    assert(pages_for(table, table->len + n) <= table->n_pages);
    table->len += n;
}

struct page_text kv_table_text(const struct kv_table *table, int64_t page_i)
{
    static const struct page_text beginning = {0};
    return page_i < 0 ? beginning : table->pool->index.texts[table->page_ids[page_i]];
}

void kv_table_learn(struct kv_table *table, const int32_t *tokens, uint32_t from)
{
    const uint32_t n = table->page_tokens;
    struct page_pool *pool = table->pool;
    if (table->n_gaps) return;
    for (uint32_t i = from / n; i < table->len / n; i++) {
        const struct page_text before = kv_table_text(table, (int64_t)i - 1);
        uint32_t *own = &table->page_ids[i];
        assert(i == 0 || before.number);
        if (pool->index.texts[*own].number) continue;
        const uint32_t page = page_index_find(&pool->index, &before, tokens + (size_t)i * n, NULL);
        if (page == PAGE_NONE) {
            page_index_add(&pool->index, *own, &before, tokens + (size_t)i * n);
            continue;
        }
        page_pool_share(pool, page);
        let_go(table, *own);
        *own = page;
    }
}

/* The page behind the full ones that hold @p before, or PAGE_NONE. */
static uint32_t find_page(const struct kv_table *table, uint32_t page_i,
                          const struct page_text *before, const int32_t *tokens, uint32_t n_tokens)
{
    const uint64_t end = (page_i + (uint64_t)1) * table->page_tokens;
    if (end > n_tokens || page_i >= table->n_held_max) return PAGE_NONE;
    return page_index_find(&table->pool->index, before,
                           tokens + (size_t)page_i * table->page_tokens, NULL);
}

struct kv_known kv_table_find(const struct kv_table *table, const int32_t *tokens,
                              uint32_t n_tokens)
{
    struct kv_known known = {.n_tokens = table->len};
    if (table->n_gaps) return known;
    uint32_t page_i = table->len / table->page_tokens;
    struct page_text before = kv_table_text(table, (int64_t)page_i - 1);
    uint32_t page;
    while ((page = find_page(table, page_i, &before, tokens, n_tokens)) != PAGE_NONE) {
        known.n_pages += table->pool->n_holders[page] == 0;
        known.n_tokens = ++page_i * table->page_tokens;
        before = table->pool->index.texts[page];
    }
    return known;
}

void kv_table_adopt(struct kv_table *table, const int32_t *tokens, uint32_t n_tokens)
{
    while (!table->n_gaps) {
        const uint32_t page_i = table->len / table->page_tokens;
        const struct page_text before = kv_table_text(table, (int64_t)page_i - 1);
        const uint32_t page = find_page(table, page_i, &before, tokens, n_tokens);
        if (page == PAGE_NONE) return;
        page_pool_share(table->pool, page);
        kv_table_truncate(table, page_i * table->page_tokens);
        table->page_ids[table->n_pages++] = page;
        table->len = (page_i + 1) * table->page_tokens;
    }
}

void kv_table_truncate(struct kv_table *table, uint32_t len)
{
    assert(len <= table->len || len == 0);
    const int is_cut = len < table->len;
    table->len = len;
    const uint32_t keep = pages_for(table, len);
    while (table->n_pages > keep) {
        const uint32_t page = table->page_ids[--table->n_pages];
        if (page == PAGE_NONE) {
            table->n_gaps--;
        } else {
            let_go(table, page);
        }
    }
    /* What is written behind the cut would be where others read. */
    if (is_cut && open_page(table) != PAGE_NONE) stop_writing(table, open_page(table));
}

void kv_table_fork(struct kv_table *to, const struct kv_table *from)
{
    assert(to->n_pages == 0 && to->n_pages_max >= pages_for(from, from->len));
    assert(to->page_tokens == from->page_tokens);
    to->len = from->len;
    to->n_pages = pages_for(from, from->len);
    to->n_gaps = from->n_gaps;
    kv_table_claim(from);
    for (uint32_t i = 0; i < to->n_pages; i++) {
        to->page_ids[i] = from->page_ids[i];
        if (to->page_ids[i] != PAGE_NONE) page_pool_share(from->pool, from->page_ids[i]);
    }
}
