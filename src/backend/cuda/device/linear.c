/* SPDX-License-Identifier: MIT */
/*
 * Products of quantised weights with rows of activations, to the bit of kernel/matmul.h.
 *
 * What a block of 32 weights adds is an exact integer times a scale and can be worked out in any
 * order; only the chain of fused multiply-adds over a row's blocks has one. For few rows of
 * activations (k_linear_few) four warps work out the blocks of one part of four rows, and have the
 * next part fetched; meanwhile a fifth warp runs along the chains of the part before, a thread for
 * each output. For many (k_linear_many) a thread has 16 outputs of its own and walks along the
 * blocks, which lie unpacked in shared memory.
 */
#include "backend/cuda/device/device.h"
#include "backend/cuda/device/unpack.h"

#define BLOCK_DWORDS (ACT_BLOCK / 4U)

/* What the four scales of activations multiply; see act_scale_units. */
INLINE float scale_unit(float step)
{
    return 127.0F * 127.0F / (step * step);
}

INLINE float error_of(const float *x, float inverse)
{
    float sums[16];
    UNROLL(unroll 16)
    for (uint32_t i = 0; i < 16; i++) {
        const float low = x[i] * inverse;
        const float high = x[i + 16] * inverse;
        const float low_error = low - rint_f32(low);
        const float high_error = high - rint_f32(high);
        sums[i] = fma_f32(high_error, high_error, low_error * low_error);
    }
    return tree_sum(sums);
}

/* Where in its row a block begins. */
INLINE uint32_t act_at(uint32_t b)
{
    return b / ACT_GROUP * (ACT_GROUP * ACT_DWORDS) + b % ACT_GROUP;
}

/* Writes dword i of the block whose first dword is at `to`. */
INLINE void put_act(uint32_t *to, uint32_t i, uint32_t dword)
{
    to[i * ACT_GROUP] = dword;
}

INLINE void quantize_block(const float *x, float amax, uint32_t *to)
{
    float step = 0.0F;
    float best_error = f32_from_bits(0x7f800000U);
    UNROLL(unroll 4)
    for (uint32_t i = 0; i < ACT_SCALES; i++) {
        const float tried = 127.0F - (float)i;
        const float error = error_of(x, tried / amax) * scale_unit(tried);
        /* The first stands where no error is smaller than infinity. */
        step = error < best_error || i == 0 ? tried : step;
        best_error = error < best_error ? error : best_error;
    }
    const float inverse = step / amax;
    int32_t sums[2] = {0, 0};
    UNROLL(unroll 8)
    for (uint32_t i = 0; i < BLOCK_DWORDS; i++) {
        uint32_t dword = 0;
        UNROLL(unroll 4)
        for (uint32_t k = 0; k < 4; k++) {
            const int32_t q = (int32_t)rint_f32(x[4 * i + k] * inverse);
            dword |= (uint32_t)(uint8_t)q << (8 * k);
            sums[i / 4] += q;
        }
        put_act(to, ACT_Q + i, dword);
    }
    const float d = amax / step;
    put_act(to, ACT_D, f32_to_bits(d));
    put_act(to, ACT_NSUM, f32_to_bits(d * (float)-(sums[0] + sums[1])));
    put_act(to, ACT_S16, (uint32_t)(uint16_t)sums[0] | (uint32_t)sums[1] << 16);
}

KERNEL(k_quantize, quantize_args)
{
    THREADS(t)
    {
        const uint64_t b = (uint64_t)BLOCK_X * N_THREADS + t;
        if (b < a.n) {
            uint32_t *to = a.act + b / a.n_blocks * ACT_ROW_DWORDS(a.n_blocks * ACT_BLOCK) +
                           act_at((uint32_t)(b % a.n_blocks));
            float x[ACT_BLOCK];
            uint32_t amax_bits = 0;
            UNROLL(unroll 32)
            for (uint32_t k = 0; k < ACT_BLOCK; k++) {
                x[k] = a.x[b * ACT_BLOCK + k];
                const uint32_t magnitude = f32_to_bits(x[k]) & 0x7fffffffU;
                if (magnitude > amax_bits) amax_bits = magnitude;
            }
            if (amax_bits >= ACT_AMAX_ZERO && amax_bits <= ACT_AMAX_MAX) {
                quantize_block(x, f32_from_bits(amax_bits), to);
            } else {
                /* Zeros, or NaN for the whole row. */
                const uint32_t d = amax_bits > ACT_AMAX_MAX ? ACT_NAN_BITS : 0;
                for (uint32_t i = 0; i < ACT_DWORDS; i++) {
                    put_act(to, i, i == ACT_D || i == ACT_NSUM ? d : 0);
                }
            }
        }
    }
}

