/* SPDX-License-Identifier: MIT */
#include "tokenizer/word_cache.h"

#include <assert.h>

#include "base/mem.h"
#include "tokenizer/tokenizer_internal.h"

static_assert(sizeof(struct word_cache_slot) == 64, "a slot is a cache line");
static_assert(sizeof(((struct word_cache_slot *)0)->key) == WORD_CACHE_BYTES_MAX + 1,
              "a key is a piece, its length and kind");

int word_cache_init(struct word_cache *cache)
{
    cache->slots = mem_calloc(MEM_VOCAB, WORD_CACHE_SLOTS, sizeof(*cache->slots));
    return cache->slots ? 0 : NMOS_E_NOMEM;
}

void word_cache_deinit(struct word_cache *cache)
{
    mem_free(cache->slots);
    cache->slots = NULL;
}

/* The slot of a piece of 1 to WORD_CACHE_BYTES_MAX bytes, whose key is made in @p key. */
static struct word_cache_slot *find_slot(const struct word_cache *cache, struct str piece,
                                         enum word_kind kind, uint64_t key[3])
{
    unsigned char bytes[WORD_CACHE_BYTES_MAX + 1] = {0};
    for (size_t i = 0; i < piece.len; i++) bytes[i] = (unsigned char)piece.data[i];
    bytes[WORD_CACHE_BYTES_MAX] = (unsigned char)(piece.len | (unsigned)kind << 7);
    memcpy(key, bytes, sizeof(bytes));
    const uint64_t hash = hash_mix(key[0] ^ hash_mix(key[1] ^ hash_mix(key[2])));
    return &cache->slots[hash_slot(hash, WORD_CACHE_SLOTS)];
}

int word_cache_recall(const struct word_cache *cache, struct str piece, enum word_kind kind,
                      struct token_ids *ids)
{
    uint64_t key[3];
    if (piece.len == 0 || piece.len > WORD_CACHE_BYTES_MAX) return 0;
    const struct word_cache_slot *slot = find_slot(cache, piece, kind, key);
    if (slot->n == 0 || memcmp(slot->key, key, sizeof(key)) != 0) return 0;
    for (uint32_t i = 0; i < slot->n; i++) TRY(token_ids_append(ids, slot->ids[i]));
    return 1;
}

void word_cache_remember(struct word_cache *cache, struct str piece, enum word_kind kind,
                         const struct token_ids *ids, size_t first)
{
    uint64_t key[3];
    const size_t n = ids->n - first;
    if (piece.len == 0 || piece.len > WORD_CACHE_BYTES_MAX) return;
    if (n == 0 || n > WORD_CACHE_IDS_MAX) return;
    struct word_cache_slot *slot = find_slot(cache, piece, kind, key);
    memcpy(slot->key, key, sizeof(key));
    memcpy(slot->ids, ids->data + first, n * sizeof(*ids->data));
    slot->n = (uint32_t)n;
}
