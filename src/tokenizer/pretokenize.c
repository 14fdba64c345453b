/* SPDX-License-Identifier: MIT */
#include "tokenizer/pretokenize.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/mem.h"

static int name_in_list(const char *list, struct str name)
{
    while (*list) {
        const size_t len = strcspn(list, ",");
        if (str_equal((struct str){list, len}, name)) return 1;
        list += len + (list[len] == ',');
    }
    return 0;
}

int pretokenize_find_rule(struct str name, const struct pretokenize_rule **ret_rule)
{
    for (const struct pretokenize_rule *rule = pretokenize_rules; rule->names; rule++) {
        if (!name_in_list(rule->names, name)) continue;
        *ret_rule = rule;
        return 0;
    }
    struct buf known = {0};
    int rc = 0;
    for (const struct pretokenize_rule *rule = pretokenize_rules; rule->names && rc == 0; rule++) {
        rc = buf_printf(&known, "%s%s", known.len ? "," : "", rule->names);
    }
    if (rc == 0) {
        rc = FAIL(NMOS_E_UNSUPPORTED,
                  "the pre-tokenizer '%.*s' (tokenizer.ggml.pre) is not known; update nmos or set "
                  "it to the "
                  "one its text is cut like: %s",
                  STR_ARG(name), known.data);
    }
    buf_deinit(&known);
    return rc;
}

/*
 * PCRE2's \s holds U+180E, which lost the property White_Space in Unicode 6.3; the engines that
 * models were trained with follow the property. So \s becomes \p{White_Space}, inside and outside
 * of [].
 */
static int rewrite_spaces(const char *pattern, struct buf *ret_text)
{
    for (const char *c = pattern; *c; c++) {
        if (c[0] != '\\' || !c[1]) {
            TRY(buf_append(ret_text, c, 1));
            continue;
        }
        if (c[1] == 's' || c[1] == 'S') {
            TRY(buf_printf(ret_text, "\\%c{White_Space}", c[1] == 's' ? 'p' : 'P'));
        } else {
            TRY(buf_append(ret_text, c, 2));
        }
        c++;
    }
    return 0;
}

static int compile_stage(struct pretokenizer *pre, const char *pattern)
{
    struct buf text = {0};
    int rc = rewrite_spaces(pattern, &text);
    if (rc < 0) goto out;
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *stage =
        pcre2_compile((PCRE2_SPTR)text.data, text.len, PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
    if (!stage) {
        char why[120] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
        rc = FAIL(NMOS_E_UNSUPPORTED,
                  "PCRE2 cannot compile the pattern of pre-tokenizer %s at %zu: %s",
                  pre->rule->names, (size_t)at, why);
        goto out;
    }
    pre->has_jit &= pcre2_jit_compile(stage, PCRE2_JIT_COMPLETE) == 0;
    pre->stages[pre->n_stages++] = stage;
out:
    buf_deinit(&text);
    return rc;
}

int pretokenizer_init(struct pretokenizer *pre, const struct pretokenize_rule *rule)
{
    *pre = (struct pretokenizer){.rule = rule, .has_jit = 1};
    for (int i = 0; i < PRETOKENIZE_STAGES_MAX && rule->patterns[i]; i++) {
        const int rc = compile_stage(pre, rule->patterns[i]);
        if (rc == 0) continue;
        pretokenizer_deinit(pre);
        return rc;
    }
    return 0;
}

void pretokenizer_deinit(struct pretokenizer *pre)
{
    for (int i = 0; i < pre->n_stages; i++) pcre2_code_free(pre->stages[i]);
    *pre = (struct pretokenizer){0};
}

/* No limit on the steps of a match: each pattern of the table is linear, and a run of a million
 * spaces is text like any other. */
int pretokenize_work_init(struct pretokenize_work *work)
{
    work->match = pcre2_match_data_create(1, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    work->limits = limits;
    if (!work->match || !limits) {
        pretokenize_work_deinit(work);
        return FAIL(NMOS_E_NOMEM, "no memory for the pattern matcher of the tokenizer");
    }
    pcre2_set_match_limit(limits, UINT32_MAX);
    return 0;
}

void pretokenize_work_deinit(struct pretokenize_work *work)
{
    pcre2_match_data_free(work->match);
    pcre2_match_context_free(work->limits);
    *work = (struct pretokenize_work){0};
}

/* What stays the same while one text is cut. */
struct cutting {
    const struct pretokenizer *pre;
    struct pretokenize_work *work;
    int n_stages; /* patterns to apply */
    pretokenize_fn emit;
    void *arg;
};

/* 1 and the match in [*from, *to); 0: none; negative: failure. An empty match counts as none. */
static int next_match(const struct cutting *cut, int stage, struct str text, size_t *from,
                      size_t *to)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)text.data;
    const pcre2_code *code = cut->pre->stages[stage];
    const int rc =
        cut->pre->has_jit
            ? pcre2_jit_match(code, subject, text.len, *from, PCRE2_NOTEMPTY, cut->work->match,
                              cut->work->limits)
            : pcre2_match(code, subject, text.len, *from, PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK,
                          cut->work->match, cut->work->limits);
    if (rc == PCRE2_ERROR_NOMATCH) return 0;
    if (rc < 0) {
        char why[120] = "";
        pcre2_get_error_message(rc, (PCRE2_UCHAR *)why, sizeof(why));
        return FAIL(NMOS_E_LIMIT, "pattern %d of pre-tokenizer %s fails on %zu bytes of text: %s",
                    stage + 1, cut->pre->rule->names, text.len, why);
    }
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(cut->work->match);
    *from = span[0];
    *to = span[1];
    return 1;
}

/* The depth of the recursion is the number of patterns. */
static int cut_stage(const struct cutting *cut, int stage, struct str text)
{
    if (text.len == 0) return 0;
    if (stage == cut->n_stages) return cut->emit(cut->arg, text);
    size_t done = 0;
    while (done < text.len) {
        size_t from = done;
        size_t to = text.len;
        const int found = next_match(cut, stage, text, &from, &to);
        if (found < 0) return found;
        if (!found) from = text.len;
        TRY(cut_stage(cut, stage + 1, (struct str){text.data + done, from - done}));
        if (!found) break;
        TRY(cut_stage(cut, stage + 1, (struct str){text.data + from, to - from}));
        done = to;
    }
    return 0;
}

int pretokenize(const struct pretokenizer *pre, struct pretokenize_work *work, int from, int to,
                struct str text, pretokenize_fn emit, void *arg)
{
    const struct cutting cut = {pre, work, to, emit, arg};
    return cut_stage(&cut, from, text);
}
