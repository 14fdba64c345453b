/* SPDX-License-Identifier: MIT */
/*
 * Remembers the ids of short pieces of text, for text repeats itself.
 *
 * A table of fixed size, one cache line a slot; a new piece takes the place of the one that hashed
 * alike. One thread at a time.
 */
#ifndef NMOS_TOKENIZER_WORD_CACHE_H
#define NMOS_TOKENIZER_WORD_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct token_ids;

#define WORD_CACHE_SLOTS     4096U /* 256 KiB: about what a core's own cache holds */
#define WORD_CACHE_BYTES_MAX 23U   /* longest piece */
#define WORD_CACHE_IDS_MAX   9U

/** What a piece is: the same bytes may have other ids where patterns are still to be applied. */
enum word_kind { WORD_WHOLE, WORD_TO_CUT };

struct word_cache_slot {
    uint64_t key[3]; /* bytes, zero-filled; the last byte holds length and kind */
    int32_t ids[WORD_CACHE_IDS_MAX];
    uint32_t n; /* 0: empty */
};

struct word_cache {
    struct word_cache_slot *slots; /* [WORD_CACHE_SLOTS] owned */
};

int word_cache_init(struct word_cache *cache) NMOS_MUST_CHECK;
void word_cache_deinit(struct word_cache *cache);

/** Appends the ids of @p piece. @return 1 when it was remembered, 0 when not, NMOS_E_NOMEM. */
int word_cache_recall(const struct word_cache *cache, struct str piece, enum word_kind kind,
                      struct token_ids *ids) NMOS_MUST_CHECK;

/** Remembers that ids[first..) are those of @p piece, if it is short enough. */
void word_cache_remember(struct word_cache *cache, struct str piece, enum word_kind kind,
                         const struct token_ids *ids, size_t first);

#endif
