/* SPDX-License-Identifier: MIT */
/*
 * The second budget: a device, what of a model is computed there, and how fast a pass would be.
 *
 * A device is named by a text. "cuda:0" is the first GPU (backend/cuda), whose rates are measured
 * once in each boot. The other kind stands in for one (backend/sim): "sim:4GiB" has so much memory;
 * "sim:4GiB@3.2GB/s" a link of that rate each way; "sim:4GiB@3.2GB/s,8x" is taken to compute eight
 * times as fast as the host when places are chosen (it does not: it shares the host's processor).
 */
#ifndef NMOS_ENGINE_TIERS_H
#define NMOS_ENGINE_TIERS_H

#include <nmos/plan.h>

#include "backend/backend.h"
#include "backend/cuda/cuda_backend.h"
#include "backend/sim/sim_backend.h"
#include "engine/budget.h"
#include "infer/forward.h"
#include "stream/tier_placement.h"

enum device_kind { DEVICE_SIM, DEVICE_CUDA };

struct device_spec {
    enum device_kind kind;
    int ordinal; /* of DEVICE_CUDA */
    struct sim_config sim;
    double speed; /* of a stand-in's computing, times the host's */
};

struct tiers {
    struct backend *device; /* NULL: none was named */
    struct device_spec spec;
    struct cuda_rates rates;      /* of DEVICE_CUDA */
    char name[64];                /* of the GPU; "": a stand-in */
    uint64_t vram_bytes;          /* bound on the device's memory, which ends there */
    const struct weight_map *map; /* borrowed */
    struct forward_sizes sizes;
    uint32_t rows;                   /* of a typical pass */
    uint8_t *places;                 /* [n_shards] enum shard_place; NULL: all at the host */
    struct tier_placement placement; /* zeros: all at the host */
};

/** Rates of computing one row, in bytes of weights a second. */
struct tiers_rates {
    double disk_bytes_per_s;
    double pinned_bytes_per_s;   /* weights that stay where they are computed */
    double streamed_bytes_per_s; /* weights used as they lie in the file */
};

/** @return 0, or NMOS_E_INVALID saying how a device is named. */
int device_parse(const char *text, struct device_spec *ret_spec) NMOS_MUST_CHECK;

/** What to open. */
struct tiers_config {
    const char *device;  /* its name; NULL: the first GPU, if vram_bytes is not 0 */
    uint64_t vram_bytes; /* bound on its memory */
    int has_experts;     /* the model is a mixture of experts: a GPU is of no use, and not opened */
    int measures_anew;   /* a GPU, whatever is known of its speed */
};

/**
 * Opens the device, if one was named.
 * @return 0; NMOS_E_INVALID; NMOS_E_UNSUPPORTED where there is no such GPU; as
 * cuda_backend_create().
 */
int tiers_open(struct tiers *tiers, const struct tiers_config *config,
               struct backend *cpu) NMOS_MUST_CHECK;
/** After everything that uses the device. */
void tiers_close(struct tiers *tiers);

/** Memory of the host that stands for the device's: beside --ram. 0 for a GPU. */
uint64_t tiers_stand_in_bytes(const struct tiers *tiers);

/** What is left for the host of memory that is free; 0 when the stand-in takes all of it. */
uint64_t tiers_leave_ram(const struct tiers *tiers, uint64_t free_bytes);

/** Bytes a second of the device's link; infinite where a stand-in has no pace. */
double tiers_link_rate(const struct tiers *tiers);

/** What is to be placed, for passes of @p rows rows. Before tiers_place(). */
void tiers_describe(struct tiers *tiers, const struct weight_map *map,
                    const struct forward_sizes *sizes, uint32_t rows);

/**
 * As budget_place(), over both memories; and just that without a device. Says so when the device is
 * of no use. Places are chosen the first time; later calls find the pins for another bound on the
 * host's memory. Layers with experts are computed at the host.
 */
int tiers_place(struct tiers *tiers, const struct budget_split *split,
                struct weight_extents *extents, struct placement *ret_placement) NMOS_MUST_CHECK;

/** Corrects what was predicted for one row a pass without the device. */
void tiers_predict(const struct tiers *tiers, const struct weight_extents *extents,
                   const struct tiers_rates *rates, struct nmos_plan *plan);

#endif
