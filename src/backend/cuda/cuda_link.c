/* SPDX-License-Identifier: MIT */
#include "backend/cuda/cuda_link.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backend/transfer_queue.h"
#include "base/mem.h"

#define PARTS      4U
#define PART_BYTES (CUDA_LINK_BYTES / PARTS)

struct cuda_link {
    const struct cuda_driver *driver;
    cuda_context context;
    cuda_stream compute;
    cuda_stream stream;
    struct transfer_queue *queue;
    cuda_event behind[TRANSFER_QUEUE_MAX]; /* by place: the verbs called before the transfer */
    char *parts;                           /* [PARTS][PART_BYTES], page-locked when is_locked */
    bool is_locked;
    cuda_event part_free[PARTS]; /* what was in the part has crossed */
    uint32_t next_part;
    _Atomic uint64_t up_bytes;
};

/* Sends the bytes a part at a time, until told to end. */
static cuda_result send_parts(struct cuda_link *link, const struct transfer *transfer)
{
    const struct cuda_driver *cu = link->driver;
    const cuda_address to = (uintptr_t)transfer->to;
    cuda_result result = cu->context_enter(link->context);
    if (result == 0) result = cu->stream_wait_event(link->stream, link->behind[transfer->place], 0);
    for (size_t done = 0;
         result == 0 && done < transfer->bytes && !transfer_queue_must_end(link->queue);) {
        const size_t left = transfer->bytes - done;
        const size_t n = left < PART_BYTES ? left : PART_BYTES;
        const uint32_t i = link->next_part++ % PARTS;
        char *part = link->parts + (size_t)i * PART_BYTES;
        result = cu->event_wait(link->part_free[i]);
        if (result != 0) break;
        memcpy(part, (const char *)transfer->host + done, n);
        result = cu->copy_up(to + done, part, n, link->stream);
        if (result == 0) result = cu->event_record(link->part_free[i], link->stream);
        if (result == 0) atomic_fetch_add(&link->up_bytes, n);
        done += n;
    }
    return result;
}

static int carry(void *arg, const struct transfer *transfer)
{
    struct cuda_link *link = arg;
    const cuda_result result = send_parts(link, transfer);
    const cuda_result end = link->driver->stream_wait(link->stream);
    char what[64];
    if (result == 0 && end == 0) return 0;
    snprintf(what, sizeof(what), "take a transfer of %zu bytes", transfer->bytes);
    return cuda_fail(link->driver, result ? result : end, what);
}

/* The event of a place is recorded again only when the transfer before it there is over. */
static int queued(void *arg, const struct transfer *transfer)
{
    struct cuda_link *link = arg;
    const cuda_result result =
        link->driver->event_record(link->behind[transfer->place], link->compute);
    return result ? cuda_fail(link->driver, result, "queue a transfer") : 0;
}

struct transfer_queue *cuda_link_queue(struct cuda_link *link)
{
    return link->queue;
}

uint64_t cuda_link_up_bytes(const struct cuda_link *link)
{
    return atomic_load(&link->up_bytes);
}

static cuda_result create_events(struct cuda_link *link)
{
    const struct cuda_driver *cu = link->driver;
    const unsigned flags = CUDA_EVENT_DISABLE_TIMING | CUDA_EVENT_BLOCKING_SYNC;
    cuda_result result = cu->stream_create(&link->stream, CUDA_STREAM_NON_BLOCKING);
    for (uint32_t i = 0; result == 0 && i < PARTS; i++) {
        result = cu->event_create(&link->part_free[i], flags);
    }
    for (uint32_t i = 0; result == 0 && i < TRANSFER_QUEUE_MAX; i++) {
        result = cu->event_create(&link->behind[i], CUDA_EVENT_DISABLE_TIMING);
    }
    return result;
}

static int set_up(struct cuda_link *link)
{
    cuda_result result = create_events(link);
    if (result != 0) return cuda_fail(link->driver, result, "make a queue for transfers");
    link->parts = mem_alloc(MEM_DEVICE, CUDA_LINK_BYTES, MEM_ALIGN_PAGE);
    if (!link->parts) return NMOS_E_NOMEM;
    memset(link->parts, 0, CUDA_LINK_BYTES);
    result = link->driver->host_register(link->parts, CUDA_LINK_BYTES, 0);
    if (result != 0) return cuda_fail(link->driver, result, "lock 8 MiB of the host's memory");
    link->is_locked = true;
    const struct transfer_queue_config config = {.carry = carry, .queued = queued, .arg = link};
    return transfer_queue_create(&config, &link->queue);
}

int cuda_link_create(const struct cuda_driver *driver, cuda_context context, cuda_stream compute,
                     struct cuda_link **ret_link)
{
    struct cuda_link *link = mem_calloc(MEM_GENERAL, 1, sizeof(*link));
    if (!link) return NMOS_E_NOMEM;
    link->driver = driver;
    link->context = context;
    link->compute = compute;
    const int rc = set_up(link);
    if (rc < 0) {
        cuda_link_destroy(&link);
        return rc;
    }
    *ret_link = link;
    return 0;
}

void cuda_link_destroy(struct cuda_link **link)
{
    struct cuda_link *l = *link;
    if (!l) return;
    transfer_queue_destroy(&l->queue);
    for (uint32_t i = 0; i < TRANSFER_QUEUE_MAX; i++) {
        if (l->behind[i]) (void)l->driver->event_destroy(l->behind[i]);
    }
    for (uint32_t i = 0; i < PARTS; i++) {
        if (l->part_free[i]) (void)l->driver->event_destroy(l->part_free[i]);
    }
    if (l->stream) (void)l->driver->stream_destroy(l->stream);
    if (l->is_locked) (void)l->driver->host_unregister(l->parts);
    mem_free(l->parts);
    mem_free(l);
    *link = NULL;
}
