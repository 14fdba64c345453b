/* SPDX-License-Identifier: MIT */
/*
 * Operators with Python's rules: floor division and modulo round towards minus infinity, / always
 * gives a float, text and lists add and repeat, chains of unlike types fail. Integers have 64 bits;
 * what does not fit is refused, never wrapped.
 */
#include <assert.h>
#include <math.h>

#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

static const char *const op_names[] = {
    "+", "-", "*", "/", "//", "%", "** or pow()", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};

static int fail_types(struct jinja_run *run, enum jinja_op op, const struct jinja_value *a,
                      const struct jinja_value *b)
{
    if (a->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, a);
    if (b->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, b);
    const int is_list = jinja_is_seq(a, JINJA_LIST) || jinja_is_seq(a, JINJA_TUPLE);
    if (op == JINJA_OP_ADD && (a->type == JINJA_STR || is_list)) {
        return JINJA_FAIL(run, "can only concatenate %s (not \"%s\") to %s", jinja_type_name(a),
                          jinja_type_name(b), jinja_type_name(a));
    }
    return JINJA_FAIL(run, "unsupported operand type(s) for %s: '%s' and '%s'", op_names[op],
                      jinja_type_name(a), jinja_type_name(b));
}

static int fail_overflow(struct jinja_run *run)
{
    return jinja_fail(run, NMOS_E_LIMIT, "an integer does not fit in 64 bits");
}

static int int_power(struct jinja_run *run, int64_t base, int64_t exponent, struct jinja_value *ret)
{
    if (exponent < 0) {
        if (base == 0) {
            return JINJA_FAIL(run, "0.0 cannot be raised to a negative power");
        }
        *ret = jinja_float(pow((double)base, (double)exponent));
        return 0;
    }
    int64_t result = 1;
    if (base == 0 || base == 1) exponent = exponent > 0;
    if (base == -1) exponent &= 1;
    for (; exponent > 0; exponent--) {
        if (__builtin_mul_overflow(result, base, &result)) return fail_overflow(run);
    }
    *ret = jinja_int(result);
    return 0;
}

static int int_binary(struct jinja_run *run, enum jinja_op op, int64_t a, int64_t b,
                      struct jinja_value *ret)
{
    int64_t result = 0;
    int overflow = 0;
    if (op == JINJA_OP_ADD) {
        overflow = __builtin_add_overflow(a, b, &result);
    } else if (op == JINJA_OP_SUB) {
        overflow = __builtin_sub_overflow(a, b, &result);
    } else if (op == JINJA_OP_MUL) {
        overflow = __builtin_mul_overflow(a, b, &result);
    } else if (op == JINJA_OP_POW) {
        return int_power(run, a, b, ret);
    } else if (b == 0) {
        return JINJA_FAIL(run, op == JINJA_OP_DIV ? "division by zero"
                                                  : "integer division or modulo by zero");
    } else if (op == JINJA_OP_DIV) {
        *ret = jinja_float((double)a / (double)b);
        return 0;
    } else if (b == -1) { /* INT64_MIN / -1 is what hardware cannot do */
        if (op == JINJA_OP_FLOORDIV) overflow = __builtin_sub_overflow(0, a, &result);
    } else {
        const int64_t rest = a % b;
        const int is_off = rest != 0 && (rest < 0) != (b < 0);
        result = op == JINJA_OP_MOD ? rest + (is_off ? b : 0) : a / b - is_off;
    }
    if (overflow) return fail_overflow(run);
    *ret = jinja_int(result);
    return 0;
}

