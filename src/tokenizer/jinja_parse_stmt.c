/* SPDX-License-Identifier: MIT */
/*
 * Statements and the token window. A table says which tags exist and how each is read; what Jinja2
 * has beyond them (inheritance, imports) is refused by name.
 */
#include "tokenizer/jinja_parse_internal.h"

struct jinja_node *jinja_node_new(struct jinja_parser *p, enum jinja_node_kind kind)
{
    struct jinja_node *node = jinja_arena_alloc(p->arena, sizeof(*node));
    if (!node) return NULL;
    node->kind = (uint8_t)kind;
    node->line = p->now.line;
    return node;
}

void jinja_list_add(struct jinja_list *list, struct jinja_node *node)
{
    if (!list->first) list->end = &list->first;
    *list->end = node;
    list->end = &node->next;
}

int jinja_advance(struct jinja_parser *p)
{
    if (!p->has_ahead) return jinja_lexer_next(&p->lexer, &p->now);
    p->now = p->ahead;
    p->has_ahead = 0;
    return 0;
}

int jinja_look(struct jinja_parser *p)
{
    if (p->has_ahead) return 0;
    TRY(jinja_lexer_next(&p->lexer, &p->ahead));
    p->has_ahead = 1;
    return 0;
}

int jinja_at_op(const struct jinja_parser *p, const char *op)
{
    return p->now.type == JINJA_TOKEN_OP && strcmp(p->now.op, op) == 0;
}

int jinja_at_name(const struct jinja_parser *p, const char *name)
{
    return p->now.type == JINJA_TOKEN_NAME && str_equal(p->now.text, str_from(name));
}

int jinja_skip_op(struct jinja_parser *p, const char *op, int *ret_found)
{
    *ret_found = jinja_at_op(p, op);
    return *ret_found ? jinja_advance(p) : 0;
}

int jinja_skip_name(struct jinja_parser *p, const char *name, int *ret_found)
{
    *ret_found = jinja_at_name(p, name);
    return *ret_found ? jinja_advance(p) : 0;
}

int jinja_expected(const struct jinja_parser *p, const char *what)
{
    static const char *const names[] = {
        [JINJA_TOKEN_EOF] = "the end of the template",
        [JINJA_TOKEN_DATA] = "text",
        [JINJA_TOKEN_BLOCK_BEGIN] = "{%",
        [JINJA_TOKEN_BLOCK_END] = "%}",
        [JINJA_TOKEN_VAR_BEGIN] = "{{",
        [JINJA_TOKEN_VAR_END] = "}}",
        [JINJA_TOKEN_STRING] = "a string",
        [JINJA_TOKEN_INTEGER] = "an integer",
        [JINJA_TOKEN_FLOAT] = "a number",
    };
    struct str got = p->now.text;
    if (p->now.type == JINJA_TOKEN_OP) {
        got = str_from(p->now.op);
    } else if (p->now.type != JINJA_TOKEN_NAME) {
        got = str_from(names[p->now.type]);
    }
    return FAIL(NMOS_E_CORRUPT, "chat template, line %u: expected %s, got '%.*s'", p->now.line,
                what, STR_ARG(got));
}

int jinja_expect_op(struct jinja_parser *p, const char *op)
{
    if (!jinja_at_op(p, op)) {
        char what[8] = {'\'', op[0], '\'', '\0'};
        return jinja_expected(p, what);
    }
    return jinja_advance(p);
}

int jinja_expect_name(struct jinja_parser *p, const char *name)
{
    return jinja_at_name(p, name) ? jinja_advance(p) : jinja_expected(p, name);
}

int jinja_expect(struct jinja_parser *p, enum jinja_token_type type)
{
    if (p->now.type == type) return jinja_advance(p);
    return jinja_expected(p, type == JINJA_TOKEN_BLOCK_END ? "%}" : "}}");
}

int jinja_take_name(struct jinja_parser *p, struct str *ret_name)
{
    if (p->now.type != JINJA_TOKEN_NAME) return jinja_expected(p, "a name");
    *ret_name = p->now.text;
    return jinja_advance(p);
}

