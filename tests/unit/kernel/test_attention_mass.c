/* SPDX-License-Identifier: MIT */
/* Proves that a page's mass is its part of a full softmax, that a row sees the pages that are there
 * and nothing of those that are missing, and that neither depends on how the work is cut. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "kv_fixture.h"

#define POSITIONS 700
#define N_ROWS    40
#define HEADS_MAX 8
#define COLUMNS   16U

static const float sink_logits[HEADS_MAX] = {0.5F, -1.0F, 3.0F, 0.0F, 2.0F, 9.0F, -20.0F, 1.0F};

/* type, kv heads, head_dim_k, head_dim_v, page; query heads, window, scale, softcap, sinks, layer,
 * columns */
static const struct attn_shape shapes[] = {
    {{KV_F32, 2, 32, 32, 64}, 4, 0, 0.6F, 0.0F, NULL, 0, COLUMNS},
    {{KV_F16, 1, 48, 16, 128}, 7, 0, 0.4F, 0.0F, NULL, 0, COLUMNS},
    {{KV_F16, 2, 32, 40, 64}, 6, 300, 0.5F, 0.0F, NULL, 0, COLUMNS},
    {{KV_Q8_0, 2, 32, 32, 64}, 2, 0, 0.5F, 3.0F, sink_logits, 0, COLUMNS},
};
#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* Which pages are missing: bit i stands for page i. The last ones are never: a session's rows go
 * there. */
static const uint32_t missing[] = {0, 1U << 1, 0x66, 0x3fe};
#define N_MISSING (sizeof(missing) / sizeof(missing[0]))

struct batch {
    struct attn_shape shape;
    struct kv_fixture kv;
    const void *pages[KV_FIXTURE_PAGES_MAX]; /* those that are there */
    struct attn_row rows[N_ROWS];
    float *q, *out, *mass;
    size_t out_bytes, mass_bytes;
};

static void batch_init(struct batch *b, const struct attn_shape *shape, uint32_t n_missing_bits)
{
    const size_t n_q = (size_t)shape->n_heads * shape->layout.head_dim_k;
    uint64_t state = 77;
    *b = (struct batch){.shape = *shape};
    kv_fixture_init(&b->kv, &shape->layout, POSITIONS);
    for (uint32_t p = 0; p < POSITIONS; p++) kv_fixture_store(&b->kv, p, p);
    for (uint32_t i = 0; i < KV_FIXTURE_PAGES_MAX; i++) {
        const uint32_t last = (POSITIONS - N_ROWS) / shape->layout.page_tokens;
        const int is_missing = i < last && (n_missing_bits >> i & 1);
        b->pages[i] = is_missing ? NULL : b->kv.pages[i];
    }
    b->out_bytes = N_ROWS * (size_t)shape->n_heads * shape->layout.head_dim_v * sizeof(float);
    b->mass_bytes = N_ROWS * (size_t)shape->layout.n_kv_heads * COLUMNS * sizeof(float);
    b->q = malloc(N_ROWS * n_q * sizeof(float));
    b->out = malloc(b->out_bytes);
    b->mass = malloc(b->mass_bytes);
    for (size_t i = 0; i < N_ROWS * n_q; i++) b->q[i] = 2.0F * next_f32(&state);
    for (int r = 0; r < N_ROWS; r++) {
        const int pos = POSITIONS - N_ROWS + r;
        float *mass = b->mass + (size_t)r * shape->layout.n_kv_heads * COLUMNS;
        b->rows[r] = (struct attn_row){b->pages, NULL, pos, pos + 1, mass};
    }
}

static void batch_deinit(struct batch *b)
{
    kv_fixture_deinit(&b->kv);
    free(b->q);
    free(b->out);
    free(b->mass);
}

