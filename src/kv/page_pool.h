/* SPDX-License-Identifier: MIT */
/*
 * Bookkeeping of KV pages: which page ids are free, how many sessions share each, and what full
 * ones hold.
 *
 * No floats here: a page is a number below n_pages; the backend owns the storage behind it. A page
 * with one holder may be written, a shared one only by its writer, behind what the others read
 * (copy-on-write, as PagedAttention, arXiv:2309.06180). A free page whose text is known can be
 * taken back as it is, until it is handed out for another one: unknown pages are handed out first,
 * then those that have been free for longest. Not thread-safe: the thread that prepares passes owns
 * it.
 */
#ifndef NMOS_KV_PAGE_POOL_H
#define NMOS_KV_PAGE_POOL_H

#include <stdint.h>

#include "base/error.h"
#include "kv/page_index.h"

struct page_pool {
    uint32_t n_pages;
    uint32_t n_free;
    uint32_t *next;       /* [n_pages + 1] of free pages, in a ring; the last is where it begins */
    uint32_t *previous;   /* [n_pages + 1] */
    uint32_t *n_holders;  /* [n_pages] */
    const void **writers; /* [n_pages] of a shared page that is partly filled: the table that goes
                             on in it; NULL: none does. Tables see to it. */
    struct page_index index;
    void (*on_forget)(void *arg, uint32_t page); /* told of a page whose bytes nobody wants any
                                                  more; NULL: nobody is */
    void *on_forget_arg;
};

/** All pages free. @return 0 or NMOS_E_NOMEM. */
int page_pool_init(struct page_pool *pool, uint32_t n_pages, uint32_t page_tokens) NMOS_MUST_CHECK;
void page_pool_deinit(struct page_pool *pool);

/** Takes a free page with one holder; what it held is forgotten. @return 0, or NMOS_E_LIMIT when
 * all are in use. */
int page_pool_acquire(struct page_pool *pool, uint32_t *ret_page) NMOS_MUST_CHECK;
/** One more holder; of a free page whose text is known, the first one. */
void page_pool_share(struct page_pool *pool, uint32_t page);
/** One holder less; a page without holders is free. */
void page_pool_release(struct page_pool *pool, uint32_t page);

#endif
