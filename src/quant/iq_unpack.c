/* SPDX-License-Identifier: MIT */
/* One function per IQ type, written for clarity: these are the definitions that fast kernels are
 * tested against. */
#include "quant/iq_unpack.h"

#include "quant/blocks.h"
#include "quant/f16.h"
#include "quant/iq_grids.h"

static uint32_t load_u32(const void *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* q[i] = signed byte i of the point, negated where bit i of signs is set. */
static void put_point(int8_t *q, uint64_t point, int n, uint32_t signs)
{
    for (int i = 0; i < n; i++) {
        const int magnitude = (int)((point >> (8 * i)) & 0xff);
        q[i] = (int8_t)((signs >> i) & 1 ? -magnitude : magnitude);
    }
}

/* IQ1: q[i] = signed byte i of the point, plus or minus one. */
static void put_ternary(int8_t *q, uint64_t point, int shift)
{
    for (int i = 0; i < 8; i++) {
        q[i] = (int8_t)((int8_t)((point >> (8 * i)) & 0xff) + shift);
    }
}

/* 2 s + 1 from the nibbles of `scales`, one per 16 weights. */
static void put_nibble_scales(int8_t scale[16], const uint8_t scales[8])
{
    for (int i = 0; i < 16; i++) {
        scale[i] = (int8_t)(2 * ((scales[i / 2] >> (4 * (i & 1))) & 15) + 1);
    }
}

static void unpack_iq2_xxs(const void *block, struct iq_ints *ret)
{
    const struct block_iq2_xxs *b = block;
    ret->d = f16_to_f32(b->d) * 0.125F;
    for (int sub = 0; sub < 8; sub++) {
        const uint32_t indices = load_u32(b->qs + 4 * sub);
        const uint32_t signs_scale = load_u32(b->qs + 4 * sub + 2);
        for (int k = 0; k < 4; k++) {
            const uint64_t point = iq2_xxs_grid[(indices >> (8 * k)) & 255];
            const uint32_t signs = iq_signs8((signs_scale >> (7 * k)) & 127);
            put_point(ret->q + 32 * sub + 8 * k, point, 8, signs);
        }
        ret->scale[2 * sub] = ret->scale[2 * sub + 1] = (int8_t)(2 * (signs_scale >> 28) + 1);
    }
}

static void unpack_iq2_xs(const void *block, struct iq_ints *ret)
{
    const struct block_iq2_xs *b = block;
    ret->d = f16_to_f32(b->d) * 0.125F;
    for (int k = 0; k < 32; k++) {
        put_point(ret->q + 8 * k, iq2_xs_grid[b->qs[k] & 511], 8, iq_signs8(b->qs[k] >> 9));
    }
    put_nibble_scales(ret->scale, b->scales);
}

static void unpack_iq2_s(const void *block, struct iq_ints *ret)
{
    const struct block_iq2_s *b = block;
    ret->d = f16_to_f32(b->d) * 0.125F;
    for (int k = 0; k < 32; k++) {
        const uint32_t high = (b->qh[k / 4] >> (2 * (k & 3))) & 3U;
        put_point(ret->q + 8 * k, iq2_s_grid[b->qs[k] | (high << 8)], 8, b->signs[k]);
    }
    put_nibble_scales(ret->scale, b->scales);
}

static void unpack_iq3_xxs(const void *block, struct iq_ints *ret)
{
    const struct block_iq3_xxs *b = block;
    ret->d = f16_to_f32(b->d) * 0.25F;
    for (int sub = 0; sub < 8; sub++) {
        const uint32_t signs_scale = load_u32(b->signs_scales + 4 * sub);
        for (int k = 0; k < 8; k++) {
            const uint32_t signs = iq_signs8((signs_scale >> (7 * (k / 2))) & 127);
            put_point(ret->q + 32 * sub + 4 * k, iq3_xxs_grid[b->qs[8 * sub + k]], 4,
                      signs >> (4 * (k & 1)));
        }
        ret->scale[2 * sub] = ret->scale[2 * sub + 1] = (int8_t)(2 * (signs_scale >> 28) + 1);
    }
}

static void unpack_iq3_s(const void *block, struct iq_ints *ret)
{
    const struct block_iq3_s *b = block;
    ret->d = f16_to_f32(b->d);
    for (int k = 0; k < 64; k++) {
        const uint32_t high = (b->qh[k / 8] >> (k & 7)) & 1U;
        put_point(ret->q + 4 * k, iq3_s_grid[b->qs[k] | (high << 8)], 4,
                  (uint32_t)b->signs[k / 2] >> (4 * (k & 1)));
    }
    for (int sub = 0; sub < 8; sub++) {
        const int s = (b->scales[sub / 2] >> (4 * (sub & 1))) & 15;
        ret->scale[2 * sub] = ret->scale[2 * sub + 1] = (int8_t)(2 * s + 1);
    }
}

static void unpack_iq1_s(const void *block, struct iq_ints *ret)
{
    const struct block_iq1_s *b = block;
    ret->d = f16_to_f32(b->d) * 0.125F;
    for (int sub = 0; sub < 8; sub++) {
        const uint32_t qh = b->qh[sub];
        for (int k = 0; k < 4; k++) {
            const uint32_t index = b->qs[4 * sub + k] | (((qh >> (3 * k)) & 7) << 8);
            put_ternary(ret->q + 32 * sub + 8 * k, iq1_grid[index], qh & 0x8000 ? -1 : 1);
        }
        ret->scale[2 * sub] = ret->scale[2 * sub + 1] = (int8_t)(2 * ((qh >> 12) & 7) + 1);
    }
}

static void unpack_iq1_m(const void *block, struct iq_ints *ret)
{
    const struct block_iq1_m *b = block;
    ret->d = f16_to_f32(iq1_m_d(b)) * 0.125F;
    for (int k = 0; k < 32; k++) {
        const uint32_t nibble = (b->qh[k / 2] >> (4 * (k & 1))) & 15U;
        const uint32_t index = b->qs[k] | ((nibble & 7) << 8);
        put_ternary(ret->q + 8 * k, iq1_grid[index], nibble & 8 ? -1 : 1);
    }
    for (int i = 0; i < 16; i++) {
        const int s = (b->scales[i / 4] >> (3 * (i & 3))) & 7;
        ret->scale[i] = (int8_t)(2 * s + 1);
    }
}

static void unpack_iq4_xs(const void *block, struct iq_ints *ret)
{
    const struct block_iq4_xs *b = block;
    ret->d = f16_to_f32(b->d);
    for (int sub = 0; sub < 8; sub++) {
        for (int j = 0; j < 16; j++) {
            const uint8_t byte = b->qs[16 * sub + j];
            ret->q[32 * sub + j] = iq4_levels[byte & 15];
            ret->q[32 * sub + 16 + j] = iq4_levels[byte >> 4];
        }
        ret->scale[2 * sub] = ret->scale[2 * sub + 1] = (int8_t)iq4_xs_scale(b, sub);
    }
}

iq_unpack_fn iq_unpack_get(enum tensor_type type)
{
    switch (type) {
    case TENSOR_IQ1_S: return unpack_iq1_s;
    case TENSOR_IQ1_M: return unpack_iq1_m;
    case TENSOR_IQ2_XXS: return unpack_iq2_xxs;
    case TENSOR_IQ2_XS: return unpack_iq2_xs;
    case TENSOR_IQ2_S: return unpack_iq2_s;
    case TENSOR_IQ3_XXS: return unpack_iq3_xxs;
    case TENSOR_IQ3_S: return unpack_iq3_s;
    case TENSOR_IQ4_XS: return unpack_iq4_xs;
    default: return NULL;
    }
}
