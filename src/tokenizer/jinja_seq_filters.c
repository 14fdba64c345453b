/* SPDX-License-Identifier: MIT */
/*
 * Filters over sequences. Sorting is a stable merge sort on keys that are made first (attribute
 * looked up, case folded), as Python's sorted(key=...). Lazy filters of Jinja2 work at once here,
 * but give an iterator as they do.
 */
#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

#define FILTER(name)                                                                               \
    static int name(struct jinja_run *run, const struct jinja_value *self,                         \
                    const struct jinja_args *args, struct jinja_value *ret)

static int give(struct jinja_seq *seq, enum jinja_seq_kind kind, struct jinja_value *ret)
{
    seq->kind = (uint8_t)kind;
    *ret = jinja_seq(seq);
    return 0;
}

FILTER(filter_length)
{
    (void)args;
    const int64_t n = jinja_length(self);
    if (n < 0) return JINJA_FAIL(run, "object of type '%s' has no len()", jinja_type_name(self));
    *ret = jinja_int(n);
    return jinja_charge(run, self->type == JINJA_STR ? self->text_len / 64 : 1);
}

FILTER(filter_first)
{
    (void)args;
    struct jinja_seq *items = NULL;
    const int is_iterator = jinja_is_seq(self, JINJA_ITERATOR);
    const uint32_t taken = is_iterator ? self->as.seq->taken : 0;
    TRY(jinja_iterate(run, self, &items));
    if (items->n == 0) {
        *ret = jinja_undefined(JINJA_UNDEF_HINT, STR_LIT("No first item, sequence was empty."));
        return 0;
    }
    if (is_iterator) self->as.seq->taken = taken + 1;
    *ret = items->items[0];
    return 0;
}

FILTER(filter_last)
{
    (void)args;
    struct jinja_seq *items = NULL;
    if (jinja_is_seq(self, JINJA_ITERATOR)) {
        return JINJA_FAIL(run, "'generator' object is not reversible");
    }
    TRY(jinja_iterate(run, self, &items));
    *ret = items->n
               ? items->items[items->n - 1]
               : jinja_undefined(JINJA_UNDEF_HINT, STR_LIT("No last item, sequence was empty."));
    return 0;
}

/* A new list of the items. */
static int copy_items(struct jinja_run *run, const struct jinja_value *value,
                      struct jinja_seq **ret)
{
    struct jinja_seq *items = NULL;
    TRY(jinja_iterate(run, value, &items));
    TRY(jinja_charge(run, items->n));
    *ret = jinja_seq_create(run->arena, JINJA_LIST, items->n);
    if (!*ret) return NMOS_E_LIMIT;
    if (items->n) memcpy((*ret)->items, items->items, items->n * sizeof(*items->items));
    (*ret)->n = items->n;
    return 0;
}

FILTER(filter_list)
{
    (void)args;
    struct jinja_seq *list = NULL;
    TRY(copy_items(run, self, &list));
    return give(list, JINJA_LIST, ret);
}

FILTER(filter_reverse)
{
    (void)args;
    if (self->type == JINJA_STR) {
        const struct jinja_value bounds[3] = {jinja_none(), jinja_none(), jinja_int(-1)};
        return jinja_getslice(run, self, bounds, ret);
    }
    struct jinja_seq *list = NULL;
    const int is_lazy = !jinja_is_seq(self, JINJA_ITERATOR);
    TRY(copy_items(run, self, &list));
    for (uint32_t i = 0; i < list->n / 2; i++) {
        const struct jinja_value swap = list->items[i];
        list->items[i] = list->items[list->n - 1 - i];
        list->items[list->n - 1 - i] = swap;
    }
    return give(list, is_lazy ? JINJA_ITERATOR : JINJA_LIST, ret);
}

FILTER(filter_items)
{
    if (self->type == JINJA_UNDEFINED) {
        struct jinja_seq *none = jinja_seq_create(run->arena, JINJA_ITERATOR, 0);
        return none ? give(none, JINJA_ITERATOR, ret) : NMOS_E_LIMIT;
    }
    if (self->type != JINJA_DICT) {
        return JINJA_FAIL(run, "Can only get item pairs from a mapping.");
    }
    const struct jinja_builtin *items = jinja_builtin_find(jinja_dict_methods, STR_LIT("items"));
    TRY(items->fn(run, self, args, ret));
    return give(ret->as.seq, JINJA_ITERATOR, ret);
}

