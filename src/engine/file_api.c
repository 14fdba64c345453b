/* SPDX-License-Identifier: MIT */
/* The public view of a model file: struct gguf in the words of nmos.h. */
#include <inttypes.h>
#include <nmos/nmos.h>

#include "base/mem.h"
#include "engine/file_view.h"

struct nmos_file {
    struct gguf *gguf; /* owned */
};

const struct gguf *nmos_file_gguf(const struct nmos_file *file)
{
    return file->gguf;
}

int nmos_file_open(const char *path, struct nmos_file **ret_file)
{
    struct nmos_file *file = mem_calloc(MEM_HEADER, 1, sizeof(*file));
    if (!file) return NMOS_E_NOMEM;
    const int rc = gguf_open(path, &file->gguf);
    if (rc < 0) {
        mem_free(file);
        return rc;
    }
    *ret_file = file;
    return 0;
}

void nmos_file_close(struct nmos_file **file)
{
    if (!file || !*file) return;
    gguf_close(&(*file)->gguf);
    mem_free(*file);
    *file = NULL;
}

void nmos_file_info(const struct nmos_file *file, struct nmos_file_info *ret_info)
{
    const struct gguf *gguf = file->gguf;
    struct nmos_file_info info = {.version = gguf->version,
                                  .alignment = gguf->alignment,
                                  .n_parts = gguf->n_files,
                                  .n_metadata = gguf->n_kvs,
                                  .n_tensors = gguf->n_tensors,
                                  .header_bytes = gguf->header_bytes};
    for (uint32_t i = 0; i < gguf->n_files; i++) info.file_bytes += gguf->file_bytes[i];
    for (uint64_t i = 0; i < gguf->n_tensors; i++) {
        const struct gguf_tensor *tensor = &gguf->tensors[i];
        info.tensor_bytes += tensor->n_bytes;
        info.n_elems += tensor->dims[0] * tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
    }
    *ret_info = info;
}

static struct nmos_text text_of(struct str s)
{
    return (struct nmos_text){s.data, s.len};
}

static int check_index(const char *what, uint64_t i, uint64_t n)
{
    if (i < n) return 0;
    return FAIL(NMOS_E_INVALID, "%s %" PRIu64 " is asked for; there are %" PRIu64, what, i, n);
}

int nmos_file_metadata(const struct nmos_file *file, uint64_t i, struct nmos_metadata *ret_metadata)
{
    TRY(check_index("metadata entry", i, file->gguf->n_kvs));
    const struct gguf_kv *kv = &file->gguf->kvs[i];
    *ret_metadata = (struct nmos_metadata){.key = text_of(kv->key),
                                           .type = gguf_type_name(kv->elem_type),
                                           .is_array = kv->type == GGUF_ARRAY,
                                           .n_elems = kv->n_elems};
    return 0;
}

int nmos_file_value(const struct nmos_file *file, uint64_t i, uint64_t elem_i,
                    struct nmos_value *ret_value)
{
    TRY(check_index("metadata entry", i, file->gguf->n_kvs));
    const struct gguf_kv *kv = &file->gguf->kvs[i];
    TRY(check_index("metadata element", elem_i, kv->n_elems));
    struct nmos_value value = {.kind = NMOS_VALUE_INT};
    switch (kv->elem_type) {
    case GGUF_STRING:
        value.kind = NMOS_VALUE_TEXT;
        value.as.text = text_of(kv->strings[elem_i]);
        break;
    case GGUF_F32:
    case GGUF_F64:
        value.kind = NMOS_VALUE_FLOAT;
        value.as.f = gguf_kv_f64(kv, elem_i);
        break;
    case GGUF_U64:
        value.kind = NMOS_VALUE_UINT;
        value.as.u = gguf_kv_u64(kv, elem_i);
        break;
    case GGUF_BOOL:
        value.kind = NMOS_VALUE_BOOL;
        value.as.i = gguf_kv_i64(kv, elem_i);
        break;
    default: value.as.i = gguf_kv_i64(kv, elem_i); break;
    }
    *ret_value = value;
    return 0;
}

int nmos_file_tensor(const struct nmos_file *file, uint64_t i, struct nmos_tensor *ret_tensor)
{
    TRY(check_index("tensor", i, file->gguf->n_tensors));
    const struct gguf_tensor *tensor = &file->gguf->tensors[i];
    *ret_tensor = (struct nmos_tensor){
        .name = text_of(tensor->name),
        .type = tensor_format_get(tensor->type)->name,
        .n_dims = tensor->n_dims,
        .dims = {tensor->dims[0], tensor->dims[1], tensor->dims[2], tensor->dims[3]},
        .n_bytes = tensor->n_bytes,
        .offset = tensor->offset,
        .part_i = tensor->file_i};
    return 0;
}
