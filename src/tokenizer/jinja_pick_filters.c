/* SPDX-License-Identifier: MIT */
/* Filters that apply a filter or a test to each item, and those that choose between values. */
#include "tokenizer/jinja_run.h"

#define FILTER(name)                                                                               \
    static int name(struct jinja_run *run, const struct jinja_value *self,                         \
                    const struct jinja_args *args, struct jinja_value *ret)

FILTER(filter_default)
{
    const int replaces =
        self->type == JINJA_UNDEFINED || (jinja_arg_true(args, 1, 0) && !jinja_is_true(self));
    const struct jinja_value other = jinja_has_arg(args, 0) ? args->pos[0] : jinja_str(STR_LIT(""));
    *ret = replaces ? other : *self;
    return jinja_charge(run, 1);
}

FILTER(filter_attr)
{
    struct str name = {0};
    TRY(jinja_arg_text(run, args, 0, "", &name));
    if (self->type == JINJA_DICT && !jinja_builtin_find(jinja_dict_methods, name)) {
        *ret = jinja_undefined(JINJA_UNDEF_ATTR, name); /* attributes only, never keys */
        ret->origin = JINJA_DICT;
        return 0;
    }
    return jinja_getattr(run, self, name, ret);
}

static const struct jinja_value *named_arg(const struct jinja_args *args, const char *name)
{
    for (uint32_t i = 0; i < args->n_named; i++) {
        if (str_equal(jinja_text_of(&args->named[i].key), str_from(name))) {
            return &args->named[i].value;
        }
    }
    return NULL;
}

/* The arguments behind the first `skip`. */
static struct jinja_args rest_of(const struct jinja_args *args, uint32_t skip)
{
    struct jinja_args rest = *args;
    rest.pos += skip;
    rest.n_pos -= skip;
    return rest;
}

static int map_item(struct jinja_run *run, const struct jinja_args *args, struct jinja_value *item)
{
    const struct jinja_value *attribute = named_arg(args, "attribute");
    if (args->n_pos == 0 && attribute) {
        return jinja_get_path(run, attribute, named_arg(args, "default"), item);
    }
    if (args->n_pos == 0 || args->pos[0].type != JINJA_STR) {
        return JINJA_FAIL(run, "map requires a filter argument");
    }
    const struct jinja_args rest = rest_of(args, 1);
    const struct jinja_value self = *item;
    return jinja_call_filter(run, jinja_text_of(&args->pos[0]), &self, &rest, item);
}

FILTER(filter_map)
{
    struct jinja_seq *items = NULL;
    TRY(jinja_iterate(run, self, &items));
    struct jinja_seq *mapped = jinja_seq_create(run->arena, JINJA_ITERATOR, items->n);
    if (!mapped) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < items->n; i++) {
        struct jinja_value item = items->items[i];
        TRY(jinja_charge(run, 1));
        TRY(map_item(run, args, &item));
        TRY(jinja_seq_push(run->arena, mapped, item));
    }
    *ret = jinja_seq(mapped);
    return 0;
}

/* Items of which the test (or their own truth) equals `keeps`; has_attr: the first argument names
 * what is tested. */
static int pick(struct jinja_run *run, const struct jinja_value *self,
                const struct jinja_args *args, int has_attr, int keeps, struct jinja_value *ret)
{
    struct jinja_seq *items = NULL;
    TRY(jinja_iterate(run, self, &items));
    struct jinja_seq *kept = jinja_seq_create(run->arena, JINJA_ITERATOR, 0);
    if (!kept) return NMOS_E_LIMIT;
    const uint32_t off = has_attr ? 1 : 0;
    if (items->n && args->n_pos < off) {
        return JINJA_FAIL(run, "Missing parameter for attribute name");
    }
    for (uint32_t i = 0; i < items->n; i++) {
        struct jinja_value tested = items->items[i];
        TRY(jinja_charge(run, 1));
        if (has_attr) TRY(jinja_get_path(run, &args->pos[0], NULL, &tested));
        int yes = jinja_is_true(&tested);
        if (args->n_pos > off) {
            const struct jinja_args rest = rest_of(args, off + 1);
            if (args->pos[off].type != JINJA_STR) return JINJA_FAIL(run, "a test's name is no str");
            TRY(jinja_call_test(run, jinja_text_of(&args->pos[off]), &tested, &rest, &yes));
        }
        if (yes == keeps) TRY(jinja_seq_push(run->arena, kept, items->items[i]));
    }
    *ret = jinja_seq(kept);
    return 0;
}

FILTER(filter_select)
{
    return pick(run, self, args, 0, 1, ret);
}
FILTER(filter_reject)
{
    return pick(run, self, args, 0, 0, ret);
}
FILTER(filter_selectattr)
{
    return pick(run, self, args, 1, 1, ret);
}
FILTER(filter_rejectattr)
{
    return pick(run, self, args, 1, 0, ret);
}

const struct jinja_builtin jinja_pick_filters[] = {
    {"default", "default_value boolean", filter_default},
    {"d", "default_value boolean", filter_default},
    {"attr", "name!", filter_attr},
    {"map", "*", filter_map},
    {"select", "*", filter_select},
    {"reject", "*", filter_reject},
    {"selectattr", "*", filter_selectattr},
    {"rejectattr", "*", filter_rejectattr},
    {NULL, NULL, NULL},
};
