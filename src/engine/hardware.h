/* SPDX-License-Identifier: MIT */
/* What the machine has: memory that may be used, and how fast bytes move. */
#ifndef NMOS_ENGINE_HARDWARE_H
#define NMOS_ENGINE_HARDWARE_H

#include <stdint.h>

#include "base/error.h"
#include "io/file.h"

struct hardware {
    uint64_t ram_bytes;        /* that this process may fill safely */
    double disk_bytes_per_s;   /* direct reads of the model's file */
    double memory_bytes_per_s; /* reads by all threads */
    double
        macs_per_s; /* 8-bit multiply-adds of all threads, estimated from the instruction level */
};

/**
 * Memory that this process may fill without pushing others out: what the system calls available,
 * and what the memory cgroup (v1 or v2) still allows, the smaller, less a headroom of 1/16 (at
 * least 64 MiB).
 */
uint64_t hardware_safe_ram(void);

/** Resident memory of this process now. */
uint64_t hardware_resident_bytes(void);

/** Measures: 0.2 s on a fast disk. @p n_threads as for computing. @return 0, or what reading fails
 * with. */
int hardware_measure(struct file *file, uint32_t n_threads, struct hardware *ret) NMOS_MUST_CHECK;

/** Reads a description of another machine: JSON with ram_GiB, disk_GBps, memory_GBps, gmacs
 * (numbers above 0).
 * @return 0, NMOS_E_IO, or NMOS_E_INVALID naming the field. */
int hardware_read(const char *path, struct hardware *ret) NMOS_MUST_CHECK;

#endif
