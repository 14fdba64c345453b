/* SPDX-License-Identifier: MIT */
/* What the two halves of the parser share: the token window, the nodes, and the depth limit. */
#ifndef NMOS_TOKENIZER_JINJA_PARSE_INTERNAL_H
#define NMOS_TOKENIZER_JINJA_PARSE_INTERNAL_H

#include "tokenizer/jinja_lex.h"
#include "tokenizer/jinja_parse.h"

struct jinja_parser {
    struct jinja_arena *arena;
    struct jinja_lexer lexer;
    struct jinja_token now;   /* the token under the cursor */
    struct jinja_token ahead; /* the one behind it, if has_ahead */
    int has_ahead;
    int depth;     /* open blocks, brackets and prefix operators */
    int loops;     /* open for loops of the current macro body */
    unsigned uses; /* JINJA_USES_ of the current macro body */
};

/** A list under construction. */
struct jinja_list {
    struct jinja_node *first;
    struct jinja_node **end; /* where the next node is linked; set by jinja_list_add() */
};

void jinja_list_add(struct jinja_list *list, struct jinja_node *node);

/** A node at the line of the token under the cursor; NULL when the arena is exhausted. */
struct jinja_node *jinja_node_new(struct jinja_parser *p,
                                  enum jinja_node_kind kind) NMOS_MUST_CHECK;

/** Moves to the next token. */
int jinja_advance(struct jinja_parser *p) NMOS_MUST_CHECK;

/** Makes p->ahead valid. */
int jinja_look(struct jinja_parser *p) NMOS_MUST_CHECK;

int jinja_at_op(const struct jinja_parser *p, const char *op);
int jinja_at_name(const struct jinja_parser *p, const char *name);

/** Passes the operator if it is there: ret_found. */
int jinja_skip_op(struct jinja_parser *p, const char *op, int *ret_found) NMOS_MUST_CHECK;
int jinja_skip_name(struct jinja_parser *p, const char *name, int *ret_found) NMOS_MUST_CHECK;

/** Passes what must be there, or fails naming what stands there. */
int jinja_expect_op(struct jinja_parser *p, const char *op) NMOS_MUST_CHECK;
int jinja_expect_name(struct jinja_parser *p, const char *name) NMOS_MUST_CHECK;
int jinja_expect(struct jinja_parser *p, enum jinja_token_type type) NMOS_MUST_CHECK;

/** Takes a name: ret_name is a view on the template. */
int jinja_take_name(struct jinja_parser *p, struct str *ret_name) NMOS_MUST_CHECK;

/** Fails with "expected WHAT, got TOKEN". */
int jinja_expected(const struct jinja_parser *p, const char *what) NMOS_MUST_CHECK;

/** Counts one more level of nesting against JINJA_NEST_MAX; jinja_leave() undoes it. */
int jinja_enter(struct jinja_parser *p) NMOS_MUST_CHECK;
void jinja_leave(struct jinja_parser *p);

/** An expression; may_cond 0 leaves an `if` behind it alone. */
int jinja_parse_expr(struct jinja_parser *p, int may_cond, struct jinja_node **ret) NMOS_MUST_CHECK;

/** An expression or, with commas, a tuple. end_name: a name that ends it ("recursive") or NULL. */
int jinja_parse_tuple(struct jinja_parser *p, int may_cond, const char *end_name,
                      struct jinja_node **ret) NMOS_MUST_CHECK;

/** Names to assign to: a name, a tuple of such, with may_ns also `ns.attribute`. */
int jinja_parse_target(struct jinja_parser *p, int may_ns, struct jinja_node **ret) NMOS_MUST_CHECK;

/** `name(args) | name ...` behind a filter's bar or `filter`: wraps *node (NULL: the body of a
 * block). */
int jinja_parse_filter(struct jinja_parser *p, int is_inline,
                       struct jinja_node **node) NMOS_MUST_CHECK;

#endif
