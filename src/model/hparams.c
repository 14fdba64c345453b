/* SPDX-License-Identifier: MIT */
#include "model/hparams.h"

#include <math.h>
#include <stdio.h>

#define KEY_MAX 128

/* Reads keys of one architecture; `key` is the scratch in which a full key is put together. */
struct reader {
    const struct gguf *gguf;
    const char *arch;
    char key[KEY_MAX];
};

static const char *full_key(struct reader *r, const char *suffix)
{
    snprintf(r->key, sizeof(r->key), "%s.%s", r->arch, suffix);
    return r->key;
}

/* A count in [min, max]; a missing key yields fallback, which is checked too. */
static int read_count(struct reader *r, const char *suffix, uint64_t fallback, uint32_t min,
                      uint32_t max, uint32_t *ret)
{
    uint64_t value = 0;
    const char *key = full_key(r, suffix);
    const struct gguf_kv *kv = gguf_find(r->gguf, key);
    if (kv && kv->type == GGUF_ARRAY) {
        /* One value per layer is fine as long as all layers agree. */
        if (!gguf_type_is_integer(kv->elem_type) || kv->n_elems == 0) {
            return FAIL(NMOS_E_CORRUPT, "metadata %s: expected an integer", key);
        }
        value = gguf_kv_u64(kv, 0);
        for (uint64_t i = 1; i < kv->n_elems; i++) {
            if (gguf_kv_u64(kv, i) != value) {
                return FAIL(NMOS_E_UNSUPPORTED,
                            "metadata %s differs between layers; such models are not supported",
                            key);
            }
        }
    } else {
        TRY(gguf_get_u64(r->gguf, key, fallback, &value));
    }
    if (value < min || value > max) {
        return FAIL(NMOS_E_CORRUPT, "metadata %s is %llu; %u to %u is possible%s", key,
                    (unsigned long long)value, min, max, kv ? "" : " (the key is missing)");
    }
    *ret = (uint32_t)value;
    return 0;
}

static int read_float(struct reader *r, const char *suffix, float fallback, float min, float max,
                      float *ret)
{
    float value = 0;
    const char *key = full_key(r, suffix);
    TRY(gguf_get_f32(r->gguf, key, fallback, &value));
    if (!(value >= min && value <= max)) {
        return FAIL(NMOS_E_CORRUPT, "metadata %s is %g; %g to %g is possible", key, (double)value,
                    (double)min, (double)max);
    }
    *ret = value;
    return 0;
}

static int read_rope_scaling(struct reader *r, struct rope_params *rope)
{
    static const struct {
        const char *name;
        enum rope_scaling scaling;
    } kinds[] = {{"none", ROPE_SCALING_NONE},
                 {"linear", ROPE_SCALING_LINEAR},
                 {"yarn", ROPE_SCALING_YARN},
                 {"longrope", ROPE_SCALING_LONGROPE}};
    struct str name = {0};
    TRY(gguf_get_str(r->gguf, full_key(r, "rope.scaling.type"), STR_LIT("none"), &name));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_equal(name, str_from(kinds[i].name))) {
            rope->scaling = kinds[i].scaling;
            return 0;
        }
    }
    return FAIL(NMOS_E_UNSUPPORTED,
                "metadata %s is \"%.*s\"; none, linear, yarn and longrope are supported", r->key,
                STR_ARG(name));
}

static int read_rope(struct reader *r, struct hparams *hp)
{
    struct rope_params *rope = &hp->rope;
    TRY(read_float(r, "rope.freq_base", 10000.0F, 1.0F, 1e12F, &rope->freq_base));
    TRY(read_float(r, "rope.freq_base_swa", 10000.0F, 1.0F, 1e12F, &rope->freq_base_local));
    TRY(read_count(r, "rope.dimension_count", hp->head_dim_k, 2, hp->head_dim_k, &rope->n_rot));
    if (rope->n_rot % 2) {
        return FAIL(NMOS_E_CORRUPT, "rope.dimension_count is %u; it must be even", rope->n_rot);
    }
    TRY(read_rope_scaling(r, rope));
    float legacy_factor = 1.0F;
    TRY(read_float(r, "rope.scale_linear", 1.0F, 1e-3F, 1e6F, &legacy_factor));
    TRY(read_float(r, "rope.scaling.factor", legacy_factor, 0.0F, 1e6F, &rope->factor));
    if (rope->factor == 0.0F) rope->factor = 1.0F;
    if (legacy_factor != 1.0F && rope->scaling == ROPE_SCALING_NONE) {
        rope->scaling = ROPE_SCALING_LINEAR;
    }
    TRY(read_count(r, "rope.scaling.original_context_length", hp->n_ctx_train, 1, MODEL_CONTEXT_MAX,
                   &rope->original_ctx));
    TRY(read_float(r, "rope.scaling.attn_factor", 1.0F, 0.0F, 1e3F, &rope->attn_factor));
    if (rope->attn_factor == 0.0F) rope->attn_factor = 1.0F;
    TRY(read_float(r, "rope.scaling.yarn_beta_fast", 32.0F, 1e-3F, 1e6F, &rope->beta_fast));
    TRY(read_float(r, "rope.scaling.yarn_beta_slow", 1.0F, 1e-3F, 1e6F, &rope->beta_slow));
    return 0;
}

