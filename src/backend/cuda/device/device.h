/* SPDX-License-Identifier: MIT */
/*
 * What a kernel is written in: C for a GPU, and the same C on the processor.
 *
 * For a GPU (clang --target=nvptx64-nvidia-cuda) a kernel's text is run by each thread of a block.
 * On the processor it is run once for a block, and THREADS(t) is a loop over the block's threads;
 * so tests run the very arithmetic of the GPU without one. A kernel therefore consists of phases
 *
 *     THREADS(t) { ... }
 *     BARRIER();
 *
 * and what one thread keeps from phase to phase stands in an array of OWNERS elements, of which
 * thread t has number OWN(t). Threads talk to each other through shared memory, across a barrier.
 * Every operation on floats is one IEEE operation, subnormals included, so that results have the
 * bits of the processor's kernels (invariant I1).
 */
#ifndef NMOS_BACKEND_CUDA_DEVICE_DEVICE_H
#define NMOS_BACKEND_CUDA_DEVICE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "backend/cuda/cuda_kernels.h"
#include "quant/f16.h"

#define INLINE static inline __attribute__((always_inline))

/* Four dwords that are loaded at once; their address is a multiple of 16. */
typedef uint32_t u32x4 __attribute__((vector_size(16)));

#ifdef __NVPTX__

