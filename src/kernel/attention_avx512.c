/* SPDX-License-Identifier: MIT */
/* Attention with AVX-512. */
// clang-format off
#include "kernel/lanes_avx512.h"
#include "kernel/attention_kv_impl.h"
#include "kernel/attention_impl.h" /* both are written over the lanes */
// clang-format on

const struct attention_table attention_avx512 = {.rows = attend, .kv_store = store_position};
