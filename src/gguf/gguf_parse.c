/* SPDX-License-Identifier: MIT */
/*
 * From bytes to struct gguf: magic, counts, metadata, tensor directory, in file order.
 *
 * One cursor does all reading. It knows the bytes at hand and the size of the whole file, so it can
 * tell a damaged file (the file ends too early: NMOS_E_CORRUPT) from a span that is only too short
 * (NMOS_E_TRUNCATED). Parsing points into the caller's span; when all is well the header is copied
 * and the pointers are moved over. Source: ggml:docs/gguf.md.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gguf/gguf_internal.h"

#define VERSION_MIN       2U
#define VERSION_MAX       3U
#define ALIGNMENT_DEFAULT 32U

/* Smallest encodings; they bound counts by the bytes that are left. */
#define KV_BYTES_MIN     (8U + 1U + 4U + 1U)
#define TENSOR_BYTES_MIN (8U + 1U + 4U + 8U + 4U + 8U)

struct cursor {
    const unsigned char *data;
    uint64_t pos;        /* <= span_bytes */
    uint64_t span_bytes; /* at hand; <= file_bytes */
    uint64_t file_bytes;
    const char *what; /* what is being read, for messages */
    struct str name;  /* and its name, when known */
};

/* Succeeds when @p n more bytes are at hand. */
static int need(const struct cursor *c, uint64_t n)
{
    if (n <= c->span_bytes - c->pos) return 0;
    if (n <= c->file_bytes - c->pos) {
        return FAIL(NMOS_E_TRUNCATED,
                    "%s %.*s at byte %" PRIu64 " needs %" PRIu64 " bytes; %" PRIu64 " are at hand",
                    c->what, STR_ARG(c->name), c->pos, n, c->span_bytes - c->pos);
    }
    return FAIL(NMOS_E_CORRUPT,
                "the file ends at byte %" PRIu64 " inside %s %.*s, which needs %" PRIu64
                " bytes from byte %" PRIu64 ": it is cut short or damaged",
                c->file_bytes, c->what, STR_ARG(c->name), n, c->pos);
}

static int read_uint(struct cursor *c, unsigned n_bytes, uint64_t *ret)
{
    TRY(need(c, n_bytes));
    *ret = gguf_load_le(c->data + c->pos, n_bytes);
    c->pos += n_bytes;
    return 0;
}

static int read_u32(struct cursor *c, uint32_t *ret)
{
    uint64_t value = 0;
    TRY(read_uint(c, 4, &value));
    *ret = (uint32_t)value;
    return 0;
}

static int read_str(struct cursor *c, struct str *ret)
{
    uint64_t len = 0;
    TRY(read_uint(c, 8, &len));
    TRY(need(c, len));
    *ret = (struct str){(const char *)c->data + c->pos, (size_t)len};
    c->pos += len;
    return 0;
}

/* Names are shown to people and used as identifiers: no control bytes, not empty, not endless. */
static int read_name(struct cursor *c, size_t bytes_max, uint64_t i, struct str *ret)
{
    uint64_t len = 0;
    TRY(need(c, 8));
    len = gguf_load_le(c->data + c->pos, 8);
    if (len == 0 || len > bytes_max) {
        return FAIL(NMOS_E_CORRUPT,
                    "%s %" PRIu64 " has a name of %" PRIu64 " bytes; 1 to %zu are allowed", c->what,
                    i, len, bytes_max);
    }
    struct str name = {0};
    TRY(read_str(c, &name));
    for (size_t b = 0; b < name.len; b++) {
        const unsigned char byte = (unsigned char)name.data[b];
        if (byte < 0x20 || byte == 0x7f) {
            return FAIL(NMOS_E_CORRUPT, "%s %" PRIu64 " has the control byte 0x%02x in its name",
                        c->what, i, byte);
        }
    }
    *ret = name;
    return 0;
}

