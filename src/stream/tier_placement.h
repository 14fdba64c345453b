/* SPDX-License-Identifier: MIT */
/*
 * Which shards are computed at a device, for given sizes of both memories. Arithmetic only.
 *
 * A shard is computed at the host, where its bytes are pinned or streamed through the ring; or at
 * the device, where it is pinned; or at the device to which it is sent from the host in every pass.
 *
 *   seconds per pass = max(streamed bytes / disk, sent bytes / link, sum of computing)
 *
 * Movable shards stand in one order that does not depend on the budgets, layers in bit-reversed
 * order, so that any beginning of it is spread through the depth, and the head last. The first v of
 * them are pinned at the device, the next t are sent, and every (v, t) that fits is considered,
 * with the placement of the rest in the host's memory. What fits in some memory fits in more, and
 * is not slower there: so more memory of either kind is never slower.
 */
#ifndef NMOS_STREAM_TIER_PLACEMENT_H
#define NMOS_STREAM_TIER_PLACEMENT_H

#include "stream/placement.h"

/** Sent shards pass through so many slots of the device: one is filled while another is computed.
 */
#define TIER_SLOTS 2U

enum shard_place {
    SHARD_HOST,   /* computed where the River brings it */
    SHARD_DEVICE, /* pinned at the device */
    SHARD_SENT,   /* computed at the device, sent in every pass */
};

enum tier_can { TIER_STAYS, TIER_CAN_MOVE, TIER_CAN_BE_SENT /* and move */ };

/** What placing one shard costs. */
struct tier_shard {
    double host_s;       /* seconds of computing at the host, bytes in memory */
    double device_s;     /* and at the device */
    uint64_t host_state; /* bytes of the host's memory that it frees when computed elsewhere: KV */
    uint64_t device_state; /* bytes that it takes at the device beside its weights */
    uint64_t link_bytes;   /* of results that come back from there in a pass: logits */
    enum tier_can can;
};

struct tier_placement_config {
    const struct stream_shard *shards; /* [n_shards], the head last; marks are not looked at */
    const struct tier_shard *costs;    /* [n_shards] */
    uint32_t n_shards;
    uint64_t host_bytes; /* of the host's memory */
    uint64_t
        host_fixed_bytes; /* taken of it: all but pins and ring, with the state of all shards */
    uint32_t host_bytes_per_table_byte; /* pins and ring need so much page table; 0: none */
    uint64_t device_bytes;              /* of the device's memory */
    uint64_t device_fixed_bytes;        /* scratch, taken when anything is computed there */
    uint64_t crossing_bytes;            /* of activations, each time the place changes */
    double disk_bytes_per_s;            /* > 0 */
    double link_bytes_per_s;            /* > 0, may be infinite */
};

enum tier_binding { TIER_DISK, TIER_LINK, TIER_COMPUTE };

struct tier_placement {
    struct placement host; /* pins and ring; its shards are those not pinned at the device */
    uint64_t device_pinned_bytes;
    uint64_t device_slot_bytes; /* of each of TIER_SLOTS; 0 when nothing is sent */
    uint64_t device_state_bytes;
    uint64_t device_used_bytes; /* the three and the fixed ones; 0 when the device is not used */
    uint64_t host_state_bytes;  /* freed */
    uint64_t sent_bytes;        /* of weights, each pass */
    uint64_t link_bytes;        /* the same with activations */
    uint64_t total_bytes;       /* of all shards' extents */
    uint32_t n_pinned;          /* shards pinned at the device */
    uint32_t n_sent;
    double disk_s;
    double link_s;
    double compute_s;
    double pass_s; /* the largest */
    enum tier_binding binding;
};

/** Bytes of the device's memory for the extents of one shard. */
uint64_t tier_shard_bytes(const struct stream_shard *shard);

/**
 * Decides the placement.
 * @param ret_places  [n_shards] enum shard_place.
 * @param ret_pinned  [number of extents of all shards] 1 for each extent pinned at the host, else
 * 0.
 * @return 0; NMOS_E_LIMIT when the host's memory is too small whatever is moved: what would do is
 * host_fixed_bytes - ret->host_state_bytes + ret->host.least_bytes; NMOS_E_NOMEM.
 */
int tier_place(const struct tier_placement_config *config, uint8_t *ret_places, uint8_t *ret_pinned,
               struct tier_placement *ret) NMOS_MUST_CHECK;

/** The figures of given places; as tier_place(), which chooses by them. */
int tier_evaluate(const struct tier_placement_config *config, const uint8_t *places,
                  uint8_t *ret_pinned, struct tier_placement *ret) NMOS_MUST_CHECK;

#endif
