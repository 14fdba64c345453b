/* SPDX-License-Identifier: MIT */
/*
 * The file KIND-FINGERPRINT.bin, or KIND-FINGERPRINT-INTENT.bin, little endian: 8 letters, u64
 * fingerprint, what was learned, u64 FNV-1a hash of all before.
 */
#include "engine/learned_file.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cache_file.h"
#include "base/log.h"

#define FNV_BASIS  14695981039346656037U
#define FNV_PRIME  1099511628211U
#define NAME_BYTES 100

struct head {
    char magic[8];
    uint64_t fingerprint;
};

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++) h = (h ^ bytes[i]) * FNV_PRIME;
    return h;
}

static uint64_t hash_number(uint64_t h, uint64_t number)
{
    for (unsigned i = 0; i < 64; i += 8) h = (h ^ (number >> i & 255)) * FNV_PRIME;
    return h;
}

uint64_t learned_fingerprint(const struct gguf *gguf)
{
    uint64_t h = FNV_BASIS;
    for (uint64_t i = 0; i < gguf->n_kvs; i++) {
        const struct gguf_kv *kv = &gguf->kvs[i];
        h = hash(h, kv->key.data, kv->key.len);
        h = hash(h, kv->data, kv->data_bytes);
    }
    for (uint64_t i = 0; i < gguf->n_tensors; i++) {
        const struct gguf_tensor *t = &gguf->tensors[i];
        h = hash(h, t->name.data, t->name.len);
        h = hash_number(h, (uint64_t)t->type);
        for (int d = 0; d < GGUF_DIMS_MAX; d++) h = hash_number(h, t->dims[d]);
        h = hash_number(hash_number(h, t->offset), t->file_i);
    }
    return hash(h, gguf->file_bytes, gguf->n_files * sizeof(gguf->file_bytes[0]));
}

uint64_t learned_fingerprint_join(uint64_t a, uint64_t b)
{
    return hash_number(hash_number(FNV_BASIS, a), b);
}

static void name_of(const struct learned_file *file, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%s-%016" PRIx64 "%s%s.bin", file->kind, file->fingerprint,
             file->intent ? "-" : "", file->intent ? file->intent : "");
}

/* Why a file is not to be used; NULL when it is. */
static const char *fault_of(const struct learned_file *file, size_t n_bytes,
                            const struct buf *content)
{
    struct head head;
    uint64_t sum = 0;
    const size_t n = sizeof(head) + n_bytes;
    if (content->len != n + sizeof(sum)) return "it has a wrong length";
    memcpy(&head, content->data, sizeof(head));
    memcpy(&sum, content->data + n, sizeof(sum));
    if (memcmp(head.magic, file->magic, sizeof(head.magic)) != 0) {
        return "it does not begin as such a file";
    }
    if (sum != hash(FNV_BASIS, content->data, n)) return "its checksum is wrong";
    return head.fingerprint == file->fingerprint ? NULL : "it belongs to another model";
}

int learned_file_reject(const struct learned_file *file, const char *fault)
{
    char name[NAME_BYTES];
    name_of(file, name);
    LOG_WARN("%s in the cache folder is damaged: %s; it is set aside", name, fault);
    if (cache_file_set_aside(name) < 0) LOG_WARN("%s", error_message());
    return FAIL(NMOS_E_CORRUPT, "%s: %s", name, fault);
}

int learned_file_load(const struct learned_file *file, size_t n_bytes, struct buf *content)
{
    struct buf whole = {0};
    char name[NAME_BYTES];
    name_of(file, name);
    int rc = cache_file_read(name, sizeof(struct head) + n_bytes + sizeof(uint64_t), &whole);
    const char *fault = rc == 0 ? fault_of(file, n_bytes, &whole) : NULL;
    if (rc == NMOS_E_LIMIT) fault = "it is too long";
    if (fault) rc = learned_file_reject(file, fault);
    if (rc == 0) rc = buf_append(content, whole.data + sizeof(struct head), n_bytes);
    buf_deinit(&whole);
    return rc;
}

int learned_file_store(const struct learned_file *file, const struct buf *content)
{
    struct buf whole = {0};
    struct head head = {.fingerprint = file->fingerprint};
    char name[NAME_BYTES];
    memcpy(head.magic, file->magic, sizeof(head.magic));
    name_of(file, name);
    int rc = buf_append(&whole, &head, sizeof(head));
    if (rc == 0) rc = buf_append(&whole, content->data, content->len);
    if (rc == 0) {
        const uint64_t sum = hash(FNV_BASIS, whole.data, whole.len);
        rc = buf_append(&whole, &sum, sizeof(sum));
    }
    if (rc == 0) rc = cache_file_write(name, whole.data, whole.len);
    buf_deinit(&whole);
    return rc;
}
