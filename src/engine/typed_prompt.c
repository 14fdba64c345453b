/* SPDX-License-Identifier: MIT */
#include "engine/typed_prompt.h"

#include <string.h>

#include "base/mem.h"

void tokens_set(struct tokens *tokens, struct tokens from)
{
    nmos_free(tokens->ids);
    *tokens = from;
}

size_t tokens_common(const struct tokens *a, const struct tokens *b)
{
    size_t n = 0;
    while (n < a->n && n < b->n && a->ids[n] == b->ids[n]) n++;
    return n;
}

int tokens_are_same(const struct tokens *a, const struct tokens *b)
{
    return a->n == b->n && tokens_common(a, b) == a->n;
}

static void free_messages(struct typed_prompt *prompt)
{
    for (size_t i = 1; i <= prompt->n_messages; i++) {
        mem_free((void *)(uintptr_t)prompt->messages[i].role);
        mem_free((void *)(uintptr_t)prompt->messages[i].content);
    }
    mem_free(prompt->messages);
    prompt->messages = NULL;
    prompt->n_messages = 0;
}

void typed_prompt_deinit(struct typed_prompt *prompt)
{
    free_messages(prompt);
}

int typed_prompt_set_messages(struct typed_prompt *prompt, const struct nmos_message *messages,
                              size_t n)
{
    free_messages(prompt);
    prompt->messages = mem_calloc(MEM_GENERAL, n + 2, sizeof(prompt->messages[0]));
    if (!prompt->messages) return NMOS_E_NOMEM;
    prompt->n_messages = n;
    for (size_t i = 0; i < n; i++) {
        struct nmos_message *to = &prompt->messages[i + 1];
        to->role = mem_strndup(MEM_GENERAL, messages[i].role, strlen(messages[i].role));
        to->content = mem_strndup(MEM_GENERAL, messages[i].content, strlen(messages[i].content));
        if (!to->role || !to->content) return NMOS_E_NOMEM;
    }
    return 0;
}

int typed_prompt_encode(struct typed_prompt *prompt, const struct typed_text *line,
                        const char *more, struct tokens *ret_tokens)
{
    struct buf text = {0};
    char *rendered = NULL;
    size_t len = 0;
    int rc = buf_printf(&text, "%s", line->text.data ? line->text.data : "");
    if (rc == 0) rc = buf_printf(&text, "%s", more);
    if (rc == 0) rc = buf_reserve(&text, 1);
    if (rc == 0) {
        text.data[text.len] = '\0';
        struct nmos_message *const typed = &prompt->messages[prompt->n_messages + 1];
        *typed = (struct nmos_message){"user", text.data};
        prompt->messages[0] = (struct nmos_message){"system", prompt->system};
        const struct nmos_message *const first = &prompt->messages[prompt->system ? 0 : 1];
        rc = nmos_template_render(prompt->chat_template, first, (size_t)(typed - first) + 1,
                                  &rendered, &len);
        *typed = (struct nmos_message){0};
    }
    if (rc == 0) {
        rc = nmos_vocab_encode(prompt->vocab, rendered, len, NMOS_ENCODE_SPECIAL, &ret_tokens->ids,
                               &ret_tokens->n);
    }
    nmos_free(rendered);
    buf_deinit(&text);
    return rc;
}

size_t typed_prompt_count_stable(struct typed_prompt *prompt, const struct typed_text *line,
                                 const struct tokens *want)
{
    static const char *const probes[] = {"a", " a", "1"};
    size_t n = want->n;
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        struct tokens other = {0};
        if (typed_prompt_encode(prompt, line, probes[i], &other) < 0) return 0;
        const size_t n_common = tokens_common(want, &other);
        if (n_common < n) n = n_common;
        nmos_free(other.ids);
    }
    return n > 0 ? n - 1 : 0;
}
