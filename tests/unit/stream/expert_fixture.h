/* SPDX-License-Identifier: MIT */
/* What the tests of the expert cache share: a file in memory, layers of experts in it, random
 * numbers. */
#ifndef NMOS_TESTS_EXPERT_FIXTURE_H
#define NMOS_TESTS_EXPERT_FIXTURE_H

#include <stdlib.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/ioq.h"
#include "io/ioq_sim.h"
#include "stream/expert_cache.h"
#include "stream/stream.h"

#define FIXTURE_BYTES  600001U
#define FIXTURE_LAYERS 5U

static unsigned char *content;
static uint64_t seed;

static uint32_t draw(uint32_t n)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % n;
}

static int set_up(void **state)
{
    (void)state;
    content = mem_alloc(MEM_GENERAL, FIXTURE_BYTES, 64);
    if (!content) return -1;
    for (uint32_t i = 0; i < FIXTURE_BYTES; i++) {
        content[i] = (unsigned char)((i * 2654435761U) >> 11);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mem_free(content);
    return 0;
}

/* A cache over a simulated device. */
struct fixture {
    struct file file;
    struct file *files;
    struct ioq *ioq;
    struct expert_layer layers[FIXTURE_LAYERS];
    uint32_t n_layers;
    uint32_t n_experts;
    uint32_t n_intents;
    struct expert_cache *cache;
};

/* Layers of random experts anywhere in the file; some share their sizes. */
static inline void make_layers(struct fixture *fx, uint32_t bytes_max)
{
    fx->n_layers = 1 + draw(FIXTURE_LAYERS);
    for (uint32_t l = 0; l < fx->n_layers; l++) {
        for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
            struct expert_part *part = &fx->layers[l].parts[p];
            part->file_i = 0;
            part->bytes = l && draw(3) ? fx->layers[0].parts[p].bytes : 1 + draw(bytes_max);
            part->offset = draw((uint32_t)(FIXTURE_BYTES - part->bytes * fx->n_experts) / 32) * 32U;
        }
    }
}

/* Memory for n_slots of each class. */
static uint64_t bytes_for(const struct fixture *fx, uint32_t n_slots)
{
    struct expert_classes classes;
    expert_classes_plan(fx->layers, fx->n_layers, fx->n_experts, STREAM_ALIGN_MIN, n_slots, 0,
                        &classes);
    return classes.bytes;
}

static void open_device(struct fixture *fx, const struct ioq_sim_config *device, uint32_t depth)
{
    fx->file = ioq_sim_file(FIXTURE_BYTES, draw(2) ? 512 : 4096);
    fx->files = &fx->file;
    assert_int_equal(ioq_open_sim(device, &fx->files, 1, depth, &fx->ioq), 0);
}

/* Rearranged in place: every bit the other way, so that no later read may touch these bytes. */
static void flip(void *arg, uint32_t layer_i, uint32_t part_i, void *data)
{
    const struct fixture *fx = arg;
    unsigned char *bytes = data;
    assert_int_equal((uintptr_t)data % MEM_ALIGN_VECTOR, 0);
    for (uint64_t i = 0; i < fx->layers[layer_i].parts[part_i].bytes; i++) {
        bytes[i] = (unsigned char)~bytes[i];
    }
}

static void open_cache(struct fixture *fx, uint32_t n_slots_min, uint64_t bytes)
{
    const struct expert_cache_config config = {.files = &fx->files,
                                               .n_files = 1,
                                               .ioq = fx->ioq,
                                               .layers = fx->layers,
                                               .n_layers = fx->n_layers,
                                               .n_experts = fx->n_experts,
                                               .n_used = 1,
                                               .n_intents = fx->n_intents,
                                               .n_slots_min = n_slots_min,
                                               .bytes = bytes,
                                               .read_bytes = 4096 * (1 + draw(4)),
                                               .on_reused = flip,
                                               .on_reused_arg = fx};
    assert_int_equal(expert_cache_open(&config, &fx->cache), 0);
}

static inline void poll_until_idle(struct fixture *fx)
{
    do expert_cache_poll(fx->cache);
    while (expert_cache_is_reading(fx->cache));
}

static void close_fixture(struct fixture *fx)
{
    expert_cache_close(&fx->cache);
    ioq_close(&fx->ioq);
}

/* The first n numbers of a random permutation of the experts. */
static void draw_experts(const struct fixture *fx, uint32_t n, uint32_t *ret)
{
    uint32_t all[64];
    for (uint32_t i = 0; i < fx->n_experts; i++) all[i] = i;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t k = i + draw(fx->n_experts - i);
        ret[i] = all[k];
        all[k] = all[i];
    }
}

static void expect_expert(const struct fixture *fx, uint32_t layer_i, uint32_t expert_i,
                          const struct expert_loan *loan)
{
    const unsigned char mask = loan->is_rearranged ? 0xff : 0;
    for (uint32_t p = 0; p < EXPERT_PARTS; p++) {
        const struct expert_part *part = &fx->layers[layer_i].parts[p];
        const unsigned char *want = content + part->offset + expert_i * part->bytes;
        const unsigned char *got = loan->data[p];
        for (uint64_t i = 0; i < part->bytes; i++) {
            if ((got[i] ^ mask) != want[i]) fail_msg("part %u, byte %u", p, (unsigned)i);
        }
    }
}

/* Visits a layer to the end and checks that every expert is lent once, with its bytes. @return 0 or
 * the failure. */
static int visit_rows(struct fixture *fx, uint32_t layer_i, const uint32_t *experts, uint32_t n,
                      uint32_t n_pass_rows)
{
    uint32_t n_rows[64];
    struct expert_loan loan;
    unsigned char is_seen[64] = {0};
    uint32_t n_lent = 0;
    int rc = 0;
    for (uint32_t k = 0; k < n; k++) n_rows[k] = 1;
    expert_cache_begin(fx->cache, layer_i, experts, n_rows, n, n_pass_rows);
    while ((rc = expert_cache_next(fx->cache, NULL, &loan)) == 1) {
        assert_true(loan.i < n);
        assert_false(is_seen[loan.i]);
        is_seen[loan.i] = 1;
        n_lent++;
        expect_expert(fx, layer_i, experts[loan.i], &loan);
    }
    expert_cache_end(fx->cache);
    if (rc == 0) assert_int_equal(n_lent, n);
    return rc;
}

static inline int visit(struct fixture *fx, uint32_t layer_i, const uint32_t *experts, uint32_t n)
{
    return visit_rows(fx, layer_i, experts, n, 1);
}

#endif
