/* SPDX-License-Identifier: MIT */
/* The shell's commands: a table of names, what they take, and functions. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/chat.h"
#include "cli/output.h"
#include "cli/screen.h"

/* A command. @p arg: the rest of the line without blanks around it; "" when there is none.
 * A failure with a sentence is shown; the shell goes on. */
struct command {
    const char *name;
    const char *takes;
    const char *does;
    int (*run)(struct chat *chat, const char *arg);
};

static const char *const spec_names[] = {"auto", "off", "ngram", "chain", "tree"};

static int run_help(struct chat *chat, const char *arg);

static int run_model(struct chat *chat, const char *arg)
{
    struct cli_options options = chat->options;
    struct chat_engine *opened = NULL;
    if (!*arg) {
        chat_say("the model is %s", chat->options.model);
        return 0;
    }
    char *path = mem_strndup(MEM_GENERAL, arg, strlen(arg));
    if (!path) return NMOS_E_NOMEM;
    options.model = path;
    options.draft = NULL; /* it guesses for its own vocabulary */
    if (options.spec == CLI_SPEC_CHAIN) options.spec = CLI_SPEC_AUTO;
    const struct cli_options before = chat->options;
    chat->options = options;
    /* Both would not fit into the memory of one: the old one goes first, and comes back when the
     * new one cannot be opened. */
    chat_engine_close(&chat->engine);
    const int rc = chat_engine_open(&chat->options, &opened);
    if (rc < 0) {
        chat_say("%s", nmos_last_error());
        chat->options = before;
        mem_free(path);
        TRY(chat_engine_open(&chat->options, &chat->engine));
        chat_say("the model is still %s", chat->options.model);
        return 0;
    }
    chat->engine = opened;
    mem_free(chat->model_path);
    chat->model_path = path;
    chat_say("the model is now %s; the conversation goes on", path);
    return 0;
}

static int run_spec(struct chat *chat, const char *arg)
{
    for (int i = 0; i < (int)(sizeof(spec_names) / sizeof(spec_names[0])); i++) {
        if (strcmp(arg, spec_names[i]) != 0) continue;
        if (i == CLI_SPEC_CHAIN && !chat->options.draft) {
            return FAIL(NMOS_E_INVALID, "/spec chain needs a draft model (--draft FILE)");
        }
        chat->options.spec = i;
        arg = "";
    }
    if (*arg) {
        return FAIL(NMOS_E_INVALID, "/spec %.20s: one of auto, off, ngram, chain, tree", arg);
    }
    chat_say("tokens are guessed ahead: %s", spec_names[chat->options.spec]);
    return 0;
}

static void say_size(const char *name, uint64_t bytes)
{
    char size[32];
    output_size(bytes, size);
    chat_say("  %-28s %10s", name, size);
}

static int run_memory(struct chat *chat, const char *arg)
{
    struct chat_facts facts;
    (void)arg;
    chat_engine_facts(chat->engine, &facts);
    const struct nmos_model_info *model = &facts.model;
    say_size("bound on all memory", model->budget_bytes);
    say_size("weights of the model", model->weight_bytes);
    say_size("  kept in memory", model->pinned_bytes);
    say_size("  read in every pass", model->streamed_bytes);
    say_size("action zone", model->ring_bytes);
    if (model->expert_bytes) say_size("cache of experts", model->expert_bytes);
    say_size("KV cache", model->kv_bytes);
    if (model->draft_bytes) say_size("draft", model->draft_bytes);
    say_size("scratch", model->scratch_bytes);
    chat_say("  %-28s %u of %u positions", "context", facts.n_tokens, model->ctx);
    return 0;
}

/* Only where intents change something. */
static int say_answered_as(const struct chat *chat, const struct chat_facts *facts)
{
    struct buf text = {0};
    const int rc = chat_engine_answered_as(chat->engine, &text);
    if (rc == 1) {
        chat_say("  answered as       %.*s", (int)text.len, text.data);
        if (facts->entered.opening_tokens) {
            chat_say("  system prompt     %u tokens; %u of all intents' read before Enter",
                     facts->entered.opening_tokens, facts->entered.entered_openings);
        }
    }
    buf_deinit(&text);
    return rc < 0 ? rc : 0;
}

