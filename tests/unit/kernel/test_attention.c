/* SPDX-License-Identifier: MIT */
/* Proves that attention is the softmax it claims to be, and has the same bits however the work is
 * cut. */
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

#define POSITIONS 330
#define ROWS_MAX  POSITIONS
#define HEADS_MAX 8

static const float sink_logits[HEADS_MAX] = {0.5F, -1.0F, 3.0F, 0.0F, 2.0F, 9.0F, -20.0F, 1.0F};

/* type, kv heads, head_dim_k, head_dim_v, page; query heads, window, scale, softcap, sinks, layer,
 * no masses */
static const struct attn_shape shapes[] = {
    {{KV_F32, 2, 64, 64, 64}, 2, 0, 0.125F, 0.0F, NULL, 0, 0},
    {{KV_F16, 1, 128, 128, 64}, 7, 0, 0.088F, 0.0F, NULL, 0, 0},
    {{KV_F16, 2, 40, 72, 128}, 6, 0, 0.3F, 0.0F, NULL, 0, 0},
    {{KV_F16, 2, 96, 96, 64}, 8, 100, 0.1F, 0.0F, NULL, 0, 0},
    {{KV_Q8_0, 2, 64, 32, 64}, 4, 0, 0.2F, 0.0F, NULL, 0, 0},
    {{KV_F16, 1, 16, 8, 192}, 5, 70, 0.5F, 2.0F, NULL, 0, 0},
    {{KV_F32, 2, 32, 32, 64}, 6, 7, 0.4F, 0.0F, sink_logits, 0, 0},
    {{KV_F16, 1, 80, 256, 64}, 3, 0, 0.1F, 5.0F, sink_logits, 0, 0},
};
#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* Rows of one session, their queries and outputs. */
struct batch {
    struct attn_shape shape;
    struct kv_fixture kv;
    struct attn_row rows[ROWS_MAX];
    int n_rows;
    float *q, *out; /* each ends at a guard page */
    size_t q_bytes, out_bytes;
};

static uint32_t q_row(const struct batch *b)
{
    return b->shape.n_heads * b->shape.layout.head_dim_k;
}
static uint32_t out_row(const struct batch *b)
{
    return b->shape.n_heads * b->shape.layout.head_dim_v;
}

/* A chain: every position is stored in its slot, and the last n_rows of them are rows. */
static void batch_init(struct batch *b, const struct attn_shape *shape, int n_positions, int n_rows)
{
    b->shape = *shape;
    b->n_rows = n_rows;
    kv_fixture_init(&b->kv, &shape->layout, POSITIONS);
    for (int p = 0; p < n_positions; p++) kv_fixture_store(&b->kv, (uint32_t)p, (uint32_t)p);
    b->q_bytes = (size_t)n_rows * q_row(b) * sizeof(float);
    b->out_bytes = (size_t)n_rows * out_row(b) * sizeof(float);
    b->q = (float *)(void *)(guarded_end(b->q_bytes) - b->q_bytes);
    b->out = (float *)(void *)(guarded_end(b->out_bytes) - b->out_bytes);
    for (int r = 0; r < n_rows; r++) {
        const int pos = n_positions - n_rows + r;
        uint64_t state = 31U + (uint64_t)pos;
        b->rows[r] = (struct attn_row){(const void *const *)b->kv.pages, NULL, pos, pos + 1, NULL};
        for (uint32_t i = 0; i < q_row(b); i++)
            b->q[(uint32_t)r * q_row(b) + i] = 2.0F * next_f32(&state);
    }
}

static void batch_deinit(struct batch *b)
{
    kv_fixture_deinit(&b->kv);
    guarded_free((char *)b->q + b->q_bytes, b->q_bytes);
    guarded_free((char *)b->out + b->out_bytes, b->out_bytes);
}

/* Runs rows [first, first + n) in one call for each kv head, with scratch that ends at a guard
 * page. */
static void run_rows(const struct batch *b, int first, int n)
{
    const size_t bytes = attention_scratch_bytes(&b->shape, n);
    char *end = guarded_end(bytes);
    memset(end - bytes, 0xff, bytes);
    for (uint32_t h = 0; h < b->shape.layout.n_kv_heads; h++) {
        attention_rows(&b->shape, b->rows + first, n, b->q + (uint32_t)first * q_row(b), (int)h,
                       b->out + (uint32_t)first * out_row(b), end - bytes, NULL);
    }
    guarded_free(end, bytes);
}

