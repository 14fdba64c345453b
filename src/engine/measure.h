/* SPDX-License-Identifier: MIT */
/*
 * How fast this machine is: bytes from disk, bytes from memory, products of the real kernels.
 *
 * Only predictions are made of those of the host; where weights go does not depend on them
 * (engine/budget.h). How fast a GPU is decides what goes there, so that plan and run agree for as
 * long as its figures are kept. They are kept in the cache (base/cache_file.h) for as long as the
 * machine has not booted again: the disk's for the device that holds the model, the others for the
 * type of weights, the instruction level and the number of threads.
 */
#ifndef NMOS_ENGINE_MEASURE_H
#define NMOS_ENGINE_MEASURE_H

#include "backend/cuda/cuda_backend.h"
#include "base/error.h"
#include "engine/hardware.h"
#include "io/file.h"
#include "quant/format.h"

/** What becomes of figures that were measured before. */
enum measure_cache {
    MEASURE_KEPT,   /* they are used; what is missing is measured and kept */
    MEASURE_ANEW,   /* all are measured and kept */
    MEASURE_UNKEPT, /* all are measured and nothing is written */
};

struct measure_config {
    struct file *file;     /* of the model */
    enum tensor_type type; /* of most of its weights */
    uint32_t n_threads;
    enum measure_cache cache;
    nmos_progress_fn on_progress; /* while the disk is measured; may be NULL */
    void *arg;
};

/** Bandwidths and speeds; `ram_bytes` is left alone. Takes up to 3 s, and 24 MiB of memory
 * more than twice the last cache holds (152 MiB to 1 GiB). A cache that cannot be written is no
 * failure. @return 0, or what reading fails with.
 */
int measure_hardware(const struct measure_config *config, struct hardware *hw) NMOS_MUST_CHECK;

/** Reads of memory and the kernels only: the fields of @p hw but the disk's and the amount. */
int measure_compute(enum tensor_type type, uint32_t n_threads, struct hardware *hw) NMOS_MUST_CHECK;

/** Figures kept earlier for @p config's machine, device and kernels: bits of enum measure_part for
 * those found, written to @p hw. What is damaged, of another boot or out of range is not found. */
enum measure_part { MEASURE_DISK = 1, MEASURE_COMPUTE = 2 };
unsigned measure_cache_load(const struct measure_config *config, struct hardware *hw);

/** Keeps the figures of @p hw beside those of other devices and kernels. @return 0 or NMOS_E_IO,
 * NMOS_E_NOMEM. */
int measure_cache_store(const struct measure_config *config,
                        const struct hardware *hw) NMOS_MUST_CHECK;

/** Speeds of the GPU called @p name that were kept earlier. @return whether they were found. */
int measure_cache_load_gpu(const char *name, struct cuda_rates *rates);

/** Keeps them beside all others. @return 0 or NMOS_E_IO, NMOS_E_NOMEM. */
int measure_cache_store_gpu(const char *name, const struct cuda_rates *rates) NMOS_MUST_CHECK;

#endif
