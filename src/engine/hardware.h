/* SPDX-License-Identifier: MIT */
/* What the machine has: memory that may be used, and how fast bytes move. */
#ifndef NMOS_ENGINE_HARDWARE_H
#define NMOS_ENGINE_HARDWARE_H

#include <stdint.h>

#include "base/error.h"

struct hardware {
    uint64_t ram_bytes;          /* that this process may fill safely */
    double disk_bytes_per_s;     /* reads of the model's file, as the River makes them */
    double memory_bytes_per_s;   /* reads by all threads */
    double pinned_bytes_per_s;   /* weights that a pass of one row gets through when they are pinned
                                  */
    double streamed_bytes_per_s; /* the same, as they lie in the file */
    double product_s;            /* that a product of one row takes beside its bytes */
    double macs_per_s;           /* multiply-adds of a pass of many rows, all threads */
    int is_from_cache;           /* nothing was measured now */
};

/** Memory that can still be had: what the system calls available, and what the memory cgroups (v1,
 * v2) still allow beside what cannot be reclaimed; the smaller. Some 30 system calls; allocates
 * nothing. */
uint64_t hardware_free_bytes(void);

/** Share of the last ten seconds in which nothing ran because memory was short (PSI), in this
 * cgroup or, where that has no limit, the system; 0 where it is not told. */
double hardware_memory_stall(void);

/** Memory that this process may fill without pushing others out: what it has, and what is free less
 * a headroom of 1/16 (at least 64 MiB). */
uint64_t hardware_safe_ram(void);

/** Resident memory of this process now. */
uint64_t hardware_resident_bytes(void);

/** Memory that budgets count as held: what the process has written, and all of the program and its
 * libraries, in steps of 256 KiB. How much of the program is resident differs from run to run, and
 * what a plan and a run have written by some pages; what is left for weights does not. */
uint64_t hardware_held_bytes(void);

/** Reads a description of another machine: JSON with ram_GiB, disk_GBps, memory_GBps, gmacs
 * (numbers above 0). One row is computed at memory's pace there, unless pinned_GBps, streamed_GBps
 * and product_us, as plan --json gives them, say more.
 * @return 0, NMOS_E_IO, or NMOS_E_INVALID naming the field. */
int hardware_read(const char *path, struct hardware *ret) NMOS_MUST_CHECK;

#endif
