/* SPDX-License-Identifier: MIT */
/* The status line: what the model is doing, in one row. */
#include <stdio.h>

#include "cli/chat.h"
#include "cli/screen.h"

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

const char *chat_binding(const struct chat_facts *facts)
{
    const struct nmos_stats *stats = &facts->stats;
    if (stats->pass_ns && stats->link_stall_ns > stats->pass_ns / 2) return "link";
    /* Waiting for weights for more than a tenth of the time: more memory would help at once. */
    return stats->stall_ns > stats->pass_ns / 10 ? "disk" : "memory";
}

void chat_status(struct chat *chat, int is_answering)
{
    struct chat_facts facts;
    char text[384];
    char intents[192] = "";
    int len = 0;
    if (!screen_is_capable()) return;
    chat_engine_facts(chat->engine, &facts);
    const struct nmos_typing_state *typing = &facts.typing;
    const struct nmos_generation_result *answer = &facts.answer;
    for (size_t i = 0; i < chat->n_intents; i++) {
        len += snprintf(intents + len, sizeof(intents) - (size_t)len, "%s %.0f%% ",
                        chat->intents[i].name, chat->intents[i].p * 100);
    }
    if (chat_engine_intent(chat->engine, typing)) {
        len += snprintf(intents + len, sizeof(intents) - (size_t)len, "as %s, %u ahead ",
                        chat_engine_intent(chat->engine, typing), typing->openings_ready);
    }
    snprintf(
        text, sizeof(text),
        "%s | %s%sread %u/%u, ahead %u | River %.1f GB/s, zone %.0f MB | %.1f tok/pass | %s binds",
        is_answering ? "answering" : "ready", intents, len ? "| " : "", typing->ready_tokens,
        typing->prompt_tokens, typing->ahead_tokens,
        ratio((double)facts.stats.bytes_read, (double)facts.stats.read_ns),
        (double)facts.model.ring_bytes * 1e-6,
        ratio(answer->generated_tokens, answer->decode_passes), chat_binding(&facts));
    screen_status(text);
}
