/* SPDX-License-Identifier: MIT */
/*
 * check_beside MODEL TOKENS OUT.f32: logits of a text whose rows ride in passes with rows of other
 * sessions, as `nmos logits --kv f32` would write those of the text alone.
 *
 * Three other sessions read the same tokens from other places on. Each session has its own turn of
 * how many rows it brings to a pass, and the order of the sessions changes from pass to pass.
 */
#include <nmos/nmos.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tokens_arg.h"

#define SESSIONS 4U /* the first one's logits are written */
#define TURNS    4U
#define ROWS_MAX 32U

static const uint32_t rows_of_turn[SESSIONS][TURNS] = {
    {1, 3, 7, 2}, {5, 1, 0, 4}, {2, 2, 9, 1}, {0, 8, 1, 3}};

struct check {
    struct nmos_model *model;
    struct tokens_arg tokens;
    uint32_t n_vocab;
    struct nmos_session *sessions[SESSIONS];
    uint32_t n_read[SESSIONS];
    float *logits;     /* [n][n_vocab] */
    uint32_t first;    /* row of the pass that is the first session's first one */
    uint32_t n_beside; /* rows of other sessions in passes with the first one's */
};

static int take_logits(void *arg, size_t row_i, float *logits)
{
    const struct check *c = arg;
    const size_t at = c->n_read[0] + row_i - c->first;
    memcpy(c->logits + at * c->n_vocab, logits, c->n_vocab * sizeof(float));
    return 0;
}

/* Appends the next rows of session s. @return how many. */
static uint32_t add_rows(struct check *c, uint32_t s, uint32_t pass, struct nmos_row *rows,
                         uint32_t from)
{
    const uint32_t left = c->tokens.n - c->n_read[s];
    const uint32_t turn = rows_of_turn[s][pass % TURNS];
    const uint32_t n = left < turn ? left : turn;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t token = c->tokens.ids[(c->n_read[s] + i + 5 * s) % c->tokens.n];
        rows[from + i] = (struct nmos_row){.session = c->sessions[s],
                                           .token = token,
                                           .parent = i ? (int32_t)(from + i - 1) : -1,
                                           .wants_logits = s == 0};
    }
    return n;
}

static int run_pass(struct check *c, uint32_t pass)
{
    struct nmos_row rows[ROWS_MAX];
    uint32_t n_of[SESSIONS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < SESSIONS; i++) {
        const uint32_t s = (pass + i) % SESSIONS;
        if (s == 0) c->first = n;
        n_of[s] = add_rows(c, s, pass, rows, n);
        n += n_of[s];
    }
    TRY(nmos_forward(c->model, rows, n, take_logits, c));
    for (uint32_t s = 0; s < SESSIONS; s++) {
        if (n_of[s]) TRY(nmos_session_commit(c->sessions[s], n_of[s]));
        c->n_read[s] += n_of[s];
    }
    c->n_beside += n - n_of[0];
    return 0;
}

static int run_text(struct check *c)
{
    struct nmos_model_info info;
    nmos_model_get_info(c->model, &info);
    c->n_vocab = info.n_vocab;
    c->logits = mem_calloc(MEM_GENERAL, (size_t)c->tokens.n * c->n_vocab, sizeof(float));
    if (!c->logits) return NMOS_E_NOMEM;
    for (uint32_t s = 0; s < SESSIONS; s++) TRY(nmos_session_create(c->model, &c->sessions[s]));
    for (uint32_t pass = 0; c->n_read[0] < c->tokens.n; pass++) TRY(run_pass(c, pass));
    return c->n_beside ? 0 : FAIL(NMOS_E_INVALID, "no pass had rows of another session");
}

static int write_logits(const struct check *c, const char *path)
{
    const size_t n = (size_t)c->tokens.n * c->n_vocab;
    FILE *file = fopen(path, "wbe");
    if (!file) return FAIL(NMOS_E_IO, "cannot write %s", path);
    const int is_written = fwrite(c->logits, sizeof(float), n, file) == n;
    return fclose(file) == 0 && is_written ? 0 : FAIL(NMOS_E_IO, "cannot write %s", path);
}

static int run(struct check *c, char **argv)
{
    struct nmos_model_options options = nmos_model_options_default();
    options.path = argv[1];
    options.ctx = TOKENS_MAX;
    options.sessions_max = SESSIONS;
    options.rows_max = ROWS_MAX;
    options.kv_type = NMOS_KV_F32;
    TRY(tokens_arg_parse(argv[2], &c->tokens));
    TRY(nmos_model_open(&options, &c->model));
    int rc = run_text(c);
    for (uint32_t s = 0; s < SESSIONS; s++) nmos_session_destroy(&c->sessions[s]);
    nmos_model_close(&c->model);
    if (rc == 0) rc = write_logits(c, argv[3]);
    mem_free(c->logits);
    return rc;
}

int main(int argc, char **argv)
{
    static struct check check;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: check_beside MODEL TOKENS OUT.f32\n");
        return 2;
    }
    const int rc = run(&check, argv);
    if (rc < 0) (void)fprintf(stderr, "check_beside: %s: %s\n", argv[1], nmos_last_error());
    return rc < 0;
}