int jinja_enter(struct jinja_parser *p)
{
    if (++p->depth <= JINJA_NEST_MAX) return 0;
    return FAIL(NMOS_E_LIMIT, "chat template, line %u: nested more than %d deep", p->now.line,
                JINJA_NEST_MAX);
}

void jinja_leave(struct jinja_parser *p)
{
    p->depth--;
}

static int parse_body(struct jinja_parser *p, const char *const *ends, struct jinja_node **ret);

/* The body of a tag whose own "%}" is due: statements up to one of the tags `ends`, whose name is
   then under the cursor. */
static int parse_block(struct jinja_parser *p, const char *const *ends, struct jinja_node **ret)
{
    int found = 0;
    TRY(jinja_skip_op(p, ":", &found));
    TRY(jinja_expect(p, JINJA_TOKEN_BLOCK_END));
    return parse_body(p, ends, ret);
}

/* As parse_block() with one possible end, which is passed. */
static int parse_block_to(struct jinja_parser *p, const char *end, struct jinja_node **ret)
{
    const char *const ends[] = {end, NULL};
    TRY(parse_block(p, ends, ret));
    return jinja_expect_name(p, end);
}

static int parse_if(struct jinja_parser *p, struct jinja_node *node)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    for (;;) {
        TRY(jinja_parse_tuple(p, 0, NULL, &node->a));
        TRY(parse_block(p, ends, &node->b));
        if (!jinja_at_name(p, "elif")) break;
        node->c = jinja_node_new(p, NODE_IF);
        if (!node->c) return NMOS_E_NOMEM;
        TRY(jinja_advance(p));
        node = node->c;
    }
    if (!jinja_at_name(p, "else")) return jinja_expect_name(p, "endif");
    TRY(jinja_advance(p));
    return parse_block_to(p, "endif", &node->c);
}

static int parse_for(struct jinja_parser *p, struct jinja_node *node)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    int found = 0;
    TRY(jinja_parse_target(p, 0, &node->a));
    TRY(jinja_expect_name(p, "in"));
    TRY(jinja_parse_tuple(p, 0, "recursive", &node->b));
    TRY(jinja_skip_name(p, "if", &found));
    if (found) TRY(jinja_parse_expr(p, 1, &node->c));
    TRY(jinja_skip_name(p, "recursive", &found));
    if (found) node->flags |= JINJA_IS_RECURSIVE;
    p->loops++;
    TRY(parse_block(p, ends, &node->d));
    p->loops--;
    if (!jinja_at_name(p, "else")) return jinja_expect_name(p, "endfor");
    TRY(jinja_advance(p));
    return parse_block_to(p, "endfor", &node->e);
}

static int parse_set(struct jinja_parser *p, struct jinja_node *node)
{
    int has_value = 0;
    TRY(jinja_parse_target(p, 1, &node->a));
    TRY(jinja_skip_op(p, "=", &has_value));
    if (has_value) return jinja_parse_tuple(p, 1, NULL, &node->b);
    node->kind = NODE_SET_BLOCK;
    TRY(jinja_parse_filter(p, 0, &node->b));
    return parse_block_to(p, "endset", &node->d);
}

/* (a, b=1): parameters as a list of NODE_ARG. */
static int parse_signature(struct jinja_parser *p, struct jinja_node **ret)
{
    struct jinja_list params = {0};
    int more = 1;
    int n = 0;
    int has_default = 0;
    TRY(jinja_expect_op(p, "("));
    while (more && !jinja_at_op(p, ")")) {
        struct jinja_node *param = jinja_node_new(p, NODE_ARG);
        if (!param) return NMOS_E_NOMEM;
        TRY(jinja_take_name(p, &param->text));
        int found = 0;
        TRY(jinja_skip_op(p, "=", &found));
        if (found) {
            has_default = 1;
            TRY(jinja_parse_expr(p, 1, &param->a));
        } else if (has_default) {
            return jinja_expected(p, "a default for a parameter behind one with a default");
        }
        if (++n > JINJA_ARGS_MAX) {
            return FAIL(NMOS_E_LIMIT, "chat template, line %u: a macro has more than %d parameters",
                        p->now.line, JINJA_ARGS_MAX);
        }
        jinja_list_add(&params, param);
        TRY(jinja_skip_op(p, ",", &more));
    }
    *ret = params.first;
    return jinja_expect_op(p, ")");
}