/* The slow obvious twin: scores, softmax and mean in double precision. */
static void exact_row(const struct batch *b, int r, uint32_t head, double *out)
{
    const struct kv_layout *l = &b->shape.layout;
    const struct attn_row *row = &b->rows[r];
    const uint32_t kv_head = head / (b->shape.n_heads / l->n_kv_heads);
    const float *q = b->q + (uint32_t)r * q_row(b) + head * l->head_dim_k;
    const int first = b->shape.window && row->pos + 1 > (int)b->shape.window
                          ? row->pos + 1 - (int)b->shape.window
                          : 0;
    static double score[POSITIONS];
    static float k[POSITIONS][HEADS_MAX * 256];
    static float v[POSITIONS][HEADS_MAX * 256];
    double top = b->shape.sinks ? (double)b->shape.sinks[head] : -INFINITY;
    for (int p = first; p <= row->pos; p++) {
        const uint32_t slot =
            (uint32_t)(p < row->n_prefix ? p : row->tail_slots[p - row->n_prefix]);
        kv_load(l, row->pages[slot / l->page_tokens], slot % l->page_tokens, k[p], v[p]);
        double s = 0.0;
        for (uint32_t d = 0; d < l->head_dim_k; d++)
            s += (double)q[d] * (double)k[p][kv_head * l->head_dim_k + d];
        s *= (double)b->shape.scale;
        if (b->shape.softcap > 0.0F)
            s = (double)b->shape.softcap * tanh(s / (double)b->shape.softcap);
        score[p] = s;
        top = fmax(top, s);
    }
    double sum = b->shape.sinks ? exp((double)b->shape.sinks[head] - top) : 0.0;
    for (uint32_t d = 0; d < l->head_dim_v; d++) out[d] = 0.0;
    for (int p = first; p <= row->pos; p++) {
        const double e = exp(score[p] - top);
        sum += e;
        for (uint32_t d = 0; d < l->head_dim_v; d++)
            out[d] += e * (double)v[p][kv_head * l->head_dim_v + d];
    }
    for (uint32_t d = 0; d < l->head_dim_v; d++) out[d] /= sum;
}

static void expect_exact(const struct batch *b)
{
    double exact[256];
    for (int r = 0; r < b->n_rows; r++) {
        for (uint32_t h = 0; h < b->shape.n_heads; h++) {
            exact_row(b, r, h, exact);
            for (uint32_t d = 0; d < b->shape.layout.head_dim_v; d++) {
                const float got =
                    b->out[(uint32_t)r * out_row(b) + h * b->shape.layout.head_dim_v + d];
                /* |V| <= 2; a score of magnitude 10 is off by about 1e-6, and so is its
                 * exponential. */
                if (!(fabs((double)got - exact[d]) < 1e-5)) {
                    fail_msg("row %d head %u dim %u: %.8g, not %.8g", r, h, d, (double)got,
                             exact[d]);
                }
            }
        }
    }
}

static void rows_are_the_softmax_of_their_positions(void **state)
{
    (void)state;
    static const int positions[] = {1, 2, 17, 64, 65, 129, 200, POSITIONS};
    for (size_t s = 0; s < N_SHAPES; s++) {
        for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
            struct batch b;
            const int n_rows = positions[i] < 19 ? positions[i] : 19;
            batch_init(&b, &shapes[s], positions[i], n_rows);
            run_rows(&b, 0, n_rows);
            expect_exact(&b);
            batch_deinit(&b);
        }
    }
}

static void every_level_gives_the_same_bits(void **state)
{
    (void)state;
    const enum cpu_level best = cpu_level_get();
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct batch b;
        batch_init(&b, &shapes[s], 150, 9);
        float *expected = malloc(b.out_bytes);
        for (int level = CPU_SCALAR; level <= (int)best; level++) {
            cpu_level_limit((enum cpu_level)level);
            attention_init();
            memset(b.out, 0xff, b.out_bytes);
            run_rows(&b, 0, b.n_rows);
            if (level == CPU_SCALAR) memcpy(expected, b.out, b.out_bytes);
            assert_memory_equal(expected, b.out, b.out_bytes);
        }
        cpu_level_limit(CPU_AVX512);
        attention_init();
        free(expected);
        batch_deinit(&b);
    }
}

