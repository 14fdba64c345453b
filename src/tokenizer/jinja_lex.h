/* SPDX-License-Identifier: MIT */
/*
 * Template text to tokens, with the white space rules that model templates are written for:
 * trim_blocks and lstrip_blocks on, "-" and "+" signs obeyed, comments and raw blocks resolved, the
 * last newline dropped.
 *
 * Source: the behaviour of Jinja2 3.1's lexer.
 */
#ifndef NMOS_TOKENIZER_JINJA_LEX_H
#define NMOS_TOKENIZER_JINJA_LEX_H

#include "tokenizer/jinja_value.h"

#define JINJA_NEST_MAX 128 /* open brackets, and open blocks plus parentheses, at any point */

enum jinja_token_type {
    JINJA_TOKEN_EOF,
    JINJA_TOKEN_DATA,        /* text outside of tags */
    JINJA_TOKEN_BLOCK_BEGIN, /* {% */
    JINJA_TOKEN_BLOCK_END,
    JINJA_TOKEN_VAR_BEGIN, /* {{ */
    JINJA_TOKEN_VAR_END,
    JINJA_TOKEN_NAME,
    JINJA_TOKEN_STRING, /* text: unescaped */
    JINJA_TOKEN_INTEGER,
    JINJA_TOKEN_FLOAT,
    JINJA_TOKEN_OP, /* op: its one or two characters */
};

struct jinja_token {
    enum jinja_token_type type;
    uint32_t line;   /* from 1 */
    char op[3];      /* operators: "+", "//" */
    struct str text; /* data, name, string, number as written */
    int64_t integer; /* JINJA_TOKEN_INTEGER */
    double real;     /* JINJA_TOKEN_FLOAT */
};

struct jinja_lexer {
    struct jinja_arena *arena; /* holds unescaped strings */
    struct str source;         /* newlines normalised, last one dropped */
    size_t pos;
    uint32_t line;
    enum jinja_token_type inside; /* _DATA, or _BLOCK_BEGIN / _VAR_BEGIN while in such a tag */
    int is_line_start;            /* the last tag ended with a newline */
    int has_begin; /* the tag behind the data token given last is still to be given */
    int n_brackets;
    char brackets[JINJA_NEST_MAX]; /* closing brackets awaited */
};

/** Starts on a copy of @p text made in @p arena. @return 0, NMOS_E_NOMEM, or NMOS_E_CORRUPT if not
 * UTF-8. */
int jinja_lexer_init(struct jinja_lexer *lexer, struct jinja_arena *arena,
                     struct str text) NMOS_MUST_CHECK;

/** The next token. @return 0, NMOS_E_CORRUPT with the line of what cannot be read, NMOS_E_LIMIT or
 * _NOMEM. */
int jinja_lexer_next(struct jinja_lexer *lexer, struct jinja_token *ret_token) NMOS_MUST_CHECK;

#endif
