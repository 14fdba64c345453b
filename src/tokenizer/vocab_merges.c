/* SPDX-License-Identifier: MIT */
/*
 * The merges of byte-level BPE: "left right" in the order of their rank, kept as ids in a hash
 * table.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "tokenizer/tokenizer_internal.h"

#define MERGES_MAX ((uint64_t)1 << 24)

static uint32_t rule_slot(const struct tokenizer *t, int32_t left, int32_t right)
{
    const uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    uint32_t slot = hash_slot(hash_mix(pair), t->n_rule_slots);
    while (t->rules[slot].left != TOKEN_NONE &&
           (t->rules[slot].left != left || t->rules[slot].right != right)) {
        slot = slot + 1 == t->n_rule_slots ? 0 : slot + 1;
    }
    return slot;
}

const struct merge_rule *vocab_find_rule(const struct tokenizer *t, int32_t left, int32_t right)
{
    if (left == TOKEN_NONE || right == TOKEN_NONE) return NULL;
    const struct merge_rule *rule = &t->rules[rule_slot(t, left, right)];
    return rule->left == TOKEN_NONE ? NULL : rule;
}

/* Room to take one merge apart. */
struct merge_scratch {
    char joined[2 * TOKENIZER_TOKEN_BYTES_MAX]; /* the merge without its space */
    char bytes[2 * TOKENIZER_TOKEN_BYTES_MAX];  /* what a spelling stands for */
};

/* Id of the token with this printable spelling. Added tokens are spelled literally. */
static int32_t find_spelling(const struct tokenizer *t, struct str spelling, char *bytes)
{
    const int64_t n = byte_spelling_decode(spelling, bytes);
    const int32_t id = n < 0 ? TOKEN_NONE : vocab_find_text(t, bytes, (size_t)n);
    return id != TOKEN_NONE ? id : vocab_find_text(t, spelling.data, spelling.len);
}

/* The first of equal merges counts. */
static int add_merge(struct tokenizer *t, uint64_t rank, struct str merge,
                     struct merge_scratch *scratch)
{
    const char *space = merge.len > 1 ? memchr(merge.data + 1, ' ', merge.len - 1) : NULL;
    if (!space || merge.len > sizeof(scratch->joined)) {
        return FAIL(NMOS_E_CORRUPT,
                    "merge %" PRIu64 " '%.*s' is not two tokens with a space between", rank,
                    STR_ARG(merge));
    }
    const size_t n_left = (size_t)(space - merge.data);
    memcpy(scratch->joined, merge.data, n_left);
    memcpy(scratch->joined + n_left, space + 1, merge.len - n_left - 1);
    const struct str parts[3] = {
        {scratch->joined, n_left},
        {scratch->joined + n_left, merge.len - n_left - 1},
        {scratch->joined, merge.len - 1},
    };
    int32_t ids[3];
    for (int i = 0; i < 3; i++) {
        ids[i] = find_spelling(t, parts[i], scratch->bytes);
        if (ids[i] != TOKEN_NONE) continue;
        return FAIL(NMOS_E_CORRUPT, "merge %" PRIu64 " '%.*s': '%.*s' is not a token", rank,
                    STR_ARG(merge), STR_ARG(parts[i]));
    }
    struct merge_rule *slot = &t->rules[rule_slot(t, ids[0], ids[1])];
    if (slot->left == TOKEN_NONE)
        *slot = (struct merge_rule){ids[0], ids[1], (uint32_t)rank, ids[2]};
    return 0;
}

int vocab_load_merges(struct tokenizer *t, const struct gguf *gguf)
{
    const struct gguf_kv *merges = gguf_find(gguf, "tokenizer.ggml.merges");
    if (!merges || merges->type != GGUF_ARRAY || !merges->strings) {
        return FAIL(
            NMOS_E_CORRUPT,
            "tokenizer.ggml.merges, an array of strings, is missing: byte-level BPE needs it");
    }
    const uint64_t n = merges->n_elems;
    if (n > MERGES_MAX) {
        return FAIL(NMOS_E_LIMIT, "the vocabulary has %" PRIu64 " merges; the limit is %" PRIu64, n,
                    MERGES_MAX);
    }
    t->n_rule_slots = (uint32_t)(n + n / 3 + 1);
    t->rules = mem_alloc(MEM_VOCAB, t->n_rule_slots * sizeof(*t->rules), MEM_ALIGN_VECTOR);
    struct merge_scratch *scratch = mem_alloc(MEM_VOCAB, sizeof(*scratch), MEM_ALIGN_VECTOR);
    int rc = t->rules && scratch ? 0 : NMOS_E_NOMEM;
    if (rc == 0) memset(t->rules, 0xff, t->n_rule_slots * sizeof(*t->rules));
    for (uint64_t i = 0; i < n && rc == 0; i++) rc = add_merge(t, i, merges->strings[i], scratch);
    mem_free(scratch);
    return rc;
}
