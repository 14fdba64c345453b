/* SPDX-License-Identifier: MIT */
/* Proves that every verb of the CUDA backend gives the bits of the processor's, for all weight
 * types and any number of rows; NaNs may have other payloads. Runs the kernels' text on the
 * processor; with an argument "gpu", on the first GPU. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/cuda/cuda_backend.h"
#include "cuda_emulation.h"
#include "kernel/kernel.h"
#include "kernel_fixture.h"

#define ROWS_MAX    70U
#define N_IN_MAX    5120U
#define BUFFERS_MAX 24
#define MEMORY      ((size_t)256 << 20)

static struct backend *backends[2]; /* the processor's, the GPU's */

/* What a verb reads and writes: bytes that both backends get, and what each made of them. */
struct buffer {
    const void *bytes; /* NULL: zeros */
    size_t n_bytes;
    int is_bytes; /* not floats */
    char *result[2];
};

struct call {
    struct buffer buffers[BUFFERS_MAX];
    int n_buffers;
    void *at[BUFFERS_MAX]; /* in the backend that is called */
    const void *arg;
};

static float noise(uint64_t *state)
{
    return (float)(int64_t)random_next(state) * 0x1p-62F;
}

static float *noises(size_t n, uint64_t seed)
{
    float *x = malloc(n * sizeof(float) + 1);
    for (size_t i = 0; i < n; i++) x[i] = noise(&seed);
    return x;
}

static int add_buffer(struct call *call, const void *bytes, size_t n_bytes)
{
    assert_in_range(call->n_buffers, 0, BUFFERS_MAX - 1);
    call->buffers[call->n_buffers] = (struct buffer){.bytes = bytes, .n_bytes = n_bytes};
    return call->n_buffers++;
}

static void assert_same_floats(const char *want, const char *got, size_t n_bytes, const char *what)
{
    for (size_t i = 0; i < n_bytes / sizeof(float); i++) {
        float w;
        float g;
        memcpy(&w, want + i * sizeof(float), sizeof(w));
        memcpy(&g, got + i * sizeof(float), sizeof(g));
        if (memcmp(&w, &g, sizeof(w)) != 0 && !(isnan(w) && isnan(g))) {
            fail_msg("%s: element %zu is %.9g (%a), not %.9g (%a)", what, i, (double)g, (double)g,
                     (double)w, (double)w);
        }
    }
}

/* Calls a verb of both backends on the same bytes and compares all buffers. */
static void compare(struct call *call, void (*verb)(struct backend *b, struct call *call),
                    const char *what)
{
    for (int i = 0; i < 2; i++) {
        struct backend *b = backends[i];
        for (int k = 0; k < call->n_buffers; k++) {
            struct buffer *buffer = &call->buffers[k];
            call->at[k] = b->ops->alloc(b, MEM_SCRATCH, buffer->n_bytes);
            if (!call->at[k]) fail_msg("%s", error_message());
            if (buffer->bytes) {
                assert_int_equal(b->ops->upload(b, call->at[k], buffer->bytes, buffer->n_bytes), 0);
            }
        }
        verb(b, call);
        for (int k = 0; k < call->n_buffers; k++) {
            struct buffer *buffer = &call->buffers[k];
            buffer->result[i] = malloc(buffer->n_bytes + 1);
            if (b->ops->download(b, buffer->result[i], call->at[k], buffer->n_bytes) < 0) {
                fail_msg("%s: %s", what, error_message());
            }
            b->ops->free(b, call->at[k]);
        }
    }
    for (int k = 0; k < call->n_buffers; k++) {
        struct buffer *buffer = &call->buffers[k];
        if (buffer->is_bytes) {
            if (memcmp(buffer->result[0], buffer->result[1], buffer->n_bytes) != 0) {
                fail_msg("%s: bytes of buffer %d differ", what, k);
            }
        } else {
            assert_same_floats(buffer->result[0], buffer->result[1], buffer->n_bytes, what);
        }
        free(buffer->result[0]);
        free(buffer->result[1]);
    }
    call->n_buffers = 0;
}

/* ---- rows ---- */

