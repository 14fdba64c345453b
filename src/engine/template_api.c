/* SPDX-License-Identifier: MIT */
/* Chat templates as nmos.h offers them: the interpreter joined with what a model file says. */
#include <inttypes.h>
#include <nmos/nmos.h>

#include <jansson.h>

#include "base/mem.h"
#include "engine/file_view.h"
#include "tokenizer/chat_template.h"

struct nmos_template {
    struct chat_template *chat_template; /* owned */
    char *bos;                           /* owned; "" when the model has none */
    char *eos;                           /* owned, as bos */
};

/* Text of the token whose id is under `key`, "" when the vocabulary has no such token. */
static int token_text(const struct gguf *gguf, const char *key, char **ret_text)
{
    uint64_t id = UINT64_MAX;
    struct str text = STR_LIT("");
    const struct gguf_kv *tokens = gguf ? gguf_find(gguf, "tokenizer.ggml.tokens") : NULL;
    if (gguf) TRY(gguf_get_u64(gguf, key, UINT64_MAX, &id));
    if (tokens && tokens->strings && id < tokens->n_elems) text = tokens->strings[id];
    *ret_text = mem_strndup(MEM_GENERAL, text.data, text.len);
    return *ret_text ? 0 : NMOS_E_NOMEM;
}

static int find_text(const struct gguf *gguf, struct str *text)
{
    if (text->data) return 0;
    const struct str none = {0};
    if (gguf) TRY(gguf_get_str(gguf, "tokenizer.chat_template", none, text));
    if (text->data) return 0;
    return FAIL(NMOS_E_UNSUPPORTED,
                "the model has no chat template (tokenizer.chat_template); give one with "
                "--chat-template FILE");
}

int nmos_template_create(const struct nmos_file *file, const char *text, size_t text_bytes,
                         struct nmos_template **ret_template)
{
    const struct gguf *gguf = file ? nmos_file_gguf(file) : NULL;
    struct str source = {text, text_bytes};
    TRY(find_text(gguf, &source));
    struct nmos_template *made = mem_calloc(MEM_GENERAL, 1, sizeof(*made));
    if (!made) return NMOS_E_NOMEM;
    int rc = token_text(gguf, "tokenizer.ggml.bos_token_id", &made->bos);
    if (rc == 0) rc = token_text(gguf, "tokenizer.ggml.eos_token_id", &made->eos);
    if (rc == 0) rc = chat_template_create(source, &made->chat_template);
    if (rc < 0) {
        nmos_template_destroy(&made);
        return rc;
    }
    *ret_template = made;
    return 0;
}

void nmos_template_destroy(struct nmos_template **chat_template)
{
    if (!chat_template || !*chat_template) return;
    chat_template_destroy(&(*chat_template)->chat_template);
    mem_free((*chat_template)->bos);
    mem_free((*chat_template)->eos);
    mem_free(*chat_template);
    *chat_template = NULL;
}

/* Hands a text over to the caller, or frees it when making it has failed. */
static int give(int rc, struct buf *text, char **ret_prompt, size_t *ret_prompt_bytes)
{
    if (rc == 0) rc = buf_reserve(text, 1); /* an empty text needs its zero, too */
    if (rc < 0) {
        buf_deinit(text);
        return rc;
    }
    text->data[text->len] = '\0';
    *ret_prompt = text->data;
    if (ret_prompt_bytes) *ret_prompt_bytes = text->len;
    return 0;
}

/* New reference to the conversation, or NULL with the message set. */
static json_t *make_context(const struct nmos_message *messages, size_t n_messages)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n_messages; i++) {
        json_t *message =
            json_pack("{s:s, s:s}", "role", messages[i].role, "content", messages[i].content);
        if (!message || json_array_append_new(list, message) < 0) {
            json_decref(list);
            (void)FAIL(NMOS_E_INVALID, "message %zu is not valid UTF-8, or memory is short", i);
            return NULL;
        }
    }
    return json_pack("{s:o, s:b}", "messages", list, "add_generation_prompt", 1);
}

int nmos_template_render(const struct nmos_template *chat_template,
                         const struct nmos_message *messages, size_t n_messages, char **ret_prompt,
                         size_t *ret_prompt_bytes)
{
    struct buf text = {0};
    const struct chat_tokens tokens = {chat_template->bos, chat_template->eos};
    json_t *context = make_context(messages, n_messages);
    if (!context) return NMOS_E_INVALID;
    const int rc = chat_template_render(chat_template->chat_template, context, &tokens, &text);
    json_decref(context);
    return give(rc, &text, ret_prompt, ret_prompt_bytes);
}

int nmos_template_render_json(const struct nmos_template *chat_template, const char *json,
                              size_t json_bytes, char **ret_prompt, size_t *ret_prompt_bytes)
{
    struct buf text = {0};
    const struct chat_tokens tokens = {chat_template->bos, chat_template->eos};
    const int rc = chat_template_render_json(chat_template->chat_template,
                                             (struct str){json, json_bytes}, &tokens, &text);
    return give(rc, &text, ret_prompt, ret_prompt_bytes);
}
