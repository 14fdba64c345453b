/* SPDX-License-Identifier: MIT */
/* Calls: arguments are matched to parameters here, for macros and for built-ins alike. */
#include "tokenizer/jinja_run.h"

#define BUILTIN_PARAMS_MAX 8

const struct jinja_builtin *jinja_builtin_find(const struct jinja_builtin *table, struct str name)
{
    for (; table->name; table++) {
        if (str_equal(name, str_from(table->name))) return table;
    }
    return NULL;
}

int jinja_new_callable(struct jinja_run *run, const struct jinja_builtin *builtin,
                       struct jinja_value self, struct jinja_value *ret)
{
    struct jinja_callable *callable = jinja_arena_alloc(run->arena, sizeof(*callable));
    if (!callable) return NMOS_E_LIMIT;
    callable->builtin = builtin;
    callable->self = self;
    *ret = (struct jinja_value){.type = JINJA_CALLABLE, .as.callable = callable};
    return 0;
}

/* Number of the keyword argument called `name`, or -1. */
static int find_named(const struct jinja_args *args, struct str name)
{
    for (uint32_t i = 0; i < args->n_named; i++) {
        if (str_equal(jinja_text_of(&args->named[i].key), name)) return (int)i;
    }
    return -1;
}

/* Cuts the next name off a params string. ret_required: it ends with "!". */
static struct str next_param(const char **params, int *ret_required)
{
    while (**params == ' ') (*params)++;
    const size_t len = strcspn(*params, " ");
    struct str name = {*params, len};
    *params += len;
    *ret_required = len > 0 && name.data[len - 1] == '!';
    name.len -= (size_t)*ret_required;
    return name;
}

/* Values of the parameters in their order into bound. */
static int bind_builtin(struct jinja_run *run, const struct jinja_builtin *builtin,
                        const struct jinja_args *args, struct jinja_value *bound, uint32_t *ret_n)
{
    const char *params = builtin->params;
    uint32_t n = 0;
    uint32_t n_named = 0;
    for (;;) {
        int is_required = 0;
        const struct str name = next_param(&params, &is_required);
        if (name.len == 0) break;
        const int named = find_named(args, name);
        if (named >= 0 && n < args->n_pos) {
            return JINJA_FAIL(run, "%s got multiple values for argument '%.*s'", builtin->name,
                              STR_ARG(name));
        }
        n_named += named >= 0;
        bound[n] = jinja_undefined(JINJA_UNDEF_MISSING, STR_LIT(""));
        if (n < args->n_pos) {
            bound[n] = args->pos[n];
        } else if (named >= 0) {
            bound[n] = args->named[named].value;
        } else if (is_required) {
            return JINJA_FAIL(run, "%s is missing the argument '%.*s'", builtin->name,
                              STR_ARG(name));
        }
        n++;
    }
    if (args->n_pos > n) {
        return JINJA_FAIL(run, "%s takes at most %u arguments, %u were given", builtin->name, n,
                          args->n_pos);
    }
    if (args->n_named > n_named) {
        return JINJA_FAIL(run, "%s got an unexpected keyword argument, it takes (%s)",
                          builtin->name, builtin->params);
    }
    *ret_n = n;
    return 0;
}

int jinja_call_builtin(struct jinja_run *run, const struct jinja_builtin *builtin,
                       const struct jinja_value *self, const struct jinja_args *args,
                       struct jinja_value *ret)
{
    TRY(jinja_charge(run, 1));
    if (!builtin->fn) {
        return jinja_fail(run, NMOS_E_UNSUPPORTED,
                          "'%s' is not supported; give another template with --chat-template FILE",
                          builtin->name);
    }
    if (strcmp(builtin->params, "*") == 0) return builtin->fn(run, self, args, ret);
    struct jinja_value bound[BUILTIN_PARAMS_MAX];
    uint32_t n = 0;
    TRY(bind_builtin(run, builtin, args, bound, &n));
    const struct jinja_args bound_args = {.pos = bound, .n_pos = n};
    return builtin->fn(run, self, &bound_args, ret);
}

/* What a macro's body can ask for beyond its parameters: caller, kwargs, varargs. used: named
   arguments that went to parameters. */
static int bind_special(struct jinja_run *run, const struct jinja_callable *callable,
                        const struct jinja_args *args, uint32_t n_params, uint8_t *used)
{
    const struct jinja_node *macro = callable->macro;
    const int is_caller = macro->kind == NODE_CALL_BLOCK;
    const struct str name = is_caller ? STR_LIT("caller") : macro->text;
    struct jinja_dict *rest = jinja_dict_create(run->arena, 0);
    struct jinja_seq *more = jinja_seq_create(run->arena, JINJA_TUPLE, 0);
    if (!rest || !more) return NMOS_E_LIMIT;
    struct jinja_value caller = jinja_undefined(JINJA_UNDEF_HINT, STR_LIT("No caller defined"));
    for (uint32_t i = 0; i < args->n_named; i++) {
        const struct str key = jinja_text_of(&args->named[i].key);
        if (used[i]) continue;
        if ((macro->flags & JINJA_USES_CALLER) && str_equal(key, STR_LIT("caller"))) {
            caller = args->named[i].value;
        } else if (macro->flags & JINJA_USES_KWARGS) {
            TRY(jinja_dict_set(run->arena, rest, args->named[i].key, args->named[i].value,
                               &run->steps));
        } else {
            return JINJA_FAIL(run, "macro '%.*s' takes no keyword argument '%.*s'", STR_ARG(name),
                              STR_ARG(key));
        }
    }
    for (uint32_t i = n_params; i < args->n_pos; i++) {
        if (!(macro->flags & JINJA_USES_VARARGS)) {
            return JINJA_FAIL(run, "macro '%.*s' takes not more than %u argument(s)", STR_ARG(name),
                              n_params);
        }
        TRY(jinja_seq_push(run->arena, more, args->pos[i]));
    }
    /* A caller's body sees the `caller` of the macro it stands in, unless it is given one itself.
     */
    if ((macro->flags & JINJA_USES_CALLER) && (!is_caller || caller.type != JINJA_UNDEFINED)) {
        TRY(jinja_scope_set(run, run->scope, STR_LIT("caller"), caller));
    }
    if (macro->flags & JINJA_USES_KWARGS) {
        TRY(jinja_scope_set(run, run->scope, STR_LIT("kwargs"), jinja_dict(rest)));
    }
    if (!(macro->flags & JINJA_USES_VARARGS)) return 0;
    return jinja_scope_set(run, run->scope, STR_LIT("varargs"), jinja_seq(more));
}