/* One block of activations. */
struct acts {
    uint32_t q[BLOCK_DWORDS];
    float d;
    float nsum;
    int32_t s16[2];
};

INLINE struct acts load_acts(const struct linear_args *a, uint32_t col, uint32_t sub)
{
    const uint32_t *from = a->act + (uint64_t)col * ACT_ROW_DWORDS(a->n_in) + act_at(sub);
    const uint32_t s16 = from[ACT_S16 * ACT_GROUP];
    struct acts acts;
    UNROLL(unroll 8)
    for (uint32_t i = 0; i < BLOCK_DWORDS; i++) acts.q[i] = from[i * ACT_GROUP];
    acts.d = f32_from_bits(from[ACT_D * ACT_GROUP]);
    acts.nsum = f32_from_bits(from[ACT_NSUM * ACT_GROUP]);
    acts.s16[0] = (int16_t)s16;
    acts.s16[1] = (int16_t)(s16 >> 16);
    return acts;
}

/* sc[0] * (products of weights 0..15) + sc[1] * (those of 16..31). */
INLINE int32_t scaled_dot(const uint32_t *q, const int32_t *sc, const uint32_t *x)
{
    int32_t low = 0;
    int32_t high = 0;
    UNROLL(unroll 4)
    for (uint32_t i = 0; i < BLOCK_DWORDS / 2; i++) {
        low = dot4(q[i], x[i], low);
        high = dot4(q[i + 4], x[i + 4], high);
    }
    return sc[0] * low + sc[1] * high;
}

/* ---- few rows of activations ---- */

struct few_factors {
    float scale, min;
};

/* What is worked out of one part: for each row and block the scale and the minimum, and for each
 * column what they multiply. What minima multiply is the same for all rows, but for Q2_K. */
struct few_terms {
    struct few_factors *factors; /* [FEW_ROWS][FEW_STRIDE] */
    float *sum;                  /* [n_cols][FEW_ROWS][FEW_STRIDE] */
    float *offset;               /* [n_cols][offset_rows][FEW_STRIDE] */
};

/* Shared memory of part `part`: its rows as in the file, and its terms. */
INLINE uint8_t *few_rows_of(uint8_t *pool, const struct linear_args *a, uint32_t part)
{
    return pool + (uint64_t)(part % 2) * FEW_ROWS * a->part_bytes;
}

INLINE struct few_terms few_terms_of(uint8_t *pool, const struct linear_args *a, uint32_t n_cols,
                                     uint32_t part)
{
    uint8_t *terms = pool + (uint64_t)2 * FEW_ROWS * a->part_bytes;
    struct few_terms l;
    terms += 4 * (part % 2) * FEW_TERMS(n_cols, a->offset_rows);
    l.factors = (void *)terms;
    l.sum = (float *)(void *)(l.factors + (uint64_t)FEW_ROWS * FEW_STRIDE);
    l.offset = l.sum + (uint64_t)FEW_ROWS * FEW_STRIDE * n_cols;
    return l;
}

/* One row's bytes of a part, in lines of 16 bytes: the first begins at or before them. */
struct few_piece {
    const u32x4 *lines;
    uint32_t n_lines;
    uint32_t skip; /* bytes of the first line that are not the part's */
};

