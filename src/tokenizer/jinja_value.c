/* SPDX-License-Identifier: MIT */
/*
 * Truth, equality and the two containers. Dicts are searched front to back: those of a conversation
 * are small, and the work counter (which the step limit charges) bounds the others.
 */
#include "tokenizer/jinja_value.h"

#include <assert.h>
#include <math.h>

const char *jinja_type_name(const struct jinja_value *value)
{
    static const char *const names[] = {
        [JINJA_UNDEFINED] = "Undefined", [JINJA_NONE] = "NoneType",
        [JINJA_BOOL] = "bool",           [JINJA_INT] = "int",
        [JINJA_FLOAT] = "float",         [JINJA_STR] = "str",
        [JINJA_DICT] = "dict",           [JINJA_LOOP] = "LoopContext",
        [JINJA_CYCLER] = "Cycler",       [JINJA_CALLABLE] = "function",
        [JINJA_NAMESPACE] = "Namespace",
    };
    static const char *const seq_names[] = {
        [JINJA_LIST] = "list",
        [JINJA_TUPLE] = "tuple",
        [JINJA_RANGE] = "range",
        [JINJA_DICT_KEYS] = "dict_keys",
        [JINJA_DICT_VALUES] = "dict_values",
        [JINJA_DICT_ITEMS] = "dict_items",
        [JINJA_ITERATOR] = "generator",
    };
    return value->type == JINJA_SEQ ? seq_names[value->as.seq->kind] : names[value->type];
}

int jinja_is_true(const struct jinja_value *value)
{
    switch ((enum jinja_type)value->type) {
    case JINJA_UNDEFINED:
    case JINJA_NONE: return 0;
    case JINJA_BOOL: return value->as.boolean;
    case JINJA_INT: return value->as.integer != 0;
    case JINJA_FLOAT: return value->as.real != 0;
    case JINJA_STR: return value->text_len > 0;
    case JINJA_SEQ: return value->as.seq->n > 0 || value->as.seq->kind == JINJA_ITERATOR;
    case JINJA_DICT: return value->as.dict->n > 0;
    case JINJA_NAMESPACE:
    case JINJA_CALLABLE:
    case JINJA_LOOP:
    case JINJA_CYCLER: break;
    }
    return 1;
}

static int numbers_equal(const struct jinja_value *a, const struct jinja_value *b)
{
    if (a->type != JINJA_FLOAT && b->type != JINJA_FLOAT) return jinja_to_int(a) == jinja_to_int(b);
    return !(jinja_to_real(a) < jinja_to_real(b)) && !(jinja_to_real(a) > jinja_to_real(b)) &&
           !isnan(jinja_to_real(a)) && !isnan(jinja_to_real(b));
}

static int equal_at(const struct jinja_value *a, const struct jinja_value *b, int depth,
                    uint64_t *work);

static int seqs_equal(const struct jinja_seq *a, const struct jinja_seq *b, int depth,
                      uint64_t *work)
{
    if (a == b) return 1;
    if (a->kind != b->kind || a->n != b->n) return 0;
    if (a->kind == JINJA_ITERATOR || a->kind == JINJA_DICT_VALUES) return 0;
    for (uint32_t i = 0; i < a->n; i++) {
        if (!equal_at(&a->items[i], &b->items[i], depth + 1, work)) return 0;
    }
    return 1;
}

static int dicts_equal(const struct jinja_dict *a, const struct jinja_dict *b, int depth,
                       uint64_t *work)
{
    if (a == b) return 1;
    if (a->n != b->n) return 0;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct jinja_value *other = jinja_dict_find(b, &a->pairs[i].key, work);
        if (!other || !equal_at(&a->pairs[i].value, other, depth + 1, work)) return 0;
    }
    return 1;
}

