/* SPDX-License-Identifier: MIT */
/*
 * A queue of file reads that run while the caller does something else.
 *
 * ioq_submit() starts a read, ioq_reap() collects finished ones. Back ends only try a read; what is
 * common to all lives in ioq.c: the rest of a short read is submitted again, EINTR and EAGAIN are
 * repeated, EIO is repeated once, and what fails then is a named error. The queue keeps no order of
 * its own: the caller submits in the order of need and keeps the queue shallow, so that nothing
 * urgent waits behind much that is not.
 *
 * A queue belongs to one thread. A buffer belongs to the queue from submit until its completion is
 * reaped.
 */
#ifndef NMOS_IO_IOQ_H
#define NMOS_IO_IOQ_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define IOQ_DEPTH_MAX   64U         /* reads in flight */
#define IOQ_BYTES_MAX   (64U << 20) /* of one read */
#define IOQ_BUFFERS_MAX 64U         /* registered memory regions */

struct file;
struct ioq;
struct ioq_sim_config; /* io/ioq_sim.h */

enum ioq_kind {
    IOQ_AUTO,    /* io_uring, or the threads where that is not allowed */
    IOQ_URING,   /* io_uring or failure */
    IOQ_THREADS, /* a pool of threads that call pread */
    IOQ_NULL,    /* completes at once, moves no bytes: measures our own overhead */
};

enum ioq_mode {
    IOQ_BUFFERED, /* through the page cache, no pages left there: by the kernel (RWF_DONTCACHE)
                     where it can, else dropped after each read */
    IOQ_DIRECT,   /* around the page cache; every file needs a direct descriptor */
    IOQ_CACHED,   /* through the page cache, pages kept: for a file that lies there already */
};

struct ioq_read {
    uint64_t offset; /* direct: multiple of file->align */
    uint32_t bytes;  /* direct: multiple of file->align; may reach past the end of the file, which
                        ends it well */
    uint32_t file_i;
    void *dst;    /* direct: address a multiple of file->align */
    uint64_t tag; /* handed back */
};

struct ioq_done {
    uint64_t tag;
    int status;         /* 0, NMOS_E_IO or NMOS_E_CANCELLED */
    uint32_t n_bytes;   /* as submitted */
    uint32_t n_retries; /* attempts beyond the first */
    char message[256];  /* the sentence when status < 0: file, offset, length, cause */
};

/**
 * Opens a queue over @p files (borrowed; at most 65536).
 * @param depth       most reads in flight, 1..IOQ_DEPTH_MAX.
 * @return 0; NMOS_E_UNSUPPORTED when IOQ_URING is asked for and refused by the system (the message
 * says why); NMOS_E_NOMEM; NMOS_E_INVALID.
 */
int ioq_open(enum ioq_kind kind, struct file *const *files, uint32_t n_files, enum ioq_mode mode,
             uint32_t depth, struct ioq **ret_ioq) NMOS_MUST_CHECK;

/**
 * As ioq_open() with the mode found out. A file that lies in the page cache is read from there when
 * @p will_repeat is 0 (a model that is loaded once). Otherwise the two ways around or through the
 * cache race over a few MB of the first file, and the faster one is taken; direct reads win a draw.
 */
int ioq_open_best(enum ioq_kind kind, struct file *const *files, uint32_t n_files, int will_repeat,
                  uint32_t depth, struct ioq **ret_ioq) NMOS_MUST_CHECK;

/** Another queue over the same files, with the back end and mode of @p ioq. */
int ioq_open_like(const struct ioq *ioq, uint32_t depth, struct ioq **ret_ioq) NMOS_MUST_CHECK;

/** As ioq_open() on a simulated device, see io/ioq_sim.h. */
int ioq_open_sim(const struct ioq_sim_config *config, struct file *const *files, uint32_t n_files,
                 uint32_t depth, struct ioq **ret_ioq) NMOS_MUST_CHECK;

/** "io_uring", "threads", "null" or "simulated". */
const char *ioq_name(const struct ioq *ioq);
/** Why an automatic choice fell back to threads; "" when it did not. */
const char *ioq_fallback_reason(const struct ioq *ioq);
/** "direct", "buffered" (pages dropped after each read), "uncached" (the kernel keeps none) or
 * "cached". */
const char *ioq_mode_name(const struct ioq *ioq);
uint32_t ioq_depth(const struct ioq *ioq);
/** Reads in flight. */
uint32_t ioq_in_flight(const struct ioq *ioq);

/**
 * Tells the system that reads will go to [base, base + bytes), which saves it work per read
 * (io_uring's registered buffers). A refusal costs nothing but that. Only while nothing is in
 * flight; a second call replaces the first.
 */
void ioq_register_memory(struct ioq *ioq, void *const *bases, const size_t *bytes, uint32_t n);

/** Starts a read. @return 0, NMOS_E_BUSY when depth reads are in flight, NMOS_E_INVALID for a bad
 * range. */
int ioq_submit(struct ioq *ioq, const struct ioq_read *read) NMOS_MUST_CHECK;

/**
 * Collects finished reads; waits at most @p timeout_ms for the first one (0: not at all).
 * @return how many were written to @p ret_done, 0..max.
 */
uint32_t ioq_reap(struct ioq *ioq, struct ioq_done *ret_done, uint32_t max, uint32_t timeout_ms);

/** Asks that reads in flight end early; each still has to be reaped (NMOS_E_CANCELLED, or done
 * after all). */
void ioq_cancel_all(struct ioq *ioq);

/** Cancels, waits for everything in flight, frees, nulls; NULL is a no-op. */
void ioq_close(struct ioq **ioq);

#endif
