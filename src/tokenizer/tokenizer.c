/* SPDX-License-Identifier: MIT */
#include "tokenizer/tokenizer.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tokenizer/tokenizer_internal.h"

#define SPM_SPACE         "\xe2\x96\x81" /* U+2581 */
#define REPLACEMENT       STR_LIT("\xef\xbf\xbd")
#define FIRST_STAGES      2 /* patterns that leave words or nearly so, in each row of the table */
#define WORK_WINDOW_BYTES ((size_t)1 << 16) /* a working set that grew beyond this is not kept */

static int choose_rules(struct tokenizer *t, const struct gguf *gguf)
{
    struct str model = {"", 0};
    struct str pre = STR_LIT("default");
    TRY(gguf_get_str(gguf, "tokenizer.ggml.model", model, &model));
    if (model.len == 0)
        return FAIL(NMOS_E_CORRUPT, "tokenizer.ggml.model is missing: no tokenizer");
    const int is_bpe = str_equal(model, STR_LIT("gpt2"));
    if (!is_bpe && !str_equal(model, STR_LIT("llama"))) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "the tokenizer '%.*s' (tokenizer.ggml.model) is not supported; these are: gpt2 "
                    "(byte-level BPE), llama (SentencePiece)",
                    STR_ARG(model));
    }
    t->family = is_bpe ? FAMILY_BPE : FAMILY_SPM;
    if (is_bpe) {
        const struct pretokenize_rule *rule = NULL;
        if (!gguf_find(gguf, "tokenizer.ggml.pre")) {
            LOG_WARN("tokenizer.ggml.pre is missing: the default pre-tokenizer is used, which may "
                     "cut text in another way than the model has learnt");
        }
        TRY(gguf_get_str(gguf, "tokenizer.ggml.pre", pre, &pre));
        TRY(pretokenize_find_rule(pre, &rule));
        TRY(pretokenizer_init(&t->pre, rule));
        t->whole_words_first = rule->whole_words_first;
    }
    (void)snprintf(t->name, sizeof(t->name), "%s%s%.*s", is_bpe ? "gpt2" : "llama",
                   is_bpe ? " / " : "", is_bpe ? (int)(pre.len > 60 ? 60 : pre.len) : 0, pre.data);
    return 0;
}

int tokenizer_create(const struct gguf *gguf, struct tokenizer **ret_tokenizer)
{
    struct tokenizer *t = mem_calloc(MEM_VOCAB, 1, sizeof(*t));
    if (!t) return NMOS_E_NOMEM;
    pthread_mutex_init(&t->lock, NULL);
    int rc = choose_rules(t, gguf);
    if (rc == 0) rc = vocab_init(t, gguf);
    if (rc == 0) rc = special_init(t, gguf);
    if (rc < 0) {
        tokenizer_destroy(&t);
        return rc;
    }
    *ret_tokenizer = t;
    return 0;
}

static void work_set_destroy(struct work_set *work)
{
    merge_work_deinit(&work->merge);
    word_cache_deinit(&work->cache);
    pretokenize_work_deinit(&work->pre);
    buf_deinit(&work->text);
    mem_free(work);
}

void tokenizer_destroy(struct tokenizer **tokenizer)
{
    struct tokenizer *t = *tokenizer;
    if (!t) return;
    while (t->idle) {
        struct work_set *work = t->idle;
        t->idle = work->next;
        work_set_destroy(work);
    }
    pretokenizer_deinit(&t->pre);
    vocab_deinit(t);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
    *tokenizer = NULL;
}

static int work_set_acquire(struct tokenizer *t, struct work_set **ret_work)
{
    pthread_mutex_lock(&t->lock);
    struct work_set *work = t->idle;
    if (work) t->idle = work->next;
    pthread_mutex_unlock(&t->lock);
    if (!work) {
        work = mem_calloc(MEM_VOCAB, 1, sizeof(*work));
        if (!work) return NMOS_E_NOMEM;
        int rc = merge_work_init(&work->merge);
        if (rc == 0) rc = word_cache_init(&work->cache);
        if (rc == 0) rc = pretokenize_work_init(&work->pre);
        if (rc < 0) {
            work_set_destroy(work);
            return rc;
        }
    }
    *ret_work = work;
    return 0;
}

static void work_set_release(struct tokenizer *t, struct work_set *work)
{
    buf_deinit(&work->text);
    if (work->merge.cap > WORK_WINDOW_BYTES) {
        work_set_destroy(work);
        return;
    }
    pthread_mutex_lock(&t->lock);
    work->next = t->idle;
    t->idle = work;
    pthread_mutex_unlock(&t->lock);
}

/* One call of tokenizer_encode(). */
struct encoding {
    const struct tokenizer *t;
    struct work_set *work;
    struct token_ids *ids;
};

