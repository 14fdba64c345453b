/* SPDX-License-Identifier: MIT */
/* The shell's state, shared by its loop (cmd_chat.c), its commands and its status line. */
#ifndef NMOS_CLI_CHAT_H
#define NMOS_CLI_CHAT_H

#include "cli/chat_engine.h"
#include "cli/cli.h"
#include "cli/line.h"
#include "cli/talk.h"

struct chat {
    struct cli_options options; /* a copy: commands change it */
    struct chat_engine *engine;
    struct talk talk;
    struct line *line;
    struct nmos_intent intents[2]; /* the likeliest of what is being typed */
    size_t n_intents;              /* 0: nothing is being typed */
    char *talk_path;               /* where the conversation is kept; NULL: nowhere */
    char *model_path;              /* owned; what /model has chosen */
    int is_over;                   /* /quit */
    int warned_unsaved;            /* it could not be kept: said once */
    int warned_unread;             /* ... what the model has read of it could not */
};

/**
 * Obeys a line that is a command: a slash and letters begin it.
 * @return 1 when it was one, also when it failed, which is said; 0 when it is a message; negative
 * when the shell cannot go on.
 */
int chat_command(struct chat *chat, const char *text, size_t len) NMOS_MUST_CHECK;

/** Keeps the conversation; when that fails, says so once. */
void chat_keep(struct chat *chat);

/** Where nothing has been said, forgets a system message that an intent has put there. */
void chat_drop_system(struct chat *chat);

/** Draws the status line. @p is_answering: an answer is coming. */
void chat_status(struct chat *chat, int is_answering);

/** What limits the speed of the last answer: "disk", "link" or "memory". */
const char *chat_binding(const struct chat_facts *facts);

/** Writes a notice for people: to the terminal, or to stderr beside plain output. */
void chat_say(const char *fmt, ...) NMOS_PRINTF(1, 2);

#endif
