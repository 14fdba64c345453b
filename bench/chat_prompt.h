/* SPDX-License-Identifier: MIT */
/* Prompts of a file for the programs that measure and check guessing: how a line is read, and what
 * a chat makes of it. */
#ifndef NMOS_BENCH_CHAT_PROMPT_H
#define NMOS_BENCH_CHAT_PROMPT_H

#include <nmos/nmos.h>

/** Replaces the escapes "\n", "\t" and "\\" of a line in their place. */
static inline void chat_prompt_unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == '\\' && from[1]) {
            from++;
            *to++ = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/** Token ids of @p text as the first message of a chat. @param ret_ids  to be freed with
 * nmos_free(). */
static inline int chat_prompt_encode(struct nmos_model *model, const struct nmos_template *chat,
                                     const char *text, int32_t **ret_ids, size_t *ret_n)
{
    const struct nmos_message message = {"user", text};
    char *rendered = NULL;
    size_t len = 0;
    int rc = nmos_template_render(chat, &message, 1, &rendered, &len);
    if (rc == 0) {
        rc = nmos_vocab_encode(nmos_model_vocab(model), rendered, len, NMOS_ENCODE_SPECIAL, ret_ids,
                               ret_n);
    }
    nmos_free(rendered);
    return rc;
}

#endif