/* The body of a macro or call block: loops outside do not count for break, and the special names it
   uses are its own (and, for enclosing macros, theirs too). */
static int parse_macro_body(struct jinja_parser *p, const char *end, struct jinja_node *node)
{
    const int loops = p->loops;
    const unsigned uses = p->uses;
    p->loops = 0;
    p->uses = 0;
    TRY(parse_block_to(p, end, &node->d));
    node->flags |= (uint8_t)p->uses;
    p->loops = loops;
    p->uses |= uses;
    return 0;
}

static int parse_macro(struct jinja_parser *p, struct jinja_node *node)
{
    TRY(jinja_take_name(p, &node->text));
    TRY(parse_signature(p, &node->a));
    return parse_macro_body(p, "endmacro", node);
}

static int parse_call_block(struct jinja_parser *p, struct jinja_node *node)
{
    if (jinja_at_op(p, "(")) TRY(parse_signature(p, &node->a));
    TRY(jinja_parse_expr(p, 1, &node->b));
    if (node->b->kind != NODE_CALL) return jinja_expected(p, "a call of a macro before this");
    return parse_macro_body(p, "endcall", node);
}

static int parse_filter_block(struct jinja_parser *p, struct jinja_node *node)
{
    TRY(jinja_parse_filter(p, 1, &node->b));
    return parse_block_to(p, "endfilter", &node->d);
}

static int parse_with(struct jinja_parser *p, struct jinja_node *node)
{
    struct jinja_list pairs = {0};
    int more = 1;
    while (more && p->now.type != JINJA_TOKEN_BLOCK_END) {
        struct jinja_node *target = jinja_node_new(p, NODE_NAME);
        struct jinja_node *value = NULL;
        if (!target) return NMOS_E_NOMEM;
        TRY(jinja_take_name(p, &target->text));
        TRY(jinja_expect_op(p, "="));
        TRY(jinja_parse_expr(p, 1, &value));
        jinja_list_add(&pairs, target);
        jinja_list_add(&pairs, value);
        TRY(jinja_skip_op(p, ",", &more));
    }
    node->a = pairs.first;
    return parse_block_to(p, "endwith", &node->d);
}

/* {% block name %}: without inheritance, its body with variables of its own. */
static int parse_named_block(struct jinja_parser *p, struct jinja_node *node)
{
    struct str name = {0};
    int found = 0;
    TRY(jinja_take_name(p, &name));
    TRY(jinja_skip_name(p, "scoped", &found));
    TRY(parse_block_to(p, "endblock", &node->d));
    if (p->now.type == JINJA_TOKEN_NAME && str_equal(p->now.text, name)) return jinja_advance(p);
    return 0;
}

/* {% generation %} marks the assistant's part for training; the text inside is ordinary. */
static int parse_generation(struct jinja_parser *p, struct jinja_node *node)
{
    return parse_block_to(p, "endgeneration", &node->d);
}

static int parse_print(struct jinja_parser *p, struct jinja_node *node)
{
    return jinja_parse_expr(p, 1, &node->a);
}

static int parse_jump(struct jinja_parser *p, struct jinja_node *node)
{
    if (p->loops > 0) return 0;
    return FAIL(NMOS_E_CORRUPT, "chat template, line %u: '%s' stands outside of a loop", node->line,
                node->kind == NODE_BREAK ? "break" : "continue");
}

static const struct tag {
    const char *name;
    enum jinja_node_kind kind;
    int (*parse)(struct jinja_parser *p, struct jinja_node *node); /* NULL: not supported */
} tags[] = {
    {"if", NODE_IF, parse_if},
    {"for", NODE_FOR, parse_for},
    {"set", NODE_SET, parse_set},
    {"macro", NODE_MACRO, parse_macro},
    {"call", NODE_CALL_BLOCK, parse_call_block},
    {"filter", NODE_FILTER_BLOCK, parse_filter_block},
    {"with", NODE_WITH, parse_with},
    {"block", NODE_SCOPE, parse_named_block},
    {"generation", NODE_SCOPE, parse_generation},
    {"print", NODE_OUTPUT, parse_print},
    {"break", NODE_BREAK, parse_jump},
    {"continue", NODE_CONTINUE, parse_jump},
    {"include", NODE_TEXT, NULL},
    {"import", NODE_TEXT, NULL},
    {"from", NODE_TEXT, NULL},
    {"extends", NODE_TEXT, NULL},
    {"autoescape", NODE_TEXT, NULL},
    {"do", NODE_TEXT, NULL},
    {"trans", NODE_TEXT, NULL},
    {"debug", NODE_TEXT, NULL},
};

