/* SPDX-License-Identifier: MIT */
/* The prompt that a conversation and a line that is being typed make, as tokens. */
#ifndef NMOS_ENGINE_TYPED_PROMPT_H
#define NMOS_ENGINE_TYPED_PROMPT_H

#include <nmos/nmos.h>

#include "base/error.h"
#include "engine/typed_text.h"

struct tokens {
    int32_t *ids; /* owned; nmos_free() */
    size_t n;
};

/** Frees what @p tokens has and takes over @p from. */
void tokens_set(struct tokens *tokens, struct tokens from);
/** Tokens at the beginning that are the same. */
size_t tokens_common(const struct tokens *a, const struct tokens *b);
int tokens_are_same(const struct tokens *a, const struct tokens *b);

/** Zero-initialise, fill in what is borrowed; typed_prompt_deinit(). */
struct typed_prompt {
    const struct nmos_template *chat_template; /* borrowed */
    struct nmos_vocab *vocab;                  /* borrowed */
    const char *system; /* borrowed; leads the conversation; NULL: nothing does but its messages */
    /* [n_messages + 2] Owned texts, behind a place for the system message; one for what is being
     * typed follows. */
    struct nmos_message *messages;
    size_t n_messages;
};

void typed_prompt_deinit(struct typed_prompt *prompt);

/** The conversation is these messages now, which are copied. */
int typed_prompt_set_messages(struct typed_prompt *prompt, const struct nmos_message *messages,
                              size_t n) NMOS_MUST_CHECK;

/** The tokens of the conversation and the line, with @p more behind it. */
int typed_prompt_encode(struct typed_prompt *prompt, const struct typed_text *line,
                        const char *more, struct tokens *ret_tokens) NMOS_MUST_CHECK;

/**
 * Tokens of @p want, the prompt of the line, that stay whatever is typed at its end, as far as a
 * letter, a new word and a digit can tell, and one less. A wrong count costs time, never the text:
 * what a session has is compared with the prompt token by token.
 */
size_t typed_prompt_count_stable(struct typed_prompt *prompt, const struct typed_text *line,
                                 const struct tokens *want);

#endif
