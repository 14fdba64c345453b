/* SPDX-License-Identifier: MIT */
#include "kv/page_index.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define HASH_FACTOR 0x9e3779b97f4a7c15U /* odd, so that a step is one-to-one */

static uint64_t mix(uint64_t state, uint64_t word)
{
    state = (state ^ word) * HASH_FACTOR;
    return state ^ (state >> 29);
}

uint64_t page_key(uint64_t key_before, int32_t token)
{
    return mix(mix(key_before, 0x9b1a615d4f4c95a9U), (uint32_t)token);
}

int page_index_init(struct page_index *index, uint32_t n_pages, uint32_t page_tokens)
{
    *index = (struct page_index){.n_pages = n_pages, .page_tokens = page_tokens, .n_buckets = 1};
    while (index->n_buckets < n_pages) index->n_buckets *= 2;
    index->texts = mem_calloc(MEM_GENERAL, n_pages, sizeof(index->texts[0]));
    index->tokens =
        mem_calloc(MEM_GENERAL, (size_t)n_pages * page_tokens, sizeof(index->tokens[0]));
    index->next = mem_calloc(MEM_GENERAL, n_pages, sizeof(index->next[0]));
    index->first = mem_calloc(MEM_GENERAL, index->n_buckets, sizeof(index->first[0]));
    if (!index->texts || !index->tokens || !index->next || !index->first) {
        page_index_deinit(index);
        return NMOS_E_NOMEM;
    }
    memset(index->first, 0xff, index->n_buckets * sizeof(index->first[0])); /* PAGE_NONE */
    return 0;
}

void page_index_deinit(struct page_index *index)
{
    mem_free(index->texts);
    mem_free(index->tokens);
    mem_free(index->next);
    mem_free(index->first);
    *index = (struct page_index){0};
}

static uint32_t *bucket(const struct page_index *index, uint64_t key)
{
    return &index->first[(key ^ key >> 32) & (index->n_buckets - 1)];
}

static uint64_t key_of(const struct page_index *index, const struct page_text *before,
                       const int32_t *tokens)
{
    uint64_t key = before->key;
    for (uint32_t i = 0; i < index->page_tokens; i++) key = page_key(key, tokens[i]);
    return key;
}

uint32_t page_index_find(const struct page_index *index, const struct page_text *before,
                         const int32_t *tokens, uint64_t *ret_key)
{
    const size_t n_bytes = index->page_tokens * sizeof(tokens[0]);
    const uint64_t key = key_of(index, before, tokens);
    uint32_t page = *bucket(index, key);
    if (ret_key) *ret_key = key;
    for (; page != PAGE_NONE; page = index->next[page]) {
        const struct page_text *text = &index->texts[page];
        const int32_t *own = index->tokens + (size_t)page * index->page_tokens;
        if (text->key == key && text->before == before->number &&
            memcmp(own, tokens, n_bytes) == 0) {
            return page;
        }
    }
    return PAGE_NONE;
}

void page_index_add(struct page_index *index, uint32_t page, const struct page_text *before,
                    const int32_t *tokens)
{
    struct page_text *text = &index->texts[page];
    assert(page < index->n_pages && text->number == 0);
    *text = (struct page_text){.number = ++index->n_numbers,
                               .before = before->number,
                               .key = key_of(index, before, tokens)};
    memcpy(index->tokens + (size_t)page * index->page_tokens, tokens,
           index->page_tokens * sizeof(tokens[0]));
    uint32_t *first = bucket(index, text->key);
    index->next[page] = *first;
    *first = page;
}

void page_index_forget(struct page_index *index, uint32_t page)
{
    struct page_text *text = &index->texts[page];
    if (text->number == 0) return;
    uint32_t *at = bucket(index, text->key);
    while (*at != page) at = &index->next[*at];
    *at = index->next[page];
    *text = (struct page_text){0};
}
