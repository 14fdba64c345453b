/* SPDX-License-Identifier: MIT */
/*
 * Reads by io_uring: a deep queue without threads. Files are registered, and the ring's memory too
 * where the limit on locked memory allows it; that saves the kernel looking up files and pinning
 * pages for each read. Neither SQPOLL nor IOPOLL: the first burns a core that should multiply, the
 * second needs driver queues that few machines have. Containers often forbid io_uring_setup(); then
 * creation fails with the reason and the pool takes over.
 */
#include <errno.h>
#include <string.h>

#ifdef NMOS_HAVE_URING
#include <liburing.h>
#endif

#include "base/log.h"
#include "base/mem.h"
#include "io/ioq_internal.h"

#ifndef NMOS_HAVE_URING

int ioq_uring_create(struct file *const *files, uint32_t n_files, enum ioq_mode mode,
                     uint32_t depth, const struct ioq_backend **ret_backend, void **ret_self)
{
    (void)files;
    (void)n_files;
    (void)mode;
    (void)depth;
    (void)ret_backend;
    (void)ret_self;
    return FAIL(NMOS_E_UNSUPPORTED, "this program was built without io_uring");
}

#else

#define REGISTERED_BYTES_MAX ((size_t)1 << 30) /* of one buffer, set by the kernel */
#define CANCEL_TAG           UINT64_MAX        /* completions of cancellations, ignored */

struct uring {
    struct io_uring ring;
    int has_files; /* descriptors are indices of registered files */
    int use_direct;
    uint32_t n_buffers;
    struct iovec buffers[IOQ_BUFFERS_MAX];
};

/* Index of the registered buffer that holds the whole range, or -1. */
static int buffer_of(const struct uring *uring, const void *dst, size_t n_bytes)
{
    for (uint32_t i = 0; i < uring->n_buffers; i++) {
        const char *base = uring->buffers[i].iov_base;
        const char *at = dst;
        if (at >= base && at + n_bytes <= base + uring->buffers[i].iov_len) return (int)i;
    }
    return -1;
}

static int uring_start(void *self, const struct ioq_attempt *attempt)
{
    struct uring *uring = self;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    if (!sqe) return -EAGAIN;
    const int fd = uring->has_files ? (int)attempt->file_i : attempt->fd;
    const int buffer = buffer_of(uring, attempt->dst, attempt->bytes);
    if (buffer >= 0) {
        io_uring_prep_read_fixed(sqe, fd, attempt->dst, attempt->bytes, attempt->offset, buffer);
    } else {
        io_uring_prep_read(sqe, fd, attempt->dst, attempt->bytes, attempt->offset);
    }
    sqe->rw_flags = attempt->flags;
    if (uring->has_files) sqe->flags |= IOSQE_FIXED_FILE;
    /* A buffered read copies on the submitting thread unless told to go elsewhere. */
    if (!uring->use_direct) sqe->flags |= IOSQE_ASYNC;
    io_uring_sqe_set_data64(sqe, attempt->slot);
    int rc = 0;
    do {
        rc = io_uring_submit(&uring->ring);
    } while (rc == -EINTR || rc == -EAGAIN || rc == -EBUSY);
    return rc < 0 ? rc : 0;
}

static uint32_t uring_wait(void *self, struct ioq_outcome *ret, uint32_t max, uint32_t timeout_ms)
{
    struct uring *uring = self;
    struct io_uring_cqe *cqe = NULL;
    if (timeout_ms > 0) {
        struct __kernel_timespec timeout = {
            .tv_sec = timeout_ms / 1000U,
            .tv_nsec = (long long)(timeout_ms % 1000U) * 1000000,
        };
        (void)io_uring_wait_cqe_timeout(&uring->ring, &cqe, &timeout);
    }
    uint32_t n = 0;
    while (n < max && io_uring_peek_cqe(&uring->ring, &cqe) == 0) {
        const uint64_t tag = io_uring_cqe_get_data64(cqe);
        /* Both kinds of internal completions (ours and liburing's timeouts) carry tags that are no
         * slot. */
        if (tag < IOQ_DEPTH_MAX) ret[n++] = (struct ioq_outcome){(uint32_t)tag, cqe->res};
        io_uring_cqe_seen(&uring->ring, cqe);
    }
    return n;
}

static void uring_cancel(void *self, uint32_t slot)
{
    struct uring *uring = self;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    if (!sqe) return;
    io_uring_prep_cancel64(sqe, slot, 0);
    io_uring_sqe_set_data64(sqe, CANCEL_TAG);
    (void)io_uring_submit(&uring->ring);
}

static void uring_register_memory(void *self, void *const *bases, const size_t *bytes, uint32_t n)
{
    struct uring *uring = self;
    if (uring->n_buffers > 0) (void)io_uring_unregister_buffers(&uring->ring);
    uring->n_buffers = 0;
    uint32_t n_buffers = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (size_t at = 0; at < bytes[i] && n_buffers < IOQ_BUFFERS_MAX;) {
            const size_t left = bytes[i] - at;
            const size_t part = left < REGISTERED_BYTES_MAX ? left : REGISTERED_BYTES_MAX;
            uring->buffers[n_buffers++] = (struct iovec){(char *)bases[i] + at, part};
            at += part;
        }
    }
    const int rc = io_uring_register_buffers(&uring->ring, uring->buffers, n_buffers);
    if (rc < 0) {
        LOG_DEBUG("io_uring: memory not registered: %s (locked-memory limit?)", strerror(-rc));
        return;
    }
    uring->n_buffers = n_buffers;
}

static void uring_destroy(void *self)
{
    struct uring *uring = self;
    io_uring_queue_exit(&uring->ring);
    mem_free(uring);
}

int ioq_uring_create(struct file *const *files, uint32_t n_files, enum ioq_mode mode,
                     uint32_t depth, const struct ioq_backend **ret_backend, void **ret_self)
{
    static const struct ioq_backend backend = {
        .name = "io_uring",
        .start = uring_start,
        .wait = uring_wait,
        .cancel = uring_cancel,
        .register_memory = uring_register_memory,
        .destroy = uring_destroy,
    };
    struct uring *uring = mem_calloc(MEM_IO, 1, sizeof(*uring));
    int *fds = mem_calloc(MEM_IO, n_files, sizeof(int));
    int rc = uring && fds ? 0 : NMOS_E_NOMEM;
    if (rc < 0) goto out;
    /* Twice the depth: room for cancellations beside the reads. */
    const int error = io_uring_queue_init(2 * depth, &uring->ring, 0);
    if (error < 0) {
        rc = FAIL(NMOS_E_UNSUPPORTED, "io_uring is not available here: %s%s", strerror(-error),
                  error == -EPERM || error == -ENOSYS
                      ? " (a container or the kernel setting io_uring_disabled forbids it)"
                      : "");
        goto out;
    }
    for (uint32_t i = 0; i < n_files; i++)
        fds[i] = mode == IOQ_DIRECT ? files[i]->direct_fd : files[i]->fd;
    uring->has_files = n_files > 0 && io_uring_register_files(&uring->ring, fds, n_files) == 0;
    uring->use_direct = mode == IOQ_DIRECT;
    *ret_backend = &backend;
    *ret_self = uring;
    uring = NULL;
out:
    mem_free(fds);
    mem_free(uring);
    return rc;
}

#endif
