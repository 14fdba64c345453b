/* SPDX-License-Identifier: MIT */
/*
 * What of a model's weights lies where: pins, ring, slots for experts.
 *
 * A model that fits is pinned, all of it. Of a dense model that does not fit, the River streams the
 * rest. Of a mixture of experts that does not fit, what every row uses is placed first, and the
 * experts get what is left as a cache.
 */
#ifndef NMOS_ENGINE_WEIGHT_PLAN_H
#define NMOS_ENGINE_WEIGHT_PLAN_H

#include "engine/tiers.h"
#include "infer/expert_source.h"
#include "stream/expert_cache.h"

/* What passes of one row read for experts, on average, and what that is known from. */
struct expert_forecast {
    uint64_t bytes;
    uint64_t low_bytes; /* a range for the mean of EXPERT_RECORD_PASSES passes */
    uint64_t high_bytes;
    uint32_t n_passes; /* measured with a cache of this size; 0: the others are an estimate */
    int is_learned;    /* an estimate from runs with other sizes; 0: from nothing */
};

/* What a pass of many rows reads for experts once the cache is filled. */
struct expert_prompt {
    uint64_t bytes;
    uint64_t most_bytes; /* when it uses all experts */
    int is_learned;      /* from passes of so many rows; 0: as if all experts were used alike */
};

struct weight_plan {
    struct weight_extents extents; /* what the River moves */
    struct placement placement;    /* of them */
    struct expert_layer *experts;  /* [n_layers] where experts lie; NULL: in the extents, or none */
    struct expert_classes slots;   /* cut from expert_bytes */
    uint64_t expert_bytes;         /* memory for the cache */
    uint64_t touched_bytes;        /* weights that a pass of one row goes through */
    uint64_t streamed_bytes;       /* read by such a pass, on average */
    struct expert_forecast experts_read; /* of them */
    uint64_t least_bytes;                /* for pins, ring and slots */
};

/** Where experts may lie. */
enum expert_place {
    EXPERTS_ANYWHERE, /* in the extents if all fit, else in a cache */
    EXPERTS_IN_EXTENTS,
    EXPERTS_IN_CACHE
};

/**
 * Divides what the bound leaves, and the device's memory if there is one.
 * @param habits  what earlier runs told about experts, for `experts_read`; its heat is not used.
 * @return 0; NMOS_E_NOMEM when it is too small: the message says what would do, and @p ret has the
 * `least_bytes` for weights and nothing else.
 */
int weight_plan_make(const struct budget_split *split, const struct weight_map *map,
                     struct tiers *tiers, enum expert_place place,
                     const struct expert_habits *habits, struct weight_plan *ret) NMOS_MUST_CHECK;
void weight_plan_deinit(struct weight_plan *plan);

/** What a pass of @p n_rows rows reads for experts by a plan that has a cache of them; else zero.
 */
struct expert_prompt weight_plan_prompt(const struct weight_plan *plan, const struct hparams *hp,
                                        const struct expert_habits *habits, uint32_t n_rows);

#endif