static int real_binary(struct jinja_run *run, enum jinja_op op, double a, double b,
                       struct jinja_value *ret)
{
    double result = 0;
    if ((op == JINJA_OP_DIV || op == JINJA_OP_FLOORDIV || op == JINJA_OP_MOD) && b == 0) {
        return JINJA_FAIL(run, op == JINJA_OP_DIV        ? "float division by zero"
                               : op == JINJA_OP_FLOORDIV ? "float floor division by zero"
                                                         : "float modulo");
    }
    double rest = op == JINJA_OP_MOD || op == JINJA_OP_FLOORDIV ? fmod(a, b) : 0;
    const int is_off = rest != 0 && (rest < 0) != (b < 0);
    if (op == JINJA_OP_ADD) result = a + b;
    if (op == JINJA_OP_SUB) result = a - b;
    if (op == JINJA_OP_MUL) result = a * b;
    if (op == JINJA_OP_DIV) result = a / b;
    if (op == JINJA_OP_MOD) result = is_off ? rest + b : rest == 0 ? copysign(0.0, b) : rest;
    if (op == JINJA_OP_FLOORDIV) {
        const double quotient = (a - rest) / b - is_off;
        result = floor(quotient);
        if (quotient - result > 0.5)
            result += 1.0; /* as CPython: quotient is whole but for rounding */
        if (quotient == 0) result = copysign(0.0, a / b);
    }
    if (op == JINJA_OP_POW) {
        if (a == 0 && b < 0) {
            return JINJA_FAIL(run, "0.0 cannot be raised to a negative power");
        }
        result = pow(a, b);
        if (isnan(result) && !isnan(a) && !isnan(b)) {
            return jinja_fail(run, NMOS_E_UNSUPPORTED, "complex numbers are not supported");
        }
        if (isinf(result) && !isinf(a) && !isinf(b)) {
            return JINJA_FAIL(run, "(34, 'Numerical result out of range')");
        }
    }
    *ret = jinja_float(result);
    return 0;
}

/*
 * a + b as text. Room is left behind each sum, and the latest sums are remembered: one that is
 * added to again grows in place, so a template that gathers a conversation in one text takes linear
 * time and memory. Nobody who holds a view of the sum sees what is written behind it.
 */
static int add_texts(struct jinja_run *run, struct str a, struct str b, struct jinja_value *ret)
{
    struct jinja_sum *sum = NULL;
    for (int i = 0; i < JINJA_SUMS; i++) {
        const int is_it = a.len > 0 && run->sums[i].end == a.data + a.len;
        if (is_it && run->sums[i].room >= b.len) sum = &run->sums[i];
    }
    TRY(jinja_charge(run, ((sum ? 0 : a.len) + b.len) / 64));
    if (!sum) {
        const size_t n = a.len + b.len;
        const size_t room = n < 256 ? 0 : n / 2;
        char *text = jinja_arena_text(run->arena, n + room);
        if (!text) return NMOS_E_LIMIT;
        if (a.len) memcpy(text, a.data, a.len);
        sum = &run->sums[run->n_sums++ % JINJA_SUMS];
        *sum = (struct jinja_sum){text + a.len, b.len + room};
        a.data = text;
    }
    if (b.len) memcpy(sum->end, b.data, b.len);
    sum->end += b.len;
    sum->room -= b.len;
    *ret = jinja_str((struct str){a.data, a.len + b.len});
    return 0;
}

/* str + str. Text marked safe stays so, and the other side is escaped to join it. */
static int add_strs(struct jinja_run *run, const struct jinja_value *a, const struct jinja_value *b,
                    struct jinja_value *ret)
{
    const int is_safe = a->sub || b->sub;
    struct jinja_value left = *a;
    struct jinja_value right = *b;
    const struct jinja_args none = {0};
    if (is_safe && !a->sub) TRY(jinja_call_filter(run, STR_LIT("escape"), a, &none, &left));
    if (is_safe && !b->sub) TRY(jinja_call_filter(run, STR_LIT("escape"), b, &none, &right));
    TRY(add_texts(run, jinja_text_of(&left), jinja_text_of(&right), ret));
    ret->sub = (uint8_t)is_safe;
    return 0;
}