/* Rows [first, first + n), as one call for each kv head. */
static void run_rows(const struct batch *b, int first, int n)
{
    const struct kv_layout *l = &b->shape.layout;
    const size_t bytes = attention_scratch_bytes(&b->shape, n);
    char *end = guarded_end(bytes);
    memset(end - bytes, 0xff, bytes);
    for (uint32_t h = 0; h < l->n_kv_heads; h++) {
        attention_rows(
            &b->shape, b->rows + first, n, b->q + (size_t)first * b->shape.n_heads * l->head_dim_k,
            (int)h, b->out + (size_t)first * b->shape.n_heads * l->head_dim_v, end - bytes, NULL);
    }
    guarded_free(end, bytes);
}

static void run(const struct batch *b, int n_a_call)
{
    memset(b->out, 0xff, b->out_bytes);
    memset(b->mass, 0, b->mass_bytes);
    for (int r = 0; r < N_ROWS; r += n_a_call) {
        run_rows(b, r, N_ROWS - r < n_a_call ? N_ROWS - r : n_a_call);
    }
}

/* ---- The slow obvious twin, in double precision ---- */

static double exact_score(const struct batch *b, int r, uint32_t head, const float *k)
{
    const uint32_t n = b->shape.layout.head_dim_k;
    const float *q = b->q + ((size_t)r * b->shape.n_heads + head) * n;
    const double cap = (double)b->shape.softcap;
    double s = 0;
    for (uint32_t d = 0; d < n; d++) s += (double)q[d] * (double)k[d];
    s *= (double)b->shape.scale;
    return cap > 0 ? cap * tanh(s / cap) : s;
}

/* What head @p head of row @p r gives to each position, and takes from it. */
static void exact_head(const struct batch *b, int r, uint32_t head, double *out, double *share)
{
    const struct kv_layout *l = &b->shape.layout;
    const uint32_t kv_head = head / (b->shape.n_heads / l->n_kv_heads);
    const int pos = b->rows[r].pos;
    const int first = b->shape.window ? pos + 1 - (int)b->shape.window : 0;
    float k[256];
    static float v[POSITIONS][256];
    double sum = b->shape.sinks ? exp((double)b->shape.sinks[head]) : 0;
    memset(share, 0, POSITIONS * sizeof(share[0]));
    memset(out, 0, l->head_dim_v * sizeof(out[0]));
    for (int p = first > 0 ? first : 0; p <= pos; p++) {
        const uint32_t slot = (uint32_t)p;
        if (!b->pages[slot / l->page_tokens]) continue;
        kv_load(l, b->pages[slot / l->page_tokens], slot % l->page_tokens, k, v[p]);
        share[p] = exp(exact_score(b, r, head, k + kv_head * l->head_dim_k));
        sum += share[p];
    }
    for (int p = 0; p <= pos; p++) {
        share[p] /= sum;
        for (uint32_t d = 0; share[p] > 0 && d < l->head_dim_v; d++) {
            out[d] += share[p] * (double)v[p][kv_head * l->head_dim_v + d];
        }
    }
}

/* Adds up what positions of pages that are there get. */
static void add_exact_masses(const struct batch *b, const double *share, double *mass)
{
    uint32_t column = 0;
    for (uint32_t i = 0; i < KV_FIXTURE_PAGES_MAX; i++) {
        const uint32_t first = i * b->shape.layout.page_tokens;
        if (!b->pages[i]) continue;
        for (uint32_t p = first; p < first + b->shape.layout.page_tokens && p < POSITIONS; p++) {
            mass[column] += share[p];
        }
        column++;
    }
}

static void expect_near(double got, double exact, const char *what, int r, uint32_t i)
{
    /* Values up to 2 and shares of 7 heads, summed in f32. */
    if (!(fabs(got - exact) < 2e-5)) {
        fail_msg("row %d, %s %u: %.8g, not %.8g", r, what, i, got, exact);
    }
}

