/* SPDX-License-Identifier: MIT */
/*
 * Files that are replaced whole: a reader finds the old content or the new one, whenever the writer
 * dies. Thread-safe.
 */
#ifndef NMOS_BASE_FILE_REPLACE_H
#define NMOS_BASE_FILE_REPLACE_H

#include <stddef.h>

#include "base/str.h"

/** Makes the folders in front of the last slash of @p path where they are missing, for the user
 * alone. A failure shows when the file is made. */
void file_make_folders(const char *path);

/**
 * Replaces the file at @p path, or makes it, readable by the user alone: a new file beside it is
 * written, synced and renamed.
 * @return 0, or NMOS_E_IO naming the path and the cause; then the old file is still there.
 */
int file_replace(const char *path, const void *data, size_t n) NMOS_MUST_CHECK;

/** As file_replace() with the bytes of @p n_parts parts, one behind the other. */
int file_replace_parts(const char *path, const struct str *parts, size_t n_parts) NMOS_MUST_CHECK;

/** Renames the file at @p path to PATH.damaged, in place of an earlier one, so that somebody can
 * look at it. @return 0, or NMOS_E_IO naming the path and the cause. */
int file_set_aside(const char *path) NMOS_MUST_CHECK;

#endif
