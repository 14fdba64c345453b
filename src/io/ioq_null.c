/* SPDX-License-Identifier: MIT */
/* A device that is infinitely fast and delivers nothing: what remains is the cost of our own code.
 */
#include "base/mem.h"
#include "io/ioq_internal.h"

struct null_device {
    uint32_t n;
    struct ioq_outcome outcomes[IOQ_DEPTH_MAX];
};

static int null_start(void *self, const struct ioq_attempt *attempt)
{
    struct null_device *device = self;
    device->outcomes[device->n++] = (struct ioq_outcome){attempt->slot, attempt->bytes};
    return 0;
}

static uint32_t null_wait(void *self, struct ioq_outcome *ret, uint32_t max, uint32_t timeout_ms)
{
    struct null_device *device = self;
    (void)timeout_ms;
    uint32_t n = 0;
    while (n < max && device->n > 0) ret[n++] = device->outcomes[--device->n];
    return n;
}

int ioq_null_create(const struct ioq_backend **ret_backend, void **ret_self)
{
    static const struct ioq_backend backend = {
        .name = "null", .start = null_start, .wait = null_wait, .destroy = mem_free};
    struct null_device *device = mem_calloc(MEM_IO, 1, sizeof(*device));
    if (!device) return NMOS_E_NOMEM;
    *ret_backend = &backend;
    *ret_self = device;
    return 0;
}
