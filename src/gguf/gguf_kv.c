/* SPDX-License-Identifier: MIT */
/* Look-ups in a parsed header, conversions of metadata values, and the end of its life. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gguf/gguf_internal.h"

uint64_t gguf_load_le(const unsigned char *data, unsigned n_bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n_bytes; i++) value |= (uint64_t)data[i] << (8 * i);
    return value;
}

static const struct {
    const char *name;
    unsigned n_bytes;
} types[] = {
    [GGUF_U8] = {"u8", 1},   [GGUF_I8] = {"i8", 1},       [GGUF_U16] = {"u16", 2},
    [GGUF_I16] = {"i16", 2}, [GGUF_U32] = {"u32", 4},     [GGUF_I32] = {"i32", 4},
    [GGUF_F32] = {"f32", 4}, [GGUF_BOOL] = {"bool", 1},   [GGUF_STRING] = {"string", 0},
    [GGUF_U64] = {"u64", 8}, [GGUF_ARRAY] = {"array", 0}, [GGUF_I64] = {"i64", 8},
    [GGUF_F64] = {"f64", 8},
};

const char *gguf_type_name(enum gguf_type type)
{
    return (unsigned)type <= GGUF_F64 ? types[type].name : "unknown";
}

unsigned gguf_type_bytes(enum gguf_type type)
{
    return (unsigned)type <= GGUF_F64 ? types[type].n_bytes : 0;
}

int gguf_type_is_integer(enum gguf_type type)
{
    switch (type) {
    case GGUF_U8:
    case GGUF_I8:
    case GGUF_U16:
    case GGUF_I16:
    case GGUF_U32:
    case GGUF_I32:
    case GGUF_U64:
    case GGUF_I64: return 1;
    default: return 0;
    }
}

static int compare_strs(struct str a, struct str b)
{
    const int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Equal names stay in file order. */
static int compare_named(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    const int order = compare_strs(x->name, y->name);
    return order ? order : (x->i > y->i) - (x->i < y->i);
}

int gguf_index_names(const void *first, size_t stride, uint64_t n, const char *what,
                     struct named **index)
{
    struct named *sorted = mem_calloc(MEM_HEADER, n, sizeof(*sorted));
    if (!sorted) return NMOS_E_NOMEM;
    for (uint64_t i = 0; i < n; i++) {
        const struct str *name = (const void *)((const char *)first + i * stride);
        sorted[i] = (struct named){*name, (uint32_t)i};
    }
    qsort(sorted, n, sizeof(*sorted), compare_named);
    for (uint64_t i = 1; i < n; i++) {
        if (!str_equal(sorted[i - 1].name, sorted[i].name)) continue;
        const int rc =
            FAIL(NMOS_E_CORRUPT, "%s %.*s appears twice, as number %" PRIu32 " and %" PRIu32, what,
                 STR_ARG(sorted[i].name), sorted[i - 1].i, sorted[i].i);
        mem_free(sorted);
        return rc;
    }
    mem_free(*index);
    *index = sorted;
    return 0;
}

