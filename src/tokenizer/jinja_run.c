/* SPDX-License-Identifier: MIT */
/* The state of a rendering: limits, variables, arguments, and the walk over what can be iterated.
 */
#include "tokenizer/jinja_run.h"

#include <stdarg.h>
#include <stdio.h>

#include "tokenizer/jinja_text.h"

int jinja_fail(const struct jinja_run *run, int status, const char *fmt, ...)
{
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return FAIL(status, "chat template, line %u: %s", run->line, text);
}

int jinja_charge(struct jinja_run *run, uint64_t steps)
{
    run->steps += steps;
    if (run->steps <= JINJA_STEPS_MAX) return 0;
    return jinja_fail(run, NMOS_E_LIMIT, "stopped after %u steps of work, the limit for one chat",
                      JINJA_STEPS_MAX);
}

struct jinja_scope *jinja_scope_create(struct jinja_run *run, struct jinja_scope *parent)
{
    struct jinja_scope *scope = jinja_arena_alloc(run->arena, sizeof(*scope));
    if (scope) scope->parent = parent;
    return scope;
}

int jinja_scope_set(struct jinja_run *run, struct jinja_scope *scope, struct str name,
                    struct jinja_value value)
{
    for (struct jinja_var *var = scope->vars; var; var = var->next) {
        if (!str_equal(var->name, name)) continue;
        var->value = value;
        return 0;
    }
    struct jinja_var *var = jinja_arena_alloc(run->arena, sizeof(*var));
    if (!var) return NMOS_E_NOMEM;
    *var = (struct jinja_var){name, value, scope->vars};
    scope->vars = var;
    return 0;
}

const struct jinja_value *jinja_scope_find(struct jinja_run *run, struct str name)
{
    for (const struct jinja_scope *scope = run->scope; scope; scope = scope->parent) {
        for (const struct jinja_var *var = scope->vars; var; var = var->next) {
            run->steps++;
            if (str_equal(var->name, name)) return &var->value;
        }
    }
    return NULL;
}

int jinja_new_text(struct jinja_run *run, struct str text, struct jinja_value *ret)
{
    char *copy = jinja_arena_text(run->arena, text.len);
    if (!copy) return NMOS_E_LIMIT;
    if (text.len) memcpy(copy, text.data, text.len);
    *ret = jinja_str((struct str){copy, text.len});
    return 0;
}

int jinja_new_printf(struct jinja_run *run, struct jinja_value *ret, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    const size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    return jinja_new_text(run, (struct str){text, len}, ret);
}

static const char *origin_name(const struct jinja_value *value)
{
    struct jinja_seq seq = {.kind = value->seq_kind};
    const struct jinja_value origin = {.type = value->origin, .as.seq = &seq};
    return jinja_type_name(&origin);
}

int jinja_fail_undefined(struct jinja_run *run, const struct jinja_value *value)
{
    const struct str text = jinja_text_of(value);
    const int is_none = value->origin == JINJA_NONE;
    switch ((enum jinja_undefined)value->sub) {
    case JINJA_UNDEF_NAME: return JINJA_FAIL(run, "'%.*s' is undefined", STR_ARG(text));
    case JINJA_UNDEF_ATTR:
        if (is_none) return JINJA_FAIL(run, "'None' has no attribute '%.*s'", STR_ARG(text));
        return JINJA_FAIL(run, "'%s object' has no attribute '%.*s'", origin_name(value),
                          STR_ARG(text));
    case JINJA_UNDEF_ELEMENT:
        if (is_none) return JINJA_FAIL(run, "None has no element %.*s", STR_ARG(text));
        return JINJA_FAIL(run, "%s object has no element %.*s", origin_name(value), STR_ARG(text));
    case JINJA_UNDEF_UNSAFE:
        return JINJA_FAIL(run, "access to attribute '%.*s' of '%s' object is unsafe.",
                          STR_ARG(text), origin_name(value));
    case JINJA_UNDEF_HINT:
    case JINJA_UNDEF_MISSING: break;
    }
    return JINJA_FAIL(run, "%.*s", STR_ARG(text));
}