/* Refuses a count above its limit or above what the rest of the file could hold. */
static int check_count(const struct cursor *c, uint64_t n, uint64_t n_max, unsigned bytes_min)
{
    if (n > n_max) {
        return FAIL(NMOS_E_LIMIT,
                    "%s %.*s: %" PRIu64 " entries are more than the limit of %" PRIu64, c->what,
                    STR_ARG(c->name), n, n_max);
    }
    const uint64_t left = c->file_bytes - c->pos;
    if (n > left / bytes_min) {
        return FAIL(NMOS_E_CORRUPT,
                    "%s %.*s: %" PRIu64 " entries cannot fit in the %" PRIu64
                    " bytes left in the file",
                    c->what, STR_ARG(c->name), n, left);
    }
    return 0;
}

static int read_magic(struct cursor *c, uint32_t *ret_version)
{
    static const char magic[4] = {'G', 'G', 'U', 'F'};
    c->what = "the file header";
    TRY(need(c, 4));
    if (memcmp(c->data, magic, 4) != 0) {
        int is_text = 1;
        for (int i = 0; i < 4; i++) is_text &= c->data[i] >= 0x20 && c->data[i] < 0x7f;
        if (is_text) {
            return FAIL(NMOS_E_CORRUPT, "not a GGUF file: it starts with \"%.4s\", not \"GGUF\"",
                        (const char *)c->data);
        }
        return FAIL(NMOS_E_CORRUPT,
                    "not a GGUF file: it starts with the bytes %02x %02x %02x %02x, not \"GGUF\"",
                    c->data[0], c->data[1], c->data[2], c->data[3]);
    }
    c->pos = 4;
    uint32_t version = 0;
    TRY(read_u32(c, &version));
    const uint32_t swapped = __builtin_bswap32(version);
    if (swapped >= 1 && swapped <= 0xffff) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "a big-endian GGUF file (version %" PRIu32 "): only little-endian files can "
                    "be read",
                    swapped);
    }
    if (version < VERSION_MIN || version > VERSION_MAX) {
        return FAIL(NMOS_E_UNSUPPORTED, "GGUF version %" PRIu32 ": versions %u and %u can be read",
                    version, VERSION_MIN, VERSION_MAX);
    }
    *ret_version = version;
    return 0;
}

static int check_bools(const struct cursor *c, const struct gguf_kv *kv)
{
    for (uint64_t i = 0; i < kv->n_elems; i++) {
        if (kv->data[i] > 1) {
            return FAIL(NMOS_E_CORRUPT, "%s %.*s: element %" PRIu64 " is %u, which is no bool",
                        c->what, STR_ARG(c->name), i, kv->data[i]);
        }
    }
    return 0;
}

/* The value of @p kv, whose type, elem_type and n_elems are known. */
static int read_value(struct cursor *c, struct gguf_kv *kv)
{
    kv->data = c->data + c->pos;
    if (kv->elem_type == GGUF_STRING) {
        TRY(need(c, kv->n_elems * 8));
        kv->strings = mem_calloc(MEM_HEADER, kv->n_elems, sizeof(*kv->strings));
        if (!kv->strings) return NMOS_E_NOMEM;
        for (uint64_t i = 0; i < kv->n_elems; i++) TRY(read_str(c, &kv->strings[i]));
        kv->data_bytes = (uint64_t)(c->data + c->pos - kv->data);
        return 0;
    }
    kv->data_bytes = kv->n_elems * gguf_type_bytes(kv->elem_type);
    TRY(need(c, kv->data_bytes));
    c->pos += kv->data_bytes;
    return kv->elem_type == GGUF_BOOL ? check_bools(c, kv) : 0;
}

static int check_type(const struct cursor *c, uint32_t type, const char *of_what)
{
    if (type <= GGUF_F64) return 0;
    return FAIL(NMOS_E_CORRUPT, "%s %.*s: the %s has type number %" PRIu32 "; 0 to %d are known",
                c->what, STR_ARG(c->name), of_what, type, GGUF_F64);
}