/* Lower-cased when it is a text and case does not count. */
static int fold_case(struct jinja_run *run, int is_sensitive, struct jinja_value *value)
{
    if (is_sensitive || value->type != JINJA_STR) return 0;
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_charge(run, value->text_len / 16));
    TRY(jinja_text_to_case(jinja_text_of(value), JINJA_CASE_LOWER, &out));
    *value = jinja_str(jinja_out_text(&out));
    return 0;
}

/* item.a.b for the attribute "a.b"; numbers in it are indices. An attribute that is not a text is
 * one index. */
static int get_path(struct jinja_run *run, const struct jinja_value *attribute,
                    struct jinja_value *item)
{
    if (attribute->type == JINJA_NONE || attribute->type == JINJA_UNDEFINED) return 0;
    if (attribute->type != JINJA_STR) return jinja_getitem(run, item, attribute, item);
    struct str path = jinja_text_of(attribute);
    for (;;) {
        const int64_t dot = jinja_text_find(path, STR_LIT("."), 0);
        const struct str part = {path.data, dot < 0 ? path.len : (size_t)dot};
        int64_t index = 0;
        size_t digits = 0;
        while (digits < part.len && digits < 9 && part.data[digits] >= '0' &&
               part.data[digits] <= '9') {
            index = index * 10 + (part.data[digits++] - '0');
        }
        const int is_index = part.len > 0 && digits == part.len;
        const struct jinja_value key = is_index ? jinja_int(index) : jinja_str(part);
        TRY(jinja_getitem(run, item, &key, item));
        if (dot < 0) return 0;
        path = (struct str){path.data + dot + 1, path.len - (size_t)dot - 1};
    }
}

int jinja_get_path(struct jinja_run *run, const struct jinja_value *attribute,
                   const struct jinja_value *fallback, struct jinja_value *item)
{
    TRY(get_path(run, attribute, item));
    if (item->type == JINJA_UNDEFINED && fallback) *item = *fallback;
    return 0;
}

/* What sort compares: the list of the item's attributes "a,b", or of the item alone. In lists,
   parts that are equal are never ordered, so that none or undefined may occur twice. */
static int make_sort_key(struct jinja_run *run, const struct jinja_value *attribute,
                         int is_sensitive, struct jinja_value *item)
{
    const int is_text = attribute->type == JINJA_STR;
    struct str rest = is_text ? jinja_text_of(attribute) : STR_LIT("");
    struct jinja_seq *keys = jinja_seq_create(run->arena, JINJA_LIST, 1);
    if (!keys) return NMOS_E_LIMIT;
    for (int64_t comma = 0; comma >= 0;) {
        comma = jinja_text_find(rest, STR_LIT(","), 0);
        const struct jinja_value part =
            jinja_str((struct str){rest.data, comma < 0 ? rest.len : (size_t)comma});
        struct jinja_value key = *item;
        TRY(get_path(run, is_text ? &part : attribute, &key));
        TRY(fold_case(run, is_sensitive, &key));
        TRY(jinja_seq_push(run->arena, keys, key));
        if (comma >= 0) rest = (struct str){rest.data + comma + 1, rest.len - (size_t)comma - 1};
    }
    *item = jinja_seq(keys);
    return 0;
}

struct sorter {
    struct jinja_value *keys; /* of the items by their numbers */
    uint32_t *order;          /* numbers, sorted when done */
    uint32_t *spare;
    int is_reverse;
};

static int merge(struct jinja_run *run, struct sorter *s, uint32_t low, uint32_t mid, uint32_t high)
{
    uint32_t i = low;
    uint32_t k = mid;
    for (uint32_t out = low; out < high; out++) {
        int takes_right = i >= mid;
        if (i < mid && k < high) {
            int sign = 0;
            const struct jinja_value *left = &s->keys[s->order[i]];
            const struct jinja_value *right = &s->keys[s->order[k]];
            TRY(jinja_compare(run, right, left, "<", &sign));
            takes_right = s->is_reverse ? sign == 1 : sign == -1;
        }
        s->spare[out] = takes_right ? s->order[k++] : s->order[i++];
    }
    memcpy(s->order + low, s->spare + low, (high - low) * sizeof(*s->order));
    return 0;
}

