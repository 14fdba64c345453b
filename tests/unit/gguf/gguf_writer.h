/* SPDX-License-Identifier: MIT */
/*
 * Writes GGUF bytes into a struct buf, right or deliberately wrong: a test names each field it
 * puts, in file order. Memory failures end the test program.
 */
#ifndef NMOS_TESTS_GGUF_WRITER_H
#define NMOS_TESTS_GGUF_WRITER_H

#include <stdlib.h>

#include "base/str.h"
#include "gguf/gguf.h"

static inline void put_bytes(struct buf *buf, const void *data, size_t n)
{
    if (buf_append(buf, data, n) < 0) abort();
}

/** Little endian, @p n_bytes of @p value. */
static inline void put_uint(struct buf *buf, uint64_t value, unsigned n_bytes)
{
    for (unsigned i = 0; i < n_bytes; i++) {
        const unsigned char byte = (unsigned char)(value >> (8 * i));
        put_bytes(buf, &byte, 1);
    }
}

static inline void put_str(struct buf *buf, const char *text)
{
    put_uint(buf, strlen(text), 8);
    put_bytes(buf, text, strlen(text));
}

static inline void put_header(struct buf *buf, uint32_t version, uint64_t n_tensors, uint64_t n_kvs)
{
    put_bytes(buf, "GGUF", 4);
    put_uint(buf, version, 4);
    put_uint(buf, n_tensors, 8);
    put_uint(buf, n_kvs, 8);
}

/** Key and type of an entry; the value follows. */
static inline void put_key(struct buf *buf, const char *key, enum gguf_type type)
{
    put_str(buf, key);
    put_uint(buf, (uint64_t)type, 4);
}

static inline void put_kv_u32(struct buf *buf, const char *key, uint32_t value)
{
    put_key(buf, key, GGUF_U32);
    put_uint(buf, value, 4);
}

static inline void put_kv_str(struct buf *buf, const char *key, const char *value)
{
    put_key(buf, key, GGUF_STRING);
    put_str(buf, value);
}

/** A tensor of two dimensions. */
static inline void put_tensor(struct buf *buf, const char *name, uint64_t n_cols, uint64_t n_rows,
                              uint32_t type, uint64_t offset)
{
    put_str(buf, name);
    put_uint(buf, 2, 4);
    put_uint(buf, n_cols, 8);
    put_uint(buf, n_rows, 8);
    put_uint(buf, type, 4);
    put_uint(buf, offset, 8);
}

/** Zero bytes up to a multiple of @p align. */
static inline void put_padding(struct buf *buf, size_t align)
{
    while (buf->len % align) put_uint(buf, 0, 1);
}

static inline void put_zeros(struct buf *buf, size_t n)
{
    for (size_t i = 0; i < n; i++) put_uint(buf, 0, 1);
}

#endif
