/* SPDX-License-Identifier: MIT */
#include "io/ioq.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/ioq_internal.h"

#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE                                                                              \
    0x00000080 /* Linux 6.14: the kernel drops what it brought in for this read                    \
                */
#endif

#define FILES_MAX          65536U
#define EIO_ATTEMPTS       2U /* a second try heals a bus or link error; a bad sector stays bad */
#define TRANSIENT_ATTEMPTS 1000U
#define CLOSE_WAIT_MS      100U

/* A read in flight. */
struct op {
    struct ioq_read read;
    uint32_t wanted;   /* bytes that must arrive: less than read.bytes at the end of the file */
    uint32_t progress; /* of them, arrived */
    uint32_t n_eio;
    uint32_t n_transient;
    uint32_t n_retries;
    int is_used;
};

struct ioq {
    const struct ioq_backend *backend;
    void *self; /* the back end's own */
    struct file *const *files;
    uint32_t n_files;
    enum ioq_mode mode;
    int read_flags;    /* RWF_DONTCACHE, or 0: pages are dropped by posix_fadvise() */
    int is_cancelling; /* until nothing is in flight */
    uint32_t depth;
    uint32_t n_in_flight;
    struct op ops[IOQ_DEPTH_MAX];
    struct ioq_done failed_early[IOQ_DEPTH_MAX]; /* ended without an outcome; reaped first */
    uint32_t n_failed_early;
    char fallback_reason[ERROR_MESSAGE_MAX];
};

static int check_config(struct file *const *files, uint32_t n_files, enum ioq_mode mode,
                        uint32_t depth)
{
    if (depth < 1 || depth > IOQ_DEPTH_MAX) {
        return FAIL(NMOS_E_INVALID, "queue depth %u is not in 1..%u", depth, IOQ_DEPTH_MAX);
    }
    if (n_files > FILES_MAX) {
        return FAIL(NMOS_E_INVALID, "%u files are more than %u", n_files, FILES_MAX);
    }
    for (uint32_t i = 0; mode == IOQ_DIRECT && i < n_files; i++) {
        if (files[i]->direct_fd < 0) {
            return FAIL(NMOS_E_UNSUPPORTED, "the file system of %s refuses direct reads",
                        files[i]->path);
        }
    }
    return 0;
}

static int create(struct file *const *files, uint32_t n_files, enum ioq_mode mode, uint32_t depth,
                  struct ioq **ret_ioq)
{
    TRY(check_config(files, n_files, mode, depth));
    struct ioq *ioq = mem_calloc(MEM_IO, 1, sizeof(*ioq));
    if (!ioq) return NMOS_E_NOMEM;
    ioq->files = files;
    ioq->n_files = n_files;
    ioq->mode = mode;
    ioq->depth = depth;
    *ret_ioq = ioq;
    return 0;
}

static int open_backend(struct ioq *ioq, enum ioq_kind kind)
{
    int rc = 0;
    if (kind == IOQ_NULL) return ioq_null_create(&ioq->backend, &ioq->self);
    if (kind != IOQ_THREADS) {
        rc = ioq_uring_create(ioq->files, ioq->n_files, ioq->mode, ioq->depth, &ioq->backend,
                              &ioq->self);
        if (rc == 0 || kind == IOQ_URING) return rc;
        snprintf(ioq->fallback_reason, sizeof(ioq->fallback_reason), "%s", error_message());
    }
    return ioq_threads_create(ioq->depth, &ioq->backend, &ioq->self);
}

/* Whether buffered reads of all files can do without leaving pages behind. */
static int can_read_uncached(const struct ioq *ioq)
{
    char byte = 0;
    const struct iovec to = {&byte, 1};
    for (uint32_t i = 0; i < ioq->n_files; i++) {
        if (preadv2(ioq->files[i]->fd, &to, 1, 0, RWF_DONTCACHE) != 1) return 0;
    }
    return ioq->n_files > 0;
}

int ioq_open(enum ioq_kind kind, struct file *const *files, uint32_t n_files, enum ioq_mode mode,
             uint32_t depth, struct ioq **ret_ioq)
{
    struct ioq *ioq = NULL;
    TRY(create(files, n_files, mode, depth, &ioq));
    const int rc = open_backend(ioq, kind);
    if (rc < 0) {
        mem_free(ioq);
        return rc;
    }
    if (mode == IOQ_BUFFERED && kind != IOQ_NULL && can_read_uncached(ioq)) {
        ioq->read_flags = RWF_DONTCACHE;
    }
    *ret_ioq = ioq;
    return 0;
}

