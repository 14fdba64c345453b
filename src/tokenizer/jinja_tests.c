/* SPDX-License-Identifier: MIT */
/* The tests behind `is`, and the functions that templates can call by name. */
#include "tokenizer/jinja_run.h"
#include "tokenizer/jinja_text.h"

#define TEST(name)                                                                                 \
    static int name(struct jinja_run *run, const struct jinja_value *self,                         \
                    const struct jinja_args *args, struct jinja_value *ret)

enum question {
    IS_DEFINED,
    IS_NONE,
    IS_BOOLEAN,
    IS_TRUE,
    IS_FALSE,
    IS_INTEGER,
    IS_FLOAT,
    IS_NUMBER,
    IS_STRING,
    IS_MAPPING,
    IS_SEQUENCE,
    IS_ITERABLE,
    IS_CALLABLE,
    IS_ESCAPED,
};

static int answer(const struct jinja_value *v, enum question question)
{
    const int is_none_or_plain = v->type == JINJA_NONE || jinja_is_number(v);
    switch (question) {
    case IS_DEFINED: return v->type != JINJA_UNDEFINED;
    case IS_NONE: return v->type == JINJA_NONE;
    case IS_BOOLEAN: return v->type == JINJA_BOOL;
    case IS_TRUE: return v->type == JINJA_BOOL && v->as.boolean;
    case IS_FALSE: return v->type == JINJA_BOOL && !v->as.boolean;
    case IS_INTEGER: return v->type == JINJA_INT;
    case IS_FLOAT: return v->type == JINJA_FLOAT;
    case IS_NUMBER: return jinja_is_number(v);
    case IS_STRING: return v->type == JINJA_STR;
    case IS_MAPPING: return v->type == JINJA_DICT;
    case IS_SEQUENCE: /* has a length and brackets: dicts too */
        if (v->type == JINJA_SEQ) return v->as.seq->kind <= JINJA_RANGE;
        return v->type == JINJA_DICT || v->type == JINJA_STR || v->type == JINJA_UNDEFINED;
    case IS_ITERABLE:
        return !is_none_or_plain && v->type != JINJA_NAMESPACE && v->type != JINJA_CALLABLE &&
               v->type != JINJA_CYCLER;
    case IS_CALLABLE: /* Python finds a call operator in undefined values, too */
        return v->type == JINJA_CALLABLE || v->type == JINJA_LOOP || v->type == JINJA_UNDEFINED;
    case IS_ESCAPED: return v->type == JINJA_STR && v->sub;
    }
    return 0;
}

#define QUESTION_TEST(name, question)                                                              \
    TEST(name)                                                                                     \
    {                                                                                              \
        (void)run;                                                                                 \
        (void)args;                                                                                \
        *ret = jinja_bool(answer(self, question));                                                 \
        return 0;                                                                                  \
    }

QUESTION_TEST(test_defined, IS_DEFINED)
QUESTION_TEST(test_none, IS_NONE)
QUESTION_TEST(test_boolean, IS_BOOLEAN)
QUESTION_TEST(test_true, IS_TRUE)
QUESTION_TEST(test_false, IS_FALSE)
QUESTION_TEST(test_integer, IS_INTEGER)
QUESTION_TEST(test_float, IS_FLOAT)
QUESTION_TEST(test_number, IS_NUMBER)
QUESTION_TEST(test_string, IS_STRING)
QUESTION_TEST(test_mapping, IS_MAPPING)
QUESTION_TEST(test_sequence, IS_SEQUENCE)
QUESTION_TEST(test_iterable, IS_ITERABLE)
QUESTION_TEST(test_callable, IS_CALLABLE)
QUESTION_TEST(test_escaped, IS_ESCAPED)

TEST(test_undefined)
{
    (void)run;
    (void)args;
    *ret = jinja_bool(!answer(self, IS_DEFINED));
    return 0;
}

TEST(test_divisibleby)
{
    struct jinja_value rest = {0};
    const struct jinja_value zero = jinja_int(0);
    TRY(jinja_binary(run, JINJA_OP_MOD, self, &args->pos[0], &rest));
    *ret = jinja_bool(jinja_equal(&rest, &zero, &run->steps));
    return 0;
}

static int test_parity(struct jinja_run *run, const struct jinja_value *self, int64_t rest,
                       struct jinja_value *ret)
{
    struct jinja_value got = {0};
    const struct jinja_value two = jinja_int(2);
    const struct jinja_value want = jinja_int(rest);
    TRY(jinja_binary(run, JINJA_OP_MOD, self, &two, &got));
    *ret = jinja_bool(jinja_equal(&got, &want, &run->steps));
    return 0;
}

TEST(test_odd)
{
    (void)args;
    return test_parity(run, self, 1, ret);
}

TEST(test_even)
{
    (void)args;
    return test_parity(run, self, 0, ret);
}

TEST(test_eq)
{
    *ret = jinja_bool(jinja_equal(self, &args->pos[0], &run->steps));
    return jinja_charge(run, 1);
}