static int read_kv(struct cursor *c, uint64_t i, struct gguf_kv *kv)
{
    c->what = "metadata key";
    c->name = (struct str){"", 0};
    TRY(read_name(c, GGUF_KEY_BYTES_MAX, i, &kv->key));
    c->name = kv->key;
    uint32_t type = 0;
    TRY(read_u32(c, &type));
    TRY(check_type(c, type, "value"));
    kv->type = (enum gguf_type)type;
    kv->elem_type = kv->type;
    kv->n_elems = 1;
    if (kv->type == GGUF_ARRAY) {
        TRY(read_u32(c, &type));
        TRY(check_type(c, type, "array"));
        kv->elem_type = (enum gguf_type)type;
        if (kv->elem_type == GGUF_ARRAY) {
            return FAIL(NMOS_E_UNSUPPORTED, "metadata key %.*s: arrays of arrays are not supported",
                        STR_ARG(kv->key));
        }
        TRY(read_uint(c, 8, &kv->n_elems));
        const unsigned elem_bytes = gguf_type_bytes(kv->elem_type);
        TRY(check_count(c, kv->n_elems, GGUF_ARRAY_MAX, elem_bytes ? elem_bytes : 8));
    }
    return read_value(c, kv);
}

static int read_kvs(struct cursor *c, struct gguf *gguf, uint64_t n_kvs)
{
    gguf->kvs = mem_calloc(MEM_HEADER, n_kvs, sizeof(*gguf->kvs));
    if (!gguf->kvs) return NMOS_E_NOMEM;
    gguf->n_kvs =
        n_kvs; /* from here on gguf_close() frees the strings of the entries read so far */
    for (uint64_t i = 0; i < n_kvs; i++) TRY(read_kv(c, i, &gguf->kvs[i]));
    return gguf_index_names(gguf->kvs, sizeof(*gguf->kvs), n_kvs, "metadata key",
                            &gguf->tables->kv_index);
}

static int read_alignment(struct gguf *gguf)
{
    uint64_t alignment = 0;
    TRY(gguf_get_u64(gguf, "general.alignment", ALIGNMENT_DEFAULT, &alignment));
    if (alignment == 0 || (alignment & (alignment - 1)) || alignment > GGUF_ALIGNMENT_MAX) {
        return FAIL(NMOS_E_CORRUPT,
                    "general.alignment is %" PRIu64 "; a power of two up to %u is needed",
                    alignment, GGUF_ALIGNMENT_MAX);
    }
    gguf->alignment = (uint32_t)alignment;
    return 0;
}

/* Reads n_dims and the dimensions and yields the number of elements. */
static int read_dims(struct cursor *c, struct gguf_tensor *tensor, uint64_t *ret_n_elems)
{
    TRY(read_u32(c, &tensor->n_dims));
    if (tensor->n_dims < 1 || tensor->n_dims > GGUF_DIMS_MAX) {
        return FAIL(NMOS_E_CORRUPT, "tensor %.*s has %" PRIu32 " dimensions; 1 to %d are allowed",
                    STR_ARG(tensor->name), tensor->n_dims, GGUF_DIMS_MAX);
    }
    uint64_t n_elems = 1;
    for (uint32_t d = 0; d < GGUF_DIMS_MAX; d++) {
        tensor->dims[d] = 1;
        if (d >= tensor->n_dims) continue;
        TRY(read_uint(c, 8, &tensor->dims[d]));
        if (tensor->dims[d] < 1 || tensor->dims[d] > GGUF_DIM_MAX) {
            return FAIL(NMOS_E_CORRUPT,
                        "tensor %.*s: dimension %" PRIu32 " is %" PRIu64 "; 1 to %u are allowed",
                        STR_ARG(tensor->name), d, tensor->dims[d], GGUF_DIM_MAX);
        }
        if (__builtin_mul_overflow(n_elems, tensor->dims[d], &n_elems)) {
            return FAIL(NMOS_E_CORRUPT, "tensor %.*s has more than 2^64 elements",
                        STR_ARG(tensor->name));
        }
    }
    *ret_n_elems = n_elems;
    return 0;
}

static int set_type(struct gguf_tensor *tensor, uint32_t type, uint64_t n_elems)
{
    const struct tensor_format *format = tensor_format_get(type);
    if (!format) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "tensor %.*s has type number %" PRIu32 ", which is not known",
                    STR_ARG(tensor->name), type);
    }
    if (tensor->dims[0] % format->block_elems) {
        return FAIL(NMOS_E_CORRUPT,
                    "tensor %.*s: rows of %" PRIu64 " elements are no multiple of the %u of a %s "
                    "block",
                    STR_ARG(tensor->name), tensor->dims[0], format->block_elems, format->name);
    }
    tensor->type = (enum tensor_type)type;
    if (__builtin_mul_overflow(n_elems / format->block_elems, format->block_bytes,
                               &tensor->n_bytes)) {
        return FAIL(NMOS_E_CORRUPT, "tensor %.*s has more than 2^64 bytes", STR_ARG(tensor->name));
    }
    return 0;
}

