/* SPDX-License-Identifier: MIT */
/*
 * Text under construction in an arena. While it is the newest block it grows in place, else it
 * moves to a block of twice the size; nothing has to be freed when a step in between fails.
 */
#ifndef NMOS_TOKENIZER_JINJA_OUT_H
#define NMOS_TOKENIZER_JINJA_OUT_H

#include "base/str.h"
#include "tokenizer/jinja_arena.h"

struct jinja_out {
    struct jinja_arena *arena;
    char *data;
    size_t len;
    size_t cap;
};

/** Appends bytes. @return 0, NMOS_E_NOMEM or NMOS_E_LIMIT. */
int jinja_out_add(struct jinja_out *out, struct str text) NMOS_MUST_CHECK;

/** Appends one character, as UTF-8. */
int jinja_out_cp(struct jinja_out *out, uint32_t cp) NMOS_MUST_CHECK;

/** Appends @p n times the character @p c. */
int jinja_out_fill(struct jinja_out *out, char c, size_t n) NMOS_MUST_CHECK;

/** Appends formatted text of at most 400 bytes. */
int jinja_out_printf(struct jinja_out *out, const char *fmt, ...) NMOS_PRINTF(2, 3) NMOS_MUST_CHECK;

/** Appends a float as Python's repr() writes it: the shortest digits that read back the same. */
int jinja_out_float(struct jinja_out *out, double real) NMOS_MUST_CHECK;

/** What was built so far: a view, valid until more is appended. */
static inline struct str jinja_out_text(const struct jinja_out *out)
{
    return (struct str){out->data ? out->data : "", out->len};
}

#endif
