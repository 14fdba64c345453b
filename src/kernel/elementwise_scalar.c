/* SPDX-License-Identifier: MIT */
/* The elementwise functions in portable C: the definition. */
// clang-format off
#include "kernel/lanes_scalar.h"
#include "kernel/elementwise_impl.h" /* is written over the lanes */
// clang-format on

const struct elementwise_table elementwise_scalar = ELEMENTWISE_TABLE;
