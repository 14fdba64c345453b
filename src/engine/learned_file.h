/* SPDX-License-Identifier: MIT */
/*
 * Files of what was learned about a model, kept between runs.
 *
 * They lie in the cache folder and may be lost or damaged at any time; a damaged one is set aside
 * with a message, and nothing of it counts.
 */
#ifndef NMOS_ENGINE_LEARNED_FILE_H
#define NMOS_ENGINE_LEARNED_FILE_H

#include "base/str.h"
#include "gguf/gguf.h"

/** Which file. */
struct learned_file {
    const char *kind;     /* begins its name */
    char magic[8];        /* kind and version */
    uint64_t fingerprint; /* of what it was learned about */
    const char *intent;   /* of texts of this intent; NULL: of all texts */
};

/** A number that tells models apart: a hash of metadata, tensor directory and file sizes. */
uint64_t learned_fingerprint(const struct gguf *gguf);

/** One number for two. */
uint64_t learned_fingerprint_join(uint64_t a, uint64_t b);

/**
 * Appends the @p n_bytes that were learned to @p content.
 * @return 0, or negative when there are none; the message says why.
 */
int learned_file_load(const struct learned_file *file, size_t n_bytes,
                      struct buf *content) NMOS_MUST_CHECK;

/** Sets a file aside whose content cannot be. @return NMOS_E_CORRUPT. */
int learned_file_reject(const struct learned_file *file, const char *fault) NMOS_MUST_CHECK;

/** Replaces the file. @return 0, NMOS_E_IO or NMOS_E_NOMEM. */
int learned_file_store(const struct learned_file *file, const struct buf *content) NMOS_MUST_CHECK;

#endif