struct norm_case {
    uint32_t n_rows, n;
    size_t y_stride, x_stride;
};

static void call_norm(struct backend *b, struct call *call)
{
    const struct norm_case *c = call->arg;
    b->ops->rms_norm(b, call->at[0], c->y_stride, call->at[1], c->x_stride, call->at[2], c->n_rows,
                     c->n, 1e-5F);
    b->ops->rms_norm(b, call->at[1], c->x_stride, call->at[1], c->x_stride, call->at[2], c->n_rows,
                     c->n, 1e-6F);
}

static void norms_of_any_length(void **state)
{
    static const uint32_t lengths[] = {1, 15, 16, 17, 64, 100, 896, 2048, 2049, 5003};
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const uint32_t n = lengths[i];
        const struct norm_case c = {3, n, n + 5, n + 3};
        struct call call = {.arg = &c};
        float *x = noises(c.n_rows * c.x_stride, 1 + i);
        float *w = noises(n, 100 + i);
        add_buffer(&call, NULL, c.n_rows * c.y_stride * sizeof(float));
        add_buffer(&call, x, c.n_rows * c.x_stride * sizeof(float));
        add_buffer(&call, w, n * sizeof(float));
        compare(&call, call_norm, "rms_norm");
        free(x);
        free(w);
    }
}

static void call_heads(struct backend *b, struct call *call)
{
    b->ops->head_norm(b, call->at[0], call->at[1], 5, 3, 80, 1e-6F);
    b->ops->rope(b, call->at[0], call->at[2], 5, 3, 80, 64, 0);
    b->ops->rope(b, call->at[0], call->at[2], 5, 3, 80, 64, 1);
}

static void heads_are_normed_and_turned(void **state)
{
    (void)state;
    struct call call = {0};
    float *x = noises(5 * 3 * 80, 3);
    float *w = noises(80, 4);
    float *angles = noises(5 * 64, 5);
    angles[3] = 0.0F; /* zeros keep their sign */
    angles[35] = -0.0F;
    add_buffer(&call, x, 5 * 3 * 80 * sizeof(float));
    add_buffer(&call, w, 80 * sizeof(float));
    add_buffer(&call, angles, 5 * 64 * sizeof(float));
    compare(&call, call_heads, "head_norm, rope");
    free(x);
    free(w);
    free(angles);
}

#define WIDE 700U /* columns of the tests below */

static void call_gates(struct backend *b, struct call *call)
{
    const float *pair = call->at[1];
    b->ops->glu(b, GLU_SILU, call->at[0], pair, pair + WIDE, 2 * (size_t)WIDE, 4, WIDE);
    b->ops->add(b, call->at[2], call->at[0], 4 * (size_t)WIDE);
    b->ops->glu(b, GLU_GELU_TANH, call->at[0], pair, pair + WIDE, 2 * (size_t)WIDE, 4, WIDE);
    b->ops->scale(b, call->at[2], 1.7F, 4 * (size_t)WIDE);
    b->ops->softcap(b, call->at[3], 30.0F, 4 * (size_t)WIDE);
    b->ops->add_gated(b, call->at[2], call->at[3], call->at[4], 4, WIDE);
    b->ops->softmax(b, call->at[5], 4, WIDE);
    b->ops->softmax(b, call->at[4], 1, 4);
}