/* Binds arguments in the macro's new scope, which is run->scope: defaults may use earlier
 * parameters. */
static int bind_macro(struct jinja_run *run, const struct jinja_callable *callable,
                      const struct jinja_args *args)
{
    uint8_t used[JINJA_ARGS_MAX + 1] = {0};
    uint32_t n = 0;
    if (args->n_named > JINJA_ARGS_MAX) {
        return jinja_fail(run, NMOS_E_LIMIT, "a macro is called with %u keyword arguments",
                          args->n_named);
    }
    for (const struct jinja_node *param = callable->macro->a; param; param = param->next, n++) {
        struct jinja_value value = {0};
        const int named = n < args->n_pos ? -1 : find_named(args, param->text);
        if (n < args->n_pos) {
            value = args->pos[n];
        } else if (named >= 0) {
            value = args->named[named].value;
            used[named] = 1;
        } else if (param->a) {
            TRY(jinja_eval(run, param->a, &value));
        } else {
            struct jinja_value hint = {0};
            TRY(jinja_new_printf(run, &hint, "parameter '%.*s' was not provided",
                                 STR_ARG(param->text)));
            value = jinja_undefined(JINJA_UNDEF_HINT, jinja_text_of(&hint));
        }
        TRY(jinja_scope_set(run, run->scope, param->text, value));
    }
    return bind_special(run, callable, args, n, used);
}

static int call_macro(struct jinja_run *run, const struct jinja_callable *callable,
                      const struct jinja_args *args, struct jinja_value *ret)
{
    struct jinja_scope *const outer = run->scope;
    struct jinja_scope *scope = jinja_scope_create(run, callable->scope);
    if (!scope) return NMOS_E_LIMIT;
    run->scope = scope;
    int rc = bind_macro(run, callable, args);
    run->scope = outer;
    struct str text = {0};
    if (rc == 0) rc = jinja_exec_to_text(run, scope, callable->macro->d, &text);
    if (rc == 0) *ret = jinja_str(text);
    return rc;
}

/* loop(children): the body of a recursive loop over other items, as text. */
static int call_loop(struct jinja_run *run, const struct jinja_loop *loop,
                     const struct jinja_args *args, struct jinja_value *ret)
{
    if (!(loop->node->flags & JINJA_IS_RECURSIVE)) {
        return JINJA_FAIL(run,
                          "The loop must have the 'recursive' marker to be called recursively.");
    }
    if (args->n_pos != 1) return JINJA_FAIL(run, "loop() takes one argument");
    struct jinja_out text = {.arena = run->arena};
    struct jinja_out *const outer_out = run->out;
    struct jinja_scope *const outer_scope = run->scope;
    run->out = &text;
    run->scope = loop->scope;
    const int rc = jinja_exec_for(run, loop->node, &args->pos[0], loop->depth0 + 1);
    run->out = outer_out;
    run->scope = outer_scope;
    if (rc == 0) *ret = jinja_str(jinja_out_text(&text));
    return rc;
}

int jinja_call(struct jinja_run *run, const struct jinja_value *callee,
               const struct jinja_args *args, struct jinja_value *ret)
{
    if (callee->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, callee);
    if (callee->type == JINJA_LOOP) return call_loop(run, callee->as.loop, args, ret);
    if (callee->type != JINJA_CALLABLE) {
        return JINJA_FAIL(run, "'%s' object is not callable", jinja_type_name(callee));
    }
    const struct jinja_callable *callable = callee->as.callable;
    if (callable->macro) return call_macro(run, callable, args, ret);
    return jinja_call_builtin(run, callable->builtin, &callable->self, args, ret);
}

int jinja_call_filter(struct jinja_run *run, struct str name, const struct jinja_value *self,
                      const struct jinja_args *args, struct jinja_value *ret)
{
    static const struct jinja_builtin *const tables[] = {jinja_text_filters, jinja_seq_filters,
                                                         jinja_pick_filters, jinja_number_filters};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const struct jinja_builtin *filter = jinja_builtin_find(tables[i], name);
        if (filter) return jinja_call_builtin(run, filter, self, args, ret);
    }
    return jinja_fail(run, NMOS_E_UNSUPPORTED,
                      "the filter '%.*s' is not supported; give another template with "
                      "--chat-template FILE",
                      STR_ARG(name));
}

int jinja_call_test(struct jinja_run *run, struct str name, const struct jinja_value *self,
                    const struct jinja_args *args, int *ret)
{
    const struct jinja_builtin *test = jinja_builtin_find(jinja_tests, name);
    if (!test) {
        return jinja_fail(run, NMOS_E_UNSUPPORTED,
                          "the test '%.*s' is not supported; give another template with "
                          "--chat-template FILE",
                          STR_ARG(name));
    }
    struct jinja_value value = {0};
    TRY(jinja_call_builtin(run, test, self, args, &value));
    *ret = jinja_is_true(&value);
    return 0;
}
