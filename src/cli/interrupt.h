/* SPDX-License-Identifier: MIT */
/*
 * ^C. It ends the process at once with exit code 130, unless a command has work to put in order:
 * that command catches it, and a second ^C ends the process. One model at a time is watched.
 */
#ifndef NMOS_CLI_INTERRUPT_H
#define NMOS_CLI_INTERRUPT_H

#include <nmos/nmos.h>

#include "base/error.h"

/** Once, before a command runs. */
void interrupt_set_up(void);

/**
 * Lets the command end its work itself when the user presses ^C: cli_interrupted() turns true, and
 * the command returns NMOS_E_CANCELLED soon.
 */
void cli_catch_interrupt(void);
int cli_interrupted(void);

/** For a command with a handler of its own: it was ^C that ends it. */
void cli_note_interrupt(void);

/**
 * Catches ^C, and from now on it ends a pass of @p model within a layer's time: a thread waits for
 * it, since a pass may take minutes and a handler may not wake the one that runs it.
 * @return 0, or NMOS_E_NOMEM. Then, and without a call, passes end as they would.
 */
int interrupt_watch(struct nmos_model *model) NMOS_MUST_CHECK;

/** Before the model that is watched is closed; nothing where none is. */
void interrupt_unwatch(void);

#endif