static void gates_sums_and_softmax(void **state)
{
    static const float special[] = {0,        -0.0F,     1e-40F, -1e-40F, 88.8F,  -104.5F,
                                    89.5F,    0.625F,    1e9F,   -1e30F,  1e-20F, -87.5F,
                                    INFINITY, -INFINITY, NAN,    0.62F};
    (void)state;
    struct call call = {0};
    float *pair = noises(8 * (size_t)WIDE, 7);
    float *x = noises(4 * (size_t)WIDE, 8);
    float *y = noises(4 * (size_t)WIDE, 9);
    float *g = noises(4, 10);
    float *s = noises(4 * (size_t)WIDE, 11);
    for (size_t i = 0; i < 8 * (size_t)WIDE; i++) pair[i] *= (float)(i % 40);
    for (size_t i = 0; i < 4 * (size_t)WIDE; i++) y[i] *= (float)(i % 60);
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        pair[3 + i] = special[i];
        y[5 + i] = special[i];
    }
    s[9] = -INFINITY;
    add_buffer(&call, NULL, 4 * (size_t)WIDE * sizeof(float));
    add_buffer(&call, pair, 8 * (size_t)WIDE * sizeof(float));
    add_buffer(&call, x, 4 * (size_t)WIDE * sizeof(float));
    add_buffer(&call, y, 4 * (size_t)WIDE * sizeof(float));
    add_buffer(&call, g, 4 * sizeof(float));
    add_buffer(&call, s, 4 * (size_t)WIDE * sizeof(float));
    compare(&call, call_gates, "glu, add, scale, softcap, add_gated, softmax");
    free(pair);
    free(x);
    free(y);
    free(g);
    free(s);
}

static void call_moves(struct backend *b, struct call *call)
{
    static const uint32_t down[] = {1, 2, 4};
    static const uint32_t slots[] = {3, 0, 5, 5, 1, 2};
    static const float weights[] = {0.25F, -1.5F, 0.1F, 3.0F, 0.0F, 0.7F};
    b->ops->gather_rows(b, call->at[0], call->at[0], down, 3, WIDE);
    b->ops->weighted_rows(b, call->at[1], call->at[0], slots, weights, 3, 2, WIDE);
    b->ops->copy(b, (float *)call->at[1] + 3 * (size_t)WIDE, call->at[1], WIDE * sizeof(float));
}

static void rows_are_gathered_weighted_and_copied(void **state)
{
    (void)state;
    struct call call = {0};
    float *x = noises(6 * (size_t)WIDE, 12);
    add_buffer(&call, x, 6 * (size_t)WIDE * sizeof(float));
    add_buffer(&call, NULL, 4 * (size_t)WIDE * sizeof(float));
    compare(&call, call_moves, "gather_rows, weighted_rows, copy");
    free(x);
}

/* ---- products ---- */

struct product_case {
    enum tensor_type type;
    uint32_t n_in, n_out, n_rows;
    size_t row_bytes;
};

/* Twice the same input: all rows with a bias, and a piece of the matrix without. */
static void call_linear(struct backend *b, struct call *call)
{
    const struct product_case *c = call->arg;
    const uint32_t first = c->n_out / 3;
    const struct linear_job jobs[2] = {
        {{call->at[0], c->type, c->n_in, c->n_out, 0}, call->at[2], call->at[3], c->n_out + 3},
        {{(char *)call->at[0] + first * c->row_bytes, c->type, c->n_in, c->n_out - first, 0},
         NULL,
         call->at[4],
         c->n_out}};
    b->ops->linear(b, call->at[1], c->n_rows, c->n_in, jobs, 2);
}

static void check_product(const struct type_row *row, uint32_t n_in, uint32_t n_out,
                          uint32_t n_rows)
{
    char what[100];
    const struct product_case c = {row->type, n_in, n_out, n_rows,
                                   tensor_row_bytes(row->type, n_in)};
    struct call call = {.arg = &c};
    uint8_t *w = malloc(c.row_bytes * n_out);
    float *x = malloc((size_t)n_in * n_rows * sizeof(float));
    float *bias = noises(n_out, 21);
    fill_weights(row, n_in, n_out, w);
    fill_activations(n_in, n_rows, x);
    add_buffer(&call, w, c.row_bytes * n_out);
    call.buffers[0].is_bytes = 1;
    add_buffer(&call, x, (size_t)n_in * n_rows * sizeof(float));
    add_buffer(&call, bias, n_out * sizeof(float));
    add_buffer(&call, NULL, (n_out + 3) * (size_t)n_rows * sizeof(float));
    add_buffer(&call, NULL, n_out * (size_t)n_rows * sizeof(float));
    snprintf(what, sizeof(what), "%s, %u x %u, %u rows", tensor_format_get(row->type)->name, n_out,
             n_in, n_rows);
    compare(&call, call_linear, what);
    free(w);
    free(x);
    free(bias);
}