INLINE struct few_piece few_piece_of(const struct linear_args *a, const struct linear_matrix *m,
                                     uint32_t row, uint32_t part)
{
    const uint32_t first = part * FEW_SUBS;
    const uint32_t n_blocks = a->n_in / ACT_BLOCK;
    struct few_piece piece = {0, 0, 0};
    if (first >= n_blocks || row >= m->n_out) return piece;
    const uint32_t bytes = (min_u32(n_blocks - first, FEW_SUBS) >> m->sub_shift) * m->block_bytes;
    const uint8_t *from =
        m->weight + row * m->row_bytes + (uint64_t)(first >> m->sub_shift) * m->block_bytes;
    piece.skip = (uint32_t)((uintptr_t)from & 15U);
    piece.lines = (const void *)(from - piece.skip);
    piece.n_lines = (piece.skip + bytes + 15U) / 16U;
    return piece;
}

/* Which 32 weights of their block these are. */
INLINE uint32_t sub_in_block(const struct linear_matrix *m, uint32_t sub)
{
    return sub & ((1U << m->sub_shift) - 1);
}

/* Block `sub` of the part, row r, for all columns. */
INLINE void few_block(const struct linear_args *a, const struct linear_matrix *m,
                      const struct few_terms *terms, uint32_t n_cols, uint32_t first_sub,
                      uint32_t r, uint32_t sub, const uint8_t *row)
{
    struct weights w;
    const uint32_t at = r * FEW_STRIDE + sub;
    unpack(row + (sub >> m->sub_shift) * m->block_bytes, m->type, sub_in_block(m, sub), a->books,
           &w);
    terms->factors[at] = (struct few_factors){w.scale, has_min16(m->type) ? -w.min : w.min};
    UNROLL(unroll 4)
    for (uint32_t c = 0; c < n_cols; c++) {
        const struct acts acts = load_acts(a, c, first_sub + sub);
        const int32_t sum = scaled_dot(w.q, w.sc, acts.q);
        terms->sum[c * FEW_ROWS * FEW_STRIDE + at] = (float)sum * acts.d;
        if (has_min(m->type) && r == 0) {
            terms->offset[c * a->offset_rows * FEW_STRIDE + at] = acts.nsum;
        }
        if (has_min16(m->type)) {
            const int32_t minima = w.m[0] * acts.s16[0] + w.m[1] * acts.s16[1];
            terms->offset[c * FEW_ROWS * FEW_STRIDE + at] = (float)minima * acts.d;
        }
    }
}

/* The chain of one output over the blocks of a part. */
INLINE float few_chain(const struct linear_args *a, const struct few_terms *terms, uint32_t type,
                       uint32_t r, uint32_t c, uint32_t n, float acc)
{
    const struct few_factors *factors = terms->factors + (uint64_t)r * FEW_STRIDE;
    const float *sum = terms->sum + ((uint64_t)c * FEW_ROWS + r) * FEW_STRIDE;
    const uint32_t offset_row = c * a->offset_rows + (has_min16(type) ? r : 0);
    const float *offset = terms->offset + (uint64_t)offset_row * FEW_STRIDE;
    if (!has_min(type) && !has_min16(type)) {
        UNROLL(unroll 16)
        for (uint32_t i = 0; i < n; i++) acc = fma_f32(factors[i].scale, sum[i], acc);
        return acc;
    }
    UNROLL(unroll 16)
    for (uint32_t i = 0; i < n; i++) {
        acc = fma_f32(factors[i].scale, sum[i], acc);
        acc = fma_f32(factors[i].min, offset[i], acc);
    }
    return acc;
}

/* A worker's blocks of a part, while its lines of the next one are on their way; which is returned.
 */