static int read_experts(struct reader *r, struct hparams *hp)
{
    const unsigned flags = hp->arch->flags;
    const uint32_t min = flags & ARCH_MOE_REQUIRED ? 1 : 0;
    TRY(read_count(r, "expert_count", 0, min, MODEL_EXPERTS_MAX, &hp->n_experts));
    if (!hp->n_experts) return 0;
    if (!(flags & (ARCH_MOE_REQUIRED | ARCH_MOE_RENORM))) {
        return FAIL(NMOS_E_UNSUPPORTED, "architecture %s with %u experts is not supported", r->arch,
                    hp->n_experts);
    }
    const uint32_t used_max =
        hp->n_experts < MODEL_EXPERTS_USED_MAX ? hp->n_experts : MODEL_EXPERTS_USED_MAX;
    TRY(read_count(r, "expert_used_count", 0, 1, used_max, &hp->n_experts_used));
    TRY(read_count(r, "expert_feed_forward_length", hp->d_ff, 1, MODEL_DIM_MAX, &hp->d_ff_expert));
    if (flags & ARCH_SHARED_EXPERT) {
        TRY(read_count(r, "expert_shared_feed_forward_length", hp->d_ff, 1, MODEL_DIM_MAX,
                       &hp->d_ff_shared));
    }
    return 0;
}

static int read_attention(struct reader *r, struct hparams *hp)
{
    TRY(read_count(r, "attention.head_count", 0, 1, MODEL_HEADS_MAX, &hp->n_heads));
    TRY(read_count(r, "attention.head_count_kv", hp->n_heads, 1, hp->n_heads, &hp->n_kv_heads));
    if (hp->n_heads % hp->n_kv_heads) {
        return FAIL(NMOS_E_CORRUPT, "%u attention heads cannot share %u key/value heads evenly",
                    hp->n_heads, hp->n_kv_heads);
    }
    const uint32_t even_share = hp->d_model / hp->n_heads;
    TRY(read_count(r, "attention.key_length", even_share, 2, MODEL_HEAD_DIM_MAX, &hp->head_dim_k));
    TRY(read_count(r, "attention.value_length", even_share, 2, MODEL_HEAD_DIM_MAX,
                   &hp->head_dim_v));
    if (hp->head_dim_k % 8 || hp->head_dim_v % 8) {
        return FAIL(NMOS_E_UNSUPPORTED,
                    "attention heads of %u and %u dimensions: only multiples of 8 are supported",
                    hp->head_dim_k, hp->head_dim_v);
    }
    TRY(read_float(r, "attention.layer_norm_rms_epsilon", 1e-5F, 0.0F, 1.0F, &hp->norm_eps));
    const int is_wide = hp->arch->wide_scale_layers == hp->n_layers;
    hp->attn_scale = 1.0F / sqrtf((float)(is_wide ? even_share : hp->head_dim_k));
    if (hp->arch->window_period) {
        TRY(read_count(r, "attention.sliding_window", 0, 0, MODEL_CONTEXT_MAX, &hp->window));
    }
    if (hp->arch->flags & ARCH_SOFTCAPS) {
        TRY(read_float(r, "attn_logit_softcapping", 50.0F, 0.0F, 1e6F, &hp->attn_softcap));
        TRY(read_float(r, "final_logit_softcapping", 30.0F, 0.0F, 1e6F, &hp->logit_softcap));
    }
    return 0;
}

int hparams_read(const struct gguf *gguf, struct hparams *ret)
{
    struct hparams hp = {0};
    struct str name = {0};
    TRY(gguf_get_str(gguf, "general.architecture", (struct str){"", 0}, &name));
    if (!name.len) {
        return FAIL(NMOS_E_CORRUPT, "metadata general.architecture is missing: not a model file");
    }
    TRY(arch_find(name, &hp.arch));
    struct reader reader = {.gguf = gguf, .arch = hp.arch->name};
    struct reader *r = &reader;
    TRY(read_count(r, "block_count", 0, 1, MODEL_LAYERS_MAX, &hp.n_layers));
    TRY(read_count(r, "context_length", 0, 1, MODEL_CONTEXT_MAX, &hp.n_ctx_train));
    TRY(read_count(r, "embedding_length", 0, 1, MODEL_DIM_MAX, &hp.d_model));
    const uint32_t ff_min = hp.arch->flags & ARCH_MOE_REQUIRED ? 0 : 1;
    TRY(read_count(r, "feed_forward_length", 0, ff_min, MODEL_DIM_MAX, &hp.d_ff));
    TRY(read_attention(r, &hp));
    TRY(read_rope(r, &hp));
    TRY(read_experts(r, &hp));
    const struct gguf_tensor *embedding = gguf_find_tensor(gguf, "token_embd.weight");
    if (!embedding) {
        return FAIL(NMOS_E_CORRUPT, "tensor token_embd.weight is missing: a vocabulary-only file?");
    }
    if (embedding->dims[1] < 1 || embedding->dims[1] > MODEL_VOCAB_MAX) {
        return FAIL(NMOS_E_CORRUPT, "token_embd.weight has %llu rows; 1 to %u is possible",
                    (unsigned long long)embedding->dims[1], MODEL_VOCAB_MAX);
    }
    hp.n_vocab = (uint32_t)embedding->dims[1];
    *ret = hp;
    return 0;
}
