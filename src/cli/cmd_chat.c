/* SPDX-License-Identifier: MIT */
/* nmos chat: the shell. Reads lines, shows answers as they come, keeps the conversation. */
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file_replace.h"
#include "base/mem.h"
#include "cli/chat.h"
#include "cli/dim_text.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/screen.h"

#define WAIT_MS      100
#define GUESS_ROWS   6 /* of provisional text at most */
#define TALK_NAME    "conversation.json"
#define HISTORY_NAME "history"

void chat_say(const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (screen_is_capable()) {
        const int rc = output_safe_lines(text, strlen(text));
        if (rc == 0) putchar('\n');
        fflush(stdout); /* when the terminal has gone, the next line read tells */
    } else {
        fprintf(stderr, "nmos: %s\n", text);
    }
}

void chat_keep(struct chat *chat)
{
    if (!chat->talk_path) return;
    file_make_folders(chat->talk_path);
    if (talk_save(&chat->talk, chat->talk_path) == 0 || chat->warned_unsaved) return;
    chat_say("the conversation is not kept: %s", nmos_last_error());
    chat->warned_unsaved = 1;
}

/* ... and what the model has read of it, so that it need not be read again. */
static void keep_pages(struct chat *chat)
{
    if (!chat->talk_path || chat->warned_unread) return;
    if (chat_engine_keep(chat->engine, chat->talk.messages, chat->talk.n) == 0) return;
    chat_say("what the model has read is not kept: %s", nmos_last_error());
    chat->warned_unread = 1;
}

/* ---- Answers ---- */

/* Provisional text needs a terminal that can take it away again; a pipe or a file never gets any.
 */
static int shows_guesses(const struct chat *chat)
{
    return screen_is_capable() && !chat->options.json && chat_engine_wants_draft(chat->engine);
}

static int show_text(const struct chat *chat, const char *text, size_t len)
{
    if (chat->options.json) {
        return len ? output_json(json_pack("{s:o*}", "text", output_json_string(text, len)), 1) : 0;
    }
    return screen_is_capable() ? output_safe_lines(text, len) : output_write(text, len);
}

/* Shows what has come of the answer, and what the draft guesses behind it. */
static int show_news(const struct chat *chat, struct dim_text *dim, const char *text, size_t len)
{
    struct buf guess = {0};
    if (!shows_guesses(chat)) return show_text(chat, text, len);
    if (len) TRY(dim_text_hide(dim));
    TRY(show_text(chat, text, len));
    dim_text_pass(dim, text, len);
    const int rows = screen_rows() / 2 < GUESS_ROWS ? screen_rows() / 2 : GUESS_ROWS;
    int rc = chat_engine_guess(chat->engine, &guess);
    if (rc == 0) rc = dim_text_show(dim, guess.data, guess.len, rows);
    buf_deinit(&guess);
    return rc;
}

/* Shows the answer while it comes and collects it. @return 0, or why the answer failed. */
static int stream_answer(struct chat *chat, struct buf *answer)
{
    struct dim_text dim = {0};
    int rc = 1;
    dim_text_begin(&dim, screen_columns());
    while (rc > 0) {
        const size_t shown = answer->len;
        rc = chat_engine_next(chat->engine, WAIT_MS, answer);
        int written = show_news(chat, &dim, answer->data + shown, answer->len - shown);
        if (written == 0 && rc <= 0) written = dim_text_hide(&dim);
        if (written < 0 || output_flush() < 0) chat->is_over = 1; /* nobody reads on */
        if (screen_was_interrupted() || chat->is_over) chat_engine_stop(chat->engine);
        if (screen_was_suspended()) {
            if (dim_text_hide(&dim) == 0) screen_suspend();
            dim_text_forget(&dim);
        }
        if (screen_was_resized()) {
            screen_renew();
            dim_text_forget(&dim);
        }
        chat_status(chat, rc > 0);
    }
    dim_text_deinit(&dim);
    return rc;
}

static int show_end(const struct chat *chat, const char *end)
{
    if (chat->options.json) TRY(output_json(json_pack("{s:s}", "end", end), 1));
    if (!chat->options.json) TRY(output_write("\n", 1));
    return output_flush();
}