INLINE struct few_piece few_work(const struct linear_args *a, const struct linear_matrix *m,
                                 uint32_t n_cols, uint8_t *pool, uint32_t row0, uint32_t part,
                                 uint32_t t, struct few_piece piece)
{
    const uint32_t r = t / FEW_WARP;
    const uint32_t lane = t % FEW_WARP;
    const uint32_t n_blocks = a->n_in / ACT_BLOCK;
    const uint32_t first = part * FEW_SUBS;
    const struct few_piece next = few_piece_of(a, m, row0 + r, part + 1);
    const struct few_terms terms = few_terms_of(pool, a, n_cols, part);
    const uint8_t *row = few_rows_of(pool, a, part) + (uint64_t)r * a->part_bytes + piece.skip;
    u32x4 *to = (void *)(few_rows_of(pool, a, part + 1) + (uint64_t)r * a->part_bytes);
    u32x4 lines[FEW_LINES];
    UNROLL(unroll 8)
    for (uint32_t i = 0; i < FEW_LINES; i++) {
        const uint32_t line = i * FEW_WARP + lane;
        lines[i] = (u32x4){0, 0, 0, 0};
        if (line < next.n_lines) lines[i] = next.lines[line];
    }
    UNROLL(nounroll)
    for (uint32_t sub = lane; piece.n_lines && sub < FEW_SUBS; sub += FEW_WARP) {
        if (first + sub < n_blocks) few_block(a, m, &terms, n_cols, first, r, sub, row);
    }
    UNROLL(unroll 8)
    for (uint32_t i = 0; i < FEW_LINES; i++) {
        const uint32_t line = i * FEW_WARP + lane;
        if (line < next.n_lines) to[line] = lines[i];
    }
    return next;
}

/* By field, so that all stay in registers. */
INLINE struct linear_matrix matrix_number(const struct linear_args *a, uint32_t i)
{
    const struct linear_matrix *m = a->matrices;
    struct linear_matrix chosen;
    chosen.weight = i == 0 ? m[0].weight : i == 1 ? m[1].weight : m[2].weight;
    chosen.bias = i == 0 ? m[0].bias : i == 1 ? m[1].bias : m[2].bias;
    chosen.out = i == 0 ? m[0].out : i == 1 ? m[1].out : m[2].out;
    chosen.out_stride = i == 0 ? m[0].out_stride : i == 1 ? m[1].out_stride : m[2].out_stride;
    chosen.row_bytes = i == 0 ? m[0].row_bytes : i == 1 ? m[1].row_bytes : m[2].row_bytes;
    chosen.type = i == 0 ? m[0].type : i == 1 ? m[1].type : m[2].type;
    chosen.n_out = i == 0 ? m[0].n_out : i == 1 ? m[1].n_out : m[2].n_out;
    chosen.sub_shift = i == 0 ? m[0].sub_shift : i == 1 ? m[1].sub_shift : m[2].sub_shift;
    chosen.block_bytes = i == 0 ? m[0].block_bytes : i == 1 ? m[1].block_bytes : m[2].block_bytes;
    return chosen;
}

/* The number of columns is an argument, so that the compiler may know it. */
INLINE void linear_few(const struct linear_args *a, uint32_t n_cols WHERE_PARAMETER)
{
    float acc[OWNERS];
    struct few_piece pieces[OWNERS]; /* of the part that is worked out next */
    const struct linear_matrix chosen = matrix_number(a, BLOCK_Y);
    const struct linear_matrix *m = &chosen;
    const uint32_t row0 = BLOCK_X * FEW_ROWS;
    const uint32_t n_blocks = a->n_in / ACT_BLOCK;
    const uint32_t n_parts = (n_blocks + FEW_SUBS - 1) / FEW_SUBS;
    if (row0 >= m->n_out) return;
    const uint32_t n_rows = min_u32(m->n_out - row0, FEW_ROWS);
    THREADS(t)
    {
        acc[OWN(t)] = 0.0F;
        if (t < FEW_WORKERS) {
            const struct few_piece piece = few_piece_of(a, m, row0 + t / FEW_WARP, 0);
            u32x4 *to = (void *)(SHARED_POOL() + (uint64_t)(t / FEW_WARP) * a->part_bytes);
            for (uint32_t i = t % FEW_WARP; i < piece.n_lines; i += FEW_WARP) {
                to[i] = piece.lines[i];
            }
            pieces[OWN(t)] = piece;
        }
    }
    BARRIER();
    for (uint32_t part = 0; part <= n_parts; part++) {
        THREADS(t)
        {
            const uint32_t i = t - FEW_WORKERS;
            if (t < FEW_WORKERS) {
                if (part < n_parts) {
                    pieces[OWN(t)] =
                        few_work(a, m, n_cols, SHARED_POOL(), row0, part, t, pieces[OWN(t)]);
                }
            } else if (part > 0 && i % FEW_ROWS < n_rows && i / FEW_ROWS < n_cols) {
                const struct few_terms terms = few_terms_of(SHARED_POOL(), a, n_cols, part - 1);
                const uint32_t n = min_u32(n_blocks - (part - 1) * FEW_SUBS, FEW_SUBS);
                acc[OWN(t)] =
                    few_chain(a, &terms, m->type, i % FEW_ROWS, i / FEW_ROWS, n, acc[OWN(t)]);
            }
        }
        BARRIER();
    }
    THREADS(t)
    {
        const uint32_t r = (t - FEW_WORKERS) % FEW_ROWS;
        const uint32_t c = (t - FEW_WORKERS) / FEW_ROWS;
        if (t >= FEW_WORKERS && r < n_rows && c < n_cols) {
            const uint32_t row = row0 + r;
            const float y = acc[OWN(t)];
            m->out[c * m->out_stride + row] = m->bias ? y + m->bias[row] : y;
        }
    }
}

