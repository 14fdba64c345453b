/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define CPUS_MAX 1024 /* CPU_SETSIZE of glibc */

static _Atomic int level_limit = CPU_AVX512;

#if defined(__x86_64__)
/* Asked by hand: clang's __builtin_cpu_supports() knows no "f16c". */
static int has_f16c(void)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
}
#endif

static enum cpu_level level_of_machine(void)
{
#if defined(__x86_64__)
    const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    if (!avx2) return CPU_SCALAR;
    const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx512vnni");
    return avx512 ? CPU_AVX512 : CPU_AVX2;
#else
    return CPU_SCALAR;
#endif
}

enum cpu_level cpu_level_get(void)
{
    const enum cpu_level has = level_of_machine();
    const int limit = atomic_load_explicit(&level_limit, memory_order_relaxed);
    return (int)has < limit ? has : (enum cpu_level)limit;
}

void cpu_level_limit(enum cpu_level level)
{
    atomic_store_explicit(&level_limit, (int)level, memory_order_relaxed);
}

const char *cpu_level_name(enum cpu_level level)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    return names[level];
}

/* A hyper-thread is counted when it is the lowest-numbered sibling that this process may use. */
static int is_first_sibling(int cpu, const cpu_set_t *allowed)
{
    char path[96];
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
             cpu);
    FILE *file = fopen(path, "re");
    if (!file) return 1;
    int first = 1;
    int from = 0;
    while (fscanf(file, "%d", &from) == 1) {
        int to = from;
        int separator = fgetc(file);
        if (separator == '-') {
            if (fscanf(file, "%d", &to) != 1) break;
            separator = fgetc(file);
        }
        for (int i = from; i <= to && i < cpu && i < CPUS_MAX; i++) {
            if (i >= 0 && CPU_ISSET(i, allowed)) first = 0;
        }
        if (separator != ',') break;
    }
    fclose(file);
    return first;
}

/* CPU quota of a container, in cores; 0 when there is none. cgroup v2, then v1. */
static int quota_cores(void)
{
    double quota = -1;
    double period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file) {
        if (fscanf(file, "%lf %lf", &quota, &period) != 2) quota = -1;
        fclose(file);
    } else if ((file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re"))) {
        if (fscanf(file, "%lf", &quota) != 1) quota = -1;
        fclose(file);
        file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re");
        if (file) {
            if (fscanf(file, "%lf", &period) != 1) period = 0;
            fclose(file);
        }
    }
    return quota > 0 && period > 0 ? (int)ceil(quota / period) : 0;
}

int cpu_physical_cores(void)
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 1;
    int n = 0;
    for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && is_first_sibling(cpu, &allowed)) n++;
    }
    const int quota = quota_cores();
    if (quota > 0 && quota < n) n = quota;
    return n < 1 ? 1 : n;
}
