/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Chat templates: messages to the prompt that a model was trained on. A template is immutable and
 * may be used by several threads at once. However long a template would run or whatever it would
 * print, a rendering is bounded in time and memory.
 */
#ifndef NMOS_TEMPLATE_H
#define NMOS_TEMPLATE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nmos_file;

/** A chat template, with the BOS and EOS texts of its model. */
struct nmos_template;

/** One message of a conversation, both texts UTF-8. */
struct nmos_message {
    const char *role; /**< "system", "user", "assistant", ... */
    const char *content;
};

/**
 * Parses a template.
 * @param file  gives the BOS and EOS texts, and the template where @p text is NULL; may be NULL
 * else. Not needed afterwards.
 * @param text  a template in Jinja's language, @p text_bytes long, or NULL. Not needed afterwards.
 * @return 0; NMOS_E_UNSUPPORTED when the model has no template, or the template needs what this
 * build lacks; NMOS_E_CORRUPT for a template that cannot be read; both with the line and the
 * reason.
 */
int nmos_template_create(const struct nmos_file *file, const char *text, size_t text_bytes,
                         struct nmos_template **ret_template);

/** Frees it and nulls the pointer; NULL is a no-op. */
void nmos_template_destroy(struct nmos_template **chat_template);

/**
 * Renders messages, without tools; the prompt ends where the assistant's answer starts.
 * @param ret_prompt  zero-terminated; the caller releases it with nmos_free().
 * @param ret_prompt_bytes  without the zero; may be NULL.
 * @return 0; NMOS_E_INVALID with the template's own message when it refuses the messages.
 */
int nmos_template_render(const struct nmos_template *chat_template,
                         const struct nmos_message *messages, size_t n_messages, char **ret_prompt,
                         size_t *ret_prompt_bytes);

/**
 * As nmos_template_render() for a whole conversation as JSON: an object with "messages" and
 * optionally "tools" (default null), "add_generation_prompt" (default false), "bos_token",
 * "eos_token" (default: the model's), "strftime_now" (a time such as "2024-07-26T12:00:00",
 * default: now). Any other member is passed on as a variable of that name.
 * @return also NMOS_E_CORRUPT when it is not JSON.
 */
int nmos_template_render_json(const struct nmos_template *chat_template, const char *json,
                              size_t json_bytes, char **ret_prompt, size_t *ret_prompt_bytes);

#ifdef __cplusplus
}
#endif

#endif
