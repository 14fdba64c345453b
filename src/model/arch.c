/* SPDX-License-Identifier: MIT */
#include "model/arch.h"

#include "base/str.h"

#define N_ARCHS (sizeof(archs) / sizeof(archs[0]))

static const struct arch archs[] = {
    /* Llama 1-3, SmolLM2, Mistral, and Mixtral when the file has experts. */
    {"llama", ROPE_PAIRS_ADJACENT, FFN_SILU, ARCH_MOE_RENORM, 0, 0},
    {"qwen2", ROPE_PAIRS_HALVES, FFN_SILU, 0, 0, 0},
    {"qwen3", ROPE_PAIRS_HALVES, FFN_SILU, ARCH_QK_NORM, 0, 0},
    {"qwen2moe", ROPE_PAIRS_HALVES, FFN_SILU, ARCH_MOE_REQUIRED | ARCH_SHARED_EXPERT, 0, 0},
    {"qwen3moe", ROPE_PAIRS_HALVES, FFN_SILU, ARCH_QK_NORM | ARCH_MOE_REQUIRED | ARCH_MOE_RENORM, 0,
     0},
    /* The 27B models of both Gemma generations (46 and 62 layers) scale queries by the model width.
     */
    {"gemma2", ROPE_PAIRS_HALVES, FFN_GELU_TANH,
     ARCH_POST_NORMS | ARCH_SCALED_EMBEDDING | ARCH_SOFTCAPS, 2, 46},
    {"gemma3", ROPE_PAIRS_HALVES, FFN_GELU_TANH,
     ARCH_QK_NORM | ARCH_POST_NORMS | ARCH_SCALED_EMBEDDING | ARCH_LOCAL_ROPE, 6, 62},
    {"phi3", ROPE_PAIRS_HALVES, FFN_SILU, ARCH_FUSED_QKV | ARCH_FUSED_GATE_UP, 0, 0},
};

int arch_find(struct str name, const struct arch **ret_arch)
{
    char known[256];
    size_t used = 0;
    for (size_t i = 0; i < N_ARCHS; i++) {
        const struct str row = str_from(archs[i].name);
        if (str_equal(row, name)) {
            *ret_arch = &archs[i];
            return 0;
        }
        if (used + row.len + 2 < sizeof(known)) {
            if (used) known[used++] = ' ';
            memcpy(known + used, row.data, row.len);
            used += row.len;
        }
    }
    known[used] = '\0';
    return FAIL(NMOS_E_UNSUPPORTED, "architecture \"%.*s\" is not supported; known: %s",
                STR_ARG(name), known);
}