static int emit_word(void *arg, struct str word)
{
    const struct encoding *e = arg;
    struct word_cache *cache = &e->work->cache;
    const int known = word_cache_recall(cache, word, WORD_WHOLE, e->ids);
    if (known) return known < 0 ? known : 0;
    const size_t first = e->ids->n;
    TRY(merge_word(e->t, &e->work->merge, word, e->ids));
    word_cache_remember(cache, word, WORD_WHOLE, e->ids, first);
    return 0;
}

/* A piece that the first patterns leave: what the others make of a short one is remembered, too. */
static int emit_piece(void *arg, struct str piece)
{
    const struct encoding *e = arg;
    struct word_cache *cache = &e->work->cache;
    const int known = word_cache_recall(cache, piece, WORD_TO_CUT, e->ids);
    if (known) return known < 0 ? known : 0;
    const size_t first = e->ids->n;
    TRY(pretokenize(&e->t->pre, &e->work->pre, FIRST_STAGES, e->t->pre.n_stages, piece, emit_word,
                    arg));
    word_cache_remember(cache, piece, WORD_TO_CUT, e->ids, first);
    return 0;
}

static int encode_utf8(struct encoding *e, struct str text)
{
    const int n = e->t->pre.n_stages;
    if (n <= FIRST_STAGES) return pretokenize(&e->t->pre, &e->work->pre, 0, n, text, emit_word, e);
    return pretokenize(&e->t->pre, &e->work->pre, 0, FIRST_STAGES, text, emit_piece, e);
}

/* Bytes outside UTF-8 are merged as they are; what the vocabulary cannot spell becomes U+FFFD. */
static int encode_stray_bytes(struct encoding *e, struct str bytes)
{
    size_t start = 0;
    for (size_t i = 0; i <= bytes.len; i++) {
        const int is_end = i == bytes.len;
        if (!is_end && e->t->byte_ids[(unsigned char)bytes.data[i]] != TOKEN_NONE) continue;
        if (i > start) TRY(emit_word(e, (struct str){bytes.data + start, i - start}));
        if (!is_end) TRY(emit_word(e, REPLACEMENT));
        start = i + 1;
    }
    return 0;
}

static int encode_bpe(struct encoding *e, struct str text)
{
    while (text.len) {
        struct str part = {text.data, utf8_valid_len(text.data, text.len)};
        TRY(encode_utf8(e, part));
        text = (struct str){text.data + part.len, text.len - part.len};
        part = (struct str){text.data, 0};
        while (part.len < text.len &&
               utf8_char_len(text.data + part.len, text.len - part.len) <= 0) {
            part.len++;
        }
        TRY(encode_stray_bytes(e, part));
        text = (struct str){text.data + part.len, text.len - part.len};
    }
    return 0;
}

/* The text as SentencePiece sees it: a space in front, and its own sign for a space read as one. */
static int normalise_spm(struct encoding *e, struct str text)
{
    struct buf *out = &e->work->text;
    out->len = 0;
    TRY(buf_reserve(out, text.len + 1));
    if (e->t->add_space_prefix) TRY(buf_append(out, " ", 1));
    while (text.len) {
        const char *sign = memmem(text.data, text.len, SPM_SPACE, strlen(SPM_SPACE));
        const size_t n = sign ? (size_t)(sign - text.data) : text.len;
        TRY(buf_append(out, text.data, n));
        if (sign) TRY(buf_append(out, " ", 1));
        const size_t used = n + (sign ? strlen(SPM_SPACE) : 0);
        text = (struct str){text.data + used, text.len - used};
    }
    return 0;
}

/* Cuts where no merge can cross: before a space that no token holds together with the byte before
 * it. */
static int encode_spm(struct encoding *e, struct str raw)
{
    TRY(normalise_spm(e, raw));
    const struct str text = {e->work->text.data, e->work->text.len};
    size_t start = 0;
    for (size_t i = 1; i <= text.len; i++) {
        if (i < text.len &&
            (text.data[i] != ' ' || e->t->joins_space[(unsigned char)text.data[i - 1]])) {
            continue;
        }
        TRY(emit_word(e, (struct str){text.data + start, i - start}));
        start = i;
    }
    return 0;
}

static int encode_raw(struct encoding *e, struct str text)
{
    if (text.len == 0) return 0;
    return e->t->family == FAMILY_BPE ? encode_bpe(e, text) : encode_spm(e, text);
}

static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int encode_all(struct encoding *e, struct str text, unsigned flags)
{
    const struct tokenizer *t = e->t;
    const struct token_roles *roles = &t->roles;
    if (flags & TOKENIZER_ADD_BOS && roles->add_bos && roles->bos != TOKEN_NONE)
        TRY(token_ids_append(e->ids, roles->bos));
    for (size_t at = 0; at < text.len;) {
        int32_t id = TOKEN_NONE;
        const size_t found = special_find(t, text, at, (flags & TOKENIZER_PARSE_SPECIAL) != 0, &id);
        TRY(encode_raw(e, (struct str){text.data + at, found - at}));
        at = found;
        if (id == TOKEN_NONE) break;
        TRY(token_ids_append(e->ids, id));
        at += token_text(t, id).len;
        while (t->flags[id] & TOKEN_STRIPS_RIGHT && at < text.len && is_blank(text.data[at])) at++;
    }
    if (flags & TOKENIZER_ADD_EOS && roles->add_eos && roles->eos != TOKEN_NONE)
        TRY(token_ids_append(e->ids, roles->eos));
    return 0;
}

