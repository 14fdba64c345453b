/* SPDX-License-Identifier: MIT */
/* Picks the elementwise functions of the processor. */
#include "kernel/elementwise.h"

#include "base/cpu.h"

const struct elementwise_table *elementwise = &elementwise_scalar;

void elementwise_init(void)
{
    elementwise = &elementwise_scalar;
#if defined(__x86_64__)
    if (cpu_level_get() < CPU_AVX2) return;
    elementwise = &elementwise_avx2;
    if (cpu_level_get() < CPU_AVX512) return;
    elementwise = &elementwise_avx512;
#endif
}
