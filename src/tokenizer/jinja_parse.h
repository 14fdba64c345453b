/* SPDX-License-Identifier: MIT */
/*
 * Template text to a tree. The tree is immutable and lies in the arena of its template, so that any
 * number of renderings can walk it at once.
 *
 * Source: the grammar of Jinja2 3.1 with the loop control extension, as its parser accepts it,
 * without inheritance and imports: a template is one text here.
 */
#ifndef NMOS_TOKENIZER_JINJA_PARSE_H
#define NMOS_TOKENIZER_JINJA_PARSE_H

#include "tokenizer/jinja_value.h"

#define JINJA_TEMPLATE_BYTES_MAX                                                                   \
    ((size_t)1 << 20)      /* published templates have at most some 30 KB                          \
                            */
#define JINJA_ARGS_MAX 250 /* arguments of one call */

enum jinja_node_kind {
    /* expressions */
    NODE_CONST,   /* value */
    NODE_NAME,    /* text */
    NODE_LIST,    /* a: items, linked by next */
    NODE_TUPLE,   /* a: items */
    NODE_DICT,    /* a: key, its next: value, its next: the next key */
    NODE_ATTR,    /* a . text */
    NODE_ITEM,    /* a [ b ] */
    NODE_SLICE,   /* a : b : c, each may be NULL; only as b of NODE_ITEM */
    NODE_CALL,    /* a ( b: arguments ) */
    NODE_FILTER,  /* a | text ( b ); a NULL stands for the body of a block */
    NODE_TEST,    /* a is text ( b ) */
    NODE_NOT,     /* not a */
    NODE_NEG,     /* -a */
    NODE_POS,     /* +a */
    NODE_BINARY,  /* a op b */
    NODE_AND,     /* a and b */
    NODE_OR,      /* a or b */
    NODE_COMPARE, /* a, then b: list of NODE_OPERAND */
    NODE_OPERAND, /* op a */
    NODE_CONCAT,  /* a: parts of ~ */
    NODE_COND,    /* b if a else c; c may be NULL */
    NODE_ARG,     /* argument a; text: keyword or empty; op: 0, '*' or 'P' for ** */
    NODE_NSREF,   /* text . value: target of set */
    /* statements */
    NODE_TEXT,         /* text */
    NODE_OUTPUT,       /* a */
    NODE_IF,           /* a: test, b: body, c: else (a single NODE_IF for elif) */
    NODE_FOR,          /* a: target, b: iterable, c: filter or NULL, d: body, e: else */
    NODE_SET,          /* a: target, b: value */
    NODE_SET_BLOCK,    /* a: target, b: filters or NULL, d: body */
    NODE_MACRO,        /* text, a: parameters as NODE_ARG (a: default), d: body */
    NODE_CALL_BLOCK,   /* a: parameters, b: NODE_CALL, d: body */
    NODE_FILTER_BLOCK, /* b: filters, d: body */
    NODE_WITH,         /* a: targets and values in turn, d: body */
    NODE_SCOPE,        /* d: body with variables of its own (block, generation) */
    NODE_BREAK,
    NODE_CONTINUE,
};

/** Operators of NODE_BINARY and NODE_OPERAND. */
enum jinja_op {
    JINJA_OP_ADD,
    JINJA_OP_SUB,
    JINJA_OP_MUL,
    JINJA_OP_DIV,
    JINJA_OP_FLOORDIV,
    JINJA_OP_MOD,
    JINJA_OP_POW,
    JINJA_OP_EQ,
    JINJA_OP_NE,
    JINJA_OP_LT,
    JINJA_OP_LE,
    JINJA_OP_GT,
    JINJA_OP_GE,
    JINJA_OP_IN,
    JINJA_OP_NOT_IN,
};

/* Names that a macro gets only if its body asks for them (flags of NODE_MACRO and NODE_CALL_BLOCK).
 */
#define JINJA_USES_CALLER  1U
#define JINJA_USES_KWARGS  2U
#define JINJA_USES_VARARGS 4U
#define JINJA_IS_RECURSIVE 8U /* NODE_FOR */

struct jinja_node {
    uint8_t kind; /* enum jinja_node_kind */
    uint8_t op;   /* enum jinja_op */
    uint8_t flags;
    uint32_t line;           /* from 1 */
    struct jinja_node *next; /* the following one in a list */
    struct jinja_node *a, *b, *c, *d, *e;
    struct str text;
    struct jinja_value value;
};

/**
 * Parses @p text (any bytes) into @p arena, which must outlive the tree; the text itself may go.
 * @param ret_body first statement, NULL for an empty template.
 * @return 0; NMOS_E_CORRUPT for a syntax error, NMOS_E_UNSUPPORTED for a construct that is valid
 * elsewhere, NMOS_E_LIMIT, NMOS_E_NOMEM; the message names the line.
 */
int jinja_parse(struct jinja_arena *arena, struct str text,
                struct jinja_node **ret_body) NMOS_MUST_CHECK;

#endif
