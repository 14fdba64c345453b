/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary: spellings, kinds, ranks and look-up tables, checked while they are read.
 *
 * Byte-level BPE writes each byte as a printable character: 33..126, 161..172 and 174..255 as
 * themselves, the other 68 in order as U+0100..U+0143 (GPT-2). Spellings are turned back into bytes
 * once, here.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tokenizer/tokenizer_internal.h"

#define SPM_SPACE     "\xe2\x96\x81" /* U+2581, SentencePiece's space */
#define SPM_SPACE_LEN 3U

/* The byte that a character of the printable spelling stands for, or -1. */
static int byte_of_char(uint32_t c)
{
    if ((c >= 33 && c <= 126) || (c >= 161 && c <= 255 && c != 173)) return (int)c;
    if (c < 0x100 || c > 0x143) return -1;
    const uint32_t i = c - 0x100;
    if (i < 33) return (int)i;
    if (i < 67) return (int)(i - 33 + 127);
    return 173;
}

int64_t byte_spelling_decode(struct str spelling, char *ret_bytes)
{
    int64_t n = 0;
    for (size_t i = 0; i < spelling.len;) {
        const int len = utf8_char_len(spelling.data + i, spelling.len - i);
        if (len != 1 && len != 2) return -1; /* the highest is U+0143 */
        uint32_t c = (unsigned char)spelling.data[i];
        if (len == 2) c = (c & 0x1f) << 6 | ((unsigned char)spelling.data[i + 1] & 0x3f);
        const int byte = byte_of_char(c);
        if (byte < 0) return -1;
        ret_bytes[n++] = (char)byte;
        i += (size_t)len;
    }
    return n;
}

/* "<0x0A>" to 10; -1 for anything else. */
static int byte_of_spelling(struct str spelling)
{
    if (spelling.len != 6 || memcmp(spelling.data, "<0x", 3) != 0 || spelling.data[5] != '>')
        return -1;
    int byte = 0;
    for (int i = 3; i < 5; i++) {
        const char c = spelling.data[i];
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        byte = byte * 16 + digit;
    }
    return byte;
}

static size_t unescape_spaces(struct str spelling, char *ret_bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < spelling.len;) {
        const int is_space = spelling.len - i >= SPM_SPACE_LEN &&
                             memcmp(spelling.data + i, SPM_SPACE, SPM_SPACE_LEN) == 0;
        ret_bytes[n++] = is_space ? ' ' : spelling.data[i];
        i += is_space ? SPM_SPACE_LEN : 1;
    }
    return n;
}

/* Ordinary tokens are found by merging; the others only as they are spelled. */
static int is_ordinary(const struct tokenizer *t, int32_t id)
{
    return t->types[id] == TOKEN_NORMAL || t->types[id] == TOKEN_UNDEFINED;
}

/* The bytes that token @p id stands for. @return their number. */
static size_t decode_spelling(const struct tokenizer *t, int32_t id, struct str spelling,
                              char *ret_bytes)
{
    if (t->family == FAMILY_BPE && is_ordinary(t, id)) {
        const int64_t n = byte_spelling_decode(spelling, ret_bytes);
        if (n >= 0) return (size_t)n;
    }
    if (t->family == FAMILY_SPM) {
        const int byte = t->types[id] == TOKEN_BYTE ? byte_of_spelling(spelling) : -1;
        if (byte >= 0) {
            ret_bytes[0] = (char)byte;
            return 1;
        }
        if (is_ordinary(t, id) || t->types[id] == TOKEN_UNUSED)
            return unescape_spaces(spelling, ret_bytes);
    }
    memcpy(ret_bytes, spelling.data, spelling.len);
    return spelling.len;
}