static int add_seqs(struct jinja_run *run, const struct jinja_seq *a, const struct jinja_seq *b,
                    struct jinja_value *ret)
{
    const size_t n = (size_t)a->n + b->n;
    TRY(jinja_charge(run, n));
    struct jinja_seq *seq = jinja_seq_create(run->arena, (enum jinja_seq_kind)a->kind, n);
    if (!seq) return NMOS_E_LIMIT;
    if (a->n) memcpy(seq->items, a->items, a->n * sizeof(*a->items));
    if (b->n) memcpy(seq->items + a->n, b->items, b->n * sizeof(*b->items));
    seq->n = (uint32_t)n;
    *ret = jinja_seq(seq);
    return 0;
}

/* text * n and list * n */
static int repeat(struct jinja_run *run, const struct jinja_value *what, int64_t times,
                  struct jinja_value *ret)
{
    if (times < 0) times = 0;
    const size_t unit = what->type == JINJA_STR ? what->text_len : what->as.seq->n;
    size_t total = 0;
    if (__builtin_mul_overflow(unit, (size_t)times, &total)) total = SIZE_MAX / 64;
    TRY(jinja_charge(run, what->type == JINJA_STR ? total / 64 : total));
    if (unit == 0) times = 0;
    if (what->type == JINJA_STR) {
        char *text = jinja_arena_text(run->arena, total);
        if (!text) return NMOS_E_LIMIT;
        for (size_t i = 0; i < (size_t)times; i++) memcpy(text + i * unit, what->as.text, unit);
        *ret = jinja_str((struct str){text, total});
        ret->sub = what->sub;
        return 0;
    }
    const struct jinja_seq *from = what->as.seq;
    struct jinja_seq *seq = jinja_seq_create(run->arena, (enum jinja_seq_kind)from->kind, total);
    if (!seq) return NMOS_E_LIMIT;
    assert(unit || total == 0);
    for (size_t i = 0; i < total; i++) seq->items[i] = from->items[i % unit];
    seq->n = (uint32_t)total;
    *ret = jinja_seq(seq);
    return 0;
}

static int is_repeatable(const struct jinja_value *v)
{
    return v->type == JINJA_STR || jinja_is_seq(v, JINJA_LIST) || jinja_is_seq(v, JINJA_TUPLE);
}

static int is_integer(const struct jinja_value *v)
{
    return v->type == JINJA_INT || v->type == JINJA_BOOL;
}

int jinja_binary(struct jinja_run *run, enum jinja_op op, const struct jinja_value *a,
                 const struct jinja_value *b, struct jinja_value *ret)
{
    if (is_integer(a) && is_integer(b)) {
        return int_binary(run, op, jinja_to_int(a), jinja_to_int(b), ret);
    }
    if (jinja_is_number(a) && jinja_is_number(b)) {
        return real_binary(run, op, jinja_to_real(a), jinja_to_real(b), ret);
    }
    if (op == JINJA_OP_MOD && a->type == JINJA_STR) {
        return jinja_format_percent(run, jinja_text_of(a), b, ret);
    }
    if (op == JINJA_OP_ADD && a->type == JINJA_STR && b->type == JINJA_STR) {
        return add_strs(run, a, b, ret);
    }
    if (op == JINJA_OP_ADD && is_repeatable(a) && a->type == JINJA_SEQ && b->type == JINJA_SEQ &&
        a->as.seq->kind == b->as.seq->kind) {
        return add_seqs(run, a->as.seq, b->as.seq, ret);
    }
    if (op == JINJA_OP_MUL && is_repeatable(a) && is_integer(b)) {
        return repeat(run, a, jinja_to_int(b), ret);
    }
    if (op == JINJA_OP_MUL && is_integer(a) && is_repeatable(b)) {
        return repeat(run, b, jinja_to_int(a), ret);
    }
    return fail_types(run, op, a, b);
}

