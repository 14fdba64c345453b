/* SPDX-License-Identifier: MIT */
/* What the processor can do, limited on request (--cpu, tests). */
#ifndef NMOS_BASE_CPU_H
#define NMOS_BASE_CPU_H

/** Instruction levels, each including those before it. */
enum cpu_level {
    CPU_SCALAR, /* portable C */
    CPU_AVX2,   /* AVX2, FMA, F16C (Haswell 2013, Zen 1 2017) */
    CPU_AVX512, /* AVX-512 F, BW, DQ, VL, VNNI (Cascade Lake 2019, Zen 4 2022) */
};

/** The best level of this machine, at most the limit set. */
enum cpu_level cpu_level_get(void);

/** Limits later cpu_level_get() results to @p level. */
void cpu_level_limit(enum cpu_level level);

/** "scalar", "avx2" or "avx512". */
const char *cpu_level_name(enum cpu_level level);

/** Cores (not hyper-threads) this process may run on: affinity and cgroup quota respected; at
 * least 1. */
int cpu_physical_cores(void);

#endif