KERNEL(k_linear_one, linear_args)
{
    linear_few(&a, 1 WHERE);
}

KERNEL(k_linear_few, linear_args)
{
    linear_few(&a, a.n_cols WHERE);
}

/* ---- many rows of activations ---- */

#define MANY_SUBS   4U                              /* blocks of 32 weights at a time */
#define MANY_STRIDE (MANY_SUBS * BLOCK_DWORDS + 4U) /* dwords; so that 8 rows hit 32 banks */
#define MANY_SIDE   16U                             /* threads a side; outputs of a thread: ... */
#define MANY_EACH   (MANY_TILE / MANY_SIDE)         /* ... so many rows and columns */

struct many_weights {
    uint32_t q[MANY_TILE * MANY_STRIDE];
    float scale[MANY_SUBS][MANY_TILE];
    float min[MANY_SUBS][MANY_TILE];
    int32_t sc[MANY_SUBS][2][MANY_TILE];
    int32_t m[MANY_SUBS][2][MANY_TILE];
};

struct many_acts {
    uint32_t q[MANY_TILE * MANY_STRIDE];
    float d[MANY_SUBS][MANY_TILE];
    float nsum[MANY_SUBS][MANY_TILE];
    int32_t s16[MANY_SUBS][2][MANY_TILE];
};

/* 8 dwords to a multiple of 16 bytes, or from there. */
INLINE void put_dwords(uint32_t *to, const uint32_t *q)
{
    u32x4 *lines = (void *)to;
    lines[0] = (u32x4){q[0], q[1], q[2], q[3]};
    lines[1] = (u32x4){q[4], q[5], q[6], q[7]};
}

INLINE void get_dwords(const uint32_t *from, uint32_t *q)
{
    const u32x4 *lines = (const void *)from;
    const u32x4 low = lines[0];
    const u32x4 high = lines[1];
    for (uint32_t i = 0; i < 4; i++) {
        q[i] = low[i];
        q[i + 4] = high[i];
    }
}

