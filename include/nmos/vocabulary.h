/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Vocabularies: text to token ids and back, as a model file defines it. A file with nothing but a
 * vocabulary is enough. An open vocabulary may be used by several threads at once.
 */
#ifndef NMOS_VOCABULARY_H
#define NMOS_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The vocabulary of one model. */
struct nmos_vocab;

/** How text is read; a sum of these. */
enum nmos_encode_flags {
    NMOS_ENCODE_SPECIAL = 1, /**< spellings of control tokens become these tokens */
    NMOS_ENCODE_BOS = 2,     /**< begin the ids as the metadata asks for */
    NMOS_ENCODE_EOS = 4,     /**< end them so; not for a text that goes on */
};

/** Reads the vocabulary of a GGUF file (a split one is named by its first part). */
int nmos_vocab_open(const char *path, struct nmos_vocab **ret_vocab);

/** Closes it and nulls the pointer; NULL is a no-op. */
void nmos_vocab_close(struct nmos_vocab **vocab);

/** Number of tokens: ids are 0 up to this number. */
int32_t nmos_vocab_size(const struct nmos_vocab *vocab);

/**
 * Token ids of @p len bytes of text, which may be any bytes.
 * @param flags    a sum of enum nmos_encode_flags.
 * @param ret_ids  to be freed with nmos_free().
 */
int nmos_vocab_encode(struct nmos_vocab *vocab, const void *text, size_t len, unsigned flags,
                      int32_t **ret_ids, size_t *ret_n);

/**
 * The bytes that @p n ids stand for.
 * @param ret_text  to be freed with nmos_free(); a zero byte stands behind the text.
 * @return 0; NMOS_E_INVALID for an id that is not in the vocabulary; NMOS_E_NOMEM.
 */
int nmos_vocab_decode(const struct nmos_vocab *vocab, const int32_t *ids, size_t n, char **ret_text,
                      size_t *ret_len);

#ifdef __cplusplus
}
#endif

#endif
