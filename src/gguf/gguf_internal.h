/* SPDX-License-Identifier: MIT */
/*
 * What gguf_parse.c, gguf_open.c and gguf_kv.c share: the private part of struct gguf.
 *
 * Names are looked up by binary search in a sorted index: its worst case needs no trust in the
 * file, and neighbours in it show duplicates.
 */
#ifndef NMOS_GGUF_GGUF_INTERNAL_H
#define NMOS_GGUF_GGUF_INTERNAL_H

#include "gguf/gguf.h"

/** A name and its position in kvs[] or tensors[]. */
struct named {
    struct str name;
    uint32_t i;
};

struct gguf_tables {
    struct named *kv_index;     /* [n_kvs] sorted by name */
    struct named *tensor_index; /* [n_tensors] sorted by name */
    unsigned char **headers;    /* [n_files] header bytes, which names and values point into */
};

/**
 * (Re)builds one index over @p n names, read @p stride bytes apart from @p first (the struct str
 * must be the first member). @p what names the things in messages ("metadata key").
 * @return 0, NMOS_E_CORRUPT naming a duplicate, NMOS_E_NOMEM. Frees the index that @p index held.
 */
int gguf_index_names(const void *first, size_t stride, uint64_t n, const char *what,
                     struct named **index) NMOS_MUST_CHECK;

/** Little-endian value of @p n_bytes (1..8). */
uint64_t gguf_load_le(const unsigned char *data, unsigned n_bytes);

/** Bytes of one element, 0 for strings, arrays and unknown types. */
unsigned gguf_type_bytes(enum gguf_type type);

#endif
