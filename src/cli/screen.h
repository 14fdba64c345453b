/* SPDX-License-Identifier: MIT */
/*
 * The terminal of the shell: its last row shows the status, the rows above it scroll.
 *
 * A terminal counts as capable when standard input and output are one, it has at least 5 rows, and
 * TERM names one that moves its cursor. Elsewhere nothing but plain text is written and every
 * function here does nothing. There is one screen; used by the main thread.
 */
#ifndef NMOS_CLI_SCREEN_H
#define NMOS_CLI_SCREEN_H

#include <stddef.h>

/** Looks at the terminal and sets the last row apart. SIGTERM and SIGHUP give it back first. */
void screen_open(void);
/** Gives the whole terminal back to what comes next. */
void screen_close(void);
int screen_is_capable(void);

/** Rows that scroll, and columns. */
int screen_rows(void);
int screen_columns(void);

/** Shows a text in the last row, cut to its width; what stands there already is not sent again. */
void screen_status(const char *text);

/** The terminal has another size, or was somebody else's for a while: sets the last row apart
 * again. */
void screen_renew(void);

/** Stops the program as ^Z does, the terminal given back until it goes on. */
void screen_suspend(void);

/** Hides what is typed while an answer comes; it is read with the next line. */
void screen_echo(int is_on);

/* What came as a signal since it was asked for last; SIGINT on any terminal or pipe. */
int screen_was_interrupted(void);
int screen_was_resized(void);
int screen_was_suspended(void);

#endif
