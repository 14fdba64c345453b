/* SPDX-License-Identifier: MIT */
/*
 * How the memory of the expert cache is cut into slots. Arithmetic only.
 *
 * Files of mixed types have layers whose experts differ in size. Layers of one size form a class,
 * and every class gets slots for the same share of its experts, so that no layer is favoured.
 */
#ifndef NMOS_STREAM_EXPERT_SLOTS_H
#define NMOS_STREAM_EXPERT_SLOTS_H

#include <stdint.h>

#define EXPERT_PARTS       3U
#define EXPERT_CLASSES_MAX 16U /* of more sizes than these, the last share the largest */

/** One matrix of all experts of a layer: that of expert e lies at offset + e * bytes. */
struct expert_part {
    uint64_t offset;
    uint64_t bytes; /* of one expert, > 0 */
    uint32_t file_i;
};

struct expert_layer {
    struct expert_part parts[EXPERT_PARTS];
};

struct expert_class {
    uint64_t slot_bytes; /* holds any expert of its layers, with what alignment adds */
    uint32_t n_layers;
    uint32_t n_slots;
    uint32_t first_slot; /* slots are numbered through all classes */
};

struct expert_classes {
    uint32_t n;
    struct expert_class of[EXPERT_CLASSES_MAX];
    uint64_t bytes; /* of all slots */
    uint32_t n_slots;
};

/** Memory for one part of any expert, read in blocks of @p align. */
uint64_t expert_part_room(const struct expert_part *part, uint32_t align);

/** Bytes that reading an expert of a layer takes in blocks of @p align, on average over its experts
 * [n_experts]. */
uint64_t expert_read_bytes(const struct expert_layer *layer, uint32_t n_experts, uint32_t align);

/**
 * Finds the classes of @p layers and cuts @p bytes into slots, at least @p n_slots_min of each
 * class (so that `bytes` of the result may exceed what was given) and at most as many as there are
 * experts.
 */
void expert_classes_plan(const struct expert_layer *layers, uint32_t n_layers, uint32_t n_experts,
                         uint32_t align, uint32_t n_slots_min, uint64_t bytes,
                         struct expert_classes *ret);

/** The class of a layer. */
uint32_t expert_class_of(const struct expert_classes *classes, const struct expert_layer *layer,
                         uint32_t align);

#endif
