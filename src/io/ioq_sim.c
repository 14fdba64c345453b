/* SPDX-License-Identifier: MIT */
#include "io/ioq_sim.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "io/ioq_internal.h"

#define LATENCY_MAX 1000U

struct pending {
    struct ioq_attempt attempt;
    int64_t result;
    uint64_t done_at; /* device time */
    uint32_t stall_left;
    int is_used;
};

struct sim_device {
    struct ioq_sim_config config;
    struct file *const *files;
    uint64_t random;
    uint64_t now;
    struct pending pending[IOQ_DEPTH_MAX];
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(struct sim_device *device)
{
    uint64_t z = (device->random += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static int chance(struct sim_device *device, uint32_t per_65536)
{
    return (draw(device) & 0xffff) < per_65536;
}

static int64_t outcome_of(struct sim_device *device, const struct ioq_attempt *attempt)
{
    const struct ioq_sim_config *config = &device->config;
    uint64_t file_bytes = device->files[attempt->file_i]->bytes;
    if (config->is_broken && atomic_load(config->is_broken)) return -EIO;
    if (chance(device, config->p_eintr)) return draw(device) & 1 ? -EINTR : -EAGAIN;
    if (chance(device, config->p_eio)) return -EIO;
    const uint64_t end = attempt->offset + attempt->bytes;
    if (attempt->offset < config->bad_end && end > config->bad_begin) return -EIO;
    if (config->truncated_bytes && config->truncated_bytes < file_bytes) {
        file_bytes = config->truncated_bytes;
    }
    if (attempt->offset >= file_bytes) return 0;
    const uint64_t left = file_bytes - attempt->offset;
    uint64_t n = left < attempt->bytes ? left : attempt->bytes;
    if (n > 1 && chance(device, config->p_short)) n = 1 + draw(device) % (n - 1);
    return (int64_t)n;
}

static int sim_start(void *self, const struct ioq_attempt *attempt)
{
    struct sim_device *device = self;
    struct pending *pending = &device->pending[attempt->slot];
    assert(!pending->is_used);
    if (device->config.on_start) {
        device->config.on_start(device->config.on_start_arg, attempt->offset);
    }
    *pending = (struct pending){.attempt = *attempt, .is_used = 1};
    pending->result = outcome_of(device, attempt);
    pending->done_at = device->now + draw(device) % LATENCY_MAX;
    if (chance(device, device->config.p_stall)) pending->stall_left = device->config.stall_reaps;
    return 0;
}

static struct pending *next_done(struct sim_device *device)
{
    struct pending *best = NULL;
    for (uint32_t i = 0; i < IOQ_DEPTH_MAX; i++) {
        struct pending *p = &device->pending[i];
        if (p->is_used && !p->stall_left && (!best || p->done_at < best->done_at)) best = p;
    }
    return best;
}

static uint32_t sim_wait(void *self, struct ioq_outcome *ret, uint32_t max, uint32_t timeout_ms)
{
    struct sim_device *device = self;
    struct pending *done = max > 0 ? next_done(device) : NULL;
    if (!done) {
        for (uint32_t i = 0; i < IOQ_DEPTH_MAX; i++) {
            if (device->pending[i].stall_left > 0) device->pending[i].stall_left--;
        }
        if (timeout_ms > 0) (void)nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        return 0;
    }
    if (done->done_at > device->now) device->now = done->done_at;
    if (done->result > 0) {
        const struct ioq_attempt *attempt = &done->attempt;
        memcpy(attempt->dst, device->config.data[attempt->file_i] + attempt->offset,
               (size_t)done->result);
    }
    done->is_used = 0;
    ret[0] = (struct ioq_outcome){done->attempt.slot, done->result};
    return 1;
}

static void sim_cancel(void *self, uint32_t slot)
{
    struct sim_device *device = self;
    struct pending *pending = &device->pending[slot];
    if (!pending->is_used) return;
    pending->result = -ECANCELED;
    pending->stall_left = 0;
}

int ioq_sim_create(const struct ioq_sim_config *config, struct file *const *files,
                   const struct ioq_backend **ret_backend, void **ret_self)
{
    static const struct ioq_backend backend = {
        .name = "simulated",
        .start = sim_start,
        .wait = sim_wait,
        .cancel = sim_cancel,
        .destroy = mem_free,
    };
    struct sim_device *device = mem_calloc(MEM_IO, 1, sizeof(*device));
    if (!device) return NMOS_E_NOMEM;
    device->config = *config;
    device->files = files;
    device->random = config->seed;
    *ret_backend = &backend;
    *ret_self = device;
    return 0;
}

struct file ioq_sim_file(uint64_t n_bytes, uint32_t align)
{
    static char name[] = "simulated";
    return (struct file){.path = name, .fd = -1, .direct_fd = -1, .bytes = n_bytes, .align = align};
}
