/* SPDX-License-Identifier: MIT */
/* How fast a file can be read, found out by reading some of it. */
#ifndef NMOS_IO_BANDWIDTH_H
#define NMOS_IO_BANDWIDTH_H

#include <stdint.h>

#include "io/file.h"
#include "io/ioq.h"

#define BANDWIDTH_READ_BYTES   (4U << 20)
#define BANDWIDTH_FLIGHT_BYTES (24U << 20)

/**
 * Reads @p n_bytes of @p file from @p offset on (rounded down to blocks, beginning again at the end
 * of the file), with as much in flight as the River has. In mode IOQ_BUFFERED the range is dropped
 * from the page cache first. Holds BANDWIDTH_FLIGHT_BYTES for that time.
 * @return 0 and bytes per second, or what ioq_open() and reading return; NMOS_E_INVALID for an
 * empty file.
 */
int bandwidth_of_file(enum ioq_kind kind, enum ioq_mode mode, struct file *file, uint64_t offset,
                      uint64_t n_bytes, double *ret_bytes_per_s) NMOS_MUST_CHECK;

/**
 * What a pass may expect of the disk: the median rate of runs of 96 MiB spread over the file, read
 * without a pause, in requests and with as much in flight as the River has. Ends after 1.2 seconds
 * or 1.5 GiB. Unless reads are direct, the file is dropped from the page cache first.
 * @param on_progress  told after each read; a result other than 0 stops. May be NULL.
 * @return as bandwidth_of_file(), and NMOS_E_CANCELLED.
 */
int bandwidth_sample(enum ioq_kind kind, enum ioq_mode mode, struct file *file,
                     nmos_progress_fn on_progress, void *arg,
                     double *ret_bytes_per_s) NMOS_MUST_CHECK;

/** Share of the file's pages that lie in the page cache, 0..1, from samples. */
double bandwidth_cached_share(const struct file *file);

#endif