#define KERNEL(name, args) void name(const struct args a)
#define BLOCK_X            __nvvm_read_ptx_sreg_ctaid_x()
#define BLOCK_Y            __nvvm_read_ptx_sreg_ctaid_y()
#define N_THREADS          __nvvm_read_ptx_sreg_ntid_x()
#define THREADS(t)                                                                                 \
    for (uint32_t t = __nvvm_read_ptx_sreg_tid_x(), once_##t = 1; once_##t; once_##t = 0)
/* LLVM takes it that a barrier leaves alone what only this file sees, and would move accesses to
 * shared memory across it; the empty statements touch all memory. */
#define BARRIER()                                                                                  \
    do {                                                                                           \
        __asm__ volatile("" ::: "memory");                                                         \
        __syncthreads();                                                                           \
        __asm__ volatile("" ::: "memory");                                                         \
    } while (0)
#define OWN(t)        ((void)(t), 0)
#define OWNERS        1
#define SHARED        static __attribute__((address_space(3)))
#define SHARED_POOL() ((uint8_t *)shared_pool)
#define UNROLL(n)     _Pragma(#n)
#define WHERE_PARAMETER
#define WHERE

extern __attribute__((address_space(3))) u32x4 shared_pool[];

INLINE float fma_f32(float a, float b, float c)
{
    return __nvvm_fma_rn_f(a, b, c);
}

INLINE float sqrt_f32(float a)
{
    return __nvvm_sqrt_rn_f(a);
}

INLINE float rint_f32(float a)
{
    return __builtin_rintf(a);
}

/* c + the sum of four products of signed bytes. */
INLINE int32_t dot4(uint32_t a, uint32_t b, int32_t c)
{
    int32_t sum;
    __asm__("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
    return sum;
}

INLINE float half_f32(uint16_t half)
{
    float f;
    __asm__("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(half));
    return f;
}

#else

#include <math.h>

/** Where a kernel runs: one block of a grid. */
struct block_at {
    uint32_t x, y;
    uint32_t n_threads;
    void *shared; /* as large as the launch asked for; 16-byte aligned */
};

#define KERNEL(name, args) void name(const struct args a, struct block_at where)
#define BLOCK_X            where.x
#define BLOCK_Y            where.y
#define N_THREADS          where.n_threads
#define THREADS(t)         for (uint32_t t = 0; t < where.n_threads; t++)
#define BARRIER()          (void)0
#define OWN(t)             (t)
#define OWNERS             CUDA_THREADS
#define SHARED
#define SHARED_POOL() ((uint8_t *)where.shared)
#define UNROLL(n)
/* What a function with phases takes along behind its last argument. */
#define WHERE_PARAMETER , struct block_at where
#define WHERE           , where

#define PROTOTYPE(name, args) void name(struct args a, struct block_at where);
CUDA_KERNELS(PROTOTYPE)
#undef PROTOTYPE

INLINE float fma_f32(float a, float b, float c)
{
    return fmaf(a, b, c);
}

INLINE float sqrt_f32(float a)
{
    return sqrtf(a);
}

INLINE float rint_f32(float a)
{
    return rintf(a);
}

INLINE int32_t dot4(uint32_t a, uint32_t b, int32_t c)
{
    for (uint32_t i = 0; i < 4; i++) c += (int8_t)(a >> (8 * i)) * (int8_t)(b >> (8 * i));
    return c;
}

INLINE float half_f32(uint16_t half)
{
    return f16_to_f32(half);
}

#endif

/* The larger and the smaller; b where one is a NaN. */
INLINE float max_f32(float a, float b)
{
    return a > b ? a : b;
}

INLINE float min_f32(float a, float b)
{
    return a < b ? a : b;
}

INLINE uint32_t minus_or_zero(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

INLINE uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The fixed tree over 16 lanes: i and i + 8, then i and i + 4, i and i + 2, 0 and 1. */
INLINE float tree_sum(const float *lanes)
{
    float s[16];
    for (uint32_t i = 0; i < 8; i++) s[i] = lanes[i] + lanes[i + 8];
    for (uint32_t i = 0; i < 4; i++) s[i] = s[i] + s[i + 4];
    for (uint32_t i = 0; i < 2; i++) s[i] = s[i] + s[i + 2];
    return s[0] + s[1];
}

INLINE float tree_max(const float *lanes)
{
    float s[16];
    for (uint32_t i = 0; i < 8; i++) s[i] = max_f32(lanes[i], lanes[i + 8]);
    for (uint32_t i = 0; i < 4; i++) s[i] = max_f32(s[i], s[i + 4]);
    for (uint32_t i = 0; i < 2; i++) s[i] = max_f32(s[i], s[i + 2]);
    return max_f32(s[0], s[1]);
}

/* p * 2^n with one rounding; see lanes_ldexp(). */
INLINE float ldexp_f32(float p, float n)
{
    const uint32_t k = f32_to_bits(n + 0x1.8p23F) - 0x4b400000U;
    const uint32_t half = (k + 256U) / 2U - 128U;
    return p * f32_from_bits((half + 127U) << 23) * f32_from_bits((k - half + 127U) << 23);
}

/* One lane of lanes_exp(). */
INLINE float exp_f32(float x)
{
    x = min_f32(89.0F, max_f32(-104.0F, x));
    const float magic = 0x1.8p23F;
    const float n = fma_f32(x, 0x1.715476p0F, magic) - magic;
    float r = fma_f32(n, -0x1.62e43p-1F, x);
    r = fma_f32(n, 0x1.05c61p-29F, r);
    float q = 0x1.6a2352p-10F;
    q = fma_f32(q, r, 0x1.123a6cp-7F);
    q = fma_f32(q, r, 0x1.5558f4p-5F);
    q = fma_f32(q, r, 0x1.55549p-3F);
    q = fma_f32(q, r, 0x1.fffffcp-2F);
    const float p = fma_f32(r * r, q, r);
    return ldexp_f32(p + 1.0F, n);
}

/* One lane of lanes_gate(): x / (1 + e^-z). */
INLINE float gate_f32(float x, float z)
{
    return x / (1.0F + exp_f32(0.0F - z));
}

/* One lane of lanes_tanh(). */
INLINE float tanh_f32(float x)
{
    const uint32_t sign = f32_to_bits(x) & 0x80000000U;
    const float a = f32_from_bits(f32_to_bits(x) & 0x7fffffffU);
    const float e = exp_f32(2.0F * a);
    const float far = 1.0F - 2.0F / (e + 1.0F);
    const float z = a * a;
    float p = -0x1.742c26p-8F;
    p = fma_f32(p, z, 0x1.51c868p-6F);
    p = fma_f32(p, z, -0x1.b82e8ep-5F);
    p = fma_f32(p, z, 0x1.1106c2p-3F);
    p = fma_f32(p, z, -0x1.555532p-2F);
    const float near = fma_f32(a * z, p, a);
    const float size = a < 0.625F ? near : far;
    return f32_from_bits((f32_to_bits(size) & 0x7fffffffU) | sign);
}

#endif