/* Bottom-up, so that no recursion depends on the input. */
static int merge_sort(struct jinja_run *run, struct sorter *s, uint32_t n)
{
    for (uint64_t width = 1; width < n; width *= 2) {
        for (uint64_t low = 0; low + width < n; low += 2 * width) {
            const uint64_t high = low + 2 * width < n ? low + 2 * width : n;
            TRY(merge(run, s, (uint32_t)low, (uint32_t)(low + width), (uint32_t)high));
        }
    }
    return 0;
}

/* The items in order of their keys. */
static int sort_items(struct jinja_run *run, const struct jinja_seq *items,
                      struct jinja_value *keys, int is_reverse, struct jinja_seq **ret)
{
    struct sorter s = {.keys = keys, .is_reverse = is_reverse};
    s.order = jinja_arena_array(run->arena, items->n, sizeof(*s.order));
    s.spare = jinja_arena_array(run->arena, items->n, sizeof(*s.spare));
    struct jinja_seq *sorted = jinja_seq_create(run->arena, JINJA_LIST, items->n);
    if (!s.order || !s.spare || !sorted) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < items->n; i++) s.order[i] = i;
    TRY(merge_sort(run, &s, items->n));
    for (uint32_t i = 0; i < items->n; i++) sorted->items[i] = items->items[s.order[i]];
    sorted->n = items->n;
    *ret = sorted;
    return 0;
}

FILTER(filter_sort)
{
    struct jinja_seq *items = NULL;
    struct jinja_seq *sorted = NULL;
    TRY(jinja_iterate(run, self, &items));
    struct jinja_value *keys = jinja_arena_array(run->arena, items->n, sizeof(*keys));
    if (!keys) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < items->n; i++) {
        keys[i] = items->items[i];
        TRY(make_sort_key(run, &args->pos[2], jinja_arg_true(args, 1, 0), &keys[i]));
    }
    TRY(sort_items(run, items, keys, jinja_arg_true(args, 0, 0), &sorted));
    return give(sorted, JINJA_LIST, ret);
}

FILTER(filter_dictsort)
{
    struct jinja_value items = {0};
    struct jinja_seq *sorted = NULL;
    struct str by = {0};
    const struct jinja_args none = {0};
    if (self->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, self);
    if (self->type != JINJA_DICT) {
        return JINJA_FAIL(run, "'%s object' has no attribute 'items'", jinja_type_name(self));
    }
    TRY(jinja_arg_text(run, args, 1, "key", &by));
    const int is_value = str_equal(by, STR_LIT("value"));
    if (!is_value && !str_equal(by, STR_LIT("key"))) {
        return JINJA_FAIL(run, "You can only sort by either \"key\" or \"value\"");
    }
    TRY(filter_items(run, self, &none, &items));
    const struct jinja_seq *pairs = items.as.seq;
    struct jinja_value *keys = jinja_arena_array(run->arena, pairs->n, sizeof(*keys));
    if (!keys) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < pairs->n; i++) {
        keys[i] = pairs->items[i].as.seq->items[is_value];
        TRY(fold_case(run, jinja_arg_true(args, 0, 0), &keys[i]));
    }
    TRY(sort_items(run, pairs, keys, jinja_arg_true(args, 2, 0), &sorted));
    return give(sorted, JINJA_LIST, ret);
}

FILTER(filter_unique)
{
    struct jinja_seq *items = NULL;
    struct jinja_seq *seen = jinja_seq_create(run->arena, JINJA_LIST, 0);
    struct jinja_seq *kept = jinja_seq_create(run->arena, JINJA_LIST, 0);
    if (!seen || !kept) return NMOS_E_LIMIT;
    TRY(jinja_iterate(run, self, &items));
    for (uint32_t i = 0; i < items->n; i++) {
        struct jinja_value key = items->items[i];
        TRY(get_path(run, &args->pos[1], &key));
        TRY(fold_case(run, jinja_arg_true(args, 0, 0), &key));
        int is_known = 0;
        for (uint32_t k = 0; k < seen->n && !is_known; k++) {
            is_known = jinja_equal(&seen->items[k], &key, &run->steps);
        }
        TRY(jinja_charge(run, 1));
        if (is_known) continue;
        TRY(jinja_seq_push(run->arena, seen, key));
        TRY(jinja_seq_push(run->arena, kept, items->items[i]));
    }
    return give(kept, JINJA_ITERATOR, ret);
}