static void cutting_the_rows_changes_no_bit(void **state)
{
    (void)state;
    static const int chunks[] = {1, 2, 7, 64, ROWS_MAX};
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct batch b;
        batch_init(&b, &shapes[s], POSITIONS, ROWS_MAX);
        float *expected = malloc(b.out_bytes);
        for (int c = 0; c < 5; c++) {
            memset(b.out, 0xff, b.out_bytes);
            for (int r = 0; r < b.n_rows; r += chunks[c]) {
                run_rows(&b, r, b.n_rows - r < chunks[c] ? b.n_rows - r : chunks[c]);
            }
            if (c == 0) memcpy(expected, b.out, b.out_bytes);
            assert_memory_equal(expected, b.out, b.out_bytes);
        }
        free(expected);
        batch_deinit(&b);
    }
}

/* The parts of one attention, page by page; a page is only there for the call that reads it. */
static void run_parts(const struct batch *b, uint32_t n_pages_a_part)
{
    const uint32_t page_tokens = b->shape.layout.page_tokens;
    const size_t bytes = attention_scratch_bytes(&b->shape, b->n_rows);
    const size_t sums_bytes = attention_sums_bytes(&b->shape, b->n_rows);
    char *end = guarded_end(bytes);
    char *sums_end = guarded_end(sums_bytes);
    const void *pages[KV_FIXTURE_PAGES_MAX];
    struct attn_row rows[ROWS_MAX];
    memcpy(rows, b->rows, (size_t)b->n_rows * sizeof(rows[0]));
    for (int r = 0; r < b->n_rows; r++) rows[r].pages = pages;
    for (uint32_t h = 0; h < b->shape.layout.n_kv_heads; h++) {
        const uint32_t step = n_pages_a_part * page_tokens;
        for (uint32_t first = 0; first < POSITIONS; first += step) {
            const struct attn_part part = {.first = first,
                                           .end = first + step,
                                           .is_first = first == 0,
                                           .is_last = first + step >= POSITIONS,
                                           .sums = sums_end - sums_bytes};
            memset((void *)pages, 0, sizeof(pages));
            for (uint32_t i = 0; i < n_pages_a_part; i++) {
                const uint32_t page = first / page_tokens + i;
                if (page < KV_FIXTURE_PAGES_MAX) pages[page] = b->kv.pages[page];
            }
            memset(end - bytes, 0xff, bytes);
            attention_rows(&b->shape, rows, b->n_rows, b->q, (int)h, b->out, end - bytes, &part);
        }
    }
    guarded_free(end, bytes);
    guarded_free(sums_end, sums_bytes);
}

static void cutting_the_positions_changes_no_bit(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct batch b;
        batch_init(&b, &shapes[s], POSITIONS, 150);
        run_rows(&b, 0, b.n_rows);
        float *expected = malloc(b.out_bytes);
        memcpy(expected, b.out, b.out_bytes);
        for (uint32_t n_pages = 1; n_pages <= 3; n_pages++) {
            memset(b.out, 0xff, b.out_bytes);
            run_parts(&b, n_pages);
            assert_memory_equal(expected, b.out, b.out_bytes);
        }
        free(expected);
        batch_deinit(&b);
    }
}

static void the_size_of_a_page_changes_no_bit(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct batch b;
        batch_init(&b, &shapes[s], POSITIONS, 40);
        run_rows(&b, 0, b.n_rows);
        for (uint32_t page = 64; page <= 320; page += 128) {
            struct attn_shape shape = shapes[s];
            shape.layout.page_tokens = page;
            struct batch other;
            batch_init(&other, &shape, POSITIONS, 40);
            run_rows(&other, 0, other.n_rows);
            assert_memory_equal(b.out, other.out, b.out_bytes);
            batch_deinit(&other);
        }
        batch_deinit(&b);
    }
}

