/* SPDX-License-Identifier: MIT */
/* A script of chains, a fork and a tree on the model of nine layers, for models whose layers are at
 * a device. */
#ifndef NMOS_TESTS_DEVICE_FIXTURE_H
#define NMOS_TESTS_DEVICE_FIXTURE_H

#include <nmos/nmos.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CTX      192U
#define ROWS_MAX 96U
#define N_VOCAB  300U

struct logits {
    float rows[ROWS_MAX][N_VOCAB];
};

static inline int copy_logits(void *arg, size_t row_i, float *logits)
{
    struct logits *to = arg;
    memcpy(to->rows[row_i], logits, sizeof(to->rows[row_i]));
    return 0;
}

static inline int32_t token_of(uint32_t text, uint32_t i)
{
    return (int32_t)((text * 101 + i * 37 + i * i * 11) % N_VOCAB);
}

/* A chain of n rows behind what the session holds; committed when it succeeds. @p to NULL: no
 * logits are wanted. */
static inline int try_chain(struct nmos_model *model, struct nmos_session *session, uint32_t text,
                            uint32_t n, struct logits *to)
{
    struct nmos_row rows[ROWS_MAX];
    const uint32_t from = nmos_session_length(session);
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = (struct nmos_row){session, token_of(text, from + i), (int32_t)i - 1, to != NULL};
    }
    const int rc = nmos_forward(model, rows, n, copy_logits, to);
    return rc < 0 ? rc : nmos_session_commit(session, n);
}

static inline void run_chain(struct nmos_model *model, struct nmos_session *session, uint32_t text,
                             uint32_t n, struct logits *to)
{
    if (try_chain(model, session, text, n, to) < 0) fail_msg("%s", nmos_last_error());
}

/* A conversation with a fork in a half-filled page, a tree, and the path of it that is accepted;
 * the last rows of all go to @p to. */
static inline void run_script(struct nmos_model *model, struct logits *to)
{
    static const int32_t parents[] = {-1, 0, 0, 1, 2, -1, 5, 4, 3};

    enum { N_TREE = sizeof(parents) / sizeof(parents[0]) };
    static struct logits part;
    struct nmos_session *first = NULL;
    struct nmos_session *second = NULL;
    struct nmos_row rows[N_TREE];
    assert_int_equal(nmos_session_create(model, &first), 0);
    assert_int_equal(nmos_session_create(model, &second), 0);
    run_chain(model, first, 1, 70, &part);
    memcpy(to->rows[0], part.rows[69], sizeof(part.rows[0]));
    assert_int_equal(nmos_session_fork(second, first), 0);
    run_chain(model, second, 2, 20, &part); /* writes into a copy of the shared page */
    memcpy(to->rows[1], part.rows[19], sizeof(part.rows[0]));
    run_chain(model, first, 3, 1, &part);
    memcpy(to->rows[2], part.rows[0], sizeof(part.rows[0]));
    for (int32_t i = 0; i < N_TREE; i++) {
        rows[i] = (struct nmos_row){first, token_of(4, (uint32_t)i), parents[i], i % 2};
    }
    assert_int_equal(nmos_forward(model, rows, N_TREE, copy_logits, &part), 0);
    for (int32_t i = 0; i < N_TREE; i++)
        memcpy(to->rows[3 + i], part.rows[i], sizeof(part.rows[0]));
    assert_int_equal(nmos_session_commit_path(first, 7), 0);
    run_chain(model, first, 5, 2, &part);
    memcpy(to->rows[20], part.rows[1], sizeof(part.rows[0]));
    nmos_session_destroy(&first);
    nmos_session_destroy(&second);
}

#endif
