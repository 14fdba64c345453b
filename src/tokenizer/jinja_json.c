/* SPDX-License-Identifier: MIT */
/*
 * json.dumps() as transformers calls it for tojson: insertion order, no escaping beyond what JSON
 * asks for, Python's separators and numbers.
 */
#include <math.h>

#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

static int print_at(struct jinja_run *run, struct jinja_out *out, const struct jinja_value *value,
                    const struct jinja_json_style *style, int depth);

static int print_escaped(struct jinja_out *out, uint32_t cp)
{
    static const char from[] = "\"\\\n\r\t\f\b";
    static const char to[] = "\"\\nrtfb";
    const char *simple = cp > 0 && cp < 0x80 ? strchr(from, (int)cp) : NULL;
    if (simple) return jinja_out_printf(out, "\\%c", to[simple - from]);
    if (cp < 0x10000) return jinja_out_printf(out, "\\u%04x", cp);
    const uint32_t high = 0xd800U + ((cp - 0x10000U) >> 10);
    const uint32_t low = 0xdc00U + ((cp - 0x10000U) & 0x3ffU);
    return jinja_out_printf(out, "\\u%04x\\u%04x", high, low);
}

static int print_string(struct jinja_out *out, struct str text, int is_ascii)
{
    TRY(jinja_out_cp(out, '"'));
    size_t start = 0; /* of what goes out unchanged */
    for (size_t i = 0; i < text.len;) {
        const size_t width = jinja_utf8_width(text.data[i]);
        const uint32_t cp = jinja_utf8_get((struct str){text.data + i, width});
        if (cp < 0x20 || cp == '"' || cp == '\\' || (is_ascii && cp > 0x7f)) {
            TRY(jinja_out_add(out, (struct str){text.data + start, i - start}));
            TRY(print_escaped(out, cp));
            start = i + width;
        }
        i += width;
    }
    TRY(jinja_out_add(out, (struct str){text.data + start, text.len - start}));
    return jinja_out_cp(out, '"');
}

static int print_number(struct jinja_out *out, const struct jinja_value *value)
{
    if (value->type == JINJA_INT)
        return jinja_out_printf(out, "%lld", (long long)value->as.integer);
    if (isnan(value->as.real)) return jinja_out_add(out, STR_LIT("NaN"));
    if (!isinf(value->as.real)) return jinja_out_float(out, value->as.real);
    return jinja_out_add(out, value->as.real < 0 ? STR_LIT("-Infinity") : STR_LIT("Infinity"));
}

static int start_line(struct jinja_out *out, const struct jinja_json_style *style, int depth)
{
    if (!style->indent.data) return 0;
    TRY(jinja_out_cp(out, '\n'));
    for (int i = 0; i < depth; i++) TRY(jinja_out_add(out, style->indent));
    return 0;
}

static int print_seq(struct jinja_run *run, struct jinja_out *out, const struct jinja_seq *seq,
                     const struct jinja_json_style *style, int depth)
{
    if (seq->n == 0) return jinja_out_add(out, STR_LIT("[]"));
    TRY(jinja_out_cp(out, '['));
    for (uint32_t i = 0; i < seq->n; i++) {
        if (i) TRY(jinja_out_add(out, style->item_separator));
        TRY(start_line(out, style, depth + 1));
        TRY(print_at(run, out, &seq->items[i], style, depth + 1));
    }
    TRY(start_line(out, style, depth));
    return jinja_out_cp(out, ']');
}

/* Keys of other types become the text that JSON would have for them. */
static int print_key(struct jinja_run *run, struct jinja_out *out, const struct jinja_value *key,
                     const struct jinja_json_style *style)
{
    if (key->type == JINJA_STR) return print_string(out, jinja_text_of(key), style->is_ascii);
    if (!jinja_is_number(key) && key->type != JINJA_NONE) {
        return JINJA_FAIL(run, "keys must be str, int, float, bool or None, not %s",
                          jinja_type_name(key));
    }
    TRY(jinja_out_cp(out, '"'));
    TRY(print_at(run, out, key, style, 0));
    return jinja_out_cp(out, '"');
}

/* Order of the pairs when keys are sorted: a stable insertion sort over indices, charged as work.
 */
static int sort_pairs(struct jinja_run *run, const struct jinja_dict *dict, uint32_t *order)
{
    for (uint32_t i = 0; i < dict->n; i++) {
        uint32_t k = i;
        while (k > 0) {
            int sign = 0;
            TRY(jinja_charge(run, 1));
            TRY(jinja_compare(run, &dict->pairs[i].key, &dict->pairs[order[k - 1]].key, "<",
                              &sign));
            if (sign >= 0) break;
            order[k] = order[k - 1];
            k--;
        }
        order[k] = i;
    }
    return 0;
}

static int print_dict(struct jinja_run *run, struct jinja_out *out, const struct jinja_dict *dict,
                      const struct jinja_json_style *style, int depth)
{
    if (dict->n == 0) return jinja_out_add(out, STR_LIT("{}"));
    uint32_t *order = NULL;
    if (style->is_sorted) {
        order = jinja_arena_array(run->arena, dict->n, sizeof(*order));
        if (!order) return NMOS_E_LIMIT;
        TRY(sort_pairs(run, dict, order));
    }
    TRY(jinja_out_cp(out, '{'));
    for (uint32_t i = 0; i < dict->n; i++) {
        const struct jinja_pair *pair = &dict->pairs[order ? order[i] : i];
        if (i) TRY(jinja_out_add(out, style->item_separator));
        TRY(start_line(out, style, depth + 1));
        TRY(print_key(run, out, &pair->key, style));
        TRY(jinja_out_add(out, style->key_separator));
        TRY(print_at(run, out, &pair->value, style, depth + 1));
    }
    TRY(start_line(out, style, depth));
    return jinja_out_cp(out, '}');
}

static int print_at(struct jinja_run *run, struct jinja_out *out, const struct jinja_value *value,
                    const struct jinja_json_style *style, int depth)
{
    if (depth > JINJA_VALUE_DEPTH_MAX) {
        return jinja_fail(run, NMOS_E_LIMIT, "tojson of a value nested more than %d deep",
                          JINJA_VALUE_DEPTH_MAX);
    }
    TRY(jinja_charge(run, 1));
    switch ((enum jinja_type)value->type) {
    case JINJA_NONE: return jinja_out_add(out, STR_LIT("null"));
    case JINJA_BOOL:
        return jinja_out_add(out, value->as.boolean ? STR_LIT("true") : STR_LIT("false"));
    case JINJA_INT:
    case JINJA_FLOAT: return print_number(out, value);
    case JINJA_STR: return print_string(out, jinja_text_of(value), style->is_ascii);
    case JINJA_DICT: return print_dict(run, out, value->as.dict, style, depth);
    case JINJA_SEQ:
        if (value->as.seq->kind != JINJA_LIST && value->as.seq->kind != JINJA_TUPLE) break;
        return print_seq(run, out, value->as.seq, style, depth);
    case JINJA_UNDEFINED:
    case JINJA_NAMESPACE:
    case JINJA_CALLABLE:
    case JINJA_LOOP:
    case JINJA_CYCLER: break;
    }
    return JINJA_FAIL(run, "Object of type %s is not JSON serializable", jinja_type_name(value));
}

int jinja_print_json(struct jinja_run *run, struct jinja_out *out, const struct jinja_value *value,
                     const struct jinja_json_style *style)
{
    return print_at(run, out, value, style, 0);
}
