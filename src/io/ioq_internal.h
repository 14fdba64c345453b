/* SPDX-License-Identifier: MIT */
/*
 * What a back end of the queue implements. To add one: fill a struct ioq_backend, hand out `struct
 * ioq_op` slots by index, report each attempt once, leave retries to ioq.c. ioq_null.c is the
 * shortest example.
 */
#ifndef NMOS_IO_IOQ_INTERNAL_H
#define NMOS_IO_IOQ_INTERNAL_H

#include "io/file.h"
#include "io/ioq.h"

/** One attempt: fd, range and destination of what is still missing. */
struct ioq_attempt {
    uint32_t slot; /* 0..depth-1, at most one attempt per slot at a time */
    uint32_t file_i;
    int fd;
    uint32_t bytes;
    uint64_t offset;
    void *dst;
    int flags; /* of preadv2() */
};

/** What became of an attempt: bytes read (0: end of file) or a negative errno. */
struct ioq_outcome {
    uint32_t slot;
    int64_t result;
};

struct ioq_backend {
    const char *name;
    /** Starts one attempt; never blocks on the device. @return 0 or a negative errno, which counts
     * as the outcome. */
    int (*start)(void *self, const struct ioq_attempt *attempt);
    /** Waits at most @p timeout_ms for outcomes. @return how many, 0..max. */
    uint32_t (*wait)(void *self, struct ioq_outcome *ret, uint32_t max, uint32_t timeout_ms);
    /** Asks that the attempt of @p slot end early (-ECANCELED). Optional. */
    void (*cancel)(void *self, uint32_t slot);
    /** See ioq_register_memory(). Optional. */
    void (*register_memory)(void *self, void *const *bases, const size_t *bytes, uint32_t n);
    /** Nothing is in flight any more. */
    void (*destroy)(void *self);
};

/** Back ends' constructors: 0 and the two results, or a status. */
int ioq_uring_create(struct file *const *files, uint32_t n_files, enum ioq_mode mode,
                     uint32_t depth, const struct ioq_backend **ret_backend,
                     void **ret_self) NMOS_MUST_CHECK;
int ioq_threads_create(uint32_t depth, const struct ioq_backend **ret_backend,
                       void **ret_self) NMOS_MUST_CHECK;
int ioq_null_create(const struct ioq_backend **ret_backend, void **ret_self) NMOS_MUST_CHECK;
int ioq_sim_create(const struct ioq_sim_config *config, struct file *const *files,
                   const struct ioq_backend **ret_backend, void **ret_self) NMOS_MUST_CHECK;

#endif
