/* SPDX-License-Identifier: MIT */
/*
 * Expressions by recursive descent, one loop per level of precedence:
 *
 *   x if y else z < or < and < not < comparisons, in < + - < ~ < * / // % < ** < unary + - < . []
 * () < | is
 *
 * Where Jinja2 departs from Python, Jinja2 wins: ** associates to the left, ~ binds tighter than +,
 * and a filter applies to the whole signed number (-1|abs is 1).
 */
#include "tokenizer/jinja_parse_internal.h"

enum level {
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARE,
    LEVEL_SUM,
    LEVEL_CONCAT,
    LEVEL_TERM,
    LEVEL_POW
};

struct binary_op {
    char text[3];
    uint8_t op; /* enum jinja_op */
};

static const struct binary_op sum_ops[] = {{"+", JINJA_OP_ADD}, {"-", JINJA_OP_SUB}, {"", 0}};
static const struct binary_op term_ops[] = {{"*", JINJA_OP_MUL},
                                            {"/", JINJA_OP_DIV},
                                            {"//", JINJA_OP_FLOORDIV},
                                            {"%", JINJA_OP_MOD},
                                            {"", 0}};
static const struct binary_op pow_ops[] = {{"**", JINJA_OP_POW}, {"", 0}};
static const struct binary_op compare_ops[] = {{"==", JINJA_OP_EQ},
                                               {"!=", JINJA_OP_NE},
                                               {"<", JINJA_OP_LT},
                                               {"<=", JINJA_OP_LE},
                                               {">", JINJA_OP_GT},
                                               {">=", JINJA_OP_GE},
                                               {"", 0}};

static int parse_level(struct jinja_parser *p, enum level level, struct jinja_node **ret);
static int parse_unary(struct jinja_parser *p, int may_filter, struct jinja_node **ret);

static const struct binary_op *find_op(const struct jinja_parser *p, const struct binary_op *ops)
{
    for (; ops->text[0]; ops++) {
        if (jinja_at_op(p, ops->text)) return ops;
    }
    return NULL;
}

static int make(struct jinja_parser *p, enum jinja_node_kind kind, struct jinja_node *a,
                struct jinja_node *b, struct jinja_node **ret)
{
    struct jinja_node *node = jinja_node_new(p, kind);
    if (!node) return NMOS_E_NOMEM;
    node->a = a;
    node->b = b;
    *ret = node;
    return 0;
}

/* a op b op c, from the left. */
static int parse_binary(struct jinja_parser *p, const struct binary_op *ops, enum level below,
                        struct jinja_node **ret)
{
    struct jinja_node *left = NULL;
    TRY(parse_level(p, below, &left));
    const struct binary_op *op = NULL;
    while ((op = find_op(p, ops))) {
        struct jinja_node *node = NULL;
        TRY(make(p, NODE_BINARY, left, NULL, &node));
        node->op = op->op;
        TRY(jinja_advance(p));
        TRY(parse_level(p, below, &node->b));
        left = node;
    }
    *ret = left;
    return 0;
}

static int parse_logical(struct jinja_parser *p, const char *word, enum jinja_node_kind kind,
                         enum level below, struct jinja_node **ret)
{
    struct jinja_node *left = NULL;
    TRY(parse_level(p, below, &left));
    while (jinja_at_name(p, word)) {
        struct jinja_node *node = NULL;
        TRY(make(p, kind, left, NULL, &node));
        TRY(jinja_advance(p));
        TRY(parse_level(p, below, &node->b));
        left = node;
    }
    *ret = left;
    return 0;
}

static int parse_not(struct jinja_parser *p, struct jinja_node **ret)
{
    if (!jinja_at_name(p, "not")) return parse_level(p, LEVEL_COMPARE, ret);
    TRY(jinja_enter(p));
    struct jinja_node *node = NULL;
    TRY(make(p, NODE_NOT, NULL, NULL, &node));
    TRY(jinja_advance(p));
    TRY(parse_not(p, &node->a));
    jinja_leave(p);
    *ret = node;
    return 0;
}

