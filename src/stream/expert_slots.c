/* SPDX-License-Identifier: MIT */
#include "stream/expert_slots.h"

#include "base/mem.h"

/* An expert that begins in the middle of a block reaches into one block more than its bytes fill.
 */
uint64_t expert_part_room(const struct expert_part *part, uint32_t align)
{
    if ((part->offset | part->bytes) % align == 0) return part->bytes;
    return size_round_up(part->bytes, align) + align;
}

uint64_t expert_read_bytes(const struct expert_layer *layer, uint32_t n_experts, uint32_t align)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
        const struct expert_part *part = &layer->parts[p];
        for (uint32_t e = 0; e < n_experts; e++) {
            sum += size_round_up((part->offset + e * part->bytes) % align + part->bytes, align);
        }
    }
    return n_experts > 0 ? sum / n_experts : 0;
}

static uint64_t slot_bytes_of(const struct expert_layer *layer, uint32_t align)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) sum += expert_part_room(&layer->parts[p], align);
    return sum;
}

uint32_t expert_class_of(const struct expert_classes *classes, const struct expert_layer *layer,
                         uint32_t align)
{
    const uint64_t bytes = slot_bytes_of(layer, align);
    uint32_t i = 0;
    while (i + 1 < classes->n && classes->of[i].slot_bytes != bytes) i++;
    return i;
}

static void find_classes(const struct expert_layer *layers, uint32_t n_layers, uint32_t align,
                         struct expert_classes *classes)
{
    *classes = (struct expert_classes){0};
    for (uint32_t l = 0; l < n_layers; l++) {
        const uint64_t bytes = slot_bytes_of(&layers[l], align);
        uint32_t i = 0;
        while (i < classes->n && classes->of[i].slot_bytes != bytes) i++;
        if (i == EXPERT_CLASSES_MAX) i--;
        struct expert_class *class = &classes->of[i];
        if (i == classes->n) classes->n++;
        if (bytes > class->slot_bytes) class->slot_bytes = bytes;
        class->n_layers++;
    }
}

/* Slots for a share of each class's experts, in 1 / 65536. */
static uint64_t bytes_of_share(struct expert_classes *classes, uint32_t n_experts,
                               uint32_t n_slots_min, uint64_t share)
{
    classes->n_slots = 0;
    classes->bytes = 0;
    for (uint32_t i = 0; i < classes->n; i++) {
        struct expert_class *class = &classes->of[i];
        const uint64_t n_all = (uint64_t) class->n_layers * n_experts;
        const uint64_t n_min = n_slots_min < n_all ? n_slots_min : n_all;
        const uint64_t n_slots = n_all * share >> 16;
        class->n_slots = (uint32_t)(n_slots > n_min ? n_slots : n_min);
        class->first_slot = classes->n_slots;
        classes->n_slots += class->n_slots;
        classes->bytes += class->n_slots * class->slot_bytes;
    }
    return classes->bytes;
}

void expert_classes_plan(const struct expert_layer *layers, uint32_t n_layers, uint32_t n_experts,
                         uint32_t align, uint32_t n_slots_min, uint64_t bytes,
                         struct expert_classes *ret)
{
    uint64_t share = 0;
    find_classes(layers, n_layers, align, ret);
    /* The largest share that fits, bit by bit. */
    for (uint64_t bit = 1 << 16; bit > 0; bit >>= 1) {
        if (share + bit > 1 << 16) continue;
        if (bytes_of_share(ret, n_experts, n_slots_min, share + bit) <= bytes) share += bit;
    }
    (void)bytes_of_share(ret, n_experts, n_slots_min, share);
}
