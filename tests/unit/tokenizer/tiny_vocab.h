/* SPDX-License-Identifier: MIT */
/* Builds tokenizers from a few lines: spellings, types, merges or scores, and further metadata. */
#ifndef NMOS_TESTS_TINY_VOCAB_H
#define NMOS_TESTS_TINY_VOCAB_H

#include "../gguf/gguf_writer.h"
#include "base/mem.h"
#include "tokenizer/tokenizer.h"

/** Lists end with NULL; types (one digit a token) and what is NULL is left out of the file. */
struct tiny_vocab {
    const char *model;
    const char *pre;
    const char *const *tokens;
    const char *types;
    const char *const *merges;
    const float *scores;
    const char *const *ints; /* "key=value", u32 */
    const char *name;        /* general.name */
};

static inline size_t list_len(const char *const *list)
{
    size_t n = 0;
    while (list[n]) n++;
    return n;
}

static inline void put_strings(struct buf *buf, const char *key, const char *const *list)
{
    put_key(buf, key, GGUF_ARRAY);
    put_uint(buf, GGUF_STRING, 4);
    put_uint(buf, list_len(list), 8);
    for (size_t i = 0; list[i]; i++) put_str(buf, list[i]);
}

/** The metadata alone, as a GGUF file without tensors. */
static inline void tiny_vocab_write(const struct tiny_vocab *v, struct buf *buf)
{
    const size_t n_ints = v->ints ? list_len(v->ints) : 0;
    put_header(buf, 3, 0,
               n_ints + !!v->model + !!v->pre + !!v->tokens + !!v->types + !!v->merges +
                   !!v->scores + !!v->name);
    if (v->model) put_kv_str(buf, "tokenizer.ggml.model", v->model);
    if (v->pre) put_kv_str(buf, "tokenizer.ggml.pre", v->pre);
    if (v->name) put_kv_str(buf, "general.name", v->name);
    if (v->tokens) put_strings(buf, "tokenizer.ggml.tokens", v->tokens);
    if (v->merges) put_strings(buf, "tokenizer.ggml.merges", v->merges);
    if (v->types) {
        put_key(buf, "tokenizer.ggml.token_type", GGUF_ARRAY);
        put_uint(buf, GGUF_I32, 4);
        put_uint(buf, strlen(v->types), 8);
        for (size_t i = 0; v->types[i]; i++) put_uint(buf, (uint64_t)(v->types[i] - '0'), 4);
    }
    if (v->scores) {
        put_key(buf, "tokenizer.ggml.scores", GGUF_ARRAY);
        put_uint(buf, GGUF_F32, 4);
        put_uint(buf, list_len(v->tokens), 8);
        put_bytes(buf, v->scores, list_len(v->tokens) * sizeof(float));
    }
    for (size_t i = 0; i < n_ints; i++) {
        char key[80] = "";
        const size_t n = strcspn(v->ints[i], "=");
        memcpy(key, v->ints[i], n);
        put_kv_u32(buf, key, (uint32_t)strtoul(v->ints[i] + n + 1, NULL, 10));
    }
    put_padding(buf, 32);
}

/** tokenizer_create() from the description. */
static inline int tiny_vocab_create(const struct tiny_vocab *v, struct tokenizer **ret_tokenizer)
{
    struct buf buf = {0};
    struct gguf *gguf = NULL;
    tiny_vocab_write(v, &buf);
    int rc = gguf_parse(buf.data, buf.len, buf.len, &gguf);
    if (rc == 0) rc = tokenizer_create(gguf, ret_tokenizer);
    gguf_close(&gguf);
    buf_deinit(&buf);
    return rc;
}

/** The ids of @p text as "1 2 3" in a buffer of the caller's. */
static inline const char *encode_to_text(struct tokenizer *t, struct str text, unsigned flags,
                                         struct buf *out)
{
    struct token_ids ids = {0};
    out->len = 0;
    if (tokenizer_encode(t, text, flags, &ids) < 0 || buf_append(out, "", 0) < 0) abort();
    for (size_t i = 0; i < ids.n; i++) {
        if (buf_printf(out, i ? " %d" : "%d", ids.data[i]) < 0) abort();
    }
    token_ids_deinit(&ids);
    return out->data;
}

#endif
