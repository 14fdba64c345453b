/* SPDX-License-Identifier: MIT */
/*
 * object.name, object[key] and object[a:b:c].
 *
 * The dot prefers attributes (methods) over keys, brackets prefer keys; each falls back on the
 * other. What is not there is an undefined value that remembers what was asked. Slices are Python's
 * own and fail where Python does.
 */
#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

static void make_undefined(const struct jinja_value *object, enum jinja_undefined why,
                           struct str name, struct jinja_value *ret)
{
    *ret = jinja_undefined(why, name);
    ret->origin = object->type;
    if (object->type == JINJA_SEQ) ret->seq_kind = object->as.seq->kind;
}

static int is_one_of(struct str name, const char *const *names)
{
    for (; *names; names++) {
        if (str_equal(name, str_from(*names))) return 1;
    }
    return 0;
}

/* What would change a dict or list, or show Python's inside. */
static int is_unsafe(const struct jinja_value *object, struct str name)
{
    static const char *const dict_names[] = {"clear",      "pop",    "popitem",
                                             "setdefault", "update", NULL};
    static const char *const list_names[] = {"append", "clear",   "extend", "insert", "pop",
                                             "remove", "reverse", "sort",   NULL};
    static const char *const inner_names[] = {"__class__", "__init__", "__dict__", "__doc__",
                                              "__len__",   "__eq__",   NULL};
    if (object->type == JINJA_DICT && is_one_of(name, dict_names)) return 1;
    if (jinja_is_seq(object, JINJA_LIST) && is_one_of(name, list_names)) return 1;
    return is_one_of(name, inner_names);
}

static const struct jinja_builtin *find_method(const struct jinja_value *object, struct str name)
{
    switch ((enum jinja_type)object->type) {
    case JINJA_STR: return jinja_builtin_find(jinja_str_methods, name);
    case JINJA_DICT: return jinja_builtin_find(jinja_dict_methods, name);
    case JINJA_SEQ:
        if (object->as.seq->kind > JINJA_RANGE) return NULL;
        return jinja_builtin_find(jinja_seq_methods, name);
    case JINJA_LOOP: return jinja_builtin_find(jinja_loop_methods, name);
    case JINJA_CYCLER: return jinja_builtin_find(jinja_cycler_methods, name);
    case JINJA_UNDEFINED:
    case JINJA_NONE:
    case JINJA_BOOL:
    case JINJA_INT:
    case JINJA_FLOAT:
    case JINJA_NAMESPACE:
    case JINJA_CALLABLE: break;
    }
    return NULL;
}

static int seq_attr(const struct jinja_seq *seq, struct str name, struct jinja_value *ret)
{
    if (seq->kind == JINJA_RANGE) {
        const int64_t values[] = {seq->start, seq->stop, seq->step};
        static const char *const names[] = {"start", "stop", "step"};
        for (int i = 0; i < 3; i++) {
            if (!str_equal(name, str_from(names[i]))) continue;
            *ret = jinja_int(values[i]);
            return 1;
        }
    }
    if (!seq->is_group) return 0;
    const int is_list = str_equal(name, STR_LIT("list"));
    if (!is_list && !str_equal(name, STR_LIT("grouper"))) return 0;
    *ret = seq->items[is_list];
    return 1;
}

static int macro_attr(struct jinja_run *run, const struct jinja_callable *callable, struct str name,
                      int *ret_found, struct jinja_value *ret)
{
    *ret_found = callable->macro != NULL;
    if (!callable->macro) return 0;
    if (str_equal(name, STR_LIT("name"))) {
        *ret = jinja_str(callable->macro->text);
        if (callable->macro->kind == NODE_CALL_BLOCK) *ret = jinja_str(STR_LIT("caller"));
        return 0;
    }
    *ret_found = str_equal(name, STR_LIT("arguments"));
    if (!*ret_found) return 0;
    struct jinja_seq *names = jinja_seq_create(run->arena, JINJA_TUPLE, 0);
    if (!names) return NMOS_E_LIMIT;
    for (const struct jinja_node *param = callable->macro->a; param; param = param->next) {
        TRY(jinja_seq_push(run->arena, names, jinja_str(param->text)));
    }
    *ret = jinja_seq(names);
    return 0;
}

