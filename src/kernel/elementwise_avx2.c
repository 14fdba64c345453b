/* SPDX-License-Identifier: MIT */
/* The elementwise functions with AVX2 and FMA. */
// clang-format off
#include "kernel/lanes_avx2.h"
#include "kernel/elementwise_impl.h" /* is written over the lanes */
// clang-format on

const struct elementwise_table elementwise_avx2 = ELEMENTWISE_TABLE;
