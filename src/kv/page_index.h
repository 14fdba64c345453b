/* SPDX-License-Identifier: MIT */
/*
 * Which page holds which text: full pages of committed tokens, found by their text.
 *
 * Keys and values depend on the tokens of a page and on all before it (invariant I1), so a page is
 * known by its tokens and by the page before it. Pages of one text have one number, whoever
 * computed them; the number of the page before and the page's own tokens, compared one by one,
 * decide, and the hash only finds them: no two texts are ever mixed up. The hash is that under
 * which pages are kept on disk.
 *
 * A page that nobody holds any more stays known until its place is needed. Not thread-safe.
 */
#ifndef NMOS_KV_PAGE_INDEX_H
#define NMOS_KV_PAGE_INDEX_H

#include <stdint.h>

#include "base/error.h"

#define PAGE_NONE UINT32_MAX

/** What a page holds; all 0: nothing that is known, or the beginning of a text. */
struct page_text {
    uint64_t number; /* of its text up to the page's last token; 0: not known */
    uint64_t before; /* number of the page before; 0: it is the first */
    uint64_t key;    /* hash of the text: page_key() of all its tokens */
};

struct page_index {
    uint32_t n_pages;
    uint32_t page_tokens;
    struct page_text *texts; /* [n_pages] */
    int32_t *tokens;         /* [n_pages * page_tokens] */
    uint32_t *next;          /* [n_pages] in the chain of its bucket, or PAGE_NONE */
    uint32_t *first;         /* [n_buckets] */
    uint32_t n_buckets;      /* a power of two */
    uint64_t n_numbers;      /* given so far */
};

/** Hash of a text, from that of the text without its last token; 0 for the empty text. */
uint64_t page_key(uint64_t key_before, int32_t token);

/** No page is known. @return 0 or NMOS_E_NOMEM. */
int page_index_init(struct page_index *index, uint32_t n_pages,
                    uint32_t page_tokens) NMOS_MUST_CHECK;
void page_index_deinit(struct page_index *index);

/** The page that holds @p tokens [page_tokens] behind the text of @p before, or PAGE_NONE.
 * @param ret_key  hash of the text up to the last of them. */
uint32_t page_index_find(const struct page_index *index, const struct page_text *before,
                         const int32_t *tokens, uint64_t *ret_key);

/** Page @p page holds @p tokens [page_tokens] behind the text of @p before, which is the first text
 * known to be there. */
void page_index_add(struct page_index *index, uint32_t page, const struct page_text *before,
                    const int32_t *tokens);

/** What the page holds is not known any more; no-op where it was not. */
void page_index_forget(struct page_index *index, uint32_t page);

#endif
