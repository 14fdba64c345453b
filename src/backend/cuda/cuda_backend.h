/* SPDX-License-Identifier: MIT */
/*
 * A GPU of NVIDIA's as a backend: the bits of the processor's kernels, on a card.
 *
 * Verbs queue kernels (device/) on one stream and return; download() and fence_wait() tell what
 * failed meanwhile. Weights are used as they lie in the file. Its memory ends at a limit that it
 * counts itself; what the driver takes of the card for itself is beside it.
 * The host's memory that the driver takes counts as the process's (--ram). NaNs may have other
 * payloads than the processor's; everything else is the same, byte for byte.
 */
#ifndef NMOS_BACKEND_CUDA_CUDA_BACKEND_H
#define NMOS_BACKEND_CUDA_CUDA_BACKEND_H

#include "backend/backend.h"

struct cuda_config {
    int ordinal;           /* of the GPU, from 0 */
    uint64_t memory_bytes; /* limit of what is allocated there */
};

/** Speeds that were measured, rounded down to two binary digits (1, 1.5, 2, 3, 4, 6, ...), so that
 * one machine chooses the same places day by day. */
struct cuda_rates {
    double link_bytes_per_s;   /* of upload_async() */
    double weight_bytes_per_s; /* that a product of one row gets through */
    double macs_per_s;         /* of products of many rows */
    double launches_per_s;     /* kernels that can be started */
};

/** Kernels of a layer, about. */
#define CUDA_LAUNCHES_A_LAYER 18

/**
 * Opens a GPU and compiles the kernels for it, which takes seconds the first time on a machine.
 * @return 0; NMOS_E_UNSUPPORTED without a driver, a GPU of that number, or one that can run the
 * kernels; NMOS_E_INVALID when it has less free memory than the limit; NMOS_E_NOMEM; NMOS_E_IO.
 */
int cuda_backend_create(const struct cuda_config *config,
                        struct backend **ret_backend) NMOS_MUST_CHECK;

/**
 * Times a transfer, products, and starting kernels; takes some tens of milliseconds, and for that
 * time 75 MiB of the card's memory and 32 MiB of the host's. Before anything else is done with the
 * backend.
 * @return 0, NMOS_E_NOMEM or NMOS_E_IO.
 */
int cuda_backend_measure(struct backend *b, struct cuda_rates *ret_rates) NMOS_MUST_CHECK;

/** For tests: these rates are told instead of measured ones, borrowed; NULL: measured again. */
void cuda_rates_replace(const struct cuda_rates *rates);

#endif