/* Thread t unpacks one block of one row, and copies one block of one column. */
INLINE void many_load(const struct linear_args *a, uint32_t t, uint32_t row0, uint32_t col0,
                      uint32_t first, struct many_weights *weights, struct many_acts *acts)
{
    const uint32_t i = t / MANY_SUBS;
    const uint32_t s = t % MANY_SUBS;
    const uint32_t sub = first + s;
    const struct linear_matrix *m = &a->matrices[0];
    const uint32_t n_blocks = a->n_in / ACT_BLOCK;
    if (sub < n_blocks && row0 + i < a->matrices[0].n_out) {
        struct weights w;
        const uint8_t *row =
            a->matrices[0].weight + (uint64_t)(row0 + i) * a->matrices[0].row_bytes;
        unpack(row + (uint64_t)(sub >> m->sub_shift) * m->block_bytes, m->type,
               sub_in_block(m, sub), a->books, &w);
        put_dwords(weights->q + (uint64_t)i * MANY_STRIDE + (uint64_t)s * BLOCK_DWORDS, w.q);
        weights->scale[s][i] = w.scale;
        weights->min[s][i] = has_min16(a->matrices[0].type) ? -w.min : w.min;
        for (uint32_t h = 0; h < 2; h++) {
            weights->sc[s][h][i] = w.sc[h];
            weights->m[s][h][i] = w.m[h];
        }
    } else {
        /* Whatever the rest is, what it adds up to is no overflow. */
        for (uint32_t h = 0; h < 2; h++) {
            weights->sc[s][h][i] = 0;
            weights->m[s][h][i] = 0;
        }
    }
    if (sub < n_blocks && col0 + i < a->n_cols) {
        const struct acts from = load_acts(a, col0 + i, sub);
        put_dwords(acts->q + (uint64_t)i * MANY_STRIDE + (uint64_t)s * BLOCK_DWORDS, from.q);
        acts->d[s][i] = from.d;
        acts->nsum[s][i] = from.nsum;
        acts->s16[s][0][i] = from.s16[0];
        acts->s16[s][1][i] = from.s16[1];
    } else {
        acts->s16[s][0][i] = 0;
        acts->s16[s][1][i] = 0;
    }
}

/* Adds block s of the part to the 16 outputs of a thread. */
INLINE void many_add(uint32_t type, uint32_t tx, uint32_t ty, uint32_t s,
                     const struct many_weights *weights, const struct many_acts *acts, float *acc)
{
    uint32_t x[MANY_EACH][BLOCK_DWORDS];
    UNROLL(unroll 4)
    for (uint32_t j = 0; j < MANY_EACH; j++) {
        get_dwords(acts->q + (uint64_t)(tx + MANY_SIDE * j) * MANY_STRIDE +
                       (uint64_t)s * BLOCK_DWORDS,
                   x[j]);
    }
    UNROLL(unroll 4)
    for (uint32_t i = 0; i < MANY_EACH; i++) {
        const uint32_t row = ty + MANY_SIDE * i;
        const int32_t sc[2] = {weights->sc[s][0][row], weights->sc[s][1][row]};
        uint32_t q[BLOCK_DWORDS];
        get_dwords(weights->q + (uint64_t)row * MANY_STRIDE + (uint64_t)s * BLOCK_DWORDS, q);
        UNROLL(unroll 4)
        for (uint32_t j = 0; j < MANY_EACH; j++) {
            const uint32_t col = tx + MANY_SIDE * j;
            const float d = acts->d[s][col];
            float y = acc[i * MANY_EACH + j];
            y = fma_f32(weights->scale[s][row], (float)scaled_dot(q, sc, x[j]) * d, y);
            if (has_min(type)) y = fma_f32(weights->min[s][row], acts->nsum[s][col], y);
            if (has_min16(type)) {
                const int32_t minima = weights->m[s][0][row] * acts->s16[s][0][col] +
                                       weights->m[s][1][row] * acts->s16[s][1][col];
                y = fma_f32(weights->min[s][row], (float)minima * d, y);
            }
            acc[i * MANY_EACH + j] = y;
        }
    }
}

KERNEL(k_linear_many, linear_args)
{
    SHARED struct many_weights weights __attribute__((aligned(16)));
    SHARED struct many_acts acts __attribute__((aligned(16)));
    float acc[OWNERS][MANY_EACH * MANY_EACH];
    const uint32_t row0 = BLOCK_Y * MANY_TILE;
    const uint32_t col0 = BLOCK_X * MANY_TILE;
    const uint32_t n_blocks = a.n_in / ACT_BLOCK;
    THREADS(t)
    {
        for (uint32_t i = 0; i < MANY_EACH * MANY_EACH; i++) acc[OWN(t)][i] = 0.0F;
    }
    for (uint32_t first = 0; first < n_blocks; first += MANY_SUBS) {
        const uint32_t n = min_u32(n_blocks - first, MANY_SUBS);
        THREADS(t)
        {
            many_load(&a, t, row0, col0, first, (struct many_weights *)&weights,
                      (struct many_acts *)&acts);
        }
        BARRIER();
        THREADS(t)
        {
            for (uint32_t s = 0; s < n; s++) {
                many_add(a.matrices[0].type, t % MANY_SIDE, t / MANY_SIDE, s,
                         (const struct many_weights *)&weights, (const struct many_acts *)&acts,
                         acc[OWN(t)]);
            }
        }
        BARRIER();
    }
    THREADS(t)
    {
        UNROLL(unroll 16)
        for (uint32_t i = 0; i < MANY_EACH * MANY_EACH; i++) {
            const uint32_t row = row0 + t / MANY_SIDE + MANY_SIDE * (i / MANY_EACH);
            const uint32_t col = col0 + t % MANY_SIDE + MANY_SIDE * (i % MANY_EACH);
            if (row < a.matrices[0].n_out && col < a.n_cols) {
                const float y = acc[OWN(t)][i];
                a.matrices[0].out[col * a.matrices[0].out_stride + row] =
                    a.matrices[0].bias ? y + a.matrices[0].bias[row] : y;
            }
        }
    }
}