/* Leaves tensor->offset relative to the start of the data, as the file has it. */
static int read_tensor(struct cursor *c, uint64_t i, uint32_t alignment, struct gguf_tensor *tensor)
{
    c->what = "tensor";
    c->name = (struct str){"", 0};
    TRY(read_name(c, GGUF_NAME_BYTES_MAX, i, &tensor->name));
    c->name = tensor->name;
    uint64_t n_elems = 0;
    TRY(read_dims(c, tensor, &n_elems));
    uint32_t type = 0;
    TRY(read_u32(c, &type));
    TRY(set_type(tensor, type, n_elems));
    TRY(read_uint(c, 8, &tensor->offset));
    if (tensor->offset % alignment) {
        return FAIL(NMOS_E_CORRUPT,
                    "tensor %.*s: offset %" PRIu64 " is no multiple of the alignment %" PRIu32,
                    STR_ARG(tensor->name), tensor->offset, alignment);
    }
    return 0;
}

static int compare_offsets(const void *a, const void *b)
{
    const struct gguf_tensor *const *x = a;
    const struct gguf_tensor *const *y = b;
    return ((*x)->offset > (*y)->offset) - ((*x)->offset < (*y)->offset);
}

static int check_overlaps(const struct gguf *gguf)
{
    if (gguf->n_tensors < 2) return 0;
    const struct gguf_tensor **by_offset =
        mem_calloc(MEM_HEADER, gguf->n_tensors, sizeof(*by_offset));
    if (!by_offset) return NMOS_E_NOMEM;
    for (uint64_t i = 0; i < gguf->n_tensors; i++) by_offset[i] = &gguf->tensors[i];
    qsort(by_offset, gguf->n_tensors, sizeof(*by_offset), compare_offsets);
    int rc = 0;
    for (uint64_t i = 1; i < gguf->n_tensors && rc == 0; i++) {
        const struct gguf_tensor *a = by_offset[i - 1];
        const struct gguf_tensor *b = by_offset[i];
        if (a->offset + a->n_bytes > b->offset) {
            rc = FAIL(NMOS_E_CORRUPT,
                      "tensor %.*s (bytes %" PRIu64 " to %" PRIu64 ") overlaps tensor %.*s (from "
                      "byte %" PRIu64 ")",
                      STR_ARG(a->name), a->offset, a->offset + a->n_bytes, STR_ARG(b->name),
                      b->offset);
        }
    }
    mem_free(by_offset);
    return rc;
}

/* Turns relative offsets into absolute ones and checks that every tensor lies inside the file. */
static int place_tensors(struct gguf *gguf, uint64_t data_start, uint64_t file_bytes)
{
    for (uint64_t i = 0; i < gguf->n_tensors; i++) {
        struct gguf_tensor *tensor = &gguf->tensors[i];
        uint64_t start = 0;
        uint64_t end = 0;
        if (__builtin_add_overflow(data_start, tensor->offset, &start) ||
            __builtin_add_overflow(start, tensor->n_bytes, &end) || end > file_bytes) {
            return FAIL(
                NMOS_E_CORRUPT,
                "tensor %.*s: %" PRIu64 " bytes from offset %" PRIu64 " of the data at byte "
                "%" PRIu64 " end behind the file's %" PRIu64 " bytes: it is cut short or damaged",
                STR_ARG(tensor->name), tensor->n_bytes, tensor->offset, data_start, file_bytes);
        }
        tensor->offset = start;
    }
    return check_overlaps(gguf);
}

static int read_tensors(struct cursor *c, struct gguf *gguf, uint64_t n_tensors)
{
    c->what = "tensor directory";
    c->name = (struct str){"", 0};
    TRY(check_count(c, n_tensors, GGUF_TENSORS_MAX, TENSOR_BYTES_MIN));
    gguf->tensors = mem_calloc(MEM_HEADER, n_tensors, sizeof(*gguf->tensors));
    if (!gguf->tensors) return NMOS_E_NOMEM;
    gguf->n_tensors = n_tensors;
    for (uint64_t i = 0; i < n_tensors; i++) {
        TRY(read_tensor(c, i, gguf->alignment, &gguf->tensors[i]));
    }
    gguf->header_bytes = (c->pos + gguf->alignment - 1) & ~((uint64_t)gguf->alignment - 1);
    return place_tensors(gguf, gguf->header_bytes, c->file_bytes);
}