static void products_of_all_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_type_rows; i++) {
        const uint32_t block = tensor_format_get(type_rows[i].type)->block_elems;
        const uint32_t odd = block == 1 ? 77 : block == 32 ? 96 : 768;
        check_product(&type_rows[i], odd, 7, 1);
        check_product(&type_rows[i], 2304, 33, 3); /* more than one part of a row */
        check_product(&type_rows[i], odd, 5, 11);  /* two groups of rows */
        check_product(&type_rows[i], odd, 70, 17); /* two tiles */
        check_product(&type_rows[i], 256, 9, ROWS_MAX);
    }
}

static void a_product_as_wide_as_a_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_type_rows; i++) {
        if (type_rows[i].type == TENSOR_Q4_K) check_product(&type_rows[i], N_IN_MAX, 64, 2);
    }
}

/* ---- attention ---- */

#define PAGES_MAX 8

struct attention_case {
    struct attention_config config;
    uint32_t n_positions; /* stored in the first session */
};

static const struct attention_case attention_cases[] = {
    {{2, 2, 64, 64, KV_F32, 64, 0.125F, 0.0F, 0, 0, 0}, 150},
    {{7, 1, 128, 128, KV_F16, 64, 0.088F, 0.0F, 0, 0, 0}, 300},
    {{6, 2, 40, 72, KV_F16, 128, 0.3F, 0.0F, 0, 0, 0}, 65},
    {{8, 2, 96, 96, KV_F16, 64, 0.1F, 0.0F, 100, 0, 0}, 280},
    {{4, 2, 64, 32, KV_Q8_0, 64, 0.2F, 0.0F, 0, 0, 0}, 140},
    {{5, 1, 16, 8, KV_F16, 192, 0.5F, 2.0F, 70, 0, 0}, 260},
    {{6, 2, 32, 32, KV_F32, 64, 0.4F, 0.0F, 7, 0, 0}, 130},
    {{3, 1, 288, 512, KV_Q8_0, 64, 0.1F, 5.0F, 0, 0, 0}, 70},
};

/* Stores a chain, then a tree behind it in scattered slots, and a short second session; attends
 * from some rows of all. at: pages of both sessions, k, v, q, out. */
static void call_attention(struct backend *b, struct call *call)
{
    const struct attention_case *c = call->arg;
    const struct attention_config *config = &c->config;
    const size_t layer_bytes = b->ops->kv_layer_bytes(b, config);
    const int32_t n = (int32_t)c->n_positions;
    static struct kv_row rows[600];
    static int32_t tails[3][4];
    void *pages[2][PAGES_MAX];
    uint32_t n_rows = 0;
    for (int i = 0; i < PAGES_MAX; i++) {
        pages[0][i] = call->at[i];
        pages[1][i] = call->at[PAGES_MAX + i];
    }
    for (int32_t p = 0; p < n; p++) {
        rows[n_rows++] = (struct kv_row){p, p, pages[0], p + 1, NULL, NULL};
    }
    b->ops->kv_store(b, config, layer_bytes, rows, n_rows, call->at[2 * PAGES_MAX],
                     call->at[2 * PAGES_MAX + 1]);
    /* A branch of three positions behind n - 2, in slots n + 5, n + 1 and n + 9. */
    const int32_t slots[3] = {n + 5, n + 1, n + 9};
    n_rows = 0;
    for (int32_t i = 0; i < 3; i++) {
        memcpy(tails[i], slots, sizeof(slots));
        rows[n_rows++] = (struct kv_row){n - 1 + i, slots[i], pages[0], n - 1, tails[i], NULL};
    }
    for (int32_t p = 0; p < 5; p++) {
        rows[n_rows++] = (struct kv_row){p, p, pages[1], p + 1, NULL, NULL};
    }
    b->ops->kv_store(b, config, layer_bytes, rows, n_rows, call->at[2 * PAGES_MAX + 2],
                     call->at[2 * PAGES_MAX + 3]);
    for (int32_t p = n - 4 < 0 ? 0 : n - 4; p < n; p++) {
        rows[n_rows++] = (struct kv_row){p, p, pages[0], p + 1, NULL, NULL};
    }
    rows[n_rows++] = (struct kv_row){0, 0, pages[0], 1, NULL, NULL};
    b->ops->attention(b, config, layer_bytes, rows, n_rows, call->at[2 * PAGES_MAX + 4],
                      call->at[2 * PAGES_MAX + 5], NULL);
    b->ops->kv_move(b, config, layer_bytes, pages[0], (uint32_t)n + 9, 3);
    b->ops->kv_move(b, config, layer_bytes, pages[1], 1, 70);
}