static int chars_of(struct jinja_run *run, struct str text, struct jinja_seq **ret)
{
    TRY(jinja_charge(run, text.len));
    struct jinja_seq *seq = jinja_seq_create(run->arena, JINJA_LIST, jinja_utf8_count(text));
    if (!seq) return NMOS_E_LIMIT;
    for (size_t i = 0; i < text.len;) {
        const size_t width = jinja_utf8_width(text.data[i]);
        seq->items[seq->n++] = jinja_str((struct str){text.data + i, width});
        i += width;
    }
    *ret = seq;
    return 0;
}

static int keys_of(struct jinja_run *run, const struct jinja_dict *dict, struct jinja_seq **ret)
{
    TRY(jinja_charge(run, dict->n));
    struct jinja_seq *seq = jinja_seq_create(run->arena, JINJA_LIST, dict->n);
    if (!seq) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < dict->n; i++) seq->items[seq->n++] = dict->pairs[i].key;
    *ret = seq;
    return 0;
}

int jinja_iterate(struct jinja_run *run, const struct jinja_value *value, struct jinja_seq **ret)
{
    switch ((enum jinja_type)value->type) {
    case JINJA_STR: return chars_of(run, jinja_text_of(value), ret);
    case JINJA_DICT: return keys_of(run, value->as.dict, ret);
    case JINJA_UNDEFINED:
        *ret = jinja_seq_create(run->arena, JINJA_LIST, 0);
        return *ret ? 0 : NMOS_E_LIMIT;
    case JINJA_SEQ:
        if (value->as.seq->kind != JINJA_ITERATOR) {
            *ret = value->as.seq;
            return 0;
        }
        *ret = jinja_seq_create(run->arena, JINJA_LIST, 0);
        if (!*ret) return NMOS_E_LIMIT;
        (*ret)->items = value->as.seq->items + value->as.seq->taken;
        (*ret)->n = value->as.seq->n - value->as.seq->taken;
        (*ret)->cap = (*ret)->n;
        value->as.seq->taken = value->as.seq->n;
        return 0;
    case JINJA_NONE:
    case JINJA_BOOL:
    case JINJA_INT:
    case JINJA_FLOAT:
    case JINJA_NAMESPACE:
    case JINJA_CALLABLE:
    case JINJA_LOOP:
    case JINJA_CYCLER: break;
    }
    return JINJA_FAIL(run, "'%s' object is not iterable", jinja_type_name(value));
}

int64_t jinja_length(const struct jinja_value *value)
{
    switch ((enum jinja_type)value->type) {
    case JINJA_STR: return (int64_t)jinja_utf8_count(jinja_text_of(value));
    case JINJA_SEQ: return value->as.seq->kind == JINJA_ITERATOR ? -1 : (int64_t)value->as.seq->n;
    case JINJA_DICT: return value->as.dict->n;
    case JINJA_UNDEFINED: return 0;
    case JINJA_NONE:
    case JINJA_BOOL:
    case JINJA_INT:
    case JINJA_FLOAT:
    case JINJA_NAMESPACE:
    case JINJA_CALLABLE:
    case JINJA_LOOP:
    case JINJA_CYCLER: break;
    }
    return -1;
}

int jinja_arg_int(struct jinja_run *run, const struct jinja_args *args, uint32_t i,
                  int64_t otherwise, int64_t *ret)
{
    const struct jinja_value *arg = &args->pos[i];
    *ret = otherwise;
    if (!jinja_has_arg(args, i)) return 0;
    if (arg->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, arg);
    if (arg->type != JINJA_INT && arg->type != JINJA_BOOL) {
        return JINJA_FAIL(run, "'%s' object cannot be interpreted as an integer",
                          jinja_type_name(arg));
    }
    *ret = jinja_to_int(arg);
    return 0;
}

int jinja_arg_text(struct jinja_run *run, const struct jinja_args *args, uint32_t i,
                   const char *otherwise, struct str *ret)
{
    const struct jinja_value *arg = &args->pos[i];
    if (!jinja_has_arg(args, i)) {
        *ret = str_from(otherwise);
        return 0;
    }
    if (arg->type != JINJA_STR) {
        return JINJA_FAIL(run, "argument %u must be str, not %s", i + 1, jinja_type_name(arg));
    }
    *ret = jinja_text_of(arg);
    return 0;
}

int jinja_arg_true(const struct jinja_args *args, uint32_t i, int otherwise)
{
    return jinja_has_arg(args, i) ? jinja_is_true(&args->pos[i]) : otherwise;
}
