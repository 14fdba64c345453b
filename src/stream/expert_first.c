/* SPDX-License-Identifier: MIT */
#include "stream/expert_first.h"

#include <string.h>

#include "base/mem.h"

#define KEYS_MAX   (1U << 24) /* experts of a model */
#define PASSES_ALL ((1U << EXPERT_FIRST_PASSES) - 1)

int expert_first_init(struct expert_first *first, uint32_t n_layers, uint32_t n_experts)
{
    const size_t n = (size_t)n_layers * n_experts;
    *first = (struct expert_first){.n_layers = n_layers, .n_experts = n_experts};
    first->passes_of = mem_calloc(MEM_GENERAL, n, 1);
    return first->passes_of ? 0 : NMOS_E_NOMEM;
}

void expert_first_deinit(struct expert_first *first)
{
    mem_free(first->passes_of);
    *first = (struct expert_first){0};
}

void expert_first_restart(struct expert_first *first)
{
    first->n_passes = 0;
    first->is_over = 0;
    first->n_wanted = 0;
    first->n_missing = 0;
    memset(first->passes_of, 0, (size_t)first->n_layers * first->n_experts);
}

void expert_first_enter(struct expert_first *first, uint32_t layer_i)
{
    const int is_new = first->n_passes == 0 || layer_i <= first->layer_i;
    first->layer_i = layer_i;
    first->is_over |= is_new && first->n_passes == EXPERT_FIRST_PASSES;
    if (is_new && !first->is_over) first->n_passes++;
}

void expert_first_use(struct expert_first *first, uint32_t expert_i, int is_there)
{
    uint8_t *passes = &first->passes_of[(size_t)first->layer_i * first->n_experts + expert_i];
    const uint8_t bit = (uint8_t)(1U << (EXPERT_FIRST_PASSES - first->n_passes));
    if (first->is_over || *passes & bit) return;
    *passes |= bit;
    first->n_wanted++;
    first->n_missing += !is_there;
}

/* ---- Packed ---- */

struct packer {
    uint8_t *at;
    size_t n;
};

/* @return 0 when there is no room. */
static int put(struct packer *p, uint32_t number)
{
    uint8_t bytes[5];
    size_t n = 0;
    for (; number > 0x7f; number >>= 7) bytes[n++] = (uint8_t)(number | 0x80);
    bytes[n++] = (uint8_t)number;
    if (n > EXPERT_FIRST_BYTES - p->n) return 0;
    memcpy(p->at + p->n, bytes, n);
    p->n += n;
    return 1;
}

/* Experts that just these passes have used. @return 0 when some had no room. */
static int put_used_by(struct packer *p, const struct expert_first *first, uint32_t passes)
{
    const uint32_t n_keys = first->n_layers * first->n_experts;
    uint32_t next = 0; /* behind the last one */
    for (uint32_t key = 0; key < n_keys; key++) {
        if (first->passes_of[key] != passes) continue;
        if (next == 0 && !put(p, passes)) return 0;
        if (!put(p, key + 1 - next)) return 0;
        next = key + 1;
    }
    return next == 0 || put(p, 0);
}

size_t expert_first_pack(const struct expert_first *first, uint8_t ret_packed[EXPERT_FIRST_BYTES])
{
    struct packer p = {.at = ret_packed};
    if (first->n_wanted == 0) return 0;
    (void)put(&p, first->n_layers);
    (void)put(&p, first->n_experts);
    (void)put(&p, first->n_passes);
    uint32_t passes = PASSES_ALL;
    while (passes > 0 && put_used_by(&p, first, passes)) passes--;
    return p.n;
}

struct unpacker {
    const uint8_t *at;
    const uint8_t *end;
};

/* @return 0 when there is no such number. */
static int get(struct unpacker *u, uint32_t *ret_number)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 35 && u->at < u->end; shift += 7) {
        const uint8_t byte = *u->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        *ret_number = (uint32_t)number;
        return number <= UINT32_MAX;
    }
    return 0;
}

/* Experts that some passes have used. @return 0 for what cannot be. */
static int get_used_by(struct unpacker *u, uint32_t passes, struct expert_likely *ret)
{
    uint64_t next = 0;
    uint32_t distance = 0;
    while (u->at < u->end) {
        if (!get(u, &distance)) return 0;
        if (distance == 0) return 1;
        next += distance;
        if (next > (uint64_t)ret->n_layers * ret->n_experts || ret->n == EXPERT_FIRST_BYTES) {
            return 0;
        }
        ret->of[ret->n].key = (uint32_t)next - 1;
        ret->of[ret->n++].passes = passes;
    }
    return 1;
}

int expert_first_unpack(const void *packed, size_t n_bytes, struct expert_likely *ret)
{
    struct unpacker u = {packed, (const uint8_t *)packed + n_bytes};
    *ret = (struct expert_likely){0};
    int is_right = n_bytes <= EXPERT_FIRST_BYTES && get(&u, &ret->n_layers) &&
                   get(&u, &ret->n_experts) && get(&u, &ret->n_passes) && ret->n_layers &&
                   ret->n_experts && ret->n_passes && ret->n_passes <= EXPERT_FIRST_PASSES &&
                   (uint64_t)ret->n_layers * ret->n_experts <= KEYS_MAX;
    uint32_t before = PASSES_ALL + 1;
    while (is_right && u.at < u.end) {
        uint32_t passes = 0;
        is_right =
            get(&u, &passes) && passes > 0 && passes < before && get_used_by(&u, passes, ret);
        before = passes;
    }
    if (is_right) return 0;
    ret->n = 0;
    return FAIL(NMOS_E_CORRUPT, "%zu bytes that name no experts", n_bytes);
}
