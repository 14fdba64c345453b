/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Model files: what a GGUF file holds, without loading it. An open file is immutable and may be
 * read by several threads at once; texts belong to it and are not zero-terminated.
 */
#ifndef NMOS_FILE_H
#define NMOS_FILE_H

#include <nmos/error.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A GGUF file, all parts of a split one included. */
struct nmos_file;

/** Borrowed bytes. */
struct nmos_text {
    const char *data;
    size_t len;
};

/** The file as a whole. */
struct nmos_file_info {
    uint32_t version;      /**< of the GGUF format */
    uint32_t alignment;    /**< of tensor data, in bytes */
    uint32_t n_parts;      /**< files; 1 when not split */
    uint64_t n_metadata;   /**< entries */
    uint64_t n_tensors;    /**< of all parts */
    uint64_t n_elems;      /**< of all tensors */
    uint64_t file_bytes;   /**< of all parts */
    uint64_t header_bytes; /**< of the first part: before tensor data */
    uint64_t tensor_bytes; /**< of all tensors, without padding */
};

/** One metadata entry. */
struct nmos_metadata {
    struct nmos_text key;
    const char *type; /**< "u32", "string", ...; of an array: of its elements */
    int is_array;
    uint64_t n_elems; /**< 1 when not an array */
};

enum nmos_value_kind {
    NMOS_VALUE_INT,
    NMOS_VALUE_UINT,
    NMOS_VALUE_FLOAT,
    NMOS_VALUE_BOOL,
    NMOS_VALUE_TEXT
};

/** One metadata value. */
struct nmos_value {
    enum nmos_value_kind kind;
    union {
        int64_t i;             /**< NMOS_VALUE_INT, NMOS_VALUE_BOOL */
        uint64_t u;            /**< NMOS_VALUE_UINT */
        double f;              /**< NMOS_VALUE_FLOAT; may be infinite or NaN */
        struct nmos_text text; /**< NMOS_VALUE_TEXT; any bytes */
    } as;
};

/** One tensor. */
struct nmos_tensor {
    struct nmos_text name;
    const char *type; /**< "Q4_K", ... */
    uint32_t n_dims;
    uint64_t dims[4]; /**< dims[0] is the row length; unused ones are 1 */
    uint64_t n_bytes;
    uint64_t offset; /**< in its part */
    uint32_t part_i; /**< 0-based */
};

/** Opens a GGUF file (a split one by its first part) and reads its header. */
int nmos_file_open(const char *path, struct nmos_file **ret_file);

/** Closes it and nulls the pointer; NULL is a no-op. */
void nmos_file_close(struct nmos_file **file);

/** Totals. */
void nmos_file_info(const struct nmos_file *file, struct nmos_file_info *ret_info);

/** Metadata entry @p i in file order. @return 0, or NMOS_E_INVALID behind the last one. */
int nmos_file_metadata(const struct nmos_file *file, uint64_t i,
                       struct nmos_metadata *ret_metadata);

/** Element @p elem_i (0 when not an array) of metadata entry @p i. @return 0 or NMOS_E_INVALID. */
int nmos_file_value(const struct nmos_file *file, uint64_t i, uint64_t elem_i,
                    struct nmos_value *ret_value);

/** Tensor @p i in file order. @return 0, or NMOS_E_INVALID behind the last one. */
int nmos_file_tensor(const struct nmos_file *file, uint64_t i, struct nmos_tensor *ret_tensor);

/**
 * Checks that the tensors are those, in those shapes, that the architecture demands, then reads
 * them all and checks that every scale is a finite number. Holds 4 MiB beside the header.
 * @param on_progress  called from time to time; may be NULL.
 * @return 0; NMOS_E_CORRUPT, NMOS_E_UNSUPPORTED or NMOS_E_IO naming the first bad tensor;
 * NMOS_E_CANCELLED.
 */
int nmos_file_verify(const struct nmos_file *file, nmos_progress_fn on_progress, void *arg);

#ifdef __cplusplus
}
#endif

#endif