static void expect_exact(const struct batch *b)
{
    const struct kv_layout *l = &b->shape.layout;
    const uint32_t group = b->shape.n_heads / l->n_kv_heads;
    static double share[POSITIONS];
    for (int r = 0; r < N_ROWS; r++) {
        for (uint32_t kv_head = 0; kv_head < l->n_kv_heads; kv_head++) {
            double mass[COLUMNS] = {0};
            for (uint32_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
                double out[256];
                exact_head(b, r, head, out, share);
                add_exact_masses(b, share, mass);
                for (uint32_t d = 0; d < l->head_dim_v; d++) {
                    const size_t at = ((size_t)r * b->shape.n_heads + head) * l->head_dim_v + d;
                    expect_near((double)b->out[at], out[d], "output", r, d);
                }
            }
            for (uint32_t c = 0; c < COLUMNS; c++) {
                const float got = b->rows[r].mass[kv_head * COLUMNS + c];
                expect_near((double)got, mass[c], "page", r, c);
            }
        }
    }
}

/* ---- Claims ---- */

static void masses_are_parts_of_the_full_softmax(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_SHAPES; s++) {
        for (size_t m = 0; m < N_MISSING; m++) {
            struct batch b;
            batch_init(&b, &shapes[s], missing[m]);
            run(&b, N_ROWS);
            expect_exact(&b);
            batch_deinit(&b);
        }
    }
}

static void neither_the_cut_nor_the_level_changes_a_bit(void **state)
{
    (void)state;
    static const int chunks[] = {N_ROWS, 1, 7, 32};
    const enum cpu_level best = cpu_level_get();
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct batch b;
        batch_init(&b, &shapes[s], missing[s]);
        run(&b, N_ROWS);
        float *out = malloc(b.out_bytes);
        float *mass = malloc(b.mass_bytes);
        memcpy(out, b.out, b.out_bytes);
        memcpy(mass, b.mass, b.mass_bytes);
        for (int level = CPU_SCALAR; level <= (int)best; level++) {
            cpu_level_limit((enum cpu_level)level);
            attention_init();
            for (int c = 0; c < 4; c++) {
                run(&b, chunks[c]);
                assert_memory_equal(out, b.out, b.out_bytes);
                assert_memory_equal(mass, b.mass, b.mass_bytes);
            }
        }
        cpu_level_limit(CPU_AVX512);
        attention_init();
        free(out);
        free(mass);
        batch_deinit(&b);
    }
}

static void asking_for_masses_changes_no_output(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct batch b;
        batch_init(&b, &shapes[s], missing[s]);
        run(&b, N_ROWS);
        float *out = malloc(b.out_bytes);
        memcpy(out, b.out, b.out_bytes);
        b.shape.mass_columns = 0;
        run(&b, N_ROWS);
        assert_memory_equal(out, b.out, b.out_bytes);
        free(out);
        batch_deinit(&b);
    }
}

static void a_guess_in_a_far_slot_gives_the_masses_of_its_position(void **state)
{
    (void)state;
    int32_t slots[N_ROWS];
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct batch b;
        batch_init(&b, &shapes[s], missing[s]);
        run(&b, N_ROWS);
        float *mass = malloc(b.mass_bytes);
        memcpy(mass, b.mass, b.mass_bytes);
        /* The last rows lie backwards. */
        const int32_t n_prefix = POSITIONS - N_ROWS;
        for (int i = 0; i < N_ROWS; i++) {
            slots[i] = POSITIONS - 1 - i;
            kv_fixture_store(&b.kv, (uint32_t)slots[i], (uint32_t)(n_prefix + i));
            b.rows[i].n_prefix = n_prefix;
            b.rows[i].tail_slots = slots;
        }
        run(&b, N_ROWS);
        assert_memory_equal(mass, b.mass, b.mass_bytes);
        free(mass);
        batch_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masses_are_parts_of_the_full_softmax),
        cmocka_unit_test(neither_the_cut_nor_the_level_changes_a_bit),
        cmocka_unit_test(asking_for_masses_changes_no_output),
        cmocka_unit_test(a_guess_in_a_far_slot_gives_the_masses_of_its_position),
    };
    attention_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
