/* SPDX-License-Identifier: MIT */
#include "backend/sim/sim_backend.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/sim/sim_link.h"

struct sim_backend {
    struct cpu_backend cpu; /* first: the CPU's verbs run on it; the pool is the host's */
    struct backend_ops ops; /* the CPU's, memory and transfers replaced */
    struct sim_link *link;
    uint64_t limit_bytes;
    uint64_t used_bytes;
    uint64_t peak_bytes;
};

/* Sits in front of each block; as long as the alignment. */
struct sim_block {
    _Alignas(MEM_ALIGN_VECTOR) uint64_t bytes; /* counted, rounded to the alignment */
};

static struct sim_backend *sim_of(struct backend *b)
{
    return (struct sim_backend *)b;
}

static void *sim_alloc(struct backend *b, enum mem_tag tag, size_t bytes)
{
    struct sim_backend *sim = sim_of(b);
    const uint64_t counted = size_round_up(bytes, MEM_ALIGN_VECTOR);
    const uint64_t left = sim->limit_bytes - sim->used_bytes;
    if (counted > left) {
        (void)FAIL(NMOS_E_NOMEM,
                   "the device's memory is full: %" PRIu64 " bytes are wanted, %" PRIu64
                   " of %" PRIu64 " are free",
                   counted, left, sim->limit_bytes);
        return NULL;
    }
    struct sim_block *block = mem_alloc(MEM_DEVICE, sizeof(*block) + counted, MEM_ALIGN_VECTOR);
    if (!block) return NULL;
    mem_touch(block, sizeof(*block) + counted); /* as the CPU's is */
    block->bytes = counted;
    sim->used_bytes += counted;
    if (sim->used_bytes > sim->peak_bytes) sim->peak_bytes = sim->used_bytes;
    (void)tag;
    return block + 1;
}

static void sim_free(struct backend *b, void *mem)
{
    if (!mem) return;
    struct sim_block *block = (struct sim_block *)mem - 1;
    assert(sim_of(b)->used_bytes >= block->bytes);
    sim_of(b)->used_bytes -= block->bytes;
    mem_free(block);
}

static void sim_usage(struct backend *b, struct backend_usage *ret_usage)
{
    const struct sim_backend *sim = sim_of(b);
    struct sim_link_stats link;
    sim_link_stats(sim->link, &link);
    *ret_usage = (struct backend_usage){.limit_bytes = sim->limit_bytes,
                                        .used_bytes = sim->used_bytes,
                                        .peak_bytes = sim->peak_bytes,
                                        .up_bytes = link.up_bytes,
                                        .down_bytes = link.down_bytes,
                                        .up_busy_ns = link.up_busy_ns};
}

static int sim_upload(struct backend *b, void *to, const void *host, size_t bytes)
{
    return sim_link_up(sim_of(b)->link, to, host, bytes);
}

static int sim_download(struct backend *b, void *host, const void *from, size_t bytes)
{
    return sim_link_down(sim_of(b)->link, host, from, bytes);
}

static uint64_t sim_upload_async(struct backend *b, void *to, const void *host, size_t bytes)
{
    return sim_link_send(sim_of(b)->link, to, host, bytes);
}

static int sim_fence_wait(struct backend *b, uint64_t fence, uint32_t timeout_ms)
{
    return sim_link_wait(sim_of(b)->link, fence, timeout_ms);
}

static void sim_abandon(struct backend *b)
{
    sim_link_abandon(sim_of(b)->link);
}

static void sim_destroy(struct backend *b)
{
    struct sim_backend *sim = sim_of(b);
    sim_link_destroy(&sim->link);
    sim_free(b, sim->cpu.act_memory);
    sim_free(b, sim->cpu.thread_scratch);
    sim_free(b, sim->cpu.attention_sums);
    mem_free(sim);
}

int sim_backend_create(const struct sim_config *config, struct backend *cpu,
                       struct backend **ret_backend)
{
    struct sim_backend *sim = mem_calloc(MEM_GENERAL, 1, sizeof(*sim));
    if (!sim) return NMOS_E_NOMEM;
    sim->ops = *cpu->ops;
    sim->ops.name = "sim";
    sim->ops.destroy = sim_destroy;
    sim->ops.alloc = sim_alloc;
    sim->ops.free = sim_free;
    sim->ops.usage = sim_usage;
    sim->ops.upload = sim_upload;
    sim->ops.download = sim_download;
    sim->ops.upload_async = sim_upload_async;
    sim->ops.fence_wait = sim_fence_wait;
    sim->ops.abandon = sim_abandon;
    sim->cpu.base.ops = &sim->ops;
    sim->cpu.pool = cpu_backend_of(cpu)->pool;
    sim->limit_bytes = config->memory_bytes;
    const int rc = sim_link_create(config->link_bytes_per_s, &sim->link);
    if (rc < 0) {
        mem_free(sim);
        return rc;
    }
    *ret_backend = &sim->cpu.base;
    return 0;
}
