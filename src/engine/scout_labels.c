/* SPDX-License-Identifier: MIT */
#include "engine/scout_labels.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define EXAMPLE_BYTES     100U  /* of a user's example that are shown */
#define HEAD_BYTES_MAX    1200U /* examples of the user's come as long as they fit */
#define SPELLING_BYTES    64U
#define LABEL_TOKENS      2U  /* of a name that count */
#define ROWS_FOR_TEXT_MIN 8U  /* of a pass, beside tail and names */
#define ROWS_FOR_TEXT_MAX 32U /* of a pass with names: a tree can be 64 rows deep */

const char scout_labels_examples[] =
    "Request: sort a list of names in python\nKind: code\n\n"
    "Request: where do penguins live\nKind: chat\n\n"
    "Request: summarise the following article: The council met\nKind: docs\n\n"
    "Request: i feel a bit tired today\nKind: chat\n\n"
    "Request: fix the error in my function\nKind: code\n\n"
    "Request: which country does the text below mention\nKind: docs\n\n";
static const char request[] = "Request:";
static const char tail[] = "\nKind:";

struct label_tokens {
    int32_t ids[LABEL_TOKENS];
    uint32_t n;
};

struct scout_labels {
    struct nmos_model *model; /* borrowed */
    struct nmos_session *session;
    uint32_t rows_max;
    struct nmos_row *rows; /* [rows_max] */
    int32_t *tokens;       /* [n_head + LABELS_TEXT_TOKENS]: the examples, then a text */
    size_t n_head;
    int32_t *tail_ids;
    size_t n_tail;
    size_t n_labels;
    struct label_tokens labels[NMOS_INTENTS_MAX];
    double prior[NMOS_INTENTS_MAX]; /* log p(name | no text) */
    uint32_t n_label_rows;          /* names of two tokens need a row for the first */
};

/* ---- Making ---- */

/* " code" of "CODE"; no name is longer than the user's may be. */
static void spell(const char *name, char text[SPELLING_BYTES])
{
    size_t n = 0;
    text[n++] = ' ';
    for (size_t i = 0; name[i] && n + 1 < SPELLING_BYTES; i++) {
        text[n++] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    }
    text[n] = '\0';
}

static int encode_label(struct nmos_vocab *vocab, const char *name, struct label_tokens *label)
{
    char text[SPELLING_BYTES];
    int32_t *ids = NULL;
    size_t n = 0;
    spell(name, text);
    TRY(nmos_vocab_encode(vocab, text, strlen(text), 0, &ids, &n));
    label->n = (uint32_t)(n < LABEL_TOKENS ? n : LABEL_TOKENS);
    memcpy(label->ids, ids, label->n * sizeof(*ids));
    nmos_free(ids);
    return label->n ? 0 : FAIL(NMOS_E_UNSUPPORTED, "the Scout's model has no token for %s", name);
}

/* The user's examples, each cut to one line. */
static int add_examples(const struct scout_label *labels, size_t n_labels, struct buf *head)
{
    for (size_t i = 0; i < n_labels && head->len < HEAD_BYTES_MAX; i++) {
        const char *example = labels[i].example;
        char name[SPELLING_BYTES];
        if (!example) continue;
        const size_t line = strcspn(example, "\r\n");
        const int n = (int)(line < EXAMPLE_BYTES ? line : EXAMPLE_BYTES);
        spell(labels[i].name, name);
        TRY(buf_printf(head, "%s %.*s%s%s\n\n", request, n, example, tail, name));
    }
    return 0;
}

static int encode_head(struct scout_labels *l, struct nmos_vocab *vocab,
                       const struct scout_label *labels)
{
    struct buf head = {0};
    int32_t *ids = NULL;
    int rc = buf_append(&head, scout_labels_examples, sizeof(scout_labels_examples) - 1);
    if (rc == 0) rc = add_examples(labels, l->n_labels, &head);
    if (rc == 0) rc = buf_append(&head, request, sizeof(request) - 1);
    if (rc == 0) {
        rc = nmos_vocab_encode(vocab, head.data, head.len, NMOS_ENCODE_BOS, &ids, &l->n_head);
    }
    if (rc == 0) {
        l->tokens = mem_calloc(MEM_GENERAL, l->n_head + LABELS_TEXT_TOKENS, sizeof(*l->tokens));
        if (!l->tokens) rc = NMOS_E_NOMEM;
    }
    if (rc == 0) memcpy(l->tokens, ids, l->n_head * sizeof(*ids));
    nmos_free(ids);
    buf_deinit(&head);
    return rc;
}

static int encode_all(struct scout_labels *l, const struct scout_label *labels)
{
    struct nmos_model_info info;
    struct nmos_vocab *vocab = nmos_model_vocab(l->model);
    nmos_model_get_info(l->model, &info);
    TRY(encode_head(l, vocab, labels));
    TRY(nmos_vocab_encode(vocab, tail, sizeof(tail) - 1, 0, &l->tail_ids, &l->n_tail));
    for (size_t c = 0; c < l->n_labels; c++) {
        TRY(encode_label(vocab, labels[c].name, &l->labels[c]));
        l->n_label_rows += l->labels[c].n - 1;
    }
    const size_t n_rows = l->n_tail + l->n_label_rows;
    const size_t n_ctx = l->n_head + LABELS_TEXT_TOKENS + n_rows;
    if (n_ctx > info.ctx || n_rows + ROWS_FOR_TEXT_MIN > info.rows_max) {
        return FAIL(NMOS_E_LIMIT,
                    "the Scout asks its model in %zu positions and %zu rows a pass; it has %u and "
                    "%u",
                    n_ctx, n_rows + ROWS_FOR_TEXT_MIN, info.ctx, info.rows_max);
    }
    l->rows_max = info.rows_max;
    l->rows = mem_calloc(MEM_GENERAL, l->rows_max, sizeof(*l->rows));
    return l->rows ? 0 : NMOS_E_NOMEM;
}

