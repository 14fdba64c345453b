/* SPDX-License-Identifier: MIT */
/* The elementwise functions with AVX-512. */
// clang-format off
#include "kernel/lanes_avx512.h"
#include "kernel/elementwise_impl.h" /* is written over the lanes */
// clang-format on

const struct elementwise_table elementwise_avx512 = ELEMENTWISE_TABLE;
