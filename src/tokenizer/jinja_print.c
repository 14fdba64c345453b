/* SPDX-License-Identifier: MIT */
/* str() and repr() of every value, as Python writes them. */
#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

static int print_at(struct jinja_run *run, struct jinja_out *out, const struct jinja_value *value,
                    int depth);

/* Python quotes with ' unless the text holds one and no ". */
static int print_quoted(struct jinja_out *out, struct str text)
{
    const int has_single = jinja_text_find(text, STR_LIT("'"), 0) >= 0;
    const int has_double = jinja_text_find(text, STR_LIT("\""), 0) >= 0;
    const uint32_t quote = has_single && !has_double ? '"' : '\'';
    TRY(jinja_out_cp(out, quote));
    for (size_t i = 0; i < text.len; i += jinja_utf8_width(text.data[i])) {
        const uint32_t cp = jinja_utf8_get((struct str){text.data + i, text.len - i});
        if (cp == quote || cp == '\\') {
            TRY(jinja_out_printf(out, "\\%c", (char)cp));
        } else if (cp == '\n' || cp == '\r' || cp == '\t') {
            TRY(jinja_out_printf(out, "\\%c", cp == '\n' ? 'n' : cp == '\r' ? 'r' : 't'));
        } else if (jinja_cp_is_printable(cp)) {
            TRY(jinja_out_cp(out, cp));
        } else if (cp < 0x100) {
            TRY(jinja_out_printf(out, "\\x%02x", cp));
        } else if (cp < 0x10000) {
            TRY(jinja_out_printf(out, "\\u%04x", cp));
        } else {
            TRY(jinja_out_printf(out, "\\U%08x", cp));
        }
    }
    return jinja_out_cp(out, quote);
}

static int print_items(struct jinja_run *run, struct jinja_out *out, const struct jinja_seq *seq,
                       int depth)
{
    for (uint32_t i = 0; i < seq->n; i++) {
        if (i) TRY(jinja_out_add(out, STR_LIT(", ")));
        TRY(print_at(run, out, &seq->items[i], depth + 1));
    }
    return 0;
}

static int print_range(struct jinja_out *out, const struct jinja_seq *seq)
{
    if (seq->step == 1) {
        return jinja_out_printf(out, "range(%lld, %lld)", (long long)seq->start,
                                (long long)seq->stop);
    }
    return jinja_out_printf(out, "range(%lld, %lld, %lld)", (long long)seq->start,
                            (long long)seq->stop, (long long)seq->step);
}

static int print_seq(struct jinja_run *run, struct jinja_out *out, const struct jinja_seq *seq,
                     int depth)
{
    static const char *const open[] = {
        [JINJA_LIST] = "[",
        [JINJA_TUPLE] = "(",
        [JINJA_DICT_KEYS] = "dict_keys([",
        [JINJA_DICT_VALUES] = "dict_values([",
        [JINJA_DICT_ITEMS] = "dict_items([",
    };
    if (seq->kind == JINJA_RANGE) return print_range(out, seq);
    if (seq->kind == JINJA_ITERATOR) {
        return JINJA_FAIL(run, "the result of a lazy filter (map, select, ...) is printed; "
                               "its items come with | list");
    }
    TRY(jinja_out_add(out, str_from(open[seq->kind])));
    TRY(print_items(run, out, seq, depth));
    if (seq->kind == JINJA_LIST) return jinja_out_add(out, STR_LIT("]"));
    if (seq->kind != JINJA_TUPLE) return jinja_out_add(out, STR_LIT("])"));
    return jinja_out_add(out, seq->n == 1 ? STR_LIT(",)") : STR_LIT(")"));
}

static int print_dict(struct jinja_run *run, struct jinja_out *out, const struct jinja_dict *dict,
                      int depth)
{
    TRY(jinja_out_add(out, STR_LIT("{")));
    for (uint32_t i = 0; i < dict->n; i++) {
        if (i) TRY(jinja_out_add(out, STR_LIT(", ")));
        TRY(print_at(run, out, &dict->pairs[i].key, depth + 1));
        TRY(jinja_out_add(out, STR_LIT(": ")));
        TRY(print_at(run, out, &dict->pairs[i].value, depth + 1));
    }
    return jinja_out_add(out, STR_LIT("}"));
}

static int print_callable(struct jinja_out *out, const struct jinja_callable *callable)
{
    if (callable->builtin) {
        return jinja_out_printf(out, "<built-in function %s>", callable->builtin->name);
    }
    if (callable->macro->kind == NODE_CALL_BLOCK) {
        return jinja_out_add(out, STR_LIT("<Macro 'caller'>"));
    }
    TRY(jinja_out_add(out, STR_LIT("<Macro ")));
    TRY(print_quoted(out, callable->macro->text));
    return jinja_out_add(out, STR_LIT(">"));
}

/* repr(value) */
static int print_at(struct jinja_run *run, struct jinja_out *out, const struct jinja_value *value,
                    int depth)
{
    if (depth > JINJA_VALUE_DEPTH_MAX) {
        return jinja_fail(run, NMOS_E_LIMIT, "a value nested more than %d deep is printed",
                          JINJA_VALUE_DEPTH_MAX);
    }
    TRY(jinja_charge(run, 1));
    switch ((enum jinja_type)value->type) {
    case JINJA_UNDEFINED: return jinja_out_add(out, STR_LIT("Undefined"));
    case JINJA_NONE: return jinja_out_add(out, STR_LIT("None"));
    case JINJA_BOOL:
        return jinja_out_add(out, value->as.boolean ? STR_LIT("True") : STR_LIT("False"));
    case JINJA_INT: return jinja_out_printf(out, "%lld", (long long)value->as.integer);
    case JINJA_FLOAT: return jinja_out_float(out, value->as.real);
    case JINJA_STR:
        if (value->sub) TRY(jinja_out_add(out, STR_LIT("Markup(")));
        TRY(print_quoted(out, jinja_text_of(value)));
        return value->sub ? jinja_out_add(out, STR_LIT(")")) : 0;
    case JINJA_SEQ: return print_seq(run, out, value->as.seq, depth);
    case JINJA_DICT: return print_dict(run, out, value->as.dict, depth);
    case JINJA_NAMESPACE:
        TRY(jinja_out_add(out, STR_LIT("<Namespace ")));
        TRY(print_dict(run, out, value->as.dict, depth));
        return jinja_out_add(out, STR_LIT(">"));
    case JINJA_CALLABLE: return print_callable(out, value->as.callable);
    case JINJA_LOOP: return jinja_out_add(out, STR_LIT("<LoopContext>"));
    case JINJA_CYCLER: break;
    }
    return jinja_out_add(out, STR_LIT("<Cycler>"));
}

int jinja_print_repr(struct jinja_run *run, struct jinja_out *out, const struct jinja_value *value)
{
    return print_at(run, out, value, 0);
}

int jinja_print_str(struct jinja_run *run, struct jinja_out *out, const struct jinja_value *value)
{
    if (value->type == JINJA_UNDEFINED) return 0;
    if (value->type == JINJA_STR) return jinja_out_add(out, jinja_text_of(value));
    return print_at(run, out, value, 0);
}

int jinja_to_text(struct jinja_run *run, const struct jinja_value *value, struct str *ret)
{
    if (value->type == JINJA_STR) {
        *ret = jinja_text_of(value);
        return 0;
    }
    struct jinja_out out = {.arena = run->arena};
    TRY(jinja_print_str(run, &out, value));
    *ret = jinja_out_text(&out);
    return 0;
}
