/* SPDX-License-Identifier: MIT */
/* The public view of a vocabulary: struct tokenizer in the words of nmos.h. */
#include <nmos/nmos.h>

#include "base/mem.h"
#include "engine/vocab_view.h"

void nmos_free(void *block)
{
    mem_free(block);
}

int nmos_vocab_open(const char *path, struct nmos_vocab **ret_vocab)
{
    struct gguf *gguf = NULL;
    int rc = gguf_open(path, &gguf);
    if (rc == 0) rc = nmos_vocab_create(gguf, ret_vocab);
    gguf_close(&gguf);
    return rc;
}

int nmos_vocab_create(const struct gguf *gguf, struct nmos_vocab **ret_vocab)
{
    struct nmos_vocab *vocab = mem_calloc(MEM_VOCAB, 1, sizeof(*vocab));
    if (!vocab) return NMOS_E_NOMEM;
    const int rc = tokenizer_create(gguf, &vocab->tokenizer);
    if (rc < 0) {
        mem_free(vocab);
        return rc;
    }
    *ret_vocab = vocab;
    return 0;
}

void nmos_vocab_close(struct nmos_vocab **vocab)
{
    if (!vocab || !*vocab) return;
    tokenizer_destroy(&(*vocab)->tokenizer);
    mem_free(*vocab);
    *vocab = NULL;
}

int32_t nmos_vocab_size(const struct nmos_vocab *vocab)
{
    return tokenizer_n_vocab(vocab->tokenizer);
}

int nmos_vocab_encode(struct nmos_vocab *vocab, const void *text, size_t len, unsigned flags,
                      int32_t **ret_ids, size_t *ret_n)
{
    struct token_ids ids = {0};
    unsigned encode = flags & NMOS_ENCODE_SPECIAL ? TOKENIZER_PARSE_SPECIAL : 0;
    if (flags & NMOS_ENCODE_BOS) encode |= TOKENIZER_ADD_BOS;
    if (flags & NMOS_ENCODE_EOS) encode |= TOKENIZER_ADD_EOS;
    const int rc = tokenizer_encode(vocab->tokenizer, (struct str){text, len}, encode, &ids);
    if (rc < 0) {
        token_ids_deinit(&ids);
        return rc;
    }
    *ret_ids = ids.data;
    *ret_n = ids.n;
    return 0;
}

int nmos_vocab_decode(const struct nmos_vocab *vocab, const int32_t *ids, size_t n, char **ret_text,
                      size_t *ret_len)
{
    struct buf text = {0};
    int rc = tokenizer_decode(vocab->tokenizer, ids, n, &text);
    if (rc == 0) rc = buf_append(&text, "", 0); /* no ids give "", not NULL */
    if (rc < 0) {
        buf_deinit(&text);
        return rc;
    }
    *ret_text = text.data;
    *ret_len = text.len;
    return 0;
}
