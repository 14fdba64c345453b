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

/* Eight weights of an IQ2 code; bit i of signs negates weight i. */
static void put_iq2(int8_t *q, uint16_t code, uint32_t signs)
{
    for (int i = 0; i < 8; i++) {
        const int8_t magnitude = iq2_levels[(code >> (2 * i)) & 3];
        q[i] = (int8_t)((signs >> i) & 1 ? -magnitude : magnitude);
    }
}

/* Four weights of an IQ3 code. */
static void put_iq3(int8_t *q, uint16_t code, const int8_t levels[8], uint32_t signs)
{
    for (int i = 0; i < 4; i++) {
        const int8_t magnitude = levels[(code >> (4 * i)) & 7];
        q[i] = (int8_t)((signs >> i) & 1 ? -magnitude : magnitude);
    }
}

/* Eight weights of an IQ1 code in eighths, all shifted by one eighth up or down. */
static void put_iq1(int8_t *q, uint16_t code, int shift)
{
    for (int i = 0; i < 8; i++) q[i] = (int8_t)(8 * iq1_levels[(code >> (2 * i)) & 3] + shift);
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
            const uint16_t code = iq2_xxs_grid[(indices >> (8 * k)) & 255];
            put_iq2(ret->q + 32 * sub + 8 * k, code, iq_signs8((signs_scale >> (7 * k)) & 127));
        }
        ret->scale[2 * sub] = ret->scale[2 * sub + 1] = (int8_t)(2 * (signs_scale >> 28) + 1);
    }
}

static void unpack_iq2_xs(const void *block, struct iq_ints *ret)
{
    const struct block_iq2_xs *b = block;
    ret->d = f16_to_f32(b->d) * 0.125F;
    for (int k = 0; k < 32; k++) {
        put_iq2(ret->q + 8 * k, iq2_xs_grid[b->qs[k] & 511], iq_signs8(b->qs[k] >> 9));
    }
    put_nibble_scales(ret->scale, b->scales);
}

static void unpack_iq2_s(const void *block, struct iq_ints *ret)
{
    const struct block_iq2_s *b = block;
    ret->d = f16_to_f32(b->d) * 0.125F;
    for (int k = 0; k < 32; k++) {
        const uint32_t high = (b->qh[k / 4] >> (2 * (k & 3))) & 3U;
        put_iq2(ret->q + 8 * k, iq2_s_grid[b->qs[k] | (high << 8)], b->signs[k]);
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
            put_iq3(ret->q + 32 * sub + 4 * k, iq3_xxs_grid[b->qs[8 * sub + k]], iq3_xxs_levels,
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
        put_iq3(ret->q + 4 * k, iq3_s_grid[b->qs[k] | (high << 8)], iq3_s_levels,
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
            put_iq1(ret->q + 32 * sub + 8 * k, iq1_grid[index], qh & 0x8000 ? -1 : 1);
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
        put_iq1(ret->q + 8 * k, iq1_grid[index], nibble & 8 ? -1 : 1);
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
