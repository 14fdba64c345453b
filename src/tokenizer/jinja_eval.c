/* SPDX-License-Identifier: MIT */
/* Expressions: one function per kind of node, found through a table. */
#include "tokenizer/jinja_run.h"

typedef int (*eval_fn)(struct jinja_run *run, const struct jinja_node *node,
                       struct jinja_value *ret);

static int eval_const(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    (void)run;
    *ret = node->value;
    return 0;
}

static int eval_name(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    const struct jinja_value *value = jinja_scope_find(run, node->text);
    if (value) {
        *ret = *value;
        return 0;
    }
    const struct jinja_builtin *function = jinja_builtin_find(jinja_functions, node->text);
    if (function) return jinja_new_callable(run, function, jinja_none(), ret);
    *ret = jinja_undefined(JINJA_UNDEF_NAME, node->text);
    return 0;
}

static int eval_seq(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    const enum jinja_seq_kind kind = node->kind == NODE_LIST ? JINJA_LIST : JINJA_TUPLE;
    struct jinja_seq *seq = jinja_seq_create(run->arena, kind, 0);
    if (!seq) return NMOS_E_LIMIT;
    for (const struct jinja_node *item = node->a; item; item = item->next) {
        struct jinja_value value = {0};
        TRY(jinja_eval(run, item, &value));
        TRY(jinja_seq_push(run->arena, seq, value));
    }
    *ret = jinja_seq(seq);
    return 0;
}

static int eval_dict(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    struct jinja_dict *dict = jinja_dict_create(run->arena, 0);
    if (!dict) return NMOS_E_LIMIT;
    for (const struct jinja_node *key = node->a; key; key = key->next->next) {
        struct jinja_value k = {0};
        struct jinja_value v = {0};
        TRY(jinja_eval(run, key, &k));
        TRY(jinja_eval(run, key->next, &v));
        if (k.type == JINJA_DICT || jinja_is_seq(&k, JINJA_LIST)) {
            return JINJA_FAIL(run, "unhashable type: '%s'", jinja_type_name(&k));
        }
        TRY(jinja_dict_set(run->arena, dict, k, v, &run->steps));
    }
    *ret = jinja_dict(dict);
    return 0;
}

static int eval_attr(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    struct jinja_value object = {0};
    TRY(jinja_eval(run, node->a, &object));
    run->line = node->line;
    return jinja_getattr(run, &object, node->text, ret);
}

static int eval_slice(struct jinja_run *run, const struct jinja_value *object,
                      const struct jinja_node *node, struct jinja_value *ret)
{
    const struct jinja_node *const parts[] = {node->a, node->b, node->c};
    struct jinja_value bounds[3];
    for (int i = 0; i < 3; i++) {
        bounds[i] = jinja_none();
        if (parts[i]) TRY(jinja_eval(run, parts[i], &bounds[i]));
    }
    return jinja_getslice(run, object, bounds, ret);
}

static int eval_item(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    struct jinja_value object = {0};
    struct jinja_value key = {0};
    TRY(jinja_eval(run, node->a, &object));
    if (node->b->kind == NODE_SLICE) return eval_slice(run, &object, node->b, ret);
    TRY(jinja_eval(run, node->b, &key));
    run->line = node->line;
    return jinja_getitem(run, &object, &key, ret);
}

/* *values: appends the items to the positional arguments. */
static int spread_seq(struct jinja_run *run, const struct jinja_value *value, struct jinja_seq *pos)
{
    struct jinja_seq *items = NULL;
    TRY(jinja_iterate(run, value, &items));
    for (uint32_t i = 0; i < items->n; i++) {
        TRY(jinja_charge(run, 1));
        TRY(jinja_seq_push(run->arena, pos, items->items[i]));
    }
    return 0;
}

/* **pairs: appends them to the keyword arguments. */
static int spread_dict(struct jinja_run *run, const struct jinja_value *value,
                       struct jinja_dict *named)
{
    if (value->type != JINJA_DICT) {
        return JINJA_FAIL(run, "argument after ** must be a mapping, not %s",
                          jinja_type_name(value));
    }
    for (uint32_t i = 0; i < value->as.dict->n; i++) {
        const struct jinja_pair *pair = &value->as.dict->pairs[i];
        TRY(jinja_charge(run, 1));
        if (pair->key.type != JINJA_STR) return JINJA_FAIL(run, "keywords must be strings");
        TRY(jinja_dict_set(run->arena, named, pair->key, pair->value, &run->steps));
    }
    return 0;
}