int ioq_open_like(const struct ioq *ioq, uint32_t depth, struct ioq **ret_ioq)
{
    const enum ioq_kind kind = strcmp(ioq->backend->name, "threads") == 0 ? IOQ_THREADS : IOQ_URING;
    return ioq_open(kind, ioq->files, ioq->n_files, ioq->mode, depth, ret_ioq);
}

int ioq_open_sim(const struct ioq_sim_config *config, struct file *const *files, uint32_t n_files,
                 uint32_t depth, struct ioq **ret_ioq)
{
    struct ioq *ioq = NULL;
    TRY(create(files, n_files, IOQ_BUFFERED, depth, &ioq));
    const int rc = ioq_sim_create(config, files, &ioq->backend, &ioq->self);
    if (rc < 0) {
        mem_free(ioq);
        return rc;
    }
    ioq->mode = IOQ_DIRECT; /* the simulated device insists on alignment, as a real one does */
    *ret_ioq = ioq;
    return 0;
}

const char *ioq_name(const struct ioq *ioq)
{
    return ioq->backend->name;
}
const char *ioq_fallback_reason(const struct ioq *ioq)
{
    return ioq->fallback_reason;
}
const char *ioq_mode_name(const struct ioq *ioq)
{
    static const char *const names[] = {"buffered", "direct", "cached"};
    return ioq->read_flags ? "uncached" : names[ioq->mode];
}
uint32_t ioq_depth(const struct ioq *ioq)
{
    return ioq->depth;
}
uint32_t ioq_in_flight(const struct ioq *ioq)
{
    return ioq->n_in_flight;
}

void ioq_register_memory(struct ioq *ioq, void *const *bases, const size_t *bytes, uint32_t n)
{
    assert(ioq->n_in_flight == 0 && n <= IOQ_BUFFERS_MAX);
    if (ioq->backend->register_memory) ioq->backend->register_memory(ioq->self, bases, bytes, n);
}

/* Starts an attempt at what is missing. A direct read goes on at the last aligned byte, so a few
 * bytes may be read twice. @return 0 or a negative errno. */
static int start_attempt(struct ioq *ioq, uint32_t slot)
{
    struct op *op = &ioq->ops[slot];
    const struct file *file = ioq->files[op->read.file_i];
    const int is_direct = ioq->mode == IOQ_DIRECT;
    if (is_direct) op->progress &= ~(file->align - 1);
    const struct ioq_attempt attempt = {
        .slot = slot,
        .file_i = op->read.file_i,
        .fd = is_direct ? file->direct_fd : file->fd,
        .bytes = (is_direct ? op->read.bytes : op->wanted) - op->progress,
        .offset = op->read.offset + op->progress,
        .dst = (char *)op->read.dst + op->progress,
        .flags = ioq->read_flags,
    };
    return ioq->backend->start(ioq->self, &attempt);
}

static void finish(struct ioq *ioq, uint32_t slot, int error, struct ioq_done *ret_done)
{
    struct op *op = &ioq->ops[slot];
    const struct file *file = ioq->files[op->read.file_i];
    ret_done->tag = op->read.tag;
    ret_done->n_retries = op->n_retries;
    ret_done->n_bytes = op->read.bytes;
    ret_done->message[0] = '\0';
    ret_done->status = error == 0 ? 0 : error == ECANCELED ? NMOS_E_CANCELLED : NMOS_E_IO;
    const uint64_t at = op->read.offset + op->progress;
    if (error == ENODATA) {
        snprintf(ret_done->message, sizeof(ret_done->message),
                 "%s ends at byte %" PRIu64 ", but bytes up to %" PRIu64
                 " are needed: it was truncated while in use",
                 file->path, at, op->read.offset + op->wanted);
    } else if (error) {
        snprintf(ret_done->message, sizeof(ret_done->message),
                 "%s: reading %" PRIu32 " bytes at offset %" PRIu64 ": %s", file->path,
                 op->wanted - op->progress, at, strerror(error));
    } else if (ioq->mode == IOQ_BUFFERED && !ioq->read_flags && file->fd >= 0) {
        /* What was read is in our memory now; the page cache's copy would only push out somebody
         * else's. */
        (void)posix_fadvise(file->fd, (off_t)op->read.offset, op->wanted, POSIX_FADV_DONTNEED);
    }
    op->is_used = 0;
    ioq->n_in_flight--;
}

