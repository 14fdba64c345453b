/* SPDX-License-Identifier: MIT */
#include "kv/page_table.h"

#include <assert.h>

#include "base/mem.h"

static uint32_t pages_for(const struct kv_table *table, uint32_t n_tokens)
{
    return (n_tokens + table->page_tokens - 1) / table->page_tokens;
}

int kv_table_init(struct kv_table *table, struct page_pool *pool, uint32_t page_tokens,
                  uint32_t ctx)
{
    assert(page_tokens > 0);
    *table = (struct kv_table){.pool = pool, .page_tokens = page_tokens};
    table->n_pages_max = pages_for(table, ctx);
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

/* A shared last page that is partly filled cannot be appended to: it must be replaced by a copy. */
static int last_page_is_shared(const struct kv_table *table)
{
    const uint32_t last = table->len / table->page_tokens;
    return table->len % table->page_tokens && table->pool->n_holders[table->page_ids[last]] > 1;
}

uint32_t kv_table_pages_needed(const struct kv_table *table, uint32_t n_rows)
{
    const uint32_t need = pages_for(table, table->len + n_rows);
    const uint32_t n_new = need > table->n_pages ? need - table->n_pages : 0;
    return n_new + (n_rows && last_page_is_shared(table) ? 1 : 0);
}

int kv_table_reserve(struct kv_table *table, uint32_t n_rows, struct kv_page_copy *ret_copy)
{
    struct kv_page_copy copy = {0};
    const uint64_t capacity = (uint64_t)table->n_pages_max * table->page_tokens;
    if (table->len + (uint64_t)n_rows > capacity) {
        return FAIL(NMOS_E_LIMIT, "%u tokens and %u new rows do not fit into %llu positions",
                    table->len, n_rows, (unsigned long long)capacity);
    }
    const uint32_t need = pages_for(table, table->len + n_rows);
    const uint32_t n_taken = kv_table_pages_needed(table, n_rows);
    if (n_taken > table->pool->n_free) {
        return FAIL(NMOS_E_LIMIT, "%u more KV pages are needed, %u of %u are free", n_taken,
                    table->pool->n_free, table->pool->n_pages);
    }
    if (n_rows && last_page_is_shared(table)) {
        uint32_t *last = &table->page_ids[table->len / table->page_tokens];
        copy = (struct kv_page_copy){.from = *last, .is_needed = 1};
        TRY(page_pool_acquire(table->pool, &copy.to));
        page_pool_release(table->pool, *last);
        *last = copy.to;
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

void kv_table_truncate(struct kv_table *table, uint32_t len)
{
    assert(len <= table->len || len == 0);
    table->len = len;
    const uint32_t keep = pages_for(table, len);
    while (table->n_pages > keep) {
        page_pool_release(table->pool, table->page_ids[--table->n_pages]);
    }
}

void kv_table_fork(struct kv_table *to, const struct kv_table *from)
{
    assert(to->n_pages == 0 && to->n_pages_max >= pages_for(from, from->len));
    assert(to->page_tokens == from->page_tokens);
    to->len = from->len;
    to->n_pages = pages_for(from, from->len);
    for (uint32_t i = 0; i < to->n_pages; i++) {
        to->page_ids[i] = from->page_ids[i];
        page_pool_share(from->pool, from->page_ids[i]);
    }
}
