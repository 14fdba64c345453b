/* SPDX-License-Identifier: MIT */
/*
 * Statements. Loops, macros, call blocks, `with` and captured blocks have variables of their own;
 * `if` has not. What a loop sets is gone after each turn; a namespace is how templates keep it.
 */
#include "tokenizer/jinja_run.h"

static int assign_namespace(struct jinja_run *run, const struct jinja_node *target,
                            struct jinja_value value)
{
    const struct jinja_value *ns = jinja_scope_find(run, target->text);
    if (!ns || ns->type != JINJA_NAMESPACE) {
        return JINJA_FAIL(run, "cannot assign attribute on non-namespace object");
    }
    return jinja_dict_set(run->arena, ns->as.dict, target->value, value, &run->steps);
}

static int assign_tuple(struct jinja_run *run, const struct jinja_node *target,
                        const struct jinja_value *value)
{
    struct jinja_seq *items = NULL;
    uint32_t n = 0;
    if (value->type != JINJA_UNDEFINED && jinja_length(value) < 0 && value->type != JINJA_SEQ) {
        return JINJA_FAIL(run, "cannot unpack non-iterable %s object", jinja_type_name(value));
    }
    TRY(jinja_iterate(run, value, &items));
    for (const struct jinja_node *part = target->a; part; part = part->next) n++;
    if (items->n > n) return JINJA_FAIL(run, "too many values to unpack (expected %u)", n);
    if (items->n < n) {
        return JINJA_FAIL(run, "not enough values to unpack (expected %u, got %u)", n, items->n);
    }
    uint32_t i = 0;
    for (const struct jinja_node *part = target->a; part; part = part->next) {
        TRY(jinja_assign(run, part, items->items[i++]));
    }
    return 0;
}

int jinja_assign(struct jinja_run *run, const struct jinja_node *target, struct jinja_value value)
{
    TRY(jinja_charge(run, 1));
    if (target->kind == NODE_TUPLE) return assign_tuple(run, target, &value);
    if (target->kind == NODE_NSREF) return assign_namespace(run, target, value);
    return jinja_scope_set(run, run->scope, target->text, value);
}

int jinja_exec_to_text(struct jinja_run *run, struct jinja_scope *scope,
                       const struct jinja_node *body, struct str *ret)
{
    struct jinja_out text = {.arena = run->arena};
    struct jinja_out *const outer_out = run->out;
    struct jinja_scope *const outer_scope = run->scope;
    run->out = &text;
    run->scope = scope;
    const int rc = jinja_exec(run, body);
    run->out = outer_out;
    run->scope = outer_scope;
    if (rc == 0) *ret = jinja_out_text(&text);
    return rc;
}

/* The text of a block in a scope of its own, through its filters (NULL: none). */
static int capture(struct jinja_run *run, const struct jinja_node *body,
                   const struct jinja_node *filters, struct jinja_value *ret)
{
    struct jinja_scope *scope = jinja_scope_create(run, run->scope);
    if (!scope) return NMOS_E_LIMIT;
    struct str text = {0};
    const int rc = jinja_exec_to_text(run, scope, body, &text);
    if (rc) return rc;
    struct jinja_value value = jinja_str(text);
    if (filters) {
        const struct jinja_value *const outer = run->body;
        const struct jinja_value input = value;
        run->body = &input;
        const int filtered = jinja_eval(run, filters, &value);
        run->body = outer;
        if (filtered < 0) return filtered;
    }
    *ret = value;
    return 0;
}

static int exec_output(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value value = {0};
    TRY(jinja_eval(run, node->a, &value));
    run->line = node->line;
    return jinja_print_str(run, run->out, &value);
}

static int exec_if(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value test = {0};
    TRY(jinja_eval(run, node->a, &test));
    return jinja_exec(run, jinja_is_true(&test) ? node->b : node->c);
}

static int exec_for(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value iterable = {0};
    TRY(jinja_eval(run, node->b, &iterable));
    return jinja_exec_for(run, node, &iterable, 0);
}

static int exec_set(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value value = {0};
    TRY(jinja_eval(run, node->b, &value));
    run->line = node->line;
    return jinja_assign(run, node->a, value);
}

static int exec_set_block(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value value = {0};
    const int rc = capture(run, node->d, node->b, &value);
    return rc ? rc : jinja_assign(run, node->a, value);
}