static const char *end_name(struct chat *chat, int rc)
{
    static const char *const names[] = {[NMOS_END_LIMIT] = "limit",
                                        [NMOS_END_TOKEN] = "token",
                                        [NMOS_END_STOP] = "stop",
                                        [NMOS_END_CONTEXT] = "context",
                                        [NMOS_END_CALLER] = "caller"};
    struct chat_facts facts;
    chat_engine_facts(chat->engine, &facts);
    if (chat_engine_was_stopped(chat->engine)) return "interrupted";
    return rc < 0 ? "failed" : names[facts.answer.end];
}

/* Says how the answer ended, where the text does not say it. */
static void tell_end(struct chat *chat, int rc)
{
    const char *end = end_name(chat, rc);
    if (strcmp(end, "interrupted") == 0) chat_say("(stopped)");
    if (strcmp(end, "failed") == 0) chat_say("the answer failed: %s", nmos_last_error());
    if (strcmp(end, "limit") == 0) {
        chat_say("(the answer stops here, after %lld tokens; --max-tokens allows more)",
                 (long long)chat->options.max_tokens);
    }
    if (strcmp(end, "context") == 0) {
        chat_say("(the context is full; the answer stops here. /new begins a new conversation, "
                 "--ctx gives more room)");
    }
}

/* The first message's intent has put its system prompt before it. */
static int keep_system(struct chat *chat)
{
    const char *system = chat_engine_system(chat->engine);
    return system ? talk_set_system(&chat->talk, system, strlen(system)) : 0;
}

/* Forgets a message without an answer, so that it can be asked again. */
static void drop_message(struct chat *chat)
{
    talk_drop_last(&chat->talk);
    chat_drop_system(chat);
}

void chat_drop_system(struct chat *chat)
{
    if (chat->talk.n == 1 && chat_engine_has_system(chat->engine, chat->talk.messages[0].content)) {
        talk_drop_last(&chat->talk);
    }
}

/* One message and its answer. @return 0; negative when the shell cannot go on. */
static int converse(struct chat *chat, const struct buf *text)
{
    struct buf answer = {0};
    TRY(talk_add(&chat->talk, "user", text->data, text->len));
    const char *said = chat->talk.messages[chat->talk.n - 1].content;
    struct nmos_typing *typing = chat_engine_typing(chat->engine);
    int rc = nmos_typing_replace(typing, said, strlen(said));
    if (rc == 0) rc = chat_engine_enter(chat->engine);
    if (rc < 0) {
        chat_say("%s", nmos_last_error());
        if (rc == NMOS_E_LIMIT) chat_say("/new begins a new conversation");
        drop_message(chat);
        return rc == NMOS_E_NOMEM ? rc : 0;
    }
    TRY(keep_system(chat));
    chat_keep(chat);
    screen_echo(0);
    rc = stream_answer(chat, &answer);
    screen_echo(1);
    if (show_end(chat, end_name(chat, rc)) < 0) chat->is_over = 1;
    tell_end(chat, rc);
    if (answer.len) {
        rc = talk_add(&chat->talk, "assistant", answer.data, answer.len);
    } else {
        if (rc < 0) drop_message(chat);
        rc = 0;
    }
    chat_keep(chat);
    keep_pages(chat);
    buf_deinit(&answer);
    return rc;
}

/* ---- The loop ---- */

/* A keystroke. What a command begins with is nobody's question. */
static void watch_change(void *arg, const char *text, size_t len)
{
    struct chat *chat = arg;
    struct buf clean = {0};
    const size_t n = len && text[0] == '/' ? 0 : len;
    if (buf_reserve(&clean, 1) == 0 && output_utf8(&clean, text, n) == 0) {
        (void)!nmos_typing_replace(chat_engine_typing(chat->engine), clean.data, clean.len);
        chat->n_intents =
            clean.len ? chat_engine_intents(chat->engine, clean.data, clean.len, chat->intents, 2)
                      : 0;
    }
    buf_deinit(&clean); /* no memory: Enter will tell */
    chat_status(chat, 0);
}

