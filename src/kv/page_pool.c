/* SPDX-License-Identifier: MIT */
#include "kv/page_pool.h"

#include <assert.h>

#include "base/mem.h"

/* Puts a page into the ring of free ones in front of @p at. */
static void link_before(struct page_pool *pool, uint32_t page, uint32_t at)
{
    const uint32_t previous = pool->previous[at];
    pool->next[page] = at;
    pool->previous[page] = previous;
    pool->next[previous] = page;
    pool->previous[at] = page;
    pool->n_free++;
}

static void take_out(struct page_pool *pool, uint32_t page)
{
    pool->next[pool->previous[page]] = pool->next[page];
    pool->previous[pool->next[page]] = pool->previous[page];
    pool->n_free--;
}

int page_pool_init(struct page_pool *pool, uint32_t n_pages, uint32_t page_tokens)
{
    *pool = (struct page_pool){.n_pages = n_pages};
    pool->next = mem_calloc(MEM_GENERAL, (size_t)n_pages + 1, sizeof(pool->next[0]));
    pool->previous = mem_calloc(MEM_GENERAL, (size_t)n_pages + 1, sizeof(pool->previous[0]));
    pool->n_holders = mem_calloc(MEM_GENERAL, n_pages, sizeof(pool->n_holders[0]));
    pool->writers = mem_calloc(MEM_GENERAL, n_pages, sizeof(pool->writers[0]));
    const int rc = page_index_init(&pool->index, n_pages, page_tokens);
    if (rc < 0 || !pool->next || !pool->previous || !pool->n_holders || !pool->writers) {
        page_pool_deinit(pool);
        return NMOS_E_NOMEM;
    }
    pool->next[n_pages] = n_pages;
    pool->previous[n_pages] = n_pages;
    /* Low ids are handed out first, so that a short conversation touches little memory. */
    for (uint32_t i = 0; i < n_pages; i++) link_before(pool, i, n_pages);
    return 0;
}

void page_pool_deinit(struct page_pool *pool)
{
    page_index_deinit(&pool->index);
    mem_free(pool->next);
    mem_free(pool->previous);
    mem_free(pool->n_holders);
    mem_free((void *)pool->writers);
    *pool = (struct page_pool){0};
}

static void tell(const struct page_pool *pool, uint32_t page)
{
    if (pool->on_forget) pool->on_forget(pool->on_forget_arg, page);
}

int page_pool_acquire(struct page_pool *pool, uint32_t *ret_page)
{
    if (pool->n_free == 0) {
        return FAIL(NMOS_E_LIMIT, "all %u KV pages are in use; a larger --ctx gives more",
                    pool->n_pages);
    }
    const uint32_t page = pool->next[pool->n_pages];
    assert(pool->n_holders[page] == 0);
    take_out(pool, page);
    if (pool->index.texts[page].number) tell(pool, page);
    page_index_forget(&pool->index, page);
    pool->n_holders[page] = 1;
    pool->writers[page] = NULL;
    *ret_page = page;
    return 0;
}

void page_pool_share(struct page_pool *pool, uint32_t page)
{
    assert(page < pool->n_pages);
    assert(pool->n_holders[page] > 0 || pool->index.texts[page].number);
    if (pool->n_holders[page]++ == 0) take_out(pool, page);
}

void page_pool_release(struct page_pool *pool, uint32_t page)
{
    assert(page < pool->n_pages && pool->n_holders[page] > 0);
    if (--pool->n_holders[page] > 0) return;
    const int is_known = pool->index.texts[page].number != 0;
    link_before(pool, page, is_known ? pool->n_pages : pool->next[pool->n_pages]);
    if (!is_known) tell(pool, page);
}
