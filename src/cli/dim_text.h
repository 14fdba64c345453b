/* SPDX-License-Identifier: MIT */
/*
 * Provisional text behind the answer on a terminal: dimmed, and taken away again in place.
 *
 * The cursor stays where the answer ends. So what is shown behind it has to be laid out here as the
 * terminal does it: which column the answer has come to, and how many rows the text takes. Where
 * that is not known (the window was resized, the answer ends in the last column), nothing is shown.
 * Used by the main thread, on a capable screen (screen.h).
 */
#ifndef NMOS_CLI_DIM_TEXT_H
#define NMOS_CLI_DIM_TEXT_H

#include "base/error.h"
#include "base/str.h"

struct dim_text {
    int columns; /* of the terminal */
    int column;  /* of the cursor, behind the answer; -1: not known */
    int n_rows;  /* that the text takes below that of the cursor */
    struct buf shown;
};

/** The answer begins, in the first column. */
void dim_text_begin(struct dim_text *dim, int columns);
/** Nothing is known of the cursor and what is shown any more. */
void dim_text_forget(struct dim_text *dim);
void dim_text_deinit(struct dim_text *dim);

/** The answer goes on by this text, which has been written. Nothing may be shown. */
void dim_text_pass(struct dim_text *dim, const char *text, size_t len);

/** Shows text in place of what is shown, cut to @p rows_max rows below that of the cursor. What is
 * shown already is not sent again. @return as output_write(). */
int dim_text_show(struct dim_text *dim, const char *text, size_t len, int rows_max) NMOS_MUST_CHECK;

/** Takes away what is shown. */
int dim_text_hide(struct dim_text *dim) NMOS_MUST_CHECK;

#endif