static int load_types(struct tokenizer *t, const struct gguf *gguf)
{
    const struct gguf_kv *types = gguf_find(gguf, "tokenizer.ggml.token_type");
    memset(t->types, TOKEN_NORMAL, (size_t)t->n_vocab);
    if (!types) return 0;
    if (types->type != GGUF_ARRAY || !gguf_type_is_integer(types->elem_type)) {
        return FAIL(NMOS_E_CORRUPT, "tokenizer.ggml.token_type is not an array of integers");
    }
    if (types->n_elems != (uint64_t)t->n_vocab) {
        return FAIL(NMOS_E_CORRUPT,
                    "tokenizer.ggml.token_type has %" PRIu64 " entries for %d tokens",
                    types->n_elems, t->n_vocab);
    }
    for (int32_t i = 0; i < t->n_vocab; i++) {
        const int64_t type = gguf_kv_i64(types, (uint64_t)i);
        if (type < TOKEN_UNDEFINED || type > TOKEN_BYTE) {
            return FAIL(NMOS_E_CORRUPT, "token %d has type %" PRId64 "; the types are 0 to 6", i,
                        type);
        }
        t->types[i] = (uint8_t)type;
    }
    return 0;
}

static int load_texts(struct tokenizer *t, const struct gguf_kv *tokens)
{
    uint64_t total = 0;
    for (int32_t i = 0; i < t->n_vocab; i++) {
        const size_t len = tokens->strings[i].len;
        if (len > TOKENIZER_TOKEN_BYTES_MAX) {
            return FAIL(NMOS_E_LIMIT, "token %d is %zu bytes long; the limit is %zu", i, len,
                        TOKENIZER_TOKEN_BYTES_MAX);
        }
        total += len;
    }
    if (total > UINT32_MAX) {
        return FAIL(NMOS_E_LIMIT,
                    "the tokens are %" PRIu64 " bytes long together; the limit is 4 GiB", total);
    }
    t->text = mem_alloc(MEM_VOCAB, (size_t)total, MEM_ALIGN_VECTOR);
    if (!t->text) return NMOS_E_NOMEM;
    uint32_t at = 0;
    for (int32_t i = 0; i < t->n_vocab; i++) {
        const size_t len = decode_spelling(t, i, tokens->strings[i], t->text + at);
        t->text_at[i] = at;
        at += (uint32_t)len;
        if (len > t->longest) t->longest = len;
    }
    t->text_at[t->n_vocab] = at;
    return 0;
}

/* Slot that holds the token spelled @p text, or the free slot where it belongs. */
static uint32_t text_slot(const struct tokenizer *t, const char *text, size_t n)
{
    uint32_t slot = hash_slot(hash_text(text, n), t->n_text_slots);
    while (t->text_slots[slot] != TOKEN_NONE) {
        const struct str other = token_text(t, t->text_slots[slot]);
        if (other.len == n && memcmp(other.data, text, n) == 0) break;
        slot = slot + 1 == t->n_text_slots ? 0 : slot + 1;
    }
    return slot;
}

int32_t vocab_find_text(const struct tokenizer *t, const char *text, size_t n)
{
    return n > t->longest ? TOKEN_NONE : t->text_slots[text_slot(t, text, n)];
}

/* Where two tokens are spelled alike the ordinary one, then the first, is found. A special token
 * with a real space would be mistaken for SentencePiece's own and is found by special_find() alone.
 */
static int index_texts(struct tokenizer *t)
{
    t->n_text_slots = (uint32_t)t->n_vocab + (uint32_t)t->n_vocab / 2 + 1;
    t->text_slots =
        mem_alloc(MEM_VOCAB, t->n_text_slots * sizeof(*t->text_slots), MEM_ALIGN_VECTOR);
    if (!t->text_slots) return NMOS_E_NOMEM;
    memset(t->text_slots, 0xff, t->n_text_slots * sizeof(*t->text_slots));
    for (int ordinary = 1; ordinary >= 0; ordinary--) {
        for (int32_t i = 0; i < t->n_vocab; i++) {
            const struct str text = token_text(t, i);
            if (is_ordinary(t, i) != ordinary || t->types[i] == TOKEN_BYTE || text.len == 0)
                continue;
            if (!ordinary && memchr(text.data, ' ', text.len)) continue;
            const uint32_t slot = text_slot(t, text.data, text.len);
            if (t->text_slots[slot] == TOKEN_NONE) t->text_slots[slot] = i;
        }
    }
    return 0;
}