/* Passes a comparison operator: ret_op, or -1 when none is there. */
static int take_compare_op(struct jinja_parser *p, int *ret_op)
{
    const struct binary_op *op = find_op(p, compare_ops);
    *ret_op = op ? op->op : -1;
    if (op) return jinja_advance(p);
    if (jinja_at_name(p, "in")) {
        *ret_op = JINJA_OP_IN;
        return jinja_advance(p);
    }
    if (!jinja_at_name(p, "not")) return 0;
    TRY(jinja_look(p));
    if (p->ahead.type != JINJA_TOKEN_NAME || !str_equal(p->ahead.text, STR_LIT("in"))) return 0;
    *ret_op = JINJA_OP_NOT_IN;
    TRY(jinja_advance(p));
    return jinja_advance(p);
}

static int parse_compare(struct jinja_parser *p, struct jinja_node **ret)
{
    struct jinja_node *first = NULL;
    TRY(parse_level(p, LEVEL_SUM, &first));
    struct jinja_list operands = {0};
    for (;;) {
        int op = -1;
        TRY(take_compare_op(p, &op));
        if (op < 0) break;
        struct jinja_node *operand = NULL;
        TRY(make(p, NODE_OPERAND, NULL, NULL, &operand));
        operand->op = (uint8_t)op;
        TRY(parse_level(p, LEVEL_SUM, &operand->a));
        jinja_list_add(&operands, operand);
    }
    *ret = first;
    return operands.first ? make(p, NODE_COMPARE, first, operands.first, ret) : 0;
}

static int parse_concat(struct jinja_parser *p, struct jinja_node **ret)
{
    struct jinja_list parts = {0};
    int more = 0;
    do {
        struct jinja_node *part = NULL;
        TRY(parse_level(p, LEVEL_TERM, &part));
        jinja_list_add(&parts, part);
        TRY(jinja_skip_op(p, "~", &more));
    } while (more);
    *ret = parts.first;
    return parts.first->next ? make(p, NODE_CONCAT, parts.first, NULL, ret) : 0;
}

static int parse_level(struct jinja_parser *p, enum level level, struct jinja_node **ret)
{
    switch (level) {
    case LEVEL_OR: return parse_logical(p, "or", NODE_OR, LEVEL_AND, ret);
    case LEVEL_AND: return parse_logical(p, "and", NODE_AND, LEVEL_NOT, ret);
    case LEVEL_NOT: return parse_not(p, ret);
    case LEVEL_COMPARE: return parse_compare(p, ret);
    case LEVEL_SUM: return parse_binary(p, sum_ops, LEVEL_CONCAT, ret);
    case LEVEL_CONCAT: return parse_concat(p, ret);
    case LEVEL_TERM: return parse_binary(p, term_ops, LEVEL_POW, ret);
    case LEVEL_POW: break;
    }
    struct jinja_node *left = NULL;
    TRY(parse_unary(p, 1, &left));
    while (find_op(p, pow_ops)) {
        struct jinja_node *node = NULL;
        TRY(make(p, NODE_BINARY, left, NULL, &node));
        node->op = JINJA_OP_POW;
        TRY(jinja_advance(p));
        TRY(parse_unary(p, 1, &node->b));
        left = node;
    }
    *ret = left;
    return 0;
}

int jinja_parse_expr(struct jinja_parser *p, int may_cond, struct jinja_node **ret)
{
    TRY(jinja_enter(p));
    struct jinja_node *expr = NULL;
    TRY(parse_level(p, LEVEL_OR, &expr));
    while (may_cond && jinja_at_name(p, "if")) {
        struct jinja_node *cond = NULL;
        TRY(make(p, NODE_COND, NULL, expr, &cond));
        TRY(jinja_advance(p));
        TRY(parse_level(p, LEVEL_OR, &cond->a));
        int has_else = 0;
        TRY(jinja_skip_name(p, "else", &has_else));
        if (has_else) TRY(jinja_parse_expr(p, 1, &cond->c));
        expr = cond;
    }
    jinja_leave(p);
    *ret = expr;
    return 0;
}

