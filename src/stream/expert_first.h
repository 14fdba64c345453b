/* SPDX-License-Identifier: MIT */
/*
 * Which experts the first passes of a prompt use: counted while they run, packed into few bytes to
 * be remembered, and unpacked again for a prompt like it.
 *
 * Which passes use an expert is a byte, the first pass its highest bit: the larger, the sooner and
 * the more often. Packed are, in numbers of 7 bits a byte: the layers and the experts of the model,
 * the passes, and then for each such byte that there is, the largest first, the byte and its
 * experts, each as its distance to the one before, closed by a 0. What would make more than
 * EXPERT_FIRST_BYTES is left out: what is used late. Arithmetic only.
 */
#ifndef NMOS_STREAM_EXPERT_FIRST_H
#define NMOS_STREAM_EXPERT_FIRST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define EXPERT_FIRST_PASSES 8U
#define EXPERT_FIRST_BYTES  512U

struct expert_cache;

/** What is counted. Zero-initialise, then expert_first_init(). */
struct expert_first {
    uint32_t n_layers;
    uint32_t n_experts;
    uint32_t n_passes;  /* begun, at most EXPERT_FIRST_PASSES */
    uint32_t layer_i;   /* of the pass under way */
    int is_over;        /* later passes do not count */
    uint32_t n_wanted;  /* experts of all these passes, each once a pass */
    uint32_t n_missing; /* of them, neither in memory nor on their way */
    uint8_t *passes_of; /* [n_layers * n_experts] which passes have used each */
};

/** Experts that are likely, as they were unpacked or for whatever reason. */
struct expert_likely {
    int64_t number; /* tells them from others; 0: none are */
    double p;       /* how sure that is, 0..1 */
    uint32_t n_layers;
    uint32_t n_experts; /* of a layer */
    uint32_t n_passes;
    uint32_t n;
    struct {
        uint32_t key;         /* layer * n_experts + expert */
        uint32_t passes;      /* which ones have used it */
    } of[EXPERT_FIRST_BYTES]; /* [n] the soonest used first */
};

/** @return 0 or NMOS_E_NOMEM. */
int expert_first_init(struct expert_first *first, uint32_t n_layers,
                      uint32_t n_experts) NMOS_MUST_CHECK;
void expert_first_deinit(struct expert_first *first);

/** Forgets what was counted. */
void expert_first_restart(struct expert_first *first);

/** A pass comes to layer @p layer_i; from the one before on it is a new pass. */
void expert_first_enter(struct expert_first *first, uint32_t layer_i);

/** Some row of the pass uses an expert of the layer entered. @p is_there: it is in memory, or being
 * read. */
void expert_first_use(struct expert_first *first, uint32_t expert_i, int is_there);

/** @return the bytes of @p ret_packed in use; 0 when nothing was counted. */
size_t expert_first_pack(const struct expert_first *first, uint8_t ret_packed[EXPERT_FIRST_BYTES]);

/** Fills in all but number and p. @return 0; NMOS_E_CORRUPT for anything that
 * expert_first_pack() does not make. */
int expert_first_unpack(const void *packed, size_t n_bytes,
                        struct expert_likely *ret) NMOS_MUST_CHECK;

#endif