/* What of the last answer went by what was learned of its intent. */
static void say_learned(const struct chat *chat, const struct chat_facts *facts)
{
    const char *intent = chat_engine_learns(chat->engine, NMOS_LEARN_GUESSES);
    if (intent) {
        chat_say("  guessed by        %u guesses in answers to %s", facts->answer.intent_guesses,
                 intent);
    }
    if (facts->model.expert_bytes && chat_engine_learns(chat->engine, NMOS_LEARN_EXPERTS)) {
        chat_say("  experts ahead     %llu read while you typed, in all; %llu of them used",
                 (unsigned long long)facts->stats.experts_expected,
                 (unsigned long long)facts->stats.experts_expected_well);
        if (facts->entered.experts_known) {
            chat_say("  experts known     %u, of a prompt like this one",
                     facts->entered.experts_known);
        }
    }
}

static int run_stats(struct chat *chat, const char *arg)
{
    struct chat_facts facts;
    (void)arg;
    chat_engine_facts(chat->engine, &facts);
    const struct nmos_generation_result *a = &facts.answer;
    const double decode_s = (double)a->decode_ns * 1e-9;
    chat_say("  prompt            %u tokens, %u of them read before", facts.entered.prompt_tokens,
             facts.entered.entered_ready);
    chat_say("  before Enter      %s", facts.entered.branch_hit ? "the answer had begun"
                                       : facts.entered.branch_submitted
                                           ? "the answer was on its way"
                                           : "the answer had not begun");
    TRY(say_answered_as(chat, &facts));
    chat_say("  first text        %.2f s after Enter",
             (double)(facts.first_text_ns - facts.entered_ns) * 1e-9);
    chat_say("  answer            %u tokens in %u passes, %.1f tokens/s", a->generated_tokens,
             a->decode_passes, decode_s > 0 ? a->generated_tokens / decode_s : 0);
    chat_say("  guessed           %u tokens, right: %u of the draft, %u of the text",
             a->guessed_tokens, a->accepted_draft, a->accepted_ngram);
    say_learned(chat, &facts);
    chat_say("  River             %.2f GB read in all, waited %.2f s for it",
             (double)facts.stats.bytes_read * 1e-9, (double)facts.stats.stall_ns * 1e-9);
    chat_say("  binds             %s", chat_binding(&facts));
    return 0;
}

/* "CODE, CHAT, DOCS" */
static int list_intents(const struct chat *chat, struct buf *text)
{
    const char *name;
    for (size_t i = 0; (name = chat_engine_intent_name(chat->engine, i)); i++) {
        TRY(buf_printf(text, "%s%s", i ? ", " : "", name));
    }
    return 0;
}

static int is_intent(const struct chat *chat, const char *name)
{
    const char *other;
    for (size_t i = 0; (other = chat_engine_intent_name(chat->engine, i)); i++) {
        if (strcmp(other, name) == 0) return 1;
    }
    return 0;
}

static int run_intent(struct chat *chat, const char *arg)
{
    const char *said = talk_last(&chat->talk, "user");
    struct buf names = {0};
    if (!said) return FAIL(NMOS_E_INVALID, "/intent is about the last message; there is none");
    int rc = list_intents(chat, &names);
    if (rc == 0 && *arg && !is_intent(chat, arg)) {
        rc = FAIL(NMOS_E_INVALID, "/intent %.31s: one of %.*s", arg, (int)names.len, names.data);
    }
    if (rc == 0 && *arg) rc = chat_engine_correct(chat->engine, said, arg);
    if (rc == 0) {
        const struct nmos_intent now = chat_engine_taken_for(chat->engine, said);
        chat_say("the last message is taken for %s (%.0f%%); /intent NAME says what it was: %.*s",
                 now.name, now.p * 100, (int)names.len, names.data);
    }
    buf_deinit(&names);
    return rc;
}

static int run_save(struct chat *chat, const char *arg)
{
    if (!*arg) return FAIL(NMOS_E_INVALID, "/save needs the name of a file");
    TRY(talk_save(&chat->talk, arg));
    chat_say("saved as %s", arg);
    return 0;
}

