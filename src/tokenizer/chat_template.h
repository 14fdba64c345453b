/* SPDX-License-Identifier: MIT */
/*
 * Chat templates: a conversation to the text that the model was trained on.
 *
 * A template is parsed once and immutable; renderings are independent and may run on any number of
 * threads. Every rendering is bounded in time and memory, whatever the template (which comes with
 * the model file) does.
 */
#ifndef NMOS_TOKENIZER_CHAT_TEMPLATE_H
#define NMOS_TOKENIZER_CHAT_TEMPLATE_H

#include <jansson.h>

#include "base/str.h"

#define CHAT_TEMPLATE_MEMORY_MAX                                                                   \
    ((size_t)64 << 20) /* of a parsed template: some 100 bytes per byte of text */
#define CHAT_RENDER_MEMORY_MAX ((size_t)128 << 20) /* of one rendering, its result included */
#define CHAT_JSON_BYTES_MAX    ((size_t)16 << 20)  /* of one conversation */

struct chat_template;

/** What the model's vocabulary says, used where the conversation does not say otherwise. */
struct chat_tokens {
    const char *bos; /* never NULL; "" when there is none */
    const char *eos;
};

/**
 * Parses @p text, which is not needed afterwards.
 * @return 0; NMOS_E_CORRUPT for a syntax error, NMOS_E_UNSUPPORTED for a construct this interpreter
 * lacks, both with the line; NMOS_E_LIMIT, NMOS_E_NOMEM.
 */
int chat_template_create(struct str text, struct chat_template **ret_template) NMOS_MUST_CHECK;

/** Frees the template and nulls the pointer; a NULL template is a no-op. */
void chat_template_destroy(struct chat_template **chat_template);

/**
 * Renders a conversation.
 *
 * @param context an object with "messages" (a list) and optionally "tools" (default null),
 * "add_generation_prompt" (default false), "bos_token", "eos_token" (default @p tokens) and
 * "strftime_now"
 *                ("2024-07-26T12:00:00", default now). Any other member is a variable of that name.
 * @param ret_text appended to on success; the caller frees it with buf_deinit().
 * @return 0; NMOS_E_INVALID when the template raises or the context does not suit it, with the
 * template's message; NMOS_E_UNSUPPORTED, NMOS_E_LIMIT, NMOS_E_NOMEM.
 */
int chat_template_render(const struct chat_template *chat_template, const json_t *context,
                         const struct chat_tokens *tokens, struct buf *ret_text) NMOS_MUST_CHECK;

/** As chat_template_render() with the context as JSON text. @return also NMOS_E_CORRUPT when it is
 * not JSON. */
int chat_template_render_json(const struct chat_template *chat_template, struct str json,
                              const struct chat_tokens *tokens,
                              struct buf *ret_text) NMOS_MUST_CHECK;

#endif