/* Copies the @p n_bytes of header at @p span and moves all pointers into the copy. */
static int own_header(struct gguf *gguf, const unsigned char *span, uint64_t n_bytes)
{
    unsigned char *copy = mem_alloc(MEM_HEADER, (size_t)n_bytes, 1);
    if (!copy) return NMOS_E_NOMEM;
    memcpy(copy, span, (size_t)n_bytes);
    gguf->tables->headers[0] = copy;
    for (uint64_t i = 0; i < gguf->n_kvs; i++) {
        struct gguf_kv *kv = &gguf->kvs[i];
        kv->key.data = (const char *)copy + (kv->key.data - (const char *)span);
        kv->data = copy + (kv->data - span);
        for (uint64_t s = 0; kv->strings && s < kv->n_elems; s++) {
            kv->strings[s].data = (const char *)copy + (kv->strings[s].data - (const char *)span);
        }
    }
    for (uint64_t i = 0; i < gguf->n_tensors; i++) {
        struct str *name = &gguf->tensors[i].name;
        name->data = (const char *)copy + (name->data - (const char *)span);
    }
    /* The indices hold views of the names too. */
    TRY(gguf_index_names(gguf->kvs, sizeof(*gguf->kvs), gguf->n_kvs, "metadata key",
                         &gguf->tables->kv_index));
    return gguf_index_names(gguf->tensors, sizeof(*gguf->tensors), gguf->n_tensors, "tensor",
                            &gguf->tables->tensor_index);
}

static int parse(struct cursor *c, struct gguf *gguf)
{
    uint64_t n_tensors = 0;
    uint64_t n_kvs = 0;
    TRY(read_magic(c, &gguf->version));
    TRY(read_uint(c, 8, &n_tensors));
    TRY(read_uint(c, 8, &n_kvs));
    c->what = "metadata";
    TRY(check_count(c, n_kvs, GGUF_KVS_MAX, KV_BYTES_MIN));
    TRY(read_kvs(c, gguf, n_kvs));
    TRY(read_alignment(gguf));
    TRY(read_tensors(c, gguf, n_tensors));
    return own_header(gguf, c->data, c->pos);
}

static int alloc_empty(uint64_t file_bytes, struct gguf **ret_gguf)
{
    struct gguf *gguf = mem_calloc(MEM_HEADER, 1, sizeof(*gguf));
    if (!gguf) return NMOS_E_NOMEM;
    gguf->n_files = 1;
    gguf->tables = mem_calloc(MEM_HEADER, 1, sizeof(*gguf->tables));
    gguf->paths = mem_calloc(MEM_HEADER, 1, sizeof(*gguf->paths));
    gguf->file_bytes = mem_calloc(MEM_HEADER, 1, sizeof(*gguf->file_bytes));
    if (gguf->tables)
        gguf->tables->headers = mem_calloc(MEM_HEADER, 1, sizeof(*gguf->tables->headers));
    if (!gguf->tables || !gguf->tables->headers || !gguf->paths || !gguf->file_bytes) {
        gguf_close(&gguf);
        return NMOS_E_NOMEM;
    }
    gguf->file_bytes[0] = file_bytes;
    *ret_gguf = gguf;
    return 0;
}

int gguf_parse(const void *span, size_t span_bytes, uint64_t file_bytes, struct gguf **ret_gguf)
{
    struct cursor c = {.data = span,
                       .span_bytes = span_bytes < file_bytes ? span_bytes : file_bytes,
                       .file_bytes = file_bytes,
                       .name = {"", 0}};
    struct gguf *gguf = NULL;
    TRY(alloc_empty(file_bytes, &gguf));
    const int rc = parse(&c, gguf);
    if (rc < 0) {
        gguf_close(&gguf);
        return rc;
    }
    *ret_gguf = gguf;
    return 0;
}