static int extreme(struct jinja_run *run, const struct jinja_value *self,
                   const struct jinja_args *args, int want, struct jinja_value *ret)
{
    struct jinja_seq *items = NULL;
    struct jinja_value best_key = {0};
    TRY(jinja_iterate(run, self, &items));
    *ret = jinja_undefined(JINJA_UNDEF_HINT, STR_LIT("No aggregated item, sequence was empty."));
    for (uint32_t i = 0; i < items->n; i++) {
        struct jinja_value key = items->items[i];
        int sign = want;
        TRY(get_path(run, &args->pos[1], &key));
        TRY(fold_case(run, jinja_arg_true(args, 0, 0), &key));
        if (i) TRY(jinja_compare(run, &key, &best_key, want < 0 ? "<" : ">", &sign));
        if (sign != want) continue;
        best_key = key;
        *ret = items->items[i];
    }
    return 0;
}

FILTER(filter_min)
{
    return extreme(run, self, args, -1, ret);
}
FILTER(filter_max)
{
    return extreme(run, self, args, 1, ret);
}

FILTER(filter_sum)
{
    struct jinja_seq *items = NULL;
    struct jinja_value total = jinja_has_arg(args, 1) ? args->pos[1] : jinja_int(0);
    TRY(jinja_iterate(run, self, &items));
    if (total.type == JINJA_STR) return JINJA_FAIL(run, "sum() can't sum strings");
    for (uint32_t i = 0; i < items->n; i++) {
        struct jinja_value item = items->items[i];
        TRY(get_path(run, &args->pos[0], &item));
        TRY(jinja_charge(run, 1));
        TRY(jinja_binary(run, JINJA_OP_ADD, &total, &item, &total));
    }
    *ret = total;
    return 0;
}

FILTER(filter_join)
{
    struct jinja_seq *items = NULL;
    struct jinja_out out = {.arena = run->arena};
    struct str glue = STR_LIT("");
    TRY(jinja_iterate(run, self, &items));
    if (jinja_has_arg(args, 0)) TRY(jinja_to_text(run, &args->pos[0], &glue));
    for (uint32_t i = 0; i < items->n; i++) {
        struct jinja_value item = items->items[i];
        TRY(get_path(run, &args->pos[1], &item));
        TRY(jinja_charge(run, 1));
        struct str text = {0};
        TRY(jinja_to_text(run, &item, &text));
        if (i) TRY(jinja_out_add(&out, glue));
        TRY(jinja_out_add(&out, text));
    }
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

FILTER(filter_batch)
{
    struct jinja_seq *items = NULL;
    int64_t size = 0;
    TRY(jinja_arg_int(run, args, 0, 0, &size));
    TRY(jinja_iterate(run, self, &items));
    struct jinja_seq *rows = jinja_seq_create(run->arena, JINJA_LIST, 0);
    if (!rows) return NMOS_E_LIMIT;
    struct jinja_seq *row = NULL;
    for (uint32_t i = 0; i < items->n; i++) {
        TRY(jinja_charge(run, 1));
        if (!row || row->n == size) {
            row = jinja_seq_create(run->arena, JINJA_LIST, 0);
            if (!row) return NMOS_E_LIMIT;
            TRY(jinja_seq_push(run->arena, rows, jinja_seq(row)));
        }
        TRY(jinja_seq_push(run->arena, row, items->items[i]));
    }
    const int fills = row && jinja_has_arg(args, 1) && args->pos[1].type != JINJA_NONE;
    while (fills && (int64_t)row->n < size) {
        TRY(jinja_charge(run, 1));
        TRY(jinja_seq_push(run->arena, row, args->pos[1]));
    }
    return give(rows, JINJA_ITERATOR, ret);
}

FILTER(filter_slice)
{
    struct jinja_seq *items = NULL;
    int64_t n = 0;
    TRY(jinja_arg_int(run, args, 0, 0, &n));
    TRY(jinja_iterate(run, self, &items));
    if (n == 0) return JINJA_FAIL(run, "integer division or modulo by zero");
    struct jinja_seq *rows = jinja_seq_create(run->arena, JINJA_LIST, 0);
    if (!rows) return NMOS_E_LIMIT;
    const int fills = jinja_has_arg(args, 1) && args->pos[1].type != JINJA_NONE;
    uint32_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        const int has_extra = i < items->n % n;
        const int64_t size = items->n / n + has_extra;
        struct jinja_seq *row = jinja_seq_create(run->arena, JINJA_LIST, 0);
        if (!row) return NMOS_E_LIMIT;
        TRY(jinja_charge(run, (uint64_t)size + 1));
        for (int64_t k = 0; k < size; k++) {
            TRY(jinja_seq_push(run->arena, row, items->items[at++]));
        }
        if (fills && !has_extra) TRY(jinja_seq_push(run->arena, row, args->pos[1]));
        TRY(jinja_seq_push(run->arena, rows, jinja_seq(row)));
    }
    return give(rows, JINJA_ITERATOR, ret);
}