static int equal_at(const struct jinja_value *a, const struct jinja_value *b, int depth,
                    uint64_t *work)
{
    (*work)++;
    if (depth > JINJA_VALUE_DEPTH_MAX) *work += JINJA_STEPS_MAX; /* the caller's check ends it */
    if (*work > JINJA_STEPS_MAX) return 0;
    if (jinja_is_number(a) && jinja_is_number(b)) return numbers_equal(a, b);
    if (a->type != b->type) return 0;
    switch ((enum jinja_type)a->type) {
    case JINJA_UNDEFINED:
    case JINJA_NONE: return 1;
    case JINJA_STR: *work += a->text_len / 64; return str_equal(jinja_text_of(a), jinja_text_of(b));
    case JINJA_SEQ: return seqs_equal(a->as.seq, b->as.seq, depth, work);
    case JINJA_DICT: return dicts_equal(a->as.dict, b->as.dict, depth, work);
    case JINJA_BOOL:
    case JINJA_INT:
    case JINJA_FLOAT: return numbers_equal(a, b);
    case JINJA_NAMESPACE: return a->as.dict == b->as.dict;
    case JINJA_CALLABLE: return a->as.callable == b->as.callable;
    case JINJA_LOOP: return a->as.loop == b->as.loop;
    case JINJA_CYCLER: break;
    }
    return a->as.seq == b->as.seq;
}

int jinja_equal(const struct jinja_value *a, const struct jinja_value *b, uint64_t *work)
{
    return equal_at(a, b, 0, work);
}

struct jinja_seq *jinja_seq_create(struct jinja_arena *arena, enum jinja_seq_kind kind, size_t cap)
{
    struct jinja_seq *seq = jinja_arena_alloc(arena, sizeof(*seq));
    if (!seq) return NULL;
    seq->kind = (uint8_t)kind;
    seq->items = jinja_arena_array(arena, cap, sizeof(*seq->items));
    seq->cap = (uint32_t)cap;
    return seq->items ? seq : NULL;
}

int jinja_seq_push(struct jinja_arena *arena, struct jinja_seq *seq, struct jinja_value item)
{
    if (seq->n == seq->cap) {
        const size_t cap = seq->cap < 4 ? 8 : (size_t)seq->cap * 2;
        struct jinja_value *items = jinja_arena_array(arena, cap, sizeof(*items));
        if (!items) return NMOS_E_NOMEM;
        if (seq->n) memcpy(items, seq->items, seq->n * sizeof(*items));
        seq->items = items;
        seq->cap = (uint32_t)cap;
    }
    seq->items[seq->n++] = item;
    return 0;
}

struct jinja_dict *jinja_dict_create(struct jinja_arena *arena, size_t cap)
{
    struct jinja_dict *dict = jinja_arena_alloc(arena, sizeof(*dict));
    if (!dict) return NULL;
    dict->pairs = jinja_arena_array(arena, cap, sizeof(*dict->pairs));
    dict->cap = (uint32_t)cap;
    return dict->pairs ? dict : NULL;
}

struct jinja_value *jinja_dict_find(const struct jinja_dict *dict, const struct jinja_value *key,
                                    uint64_t *work)
{
    if (key->type == JINJA_STR) return jinja_dict_find_text(dict, jinja_text_of(key), work);
    for (uint32_t i = 0; i < dict->n; i++) {
        if (jinja_equal(&dict->pairs[i].key, key, work)) return &dict->pairs[i].value;
    }
    return NULL;
}

struct jinja_value *jinja_dict_find_text(const struct jinja_dict *dict, struct str key,
                                         uint64_t *work)
{
    *work += dict->n / 8;
    for (uint32_t i = 0; i < dict->n; i++) {
        const struct jinja_value *k = &dict->pairs[i].key;
        if (k->type == JINJA_STR && str_equal(jinja_text_of(k), key)) return &dict->pairs[i].value;
    }
    return NULL;
}

int jinja_dict_set(struct jinja_arena *arena, struct jinja_dict *dict, struct jinja_value key,
                   struct jinja_value value, uint64_t *work)
{
    struct jinja_value *slot = jinja_dict_find(dict, &key, work);
    if (slot) {
        *slot = value;
        return 0;
    }
    if (dict->n == dict->cap) {
        const size_t cap = dict->cap < 4 ? 8 : (size_t)dict->cap * 2;
        struct jinja_pair *pairs = jinja_arena_array(arena, cap, sizeof(*pairs));
        if (!pairs) return NMOS_E_NOMEM;
        if (dict->pairs) memcpy(pairs, dict->pairs, dict->n * sizeof(*pairs));
        dict->pairs = pairs;
        dict->cap = (uint32_t)cap;
    }
    assert(dict->pairs);
    dict->pairs[dict->n++] = (struct jinja_pair){key, value};
    return 0;
}