static int run_load(struct chat *chat, const char *arg)
{
    const int is_last = strcmp(arg, "last") == 0;
    if (!*arg) return FAIL(NMOS_E_INVALID, "/load needs the name of a file, or the word last");
    if (is_last && !chat->talk_path) return FAIL(NMOS_E_IO, "no conversation is kept");
    TRY(talk_load(&chat->talk, is_last ? chat->talk_path : arg));
    chat_say("a conversation of %zu messages", chat->talk.n);
    return 0;
}

static int run_system(struct chat *chat, const char *arg)
{
    TRY(talk_set_system(&chat->talk, arg, strlen(arg)));
    chat_say(*arg ? "the system message is set" : "there is no system message now");
    return 0;
}

static int run_new(struct chat *chat, const char *arg)
{
    (void)arg;
    talk_begin_anew(&chat->talk);
    chat_drop_system(chat);
    chat_say("a new conversation");
    return 0;
}

static int run_quit(struct chat *chat, const char *arg)
{
    (void)arg;
    chat->is_over = 1;
    return 0;
}

static const struct command commands[] = {
    {"help", "", "list the commands", run_help},
    {"model", "FILE", "go on with another model; without FILE, name the one in use", run_model},
    {"spec", "MODE", "how tokens are guessed ahead: auto, off, ngram, chain, tree", run_spec},
    {"memory", "", "what the memory is used for", run_memory},
    {"stats", "", "figures of the last answer", run_stats},
    {"intent", "NAME", "say what the last message was meant for, where it was mistaken",
     run_intent},
    {"save", "FILE", "write the conversation to FILE", run_save},
    {"load", "FILE", "go on with the conversation in FILE; last: the one kept last", run_load},
    {"system", "TEXT", "set the system message; without TEXT, remove it", run_system},
    {"new", "", "forget the conversation", run_new},
    {"quit", "", "end; so does ^D", run_quit},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int run_help(struct chat *chat, const char *arg)
{
    (void)chat;
    (void)arg;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        char usage[32];
        snprintf(usage, sizeof(usage), "/%s %s", commands[i].name, commands[i].takes);
        chat_say("  %-14s %s", usage, commands[i].does);
    }
    if (screen_is_capable()) {
        chat_say("Enter sends, Alt-Enter begins a new row, ^R searches earlier lines.");
    }
    chat_say("A message that begins like a command: put a blank before the slash.");
    return 0;
}

/* Letters behind the slash, up to a blank or the end; 0: no command. */
static size_t name_length(const char *text, size_t len)
{
    size_t n = 0;
    if (len < 2 || text[0] != '/') return 0;
    while (n + 1 < len && text[n + 1] >= 'a' && text[n + 1] <= 'z') n++;
    return n + 1 == len || text[n + 1] == ' ' || text[n + 1] == '\t' ? n : 0;
}

static int obey(struct chat *chat, const char *name, size_t name_len, const char *arg)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strlen(commands[i].name) != name_len || memcmp(commands[i].name, name, name_len) != 0) {
            continue;
        }
        if (*arg && !*commands[i].takes) {
            return FAIL(NMOS_E_INVALID, "/%s takes nothing behind it", commands[i].name);
        }
        return commands[i].run(chat, arg);
    }
    return FAIL(NMOS_E_INVALID, "there is no command /%.*s; /help lists them", (int)name_len, name);
}

int chat_command(struct chat *chat, const char *text, size_t len)
{
    const size_t name_len = name_length(text, len);
    if (name_len == 0 || name_len > 20) return 0;
    size_t begin = name_len + 1;
    while (begin < len && strchr(" \t", text[begin])) begin++;
    while (len > begin && strchr(" \t\r", text[len - 1])) len--;
    char *arg = mem_strndup(MEM_GENERAL, text + begin, len - begin);
    if (!arg) return NMOS_E_NOMEM;
    const int rc = obey(chat, text + 1, name_len, arg);
    if (rc < 0) chat_say("%s", nmos_last_error());
    mem_free(arg);
    return chat->engine ? 1 : rc;
}