static int exec_filter_block(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value value = {0};
    const int rc = capture(run, node->d, node->b, &value);
    return rc ? rc : jinja_print_str(run, run->out, &value);
}

static int new_macro(struct jinja_run *run, const struct jinja_node *node, struct jinja_value *ret)
{
    struct jinja_callable *macro = jinja_arena_alloc(run->arena, sizeof(*macro));
    if (!macro) return NMOS_E_LIMIT;
    macro->macro = node;
    macro->scope = run->scope;
    *ret = (struct jinja_value){.type = JINJA_CALLABLE, .as.callable = macro};
    return 0;
}

static int exec_macro(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value macro = {0};
    TRY(new_macro(run, node, &macro));
    return jinja_scope_set(run, run->scope, node->text, macro);
}

static int exec_call_block(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value callee = {0};
    struct jinja_value caller = {0};
    struct jinja_value text = {0};
    struct jinja_args args = {0};
    TRY(new_macro(run, node, &caller));
    TRY(jinja_eval(run, node->b->a, &callee));
    TRY(jinja_eval_args(run, node->b->b, &args));
    struct jinja_dict *named = jinja_dict_create(run->arena, args.n_named + 1);
    if (!named) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < args.n_named; i++) named->pairs[named->n++] = args.named[i];
    TRY(jinja_dict_set(run->arena, named, jinja_str(STR_LIT("caller")), caller, &run->steps));
    args.named = named->pairs;
    args.n_named = named->n;
    run->line = node->line;
    TRY(jinja_call(run, &callee, &args, &text));
    return jinja_print_str(run, run->out, &text);
}

/* Runs a body in a new scope around which the old one lies. */
static int exec_scoped(struct jinja_run *run, struct jinja_scope *scope,
                       const struct jinja_node *body)
{
    struct jinja_scope *const outer = run->scope;
    run->scope = scope;
    const int rc = jinja_exec(run, body);
    run->scope = outer;
    return rc;
}

static int exec_with(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_scope *scope = jinja_scope_create(run, run->scope);
    if (!scope) return NMOS_E_LIMIT;
    for (const struct jinja_node *name = node->a; name; name = name->next->next) {
        struct jinja_value value = {0};
        TRY(jinja_eval(run, name->next, &value));
        TRY(jinja_scope_set(run, scope, name->text, value));
    }
    return exec_scoped(run, scope, node->d);
}

static int exec_scope(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_scope *scope = jinja_scope_create(run, run->scope);
    return scope ? exec_scoped(run, scope, node->d) : NMOS_E_LIMIT;
}

static int exec_one(struct jinja_run *run, const struct jinja_node *node)
{
    run->line = node->line;
    switch ((enum jinja_node_kind)node->kind) {
    case NODE_TEXT: return jinja_out_add(run->out, node->text);
    case NODE_OUTPUT: return exec_output(run, node);
    case NODE_IF: return exec_if(run, node);
    case NODE_FOR: return exec_for(run, node);
    case NODE_SET: return exec_set(run, node);
    case NODE_SET_BLOCK: return exec_set_block(run, node);
    case NODE_MACRO: return exec_macro(run, node);
    case NODE_CALL_BLOCK: return exec_call_block(run, node);
    case NODE_FILTER_BLOCK: return exec_filter_block(run, node);
    case NODE_WITH: return exec_with(run, node);
    case NODE_SCOPE: return exec_scope(run, node);
    case NODE_BREAK: return JINJA_BREAK;
    case NODE_CONTINUE: return JINJA_CONTINUE;
    default: break;
    }
    return JINJA_FAIL(run, "an expression stands where a statement should");
}

int jinja_exec(struct jinja_run *run, const struct jinja_node *body)
{
    if (run->depth >= JINJA_EVAL_DEPTH_MAX) {
        return jinja_fail(run, NMOS_E_LIMIT, "nested more than %d deep (a macro without end?)",
                          JINJA_EVAL_DEPTH_MAX);
    }
    int rc = 0;
    run->depth++;
    for (const struct jinja_node *node = body; node && rc == 0; node = node->next) {
        rc = jinja_charge(run, 1);
        if (rc == 0) rc = exec_one(run, node);
    }
    run->depth--;
    return rc;
}
