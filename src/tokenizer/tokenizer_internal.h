/* SPDX-License-Identifier: MIT */
/*
 * What the files of the tokenizer share: the immutable tables and a thread's working set.
 *
 * All spellings lie in one arena, as the bytes they stand for: byte-level BPE's printable disguise
 * is undone and SentencePiece's U+2581 is a space. Two hash tables with linear probing lead from
 * bytes to an id and from a pair of ids to a merge.
 */
#ifndef NMOS_TOKENIZER_TOKENIZER_INTERNAL_H
#define NMOS_TOKENIZER_TOKENIZER_INTERNAL_H

#include <pthread.h>
#include <string.h>

#include "tokenizer/merge.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/word_cache.h"

enum tokenizer_family { FAMILY_BPE, FAMILY_SPM };

/** One ranked merge of byte-level BPE; left == TOKEN_NONE marks a free slot. */
struct merge_rule {
    int32_t left;
    int32_t right;
    uint32_t rank;
    int32_t joined;
};

/** Behaviour of one token. */
enum token_flags {
    TOKEN_ENDS = 1,         /* generation stops here */
    TOKEN_STRIPS_RIGHT = 2, /* white space behind it in the text belongs to it */
};

/** Buffers of one running encode. */
struct work_set {
    struct merge_work merge;
    struct word_cache cache;
    struct pretokenize_work pre;
    struct buf text; /* SentencePiece: the text with its prefix */
    struct work_set *next;
};

struct tokenizer {
    enum tokenizer_family family;
    char name[80];
    int32_t n_vocab;
    char *text;          /* arena of spellings */
    uint32_t *text_at;   /* [n_vocab + 1] spelling i is text[text_at[i] .. text_at[i + 1]) */
    uint8_t *types;      /* [n_vocab] enum token_type */
    uint8_t *flags;      /* [n_vocab] enum token_flags */
    uint32_t *ranks;     /* [n_vocab] SentencePiece: smaller merges first; NULL for BPE */
    size_t longest;      /* bytes of the longest spelling */
    int32_t *text_slots; /* [n_text_slots] ids by hash of the spelling, TOKEN_NONE: free */
    uint32_t n_text_slots;
    struct merge_rule *rules; /* [n_rule_slots] by hash of (left, right) */
    uint32_t n_rule_slots;
    int32_t byte_ids[256];    /* token of each single byte, or TOKEN_NONE */
    int32_t *specials;        /* [n_specials] ids that are looked for in text, by spelling */
    int32_t n_specials;       /* control, unknown and user-defined tokens */
    uint8_t starts[256];      /* 1: a special token's spelling starts with this byte */
    uint8_t joins_space[256]; /* SentencePiece, 1: some token has this byte before a space */
    struct token_roles roles;
    int add_space_prefix;  /* SentencePiece: a space in front of each text */
    int whole_words_first; /* BPE: a word that is a token needs no merges */
    struct pretokenizer pre;
    pthread_mutex_t lock;
    struct work_set *idle; /* guarded by lock */
};

static inline struct str token_text(const struct tokenizer *t, int32_t id)
{
    return (struct str){t->text + t->text_at[id], t->text_at[id + 1] - t->text_at[id]};
}

/** Tokens that are looked for in the text itself, not made by merging. */
static inline int token_type_is_special(int type)
{
    return type == TOKEN_UNKNOWN || type == TOKEN_CONTROL || type == TOKEN_USER_DEFINED;
}

/** Mixes 64 bits. */
static inline uint64_t hash_mix(uint64_t x)
{
    x *= 0x9e3779b97f4a7c15U;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93U;
    return x ^ (x >> 32);
}

/** Hash of a spelling. */
static inline uint64_t hash_text(const char *text, size_t n)
{
    uint64_t hash = n;
    for (; n >= 8; n -= 8, text += 8) {
        uint64_t word = 0;
        memcpy(&word, text, 8);
        hash = hash_mix(hash ^ word);
    }
    uint64_t tail = 0;
    for (size_t i = 0; i < n; i++) tail |= (uint64_t)(unsigned char)text[i] << (8 * i);
    return hash_mix(hash ^ tail);
}

/** Slot of a hash in a table of any size. */
static inline uint32_t hash_slot(uint64_t hash, uint32_t n_slots)
{
    return (uint32_t)(((hash >> 32) * n_slots) >> 32);
}

/** Id of the ordinary token spelled by these bytes, or TOKEN_NONE. */
int32_t vocab_find_text(const struct tokenizer *t, const char *text, size_t n);

/** The merge of two neighbours, or NULL. */
const struct merge_rule *vocab_find_rule(const struct tokenizer *t, int32_t left, int32_t right);

/** Fills the tables of a zeroed @p t from the metadata; on failure vocab_deinit() frees what there
 * is. */
int vocab_init(struct tokenizer *t, const struct gguf *gguf) NMOS_MUST_CHECK;
void vocab_deinit(struct tokenizer *t);

/** vocab_init()'s second half for byte-level BPE: the merges. */
int vocab_load_merges(struct tokenizer *t, const struct gguf *gguf) NMOS_MUST_CHECK;

/** Bytes behind the printable spelling of byte-level BPE. @return their number, or -1 if it is
 * none. */
int64_t byte_spelling_decode(struct str spelling, char *ret_bytes);

/** Roles, ends of generation and special tokens of a loaded vocabulary (special.c). */
int special_init(struct tokenizer *t, const struct gguf *gguf) NMOS_MUST_CHECK;

/**
 * The first special token in text[from..), the longest where several start at one place.
 * @return its position, or text.len; *ret_id is set when one was found.
 */
size_t special_find(const struct tokenizer *t, struct str text, size_t from, int with_control,
                    int32_t *ret_id);

#endif
