/* SPDX-License-Identifier: MIT */
/* The inside of struct nmos_vocab, for the engine's other files. */
#ifndef NMOS_ENGINE_VOCAB_VIEW_H
#define NMOS_ENGINE_VOCAB_VIEW_H

#include <nmos/nmos.h>

#include "gguf/gguf.h"
#include "tokenizer/tokenizer.h"

struct nmos_vocab {
    struct tokenizer *tokenizer; /* owned */
};

/** The vocabulary in a header that has been read already; @p gguf is not kept. */
int nmos_vocab_create(const struct gguf *gguf, struct nmos_vocab **ret_vocab) NMOS_MUST_CHECK;

#endif
