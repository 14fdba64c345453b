/* SPDX-License-Identifier: MIT */
/*
 * A file, open in two ways.
 *
 * `fd` reads through the page cache (headers, single rows of the embedding table); `direct_fd`
 * reads around it, straight into our memory, in multiples of the alignments below. A file system
 * may refuse the second way, then direct_fd is -1. The identity taken at opening tells whether the
 * bytes can still be trusted later on. A struct file is immutable after file_open() and may be
 * shared between threads.
 */
#ifndef NMOS_IO_FILE_H
#define NMOS_IO_FILE_H

#include <stdint.h>

#include "base/error.h"

#define FILE_ALIGN_MAX                                                                             \
    65536U /* largest direct-read alignment we accept; above it reads are buffered */

/** What must not change while we read. */
struct file_identity {
    uint64_t dev;
    uint64_t inode;
    uint64_t bytes;
    int64_t mtime_ns;
};

struct file {
    char *path;     /* owned; for messages */
    int fd;         /* buffered; -1 for a simulated file */
    int direct_fd;  /* O_DIRECT; -1 where the file system refuses it */
    uint64_t bytes; /* size at opening */
    uint32_t align; /* direct reads: offset, length and address are multiples of it; >= 512 */
    struct file_identity identity; /* at opening */
};

/**
 * Opens @p path, a regular file or block device, for reading.
 * @return 0; NMOS_E_IO naming the path when it is missing, unreadable or a directory; NMOS_E_NOMEM.
 * The caller owns the file and closes it with file_close().
 */
int file_open(const char *path, struct file **ret_file) NMOS_MUST_CHECK;

/**
 * Creates a file without a name in @p folder, @p bytes long (sparse: blocks are taken when they are
 * written), to be written and read back. It is gone when it is closed or the process ends.
 * @return 0; NMOS_E_IO naming the folder and the cause; NMOS_E_NOMEM.
 */
int file_create_unnamed(const char *folder, uint64_t bytes, struct file **ret_file) NMOS_MUST_CHECK;

/**
 * Writes @p n_bytes at @p offset of a file of file_create_unnamed(), around the page cache where
 * the file system can (then offset, size and address are multiples of file->align, at most 4096),
 * else through it without leaving pages there.
 * @return 0, or NMOS_E_IO naming folder and cause, also when the disk is full. Thread-safe.
 */
int file_write(const struct file *file, uint64_t offset, uint64_t n_bytes,
               const void *bytes) NMOS_MUST_CHECK;

/** Closes and nulls; a NULL file is a no-op. No read may be in flight. */
void file_close(struct file **file);

/**
 * Reads exactly @p n_bytes at @p offset through the page cache, without read-ahead, whatever the
 * alignment.
 * @return 0, or NMOS_E_IO naming file, offset and cause (also when the file ends before).
 * Thread-safe.
 */
int file_read(const struct file *file, uint64_t offset, uint64_t n_bytes,
              void *ret_bytes) NMOS_MUST_CHECK;

/**
 * Checks that the open file still is what was opened.
 * @return 0, or NMOS_E_IO saying what changed (size, modification time). A file that was replaced
 * by renaming another over its name stays readable and whole through our descriptor, and passes.
 * Thread-safe, one system call.
 */
int file_check_unchanged(const struct file *file) NMOS_MUST_CHECK;

#endif
