/* SPDX-License-Identifier: MIT */
/*
 * Keys, values and attention, to the bit of kernel/attention.h and kernel/attention_kv.h.
 *
 * A block computes one query head of one row. Scores of TILES tiles of 64 positions are worked out
 * at a time, a position by a thread; what the softmax takes along from tile to tile follows in
 * order; then a thread adds the values of its dimensions, position by position.
 */
#include "backend/cuda/device/device.h"
#include "kernel/attention_kv.h"

#define LANES     16U
#define TILE      64U
#define TILES     (CUDA_THREADS / TILE)
#define LOWEST    f32_from_bits(0xff800000U)
#define DIMS_EACH (CUDA_HEAD_DIM_MAX / CUDA_THREADS)

/* K or V of one position of a kv head; as struct kv_line. */
struct line {
    uint64_t first;       /* bytes */
    uint64_t first_scale; /* bytes */
    uint32_t stride;      /* elements */
    uint32_t scale_stride;
};

INLINE uint32_t elem_bytes(uint32_t type)
{
    return type == KV_F32 ? 4U : type == KV_F16 ? 2U : 1U;
}

INLINE struct line k_line(const struct kv_args *kv, uint32_t slot)
{
    const uint64_t tile = slot / KV_TILE;
    const uint64_t lane = slot % KV_TILE;
    const uint64_t n_scales = kv->head_dim_k / KV_BLOCK;
    struct line line;
    line.first = (tile * kv->head_dim_k * KV_TILE + lane) * elem_bytes(kv->type);
    line.first_scale = kv->k_scales_at + (tile * n_scales * KV_TILE + lane) * 2;
    line.stride = KV_TILE;
    line.scale_stride = KV_TILE;
    return line;
}

INLINE struct line v_line(const struct kv_args *kv, uint32_t slot)
{
    const uint64_t n_scales = kv->head_dim_v / KV_BLOCK;
    struct line line;
    line.first = kv->v_at + (uint64_t)slot * kv->head_dim_v * elem_bytes(kv->type);
    line.first_scale = kv->v_scales_at + slot * n_scales * 2;
    line.stride = 1;
    line.scale_stride = 1;
    return line;
}

INLINE float load_element(const uint8_t *head, uint32_t type, const struct line *line, uint32_t i)
{
    const uint8_t *from = head + line->first;
    const uint64_t at = (uint64_t)i * line->stride;
    if (type == KV_F32) return ((const float *)(const void *)from)[at];
    if (type == KV_F16) return half_f32(((const uint16_t *)(const void *)from)[at]);
    const uint16_t *scales = (const void *)(head + line->first_scale);
    return (float)((const int8_t *)from)[at] *
           half_f32(scales[(uint64_t)(i / KV_BLOCK) * line->scale_stride]);
}

/* 32 values, as quantize_block() of kernel/attention_kv_impl.h. */
INLINE void store_block(uint8_t *head, const struct line *line, uint32_t first, const float *x)
{
    int8_t *q = (int8_t *)(head + line->first) + (uint64_t)first * line->stride;
    uint16_t *scales = (void *)(head + line->first_scale);
    float amax = 0.0F;
    int is_nan = 0;
    for (uint32_t i = 0; i < KV_BLOCK; i++) {
        const float size = f32_from_bits(f32_to_bits(x[i]) & 0x7fffffffU);
        is_nan |= size != size;
        amax = max_f32(size, amax);
    }
    const uint16_t half = f32_to_f16(is_nan ? f32_from_bits(0x7fc00000U) : amax / 127.0F);
    const float d = f16_to_f32(half);
    const int is_finite = d > 0.0F && d < f32_from_bits(0x7f800000U);
    const float inverse = 1.0F / d;
    scales[(uint64_t)(first / KV_BLOCK) * line->scale_stride] = half;
    for (uint32_t i = 0; i < KV_BLOCK; i++) {
        const float v = max_f32(0.0F - 127.0F, min_f32(127.0F, x[i] * inverse));
        const uint32_t rounded = f32_to_bits(v + 0x1.8p23F) - 0x4b400000U;
        q[(uint64_t)i * line->stride] = is_finite ? (int8_t)(int32_t)rounded : 0;
    }
}

/* Element i of a line; for q8_0, the block that begins there. */
INLINE void store_element(uint8_t *head, uint32_t type, const struct line *line, uint32_t i,
                          const float *x)
{
    const uint64_t at = (uint64_t)i * line->stride;
    if (type == KV_F32) ((float *)(void *)(head + line->first))[at] = x[i];
    if (type == KV_F16) ((uint16_t *)(void *)(head + line->first))[at] = f32_to_f16(x[i]);
    if (type == KV_Q8_0 && i % KV_BLOCK == 0) store_block(head, line, i, x + i);
}