/* Attributes that are not methods. */
static int find_attr(struct jinja_run *run, const struct jinja_value *object, struct str name,
                     int *ret_found, struct jinja_value *ret)
{
    *ret_found = 0;
    if (object->type == JINJA_NAMESPACE) {
        const struct jinja_value *value = jinja_dict_find_text(object->as.dict, name, &run->steps);
        *ret_found = value != NULL;
        if (value) *ret = *value;
        return 0;
    }
    if (object->type == JINJA_LOOP) {
        TRY(jinja_loop_attr(run, object->as.loop, name, ret));
        *ret_found = ret->type != JINJA_UNDEFINED || ret->sub == JINJA_UNDEF_HINT;
        return 0;
    }
    if (object->type == JINJA_SEQ) *ret_found = seq_attr(object->as.seq, name, ret);
    if (object->type == JINJA_CYCLER && str_equal(name, STR_LIT("current"))) {
        *ret = object->as.seq->items[object->as.seq->taken % object->as.seq->n];
        *ret_found = 1;
    }
    if (object->type == JINJA_CALLABLE) {
        return macro_attr(run, object->as.callable, name, ret_found, ret);
    }
    return 0;
}

/* Methods and attributes; ret_found 0 when there is none of that name. */
static int lookup_attr(struct jinja_run *run, const struct jinja_value *object, struct str name,
                       int *ret_found, struct jinja_value *ret)
{
    *ret_found = 1;
    if (is_unsafe(object, name)) {
        make_undefined(object, JINJA_UNDEF_UNSAFE, name, ret);
        return 0;
    }
    const struct jinja_builtin *method = find_method(object, name);
    if (method) return jinja_new_callable(run, method, *object, ret);
    return find_attr(run, object, name, ret_found, ret);
}

int jinja_getattr(struct jinja_run *run, const struct jinja_value *object, struct str name,
                  struct jinja_value *ret)
{
    int found = 0;
    TRY(jinja_charge(run, 1));
    if (object->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, object);
    struct jinja_value value = {0};
    TRY(lookup_attr(run, object, name, &found, &value));
    if (!found && object->type == JINJA_DICT) {
        const struct jinja_value *item = jinja_dict_find_text(object->as.dict, name, &run->steps);
        found = item != NULL;
        if (item) value = *item;
    }
    if (!found) make_undefined(object, JINJA_UNDEF_ATTR, name, &value);
    *ret = value;
    return 0;
}

static int is_index(const struct jinja_value *key)
{
    return key->type == JINJA_INT || key->type == JINJA_BOOL;
}

/* object[key] where object is a container that knows such keys; NULL when it is not there. */
static int lookup_item(struct jinja_run *run, const struct jinja_value *object,
                       const struct jinja_value *key, int *ret_found, struct jinja_value *ret)
{
    *ret_found = 0;
    if (object->type == JINJA_DICT) {
        const struct jinja_value *value = jinja_dict_find(object->as.dict, key, &run->steps);
        *ret_found = value != NULL;
        if (value) *ret = *value;
        return 0;
    }
    const int is_list = object->type == JINJA_SEQ && object->as.seq->kind <= JINJA_RANGE;
    if (!is_index(key) || (!is_list && object->type != JINJA_STR)) return 0;
    int64_t i = jinja_to_int(key);
    const int64_t n = jinja_length(object);
    if (object->type == JINJA_STR) TRY(jinja_charge(run, object->text_len / 16));
    if (i < 0) i += n;
    if (i < 0 || i >= n) return 0;
    *ret_found = 1;
    if (is_list) {
        *ret = object->as.seq->items[i];
        return 0;
    }
    const struct str text = jinja_text_of(object);
    const size_t at = jinja_utf8_offset(text, (size_t)i);
    *ret = jinja_str((struct str){text.data + at, jinja_utf8_width(text.data[at])});
    ret->sub = object->sub; /* a part of what is safe is safe */
    return 0;
}

int jinja_getitem(struct jinja_run *run, const struct jinja_value *object,
                  const struct jinja_value *key, struct jinja_value *ret)
{
    int found = 0;
    TRY(jinja_charge(run, 1));
    if (object->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, object);
    struct jinja_value value = {0};
    TRY(lookup_item(run, object, key, &found, &value));
    if (!found && key->type == JINJA_STR) {
        TRY(lookup_attr(run, object, jinja_text_of(key), &found, &value));
    }
    if (!found && key->type == JINJA_STR) {
        make_undefined(object, JINJA_UNDEF_ATTR, jinja_text_of(key), &value);
    } else if (!found) {
        struct jinja_out out = {.arena = run->arena};
        TRY(jinja_print_repr(run, &out, key));
        make_undefined(object, JINJA_UNDEF_ELEMENT, jinja_out_text(&out), &value);
    }
    *ret = value;
    return 0;
}

