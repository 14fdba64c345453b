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
    double macs_per_s;           /* multiply-adds of a pass of many rows, all threads */
    int is_from_cache;           /* nothing was measured now */
};

/**
 * Memory that this process may fill without pushing others out: what the system calls available,
 * and what the memory cgroup (v1 or v2) still allows, the smaller, less a headroom of 1/16 (at
 * least 64 MiB).
 */
uint64_t hardware_safe_ram(void);

/** Resident memory of this process now. */
uint64_t hardware_resident_bytes(void);

/** Reads a description of another machine: JSON with ram_GiB, disk_GBps, memory_GBps, gmacs
 * (numbers above 0). One row is computed at memory's pace there.
 * @return 0, NMOS_E_IO, or NMOS_E_INVALID naming the field. */
int hardware_read(const char *path, struct hardware *ret) NMOS_MUST_CHECK;

#endif