int jinja_eval_args(struct jinja_run *run, const struct jinja_node *list, struct jinja_args *ret)
{
    *ret = (struct jinja_args){0};
    if (!list) return 0;
    struct jinja_seq *pos = jinja_seq_create(run->arena, JINJA_TUPLE, 0);
    struct jinja_dict *named = jinja_dict_create(run->arena, 0);
    if (!pos || !named) return NMOS_E_LIMIT;
    for (const struct jinja_node *arg = list; arg; arg = arg->next) {
        struct jinja_value value = {0};
        TRY(jinja_eval(run, arg->a, &value));
        if (arg->op == '*') {
            TRY(spread_seq(run, &value, pos));
        } else if (arg->op == 'P') {
            TRY(spread_dict(run, &value, named));
        } else if (arg->text.len) {
            TRY(jinja_dict_set(run->arena, named, jinja_str(arg->text), value, &run->steps));
        } else {
            TRY(jinja_seq_push(run->arena, pos, value));
        }
    }
    *ret = (struct jinja_args){pos->items, named->pairs, pos->n, named->n};
    return 0;
}

static int eval_call(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    struct jinja_value callee = {0};
    struct jinja_args args = {0};
    TRY(jinja_eval(run, node->a, &callee));
    TRY(jinja_eval_args(run, node->b, &args));
    run->line = node->line;
    return jinja_call(run, &callee, &args, ret);
}

static int eval_filter(struct jinja_run *run, const struct jinja_node *node,
                       struct jinja_value *ret)
{
    struct jinja_value self = jinja_none();
    struct jinja_args args = {0};
    if (node->a) {
        TRY(jinja_eval(run, node->a, &self));
    } else {
        self = *run->body;
    }
    TRY(jinja_eval_args(run, node->b, &args));
    run->line = node->line;
    return jinja_call_filter(run, node->text, &self, &args, ret);
}

static int eval_test(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    struct jinja_value self = {0};
    struct jinja_args args = {0};
    int yes = 0;
    TRY(jinja_eval(run, node->a, &self));
    TRY(jinja_eval_args(run, node->b, &args));
    run->line = node->line;
    TRY(jinja_call_test(run, node->text, &self, &args, &yes));
    *ret = jinja_bool(yes);
    return 0;
}

static int eval_not(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    struct jinja_value value = {0};
    TRY(jinja_eval(run, node->a, &value));
    *ret = jinja_bool(!jinja_is_true(&value));
    return 0;
}

static int eval_sign(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    struct jinja_value value = {0};
    TRY(jinja_eval(run, node->a, &value));
    if (value.type == JINJA_UNDEFINED) return jinja_fail_undefined(run, &value);
    if (!jinja_is_number(&value)) {
        return JINJA_FAIL(run, "bad operand type for unary %c: '%s'",
                          node->kind == NODE_NEG ? '-' : '+', jinja_type_name(&value));
    }
    if (value.type == JINJA_FLOAT) {
        *ret = jinja_float(node->kind == NODE_NEG ? -value.as.real : value.as.real);
        return 0;
    }
    const struct jinja_value zero = jinja_int(0);
    const enum jinja_op op = node->kind == NODE_NEG ? JINJA_OP_SUB : JINJA_OP_ADD;
    return jinja_binary(run, op, &zero, &value, ret);
}

static int eval_binary(struct jinja_run *run, const struct jinja_node *node,
                       struct jinja_value *ret)
{
    struct jinja_value a = {0};
    struct jinja_value b = {0};
    TRY(jinja_eval(run, node->a, &a));
    TRY(jinja_eval(run, node->b, &b));
    run->line = node->line;
    return jinja_binary(run, (enum jinja_op)node->op, &a, &b, ret);
}

static int eval_logical(struct jinja_run *run, const struct jinja_node *node,
                        struct jinja_value *ret)
{
    TRY(jinja_eval(run, node->a, ret));
    if (jinja_is_true(ret) == (node->kind == NODE_OR)) return 0;
    return jinja_eval(run, node->b, ret);
}