TEST(test_ne)
{
    *ret = jinja_bool(!jinja_equal(self, &args->pos[0], &run->steps));
    return jinja_charge(run, 1);
}

#define ORDER_TEST(name, op, condition)                                                            \
    TEST(name)                                                                                     \
    {                                                                                              \
        int sign = 0;                                                                              \
        TRY(jinja_compare(run, self, &args->pos[0], op, &sign));                                   \
        *ret = jinja_bool(condition);                                                              \
        return 0;                                                                                  \
    }

ORDER_TEST(test_lt, "<", sign == -1)
ORDER_TEST(test_le, "<=", sign == -1 || sign == 0)
ORDER_TEST(test_gt, ">", sign == 1)
ORDER_TEST(test_ge, ">=", sign == 1 || sign == 0)

TEST(test_in)
{
    int yes = 0;
    TRY(jinja_contains(run, &args->pos[0], self, &yes));
    *ret = jinja_bool(yes);
    return 0;
}

/* Identity: small values are the same object when they are equal and of one type; others when they
 * share storage. */
TEST(test_sameas)
{
    const struct jinja_value *other = &args->pos[0];
    int is_same = self->type == other->type;
    if (is_same && (self->type == JINJA_SEQ || self->type == JINJA_DICT)) {
        is_same = self->as.seq == other->as.seq;
    } else if (is_same) {
        is_same = jinja_equal(self, other, &run->steps);
    }
    *ret = jinja_bool(is_same);
    return jinja_charge(run, 1);
}

/* Whether the text has letters with a case and all of them are in the one given. */
static int test_case(struct jinja_run *run, const struct jinja_value *self, enum jinja_case to,
                     struct jinja_value *ret)
{
    struct str text = {0};
    TRY(jinja_to_text(run, self, &text));
    TRY(jinja_charge(run, text.len));
    int is_any = 0;
    int is_all = 1;
    for (size_t i = 0; i < text.len; i += jinja_utf8_width(text.data[i])) {
        const uint32_t cp = jinja_utf8_get((struct str){text.data + i, text.len - i});
        if (!jinja_cp_is_cased(cp)) continue;
        uint32_t image[3];
        is_any = 1;
        is_all &= jinja_cp_to_case(cp, to, image) == 1 && image[0] == cp;
    }
    *ret = jinja_bool(is_any && is_all);
    return 0;
}

TEST(test_lower)
{
    (void)args;
    return test_case(run, self, JINJA_CASE_LOWER, ret);
}

TEST(test_upper)
{
    (void)args;
    return test_case(run, self, JINJA_CASE_UPPER, ret);
}

TEST(test_filter)
{
    (void)args;
    static const struct jinja_builtin *const tables[] = {jinja_text_filters, jinja_seq_filters,
                                                         jinja_pick_filters, jinja_number_filters};
    int found = 0;
    for (int i = 0; i < 4 && self->type == JINJA_STR; i++) {
        found |= jinja_builtin_find(tables[i], jinja_text_of(self)) != NULL;
    }
    *ret = jinja_bool(found);
    return jinja_charge(run, 1);
}

TEST(test_test)
{
    (void)args;
    const int is_text = self->type == JINJA_STR;
    *ret = jinja_bool(is_text && jinja_builtin_find(jinja_tests, jinja_text_of(self)) != NULL);
    return jinja_charge(run, 1);
}

const struct jinja_builtin jinja_tests[] = {
    {"defined", "", test_defined},
    {"undefined", "", test_undefined},
    {"none", "", test_none},
    {"boolean", "", test_boolean},
    {"true", "", test_true},
    {"false", "", test_false},
    {"integer", "", test_integer},
    {"float", "", test_float},
    {"number", "", test_number},
    {"string", "", test_string},
    {"mapping", "", test_mapping},
    {"sequence", "", test_sequence},
    {"iterable", "", test_iterable},
    {"callable", "", test_callable},
    {"escaped", "", test_escaped},
    {"divisibleby", "num!", test_divisibleby},
    {"odd", "", test_odd},
    {"even", "", test_even},
    {"eq", "other!", test_eq},
    {"equalto", "other!", test_eq},
    {"==", "other!", test_eq},
    {"ne", "other!", test_ne},
    {"!=", "other!", test_ne},
    {"lt", "other!", test_lt},
    {"lessthan", "other!", test_lt},
    {"<", "other!", test_lt},
    {"le", "other!", test_le},
    {"<=", "other!", test_le},
    {"gt", "other!", test_gt},
    {"greaterthan", "other!", test_gt},
    {">", "other!", test_gt},
    {"ge", "other!", test_ge},
    {">=", "other!", test_ge},
    {"in", "seq!", test_in},
    {"sameas", "other!", test_sameas},
    {"lower", "", test_lower},
    {"upper", "", test_upper},
    {"filter", "", test_filter},
    {"test", "", test_test},
    {NULL, NULL, NULL},
};