/* ---- Asking ---- */

struct asked {
    const struct scout_labels *labels;
    size_t tail_row;
    double *log_p; /* [n_labels] */
};

static double log_sum_exp(const float *logits, size_t n)
{
    double most = logits[0];
    double sum = 0;
    for (size_t i = 1; i < n; i++) most = fmax(most, logits[i]);
    for (size_t i = 0; i < n; i++) sum += exp(logits[i] - most);
    return most + log(sum);
}

/* The row behind the tail says what a name begins with; the rows behind it, in the order of the
 * names that have two tokens, how it goes on. */
static int take_logits(void *arg, size_t row_i, float *logits)
{
    const struct asked *asked = arg;
    const struct scout_labels *l = asked->labels;
    struct nmos_model_info info;
    nmos_model_get_info(l->model, &info);
    const double norm = log_sum_exp(logits, info.n_vocab);
    size_t row = asked->tail_row;
    for (size_t c = 0; c < l->n_labels; c++) {
        const struct label_tokens *label = &l->labels[c];
        if (row_i == asked->tail_row) asked->log_p[c] = logits[label->ids[0]] - norm;
        if (label->n == LABEL_TOKENS && row_i == ++row) {
            asked->log_p[c] += logits[label->ids[1]] - norm;
        }
    }
    return 0;
}

static void add_row(struct scout_labels *l, size_t *n, int32_t token, int32_t parent, int is_asked)
{
    l->rows[(*n)++] = (struct nmos_row){l->session, token, parent, is_asked};
}

/* Puts tail and names behind the @p n rows of a text that are new, and runs them all. */
static int ask(struct scout_labels *l, size_t n, double *ret_log_p)
{
    const size_t n_text = n;
    for (size_t i = 0; i < l->n_tail; i++) {
        add_row(l, &n, l->tail_ids[i], (int32_t)n - 1, i + 1 == l->n_tail);
    }
    struct asked asked = {l, n - 1, ret_log_p};
    for (size_t c = 0; c < l->n_labels; c++) {
        if (l->labels[c].n < LABEL_TOKENS) continue;
        add_row(l, &n, l->labels[c].ids[0], (int32_t)asked.tail_row, 1);
    }
    TRY(nmos_forward(l->model, l->rows, n, take_logits, &asked));
    return n_text ? nmos_session_commit(l->session, (uint32_t)n_text) : 0;
}

/* log p(name | the first @p n_tokens of l->tokens); what the session holds of them is not run
 * again. */
static int log_probabilities(struct scout_labels *l, size_t n_tokens, double *ret_log_p)
{
    const size_t n_behind = l->n_tail + l->n_label_rows;
    size_t at = nmos_session_match(l->session, l->tokens, n_tokens);
    TRY(nmos_session_truncate(l->session, (uint32_t)at));
    for (;;) {
        size_t n = 0;
        for (; at < n_tokens && n < l->rows_max; at++) {
            add_row(l, &n, l->tokens[at], (int32_t)n - 1, 0);
        }
        if (n <= ROWS_FOR_TEXT_MAX && n + n_behind <= l->rows_max) return ask(l, n, ret_log_p);
        TRY(nmos_forward(l->model, l->rows, n, NULL, NULL));
        TRY(nmos_session_commit(l->session, (uint32_t)n));
    }
}

int scout_labels_evidence(struct scout_labels *labels, struct str text, double *ret_evidence)
{
    char first[LABELS_TEXT_BYTES + 1] = " ";
    const size_t n_bytes = text.len < LABELS_TEXT_BYTES ? text.len : LABELS_TEXT_BYTES;
    int32_t *ids = NULL;
    size_t n = 0;
    if (n_bytes) memcpy(first + 1, text.data, n_bytes);
    TRY(nmos_vocab_encode(nmos_model_vocab(labels->model), first, n_bytes + 1, 0, &ids, &n));
    if (n > LABELS_TEXT_TOKENS) n = LABELS_TEXT_TOKENS;
    memcpy(labels->tokens + labels->n_head, ids, n * sizeof(*ids));
    nmos_free(ids);
    TRY(log_probabilities(labels, labels->n_head + n, ret_evidence));
    for (size_t c = 0; c < labels->n_labels; c++) ret_evidence[c] -= labels->prior[c];
    return 0;
}

int scout_labels_create(struct nmos_model *model, const struct scout_label *labels, size_t n_labels,
                        struct scout_labels **ret_labels)
{
    struct scout_labels *l = mem_calloc(MEM_GENERAL, 1, sizeof(*l));
    if (!l) return NMOS_E_NOMEM;
    l->model = model;
    l->n_labels = n_labels;
    int rc = nmos_session_create(model, &l->session);
    if (rc == 0) rc = encode_all(l, labels);
    if (rc == 0) rc = log_probabilities(l, l->n_head, l->prior);
    if (rc < 0) {
        scout_labels_destroy(&l);
        return rc;
    }
    *ret_labels = l;
    return 0;
}

void scout_labels_destroy(struct scout_labels **labels)
{
    if (!labels || !*labels) return;
    nmos_session_destroy(&(*labels)->session);
    mem_free((*labels)->rows);
    mem_free((*labels)->tokens);
    nmos_free((*labels)->tail_ids);
    mem_free(*labels);
    *labels = NULL;
}
