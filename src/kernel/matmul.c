/* SPDX-License-Identifier: MIT */
/*
 * Matrix products: finds the panels of a matrix, packs those that are not, and hands panel times
 * chunk of activation rows to the kernel of the processor's instruction level.
 */
#include "kernel/matmul.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "kernel/matmul_internal.h"

static _Atomic(const struct matmul_table *) table = &matmul_table_scalar;

#define ALL_DWORDS(bytes)                                                                          \
    {                                                                                              \
        1, bytes, (bytes) / 4, 0, 0, 0, -1                                                         \
    }
#define HALF_FIRST(bytes)                                                                          \
    {                                                                                              \
        1, bytes, (bytes) / 4, 2, 0, 2, -1                                                         \
    }
#define HALF_LAST(bytes)                                                                           \
    {                                                                                              \
        1, bytes, (bytes) / 4, 0, (bytes)-2, 2, -1                                                 \
    }

/* How a block of each quantised type splits; n_blocks is filled in per matrix. */
static const struct panel_layout layouts[TENSOR_TYPE_COUNT] = {
    [TENSOR_Q4_0] = HALF_FIRST(18),         [TENSOR_Q4_1] = ALL_DWORDS(20),
    [TENSOR_Q5_0] = {1, 22, 5, 2, 0, 2, 0}, [TENSOR_Q5_1] = {1, 24, 6, 0, 0, 0, 1},
    [TENSOR_Q8_0] = HALF_FIRST(34),         [TENSOR_Q2_K] = ALL_DWORDS(84),
    [TENSOR_Q3_K] = HALF_LAST(110),         [TENSOR_Q4_K] = ALL_DWORDS(144),
    [TENSOR_Q5_K] = ALL_DWORDS(176),        [TENSOR_Q6_K] = HALF_LAST(210),
    [TENSOR_IQ4_NL] = HALF_FIRST(18),       [TENSOR_IQ4_XS] = ALL_DWORDS(136),
    [TENSOR_IQ3_XXS] = HALF_FIRST(98),      [TENSOR_IQ3_S] = HALF_FIRST(110),
    [TENSOR_IQ2_XXS] = HALF_FIRST(66),      [TENSOR_IQ2_XS] = HALF_FIRST(74),
    [TENSOR_IQ2_S] = HALF_FIRST(82),        [TENSOR_IQ1_S] = HALF_FIRST(50),
    [TENSOR_IQ1_M] = ALL_DWORDS(56),        [TENSOR_MXFP4] = {1, 17, 4, 1, 0, 1, -1},
};

void matmul_init(void)
{
    const struct matmul_table *best = &matmul_table_scalar;
#if defined(__x86_64__)
    if (cpu_level_get() >= CPU_AVX2) best = &matmul_table_avx2;
    if (cpu_level_get() >= CPU_AVX512) best = &matmul_table_avx512;
#endif
    atomic_store_explicit(&table, best, memory_order_release);
}

static const struct matmul_table *table_get(void)
{
    return atomic_load_explicit(&table, memory_order_acquire);
}

int kernel_matmul_supports(enum tensor_type type)
{
    return (unsigned)type < TENSOR_TYPE_COUNT && table_get()->matmul[type] != NULL;
}

struct panel_layout panel_layout_get(enum tensor_type type, uint32_t n_in)
{
    const struct tensor_format *format = tensor_format_get(type);
    struct panel_layout layout = layouts[type];
    if (format->is_quantized) {
        assert(layout.block_bytes == format->block_bytes);
        layout.n_blocks = n_in / format->block_elems;
        return layout;
    }
    const uint32_t row_bytes = n_in * format->block_bytes;
    layout = (struct panel_layout){.n_blocks = 1, .block_bytes = row_bytes, .fifth_bits = -1};
    layout.n_dwords = row_bytes / 4;
    layout.tail_at = 4 * layout.n_dwords;
    layout.tail_bytes = (uint8_t)(row_bytes % 4);
    return layout;
}

size_t act_bytes(uint32_t n_in, uint32_t n_rows)
{
    const size_t blocks = (size_t)(n_in / ACT_BLOCK) * n_rows;
    return size_round_up(blocks * sizeof(struct act_block), MEM_ALIGN_VECTOR);
}

void act_init(struct act *a, void *mem, uint32_t n_in, uint32_t n_rows)
{
    a->blocks = mem;
    a->n_in = n_in;
    a->n_rows = n_rows;
    a->n_blocks = n_in / ACT_BLOCK;
}

static uint32_t chunk_rows(const struct act *a, uint32_t first_row)
{
    const uint32_t left = a->n_rows - first_row;
    return left < ACT_CHUNK_ROWS ? left : ACT_CHUNK_ROWS;
}

void act_quantize(const struct act *a, const float *x, size_t ldx, uint32_t row0, uint32_t row1)
{
    if (a->n_in % ACT_BLOCK != 0) return;
    const act_quantize_row_fn quantize = table_get()->act_quantize_row;
    for (uint32_t r = row0; r < row1; r++) {
        const uint32_t in_chunk = r % ACT_CHUNK_ROWS;
        const uint32_t first = r - in_chunk;
        struct act_block *const to = a->blocks + (size_t)first * a->n_blocks + in_chunk;
        quantize(x + r * ldx, a->n_in, to, chunk_rows(a, first));
    }
}