static void check_attention(const struct attention_case *c)
{
    enum { N_QUERIES = 13, N_NEW = 8 };
    struct call call = {.arg = c};
    const struct attention_config *config = &c->config;
    const size_t page = 2 * backends[0]->ops->kv_layer_bytes(backends[0], config);
    const size_t k = (size_t)config->n_kv_heads * config->head_dim_k;
    const size_t v = (size_t)config->n_kv_heads * config->head_dim_v;
    const size_t q = (size_t)config->n_heads * config->head_dim_k;
    const size_t out = (size_t)config->n_heads * config->head_dim_v;
    float *x[5] = {noises(c->n_positions * k, 31), noises(c->n_positions * v, 32),
                   noises(N_NEW * k, 33), noises(N_NEW * v, 34), noises(N_QUERIES * q, 35)};
    const size_t n[5] = {c->n_positions * k, c->n_positions * v, N_NEW * k, N_NEW * v,
                         N_QUERIES * q};
    for (size_t i = 0; i < 32; i++) x[1][i] = 0.0F; /* a block of zeros */
    assert_int_equal(backends[1]->ops->kv_layer_bytes(backends[1], config), page / 2);
    for (int i = 0; i < 2 * PAGES_MAX; i++) {
        call.buffers[add_buffer(&call, NULL, page)].is_bytes = 1;
    }
    for (int i = 0; i < 5; i++) add_buffer(&call, x[i], n[i] * sizeof(float));
    add_buffer(&call, NULL, N_QUERIES * out * sizeof(float));
    compare(&call, call_attention, "kv_store, attention, kv_move");
    for (int i = 0; i < 5; i++) free(x[i]);
}

static void attention_of_chains_trees_and_sessions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(attention_cases) / sizeof(attention_cases[0]); i++) {
        for (int b = 0; b < 2; b++) {
            assert_int_equal(
                backends[b]->ops->attention_check(backends[b], &attention_cases[i].config), 0);
        }
        check_attention(&attention_cases[i]);
    }
}

static int open_backends(int on_gpu)
{
    /* The processor's scratch depends on the largest geometry. */
    static struct attention_config widest = {
        .n_heads = 8, .n_kv_heads = 1, .head_dim_k = 512, .head_dim_v = 512, .page_tokens = 64};
    const struct cuda_config config = {.ordinal = 0, .memory_bytes = MEMORY};
    kernel_init();
    if (!on_gpu) emulation_start(1, 2 * MEMORY, 61);
    if (cpu_backend_create(2, &backends[0]) < 0 || cuda_backend_create(&config, &backends[1]) < 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        if (backends[i]->ops->plan(backends[i], ROWS_MAX, N_IN_MAX, &widest) < 0) return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_of_any_length),
        cmocka_unit_test(heads_are_normed_and_turned),
        cmocka_unit_test(gates_sums_and_softmax),
        cmocka_unit_test(rows_are_gathered_weighted_and_copied),
        cmocka_unit_test(products_of_all_types),
        cmocka_unit_test(a_product_as_wide_as_a_model),
        cmocka_unit_test(attention_of_chains_trees_and_sessions),
    };
    const int on_gpu = argc > 1 && strcmp(argv[1], "gpu") == 0;
    if (open_backends(on_gpu) < 0) {
        fprintf(stderr, "%s\n", error_message());
        return 1;
    }
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    backend_destroy(&backends[1]);
    backend_destroy(&backends[0]);
    if (!on_gpu) emulation_end();
    return rc;
}
