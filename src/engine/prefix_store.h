/* SPDX-License-Identifier: MIT */
/*
 * Keys and values of prefixes on disk, so that a conversation is reopened without being read again.
 *
 * A file holds one page: the full page i of a text, or the page that a text ends in, with the
 * logits behind its last token where they are known. It is found by a hash of what the model is and
 * by that under which pages are known in memory (kv/page_index.h), of all tokens from the first one
 * to the page's last, so texts that begin alike share their pages, and the longest prefix is found
 * page by page. The content names the model and the page's tokens
 * once more and has a checksum in which every flipped bit shows; a file that fails a check is set
 * aside and its page counts as missing (invariant I4).
 *
 * Files are NAME.kv in the folder `prefix` of the cache, little endian: struct prefix_head, the
 * tokens, the logits if it has them, the page. They are replaced whole. Above a cap those not used
 * for longest go. One owner.
 */
#ifndef NMOS_ENGINE_PREFIX_STORE_H
#define NMOS_ENGINE_PREFIX_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** What a page file is to hold, or holds. */
struct prefix_page {
    uint64_t model;        /* fingerprint of weights, header, KV type and layout */
    uint64_t key;          /* page_key() of all tokens up to the page's last */
    const int32_t *tokens; /* [n_tokens] of the page */
    uint32_t n_tokens;
    float *logits; /* [n_logits] behind the last token; NULL: none are wanted or known */
    uint32_t n_logits;
    void *page; /* [page_bytes] */
    size_t page_bytes;
};

/** Writes a page, unless a file of its key is there that has logits if this one has.
 * @return 0 or NMOS_E_IO. */
int prefix_store_write(const struct prefix_page *page) NMOS_MUST_CHECK;

/** Whether there is a file for a page. */
int prefix_store_has(uint64_t model, uint64_t key);

/**
 * Reads the page of @p page->key into page->page, which may be changed even where this fails.
 * @param ret_has_logits  whether page->logits were filled in; NULL when that is.
 * @return 0; NMOS_E_IO when there is none; NMOS_E_CORRUPT when it was damaged and set aside, or
 * belongs to another text.
 */
int prefix_store_read(struct prefix_page *page, int *ret_has_logits) NMOS_MUST_CHECK;

/** Notes that a page was used, for the order in which they go. */
void prefix_store_touch(uint64_t model, uint64_t key);

/** Removes what was not used for longest until at most @p max_bytes are left. */
void prefix_store_limit(uint64_t max_bytes);

#endif
