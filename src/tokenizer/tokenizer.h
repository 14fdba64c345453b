/* SPDX-License-Identifier: MIT */
/*
 * Text to token ids and back, as a model's metadata defines it.
 *
 * Two families: byte-level BPE (tokenizer.ggml.model "gpt2": a pattern cuts the text into words,
 * ranked merges join the bytes of each word) and SentencePiece (model "llama": scored merges over
 * the whole text, bytes for what the vocabulary cannot spell). A tokenizer copies what it needs out
 * of the metadata, is immutable, and may be used from any number of threads at once: each running
 * tokenizer_encode() borrows a working set of its own.
 *
 * Bytes that are not UTF-8 are kept: they are merged as they are, outside of any pattern.
 * Sources: Sennrich et al. 2016, arXiv:1508.07909 (BPE); Kudo and Richardson 2018,
 * arXiv:1808.06226.
 */
#ifndef NMOS_TOKENIZER_TOKENIZER_H
#define NMOS_TOKENIZER_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "gguf/gguf.h"

#define TOKENIZER_VOCAB_MAX       ((uint64_t)1 << 24) /* tokens; the largest known have 2^18 */
#define TOKENIZER_TOKEN_BYTES_MAX ((size_t)16384)     /* spelling of one token */
#define TOKENIZER_TEXT_BYTES_MAX  ((size_t)1 << 30)   /* one text to encode */
#define TOKEN_NONE                (-1)

struct tokenizer;

/** What a token is; the numbers are GGUF's. */
enum token_type {
    TOKEN_UNDEFINED = 0,
    TOKEN_NORMAL = 1,
    TOKEN_UNKNOWN = 2,      /* stands for what cannot be spelled */
    TOKEN_CONTROL = 3,      /* <|im_end|>: found in text only on request */
    TOKEN_USER_DEFINED = 4, /* found in any text, before it is cut into words */
    TOKEN_UNUSED = 5,       /* padding of the vocabulary */
    TOKEN_BYTE = 6,         /* one byte */
};

/** Ids with a meaning; TOKEN_NONE where the vocabulary has none. */
struct token_roles {
    int32_t bos;
    int32_t eos;
    int32_t eot; /* end of a turn in a chat */
    int32_t eom; /* end of a message before a tool's answer */
    int32_t unk;
    int32_t sep;
    int32_t pad;
    int add_bos; /* 1: a text starts with bos */
    int add_eos; /* 1: a text ends with eos */
};

enum tokenizer_flags {
    TOKENIZER_PARSE_SPECIAL = 1, /* spellings of control tokens in the text become those tokens */
    TOKENIZER_ADD_BOS = 2,       /* in front, where the metadata asks for it */
    TOKENIZER_ADD_EOS = 4,       /* at the end, where the metadata asks for it */
};

/** Growable ids; zero-initialise, then tokenizer_encode(), then token_ids_deinit(). */
struct token_ids {
    int32_t *data; /* owned */
    size_t n;
    size_t cap;
};

/** Frees the ids and zeroes the struct. */
void token_ids_deinit(struct token_ids *ids);

/**
 * Builds the tokenizer that the metadata of @p gguf describes; @p gguf may be closed afterwards.
 * @return 0; NMOS_E_UNSUPPORTED for an unknown tokenizer.ggml.model or .pre, naming the known ones;
 *         NMOS_E_CORRUPT for missing or contradicting metadata; NMOS_E_LIMIT; NMOS_E_NOMEM.
 */
int tokenizer_create(const struct gguf *gguf, struct tokenizer **ret_tokenizer) NMOS_MUST_CHECK;

/** Frees everything and nulls the pointer; NULL is a no-op. No encode may be running. */
void tokenizer_destroy(struct tokenizer **tokenizer);

/**
 * Appends the ids of @p text. At most 2 * text.len + 2 ids. Time is linear in the length.
 * @param flags  a sum of enum tokenizer_flags.
 * @return 0; NMOS_E_LIMIT above TOKENIZER_TEXT_BYTES_MAX; NMOS_E_NOMEM. On failure @p ids is as
 * before.
 * @note Thread-safe.
 */
int tokenizer_encode(struct tokenizer *tokenizer, struct str text, unsigned flags,
                     struct token_ids *ids) NMOS_MUST_CHECK;

/**
 * Appends the exact bytes that @p n ids stand for: what tokenizer_encode() was given.
 * (SentencePiece: the space it puts in front of a text and behind a special token is taken away
 * again.)
 * @return 0; NMOS_E_INVALID for an id outside the vocabulary (@p text unchanged); NMOS_E_NOMEM.
 */
int tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t n,
                     struct buf *text) NMOS_MUST_CHECK;

/** Bytes of one token, borrowed, for output as it is generated. @return 0 or NMOS_E_INVALID. */
int tokenizer_piece(const struct tokenizer *tokenizer, int32_t id,
                    struct str *ret_piece) NMOS_MUST_CHECK;

/** Length of the longest piece in bytes. */
size_t tokenizer_piece_bytes_max(const struct tokenizer *tokenizer);

/** Number of tokens. The model may compute more logits (padding). */
int32_t tokenizer_n_vocab(const struct tokenizer *tokenizer);

/** Kind of token @p id; TOKEN_UNDEFINED outside the vocabulary. */
enum token_type tokenizer_type(const struct tokenizer *tokenizer, int32_t id);

/** True when generation ends at @p id: eos, eot, eom and the tokens known to end a turn. */
int tokenizer_is_end(const struct tokenizer *tokenizer, int32_t id);

/** The ids with a meaning. Borrowed. */
const struct token_roles *tokenizer_roles(const struct tokenizer *tokenizer);

/** Id of the token that spells exactly @p text (a special token first), or TOKEN_NONE. */
int32_t tokenizer_find(const struct tokenizer *tokenizer, struct str text);

/** "gpt2 / qwen2": the family and the pre-tokenizer. Borrowed. */
const char *tokenizer_name(const struct tokenizer *tokenizer);

/**
 * Checks that two models mean the same by each id, as drafting demands. Unused tokens behind the
 * end of the shorter vocabulary do not count.
 * @return 0, or NMOS_E_INVALID naming the first difference.
 */
int tokenizer_compare(const struct tokenizer *a, const struct tokenizer *b) NMOS_MUST_CHECK;

#endif