static int is_tuple_end(const struct jinja_parser *p, const char *end_name)
{
    if (p->now.type == JINJA_TOKEN_VAR_END || p->now.type == JINJA_TOKEN_BLOCK_END) return 1;
    return jinja_at_op(p, ")") || (end_name && jinja_at_name(p, end_name));
}

int jinja_parse_tuple(struct jinja_parser *p, int may_cond, const char *end_name,
                      struct jinja_node **ret)
{
    struct jinja_list items = {0};
    int is_tuple = 0;
    int more = 1;
    while (more && !is_tuple_end(p, end_name)) {
        struct jinja_node *item = NULL;
        TRY(jinja_parse_expr(p, may_cond, &item));
        jinja_list_add(&items, item);
        TRY(jinja_skip_op(p, ",", &more));
        is_tuple |= more;
    }
    *ret = items.first;
    if (is_tuple) return make(p, NODE_TUPLE, items.first, NULL, ret);
    return items.first ? 0 : jinja_expected(p, "an expression");
}

static int parse_parenthesis(struct jinja_parser *p, struct jinja_node **ret)
{
    TRY(jinja_expect_op(p, "("));
    if (jinja_at_op(p, ")")) {
        TRY(make(p, NODE_TUPLE, NULL, NULL, ret));
    } else {
        TRY(jinja_parse_tuple(p, 1, NULL, ret));
    }
    return jinja_expect_op(p, ")");
}

static int parse_list(struct jinja_parser *p, struct jinja_node **ret)
{
    TRY(make(p, NODE_LIST, NULL, NULL, ret));
    TRY(jinja_expect_op(p, "["));
    struct jinja_list items = {0};
    int more = 1;
    while (more && !jinja_at_op(p, "]")) {
        struct jinja_node *item = NULL;
        TRY(jinja_parse_expr(p, 1, &item));
        jinja_list_add(&items, item);
        TRY(jinja_skip_op(p, ",", &more));
    }
    (*ret)->a = items.first;
    return jinja_expect_op(p, "]");
}

static int parse_dict(struct jinja_parser *p, struct jinja_node **ret)
{
    TRY(make(p, NODE_DICT, NULL, NULL, ret));
    TRY(jinja_expect_op(p, "{"));
    struct jinja_list pairs = {0};
    int more = 1;
    while (more && !jinja_at_op(p, "}")) {
        struct jinja_node *key = NULL;
        struct jinja_node *value = NULL;
        TRY(jinja_parse_expr(p, 1, &key));
        TRY(jinja_expect_op(p, ":"));
        TRY(jinja_parse_expr(p, 1, &value));
        jinja_list_add(&pairs, key);
        jinja_list_add(&pairs, value);
        TRY(jinja_skip_op(p, ",", &more));
    }
    (*ret)->a = pairs.first;
    return jinja_expect_op(p, "}");
}

/* 'a' "b": neighbours are one string. */
static int parse_string(struct jinja_parser *p, struct jinja_node *node)
{
    node->value = jinja_str(p->now.text);
    TRY(jinja_advance(p));
    while (p->now.type == JINJA_TOKEN_STRING) {
        const struct str before = jinja_text_of(&node->value);
        char *joined = jinja_arena_text(p->arena, before.len + p->now.text.len);
        if (!joined) return NMOS_E_NOMEM;
        if (before.len) memcpy(joined, before.data, before.len);
        if (p->now.text.len) memcpy(joined + before.len, p->now.text.data, p->now.text.len);
        node->value = jinja_str((struct str){joined, before.len + p->now.text.len});
        TRY(jinja_advance(p));
    }
    return 0;
}

static int parse_name(struct jinja_parser *p, struct jinja_node *node)
{
    static const struct {
        const char *name;
        int is_none;
        int truth;
    } constants[] = {{"true", 0, 1},  {"True", 0, 1}, {"false", 0, 0},
                     {"False", 0, 0}, {"none", 1, 0}, {"None", 1, 0}};
    node->kind = NODE_NAME;
    node->text = p->now.text;
    for (size_t i = 0; i < 6; i++) {
        if (!str_equal(node->text, str_from(constants[i].name))) continue;
        node->kind = NODE_CONST;
        node->value = constants[i].is_none ? jinja_none() : jinja_bool(constants[i].truth);
    }
    if (str_equal(node->text, STR_LIT("caller"))) p->uses |= JINJA_USES_CALLER;
    if (str_equal(node->text, STR_LIT("kwargs"))) p->uses |= JINJA_USES_KWARGS;
    if (str_equal(node->text, STR_LIT("varargs"))) p->uses |= JINJA_USES_VARARGS;
    return jinja_advance(p);
}