static int compare_once(struct jinja_run *run, enum jinja_op op, const struct jinja_value *a,
                        const struct jinja_value *b, int *ret)
{
    static const char *const names[] = {
        [JINJA_OP_LT] = "<", [JINJA_OP_LE] = "<=", [JINJA_OP_GT] = ">", [JINJA_OP_GE] = ">="};
    int sign = 0;
    if (op == JINJA_OP_IN || op == JINJA_OP_NOT_IN) {
        TRY(jinja_contains(run, b, a, ret));
        if (op == JINJA_OP_NOT_IN) *ret = !*ret;
        return 0;
    }
    if (op == JINJA_OP_EQ || op == JINJA_OP_NE) {
        *ret = jinja_equal(a, b, &run->steps) == (op == JINJA_OP_EQ);
        return jinja_charge(run, 1);
    }
    TRY(jinja_compare(run, a, b, names[op], &sign));
    if (op == JINJA_OP_LT) *ret = sign == -1;
    if (op == JINJA_OP_LE) *ret = sign == -1 || sign == 0;
    if (op == JINJA_OP_GT) *ret = sign == 1;
    if (op == JINJA_OP_GE) *ret = sign == 1 || sign == 0;
    return 0;
}

static int eval_compare(struct jinja_run *run, const struct jinja_node *node,
                        struct jinja_value *ret)
{
    struct jinja_value left = {0};
    TRY(jinja_eval(run, node->a, &left));
    int yes = 1;
    for (const struct jinja_node *operand = node->b; operand && yes; operand = operand->next) {
        struct jinja_value right = {0};
        TRY(jinja_eval(run, operand->a, &right));
        run->line = operand->line;
        TRY(compare_once(run, (enum jinja_op)operand->op, &left, &right, &yes));
        left = right;
    }
    *ret = jinja_bool(yes);
    return 0;
}

static int eval_concat(struct jinja_run *run, const struct jinja_node *node,
                       struct jinja_value *ret)
{
    struct jinja_out out = {.arena = run->arena};
    for (const struct jinja_node *part = node->a; part; part = part->next) {
        struct jinja_value value = {0};
        TRY(jinja_eval(run, part, &value));
        TRY(jinja_print_str(run, &out, &value));
    }
    TRY(jinja_charge(run, out.len / 64));
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

static int eval_cond(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    struct jinja_value test = {0};
    TRY(jinja_eval(run, node->a, &test));
    if (jinja_is_true(&test)) return jinja_eval(run, node->b, ret);
    if (node->c) return jinja_eval(run, node->c, ret);
    *ret = jinja_undefined(JINJA_UNDEF_HINT,
                           STR_LIT("the inline if-expression evaluated to false and no else "
                                   "section was defined."));
    return 0;
}

static const eval_fn functions[] = {
    [NODE_CONST] = eval_const, [NODE_NAME] = eval_name,       [NODE_LIST] = eval_seq,
    [NODE_TUPLE] = eval_seq,   [NODE_DICT] = eval_dict,       [NODE_ATTR] = eval_attr,
    [NODE_ITEM] = eval_item,   [NODE_CALL] = eval_call,       [NODE_FILTER] = eval_filter,
    [NODE_TEST] = eval_test,   [NODE_NOT] = eval_not,         [NODE_NEG] = eval_sign,
    [NODE_POS] = eval_sign,    [NODE_BINARY] = eval_binary,   [NODE_AND] = eval_logical,
    [NODE_OR] = eval_logical,  [NODE_COMPARE] = eval_compare, [NODE_CONCAT] = eval_concat,
    [NODE_COND] = eval_cond,
};

int jinja_eval(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    run->line = node->line;
    TRY(jinja_charge(run, 1));
    if (run->depth >= JINJA_EVAL_DEPTH_MAX) {
        return jinja_fail(run, NMOS_E_LIMIT, "nested more than %d deep (a macro without end?)",
                          JINJA_EVAL_DEPTH_MAX);
    }
    run->depth++;
    struct jinja_value value = {0};
    const int rc = functions[node->kind](run, node, &value);
    run->depth--;
    if (rc == 0) *ret = value;
    return rc;
}