static int parse_statement(struct jinja_parser *p, struct jinja_node **ret)
{
    if (p->now.type != JINJA_TOKEN_NAME) return jinja_expected(p, "the name of a tag");
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (!jinja_at_name(p, tags[i].name)) continue;
        if (!tags[i].parse) {
            return FAIL(NMOS_E_UNSUPPORTED,
                        "chat template, line %u: the tag '%s' is not supported; give another "
                        "template with --chat-template FILE",
                        p->now.line, tags[i].name);
        }
        *ret = jinja_node_new(p, tags[i].kind);
        if (!*ret) return NMOS_E_NOMEM;
        TRY(jinja_advance(p));
        TRY(tags[i].parse(p, *ret));
        return jinja_expect(p, JINJA_TOKEN_BLOCK_END);
    }
    return FAIL(NMOS_E_CORRUPT,
                "chat template, line %u: unknown or unexpected tag '%.*s' (--chat-template FILE "
                "gives another template)",
                p->now.line, STR_ARG(p->now.text));
}

static int is_end_tag(const struct jinja_parser *p, const char *const *ends)
{
    for (; ends && *ends; ends++) {
        if (jinja_at_name(p, *ends)) return 1;
    }
    return 0;
}

/* One step of a body: text, {{ output }} or a tag. ret_end: an end tag was reached. */
static int parse_piece(struct jinja_parser *p, const char *const *ends, struct jinja_list *body,
                       int *ret_end)
{
    struct jinja_node *node = NULL;
    *ret_end = 0;
    if (p->now.type == JINJA_TOKEN_DATA) {
        if (p->now.text.len) {
            node = jinja_node_new(p, NODE_TEXT);
            if (!node) return NMOS_E_NOMEM;
            node->text = p->now.text;
            jinja_list_add(body, node);
        }
        return jinja_advance(p);
    }
    if (p->now.type == JINJA_TOKEN_VAR_BEGIN) {
        node = jinja_node_new(p, NODE_OUTPUT);
        if (!node) return NMOS_E_NOMEM;
        TRY(jinja_advance(p));
        TRY(jinja_parse_tuple(p, 1, NULL, &node->a));
        jinja_list_add(body, node);
        return jinja_expect(p, JINJA_TOKEN_VAR_END);
    }
    TRY(jinja_advance(p)); /* {% */
    *ret_end = is_end_tag(p, ends);
    if (*ret_end) return 0;
    TRY(parse_statement(p, &node));
    jinja_list_add(body, node);
    return 0;
}

static int parse_body(struct jinja_parser *p, const char *const *ends, struct jinja_node **ret)
{
    struct jinja_list body = {0};
    int is_end = 0;
    TRY(jinja_enter(p));
    while (!is_end && p->now.type != JINJA_TOKEN_EOF) TRY(parse_piece(p, ends, &body, &is_end));
    if (ends && !is_end) return jinja_expected(p, ends[0]);
    jinja_leave(p);
    *ret = body.first;
    return 0;
}

int jinja_parse(struct jinja_arena *arena, struct str text, struct jinja_node **ret_body)
{
    if (text.len > JINJA_TEMPLATE_BYTES_MAX) {
        return FAIL(NMOS_E_LIMIT, "the chat template has %zu bytes, more than the limit of %zu",
                    text.len, JINJA_TEMPLATE_BYTES_MAX);
    }
    struct jinja_parser parser = {.arena = arena};
    TRY(jinja_lexer_init(&parser.lexer, arena, text));
    TRY(jinja_advance(&parser));
    return parse_body(&parser, NULL, ret_body);
}