int tokenizer_encode(struct tokenizer *tokenizer, struct str text, unsigned flags,
                     struct token_ids *ids)
{
    if (text.len > TOKENIZER_TEXT_BYTES_MAX) {
        return FAIL(NMOS_E_LIMIT, "the text is %zu bytes long; the limit is %zu", text.len,
                    TOKENIZER_TEXT_BYTES_MAX);
    }
    struct work_set *work = NULL;
    TRY(work_set_acquire(tokenizer, &work));
    const size_t n_before = ids->n;
    struct encoding encoding = {tokenizer, work, ids};
    const int rc = encode_all(&encoding, text, flags);
    if (rc < 0) ids->n = n_before;
    work_set_release(tokenizer, work);
    return rc;
}

int tokenizer_piece(const struct tokenizer *tokenizer, int32_t id, struct str *ret_piece)
{
    if (id < 0 || id >= tokenizer->n_vocab) {
        return FAIL(NMOS_E_INVALID, "token %d is outside the vocabulary of %d tokens", id,
                    tokenizer->n_vocab);
    }
    *ret_piece = token_text(tokenizer, id);
    return 0;
}

int tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t n,
                     struct buf *text)
{
    const size_t len_before = text->len;
    const int drops_space = tokenizer->add_space_prefix && tokenizer->family == FAMILY_SPM;
    int is_start = 1;
    for (size_t i = 0; i < n; i++) {
        struct str piece = {"", 0};
        int rc = tokenizer_piece(tokenizer, ids[i], &piece);
        const int is_special = token_type_is_special(tokenizer_type(tokenizer, ids[i]));
        if (drops_space && is_start && !is_special && piece.len && piece.data[0] == ' ') {
            piece = (struct str){piece.data + 1, piece.len - 1};
        }
        is_start = is_special;
        if (rc == 0) rc = buf_append(text, piece.data, piece.len);
        if (rc < 0) {
            text->len = len_before;
            return rc;
        }
    }
    return 0;
}

size_t tokenizer_piece_bytes_max(const struct tokenizer *tokenizer)
{
    return tokenizer->longest;
}

int32_t tokenizer_n_vocab(const struct tokenizer *tokenizer)
{
    return tokenizer->n_vocab;
}

enum token_type tokenizer_type(const struct tokenizer *tokenizer, int32_t id)
{
    if (id < 0 || id >= tokenizer->n_vocab) return TOKEN_UNDEFINED;
    return (enum token_type)tokenizer->types[id];
}

int tokenizer_is_end(const struct tokenizer *tokenizer, int32_t id)
{
    return id >= 0 && id < tokenizer->n_vocab && (tokenizer->flags[id] & TOKEN_ENDS);
}

const struct token_roles *tokenizer_roles(const struct tokenizer *tokenizer)
{
    return &tokenizer->roles;
}

const char *tokenizer_name(const struct tokenizer *tokenizer)
{
    return tokenizer->name;
}

int32_t tokenizer_find(const struct tokenizer *tokenizer, struct str text)
{
    int32_t id = TOKEN_NONE;
    if (text.len == 0) return TOKEN_NONE;
    if (special_find(tokenizer, text, 0, 1, &id) == 0 && token_text(tokenizer, id).len == text.len)
        return id;
    return vocab_find_text(tokenizer, text.data, text.len);
}

int tokenizer_compare(const struct tokenizer *a, const struct tokenizer *b)
{
    if (a->family != b->family) {
        return FAIL(NMOS_E_INVALID, "the tokenizers are of different kinds: %s and %s", a->name,
                    b->name);
    }
    const int32_t n = a->n_vocab < b->n_vocab ? a->n_vocab : b->n_vocab;
    for (int32_t i = 0; i < n; i++) {
        const struct str x = token_text(a, i);
        const struct str y = token_text(b, i);
        if (str_equal(x, y)) continue;
        return FAIL(NMOS_E_INVALID, "token %d is '%.*s' in one vocabulary and '%.*s' in the other",
                    i, STR_ARG(x), STR_ARG(y));
    }
    const struct tokenizer *longer = a->n_vocab > b->n_vocab ? a : b;
    for (int32_t i = n; i < longer->n_vocab; i++) {
        const struct str x = token_text(longer, i);
        const int is_padding =
            longer->types[i] == TOKEN_UNUSED || (x.len > 4 && memcmp(x.data, "[PAD", 4) == 0);
        if (is_padding) continue;
        return FAIL(NMOS_E_INVALID, "one vocabulary has %d tokens, the other also token %d '%.*s'",
                    n, i, STR_ARG(x));
    }
    return 0;
}
