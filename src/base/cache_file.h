/* SPDX-License-Identifier: MIT */
/*
 * Small files that may be lost at any time: what was measured or learned and can be again.
 *
 * They lie in $XDG_CACHE_HOME/nmos, or ~/.cache/nmos. A file is replaced whole by renaming, so a
 * reader finds the old content or the new one, whenever the writer dies. What is found there may
 * still be damaged or somebody else's: the caller checks it and does without. Thread-safe.
 */
#ifndef NMOS_BASE_CACHE_FILE_H
#define NMOS_BASE_CACHE_FILE_H

#include "base/str.h"

/**
 * Appends the content of file @p name to @p content.
 * @return 0; NMOS_E_IO when there is none or it cannot be read; NMOS_E_LIMIT above @p max_bytes.
 */
int cache_file_read(const char *name, size_t max_bytes, struct buf *content) NMOS_MUST_CHECK;

/**
 * Replaces file @p name by @p n bytes, making the folder where it is missing.
 * @return 0, or NMOS_E_IO naming the path and the cause; then the old file is still there.
 */
int cache_file_write(const char *name, const void *data, size_t n) NMOS_MUST_CHECK;

/** Renames file @p name to NAME.damaged, in place of an earlier one, so that somebody can look at
 * it. @return 0, or NMOS_E_IO naming the path and the cause. */
int cache_file_set_aside(const char *name) NMOS_MUST_CHECK;

/** Path of file @p name of the cache, which may be in a folder there, in @p path [path_bytes].
 * @return 0, or NMOS_E_IO when there is no cache folder or the path is too long. */
int cache_file_path(const char *name, char *path, size_t path_bytes) NMOS_MUST_CHECK;

#endif