static int compare_texts(struct str a, struct str b)
{
    /* The order of UTF-8 bytes is that of code points. */
    const size_t n = a.len < b.len ? a.len : b.len;
    const int order = n ? memcmp(a.data, b.data, n) : 0;
    if (order) return order < 0 ? -1 : 1;
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_at(struct jinja_run *run, const struct jinja_value *a,
                      const struct jinja_value *b, const char *op, int depth, int *ret);

static int compare_seqs(struct jinja_run *run, const struct jinja_seq *a, const struct jinja_seq *b,
                        const char *op, int depth, int *ret)
{
    for (uint32_t i = 0; i < a->n && i < b->n; i++) {
        if (jinja_equal(&a->items[i], &b->items[i], &run->steps)) continue;
        return compare_at(run, &a->items[i], &b->items[i], op, depth + 1, ret);
    }
    *ret = a->n < b->n ? -1 : a->n > b->n;
    return 0;
}

static int compare_at(struct jinja_run *run, const struct jinja_value *a,
                      const struct jinja_value *b, const char *op, int depth, int *ret)
{
    TRY(jinja_charge(run, 1));
    if (depth > JINJA_VALUE_DEPTH_MAX) {
        return jinja_fail(run, NMOS_E_LIMIT, "values nested more than %d deep are compared",
                          JINJA_VALUE_DEPTH_MAX);
    }
    if (is_integer(a) && is_integer(b)) {
        const int64_t x = jinja_to_int(a);
        const int64_t y = jinja_to_int(b);
        *ret = x < y ? -1 : x > y;
        return 0;
    }
    if (jinja_is_number(a) && jinja_is_number(b)) {
        const double x = jinja_to_real(a);
        const double y = jinja_to_real(b);
        *ret = x < y ? -1 : x > y ? 1 : x == y ? 0 : 2; /* 2: not a number, no order */
        return 0;
    }
    if (a->type == JINJA_STR && b->type == JINJA_STR) {
        TRY(jinja_charge(run, a->text_len / 64));
        *ret = compare_texts(jinja_text_of(a), jinja_text_of(b));
        return 0;
    }
    if (a->type == JINJA_SEQ && b->type == JINJA_SEQ && a->as.seq->kind == b->as.seq->kind &&
        is_repeatable(a)) {
        return compare_seqs(run, a->as.seq, b->as.seq, op, depth, ret);
    }
    if (a->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, a);
    if (b->type == JINJA_UNDEFINED) return jinja_fail_undefined(run, b);
    return JINJA_FAIL(run, "'%s' not supported between instances of '%s' and '%s'", op,
                      jinja_type_name(a), jinja_type_name(b));
}

int jinja_compare(struct jinja_run *run, const struct jinja_value *a, const struct jinja_value *b,
                  const char *op, int *ret)
{
    return compare_at(run, a, b, op, 0, ret);
}

int jinja_contains(struct jinja_run *run, const struct jinja_value *container,
                   const struct jinja_value *item, int *ret)
{
    if (container->type == JINJA_STR) {
        if (item->type != JINJA_STR) {
            return JINJA_FAIL(run, "'in <string>' requires string as left operand, not %s",
                              jinja_type_name(item));
        }
        TRY(jinja_charge(run, container->text_len / 8));
        *ret = jinja_text_find(jinja_text_of(container), jinja_text_of(item), 0) >= 0;
        return 0;
    }
    if (container->type == JINJA_DICT) {
        *ret = jinja_dict_find(container->as.dict, item, &run->steps) != NULL;
        return jinja_charge(run, 1);
    }
    if (container->type != JINJA_SEQ && container->type != JINJA_UNDEFINED) {
        return JINJA_FAIL(run, "argument of type '%s' is not iterable", jinja_type_name(container));
    }
    struct jinja_seq *seq = NULL;
    TRY(jinja_iterate(run, container, &seq));
    *ret = 0;
    for (uint32_t i = 0; i < seq->n && !*ret; i++) {
        *ret = jinja_equal(&seq->items[i], item, &run->steps);
    }
    return jinja_charge(run, 1);
}