/* The attribute by which items are grouped, folded in case or as it is. */
static int group_key(struct jinja_run *run, const struct jinja_args *args, int is_folded,
                     struct jinja_value *item)
{
    const struct jinja_value *fallback = jinja_has_arg(args, 1) ? &args->pos[1] : NULL;
    TRY(jinja_get_path(run, &args->pos[0], fallback, item));
    return fold_case(run, !is_folded, item);
}

/* Pairs (key, items with that key) in order of the keys; without case counting, the key of the
 * first item. */
FILTER(filter_groupby)
{
    struct jinja_seq *items = NULL;
    struct jinja_seq *sorted = NULL;
    const int is_folded = !jinja_arg_true(args, 2, 0);
    TRY(jinja_iterate(run, self, &items));
    struct jinja_value *keys = jinja_arena_array(run->arena, items->n, sizeof(*keys));
    struct jinja_seq *groups = jinja_seq_create(run->arena, JINJA_LIST, 0);
    if (!keys || !groups) return NMOS_E_LIMIT;
    for (uint32_t i = 0; i < items->n; i++) {
        keys[i] = items->items[i];
        TRY(group_key(run, args, is_folded, &keys[i]));
    }
    TRY(sort_items(run, items, keys, 0, &sorted));
    struct jinja_value last_key = {0};
    struct jinja_seq *members = NULL;
    for (uint32_t i = 0; i < sorted->n; i++) {
        struct jinja_value key = sorted->items[i];
        TRY(group_key(run, args, is_folded, &key));
        if (!members || !jinja_equal(&key, &last_key, &run->steps)) {
            struct jinja_seq *pair = jinja_seq_create(run->arena, JINJA_TUPLE, 2);
            members = jinja_seq_create(run->arena, JINJA_LIST, 0);
            if (!pair || !members) return NMOS_E_LIMIT;
            struct jinja_value shown = sorted->items[i];
            TRY(group_key(run, args, 0, &shown));
            pair->is_group = 1;
            pair->items[pair->n++] = shown;
            pair->items[pair->n++] = jinja_seq(members);
            TRY(jinja_seq_push(run->arena, groups, jinja_seq(pair)));
            last_key = key;
        }
        TRY(jinja_charge(run, 1));
        TRY(jinja_seq_push(run->arena, members, sorted->items[i]));
    }
    return give(groups, JINJA_LIST, ret);
}

const struct jinja_builtin jinja_seq_filters[] = {
    {"length", "", filter_length},
    {"count", "", filter_length},
    {"first", "", filter_first},
    {"last", "", filter_last},
    {"list", "", filter_list},
    {"reverse", "", filter_reverse},
    {"items", "", filter_items},
    {"sort", "reverse case_sensitive attribute", filter_sort},
    {"dictsort", "case_sensitive by reverse", filter_dictsort},
    {"unique", "case_sensitive attribute", filter_unique},
    {"min", "case_sensitive attribute", filter_min},
    {"max", "case_sensitive attribute", filter_max},
    {"sum", "attribute start", filter_sum},
    {"join", "d attribute", filter_join},
    {"batch", "linecount! fill_with", filter_batch},
    {"slice", "slices! fill_with", filter_slice},
    {"groupby", "attribute! default case_sensitive", filter_groupby},
    {NULL, NULL, NULL},
};