static void index_bytes(struct tokenizer *t)
{
    memset(t->byte_ids, 0xff, sizeof(t->byte_ids));
    for (int32_t i = t->n_vocab - 1; i >= 0; i--) {
        const struct str text = token_text(t, i);
        const int is_byte = t->family == FAMILY_SPM
                                ? t->types[i] == TOKEN_BYTE
                                : is_ordinary(t, i) || t->types[i] == TOKEN_BYTE;
        if (is_byte && text.len == 1) t->byte_ids[(unsigned char)text.data[0]] = i;
    }
}

/* Scores to ranks: the order of floats is that of their bits with the sign folded in; -0 counts as
 * 0. */
static int load_scores(struct tokenizer *t, const struct gguf *gguf)
{
    const struct gguf_kv *scores = gguf_find(gguf, "tokenizer.ggml.scores");
    if (!scores || scores->type != GGUF_ARRAY || scores->elem_type != GGUF_F32 ||
        scores->n_elems != (uint64_t)t->n_vocab) {
        return FAIL(
            NMOS_E_CORRUPT,
            "tokenizer.ggml.scores must hold one f32 for each of the %d tokens of a SentencePiece "
            "vocabulary",
            t->n_vocab);
    }
    t->ranks = mem_alloc(MEM_VOCAB, (size_t)t->n_vocab * sizeof(*t->ranks), MEM_ALIGN_VECTOR);
    if (!t->ranks) return NMOS_E_NOMEM;
    for (int32_t i = 0; i < t->n_vocab; i++) {
        const float score = (float)gguf_kv_f64(scores, (uint64_t)i) + 0.0F;
        uint32_t bits = 0;
        memcpy(&bits, &score, sizeof(bits));
        t->ranks[i] = bits & 0x80000000U ? bits : 0x7fffffffU - bits;
    }
    return 0;
}

/* A space can be merged with the byte before it only where some token holds the two. */
static void index_space_joins(struct tokenizer *t)
{
    for (int32_t i = 0; i < t->n_vocab; i++) {
        const struct str text = token_text(t, i);
        for (size_t k = 1; k < text.len; k++) {
            if (text.data[k] == ' ') t->joins_space[(unsigned char)text.data[k - 1]] = 1;
        }
    }
    t->joins_space[' '] = 1;
}

int vocab_init(struct tokenizer *t, const struct gguf *gguf)
{
    const struct gguf_kv *tokens = gguf_find(gguf, "tokenizer.ggml.tokens");
    if (!tokens || !tokens->strings || tokens->type != GGUF_ARRAY || tokens->n_elems == 0) {
        return FAIL(NMOS_E_CORRUPT,
                    "tokenizer.ggml.tokens must be an array of at least one string");
    }
    if (tokens->n_elems > TOKENIZER_VOCAB_MAX) {
        return FAIL(NMOS_E_LIMIT, "the vocabulary has %" PRIu64 " tokens; the limit is %" PRIu64,
                    tokens->n_elems, TOKENIZER_VOCAB_MAX);
    }
    t->n_vocab = (int32_t)tokens->n_elems;
    const size_t n = tokens->n_elems;
    t->types = mem_alloc(MEM_VOCAB, n, MEM_ALIGN_VECTOR);
    t->flags = mem_calloc(MEM_VOCAB, n, 1);
    t->text_at = mem_alloc(MEM_VOCAB, (n + 1) * sizeof(*t->text_at), MEM_ALIGN_VECTOR);
    if (!t->types || !t->flags || !t->text_at) return NMOS_E_NOMEM;
    TRY(load_types(t, gguf));
    TRY(load_texts(t, tokens));
    TRY(index_texts(t));
    index_bytes(t);
    if (t->family == FAMILY_BPE) return vocab_load_merges(t, gguf);
    index_space_joins(t);
    return load_scores(t, gguf);
}

void vocab_deinit(struct tokenizer *t)
{
    mem_free(t->text);
    mem_free(t->text_at);
    mem_free(t->types);
    mem_free(t->flags);
    mem_free(t->ranks);
    mem_free(t->text_slots);
    mem_free(t->rules);
    mem_free(t->specials);
}
