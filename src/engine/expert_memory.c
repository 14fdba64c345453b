/* SPDX-License-Identifier: MIT */
/*
 * The file experts-FINGERPRINT.bin, little endian: "NMOSEXP3", u64 fingerprint, u32 layers, u32
 * experts, u32 bins, u32 0, f32 heat of each expert of each layer, f32 uses and f32 uses at each
 * rank (stream/expert_reuse.h), four f32 for each record of what passes read
 * (stream/expert_record.h), u64 FNV-1a hash of all before.
 */
#include "engine/expert_memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cache_file.h"
#include "base/log.h"
#include "base/mem.h"

#define FNV_BASIS 14695981039346656037U
#define FNV_PRIME 1099511628211U
#define COUNT_MAX 1e30F /* a variance is a square of bytes */
#define BYTES_MAX                                                                                  \
    (sizeof(struct head) + HABIT_BYTES + sizeof(uint64_t) +                                        \
     sizeof(float) * MODEL_LAYERS_MAX * MODEL_EXPERTS_MAX)
#define NAME_BYTES  40
/* What is kept behind the heats. */
#define HABIT_BYTES (sizeof(struct expert_reuse) + EXPERT_RECORDS * sizeof(struct expert_record))

static const char magic[8] = {'N', 'M', 'O', 'S', 'E', 'X', 'P', '3'};

struct head {
    char magic[8];
    uint64_t fingerprint;
    uint32_t n_layers;
    uint32_t n_experts;
    uint32_t n_bins;
    uint32_t reserved; /* 0 */
};

static_assert(sizeof(struct expert_reuse) == (EXPERT_REUSE_BINS + 1) * sizeof(float),
              "the counts are written as they lie");
static_assert(sizeof(struct expert_record) == 4 * sizeof(float), "and so are the records");

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

uint64_t expert_memory_fingerprint(const struct gguf *gguf)
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

static void name_of(uint64_t fingerprint, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "experts-%016" PRIx64 ".bin", fingerprint);
}

static size_t heat_bytes(const struct hparams *hp)
{
    return (size_t)hp->n_layers * hp->n_experts * sizeof(float);
}

static int are_counts(const void *at, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i += sizeof(float)) {
        float count = 0;
        memcpy(&count, (const char *)at + i, sizeof(count));
        if (!(count >= 0 && count <= COUNT_MAX)) return 0;
    }
    return 1;
}

/* Why the content is not to be used; NULL when it is. */
static const char *fault_of(const struct buf *content, uint64_t fingerprint,
                            const struct hparams *hp)
{
    struct head head;
    uint64_t sum = 0;
    const size_t n = sizeof(head) + heat_bytes(hp) + HABIT_BYTES;
    if (content->len != n + sizeof(sum)) return "it has a wrong length";
    memcpy(&head, content->data, sizeof(head));
    memcpy(&sum, content->data + n, sizeof(sum));
    if (memcmp(head.magic, magic, sizeof(magic)) != 0) return "it does not begin as such a file";
    if (sum != hash(FNV_BASIS, content->data, n)) return "its checksum is wrong";
    if (head.fingerprint != fingerprint || head.n_layers != hp->n_layers ||
        head.n_experts != hp->n_experts) {
        return "it belongs to another model";
    }
    if (head.n_bins != EXPERT_REUSE_BINS) return "it is of another version";
    if (!are_counts(content->data + sizeof(head), n - sizeof(head)))
        return "it has numbers that cannot be";
    return NULL;
}

int expert_memory_load(const struct gguf *gguf, const struct hparams *hp, struct expert_habits *ret)
{
    const uint64_t fingerprint = expert_memory_fingerprint(gguf);
    struct buf content = {0};
    char name[NAME_BYTES];
    *ret = (struct expert_habits){0};
    name_of(fingerprint, name);
    int rc = cache_file_read(name, BYTES_MAX, &content);
    const char *fault = rc == 0 ? fault_of(&content, fingerprint, hp) : NULL;
    if (rc == NMOS_E_LIMIT) fault = "it is too long";
    if (fault) {
        LOG_WARN("%s in the cache folder is damaged: %s; it is set aside", name, fault);
        if (cache_file_set_aside(name) < 0) LOG_WARN("%s", error_message());
        rc = FAIL(NMOS_E_CORRUPT, "%s: %s", name, fault);
    }
    if (rc == 0) {
        ret->heat = mem_alloc(MEM_GENERAL, heat_bytes(hp), MEM_ALIGN_VECTOR);
        if (!ret->heat) rc = NMOS_E_NOMEM;
    }
    if (rc == 0) {
        const char *at = content.data + sizeof(struct head);
        memcpy(ret->heat, at, heat_bytes(hp));
        at += heat_bytes(hp);
        memcpy(&ret->reuse, at, sizeof(ret->reuse));
        memcpy(ret->records, at + sizeof(ret->reuse), sizeof(ret->records));
    }
    buf_deinit(&content);
    return rc;
}

int expert_memory_store(const struct gguf *gguf, const struct hparams *hp,
                        const struct expert_habits *habits)
{
    struct buf content = {0};
    char name[NAME_BYTES];
    struct head head = {.fingerprint = expert_memory_fingerprint(gguf),
                        .n_layers = hp->n_layers,
                        .n_experts = hp->n_experts,
                        .n_bins = EXPERT_REUSE_BINS};
    memcpy(head.magic, magic, sizeof(magic));
    name_of(head.fingerprint, name);
    int rc = buf_append(&content, &head, sizeof(head));
    if (rc == 0) rc = buf_append(&content, habits->heat, heat_bytes(hp));
    if (rc == 0) rc = buf_append(&content, &habits->reuse, sizeof(habits->reuse));
    if (rc == 0) rc = buf_append(&content, habits->records, sizeof(habits->records));
    if (rc == 0) {
        const uint64_t sum = hash(FNV_BASIS, content.data, content.len);
        rc = buf_append(&content, &sum, sizeof(sum));
    }
    if (rc == 0) rc = cache_file_write(name, content.data, content.len);
    buf_deinit(&content);
    return rc;
}
