/* SPDX-License-Identifier: MIT */
#include "cli/dim_text.h"

#include <string.h>
#include <wchar.h>

#include "cli/output.h"

#define TAB_COLUMNS 8

struct place {
    int row; /* below the first one */
    int column;
};

/* Moves over the character at @p text as a terminal does. @return its bytes. */
static size_t move_over(struct place *at, const char *text, size_t len, int columns)
{
    mbstate_t state = {0};
    wchar_t c;
    size_t n = mbrtowc(&c, text, len, &state);
    int width = 1; /* what is shown in place of other bytes */
    if (n == 0 || n > len) {
        n = 1;
    } else if (c == L'\n') {
        *at = (struct place){at->row + 1, 0};
        return n;
    } else if (c == L'\t') {
        at->column = (at->column / TAB_COLUMNS + 1) * TAB_COLUMNS;
        if (at->column >= columns) at->column = columns - 1;
        return n;
    } else if (wcwidth(c) >= 0) {
        width = wcwidth(c);
    }
    if (at->column + width > columns) *at = (struct place){at->row + 1, 0};
    at->column += width;
    return n;
}

void dim_text_begin(struct dim_text *dim, int columns)
{
    dim->columns = columns;
    dim->column = 0;
    dim->n_rows = 0;
    dim->shown.len = 0;
}

void dim_text_forget(struct dim_text *dim)
{
    dim->column = -1;
    dim->shown.len = 0;
}

void dim_text_deinit(struct dim_text *dim)
{
    buf_deinit(&dim->shown);
}

void dim_text_pass(struct dim_text *dim, const char *text, size_t len)
{
    struct place at = {.column = dim->column};
    if (dim->column < 0) return;
    for (size_t i = 0; i < len;) i += move_over(&at, text + i, len - i, dim->columns);
    dim->column = at.column;
}

/* Bytes that fit; they do not end in the last column, from which no movement leads back. */
static size_t fit(const struct dim_text *dim, const char *text, size_t len, int rows_max,
                  int *ret_rows)
{
    struct place at = {.column = dim->column};
    size_t n_fit = 0;
    *ret_rows = 0;
    for (size_t i = 0; i < len;) {
        i += move_over(&at, text + i, len - i, dim->columns);
        if (at.row > rows_max) break;
        if (at.column == dim->columns) continue;
        n_fit = i;
        *ret_rows = at.row;
    }
    return n_fit;
}

static int go_back(const struct dim_text *dim)
{
    if (dim->n_rows) TRY(output_printf("\x1b[%dA", dim->n_rows));
    return output_printf("\x1b[%dG", dim->column + 1);
}

int dim_text_hide(struct dim_text *dim)
{
    if (dim->shown.len == 0) return 0;
    dim->shown.len = 0;
    TRY(output_printf("\x1b[K"));
    for (int i = 0; i < dim->n_rows; i++) TRY(output_printf("\x1b[B\x1b[2K"));
    return go_back(dim);
}

int dim_text_show(struct dim_text *dim, const char *text, size_t len, int rows_max)
{
    int n_rows = 0;
    if (dim->column < 0 || dim->column >= dim->columns) return 0;
    const size_t n = fit(dim, text, len, rows_max, &n_rows);
    if (n == dim->shown.len && (n == 0 || memcmp(text, dim->shown.data, n) == 0)) return 0;
    TRY(dim_text_hide(dim));
    if (n == 0) return 0;
    TRY(buf_append(&dim->shown, text, n));
    dim->n_rows = n_rows;
    TRY(output_printf("\x1b[2m"));
    TRY(output_safe_lines(text, n));
    TRY(output_printf("\x1b[0m"));
    return go_back(dim);
}