static int parse_primary(struct jinja_parser *p, struct jinja_node **ret)
{
    if (jinja_at_op(p, "(")) return parse_parenthesis(p, ret);
    if (jinja_at_op(p, "[")) return parse_list(p, ret);
    if (jinja_at_op(p, "{")) return parse_dict(p, ret);
    TRY(make(p, NODE_CONST, NULL, NULL, ret));
    if (p->now.type == JINJA_TOKEN_NAME) return parse_name(p, *ret);
    if (p->now.type == JINJA_TOKEN_STRING) return parse_string(p, *ret);
    if (p->now.type == JINJA_TOKEN_INTEGER) {
        (*ret)->value = jinja_int(p->now.integer);
        return jinja_advance(p);
    }
    if (p->now.type != JINJA_TOKEN_FLOAT) return jinja_expected(p, "an expression");
    (*ret)->value = jinja_float(p->now.real);
    return jinja_advance(p);
}

/* The rest of a[x:y:z] behind the first colon; the first bound is in ret->a. */
static int parse_slice(struct jinja_parser *p, struct jinja_node *slice)
{
    TRY(jinja_expect_op(p, ":"));
    if (!jinja_at_op(p, ":") && !jinja_at_op(p, "]")) TRY(jinja_parse_expr(p, 1, &slice->b));
    int has_step = 0;
    TRY(jinja_skip_op(p, ":", &has_step));
    if (has_step && !jinja_at_op(p, "]")) TRY(jinja_parse_expr(p, 1, &slice->c));
    return 0;
}

static int parse_subscript(struct jinja_parser *p, struct jinja_node *object,
                           struct jinja_node **ret)
{
    struct jinja_node *node = NULL;
    TRY(make(p, NODE_ITEM, object, NULL, &node));
    TRY(jinja_expect_op(p, "["));
    struct jinja_node *first = NULL;
    if (!jinja_at_op(p, ":")) TRY(jinja_parse_expr(p, 1, &first));
    node->b = first;
    if (jinja_at_op(p, ":")) {
        TRY(make(p, NODE_SLICE, first, NULL, &node->b));
        TRY(parse_slice(p, node->b));
    } else if (jinja_at_op(p, ",")) { /* a[1, 2]: the key is a tuple */
        struct jinja_list items = {0};
        jinja_list_add(&items, first);
        int more = 1;
        TRY(jinja_skip_op(p, ",", &more));
        while (more && !jinja_at_op(p, "]")) {
            struct jinja_node *item = NULL;
            TRY(jinja_parse_expr(p, 1, &item));
            jinja_list_add(&items, item);
            TRY(jinja_skip_op(p, ",", &more));
        }
        TRY(make(p, NODE_TUPLE, first, NULL, &node->b));
    }
    *ret = node;
    return jinja_expect_op(p, "]");
}

static int parse_dot(struct jinja_parser *p, struct jinja_node *object, struct jinja_node **ret)
{
    TRY(jinja_expect_op(p, "."));
    if (p->now.type == JINJA_TOKEN_INTEGER) {
        struct jinja_node *index = NULL;
        TRY(parse_primary(p, &index));
        return make(p, NODE_ITEM, object, index, ret);
    }
    TRY(make(p, NODE_ATTR, object, NULL, ret));
    return jinja_take_name(p, &(*ret)->text);
}

