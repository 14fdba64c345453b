/* SPDX-License-Identifier: MIT */
/*
 * The files experts-*.bin, version 4: u32 layers, u32 experts, u32 bins, u32 0, f32 heat of each
 * expert of each layer, f32 uses and f32 uses at each rank (stream/expert_reuse.h), four f32 for
 * each record of what passes read (stream/expert_record.h), f32 passes and f32 experts that they
 * wanted for each size of passes (stream/expert_reach.h).
 */
#include "engine/expert_memory.h"

#include <assert.h>

#include "base/mem.h"
#include "engine/learned_file.h"

#define COUNT_MAX 1e30F /* a variance is a square of bytes */
/* What is kept behind the heats. */
#define HABIT_BYTES                                                                                \
    (sizeof(struct expert_reuse) + EXPERT_RECORDS * sizeof(struct expert_record) +                 \
     EXPERT_REACH_SIZES * sizeof(struct expert_reach))

struct sizes {
    uint32_t n_layers;
    uint32_t n_experts;
    uint32_t n_bins;
    uint32_t reserved; /* 0 */
};

static_assert(sizeof(struct expert_reuse) == (EXPERT_REUSE_BINS + 1) * sizeof(float),
              "the counts are written as they lie");
static_assert(sizeof(struct expert_record) == 4 * sizeof(float), "and so are the records");
static_assert(sizeof(struct expert_reach) == 2 * sizeof(float), "and what passes wanted");

static struct learned_file file_of(uint64_t fingerprint, const char *intent)
{
    return (struct learned_file){.kind = "experts",
                                 .magic = {'N', 'M', 'O', 'S', 'E', 'X', 'P', '4'},
                                 .fingerprint = fingerprint,
                                 .intent = intent};
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
static const char *fault_of(const struct buf *content, const struct hparams *hp)
{
    struct sizes sizes;
    memcpy(&sizes, content->data, sizeof(sizes));
    if (sizes.n_layers != hp->n_layers || sizes.n_experts != hp->n_experts) {
        return "it belongs to another model";
    }
    if (sizes.n_bins != EXPERT_REUSE_BINS) return "it is of another version";
    if (!are_counts(content->data + sizeof(sizes), content->len - sizeof(sizes))) {
        return "it has numbers that cannot be";
    }
    return NULL;
}

int expert_memory_load(uint64_t fingerprint, const struct hparams *hp, const char *intent,
                       struct expert_habits *ret)
{
    const struct learned_file file = file_of(fingerprint, intent);
    struct buf content = {0};
    *ret = (struct expert_habits){0};
    int rc =
        learned_file_load(&file, sizeof(struct sizes) + heat_bytes(hp) + HABIT_BYTES, &content);
    const char *fault = rc == 0 ? fault_of(&content, hp) : NULL;
    if (fault) rc = learned_file_reject(&file, fault);
    if (rc == 0) {
        ret->heat = mem_alloc(MEM_GENERAL, heat_bytes(hp), MEM_ALIGN_VECTOR);
        if (!ret->heat) rc = NMOS_E_NOMEM;
    }
    if (rc == 0) {
        const char *at = content.data + sizeof(struct sizes);
        memcpy(ret->heat, at, heat_bytes(hp));
        at += heat_bytes(hp);
        memcpy(&ret->reuse, at, sizeof(ret->reuse));
        at += sizeof(ret->reuse);
        memcpy(ret->records, at, sizeof(ret->records));
        memcpy(ret->reach, at + sizeof(ret->records), sizeof(ret->reach));
    }
    buf_deinit(&content);
    return rc;
}

int expert_memory_store(uint64_t fingerprint, const struct hparams *hp, const char *intent,
                        const struct expert_habits *habits)
{
    const struct learned_file file = file_of(fingerprint, intent);
    const struct sizes sizes = {
        .n_layers = hp->n_layers, .n_experts = hp->n_experts, .n_bins = EXPERT_REUSE_BINS};
    struct buf content = {0};
    int rc = buf_append(&content, &sizes, sizeof(sizes));
    if (rc == 0) rc = buf_append(&content, habits->heat, heat_bytes(hp));
    if (rc == 0) rc = buf_append(&content, &habits->reuse, sizeof(habits->reuse));
    if (rc == 0) rc = buf_append(&content, habits->records, sizeof(habits->records));
    if (rc == 0) rc = buf_append(&content, habits->reach, sizeof(habits->reach));
    if (rc == 0) rc = learned_file_store(&file, &content);
    buf_deinit(&content);
    return rc;
}