/* Judges an outcome: 1 when the read ended (ret_done is written), 0 when another attempt runs. */
static int settle(struct ioq *ioq, uint32_t slot, int64_t result, struct ioq_done *ret_done)
{
    struct op *op = &ioq->ops[slot];
    assert(op->is_used);
    for (;;) {
        int error = 0;
        if (result > 0) {
            op->progress += (uint32_t)result;
            if (op->progress >= op->wanted) {
                finish(ioq, slot, 0, ret_done);
                return 1;
            }
        } else if (result == 0) {
            error = ENODATA;
        } else {
            error = (int)-result;
        }
        const int is_transient = error == EINTR || error == EAGAIN;
        if (error == EIO && ++op->n_eio >= EIO_ATTEMPTS) goto failed;
        if (is_transient && ++op->n_transient >= TRANSIENT_ATTEMPTS) goto failed;
        if (error && error != EIO && !is_transient) goto failed;
        if (ioq->is_cancelling) {
            error = ECANCELED;
            goto failed;
        }
        op->n_retries++;
        result = start_attempt(ioq, slot);
        if (result == 0) return 0;
        continue;
    failed:
        finish(ioq, slot, error, ret_done);
        return 1;
    }
}

int ioq_submit(struct ioq *ioq, const struct ioq_read *read)
{
    if (ioq->n_in_flight + ioq->n_failed_early >= ioq->depth) {
        return FAIL(NMOS_E_BUSY, "%u reads are in flight", ioq->depth);
    }
    if (read->file_i >= ioq->n_files || read->bytes == 0 || read->bytes > IOQ_BYTES_MAX ||
        read->offset >= ioq->files[read->file_i]->bytes) {
        return FAIL(NMOS_E_INVALID, "read of %" PRIu32 " bytes at %" PRIu64 " of file %" PRIu32,
                    read->bytes, read->offset, read->file_i);
    }
    uint32_t slot = 0;
    while (ioq->ops[slot].is_used) slot++;
    const uint64_t left = ioq->files[read->file_i]->bytes - read->offset;
    ioq->ops[slot] = (struct op){
        .read = *read,
        .wanted = left < read->bytes ? (uint32_t)left : read->bytes,
        .is_used = 1,
    };
    ioq->n_in_flight++;
    const int rc = start_attempt(ioq, slot);
    if (rc < 0) {
        ioq->n_failed_early += settle(ioq, slot, rc, &ioq->failed_early[ioq->n_failed_early]);
    }
    return 0;
}

uint32_t ioq_reap(struct ioq *ioq, struct ioq_done *ret_done, uint32_t max, uint32_t timeout_ms)
{
    uint32_t n = 0;
    while (n < max && ioq->n_failed_early > 0) {
        ret_done[n++] = ioq->failed_early[--ioq->n_failed_early];
    }
    const uint64_t end_ns = clock_ns() + (uint64_t)timeout_ms * 1000000U;
    while (n == 0 && ioq->n_in_flight > 0) {
        const uint64_t now_ns = clock_ns();
        const uint64_t left_ms = end_ns > now_ns ? (end_ns - now_ns + 999999U) / 1000000U : 0;
        struct ioq_outcome outcomes[IOQ_DEPTH_MAX];
        const uint32_t room = max < IOQ_DEPTH_MAX ? max : IOQ_DEPTH_MAX;
        const uint32_t n_out = ioq->backend->wait(ioq->self, outcomes, room, (uint32_t)left_ms);
        for (uint32_t i = 0; i < n_out; i++) {
            n += settle(ioq, outcomes[i].slot, outcomes[i].result, &ret_done[n]);
        }
        if (n_out == 0 && left_ms == 0) break;
    }
    if (ioq->n_in_flight == 0) ioq->is_cancelling = 0;
    return n;
}

void ioq_cancel_all(struct ioq *ioq)
{
    if (ioq->n_in_flight == 0) return;
    ioq->is_cancelling = 1;
    for (uint32_t slot = 0; slot < ioq->depth; slot++) {
        if (ioq->ops[slot].is_used && ioq->backend->cancel) ioq->backend->cancel(ioq->self, slot);
    }
}

void ioq_close(struct ioq **ioq)
{
    struct ioq *q = *ioq;
    if (!q) return;
    ioq_cancel_all(q);
    struct ioq_done done[IOQ_DEPTH_MAX];
    while (q->n_in_flight > 0 || q->n_failed_early > 0) {
        (void)ioq_reap(q, done, IOQ_DEPTH_MAX, CLOSE_WAIT_MS);
    }
    q->backend->destroy(q->self);
    mem_free(q);
    *ioq = NULL;
}
