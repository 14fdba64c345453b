/* SPDX-License-Identifier: MIT */
/* Methods of dict, list, tuple and range that change nothing. */
#include "tokenizer/jinja_run.h"

#define METHOD(name)                                                                               \
    static int name(struct jinja_run *run, const struct jinja_value *self,                         \
                    const struct jinja_args *args, struct jinja_value *ret)

METHOD(dict_get)
{
    const struct jinja_value *value = jinja_dict_find(self->as.dict, &args->pos[0], &run->steps);
    const struct jinja_value fallback = jinja_has_arg(args, 1) ? args->pos[1] : jinja_none();
    *ret = value ? *value : fallback;
    return jinja_charge(run, 1);
}

static int view(struct jinja_run *run, const struct jinja_dict *dict, enum jinja_seq_kind kind,
                struct jinja_value *ret)
{
    TRY(jinja_charge(run, dict->n));
    struct jinja_seq *seq = jinja_seq_create(run->arena, kind, dict->n);
    if (!seq) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < dict->n; i++) {
        const struct jinja_pair *pair = &dict->pairs[i];
        struct jinja_value item = kind == JINJA_DICT_KEYS ? pair->key : pair->value;
        if (kind == JINJA_DICT_ITEMS) {
            struct jinja_seq *both = jinja_seq_create(run->arena, JINJA_TUPLE, 2);
            if (!both) return NMOS_E_LIMIT;
            both->items[both->n++] = pair->key;
            both->items[both->n++] = pair->value;
            item = jinja_seq(both);
        }
        seq->items[seq->n++] = item;
    }
    *ret = jinja_seq(seq);
    return 0;
}

METHOD(dict_keys)
{
    (void)args;
    return view(run, self->as.dict, JINJA_DICT_KEYS, ret);
}

METHOD(dict_values)
{
    (void)args;
    return view(run, self->as.dict, JINJA_DICT_VALUES, ret);
}

METHOD(dict_items)
{
    (void)args;
    return view(run, self->as.dict, JINJA_DICT_ITEMS, ret);
}

/* Nothing a template sees can change, so a copy need not be one. */
METHOD(copy_self)
{
    (void)args;
    *ret = *self;
    return jinja_charge(run, 1);
}

METHOD(seq_count)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < self->as.seq->n; i++) {
        n += jinja_equal(&self->as.seq->items[i], &args->pos[0], &run->steps);
    }
    *ret = jinja_int(n);
    return jinja_charge(run, 1);
}

METHOD(seq_index)
{
    const struct jinja_seq *seq = self->as.seq;
    for (uint32_t i = 0; i < seq->n; i++) {
        if (!jinja_equal(&seq->items[i], &args->pos[0], &run->steps)) continue;
        *ret = jinja_int(i);
        return jinja_charge(run, 1);
    }
    return JINJA_FAIL(run, "the value is not in the %s", jinja_type_name(self));
}

const struct jinja_builtin jinja_dict_methods[] = {
    {"get", "key! default", dict_get},
    {"keys", "", dict_keys},
    {"values", "", dict_values},
    {"items", "", dict_items},
    {"copy", "", copy_self},
    {"fromkeys", "*", NULL},
    {NULL, NULL, NULL},
};

const struct jinja_builtin jinja_seq_methods[] = {
    {"count", "value!", seq_count},
    {"index", "value!", seq_index},
    {"copy", "", copy_self},
    {NULL, NULL, NULL},
};