/* Positions from n_prefix on are moved to scattered slots, backwards, 3 apart; every row names its
 * own. */
static void scatter(struct batch *b, int32_t n_prefix, int32_t *slots)
{
    const int n_tail = b->rows[b->n_rows - 1].pos + 1 - n_prefix;
    for (int i = 0; i < n_tail; i++) slots[i] = n_prefix + 3 * (n_tail - 1 - i);
    for (uint32_t page = 0; page * b->shape.layout.page_tokens < POSITIONS; page++) {
        memset(b->kv.pages[page], 0xff, kv_layer_bytes(&b->shape.layout));
    }
    for (int p = 0; p < n_prefix + n_tail; p++) {
        kv_fixture_store(&b->kv, (uint32_t)(p < n_prefix ? p : slots[p - n_prefix]), (uint32_t)p);
    }
    for (int r = 0; r < b->n_rows; r++) {
        b->rows[r].n_prefix = n_prefix;
        b->rows[r].tail_slots = slots;
    }
}

static void scattered_slots_change_no_bit(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_SHAPES; s++) {
        for (int n_prefix = 150; n_prefix <= 200; n_prefix += 7) {
            struct batch b;
            int32_t slots[POSITIONS];
            batch_init(&b, &shapes[s], 210, 90);
            run_rows(&b, 0, b.n_rows);
            float *straight = malloc(b.out_bytes);
            memcpy(straight, b.out, b.out_bytes);
            memset(b.out, 0xff, b.out_bytes);
            scatter(&b, n_prefix, slots);
            run_rows(&b, 0, b.n_rows);
            assert_memory_equal(straight, b.out, b.out_bytes);
            free(straight);
            batch_deinit(&b);
        }
    }
}

static void branches_of_a_tree_see_their_own_ancestors_only(void **state)
{
    (void)state;
    /* Behind 70 positions: row 0 has token 70; rows 1 and 2 are its children; row 3 is the child of
     * row 2. */
    static const int32_t tail[4][3] = {{90}, {90, 77}, {90, 101}, {90, 101, 75}};
    static const int32_t depth[4] = {1, 2, 2, 3};
    static const uint32_t token[4] = {70, 500, 501, 502};
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct batch b;
        batch_init(&b, &shapes[s], 74, 4);
        for (int r = 0; r < 4; r++) {
            b.rows[r].pos = 70 + depth[r] - 1;
            b.rows[r].n_prefix = 70;
            b.rows[r].tail_slots = tail[r];
            kv_fixture_store(&b.kv, (uint32_t)tail[r][depth[r] - 1], token[r]);
        }
        run_rows(&b, 0, 4);
        expect_exact(&b);
        batch_deinit(&b);
    }
}

static void rows_of_two_sessions_ride_together(void **state)
{
    (void)state;
    struct batch a;
    struct batch b;
    batch_init(&a, &shapes[1], 100, 6);
    batch_init(&b, &shapes[1], 180, 6);
    run_rows(&a, 0, 6);
    run_rows(&b, 0, 6);
    float *expected = malloc(a.out_bytes);
    memcpy(expected, a.out, a.out_bytes);
    memcpy(expected + 2 * out_row(&a), b.out + 2 * out_row(&b), 2 * out_row(&b) * sizeof(float));
    for (int r = 2; r < 4; r++) {
        a.rows[r] = b.rows[r];
        memcpy(a.q + (uint32_t)r * q_row(&a), b.q + (uint32_t)r * q_row(&b),
               q_row(&b) * sizeof(float));
    }
    run_rows(&a, 0, 6);
    assert_memory_equal(expected, a.out, a.out_bytes);
    free(expected);
    batch_deinit(&a);
    batch_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_softmax_of_their_positions),
        cmocka_unit_test(every_level_gives_the_same_bits),
        cmocka_unit_test(cutting_the_rows_changes_no_bit),
        cmocka_unit_test(cutting_the_positions_changes_no_bit),
        cmocka_unit_test(the_size_of_a_page_changes_no_bit),
        cmocka_unit_test(scattered_slots_change_no_bit),
        cmocka_unit_test(branches_of_a_tree_see_their_own_ancestors_only),
        cmocka_unit_test(rows_of_two_sessions_ride_together),
    };
    attention_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
