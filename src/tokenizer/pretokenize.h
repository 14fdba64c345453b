/* SPDX-License-Identifier: MIT */
/*
 * Cuts text into words by the patterns that tokenizer.ggml.pre names.
 *
 * A row of the table is a name, one to six patterns and two habits. The patterns are applied one
 * after another: each cuts the pieces that those before it left, a match and a gap between matches
 * being pieces alike. PCRE2 with its JIT runs them, on valid UTF-8 only.
 */
#ifndef NMOS_TOKENIZER_PRETOKENIZE_H
#define NMOS_TOKENIZER_PRETOKENIZE_H

#include "base/error.h"
#include "base/str.h"

#define PRETOKENIZE_STAGES_MAX 6

/** One row of the table. */
struct pretokenize_rule {
    const char *names; /* values of tokenizer.ggml.pre, comma-separated */
    const char *patterns[PRETOKENIZE_STAGES_MAX];
    int whole_words_first; /* a word that is a token needs no merges */
    int add_bos;           /* where the metadata does not say */
};

/** The table; ends with a row without names. */
extern const struct pretokenize_rule pretokenize_rules[];

/** Compiled patterns; immutable. */
struct pretokenizer {
    const struct pretokenize_rule *rule;
    void *stages[PRETOKENIZE_STAGES_MAX]; /* pcre2_code, owned */
    int n_stages;
    int has_jit;
};

/** Buffers of one thread. */
struct pretokenize_work {
    void *match;  /* pcre2_match_data */
    void *limits; /* pcre2_match_context */
};

/** Receives one word; a negative return ends the cutting and is passed on. */
typedef int (*pretokenize_fn)(void *arg, struct str word);

/** The row for @p name, or NMOS_E_UNSUPPORTED listing all names. */
int pretokenize_find_rule(struct str name,
                          const struct pretokenize_rule **ret_rule) NMOS_MUST_CHECK;

/** Compiles the patterns of @p rule. */
int pretokenizer_init(struct pretokenizer *pre,
                      const struct pretokenize_rule *rule) NMOS_MUST_CHECK;
void pretokenizer_deinit(struct pretokenizer *pre);

int pretokenize_work_init(struct pretokenize_work *work) NMOS_MUST_CHECK;
void pretokenize_work_deinit(struct pretokenize_work *work);

/**
 * Applies patterns [from, to) to @p text (valid UTF-8) and calls @p emit for each piece they leave,
 * left to right; the pieces joined are the text. No patterns: the text is the piece.
 */
int pretokenize(const struct pretokenizer *pre, struct pretokenize_work *work, int from, int to,
                struct str text, pretokenize_fn emit, void *arg) NMOS_MUST_CHECK;

#endif