static int parse_arg(struct jinja_parser *p, struct jinja_node *arg)
{
    int found = 0;
    TRY(jinja_skip_op(p, "*", &found));
    if (found) {
        arg->op = '*';
        return jinja_parse_expr(p, 1, &arg->a);
    }
    TRY(jinja_skip_op(p, "**", &found));
    if (found) {
        arg->op = 'P';
        return jinja_parse_expr(p, 1, &arg->a);
    }
    if (p->now.type == JINJA_TOKEN_NAME) {
        TRY(jinja_look(p));
        if (p->ahead.type == JINJA_TOKEN_OP && strcmp(p->ahead.op, "=") == 0) {
            TRY(jinja_take_name(p, &arg->text));
            TRY(jinja_advance(p));
        }
    }
    return jinja_parse_expr(p, 1, &arg->a);
}

/* Arguments stand in the order positional, *, keyword, **; a positional one may not follow the
 * others. */
static int check_arg_order(const struct jinja_node *arg, int *rank)
{
    const int now = arg->op == 'P' ? 3 : arg->text.len ? 2 : arg->op == '*' ? 1 : 0;
    if (now == 0 ? *rank > 0 : *rank == 3) {
        return FAIL(NMOS_E_CORRUPT, "chat template, line %u: invalid order of arguments in a call",
                    arg->line);
    }
    if (now > *rank) *rank = now;
    return 0;
}

static int parse_args(struct jinja_parser *p, struct jinja_node **ret)
{
    struct jinja_list args = {0};
    const uint32_t line = p->now.line;
    int n = 0;
    int rank = 0;
    int more = 1;
    TRY(jinja_expect_op(p, "("));
    while (more && !jinja_at_op(p, ")")) {
        struct jinja_node *arg = NULL;
        TRY(make(p, NODE_ARG, NULL, NULL, &arg));
        TRY(parse_arg(p, arg));
        TRY(check_arg_order(arg, &rank));
        if (++n > JINJA_ARGS_MAX) {
            return FAIL(NMOS_E_LIMIT, "chat template, line %u: a call has more than %d arguments",
                        line, JINJA_ARGS_MAX);
        }
        jinja_list_add(&args, arg);
        TRY(jinja_skip_op(p, ",", &more));
    }
    *ret = args.first;
    return jinja_expect_op(p, ")");
}

static int parse_call(struct jinja_parser *p, struct jinja_node *callee, struct jinja_node **ret)
{
    TRY(make(p, NODE_CALL, callee, NULL, ret));
    return parse_args(p, &(*ret)->b);
}

static int parse_postfix(struct jinja_parser *p, struct jinja_node **node)
{
    for (;;) {
        if (jinja_at_op(p, ".")) {
            TRY(parse_dot(p, *node, node));
        } else if (jinja_at_op(p, "[")) {
            TRY(parse_subscript(p, *node, node));
        } else if (jinja_at_op(p, "(")) {
            TRY(parse_call(p, *node, node));
        } else {
            return 0;
        }
    }
}

/* A dotted name of a filter or test; only the built-in, undotted ones exist. */
static int take_callee_name(struct jinja_parser *p, struct str *ret_name)
{
    TRY(jinja_take_name(p, ret_name));
    if (!jinja_at_op(p, ".")) return 0;
    return jinja_expected(p, "the end of the filter's or test's name");
}

int jinja_parse_filter(struct jinja_parser *p, int is_inline, struct jinja_node **node)
{
    int more = is_inline;
    if (!more) TRY(jinja_skip_op(p, "|", &more));
    while (more) {
        struct jinja_node *filter = NULL;
        TRY(make(p, NODE_FILTER, *node, NULL, &filter));
        TRY(take_callee_name(p, &filter->text));
        if (jinja_at_op(p, "(")) TRY(parse_args(p, &filter->b));
        *node = filter;
        TRY(jinja_skip_op(p, "|", &more));
    }
    return 0;
}

/* Whether an argument without parentheses follows a test: x is divisibleby 3. */
static int at_test_arg(const struct jinja_parser *p)
{
    switch (p->now.type) {
    case JINJA_TOKEN_STRING:
    case JINJA_TOKEN_INTEGER:
    case JINJA_TOKEN_FLOAT: return 1;
    case JINJA_TOKEN_NAME:
        return !jinja_at_name(p, "else") && !jinja_at_name(p, "or") && !jinja_at_name(p, "and");
    case JINJA_TOKEN_OP: return jinja_at_op(p, "[") || jinja_at_op(p, "{");
    case JINJA_TOKEN_EOF:
    case JINJA_TOKEN_DATA:
    case JINJA_TOKEN_BLOCK_BEGIN:
    case JINJA_TOKEN_BLOCK_END:
    case JINJA_TOKEN_VAR_BEGIN:
    case JINJA_TOKEN_VAR_END: break;
    }
    return 0;
}

