/* SPDX-License-Identifier: MIT */
/*
 * GGUF v2 and v3: header, metadata and tensor directory, parsed from a span of bytes.
 *
 * The parser sees bytes and the size of the file they come from, never a disk, so it can be fuzzed.
 * Every count has a limit, every addition is checked, and nothing is trusted: names are unique,
 * tensors lie inside the file, are aligned and do not overlap. Source: ggml:docs/gguf.md. A parsed
 * header is immutable and may be shared between threads.
 */
#ifndef NMOS_GGUF_GGUF_H
#define NMOS_GGUF_GGUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "quant/format.h"

#define GGUF_DIMS_MAX 4 /* of the format */

/* Limits of what is read from outside. Each is far above what models need and keeps the tables of a
 * hostile header small. */
#define GGUF_KVS_MAX          65536U  /* models have 20 to 100 entries */
#define GGUF_TENSORS_MAX      262144U /* unmerged experts of the largest MoE models: about 60,000 */
#define GGUF_ARRAY_MAX        (1U << 24) /* vocabularies end near 300,000 tokens and 600,000 merges */
#define GGUF_KEY_BYTES_MAX    65535U     /* of the format document */
#define GGUF_NAME_BYTES_MAX   256U       /* tensor names; the format document says 64 */
#define GGUF_DIM_MAX          0x7fffffffU /* a row or column count always fits an int32_t */
#define GGUF_ALIGNMENT_MAX    (1U << 24)  /* writers use 32; 2 MiB would already suit any device */
#define GGUF_HEADER_BYTES_MAX (1U << 29)  /* vocabularies take 4 to 20 MB */
#define GGUF_FILES_MAX        1024U       /* parts of a split model: one open descriptor each */

enum gguf_type {
    GGUF_U8 = 0,
    GGUF_I8 = 1,
    GGUF_U16 = 2,
    GGUF_I16 = 3,
    GGUF_U32 = 4,
    GGUF_I32 = 5,
    GGUF_F32 = 6,
    GGUF_BOOL = 7,
    GGUF_STRING = 8,
    GGUF_ARRAY = 9,
    GGUF_U64 = 10,
    GGUF_I64 = 11,
    GGUF_F64 = 12,
};

/** One metadata entry. Strings and arrays point into the header bytes, which struct gguf owns. */
struct gguf_kv {
    struct str key;
    enum gguf_type type;      /* GGUF_ARRAY: see elem_type */
    enum gguf_type elem_type; /* of an array; arrays of arrays are refused */
    uint64_t n_elems;         /* 1 for scalars */
    /* Little endian, unaligned; strings: u64 length, bytes, repeated. */
    const unsigned char *data;
    uint64_t data_bytes;
    /* [n_elems] of strings and string arrays, else NULL; owned by struct gguf. */
    struct str *strings;
};

/** One tensor of the directory. */
struct gguf_tensor {
    struct str name;
    enum tensor_type type;
    uint32_t n_dims;
    uint64_t dims[GGUF_DIMS_MAX]; /* dims[0] is the fastest: the row length; unused ones are 1 */
    uint64_t n_bytes;             /* of all rows */
    uint64_t offset;              /* absolute, in its file */
    uint32_t file_i;              /* part of a split model it lies in, 0-based */
};

struct gguf {
    uint32_t version;
    uint32_t alignment;
    uint64_t n_kvs;
    struct gguf_kv *kvs;
    uint64_t n_tensors;
    struct gguf_tensor *tensors; /* in file order */
    uint64_t header_bytes;       /* of the (first) file: where its tensor data starts */
    uint32_t n_files;            /* parts; 1 when not split */
    char **paths;         /* [n_files] path of each part; NULL entries when parsed from a span */
    uint64_t *file_bytes; /* [n_files] size of each part */
    struct gguf_tables *tables; /* private: header bytes and name indices */
};

/**
 * Parses one file's header.
 * @param span        the first @p span_bytes bytes of the file; copied, the caller keeps them.
 * @param file_bytes  size of the whole file; tensors must lie inside it.
 * @return 0; NMOS_E_TRUNCATED when the header goes on behind the span (and the file does too);
 * NMOS_E_CORRUPT, NMOS_E_UNSUPPORTED or NMOS_E_LIMIT with names and numbers; NMOS_E_NOMEM.
 */
int gguf_parse(const void *span, size_t span_bytes, uint64_t file_bytes,
               struct gguf **ret_gguf) NMOS_MUST_CHECK;

/**
 * Opens a model: reads and parses the header of @p path and, when it is the first part of a split
 * model (split.count > 1, NAME-00001-of-0000N.gguf), those of all other parts, and joins their
 * directories.
 */
int gguf_open(const char *path, struct gguf **ret_gguf) NMOS_MUST_CHECK;

/** As gguf_open() for who reads no tensor: files may end anywhere behind their headers. */
int gguf_open_header(const char *path, struct gguf **ret_gguf) NMOS_MUST_CHECK;

/** Frees everything (views into the header become invalid) and nulls the pointer; a NULL gguf is a
 * no-op. */
void gguf_close(struct gguf **gguf);

/** Metadata by key, or NULL. O(log n). */
const struct gguf_kv *gguf_find(const struct gguf *gguf, const char *key);
/** Tensor by name, or NULL. O(log n). */
const struct gguf_tensor *gguf_find_tensor(const struct gguf *gguf, const char *name);

/* Typed look-ups. A missing key yields @p fallback; a key of an unsuitable type or a value out of
 * range is NMOS_E_CORRUPT naming the key. Integers of any width convert; bools do not. */
int gguf_get_u64(const struct gguf *gguf, const char *key, uint64_t fallback,
                 uint64_t *ret) NMOS_MUST_CHECK;
int gguf_get_f32(const struct gguf *gguf, const char *key, float fallback,
                 float *ret) NMOS_MUST_CHECK;
int gguf_get_bool(const struct gguf *gguf, const char *key, int fallback, int *ret) NMOS_MUST_CHECK;
int gguf_get_str(const struct gguf *gguf, const char *key, struct str fallback,
                 struct str *ret) NMOS_MUST_CHECK;

/* Elements of arrays (or of a scalar, i = 0), converted; the caller has checked the type and i <
 * n_elems. */
int64_t gguf_kv_i64(const struct gguf_kv *kv, uint64_t i);
uint64_t gguf_kv_u64(const struct gguf_kv *kv, uint64_t i);
double gguf_kv_f64(const struct gguf_kv *kv, uint64_t i);

/** True for the integer types (bool is not one). */
int gguf_type_is_integer(enum gguf_type type);
/** "u32", "string", ... */
const char *gguf_type_name(enum gguf_type type);

#endif