/* Start, stop and step of Python's slice.indices(n), for bounds that are none or integers. */
static int slice_indices(struct jinja_run *run, const struct jinja_value bounds[3], int64_t n,
                         int64_t ret[3])
{
    const int64_t step = bounds[2].type == JINJA_NONE ? 1 : jinja_to_int(&bounds[2]);
    if (step == 0) return JINJA_FAIL(run, "slice step cannot be zero");
    const int64_t low = step < 0 ? -1 : 0;
    const int64_t high = step < 0 ? n - 1 : n;
    for (int i = 0; i < 2; i++) {
        const int is_first = (i == 0) == (step > 0);
        int64_t at = is_first ? low : high;
        if (bounds[i].type != JINJA_NONE) {
            at = jinja_to_int(&bounds[i]);
            if (at < 0) at = at < -n ? low : at + n;
            if (at > high) at = high;
        }
        ret[i] = at;
    }
    ret[2] = step;
    return 0;
}

/* How many indices start, start + step, ... lie before stop. */
static int64_t slice_count(const int64_t slice[3])
{
    const int64_t span = slice[2] > 0 ? slice[1] - slice[0] : slice[0] - slice[1];
    const uint64_t stride = slice[2] > 0 ? (uint64_t)slice[2] : 0 - (uint64_t)slice[2];
    if (span <= 0) return 0;
    return (int64_t)(((uint64_t)span - 1) / stride) + 1;
}

static int slice_seq(struct jinja_run *run, const struct jinja_seq *from, const int64_t slice[3],
                     struct jinja_value *ret)
{
    const int64_t n = slice_count(slice);
    TRY(jinja_charge(run, (uint64_t)n));
    struct jinja_seq *seq =
        jinja_seq_create(run->arena, (enum jinja_seq_kind)from->kind, (size_t)n);
    if (!seq) return NMOS_E_LIMIT;
    for (int64_t i = 0; i < n; i++) {
        seq->items[seq->n++] = from->items[slice[0] + i * slice[2]];
    }
    seq->start = from->start + slice[0] * from->step;
    seq->stop = from->start + slice[1] * from->step;
    if (n > 1 || (slice[2] < INT32_MAX && slice[2] > INT32_MIN)) seq->step = from->step * slice[2];
    *ret = jinja_seq(seq);
    return 0;
}

static int slice_text(struct jinja_run *run, struct str text, const int64_t slice[3],
                      struct jinja_value *ret)
{
    const int64_t n = slice_count(slice);
    TRY(jinja_charge(run, text.len / 16));
    if (slice[2] == 1 || n <= 1) { /* a view */
        const size_t start = n ? jinja_utf8_offset(text, (size_t)slice[0]) : 0;
        const struct str rest = {text.data + start, text.len - start};
        *ret = jinja_str((struct str){rest.data, jinja_utf8_offset(rest, (size_t)n)});
        return 0;
    }
    struct jinja_value all = jinja_str(text);
    struct jinja_seq *chars = NULL;
    TRY(jinja_iterate(run, &all, &chars));
    struct jinja_out out = {.arena = run->arena};
    for (int64_t i = 0; i < n; i++) {
        TRY(jinja_out_add(&out, jinja_text_of(&chars->items[slice[0] + i * slice[2]])));
    }
    *ret = jinja_str(jinja_out_text(&out));
    return 0;
}

int jinja_getslice(struct jinja_run *run, const struct jinja_value *object,
                   const struct jinja_value bounds[3], struct jinja_value *ret)
{
    int64_t slice[3] = {0};
    if (object->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, object);
    if (object->type != JINJA_STR &&
        (object->type != JINJA_SEQ || object->as.seq->kind > JINJA_RANGE)) {
        return JINJA_FAIL(run, "'%s' object cannot be sliced", jinja_type_name(object));
    }
    for (int i = 0; i < 3; i++) {
        if (bounds[i].type == JINJA_NONE || is_index(&bounds[i])) continue;
        return JINJA_FAIL(run, "slice indices must be integers or None, not %s",
                          jinja_type_name(&bounds[i]));
    }
    TRY(slice_indices(run, bounds, jinja_length(object), slice));
    if (object->type == JINJA_STR) {
        TRY(slice_text(run, jinja_text_of(object), slice, ret));
        ret->sub = object->sub;
        return 0;
    }
    return slice_seq(run, object->as.seq, slice, ret);
}