static int parse_test(struct jinja_parser *p, struct jinja_node **node)
{
    struct jinja_node *test = NULL;
    int is_negated = 0;
    TRY(make(p, NODE_TEST, *node, NULL, &test));
    TRY(jinja_expect_name(p, "is"));
    TRY(jinja_skip_name(p, "not", &is_negated));
    TRY(take_callee_name(p, &test->text));
    if (jinja_at_op(p, "(")) {
        TRY(parse_args(p, &test->b));
    } else if (at_test_arg(p)) {
        if (jinja_at_name(p, "is")) return jinja_expected(p, "no second test behind \"is\"");
        TRY(make(p, NODE_ARG, NULL, NULL, &test->b));
        TRY(parse_primary(p, &test->b->a));
        TRY(parse_postfix(p, &test->b->a));
    }
    *node = test;
    return is_negated ? make(p, NODE_NOT, test, NULL, node) : 0;
}

static int parse_unary(struct jinja_parser *p, int may_filter, struct jinja_node **ret)
{
    struct jinja_node *node = NULL;
    if (jinja_at_op(p, "-") || jinja_at_op(p, "+")) {
        TRY(jinja_enter(p));
        TRY(make(p, jinja_at_op(p, "-") ? NODE_NEG : NODE_POS, NULL, NULL, &node));
        TRY(jinja_advance(p));
        TRY(parse_unary(p, 0, &node->a));
        jinja_leave(p);
    } else {
        TRY(parse_primary(p, &node));
    }
    TRY(parse_postfix(p, &node));
    for (;;) {
        if (may_filter && jinja_at_op(p, "|")) {
            TRY(jinja_parse_filter(p, 0, &node));
        } else if (may_filter && jinja_at_name(p, "is")) {
            TRY(parse_test(p, &node));
        } else if (may_filter && jinja_at_op(p, "(")) {
            TRY(parse_call(p, node, &node));
        } else {
            *ret = node;
            return 0;
        }
    }
}

static int parse_target_item(struct jinja_parser *p, int may_ns, struct jinja_node **ret)
{
    if (jinja_at_op(p, "(")) {
        TRY(jinja_enter(p));
        TRY(jinja_advance(p));
        TRY(jinja_parse_target(p, may_ns, ret));
        jinja_leave(p);
        return jinja_expect_op(p, ")");
    }
    static const char *const reserved[] = {"true", "false", "none", "True", "False", "None"};
    for (size_t i = 0; i < 6; i++) {
        if (jinja_at_name(p, reserved[i])) return jinja_expected(p, "a name to assign to");
    }
    TRY(make(p, NODE_NAME, NULL, NULL, ret));
    TRY(jinja_take_name(p, &(*ret)->text));
    if (!may_ns || !jinja_at_op(p, ".")) return 0;
    TRY(jinja_advance(p));
    struct str attribute = {0};
    TRY(jinja_take_name(p, &attribute));
    (*ret)->kind = NODE_NSREF;
    (*ret)->value = jinja_str(attribute);
    return 0;
}

int jinja_parse_target(struct jinja_parser *p, int may_ns, struct jinja_node **ret)
{
    struct jinja_list items = {0};
    int is_tuple = 0;
    int more = 1;
    while (more && !is_tuple_end(p, "in")) {
        struct jinja_node *item = NULL;
        TRY(parse_target_item(p, may_ns, &item));
        jinja_list_add(&items, item);
        TRY(jinja_skip_op(p, ",", &more));
        is_tuple |= more;
    }
    *ret = items.first;
    if (is_tuple) return make(p, NODE_TUPLE, items.first, NULL, ret);
    return items.first ? 0 : jinja_expected(p, "a name to assign to");
}