static void watch_wait(void *arg)
{
    chat_status(arg, 0);
}

static int is_blank(const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (!strchr(" \t\r\n", text->data[i])) return 0;
    }
    return 1;
}

/* Who pipes messages in does not wait for them, so nothing is prepared there. */
static int begin_message(struct chat *chat)
{
    const int is_typed = isatty(STDIN_FILENO);
    return chat_engine_begin(chat->engine, chat->talk.messages, chat->talk.n,
                             is_typed ? (enum nmos_anticipation)chat->options.anticipate
                                      : NMOS_ANTICIPATE_OFF,
                             shows_guesses(chat));
}

/* What was chosen, where somebody left it to the plan. */
static void tell_mode(const struct chat *chat)
{
    struct chat_facts facts;
    char bytes[32];
    chat_engine_facts(chat->engine, &facts);
    if (chat->options.mode != CLI_MODE_AUTO || !shows_guesses(chat)) return;
    output_size(facts.model.streamed_bytes, bytes);
    chat_say("A pass reads %s from disk, so the draft's words are shown dimmed until the oracle's "
             "come (--mode oracle: never).",
             bytes);
}

static int loop(struct chat *chat)
{
    struct buf text = {0};
    int rc = 0;
    while (rc >= 0 && !chat->is_over) {
        rc = begin_message(chat);
        if (rc == 0) rc = line_read(chat->line, &text);
        if (rc < 0 || rc == LINE_END) break;
        if (rc == LINE_INTERRUPTED) {
            if (isatty(STDIN_FILENO)) {
                if (!screen_is_capable()) putchar('\n');
                continue;
            }
            cli_note_interrupt();
            rc = FAIL(NMOS_E_CANCELLED, "interrupted");
            break;
        }
        if (is_blank(&text)) continue;
        rc = chat_command(chat, text.data, text.len);
        if (rc == 0) rc = converse(chat, &text);
    }
    if (rc == LINE_END && isatty(STDIN_FILENO)) putchar('\n');
    buf_deinit(&text);
    return rc < 0 ? rc : 0;
}

/* Goes on with the last conversation; a damaged one is set aside. */
static int resume(struct chat *chat)
{
    if (!chat->talk_path || access(chat->talk_path, F_OK) != 0) {
        chat_say("there is no conversation to go on with");
        return 0;
    }
    const int rc = talk_load(&chat->talk, chat->talk_path);
    if (rc == NMOS_E_CORRUPT) {
        chat_say("%s; it is set aside as %s.damaged", nmos_last_error(), chat->talk_path);
        return file_set_aside(chat->talk_path);
    }
    if (rc == 0) chat_say("going on with a conversation of %zu messages", chat->talk.n);
    return rc;
}

static int run(struct chat *chat)
{
    const struct line_watcher watcher = {
        .on_change = watch_change, .on_wait = watch_wait, .arg = chat};
    char *history_path = NULL;
    if (options_user_path(USER_STATE, TALK_NAME, &chat->talk_path) < 0) {
        chat_say("the conversation is not kept: %s", nmos_last_error());
    }
    if (options_user_path(USER_STATE, HISTORY_NAME, &history_path) < 0) history_path = NULL;
    int rc = chat_engine_open(&chat->options, &chat->engine);
    if (rc == 0) screen_open();
    if (rc == 0 && chat->options.resume) rc = resume(chat);
    if (rc == 0) rc = line_open(history_path, &watcher, &chat->line);
    if (rc == 0 && screen_is_capable()) {
        chat_say("/help lists what can be done; ^C stops an answer, ^D ends.");
        tell_mode(chat);
    }
    if (rc == 0) rc = loop(chat);
    line_close(&chat->line);
    screen_close();
    mem_free(history_path);
    return rc;
}

int cmd_chat(const struct cli_options *options)
{
    struct chat chat = {.options = *options};
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX < 4) (void)setlocale(LC_CTYPE, "C.UTF-8");
    const int rc = run(&chat);
    chat_engine_close(&chat.engine);
    talk_deinit(&chat.talk);
    mem_free(chat.talk_path);
    mem_free(chat.model_path);
    return rc;
}