INLINE uint8_t *head_of(const struct kv_args *kv, uint64_t page, uint32_t kv_head)
{
    return (uint8_t *)(uintptr_t)page + kv->layer_offset + kv_head * kv->head_bytes;
}

KERNEL(k_kv_store, store_args)
{
    const struct kv_args *kv = &a.kv;
    const struct cuda_row *row = kv->rows + BLOCK_X;
    const uint32_t slot = (uint32_t)row->slot;
    const uint64_t page = kv->pages[row->first_page + slot / kv->page_tokens];
    uint8_t *head = head_of(kv, page, BLOCK_Y);
    const struct line to_k = k_line(kv, slot % kv->page_tokens);
    const struct line to_v = v_line(kv, slot % kv->page_tokens);
    const uint64_t at = (uint64_t)BLOCK_X * kv->n_kv_heads + BLOCK_Y;
    const float *k = a.k + at * kv->head_dim_k;
    const float *v = a.v + at * kv->head_dim_v;
    THREADS(t)
    {
        for (uint32_t i = t; i < kv->head_dim_k; i += N_THREADS) {
            store_element(head, kv->type, &to_k, i, k);
        }
        for (uint32_t i = t; i < kv->head_dim_v; i += N_THREADS) {
            store_element(head, kv->type, &to_v, i, v);
        }
    }
}

/* Element i of a line, bit for bit, and the scale of a block that begins there. */
INLINE void move_element(const struct kv_args *kv, const uint8_t *from_head,
                         const struct line *from, uint8_t *to_head, const struct line *to,
                         uint32_t i)
{
    const uint32_t n = elem_bytes(kv->type);
    const uint64_t at = (uint64_t)i * from->stride * n;
    for (uint32_t b = 0; b < n; b++) {
        to_head[to->first + at + b] = from_head[from->first + at + b];
    }
    if (kv->type != KV_Q8_0 || i % KV_BLOCK != 0) return;
    const uint64_t scale_at = (uint64_t)(i / KV_BLOCK) * from->scale_stride * 2;
    for (uint32_t b = 0; b < 2; b++) {
        to_head[to->first_scale + scale_at + b] = from_head[from->first_scale + scale_at + b];
    }
}

KERNEL(k_kv_move, move_args)
{
    const struct kv_args *kv = &a.kv;
    const uint8_t *from = head_of(kv, (uintptr_t)a.from_page, BLOCK_X);
    uint8_t *to = head_of(kv, (uintptr_t)a.to_page, BLOCK_X);
    const struct line from_k = k_line(kv, a.from_slot);
    const struct line to_k = k_line(kv, a.to_slot);
    const struct line from_v = v_line(kv, a.from_slot);
    const struct line to_v = v_line(kv, a.to_slot);
    THREADS(t)
    {
        for (uint32_t i = t; i < kv->head_dim_k; i += N_THREADS) {
            move_element(kv, from, &from_k, to, &to_k, i);
        }
        for (uint32_t i = t; i < kv->head_dim_v; i += N_THREADS) {
            move_element(kv, from, &from_v, to, &to_v, i);
        }
    }
}

/* Where the values of each thread's position lie, and their scales. */
struct places {
    const uint8_t *values[CUDA_THREADS];
    const uint16_t *scales[CUDA_THREADS];
};

/* What the softmax takes along, and what a round of tiles adds to it. */
struct softmax {
    float top;
    float sum;
    float lanes[TILES][LANES];
    float tile_top[TILES];
    float tile_sum[TILES];
    float shrink[TILES];
    uint32_t is_there[TILES]; /* whether the row sees some of the tile */
};

/* What a row sees, at one of its kv heads: positions [lowest, seen). */
struct sight {
    const struct cuda_row *row;
    uint32_t kv_head;
    uint32_t lowest;
    uint32_t seen;
};

/* Whether the row sees some of the tile at position `first`. */
INLINE int is_there(const struct kv_args *kv, const struct sight *sight, uint32_t first)
{
    return first < sight->seen && first + TILE > sight->lowest &&
           kv->pages[sight->row->first_page + first / kv->page_tokens] != 0;
}

/* Numbers of a chain that are fetched together, so that they wait for memory once. */
#define TOGETHER 32U

