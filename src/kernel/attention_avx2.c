/* SPDX-License-Identifier: MIT */
/* Attention with AVX2, FMA and F16C. */
// clang-format off
#include "kernel/lanes_avx2.h"
#include "kernel/attention_kv_impl.h"
#include "kernel/attention_impl.h" /* both are written over the lanes */
// clang-format on

const struct attention_table attention_avx2 = {.rows = attend, .kv_store = store_position};
