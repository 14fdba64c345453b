/* SPDX-License-Identifier: MIT */
/*
 * Any bytes are parsed as a chat template and, if they are one, rendered: with the conversation
 * that stands behind the first zero byte, or else with a small one. Whatever happens must end
 * within the limits, in valid text or in a message, and give all memory back.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "fuzz.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/jinja_text.h"

static const char conversation[] =
    "{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": \"user\", "
    "\"content\": \" a\\n\\u00e9 \"}, {\"role\": \"assistant\", \"content\": null, \"tool_calls\": "
    "[{\"function\": {\"name\": \"f\", \"arguments\": {\"a\": [1, 2.5, true]}}}]}], \"tools\": "
    "[{\"type\": \"function\"}], \"add_generation_prompt\": true, \"strftime_now\": "
    "\"2024-07-26T12:00:00\"}";

static void require(int condition)
{
    if (!condition) abort();
}

static void render(const struct chat_template *chat_template, struct str json)
{
    const struct chat_tokens tokens = {"<s>", "</s>"};
    struct buf text = {0};
    size_t bad = 0;
    const int rc = chat_template_render_json(chat_template, json, &tokens, &text);
    require(rc == 0 || (rc < 0 && error_message()[0]));
    require(text.len <= CHAT_RENDER_MEMORY_MAX);
    if (rc == 0) require(jinja_utf8_valid((struct str){text.data, text.len}, &bad));
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t held = mem_used(MEM_GENERAL);
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    const size_t n = zero ? (size_t)(zero - data) : size;
    struct chat_template *chat_template = NULL;
    const int rc = chat_template_create((struct str){(const char *)data, n}, &chat_template);
    require(rc == 0 ? chat_template != NULL : chat_template == NULL && error_message()[0]);
    if (rc == 0) {
        struct str json = STR_LIT(conversation);
        if (zero) json = (struct str){(const char *)zero + 1, size - n - 1};
        render(chat_template, json);
    }
    chat_template_destroy(&chat_template);
    require(mem_used(MEM_GENERAL) == held);
    return 0;
}