/* The chain over the dimensions of q times a key. */
INLINE float key_chain(const float *q, uint32_t n, const uint8_t *head, uint32_t type,
                       const struct line *line)
{
    float sum = 0.0F;
    uint32_t d = 0;
    for (; d + TOGETHER <= n; d += TOGETHER) {
        float k[TOGETHER];
        UNROLL(unroll 32)
        for (uint32_t i = 0; i < TOGETHER; i++) k[i] = load_element(head, type, line, d + i);
        UNROLL(unroll 32)
        for (uint32_t i = 0; i < TOGETHER; i++) sum = fma_f32(q[d + i], k[i], sum);
    }
    for (; d < n; d++) sum = fma_f32(q[d], load_element(head, type, line, d), sum);
    return sum;
}

INLINE float key_product(const struct kv_args *kv, const float *q, const uint8_t *head,
                         const struct line *line)
{
    if (kv->type == KV_F32) return key_chain(q, kv->head_dim_k, head, KV_F32, line);
    if (kv->type == KV_F16) return key_chain(q, kv->head_dim_k, head, KV_F16, line);
    return key_chain(q, kv->head_dim_k, head, KV_Q8_0, line);
}

/* The score of a position; minus infinity for those that the row does not see. */
INLINE float score_of(const struct attend_args *a, const struct sight *sight, uint32_t position,
                      const float *q, uint32_t t, struct places *places)
{
    const struct kv_args *kv = &a->kv;
    const struct cuda_row *row = sight->row;
    if (position < sight->lowest || position >= sight->seen) return LOWEST;
    const uint32_t slot =
        (int32_t)position < row->n_prefix
            ? position
            : (uint32_t)a->kv.tails[row->first_tail + position - (uint32_t)row->n_prefix];
    const uint32_t in_page = slot % kv->page_tokens;
    uint8_t *head =
        head_of(kv, kv->pages[row->first_page + slot / kv->page_tokens], sight->kv_head);
    const struct line line = k_line(kv, in_page);
    const struct line values = v_line(kv, in_page);
    places->values[t] = head + values.first;
    places->scales[t] = (const void *)(head + values.first_scale);
    const float score = key_product(kv, q, head, &line) * a->scale;
    return a->softcap > 0.0F ? a->softcap * tanh_f32(score / a->softcap) : score;
}

/* The largest score so far when tile `tile` of the round has been seen. */
INLINE float top_behind(const struct softmax *soft, uint32_t tile)
{
    float top = soft->top;
    UNROLL(unroll 4)
    for (uint32_t i = 0; i < TILES; i++) {
        if (i <= tile && soft->is_there[i]) {
            top = soft->tile_top[i] > top ? soft->tile_top[i] : top;
        }
    }
    return top;
}

/* By one thread: top, sum, and what each tile's predecessors shrink by. */
INLINE void fold_tiles(struct softmax *soft)
{
    UNROLL(unroll 4)
    for (uint32_t i = 0; i < TILES; i++) {
        if (soft->is_there[i]) {
            const float top = soft->tile_top[i] > soft->top ? soft->tile_top[i] : soft->top;
            const float shrink = exp_f32(soft->top - top);
            soft->shrink[i] = shrink;
            soft->sum = fma_f32(soft->sum, shrink, soft->tile_sum[i]);
            soft->top = top;
        }
    }
}

/* Dimension d of the value of position p of the round. */
INLINE float value_at(const struct places *places, uint32_t type, uint32_t p, uint32_t d)
{
    const uint8_t *values = places->values[p];
    if (type == KV_F32) return ((const float *)(const void *)values)[d];
    if (type == KV_F16) return half_f32(((const uint16_t *)(const void *)values)[d]);
    return (float)((const int8_t *)values)[d] * half_f32(places->scales[p][d / KV_BLOCK]);
}

INLINE float value_chain(const struct places *places, uint32_t type, const float *e, uint32_t begin,
                         uint32_t end, uint32_t d, float acc)
{
    uint32_t p = begin;
    for (; p + TOGETHER <= end; p += TOGETHER) {
        float v[TOGETHER];
        UNROLL(unroll 32)
        for (uint32_t i = 0; i < TOGETHER; i++) v[i] = value_at(places, type, p + i, d);
        UNROLL(unroll 32)
        for (uint32_t i = 0; i < TOGETHER; i++) acc = fma_f32(e[p + i], v[i], acc);
    }
    for (; p < end; p++) acc = fma_f32(e[p], value_at(places, type, p, d), acc);
    return acc;
}

/* Adds dimension d of the values at [begin, end) of the round. */
INLINE float add_values(const struct kv_args *kv, const struct places *places, const float *e,
                        uint32_t begin, uint32_t end, uint32_t d, float acc)
{
    if (kv->type == KV_F32) return value_chain(places, KV_F32, e, begin, end, d, acc);
    if (kv->type == KV_F16) return value_chain(places, KV_F16, e, begin, end, d, acc);
    return value_chain(places, KV_Q8_0, e, begin, end, d, acc);
}

