/* SPDX-License-Identifier: MIT */
/* Attention in portable C: the definition. */
// clang-format off
#include "kernel/lanes_scalar.h"
#include "kernel/attention_kv_impl.h"
#include "kernel/attention_impl.h" /* both are written over the lanes */
// clang-format on

const struct attention_table attention_scalar = {.rows = attend, .kv_store = store_position};
