/* SPDX-License-Identifier: MIT */
/*
 * Kernels on rows of activations; what each computes, and in which order, is that of
 * kernel/elementwise.h.
 */
#include "backend/cuda/device/device.h"

#define LANES  16U
#define STAGED 2048U /* floats of a row that wait in shared memory for the 16 lanes */

/* Adds a staged part of a row to lane @p lane of a sum of squares. */
INLINE float add_squares(const float *staged, uint32_t n, uint32_t lane, float sum)
{
    UNROLL(unroll 8)
    for (uint32_t i = lane; i < n; i += LANES) sum = fma_f32(staged[i], staged[i], sum);
    return sum;
}

KERNEL(k_norm, norm_args)
{
    SHARED float staged[STAGED];
    SHARED float lanes[LANES];
    float sum[OWNERS];
    const float *x = a.x + (uint64_t)BLOCK_X * a.x_stride + (uint64_t)BLOCK_Y * a.n;
    float *y = a.y + (uint64_t)BLOCK_X * a.y_stride + (uint64_t)BLOCK_Y * a.n;
    THREADS(t) sum[OWN(t)] = 0.0F;
    for (uint32_t first = 0; first < a.n; first += STAGED) {
        const uint32_t n = min_u32(a.n - first, STAGED);
        THREADS(t)
        {
            for (uint32_t i = t; i < n; i += N_THREADS) staged[i] = x[first + i];
        }
        BARRIER();
        THREADS(t)
        {
            if (t < LANES) sum[OWN(t)] = add_squares((const float *)staged, n, t, sum[OWN(t)]);
        }
        BARRIER();
    }
    THREADS(t)
    {
        if (t < LANES) lanes[t] = sum[OWN(t)];
    }
    BARRIER();
    THREADS(t)
    {
        const float mean = tree_sum((const float *)lanes) / (float)a.n;
        const float scale = 1.0F / sqrt_f32(mean + a.eps);
        for (uint32_t i = t; i < a.n; i += N_THREADS) {
            const float v = x[i] * scale;
            y[i] = a.w ? v * a.w[i] : v;
        }
    }
}

KERNEL(k_rope, rope_args)
{
    const uint32_t half = a.n_rot / 2;
    float *x = a.x + ((uint64_t)BLOCK_X * a.n_heads + BLOCK_Y) * a.head_dim;
    const float *cosine = a.cos_sin + (uint64_t)BLOCK_X * a.n_rot;
    THREADS(t)
    {
        for (uint32_t i = t; i < half; i += N_THREADS) {
            const uint32_t first = a.pairs_are_adjacent ? 2 * i : i;
            const uint32_t second = a.pairs_are_adjacent ? 2 * i + 1 : i + half;
            const float c = cosine[i];
            const float s = cosine[half + i];
            const float minus_s = a.pairs_are_adjacent ? -s : 0.0F - s;
            const float u = x[first];
            const float v = x[second];
            x[first] = fma_f32(u, c, v * minus_s);
            x[second] = fma_f32(v, c, u * s);
        }
    }
}

INLINE float gelu_gate(float x)
{
    const float inner = fma_f32(0.044715F * (x * x), x, x);
    return gate_f32(x, 1.5957691216F * inner);
}

KERNEL(k_glu, glu_args)
{
    THREADS(t)
    {
        const uint32_t i = BLOCK_X * N_THREADS + t;
        const uint64_t row = BLOCK_Y;
        if (i < a.n) {
            const float g = a.gate[row * a.stride + i];
            const float gated = a.is_gelu ? gelu_gate(g) : gate_f32(g, g);
            a.out[row * a.n + i] = gated * a.up[row * a.stride + i];
        }
    }
}

KERNEL(k_flat, flat_args)
{
    THREADS(t)
    {
        const uint64_t i = (uint64_t)BLOCK_X * N_THREADS + t;
        if (i < a.n) {
            const float x = a.x[i];
            if (a.kind == FLAT_ADD) a.x[i] = x + a.y[i];
            if (a.kind == FLAT_SCALE) a.x[i] = a.scalar * x;
            if (a.kind == FLAT_SOFTCAP) a.x[i] = a.scalar * tanh_f32(x / a.scalar);
        }
    }
}

KERNEL(k_gather, gather_args)
{
    THREADS(t)
    {
        const uint32_t i = BLOCK_X * N_THREADS + t;
        for (uint64_t r = 0; i < a.n && r < a.n_rows; r++) {
            a.to[r * a.n + i] = a.from[(uint64_t)a.index[r] * a.n + i];
        }
    }
}

KERNEL(k_weighted, weighted_args)
{
    THREADS(t)
    {
        const uint32_t i = BLOCK_X * N_THREADS + t;
        const uint64_t row = BLOCK_Y;
        float sum = 0.0F;
        for (uint32_t k = 0; i < a.n && k < a.n_used; k++) {
            const uint64_t at = row * a.n_used + k;
            sum = fma_f32(a.weight[at], a.from[(uint64_t)a.slot[at] * a.n + i], sum);
        }
        if (i < a.n) a.to[row * a.n + i] = sum;
    }
}

KERNEL(k_gated, gated_args)
{
    THREADS(t)
    {
        const uint32_t i = BLOCK_X * N_THREADS + t;
        const uint64_t row = BLOCK_Y;
        if (i < a.n) {
            const uint64_t at = row * a.n + i;
            a.x[at] = fma_f32(gate_f32(1.0F, a.g[row]), a.y[at], a.x[at]);
        }
    }
}

KERNEL(k_softmax, softmax_args)
{
    SHARED float lanes[LANES];
    float *x = a.x + (uint64_t)BLOCK_X * a.n;
    float top[OWNERS];
    THREADS(t)
    {
        float lane_top = f32_from_bits(0xff800000U);
        for (uint32_t i = t; t < LANES && i < a.n; i += LANES) lane_top = max_f32(lane_top, x[i]);
        if (t < LANES) lanes[t] = lane_top;
    }
    BARRIER();
    THREADS(t) top[OWN(t)] = tree_max((const float *)lanes);
    BARRIER();
    THREADS(t)
    {
        for (uint32_t i = t; i < a.n; i += N_THREADS) x[i] = exp_f32(x[i] - top[OWN(t)]);
    }
    BARRIER();
    THREADS(t)
    {
        float sum = 0.0F;
        for (uint32_t i = t; t < LANES && i < a.n; i += LANES) sum = sum + x[i];
        if (t < LANES) lanes[t] = sum;
    }
    BARRIER();
    THREADS(t)
    {
        const float total = tree_sum((const float *)lanes);
        for (uint32_t i = t; i < a.n; i += N_THREADS) x[i] = x[i] / total;
    }
}
