/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for a device: the CPU's kernels on memory of its own, behind a link.
 *
 * It computes with the threads of the host's backend, so its bits are those of the host. Its memory
 * has a limit and is counted apart; what goes in or out crosses a link that may be throttled
 * (sim_link.h). So placement over two memories and the streaming of weights from disk to memory to
 * device can be built and tested on a machine without a GPU.
 */
#ifndef NMOS_BACKEND_SIM_SIM_BACKEND_H
#define NMOS_BACKEND_SIM_SIM_BACKEND_H

#include "backend/backend.h"

struct sim_config {
    uint64_t memory_bytes;   /* limit of its memory */
    double link_bytes_per_s; /* each way; 0: as fast as memory is */
};

/**
 * @param cpu  the host's backend, whose threads it shares; outlives the stand-in. The two are never
 * called at the same time.
 * @return 0 or NMOS_E_NOMEM.
 */
int sim_backend_create(const struct sim_config *config, struct backend *cpu,
                       struct backend **ret_backend) NMOS_MUST_CHECK;

#endif