/* ---- weights in floats ---- */

#define FLOAT_PART   64U               /* weights of a row at a time */
#define FLOAT_STRIDE (FLOAT_PART + 1U) /* so that 32 rows hit 32 banks */

INLINE float float_weight(const struct linear_args *a, uint32_t row, uint32_t k)
{
    const uint8_t *p = a->matrices[0].weight + row * a->matrices[0].row_bytes +
                       (uint64_t)k * a->matrices[0].block_bytes;
    if (a->matrices[0].type == TENSOR_F32) return f32_from_bits(load_u32(p));
    if (a->matrices[0].type == TENSOR_F16) return load_half(p);
    return f32_from_bits(load_u16(p) << 16);
}

KERNEL(k_linear_float, linear_args)
{
    SHARED float w[FLOAT_ROWS * FLOAT_STRIDE];
    SHARED float x[FLOAT_COLS * FLOAT_PART];
    float acc[OWNERS];
    const uint32_t row0 = BLOCK_X * FLOAT_ROWS;
    const uint32_t col0 = BLOCK_Y * FLOAT_COLS;
    THREADS(t) acc[OWN(t)] = 0.0F;
    for (uint32_t first = 0; first < a.n_in; first += FLOAT_PART) {
        const uint32_t n = min_u32(a.n_in - first, FLOAT_PART);
        THREADS(t)
        {
            for (uint32_t i = t; i < FLOAT_ROWS * FLOAT_PART; i += N_THREADS) {
                const uint32_t r = i / FLOAT_PART;
                const uint32_t k = i % FLOAT_PART;
                if (k < n && row0 + r < a.matrices[0].n_out) {
                    w[r * FLOAT_STRIDE + k] = float_weight(&a, row0 + r, first + k);
                }
            }
            for (uint32_t i = t; i < FLOAT_COLS * FLOAT_PART; i += N_THREADS) {
                const uint32_t k = i % FLOAT_PART;
                const uint64_t col = col0 + i / FLOAT_PART;
                if (k < n && col < a.n_cols) x[i] = a.x[col * a.n_in + first + k];
            }
        }
        BARRIER();
        THREADS(t)
        {
            const uint32_t r = t % FLOAT_ROWS;
            const uint32_t c = t / FLOAT_ROWS;
            float sum = acc[OWN(t)];
            if (row0 + r < a.matrices[0].n_out && col0 + c < a.n_cols) {
                UNROLL(unroll 8)
                for (uint32_t k = 0; k < n; k++) {
                    sum = fma_f32(w[r * FLOAT_STRIDE + k], x[c * FLOAT_PART + k], sum);
                }
            }
            acc[OWN(t)] = sum;
        }
        BARRIER();
    }
    THREADS(t)
    {
        const uint32_t row = row0 + t % FLOAT_ROWS;
        const uint32_t col = col0 + t / FLOAT_ROWS;
        if (row < a.matrices[0].n_out && col < a.n_cols) {
            const float y = acc[OWN(t)];
            a.matrices[0].out[col * a.matrices[0].out_stride + row] =
                a.matrices[0].bias ? y + a.matrices[0].bias[row] : y;
        }
    }
}
