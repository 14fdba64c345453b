/* SPDX-License-Identifier: MIT */
/*
 * A device that exists only in memory, for tests: deterministic from its seed, faulty on demand,
 * and without waiting.
 *
 * Files are spans of bytes. Each attempt draws from a generator seeded by the configuration: how
 * long it takes in the device's own time, which only orders completions, and which fault it meets.
 * ioq_reap() moves the device's time to the next completion at once, except for a read that is
 * stalled: that one completes only after `stall_reaps` calls of wait in which nothing else was
 * ready.
 */
#ifndef NMOS_IO_IOQ_SIM_H
#define NMOS_IO_IOQ_SIM_H

#include <stddef.h>
#include <stdint.h>

#include "io/file.h"
#include "io/ioq.h"

struct ioq_sim_config {
    const unsigned char *const *data; /* [n_files] content, file->bytes each; borrowed */
    uint64_t seed;
    /* Chances per attempt, in 1/65536. */
    uint32_t p_short;     /* fewer bytes than asked for */
    uint32_t p_eintr;     /* EINTR or EAGAIN */
    uint32_t p_eio;       /* EIO, once */
    uint32_t p_stall;     /* takes very long */
    uint32_t stall_reaps; /* see above */
    /* Bytes [bad_begin, bad_end) of every file give EIO whenever an attempt touches them. */
    uint64_t bad_begin;
    uint64_t bad_end;
    /* Every file ends here for the device, though it was longer when opened; 0: no. */
    uint64_t truncated_bytes;
    /* Optional: looked at before each attempt; non-zero makes it EIO. For faults that come and go.
     */
    const _Atomic int *is_broken;
    /* Optional: called before each attempt, on the thread that submits. */
    void (*on_start)(void *arg, uint64_t offset);
    void *on_start_arg;
};

/** A struct file for the simulated device: no descriptors, @p n_bytes long, alignment @p align. */
struct file ioq_sim_file(uint64_t n_bytes, uint32_t align);

#endif
