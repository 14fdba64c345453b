/* SPDX-License-Identifier: MIT */
/*
 * The body of attention over 16 lanes, compiled once per instruction level.
 *
 * Included behind one of the lanes_*.h headers by kernel/attention_<level>.c alone; the sums are
 * defined in attention.h. On each tile of 64 positions two small matrix products run with up to 6
 * query vectors at a time: scores = Q K, and acc += E V. Both are the same function, product(). The
 * tile is first gathered and widened to f32, whatever its type, pages and slots, unless few queries
 * read it and it can be read where it lies. Rows of a session share a tile of their prefix.
 */
#ifndef NMOS_KERNEL_ATTENTION_IMPL_H
#define NMOS_KERNEL_ATTENTION_IMPL_H

#include <math.h>
#include <string.h>

#include "kernel/attention_internal.h"
#include "kernel/attention_kv_internal.h"
#include "kernel/attention_mass_impl.h"
#include "kernel/lanes_math.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

static uint32_t minus_or_zero(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

/*
 * c[m] = factor[m] c[m] + sum over k < n_k, in order, of a[m][k] b[k]; from 0 where factor is NULL.
 * Line b[k] is made of groups of 16 columns; b holds floats, or halves that are widened as they are
 * read.
 */
struct product {
    const float *a[ATTN_BLOCK];
    float *c[ATTN_BLOCK];
    const float *factor;
    const char *b;
    size_t k_bytes;     /* from line to line */
    size_t group_bytes; /* from group to group of a line */
    uint32_t n_k;
    int is_f16;
};

/* n_rows rows from row0 on, n_groups groups from group0 on; the counts and the type are constants.
 */
ALWAYS_INLINE void product_part(const struct product *p, uint32_t row0, const uint32_t n_rows,
                                uint32_t group0, const uint32_t n_groups, const int is_f16)
{
    struct f32x16 sum[ATTN_BLOCK][LANES_PRODUCT_GROUPS];
    const char *b[LANES_PRODUCT_GROUPS];
    for (uint32_t g = 0; g < n_groups; g++) b[g] = p->b + (group0 + g) * p->group_bytes;
    for (uint32_t m = 0; m < n_rows; m++) {
        const float *c = p->c[row0 + m] + (size_t)group0 * LANES;
        for (uint32_t g = 0; g < n_groups; g++) {
            sum[m][g] = p->factor ? lanes_mul(lanes_load(c + (size_t)g * LANES),
                                              lanes_set1(p->factor[row0 + m]))
                                  : lanes_set1(0.0F);
        }
    }
    for (uint32_t k = 0; k < p->n_k; k++) {
        struct f32x16 line[LANES_PRODUCT_GROUPS];
        for (uint32_t g = 0; g < n_groups; g++) {
            line[g] = is_f16 ? lanes_load_f16((const uint16_t *)(const void *)b[g])
                             : lanes_load((const float *)(const void *)b[g]);
            b[g] += p->k_bytes;
        }
        for (uint32_t m = 0; m < n_rows; m++) {
            const struct f32x16 a = lanes_set1(p->a[row0 + m][k]);
            for (uint32_t g = 0; g < n_groups; g++) sum[m][g] = lanes_fma(a, line[g], sum[m][g]);
        }
    }
    for (uint32_t m = 0; m < n_rows; m++) {
        float *c = p->c[row0 + m] + (size_t)group0 * LANES;
        for (uint32_t g = 0; g < n_groups; g++) lanes_store(c + (size_t)g * LANES, sum[m][g]);
    }
}

ALWAYS_INLINE void product_rows(const struct product *p, uint32_t n_rows, uint32_t group0,
                                const uint32_t n_groups, const int is_f16)
{
    uint32_t m = 0;
    if (n_rows == 6) {
        product_part(p, 0, 6, group0, n_groups, is_f16);
        return;
    }
    if (n_rows >= 4) {
        product_part(p, 0, 4, group0, n_groups, is_f16);
        m = 4;
    }
    if (n_rows - m >= 2) {
        product_part(p, m, 2, group0, n_groups, is_f16);
        m += 2;
    }
    if (n_rows - m == 1) product_part(p, m, 1, group0, n_groups, is_f16);
}

ALWAYS_INLINE void product_of_type(const struct product *p, uint32_t n_rows, uint32_t n_groups,
                                   const int is_f16)
{
    uint32_t group = 0;
    for (; n_groups - group >= LANES_PRODUCT_GROUPS; group += LANES_PRODUCT_GROUPS) {
        product_rows(p, n_rows, group, LANES_PRODUCT_GROUPS, is_f16);
    }
    for (; group < n_groups; group++) product_rows(p, n_rows, group, 1, is_f16);
}

static void product(const struct product *p, uint32_t n_rows, uint32_t n_groups)
{
    if (p->is_f16) {
        product_of_type(p, n_rows, n_groups, 1);
    } else {
        product_of_type(p, n_rows, n_groups, 0);
    }
}

/* Up to 16 halves, of which n are there. */
static struct f32x16 load_f16_n(const uint16_t *p, size_t n)
{
    if (n >= LANES) return lanes_load_f16(p);
    uint16_t padded[LANES] = {0};
    memcpy(padded, p, n * sizeof(*p));
    return lanes_load_f16(padded);
}

/* One position of V to a row of the tile. */
ALWAYS_INLINE void load_v_row(const enum kv_type type, const char *head, const struct kv_line *line,
                              float *to)
{
    const char *from = head + line->first;
    struct f32x16 scale = lanes_set1(0.0F);
    for (size_t d = 0; d < line->n; d += LANES) {
        struct f32x16 x;
        if (type == KV_F32) {
            x = lanes_load_n((const float *)(const void *)from + d, line->n - d);
        } else if (type == KV_F16) {
            x = load_f16_n((const uint16_t *)(const void *)from + d, line->n - d);
        } else {
            if (d % KV_BLOCK == 0) {
                const size_t at = line->first_scale + d / KV_BLOCK * sizeof(uint16_t);
                scale = lanes_set1_f16(kv_half(head + at));
            }
            x = lanes_mul(lanes_load_i8((const int8_t *)from + d), scale);
        }
        lanes_store(to + d, x);
    }
}

/* The positions [begin, end) of a tile, relative to it, and the slots in which they lie. */
struct tile_slots {
    const void *const *pages;
    uint32_t begin, end;
    uint32_t slot[ATTN_TILE];
};

/* 16 positions of the tile, of which lanes [begin, end) are there. */
struct tile_group {
    uint32_t begin, end;
    const char *head; /* when they lie straight in one 16 of a page: the kv head's part of that
                         page; else NULL */
    uint32_t slot0;   /* in that page, of lane 0 */
};

static const char *head_of_slot(const struct attn_job *job, const void *const *pages, uint32_t slot)
{
    const struct kv_layout *layout = &job->shape->layout;
    return (const char *)pages[slot / layout->page_tokens] + job->shape->page_offset +
           job->kv_head * job->offsets.head_bytes;
}

static struct tile_group find_group(const struct attn_job *job, const struct tile_slots *at,
                                    uint32_t group)
{
    const uint32_t first = group * LANES;
    struct tile_group g = {.begin = minus_or_zero(at->begin, first),
                           .end = minus_or_zero(at->end, first)};
    if (g.end > LANES) g.end = LANES;
    if (g.begin >= g.end) return g;
    const uint32_t slot0 = at->slot[first + g.begin] - g.begin;
    int is_straight = slot0 % KV_TILE == 0;
    for (uint32_t i = g.begin; i < g.end; i++) is_straight &= at->slot[first + i] == slot0 + i;
    if (!is_straight) return g;
    g.head = head_of_slot(job, at->pages, slot0);
    g.slot0 = slot0 % job->shape->layout.page_tokens;
    return g;
}

/* The K of straight groups, a dimension at a time; other columns become 0. */
ALWAYS_INLINE void load_k_lines(const struct attn_job *job, const enum kv_type type,
                                const struct tile_group *groups)
{
    const char *from[ATTN_TILE / LANES] = {NULL};
    const char *scales[ATTN_TILE / LANES] = {NULL};
    struct f32x16 scale[ATTN_TILE / LANES];
    for (uint32_t g = 0; g < ATTN_TILE / LANES; g++) {
        scale[g] = lanes_set1(0.0F);
        if (!groups[g].head) continue;
        const struct kv_line line = kv_k_line(&job->shape->layout, &job->offsets, groups[g].slot0);
        from[g] = groups[g].head + line.first;
        scales[g] = groups[g].head + line.first_scale;
    }
    float *to = job->k_tile;
    for (size_t d = 0; d < job->shape->layout.head_dim_k; d++) {
        for (uint32_t g = 0; g < ATTN_TILE / LANES; g++, to += LANES) {
            struct f32x16 x = lanes_set1(0.0F);
            if (!from[g]) {
                lanes_store(to, x);
                continue;
            }
            if (type == KV_F32) {
                x = lanes_load((const float *)(const void *)from[g] + d * KV_TILE);
            } else if (type == KV_F16) {
                x = lanes_load_f16((const uint16_t *)(const void *)from[g] + d * KV_TILE);
            } else {
                if (d % KV_BLOCK == 0) {
                    scale[g] = lanes_load_f16((const uint16_t *)(const void *)scales[g] +
                                              d / KV_BLOCK * KV_TILE);
                }
                x = lanes_mul(lanes_load_i8((const int8_t *)from[g] + d * KV_TILE), scale[g]);
            }
            lanes_store(to, x);
        }
    }
}

/* The V of a group and, where it is scattered over slots, its K. */
ALWAYS_INLINE void load_positions(const struct attn_job *job, const enum kv_type type,
                                  const struct tile_group *g, const void *const *pages,
                                  const uint32_t *slots, uint32_t first)
{
    const struct kv_layout *layout = &job->shape->layout;
    for (uint32_t i = g->begin; i < g->end; i++) {
        const char *head = g->head ? g->head : head_of_slot(job, pages, slots[i]);
        const uint32_t slot = g->head ? g->slot0 + i : slots[i] % layout->page_tokens;
        const struct kv_line v_line = kv_v_line(layout, &job->offsets, slot);
        load_v_row(type, head, &v_line, job->v_tile + (size_t)(first + i) * job->v_stride);
        if (g->head) continue;
        const struct kv_line k_line = kv_k_line(layout, &job->offsets, slot);
        kv_line_load(type, head, &k_line, job->k_tile + first + i, ATTN_TILE);
    }
}

ALWAYS_INLINE void load_tile_of_type(const struct attn_job *job, const enum kv_type type,
                                     const struct tile_slots *at)
{
    struct tile_group groups[ATTN_TILE / LANES];
    for (uint32_t g = 0; g < ATTN_TILE / LANES; g++) groups[g] = find_group(job, at, g);
    load_k_lines(job, type, groups);
    for (uint32_t g = 0; g < ATTN_TILE / LANES; g++) {
        load_positions(job, type, &groups[g], at->pages, at->slot + (size_t)g * LANES, g * LANES);
    }
}

/* The tile in hand: where its lines are, widened in scratch or as they lie in a page. */
struct tile {
    int is_f16;
    const char *k, *v;
    size_t k_bytes, k_group_bytes; /* from dimension to dimension, from 16 positions to the next */
    size_t v_bytes, v_group_bytes; /* from position to position, from 16 dimensions to the next */
};

static struct tile widen_tile(const struct attn_job *job, const struct tile_slots *at)
{
    switch (job->shape->layout.type) {
    case KV_F32: load_tile_of_type(job, KV_F32, at); break;
    case KV_F16: load_tile_of_type(job, KV_F16, at); break;
    case KV_Q8_0: load_tile_of_type(job, KV_Q8_0, at); break;
    }
    return (struct tile){
        .k = (const char *)job->k_tile,
        .v = (const char *)job->v_tile,
        .k_bytes = ATTN_TILE * sizeof(float),
        .k_group_bytes = LANES * sizeof(float),
        .v_bytes = job->v_stride * sizeof(float),
        .v_group_bytes = LANES * sizeof(float),
    };
}

/* The tile as it lies in its page; its slots are straight and its type is f32 or f16. */
static struct tile tile_in_page(const struct attn_job *job, const struct tile_slots *at)
{
    const struct kv_layout *layout = &job->shape->layout;
    const uint32_t slot0 = at->slot[at->begin] - at->begin;
    const char *head = head_of_slot(job, at->pages, slot0);
    const size_t elem = job->offsets.elem_bytes;
    return (struct tile){
        .is_f16 = layout->type == KV_F16,
        .k = head + kv_k_line(layout, &job->offsets, slot0 % layout->page_tokens).first,
        .v = head + kv_v_line(layout, &job->offsets, slot0 % layout->page_tokens).first,
        .k_bytes = (size_t)KV_TILE * elem,
        .k_group_bytes = (size_t)KV_TILE * layout->head_dim_k * elem,
        .v_bytes = layout->head_dim_v * elem,
        .v_group_bytes = LANES * elem,
    };
}

/* Widening first pays when many queries read the tile; for few the writing would cost more than
 * their products. */
static struct tile load_tile(const struct attn_job *job, const struct tile_slots *at,
                             uint32_t n_rows)
{
    const struct kv_layout *layout = &job->shape->layout;
    int is_readable = layout->type != KV_Q8_0 && layout->head_dim_v % LANES == 0;
    const uint32_t slot0 = at->slot[at->begin] - at->begin;
    is_readable &= slot0 % ATTN_TILE == 0;
    for (uint32_t i = at->begin; i < at->end; i++) is_readable &= at->slot[i] == slot0 + i;
    if (is_readable && n_rows * job->group <= 2 * ATTN_BLOCK) return tile_in_page(job, at);
    return widen_tile(job, at);
}

/* Up to ATTN_BLOCK query vectors that see the same positions [begin, end) of the tile in hand. */
struct query_block {
    struct tile tile;
    uint32_t column; /* of the page's mass */
    uint32_t n;
    uint32_t begin, end;
    uint32_t query[ATTN_BLOCK]; /* row * group + head of the group */
};

/* Turns 64 products q k into exp(s - top'), 0 outside of the block's positions; returns exp(top -
 * top'). */
static float softmax_tile(const struct attn_job *job, const struct query_block *block, uint32_t m)
{
    const struct attn_shape *shape = job->shape;
    const struct f32x16 lowest = lanes_set1(-INFINITY);
    float *scores = job->scores + (size_t)m * ATTN_TILE;
    struct f32x16 s[ATTN_TILE / LANES];
    struct f32x16 tops = lowest;
    for (uint32_t g = 0; g < ATTN_TILE / LANES; g++) {
        s[g] = lanes_mul(lanes_load(scores + (size_t)g * LANES), lanes_set1(shape->scale));
        if (shape->softcap > 0.0F) {
            const struct f32x16 cap = lanes_set1(shape->softcap);
            s[g] = lanes_mul(cap, lanes_tanh(lanes_div(s[g], cap)));
        }
        s[g] = lanes_first_n(minus_or_zero(block->end, g * LANES), s[g], lowest);
        s[g] = lanes_first_n(minus_or_zero(block->begin, g * LANES), lowest, s[g]);
        tops = lanes_max(tops, s[g]);
    }
    float *top = &job->top[block->query[m]];
    float *sum = &job->sum[block->query[m]];
    const float tile_top = lanes_max_of(tops);
    const float new_top = tile_top > *top ? tile_top : *top;
    const float shrink = lanes_first(lanes_exp(lanes_set1(*top - new_top)));
    struct f32x16 total = lanes_set1(0.0F);
    for (uint32_t g = 0; g < ATTN_TILE / LANES; g++) {
        const struct f32x16 e = lanes_exp(lanes_sub(s[g], lanes_set1(new_top)));
        lanes_store(scores + (size_t)g * LANES, e);
        total = lanes_add(total, e);
    }
    const float tile_sum = lanes_sum(total);
    *sum = fmaf(*sum, shrink, tile_sum);
    *top = new_top;
    if (shape->mass_columns) {
        add_tile_mass(job, block->query[m], block->column, tile_sum, shrink, new_top);
    }
    return shrink;
}

static const float *query_vector(const struct attn_job *job, uint32_t query)
{
    const uint32_t head = job->kv_head * job->group + query % job->group;
    const size_t row = query / job->group;
    return job->q + (row * job->shape->n_heads + head) * job->shape->layout.head_dim_k;
}

/* Adds the tile in hand to the sums of the block's queries and empties the block. */
static void flush_block(const struct attn_job *job, struct query_block *block)
{
    if (block->n == 0) return;
    float shrink[ATTN_BLOCK];
    const struct tile *tile = &block->tile;
    struct product qk = {
        .b = tile->k,
        .k_bytes = tile->k_bytes,
        .group_bytes = tile->k_group_bytes,
        .n_k = job->shape->layout.head_dim_k,
        .is_f16 = tile->is_f16,
    };
    struct product ev = {
        .factor = shrink,
        .b = tile->v + block->begin * tile->v_bytes,
        .k_bytes = tile->v_bytes,
        .group_bytes = tile->v_group_bytes,
        .n_k = block->end - block->begin,
        .is_f16 = tile->is_f16,
    };
    for (uint32_t m = 0; m < block->n; m++) {
        qk.a[m] = query_vector(job, block->query[m]);
        qk.c[m] = job->scores + (size_t)m * ATTN_TILE;
        ev.a[m] = qk.c[m] + block->begin;
        ev.c[m] = job->acc + (size_t)block->query[m] * job->v_stride;
    }
    product(&qk, block->n, ATTN_TILE / LANES);
    for (uint32_t m = 0; m < block->n; m++) shrink[m] = softmax_tile(job, block, m);
    product(&ev, block->n, job->v_stride / LANES);
    block->n = 0;
}

/* All heads of a row see [begin, end) of the tile in hand. */
static void add_row(const struct attn_job *job, struct query_block *block, int row, uint32_t begin,
                    uint32_t end)
{
    for (uint32_t h = 0; h < job->group; h++) {
        if (block->n == ATTN_BLOCK || block->begin != begin || block->end != end)
            flush_block(job, block);
        block->begin = begin;
        block->end = end;
        block->query[block->n++] = (uint32_t)row * job->group + h;
    }
}

/* The part [*begin, *end) of the tile at position `first` that a row sees; false when it sees none
 * of it. */
static int tile_range(const struct attn_job *job, int row, uint32_t first, uint32_t *begin,
                      uint32_t *end)
{
    const uint32_t seen = (uint32_t)job->rows[row].pos + 1;
    const uint32_t lowest = job->shape->window ? minus_or_zero(seen, job->shape->window) : 0;
    *begin = minus_or_zero(lowest, first);
    *end = minus_or_zero(seen, first);
    if (*end > ATTN_TILE) *end = ATTN_TILE;
    return *begin < *end;
}

/* Whether the part of the tile that a row sees lies in its prefix, where slot and position are the
 * same. */
static int is_in_prefix(const struct attn_job *job, int row, uint32_t first, uint32_t end)
{
    return (int64_t)first + end <= job->rows[row].n_prefix;
}

/* The rows that find the tile in their common prefix: one load for all. */
static void attend_prefix_rows(const struct attn_job *job, uint32_t first, uint32_t column)
{
    struct tile_slots at = {.pages = job->rows[0].pages, .begin = ATTN_TILE, .end = 0};
    uint32_t n_rows = 0;
    uint32_t begin;
    uint32_t end;
    for (int row = 0; row < job->n_rows; row++) {
        if (!tile_range(job, row, first, &begin, &end) || !is_in_prefix(job, row, first, end))
            continue;
        n_rows++;
        if (begin < at.begin) at.begin = begin;
        if (end > at.end) at.end = end;
    }
    if (at.begin >= at.end) return;
    for (uint32_t i = at.begin; i < at.end; i++) at.slot[i] = first + i;
    struct query_block block = {.tile = load_tile(job, &at, n_rows), .column = column};
    for (int row = 0; row < job->n_rows; row++) {
        if (!tile_range(job, row, first, &begin, &end) || !is_in_prefix(job, row, first, end))
            continue;
        add_row(job, &block, row, begin, end);
    }
    flush_block(job, &block);
}

/* The rows that have positions of their own in the tile: one load for each. */
static void attend_tail_rows(const struct attn_job *job, uint32_t first, uint32_t column)
{
    for (int row = 0; row < job->n_rows; row++) {
        const struct attn_row *r = &job->rows[row];
        struct tile_slots at = {.pages = r->pages};
        if (!tile_range(job, row, first, &at.begin, &at.end) ||
            is_in_prefix(job, row, first, at.end))
            continue;
        for (uint32_t i = at.begin; i < at.end; i++) {
            const int64_t position = (int64_t)first + i;
            at.slot[i] = position < r->n_prefix ? (uint32_t)position
                                                : (uint32_t)r->tail_slots[position - r->n_prefix];
        }
        struct query_block block = {.tile = load_tile(job, &at, 1), .column = column};
        add_row(job, &block, row, at.begin, at.end);
        flush_block(job, &block);
    }
}

static void begin_sums(const struct attn_job *job)
{
    const uint32_t n_queries = (uint32_t)job->n_rows * job->group;
    begin_masses(job);
    memset(job->acc, 0, (size_t)n_queries * job->v_stride * sizeof(float));
    for (uint32_t i = 0; i < n_queries; i++) {
        const float *sinks = job->shape->sinks;
        job->top[i] = sinks ? sinks[job->kv_head * job->group + i % job->group] : -INFINITY;
        job->sum[i] = sinks ? 1.0F : 0.0F;
    }
}

static void write_outputs(const struct attn_job *job)
{
    const size_t head_dim = job->shape->layout.head_dim_v;
    for (uint32_t i = 0; i < (uint32_t)job->n_rows * job->group; i++) {
        const uint32_t head = job->kv_head * job->group + i % job->group;
        const float *acc = job->acc + (size_t)i * job->v_stride;
        float *out = job->out + ((size_t)(i / job->group) * job->shape->n_heads + head) * head_dim;
        const struct f32x16 sum = lanes_set1(job->sum[i]);
        for (size_t d = 0; d < head_dim; d += LANES) {
            lanes_store_n(out + d, lanes_div(lanes_load(acc + d), sum), head_dim - d);
        }
    }
}

/* The tiles of [lowest, seen), but those of pages that are missing. */
static void attend_tiles(const struct attn_job *job, uint32_t lowest, uint32_t seen)
{
    const uint32_t page_tokens = job->shape->layout.page_tokens;
    uint32_t column = mass_column(job, lowest);
    for (uint32_t first = lowest; first < seen; first += ATTN_TILE) {
        if (!job->rows[0].pages[first / page_tokens]) continue;
        attend_prefix_rows(job, first, column);
        attend_tail_rows(job, first, column);
        column += (first + ATTN_TILE) % page_tokens == 0;
    }
}

static void attend(const struct attn_job *job)
{
    uint32_t seen = 0;
    uint32_t lowest = UINT32_MAX;
    for (int row = 0; row < job->n_rows; row++) {
        const uint32_t row_seen = (uint32_t)job->rows[row].pos + 1;
        const uint32_t row_lowest =
            job->shape->window ? minus_or_zero(row_seen, job->shape->window) : 0;
        if (row_seen > seen) seen = row_seen;
        if (row_lowest < lowest) lowest = row_lowest;
    }
    if (job->part->is_first) begin_sums(job);
    if (job->part->end < seen) seen = job->part->end;
    lowest = lowest / ATTN_TILE * ATTN_TILE;
    if (job->part->first > lowest) lowest = job->part->first;
    attend_tiles(job, lowest, seen);
    if (job->part->is_last) write_outputs(job);
    if (job->shape->mass_columns) write_masses(job);
}

#endif