/* The tiles of a round, for one dimension. */
INLINE float add_round(const struct kv_args *kv, const struct sight *sight,
                       const struct places *places, const struct softmax *soft, const float *e,
                       uint32_t first, uint32_t d, float acc)
{
    for (uint32_t i = 0; i < TILES; i++) {
        const uint32_t at = first + i * TILE;
        if (soft->is_there[i]) {
            const uint32_t begin = i * TILE + minus_or_zero(sight->lowest, at);
            const uint32_t end = i * TILE + min_u32(sight->seen - at, TILE);
            acc = add_values(kv, places, e, begin, end, d, acc * soft->shrink[i]);
        }
    }
    return acc;
}

/* NOLINTNEXTLINE(readability-function-size): what lies between two barriers has to stand here. */
KERNEL(k_attention, attend_args)
{
    SHARED float q[CUDA_HEAD_DIM_MAX];
    SHARED float e[CUDA_THREADS];
    SHARED struct places places;
    SHARED struct softmax soft;
    float acc[OWNERS][DIMS_EACH];
    const struct kv_args *kv = &a.kv;
    const uint64_t head_i = (uint64_t)BLOCK_X * a.n_heads + BLOCK_Y;
    const float *from_q = a.q + head_i * kv->head_dim_k;
    float *out = a.out + head_i * kv->head_dim_v;
    struct sight sight;
    sight.row = kv->rows + BLOCK_X;
    sight.kv_head = BLOCK_Y / (a.n_heads / kv->n_kv_heads);
    sight.seen = (uint32_t)sight.row->pos + 1;
    sight.lowest = a.window ? minus_or_zero(sight.seen, a.window) : 0;
    THREADS(t)
    {
        for (uint32_t i = t; i < kv->head_dim_k; i += N_THREADS) q[i] = from_q[i];
        UNROLL(unroll 2)
        for (uint32_t i = 0; i < DIMS_EACH; i++) acc[OWN(t)][i] = 0.0F;
        if (t == 0) {
            soft.top = LOWEST;
            soft.sum = 0.0F;
        }
    }
    BARRIER();
    for (uint32_t first = sight.lowest / TILE * TILE; first < sight.seen; first += CUDA_THREADS) {
        THREADS(t)
        {
            const int is_seen = is_there(kv, &sight, (first + t) / TILE * TILE);
            if (t % TILE == 0) soft.is_there[t / TILE] = (uint32_t)is_seen;
            e[t] = is_seen ? score_of(&a, &sight, first + t, (const float *)q, t,
                                      (struct places *)&places)
                           : LOWEST;
        }
        BARRIER();
        THREADS(t)
        {
            const uint32_t lane = t % TILE;
            float top = LOWEST;
            for (uint32_t g = 0; lane < LANES && g < TILE; g += LANES) top = max_f32(top, e[t + g]);
            if (lane < LANES) soft.lanes[t / TILE][lane] = top;
        }
        BARRIER();
        THREADS(t)
        {
            if (t < TILES) soft.tile_top[t] = tree_max((const float *)soft.lanes[t]);
        }
        BARRIER();
        THREADS(t)
        {
            const float top = top_behind((const struct softmax *)&soft, t / TILE);
            e[t] = exp_f32(e[t] - top);
        }
        BARRIER();
        THREADS(t)
        {
            const uint32_t lane = t % TILE;
            float sum = 0.0F;
            for (uint32_t g = 0; lane < LANES && g < TILE; g += LANES) sum = sum + e[t + g];
            if (lane < LANES) soft.lanes[t / TILE][lane] = sum;
        }
        BARRIER();
        THREADS(t)
        {
            if (t < TILES) soft.tile_sum[t] = tree_sum((const float *)soft.lanes[t]);
        }
        BARRIER();
        THREADS(t)
        {
            if (t == 0) fold_tiles((struct softmax *)&soft);
        }
        BARRIER();
        THREADS(t)
        {
            UNROLL(unroll 2)
            for (uint32_t i = 0; i < DIMS_EACH; i++) {
                const uint32_t d = t + i * CUDA_THREADS;
                if (d < kv->head_dim_v) {
                    acc[OWN(t)][i] = add_round(kv, &sight, (const struct places *)&places,
                                               (const struct softmax *)&soft, (const float *)e,
                                               first, d, acc[OWN(t)][i]);
                }
            }
        }
        BARRIER();
    }
    THREADS(t)
    {
        UNROLL(unroll 2)
        for (uint32_t i = 0; i < DIMS_EACH; i++) {
            const uint32_t d = t + i * CUDA_THREADS;
            if (d < kv->head_dim_v) out[d] = acc[OWN(t)][i] / soft.sum;
        }
    }
}