static size_t panel_bytes(enum tensor_type type, uint32_t n_in)
{
    return size_round_up(PANEL_ROWS * tensor_row_bytes(type, n_in), MEM_ALIGN_VECTOR);
}

size_t kernel_matmul_scratch_bytes(enum tensor_type type, uint32_t n_in)
{
    return sizeof(float) * ACT_CHUNK_ROWS * PANEL_ROWS + panel_bytes(type, n_in);
}

static uint32_t panel_rows(const struct wmat *w, uint32_t panel)
{
    const uint32_t left = w->n_out - panel * PANEL_ROWS;
    return left < PANEL_ROWS ? left : PANEL_ROWS;
}

/*
 * What comes next is fetched into the second-level cache, spread over the work. The hardware alone
 * loses its way between the lines of a block: on Zen 4, from memory, 8 rows took 5.9 ms instead of
 * 3.8 (Q5_0, 18944 x 3584). Of packed panels that is what lies FETCH_BYTES ahead; 4096 was as good
 * for 8 rows and slower for one, a burst for a whole block at a time worse than none. Of rows it is
 * the rows of the next panel: what is multiplied lies in scratch, and memory would rest meanwhile.
 */
#define FETCH_BYTES 16384U

/* The panel itself, or its rows packed into scratch, and what comes next. Rows that a last panel
 * lacks are copies of its first. */
static struct panel_job panel_get(const struct wmat *w, const struct panel_layout *layout,
                                  uint32_t panel, uint8_t *scratch)
{
    const size_t row_bytes = tensor_row_bytes(w->type, w->n_in);
    const uint8_t *const first = (const uint8_t *)w->data + (size_t)panel * PANEL_ROWS * row_bytes;
    const uint32_t n_rows = panel_rows(w, panel);
    if (w->layout == WMAT_PANELS && n_rows == PANEL_ROWS) {
        return (struct panel_job){.panel = first, .next = first + FETCH_BYTES};
    }
    const uint8_t *rows[PANEL_ROWS];
    for (uint32_t r = 0; r < PANEL_ROWS; r++) rows[r] = first + (r < n_rows ? r : 0) * row_bytes;
    table_get()->panel_pack(layout, rows, scratch);
    return (struct panel_job){.panel = scratch, .next = first + PANEL_ROWS * row_bytes};
}

void kernel_matmul(const struct wmat *w, const struct act *a, const float *x, size_t ldx,
                   uint32_t panel0, uint32_t panel1, float *y, size_t ldy, void *scratch)
{
    const panel_matmul_fn multiply = table_get()->matmul[w->type];
    const struct panel_layout layout = panel_layout_get(w->type, w->n_in);
    const int is_quantized = tensor_format_get(w->type)->is_quantized;
    float *const out = scratch;
    uint8_t *const packed = (uint8_t *)(out + (size_t)ACT_CHUNK_ROWS * PANEL_ROWS);
    for (uint32_t p = panel0; p < panel1; p++) {
        const size_t n_rows = panel_rows(w, p);
        struct panel_job job = panel_get(w, &layout, p, packed);
        job.ldx = ldx;
        job.type = w->type;
        job.n_in = w->n_in;
        job.out = out;
        for (uint32_t c = 0; c < a->n_rows; c += ACT_CHUNK_ROWS) {
            job.n_cols = chunk_rows(a, c);
            if (is_quantized) job.act = a->blocks + (size_t)c * a->n_blocks;
            if (!is_quantized) job.x = x + c * ldx;
            multiply(&job);
            for (uint32_t i = 0; i < job.n_cols; i++) {
                float *const to = y + (c + i) * ldy + (size_t)p * PANEL_ROWS;
                memcpy(to, out + (size_t)i * PANEL_ROWS, n_rows * sizeof(float));
            }
        }
    }
}

int panel_pack_in_place(const struct wmat *w, uint32_t panel0, uint32_t panel1, void *data,
                        void *scratch)
{
    if (!kernel_matmul_supports(w->type)) {
        return FAIL(NMOS_E_UNSUPPORTED, "no matrix kernel for weights of type %d", (int)w->type);
    }
    const struct panel_layout layout = panel_layout_get(w->type, w->n_in);
    const size_t bytes = PANEL_ROWS * tensor_row_bytes(w->type, w->n_in);
    const uint32_t n_full = w->n_out / PANEL_ROWS;
    for (uint32_t p = panel0; p < panel1 && p < n_full; p++) {
        uint8_t *const panel = (uint8_t *)data + p * bytes;
        const uint8_t *rows[PANEL_ROWS];
        for (uint32_t r = 0; r < PANEL_ROWS; r++) rows[r] = panel + r * (bytes / PANEL_ROWS);
        table_get()->panel_pack(&layout, rows, scratch);
        memcpy(panel, scratch, bytes);
    }
    return 0;
}

void wmat_copy_row(const struct wmat *w, uint32_t row, void *ret_row)
{
    const size_t row_bytes = tensor_row_bytes(w->type, w->n_in);
    const uint8_t *const data = w->data;
    const uint32_t panel = row / PANEL_ROWS;
    if (w->layout == WMAT_ROWS || panel_rows(w, panel) < PANEL_ROWS) {
        memcpy(ret_row, data + row * row_bytes, row_bytes);
        return;
    }
    const struct panel_layout layout = panel_layout_get(w->type, w->n_in);
    panel_unpack_row(&layout, data + (size_t)panel * PANEL_ROWS * row_bytes, row % PANEL_ROWS,
                     ret_row);
}
