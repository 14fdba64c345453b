/* SPDX-License-Identifier: MIT */
#include "kv/page_pool.h"

#include <assert.h>

#include "base/mem.h"

int page_pool_init(struct page_pool *pool, uint32_t n_pages)
{
    *pool = (struct page_pool){.n_pages = n_pages, .n_free = n_pages};
    pool->free_ids = mem_calloc(MEM_GENERAL, n_pages, sizeof(pool->free_ids[0]));
    pool->n_holders = mem_calloc(MEM_GENERAL, n_pages, sizeof(pool->n_holders[0]));
    if (!pool->free_ids || !pool->n_holders) {
        page_pool_deinit(pool);
        return NMOS_E_NOMEM;
    }
    /* Low ids are handed out first, so that a short conversation touches little memory. */
    for (uint32_t i = 0; i < n_pages; i++) pool->free_ids[i] = n_pages - 1 - i;
    return 0;
}

void page_pool_deinit(struct page_pool *pool)
{
    mem_free(pool->free_ids);
    mem_free(pool->n_holders);
    *pool = (struct page_pool){0};
}

int page_pool_acquire(struct page_pool *pool, uint32_t *ret_page)
{
    if (pool->n_free == 0) {
        return FAIL(NMOS_E_LIMIT, "all %u KV pages are in use; a larger --ctx gives more",
                    pool->n_pages);
    }
    const uint32_t page = pool->free_ids[--pool->n_free];
    assert(pool->n_holders[page] == 0);
    pool->n_holders[page] = 1;
    *ret_page = page;
    return 0;
}

void page_pool_share(struct page_pool *pool, uint32_t page)
{
    assert(page < pool->n_pages && pool->n_holders[page] > 0);
    pool->n_holders[page]++;
}

void page_pool_release(struct page_pool *pool, uint32_t page)
{
    assert(page < pool->n_pages && pool->n_holders[page] > 0);
    if (--pool->n_holders[page] > 0) return;
    pool->free_ids[pool->n_free++] = page;
    if (pool->on_forget) pool->on_forget(pool->on_forget_arg, page);
}