/* Position of @p name, or -1. */
static int64_t find_named(const struct named *index, uint64_t n, const char *name)
{
    const struct str wanted = str_from(name);
    uint64_t low = 0;
    uint64_t high = n;
    while (low < high) {
        const uint64_t mid = low + (high - low) / 2;
        const int order = compare_strs(index[mid].name, wanted);
        if (order == 0) return index[mid].i;
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return -1;
}

const struct gguf_kv *gguf_find(const struct gguf *gguf, const char *key)
{
    const int64_t i = find_named(gguf->tables->kv_index, gguf->n_kvs, key);
    return i < 0 ? NULL : &gguf->kvs[i];
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf *gguf, const char *name)
{
    const int64_t i = find_named(gguf->tables->tensor_index, gguf->n_tensors, name);
    return i < 0 ? NULL : &gguf->tensors[i];
}

int64_t gguf_kv_i64(const struct gguf_kv *kv, uint64_t i)
{
    const unsigned n_bytes = gguf_type_bytes(kv->elem_type);
    const uint64_t bits = gguf_load_le(kv->data + i * n_bytes, n_bytes);
    switch (kv->elem_type) {
    case GGUF_I8: return (int8_t)bits;
    case GGUF_I16: return (int16_t)bits;
    case GGUF_I32: return (int32_t)bits;
    default: return (int64_t)bits;
    }
}

uint64_t gguf_kv_u64(const struct gguf_kv *kv, uint64_t i)
{
    return (uint64_t)gguf_kv_i64(kv, i);
}

double gguf_kv_f64(const struct gguf_kv *kv, uint64_t i)
{
    if (kv->elem_type == GGUF_F32) {
        const uint32_t bits = (uint32_t)gguf_load_le(kv->data + i * 4, 4);
        float value = 0;
        memcpy(&value, &bits, 4);
        return value;
    }
    if (kv->elem_type == GGUF_F64) {
        const uint64_t bits = gguf_load_le(kv->data + i * 8, 8);
        double value = 0;
        memcpy(&value, &bits, 8);
        return value;
    }
    if (kv->elem_type == GGUF_U64) return (double)gguf_kv_u64(kv, i);
    return (double)gguf_kv_i64(kv, i);
}

static int wrong_type(const struct gguf_kv *kv, const char *wanted)
{
    return FAIL(NMOS_E_CORRUPT, "metadata key %.*s is of type %s; %s is needed", STR_ARG(kv->key),
                gguf_type_name(kv->type), wanted);
}

int gguf_get_u64(const struct gguf *gguf, const char *key, uint64_t fallback, uint64_t *ret)
{
    const struct gguf_kv *kv = gguf_find(gguf, key);
    if (!kv) {
        *ret = fallback;
        return 0;
    }
    if (!gguf_type_is_integer(kv->type)) return wrong_type(kv, "an integer");
    if (kv->type != GGUF_U64 && gguf_kv_i64(kv, 0) < 0) {
        return FAIL(NMOS_E_CORRUPT, "metadata key %s is %" PRId64 "; it must not be negative", key,
                    gguf_kv_i64(kv, 0));
    }
    *ret = gguf_kv_u64(kv, 0);
    return 0;
}

int gguf_get_f32(const struct gguf *gguf, const char *key, float fallback, float *ret)
{
    const struct gguf_kv *kv = gguf_find(gguf, key);
    if (!kv) {
        *ret = fallback;
        return 0;
    }
    if (kv->type != GGUF_F32 && kv->type != GGUF_F64 && !gguf_type_is_integer(kv->type)) {
        return wrong_type(kv, "a number");
    }
    const double value = gguf_kv_f64(kv, 0);
    const float narrow = (float)value;
    if (!__builtin_isfinite(narrow)) {
        return FAIL(NMOS_E_CORRUPT, "metadata key %s is %g; a finite number is needed", key, value);
    }
    *ret = narrow;
    return 0;
}

int gguf_get_bool(const struct gguf *gguf, const char *key, int fallback, int *ret)
{
    const struct gguf_kv *kv = gguf_find(gguf, key);
    if (!kv) {
        *ret = fallback;
        return 0;
    }
    if (kv->type != GGUF_BOOL) return wrong_type(kv, "a bool");
    *ret = kv->data[0];
    return 0;
}

int gguf_get_str(const struct gguf *gguf, const char *key, struct str fallback, struct str *ret)
{
    const struct gguf_kv *kv = gguf_find(gguf, key);
    if (!kv) {
        *ret = fallback;
        return 0;
    }
    if (kv->type != GGUF_STRING) return wrong_type(kv, "a string");
    *ret = kv->strings[0];
    return 0;
}

void gguf_close(struct gguf **gguf)
{
    if (!gguf || !*gguf) return;
    struct gguf *g = *gguf;
    for (uint64_t i = 0; i < g->n_kvs; i++) mem_free(g->kvs[i].strings);
    mem_free(g->kvs);
    mem_free(g->tensors);
    for (uint32_t i = 0; i < g->n_files; i++) {
        if (g->paths) mem_free(g->paths[i]);
        if (g->tables && g->tables->headers) mem_free(g->tables->headers[i]);
    }
    if (g->tables) {
        mem_free(g->tables->headers);
        mem_free(g->tables->kv_index);
        mem_free(g->tables->tensor_index);
    }
    mem_free(g->tables);
    mem_free(g->paths);
    mem_free(g->file_bytes);
    mem_free(g);
    *gguf = NULL;
}
